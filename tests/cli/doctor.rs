//! `doctor`: finds what people run into, says what to do, changes nothing and shows no secret.

use crate::support::program::{Ended, Place};
use crate::support::upstream::{Step, delta, done, plain, stop, stream_head, usage};
use crate::support::{Client, Upstream};
use serde_json::json;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

const SHARED: &str = "sk-canary-shared-0123456789abcdef";

/// The lines about one thing, with what to do.
fn about(ended: &Ended, what: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut ours = false;
    for line in ended.stdout.lines() {
        if let Some(todo) = line.trim_start().strip_prefix("-> ") {
            if let Some(last) = found.last_mut().filter(|_| ours) {
                last.1.push_str(todo);
            }
        } else {
            ours = line.get(6..).is_some_and(|rest| rest.starts_with(&format!("{what} ")));
            if ours {
                found.push((line.to_owned(), String::new()));
            }
        }
    }
    assert!(!found.is_empty(), "nothing about {what} in {ended:?}");
    found
}

/// Fails unless a line about `what` is of that level and holds these words, and says what to do where it is no `ok`.
#[track_caller]
fn says(ended: &Ended, level: &str, what: &str, words: &[&str]) -> String {
    let lines = about(ended, what);
    let found = lines.iter().find(|(line, todo)| {
        line.starts_with(level) && words.iter().all(|word| line.contains(word) || todo.contains(word))
    });
    let (_, todo) =
        found.unwrap_or_else(|| panic!("no {level} about {what} with {words:?} in {}", ended.stdout));
    assert_eq!(todo.is_empty(), level == "ok", "{lines:?}");
    assert_eq!(ended.code, Some(i32::from(ended.stdout.contains("\nFAIL "))), "{ended:?}");
    todo.clone()
}

fn local() -> Place {
    let mut place = Place::new();
    place.set("server.listen", "127.0.0.1:0");
    place
}

fn with_upstream(upstream: &Upstream, key: &str) -> Place {
    let mut place = local();
    place.set("upstream.base_url", &upstream.url());
    place.set("upstream.api_key", key);
    place
}

/// Names, sizes and bytes of all files; of SQLite's index, which locks live in, the name alone.
fn snapshot(folder: &Path) -> Vec<(String, Vec<u8>, std::time::SystemTime)> {
    let mut all: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .flatten()
        .map(|entry| {
            let (name, path) = (entry.file_name().to_string_lossy().into_owned(), entry.path());
            let locks = name.ends_with("-shm");
            let bytes = if locks || path.is_dir() { Vec::new() } else { fs::read(&path).unwrap() };
            let time = fs::metadata(&path).unwrap().modified().unwrap();
            (name, bytes, if locks { std::time::UNIX_EPOCH } else { time })
        })
        .collect();
    all.sort();
    all
}

