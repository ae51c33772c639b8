//! Data folders, databases and keys that cannot be used: each is refused with its path and what to do, and nothing in it
//! is touched.

use crate::support::program::{Ended, Place};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The owner's data with a sealed key in it, as a stopped server left it.
fn with_data(key: bool) -> Place {
    let place = Place::new();
    let server = place.serve(&[]);
    let ann = server.user("ann");
    if key {
        ann.post("/api/user/api-key", &serde_json::json!({"api_key": "sk-own-0000000000000000"})).expect(200);
    }
    assert_eq!(server.stop().code, Some(0));
    // All of it in the one file, so that damage to that file is damage to the data.
    sql(&place.data().join("gpt-assistant.db"), "PRAGMA wal_checkpoint(TRUNCATE)");
    place
}

fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().flatten().filter(|entry| entry.path().is_file()) {
        let name = entry.file_name().to_string_lossy().into_owned();
        let bytes = fs::read(entry.path()).unwrap();
        // The lock is no data, -shm an index of the log that every reader makes anew, and an empty log no log.
        if name != "lock" && !name.ends_with("-shm") && !(name.ends_with("-wal") && bytes.is_empty()) {
            found.insert(name, bytes);
        }
    }
    found
}

#[track_caller]
fn is_refused(ended: &Ended, code: i32, words: &[&str], what: &str) {
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(code), ""), "{what}: {}", ended.stderr);
    let said: Vec<&str> = ended.stderr.lines().filter(|line| line.starts_with("gpt-assistant: ")).collect();
    assert_eq!(said.len(), 1, "{what}: {}", ended.stderr);
    for word in words {
        assert!(said[0].contains(word), "{what}: {}", said[0]);
    }
    assert!(!ended.stderr.contains("panicked"), "{what}: {}", ended.stderr);
}

fn start(place: &Place) -> Ended {
    place.run(&["--listen", "127.0.0.1:0"])
}

#[test]
fn s5_a_folder_that_cannot_be_used_is_named() {
    let place = Place::new();
    let file = place.write("file", "no folder");
    for folder in [file.as_str(), &format!("{file}/below"), "/proc/nowhere", "/dev/null/data"] {
        let ended = place.run(&["--listen", "127.0.0.1:0", "--data-dir", folder]);
        is_refused(&ended, 2, &["server.data_dir", folder], folder);
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "no folder");
    // A missing one is made, with what is above it.
    place.serve(&["--data-dir", "a/b/c"]);
    assert!(place.path().join("a/b/c/gpt-assistant.db").exists());
}

/// Does harm to a data folder.
type Damage = fn(&Path);

#[test]
fn s6_a_database_that_is_none_of_ours_is_left_as_it_is() {
    let damage: [(&str, Damage); 9] = [
        ("garbage in front", |db| overwrite(db, 0, &[0x55; 100])),
        ("a page of noise", |db| overwrite(db, 4096, &[0xAA; 8192])),
        ("cut short", |db| fs::OpenOptions::new().write(true).open(db).unwrap().set_len(20_000).unwrap()),
        ("emptied", |db| fs::write(db, b"").unwrap()),
        ("missing", |db| fs::remove_file(db).unwrap()),
        ("of a newer version", |db| pragma(db, "user_version", 999)),
        ("of another program", |db| pragma(db, "application_id", 7)),
        ("text", |db| fs::write(db, "hello ".repeat(1000)).unwrap()),
        ("another database", |db| {
            fs::remove_file(db).unwrap();
            sql(db, "PRAGMA journal_mode = DELETE; CREATE TABLE other(x); INSERT INTO other VALUES(1)");
        }),
    ];
    for (what, damage) in damage {
        let place = with_data(false);
        let database = place.data().join("gpt-assistant.db");
        damage(&database);
        let before = contents(&place.data());
        for _ in 0..2 {
            is_refused(&start(&place), 3, &["gpt-assistant.db"], what);
            let after = contents(&place.data());
            assert!(before == after, "{what}: the data folder was changed: {:?}", after.keys());
        }
        let listed = place.run(&["user", "list"]);
        assert_eq!((listed.code, listed.stdout.as_str()), (Some(3), ""), "{what}: {}", listed.stderr);
        assert!(before == contents(&place.data()), "{what}: a command changed the data folder");
    }
}

