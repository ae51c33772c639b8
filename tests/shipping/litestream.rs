//! `packaging/litestream.yml`, by Litestream itself (named by `LITESTREAM`): a copy that follows the database of a running
//! server, and a new server made of it.

use crate::support::Upstream;
use crate::support::program::{Place, eventually};
use crate::{Beside, example};
use serde_json::json;
use std::path::Path;
use std::process::{Command, Stdio};

fn litestream() -> Command {
    let mut command = Command::new(std::env::var_os("LITESTREAM").unwrap_or("litestream".into()));
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// How many accounts the copy has, once it is put back at `path`.
fn restored(config: &str, database: &str, path: &Path) -> Option<i64> {
    let _ = std::fs::remove_file(path);
    let done =
        litestream().args(["restore", "-config", config, "-o"]).arg(path).arg(database).status().unwrap();
    if !done.success() {
        return None;
    }
    #[expect(clippy::disallowed_methods, reason = "another program would not ask the store either")]
    let connection = rusqlite::Connection::open(path).unwrap();
    connection.query_row("SELECT count(*) FROM users", [], |row| row.get(0)).ok()
}

#[test]
fn the_example_for_litestream_follows_a_running_server() {
    let (mut place, upstream) = (Place::new(), Upstream::start());
    place.set("upstream.base_url", &upstream.url());
    let server = place.serve(&[]);
    let ann = server.user("ann");
    let database = place.data().join("gpt-assistant.db").display().to_string();
    let copy = place.path().join("copy").display().to_string();
    let changes =
        [("/var/lib/gpt-assistant/gpt-assistant.db", database.as_str()), ("/backups/gpt-assistant", &copy)];
    let config = place.write("litestream.yml", &example("litestream.yml", &changes));
    let follower = Beside::start(litestream().args(["replicate", "-config", &config]));

    let mut moved = Place::new();
    moved.set("upstream.base_url", &upstream.url());
    std::fs::create_dir(moved.data()).unwrap();
    let new = moved.data().join("gpt-assistant.db");
    ann.post("/api/user/api-key", &json!({"api_key": "sk-own-0000000000000000"})).expect(200);
    for n in 1..=20 {
        ann.chat(&format!("message {n}"));
    }
    server.user("bob");
    eventually("the copy has both", || restored(&config, &database, &new) == Some(2));
    drop(server); // killed
    drop(follower);

    std::fs::copy(place.data().join("master.key"), moved.data().join("master.key")).unwrap();
    let server = moved.serve(&[]);
    let token = server.client().login("ann@example.org", "secret1").expect(200).json();
    let ann = server.client().with_token(token["token"].as_str().unwrap());
    assert_eq!(ann.get("/api/chat/history?limit=100").expect(200).json().as_array().unwrap().len(), 20);
    ann.chat("and on");
    let key = upstream.received().last().unwrap().header("authorization").unwrap().to_owned();
    assert_eq!(key, "Bearer sk-own-0000000000000000");
}
