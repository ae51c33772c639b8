//! What an older release left behind, taken over by this one.
//!
//! `tests/cli/upgrade/schema-N.zip` is a backup with keys of a server with schema N in which every table has rows. It was
//! made by the first test here, which makes one of today's schema: `FIXTURE=tests/cli/upgrade/schema-N.zip cargo test
//! --test cli upgrade`. One of a released schema is never made anew.

use crate::support::exports::{archive, chatgpt, import};
use crate::support::program::{Place, Serving, eventually};
use crate::support::upstream::{Gate, Step, chunk, delta, stream_head};
use crate::support::{Client, Upstream};
use gpt_assistant::store::{Change, Store};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

const DATABASE: &str = "gpt-assistant.db";

/// Rows by table and the names of its columns, each row as a map of values written out.
type Contents = BTreeMap<String, Vec<BTreeMap<String, String>>>;

#[expect(clippy::disallowed_methods, reason = "another program would not ask the store either")]
fn open(path: &Path) -> rusqlite::Connection {
    rusqlite::Connection::open(path).unwrap()
}

fn number(database: &Path, sql: &str) -> i64 {
    open(database).query_row(sql, [], |row| row.get(0)).unwrap()
}

fn contents(database: &Path) -> Contents {
    let connection = open(database);
    let mut tables = connection
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'search_%'")
        .unwrap();
    let tables: Vec<String> = tables.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let rows = |table: &String| {
        let mut query = connection.prepare(&format!("SELECT rowid AS rowid, * FROM {table}")).unwrap();
        let columns: Vec<String> = query.column_names().into_iter().map(str::to_owned).collect();
        let row = |row: &rusqlite::Row<'_>| {
            Ok(columns
                .iter()
                .enumerate()
                .map(|(at, name)| (name.clone(), format!("{:?}", row.get_ref(at))))
                .collect())
        };
        query.query_map([], row).unwrap().map(Result::unwrap).collect()
    };
    tables.iter().map(|table| (table.clone(), rows(table))).collect()
}

/// Fails unless all that was there still is.
#[track_caller]
fn nothing_is_lost(before: &Contents, after: &Contents) {
    for (table, rows) in before {
        let now = &after[table];
        assert_eq!(rows.len(), now.len(), "rows of {table}");
        for (row, now) in rows.iter().zip(now) {
            for (column, value) in row {
                assert_eq!(Some(value), now.get(column), "{table}.{column}");
            }
        }
    }
}

fn picture() -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image::RgbImage::from_pixel(8, 8, image::Rgb([9, 99, 9]))
        .write_to(&mut bytes, image::ImageFormat::Png)
        .unwrap();
    bytes.into_inner()
}

/// Everything that leaves a row, done at least once; the last answer is still running, so that its pieces are there.
fn fill(place: &Place, server: &Serving, upstream: &Upstream, hold: &Gate) {
    let (ann, bob) = (server.user("ann"), server.user("bob"));
    ann.post("/api/user/api-key", &json!({"api_key": "sk-own-0000000000000000"})).expect(200);
    ann.patch("/api/user", &json!({"locale": "zh-CN", "system_prompt": "Be brief. 简短。"})).expect(200);
    ann.upload("/api/user/avatar", "avatar", "a.png", "image/png", &picture()).expect(200);
    ann.patch(
        "/api/admin/settings",
        &json!({"announcement": "Welcome", "shared_key": "sk-shared-00000000000000"}),
    )
    .expect(200);
    ann.post("/api/admin/invites", &json!({"uses": 3, "days": 7, "note": "for Eve"})).expect(200);
    ann.post("/api/prompts", &json!({"name": "Letter", "text": "Write to {{name}}."})).expect(200);
    second_factor(&bob);
    talk(&ann, upstream);
    assert_eq!(
        import(&ann, &archive(&[("conversations.json", old_conversation().as_bytes())]))["imported"],
        1
    );

    upstream.script(vec![
        Step::Send(stream_head()),
        Step::Send(
            [chunk(&json!({"reasoning_content": "Let me see. "})), delta("It is ")].concat().into_bytes(),
        ),
        Step::Wait(hold.clone()),
    ]);
    let mut events = bob.stream(&json!({"message": "What is it?"}));
    events.until("delta");
    let database = place.data().join(DATABASE);
    eventually("its pieces are saved", || number(&database, "SELECT count(*) FROM turn_chunks") > 0);
}