#[test]
fn before_the_first_start_all_is_well_and_stays_as_it_is() {
    let place = local();
    let ended = place.run(&["doctor", "--offline"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{}", ended.stdout);
    for (what, words) in [("data folder", "is not there yet"), ("database", "none yet"), ("clock", "")] {
        says(&ended, "ok", what, &[words]);
    }
    assert!(ended.stdout.ends_with(" 0 to know, 0 wrong\n"), "{}", ended.stdout);
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0, "nothing was made");
}

#[test]
fn o3_every_fault_of_the_configuration_is_told_at_once() {
    let place = Place::new();
    place.write("config.toml", "[server]\nlisten = \"nowhere\"\n[log]\nlevel = \"loud\"\nnothing = 1\n");
    let ended = place.run(&["doctor"]);
    for line in ["config.toml:2: server.listen", "config.toml:4: log.level", "config.toml:5: there is no key"]
    {
        says(&ended, "FAIL", "configuration", &[line]);
    }
    assert_eq!((ended.code, about(&ended, "configuration").len()), (Some(1), 3), "{}", ended.stdout);
}

#[test]
fn a_running_server_does_not_notice() {
    let upstream = Upstream::start();
    let place = with_upstream(&upstream, SHARED);
    let server = place.serve(&[]);
    let ann = server.user("ann");
    ann.post("/api/user/api-key", &json!({"api_key": "sk-canary-own-0123456789abcdef"})).expect(200);
    ann.chat("hi");
    let address = server.base.trim_start_matches("http://").to_owned();
    let before = snapshot(&place.data());
    let ended = place.run(&["doctor", "--listen", &address]);
    assert_eq!(snapshot(&place.data()), before, "nothing was changed");
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    says(&ended, "ok", "server", &[&format!("process {} ", server.pid())]);
    says(&ended, "ok", "server", &[&server.base, "answers", env!("CARGO_PKG_VERSION")]);
    says(&ended, "ok", "database", &["whole", "1 accounts, 1 turns"]);
    says(&ended, "ok", "schema", &["1, the newest"]);
    says(&ended, "ok", "master key", &[]);
    says(&ended, "ok", "models", &["2 are listed"]);
    says(&ended, "ok", "answer", &["gpt-4o-mini began after"]);
    let master = fs::read_to_string(place.data().join("master.key")).unwrap();
    for secret in ["canary", master.trim()] {
        assert!(!ended.stdout.contains(secret) && !ended.stderr.contains(secret), "{}", ended.stdout);
    }
    ann.chat("still there?");
    // Stopped, and killed in the middle: what lies there is read and left.
    drop(server);
    let names = |place: &Place| snapshot(&place.data()).into_iter().map(|(name, bytes, _)| (name, bytes));
    let before: Vec<_> = names(&place).collect();
    let ended = place.run(&["doctor", "--offline"]);
    says(&ended, "ok", "server", &["no process"]);
    says(&ended, "ok", "database", &["1 accounts, 2 turns"]);
    assert_eq!(names(&place).collect::<Vec<_>>(), before);
    assert_eq!(place.serve(&[]).stop().code, Some(0), "and the next start goes on with it");
    let before = snapshot(&place.data());
    says(&place.run(&["doctor", "--offline"]), "ok", "database", &["2 turns"]);
    assert_eq!(snapshot(&place.data()), before);
}

#[test]
fn o5_rights_that_are_too_wide_are_told_with_the_command_that_mends_them() {
    let place = local();
    place.serve(&[]).stop();
    let chmod = |name: &str, mode| {
        fs::set_permissions(place.data().join(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    chmod("", 0o755);
    says(&place.run(&["doctor", "--offline"]), "warn", "data folder", &["chmod 700"]);
    chmod("master.key", 0o644);
    chmod("gpt-assistant.db", 0o640);
    let todo =
        says(&place.run(&["doctor", "--offline"]), "FAIL", "data folder", &["master.key", "chmod 600"]);
    let mended = std::process::Command::new("sh").args(["-c", &todo]).current_dir(place.path()).status();
    assert!(mended.unwrap().success(), "{todo}");
    says(&place.run(&["doctor", "--offline"]), "ok", "data folder", &["alone"]);
    let mut place = local();
    let file = place.write("config.toml", &format!("[upstream]\napi_key = \"{SHARED}\"\n"));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let ended = place.run(&["doctor", "--offline"]);
    says(&ended, "warn", "configuration", &["holds a secret", "chmod 640"]);
    assert!(!ended.stdout.contains("canary"));
    place.write("config.toml", "[metrics]\ntoken = \"a-token-of-some-length-canary\"\n");
    let ended = place.run(&["doctor", "--offline"]);
    says(&ended, "warn", "configuration", &["holds a secret"]);
    assert!(!ended.stdout.contains("canary"));
    place.before = "ulimit -n 64;".into();
    says(&place.run(&["doctor", "--offline"]), "warn", "open files", &["64", "LimitNOFILE"]);
}

#[test]
fn s5_s6_s14_what_keeps_a_server_from_starting_is_named() {
    let place = local();
    let server = place.serve(&[]);
    let ann = server.user("ann");
    ann.post("/api/user/api-key", &json!({"api_key": SHARED})).expect(200);
    server.stop();
    let (database, key) = (place.data().join("gpt-assistant.db"), place.data().join("master.key"));
    let (good, good_key) = (fs::read(&database).unwrap(), fs::read(&key).unwrap());
    let doctor = || place.run(&["doctor", "--offline"]);
    fs::remove_file(&key).unwrap();
    says(&doctor(), "FAIL", "master key", &["is missing", "put the right one back"]);
    fs::write(&key, "c2hvcnQ=\n").unwrap();
    says(&doctor(), "FAIL", "master key", &["32 bytes"]);
    fs::write(&key, format!("{}=\n", "A".repeat(43))).unwrap();
    says(&doctor(), "FAIL", "master key", &["not the key of this database"]);
    fs::write(&key, &good_key).unwrap();
    let write = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = good.clone();
        change(&mut bytes);
        fs::write(&database, bytes).unwrap();
    };
    write(&|bytes| bytes[..16].fill(b'x'));
    says(&doctor(), "FAIL", "database", &["not a database"]);
    write(&|bytes| {
        let pages = bytes.len() / 4096;
        (2..pages).for_each(|page| bytes[page * 4096..page * 4096 + 200].fill(0xff));
    });
    says(&doctor(), "FAIL", "database", &["restore a backup"]);
    write(&|bytes| bytes[60..64].copy_from_slice(&999_u32.to_be_bytes()));
    says(&doctor(), "FAIL", "database", &["newer gpt-assistant", "schema 999"]);
    write(&|bytes| bytes[68..72].copy_from_slice(&7_u32.to_be_bytes()));
    says(&doctor(), "FAIL", "database", &["not a database of gpt-assistant"]);
    fs::remove_file(&database).unwrap();
    says(&doctor(), "FAIL", "database", &["is missing, though its keys are there"]);
    std::os::unix::fs::symlink("/dev/null", &database).unwrap();
    says(&doctor(), "FAIL", "database", &["not a plain file"]);
    fs::remove_file(&database).unwrap();
    fs::write(&database, &good).unwrap();
    says(&doctor(), "ok", "database", &["whole"]);
    let mut place = local();
    place.set("server.data_dir", &place.write("a-file", ""));
    says(&place.run(&["doctor", "--offline"]), "FAIL", "data folder", &["not a folder"]);
}

#[test]
fn a_backup_that_is_old_or_was_never_made_is_missed() {
    let place = local();
    let server = place.serve(&[]);
    let ann = server.user("ann");
    let doctor = || place.run(&["doctor", "--offline"]);
    says(&doctor(), "ok", "backups", &["nothing to lose"]);
    let bob = server.user("bob");
    says(&doctor(), "warn", "backups", &["has made none", "gpt-assistant backup"]);
    assert_eq!(place.run(&["backup", "b.zip"]).code, Some(0));
    says(&doctor(), "ok", "backups", &["less than two hours ago"]);
    #[expect(clippy::disallowed_methods, reason = "the test is what lets time pass")]
    let database = rusqlite::Connection::open(place.data().join("gpt-assistant.db")).unwrap();
    database.execute("UPDATE meta SET value = value - 9 * 86400 WHERE name = 'last_backup'", []).unwrap();
    says(&doctor(), "warn", "backups", &["9 days ago"]);
    database.execute("UPDATE users SET created_at = created_at + 7200", []).unwrap();
    says(&doctor(), "FAIL", "clock", &["newest message", "timedatectl"]);
    drop((ann, bob));
}

#[test]
fn c12_the_address_it_prints_is_the_one_that_chats_use() {
    for (form, path) in [
        ("http://H/v1", "/v1"),
        ("http://H/", "/v1"),
        ("http://H/v1/chat/completions", "/v1"),
        (" http://H/api/v1 ", "/api/v1"),
    ] {
        let upstream = Upstream::start();
        let mut place = with_upstream(&upstream, SHARED);
        place.set("upstream.base_url", &form.replace('H', &upstream.address));
        for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"] {
            place.environment.push((name.into(), "http://127.0.0.1:9".into()));
        }
        let ended = place.run(&["doctor"]);
        let chat = format!("{path}/chat/completions");
        says(&ended, "ok", "model service", &[&format!("http://{}{chat}", upstream.address)]);
        let asked: Vec<String> = upstream.received().iter().map(|r| r.path().to_owned()).collect();
        assert_eq!(asked, [format!("{path}/models"), chat], "{form}: {}", ended.stdout);
    }
}

#[test]
fn c07_c12_what_is_wrong_with_the_model_service_is_told_apart() {
    let page = "<!DOCTYPE html><html><head><title>Sign in</title></head></html>";
    let refusal = format!(r#"{{"error":{{"message":"Incorrect API key provided: {SHARED}"}}}}"#);
    for (status, body, words) in [
        (200, page, ["web page", "upstream.base_url"]),
        (502, page, ["web page", "upstream.base_url"]),
        (401, &refusal, ["Incorrect API key", "upstream.api_key"]),
        (302, "", ["redirect", "upstream.base_url"]),
        (500, "", ["status 500", "log"]),
        (402, "", ["nothing left", "account"]),
    ] {
        let upstream = Upstream::start();
        upstream.answers(status, "", body);
        let ended = with_upstream(&upstream, SHARED).run(&["doctor"]);
        says(&ended, "FAIL", "models", &words);
        assert!(!ended.stdout.contains("canary"), "{}", ended.stdout);
    }
    let mut gone = Upstream::start();
    gone.address = "127.0.0.1:9".into();
    let ended = with_upstream(&gone, SHARED).run(&["doctor"]);
    says(&ended, "FAIL", "models", &["cannot be reached", "curl -v"]);
}

#[test]
fn models_keys_and_answers_are_tried() {
    let upstream = Upstream::start();
    let doctor = |key: &str, model: &str| {
        let mut place = with_upstream(&upstream, key);
        place.set("upstream.default_model", model);
        place.run(&["doctor"])
    };
    let ended = doctor(SHARED, "not-there");
    says(&ended, "warn", "models", &["not listed: not-there", "such as m, gpt-4o-mini"]);
    upstream.answers(404, "", r#"{"error":{"message":"no such route"}}"#);
    says(&doctor(SHARED, "m"), "warn", "models", &["no list", "upstream.models"]);
    // Without a shared key a refusal is what a good service says.
    upstream.answers(401, "", r#"{"error":{"message":"no key"}}"#);
    let ended = doctor("", "m");
    says(&ended, "ok", "models", &["wants a key"]);
    says(&ended, "ok", "answer", &["not tried"]);
    let list = plain(200, "Date: Mon, 01 Jan 2001 00:00:00 GMT\r\n", br#"{"data":[{"id":"m"}]}"#);
    upstream.script(vec![Step::Send(list.clone())]);
    let chunks = [delta("one"), delta(" two"), stop(), usage(3, 2), done()].concat().into_bytes();
    let late = Step::Pause(Duration::from_millis(1200));
    upstream.script(vec![Step::Send(stream_head()), late, Step::Send(chunks)]);
    let ended = doctor(SHARED, "m");
    says(&ended, "warn", "answer", &["in one piece", "buffering"]);
    says(&ended, "warn", "clock", &["ahead of", "timedatectl"]);
    upstream.script(vec![Step::Send(list)]);
    upstream.answers(
        404,
        "",
        r#"{"error":{"message":"The model `m` does not exist","code":"model_not_found"}}"#,
    );
    says(&doctor(SHARED, "m"), "FAIL", "answer", &["does not exist", "upstream.default_model"]);
    let asked = upstream.last();
    assert_eq!((&asked["model"], &asked["stream"]), (&json!("m"), &json!(true)));
    assert!(asked["max_tokens"].as_i64().is_some_and(|most| most <= 64), "{asked}");
    // The shared key may also have been set on the page.
    let mut place = local();
    place.set("upstream.base_url", &upstream.url());
    let server = place.serve(&[]);
    server.user("ann").patch("/api/admin/settings", &json!({"shared_key": SHARED})).expect(200);
    server.stop();
    says(&place.run(&["doctor"]), "ok", "answer", &["began after"]);
    let last = upstream.received().pop().unwrap();
    assert_eq!(last.header("authorization"), Some(format!("Bearer {SHARED}").as_str()));
}

#[test]
fn how_people_reach_it_is_thought_through() {
    type Set<'a> = &'a [(&'a str, &'a str)];
    let cases: [(Set<'_>, &str, &str, &[&str]); 7] = [
        (&[("metrics.listen", "0.0.0.0:0")], "warn", "metrics", &["metrics.token"]),
        (&[("server.listen", "0.0.0.0:0")], "warn", "address", &["without encryption", "public_url"]),
        (&[("server.listen", "0.0.0.0:0")], "warn", "registration", &["anybody", "invite"]),
        (&[("server.public_url", "https://h.example")], "warn", "proxy", &["share one address"]),
        (&[("server.trusted_proxies", "0.0.0.0/0")], "FAIL", "proxy", &["pretend"]),
        (&[("server.trusted_proxies", "127.0.0.1")], "warn", "proxy", &["public_url is not set"]),
        (&[], "ok", "address", &["listens on 127.0.0.1"]),
    ];
    for (set, level, what, words) in cases {
        let mut place = local();
        set.iter().for_each(|(key, value)| place.set(key, value));
        says(&place.run(&["doctor", "--offline"]), level, what, words);
    }
}

#[test]
fn the_public_address_must_lead_here() {
    let upstream = Upstream::start();
    let mut place = local();
    place.set("upstream.base_url", &upstream.url());
    let server = place.serve(&["--data-dir", "data"]);
    let address = server.base.trim_start_matches("http://").to_owned();
    let elsewhere = Upstream::start();
    let doctor = |place: &Place| place.run(&["doctor", "--listen", &address]);
    place.set("server.trusted_proxies", "127.0.0.1");
    place.set("server.public_url", &server.base);
    says(&doctor(&place), "ok", "public_url", &[&server.base, "leads to a gpt-assistant"]);
    place.set("server.public_url", &format!("http://{}", elsewhere.address));
    elsewhere.answers(200, "", "<html>hello</html>");
    says(&doctor(&place), "warn", "public_url", &["not gpt-assistant", "proxy"]);
    elsewhere.answers(502, "", "");
    says(&doctor(&place), "warn", "public_url", &["status 502"]);
    // Somebody else on the address that the server should have.
    drop(Client::new(&server.base));
    let other = place.run(&["doctor", "--listen", &elsewhere.address]);
    says(&other, "FAIL", "server", &[&elsewhere.address, "server.listen"]);
}

#[test]
fn u15_the_bucket_is_tried_without_storing_anything() {
    let bucket = Upstream::start();
    let mut place = local();
    for (key, value) in [
        ("upstream.base_url", Upstream::start().url().as_str()),
        ("oss.access_key_id", "LTAI"),
        ("oss.access_key_secret", "oss-canary-secret"),
        ("oss.bucket", "b"),
        ("oss.region", "cn-hangzhou"),
        ("oss.endpoint", &format!("http://{}", bucket.address)),
    ] {
        place.set(key, value);
    }
    let doctor = |status, code: &str| {
        bucket.answers(status, "", &format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code></Error>"));
        place.run(&["doctor"])
    };
    let ended = doctor(400, "EntityTooSmall");
    says(&ended, "ok", "oss", &["takes our signature"]);
    let posted = String::from_utf8_lossy(&bucket.received()[0].body).into_owned();
    let (_, file) = posted.split_once("Content-Type: image/png\r\n\r\n").expect("a file");
    assert!(file.starts_with("\r\n--"), "an empty one: {file}");
    says(
        &doctor(403, "SignatureDoesNotMatch"),
        "FAIL",
        "oss",
        &["SignatureDoesNotMatch", "access_key_secret"],
    );
    says(&doctor(404, "NoSuchBucket"), "FAIL", "oss", &["NoSuchBucket", "oss.bucket"]);
    let ended = doctor(403, "<b>");
    says(&ended, "FAIL", "oss", &["status 403"]);
    assert!(!ended.stdout.contains("canary"), "{}", ended.stdout);
}