fn overwrite(path: &Path, at: u64, bytes: &[u8]) {
    let file = fs::OpenOptions::new().write(true).open(path).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, bytes, at).unwrap();
}

#[expect(clippy::disallowed_methods, reason = "another program would not ask the store either")]
fn sql(path: &Path, statements: &str) {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection.execute_batch(statements).unwrap();
}

fn pragma(path: &Path, name: &str, value: i64) {
    sql(path, &format!("PRAGMA {name} = {value}"));
}

#[test]
fn s5_a_database_that_is_no_plain_file_is_refused() {
    let place = with_data(false);
    let database = place.data().join("gpt-assistant.db");
    let elsewhere = place.path().join("elsewhere.db");
    fs::rename(&database, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &database).unwrap();
    let before = fs::read(&elsewhere).unwrap();
    is_refused(&start(&place), 3, &["gpt-assistant.db", "not a plain file"], "a symbolic link");
    assert!(before == fs::read(&elsewhere).unwrap());
    fs::remove_file(&database).unwrap();
    std::os::unix::fs::symlink("/nowhere/at/all", &database).unwrap();
    is_refused(&start(&place), 3, &["gpt-assistant.db"], "a link to nothing");
    fs::remove_file(&database).unwrap();
    fs::create_dir(&database).unwrap();
    is_refused(&start(&place), 3, &["gpt-assistant.db"], "a folder");
    fs::remove_dir(&database).unwrap();
    fs::rename(&elsewhere, &database).unwrap();
    place.serve(&[]);
}

#[test]
fn s6_what_a_crash_left_is_read() {
    let place = Place::new();
    let server = place.serve(&[]);
    server.user("ann");
    drop(server); // killed: its log is not folded in
    assert!(fs::metadata(place.data().join("gpt-assistant.db-wal")).unwrap().len() > 0);
    let server = place.serve(&[]);
    server.client().login("ann@example.org", "secret1").expect(200);
}

#[test]
fn u16_a_picture_that_nobody_has_goes_at_the_next_start() {
    let place = with_data(false);
    let left = ["1_0123456789abcdef0123456789abcdef.png", "1_0123456789abcdef0123456789abcdef.png.new"];
    for name in left {
        fs::write(place.data().join("avatars").join(name), "left by an end without warning").unwrap();
    }
    let export = place.data().join("download-0123abcd-7.part");
    fs::write(&export, "an export that was cut off").unwrap();
    drop(place.serve(&[]));
    assert_eq!(fs::read_dir(place.data().join("avatars")).unwrap().count(), 0);
    assert!(!export.exists());
}

#[test]
fn what_a_link_in_the_data_folder_leads_to_is_left_alone() {
    let place = with_data(false);
    let theirs = place.path().join("theirs");
    fs::write(&theirs, "of whoever starts the program").unwrap();
    let lock = place.data().join("lock");
    fs::remove_file(&lock).unwrap();
    std::os::unix::fs::symlink(&theirs, &lock).unwrap();
    is_refused(&start(&place), 2, &["lock", "cannot be written"], "a lock that leads elsewhere");
    fs::remove_file(&lock).unwrap();
    // A new key goes through a draft.
    fs::remove_file(place.data().join("master.key")).unwrap();
    std::os::unix::fs::symlink(&theirs, place.data().join("master.key.new")).unwrap();
    drop(place.serve(&[]));
    assert!(fs::symlink_metadata(place.data().join("master.key")).unwrap().is_file());
    assert_eq!(fs::read_to_string(&theirs).unwrap(), "of whoever starts the program");
}