fn old_conversation() -> String {
    json!([chatgpt("c1", "An old one", &["什么是光？", "Waves, and particles."])]).to_string()
}

/// A conversation with a branch, a file and a title of its own, and one in the trash.
fn talk(ann: &Client, upstream: &Upstream) {
    upstream.says("The colour is `green`.");
    let first = ann.chat("Which colour has grass?");
    ann.post(&format!("/api/chat/{}/retry", first["id"]), &json!({})).expect(200);
    let conversation = format!("/api/conversations/{}", first["conversation_id"]);
    ann.patch(&conversation, &json!({"title": "Grass", "pinned": true})).expect(200);
    let file =
        ann.upload("/api/files", "file", "notes.txt", "text/plain", b"Grass is green.").expect(200).json();
    ann.post("/api/chat", &json!({"message": "And this?", "attachments": [file["id"]], "client_id": "c-1"}))
        .expect(200);
    let gone = ann.chat("Forget this.");
    ann.delete(&format!("/api/conversations/{}", gone["conversation_id"])).expect(200);
}

fn second_factor(bob: &Client) {
    let begun = bob.post("/api/user/totp", &json!({"password": "secret1"})).expect(200).json();
    let secret = totp_rs::Secret::try_from_base32(begun["secret"].as_str().unwrap()).unwrap();
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let code = totp_rs::Builder::new().with_secret(secret).build().unwrap().generate(now).to_string();
    bob.post("/api/user/totp/confirm", &json!({"code": code})).expect(200);
}

/// Puts an archive's files into a data folder, as that release had it.
fn unpack(archive: &[u8], data: &Path) {
    let mut archive = zip::ZipArchive::new(Cursor::new(archive)).unwrap();
    for at in 0..archive.len() {
        let mut file = archive.by_index(at).unwrap();
        let path = data.join(file.name().unwrap().as_ref());
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap();
        if !path.ends_with("manifest.json") {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }
}

/// The archives of all releases, by their schema.
fn releases() -> Vec<(usize, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/upgrade");
    let path = |schema: usize| folder.join(format!("schema-{schema}.zip"));
    let all: Vec<_> = (1..).map_while(|schema| Some((schema, fs::read(path(schema)).ok()?))).collect();
    assert!(!all.is_empty(), "no archives in {}", folder.display());
    all
}

#[test]
fn s9_an_archive_with_every_table_filled_can_be_made() {
    let (mut place, upstream, hold) = (Place::new(), Upstream::start(), Gate::default());
    place.set("upstream.base_url", &upstream.url());
    let server = place.serve(&[]);
    fill(&place, &server, &upstream, &hold);
    let file = place.path().join("all.zip");
    let made = place.run(&["backup", &file.to_string_lossy(), "--with-keys"]);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    hold.open();

    let bytes = fs::read(&file).unwrap();
    let other = tempfile::tempdir().unwrap();
    unpack(&bytes, other.path());
    let contents = contents(&other.path().join(DATABASE));
    let empty: Vec<_> = contents.iter().filter(|(_, rows)| rows.is_empty()).map(|(table, _)| table).collect();
    assert!(empty.is_empty() && contents.len() > 12, "without rows: {empty:?}");
    if let Some(path) = std::env::var_os("FIXTURE") {
        fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join(PathBuf::from(path)), bytes).unwrap();
    }
}