#[test]
fn a_backup_that_cannot_read_a_file_is_none() {
    let place = with_data(false);
    let picture = place.data().join("avatars/1_0123456789abcdef0123456789abcdef.png");
    std::os::unix::fs::symlink(&picture, &picture).unwrap();
    let file = place.path().join("backup.zip");
    let ended = place.run(&["backup", &file.display().to_string()]);
    is_refused(&ended, 1, &["avatars/1_0123", "cannot be read"], "a link that leads to itself");
    assert!(!file.exists());
    // One that is gone is gone: it was replaced while the backup was made.
    fs::remove_file(&picture).unwrap();
    std::os::unix::fs::symlink("nowhere", &picture).unwrap();
    assert_eq!(place.run(&["backup", &file.display().to_string()]).code, Some(0));
}

#[test]
fn s14_a_key_that_is_needed_must_be_the_right_one() {
    let place = with_data(true);
    let key = place.data().join("master.key");
    let right = fs::read_to_string(&key).unwrap();
    let other = fs::read_to_string(with_data(false).data().join("master.key")).unwrap();
    let cases: [(&str, Option<&str>); 5] = [
        ("missing", None),
        ("of another server", Some(&other)),
        ("empty", Some("")),
        ("half", Some(&right[..20])),
        ("no key", Some("hello\n")),
    ];
    for (what, text) in cases {
        match text {
            Some(text) => fs::write(&key, text).unwrap(),
            None => fs::remove_file(&key).unwrap(),
        }
        let ended = start(&place);
        is_refused(&ended, 2, &["master.key"], what);
        assert!(
            !ended.stderr.contains(right.trim()) && !ended.stderr.contains(other.trim()),
            "{}",
            ended.stderr
        );
        assert_eq!(fs::read_to_string(&key).ok().as_deref(), text, "{what}: it was changed");
    }
    fs::write(&key, &right).unwrap();
    let server = place.serve(&[]);
    let ann = server.client().login("ann@example.org", "secret1").expect(200).json();
    assert_eq!(ann["user"]["has_api_key"], true);
}

#[test]
fn s14_a_key_that_seals_nothing_is_made_anew_and_ends_all_logins() {
    let place = Place::new();
    let server = place.serve(&[]);
    let token = server.user("ann").token.unwrap();
    server.stop();
    let server = place.serve(&[]);
    server.client().with_token(&token).get("/api/user").expect(200);
    server.stop();
    fs::remove_file(place.data().join("master.key")).unwrap();
    let server = place.serve(&[]);
    server.client().with_token(&token).get("/api/user").fails(401, "unauthenticated");
    server.client().login("ann@example.org", "secret1").expect(200);
}

/// Only root can become somebody else; whoever runs the tests as a person is somebody else already.
#[test]
fn s5_a_folder_of_somebody_else_is_refused() {
    let mut place = Place::new();
    fs::create_dir(place.data()).unwrap();
    fs::set_permissions(place.data(), std::os::unix::fs::PermissionsExt::from_mode(0o500)).unwrap();
    if rustix::process::geteuid().is_root() {
        let program = place.path().join("program");
        // By a process of its own: a file that this one has open for writing cannot be run, nor while a fork of it has.
        let copied =
            std::process::Command::new("cp").arg(env!("CARGO_BIN_EXE_gpt-assistant")).arg(&program).status();
        assert!(copied.is_ok_and(|status| status.success()));
        for path in [place.path(), &program, &place.data()] {
            fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o555)).unwrap();
        }
        place.before = format!(
            "exec setpriv --reuid 65534 --regid 65534 --clear-groups {} --listen 127.0.0.1:0;",
            program.display()
        );
    }
    is_refused(&start(&place), 2, &["server.data_dir data cannot be written to"], "read-only");
    fs::set_permissions(place.path(), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    fs::set_permissions(place.data(), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
}