#[test]
fn s9_what_each_release_left_is_taken_over() {
    let releases = releases();
    let newest = {
        let place = tempfile::tempdir().unwrap();
        drop(Store::open(place.path(), Change::Allowed).unwrap());
        number(&place.path().join(DATABASE), "PRAGMA user_version")
    };
    assert_eq!(i64::try_from(releases.len()).unwrap(), newest, "each schema has its archive");
    for (schema, archive) in releases {
        let place = tempfile::tempdir().unwrap();
        unpack(&archive, place.path());
        let database = place.path().join(DATABASE);
        assert_eq!(number(&database, "PRAGMA user_version"), i64::try_from(schema).unwrap());
        let before = contents(&database);
        drop(Store::open(place.path(), Change::Allowed).unwrap());
        assert_eq!(number(&database, "PRAGMA user_version"), newest);
        nothing_is_lost(&before, &contents(&database));
    }
}

/// By what people see: each has what was theirs, keys open, searches find, pictures and files are there.
#[test]
fn s9_people_find_what_they_had_in_each_release() {
    for (schema, archive) in releases() {
        let mut place = Place::new();
        unpack(&archive, &place.data());
        // Where the key may be sent; nothing listens there any more.
        let sql = "SELECT key_origin FROM users WHERE email = 'ann@example.org'";
        let origin: String = open(&place.data().join(DATABASE)).query_row(sql, [], |row| row.get(0)).unwrap();
        place.set("upstream.base_url", &origin);
        let server = place.serve(&[]);
        let login = server.client().login("ann@example.org", "secret1").expect(200).json();
        let ann = server.client().with_token(login["token"].as_str().unwrap());
        assert_eq!(
            (&login["user"]["has_api_key"], &login["user"]["locale"]),
            (&json!(true), &json!("zh-CN"))
        );
        ann.get(login["user"]["avatar"].as_str().unwrap()).expect(200);
        assert_eq!(ann.get("/api/prompts").expect(200).json()["prompts"][0]["name"], "Letter");
        let found = ann.get("/api/search?q=%E5%85%89").expect(200).json();
        assert_eq!(found["results"][0]["title"], "An old one", "schema {schema}: {found}");
        let history = ann.get("/api/chat/history?limit=100").expect(200).json();
        let prompts: Vec<_> =
            history.as_array().unwrap().iter().map(|turn| turn["prompt"].as_str().unwrap()).collect();
        assert!(
            prompts.contains(&"And this?") && prompts.contains(&"Which colour has grass?"),
            "{prompts:?}"
        );
        let bob = server.client().login("bob@example.org", "secret1").fails(401, "totp_required");
        assert!(bob["error"].is_string());
        // The key was opened before this.
        ann.post("/api/chat", &json!({"message": "Hello?", "model": "m"})).fails(502, "upstream_unreachable");
        assert_eq!(server.stop().code, Some(0));
    }
}

#[test]
fn s9_an_older_program_names_the_way_back_and_it_leads_back() {
    let place = Place::new();
    let server = place.serve(&[]);
    server.user("ann");
    assert_eq!(server.stop().code, Some(0));
    let database = place.data().join(DATABASE);
    let current = number(&database, "PRAGMA user_version");
    let name = format!("gpt-assistant.before-upgrade-from-{current}.db");
    let copy = place.data().join(&name);
    // What a newer program does first, and then.
    open(&database).execute("VACUUM INTO ?", [copy.to_string_lossy()]).unwrap();
    open(&database)
        .execute_batch(&format!("PRAGMA user_version = {}; DROP TABLE prompts", current + 1))
        .unwrap();

    let refused = place.run(&["--listen", "127.0.0.1:0"]);
    assert_eq!(refused.code, Some(3), "{}", refused.stderr);
    for word in ["newer gpt-assistant", "move gpt-assistant.db* away", &name] {
        assert!(refused.stderr.contains(word), "{word}: {}", refused.stderr);
    }
    for file in [DATABASE, "gpt-assistant.db-wal", "gpt-assistant.db-shm"] {
        let _ = fs::rename(place.data().join(file), place.path().join(file));
    }
    fs::rename(&copy, &database).unwrap();
    let server = place.serve(&[]);
    server.client().login("ann@example.org", "secret1").expect(200);
}
