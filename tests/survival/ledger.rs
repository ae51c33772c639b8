//! What a server has promised by answering, and whether the next one keeps it.

use crate::fault::is_soak;
use crate::support::program::{Place, Serving};
use crate::support::{Client, Upstream};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Something that was acknowledged.
#[derive(Clone)]
pub enum Promise {
    /// An account, and its first login.
    Account(Client),
    /// An answer that was told to its end.
    Turn(Client, i64, String),
    /// An answer that was cut off after its first event, what had been seen of it, and all that the model says.
    Begun(Client, i64, String, String),
    /// A key whose mask ends with this number, or a later one.
    Key(Client, usize),
    /// A picture, this one or a later one.
    Avatar(Client),
    /// A file that is taken in, with so many conversations.
    Import(Client, i64, usize),
}

/// What came of something that was tried.
pub enum Came {
    Kept(Promise),
    /// 503: nothing was promised.
    Refused,
    /// The server is gone, and may have done it or not.
    Gone,
}

/// Answers that were acknowledged, in all loops of this process.
pub static PROMISED: AtomicUsize = AtomicUsize::new(0);
/// The slowest restart so far, in milliseconds.
pub static SLOWEST: AtomicU64 = AtomicU64::new(0);

impl Promise {
    /// Fails unless the server keeps it.
    #[track_caller]
    pub fn holds(&self, server: &Serving) {
        PROMISED.fetch_add(1, Relaxed);
        let again = |client: &Client| server.client().with_token(client.token.as_deref().unwrap());
        match self {
            Promise::Account(client) => drop(again(client).get("/api/user").expect(200)),
            Promise::Turn(client, id, reply) => {
                let turn = again(client).get(&format!("/api/chat/{id}")).expect(200).json();
                assert_eq!(
                    (&turn["status"], &turn["response"]),
                    (&json!("complete"), &json!(reply)),
                    "{turn}"
                );
            }
            Promise::Begun(client, id, seen, whole) => {
                let turn = again(client).get(&format!("/api/chat/{id}")).expect(200).json();
                let kept = turn["response"].as_str().unwrap();
                let fits = match turn["status"].as_str().unwrap() {
                    "complete" => kept == whole,
                    "interrupted" => whole.starts_with(kept),
                    // Nothing of it was a quarter of a second old.
                    "failed" => kept.is_empty() && turn["error_code"] == "server_ended",
                    _ => false,
                };
                assert!(fits && whole.starts_with(seen), "seen {seen:?}, kept {turn}");
            }
            Promise::Key(client, number) => {
                let user = again(client).get("/api/user").expect(200).json();
                let mask = user["api_key"].as_str().unwrap();
                let kept: usize = mask[mask.len() - 4..].parse().unwrap();
                assert!((kept + 10_000 - number % 10_000) % 10_000 < 5_000, "{mask} after {number}");
            }
            Promise::Avatar(client) => {
                let user = again(client).get("/api/user").expect(200).json();
                let picture = server.client().get(user["avatar"].as_str().unwrap()).expect(200);
                assert!(picture.body.starts_with(b"\x89PNG") && picture.body.ends_with(b"IEND\xaeB`\x82"));
            }
            Promise::Import(client, id, count) => {
                let report = crate::support::exports::end_of(&again(client), *id);
                assert_eq!((&report["status"], &report["failed"]), (&json!("done"), &json!(0)), "{report}");
                assert_eq!(report["total"], json!(count), "{report}");
            }
        }
    }
}

/// A data folder as a stopped server left it, to be copied for each attempt.
pub struct Template {
    pub place: Place,
    pub ann: Client,
}

impl Template {
    /// With one account, and a model service for those who chat.
    pub fn new(upstream: &Upstream) -> Template {
        let mut place = Place::new();
        place.set("upstream.base_url", &upstream.url());
        place.set("upstream.api_key", "sk-shared-canary-000000000000");
        for limit in ["chat_per_minute", "api_per_minute", "login_per_minute", "register_per_hour"] {
            place.set(&format!("limits.{limit}"), "0");
        }
        let server = place.serve(&[]);
        let ann = server.user("ann");
        assert_eq!(server.stop().code, Some(0));
        Template { place, ann }
    }

    /// A place of its own with the same data.
    pub fn copy(&self) -> Place {
        let mut place = Place::new();
        place.environment.clone_from(&self.place.environment);
        copy(&self.place.data(), &place.data());
        place
    }

    /// A place with the same configuration and nothing in it.
    pub fn empty(&self) -> Place {
        let mut place = Place::new();
        place.environment.clone_from(&self.place.environment);
        place
    }

    /// Ann, talking to that server.
    pub fn ann(&self, server: &Serving) -> Client {
        server.client().with_token(self.ann.token.as_deref().unwrap())
    }
}

/// Copies a folder with all that is in it.
pub fn copy(from: &Path, to: &Path) {
    let copied = std::process::Command::new("cp").arg("-a").arg(from).arg(to).status();
    assert!(copied.is_ok_and(|status| status.success()));
}

/// Starts the server again, without faults: it is there at once, keeps every promise, stops well, and its database is whole.
#[track_caller]
pub fn check(place: &mut Place, promises: &[Promise]) {
    place.before.clear();
    let began = Instant::now();
    let server = place.serve(&[]);
    let took = began.elapsed();
    SLOWEST.fetch_max(took.as_millis() as u64, Relaxed);
    // A start reads all that was written; after an hour under load that alone takes seconds.
    let most = Duration::from_secs(2) + Duration::from_micros(10) * u32::try_from(promises.len()).unwrap();
    assert!(!is_soak() || took < most, "a restart took {took:?}");
    for promise in promises {
        promise.holds(&server);
    }
    let ended = server.stop();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    is_whole(&place.data().join("gpt-assistant.db"));
}

/// The database is sound, and holds no half of anything.
#[track_caller]
#[expect(clippy::disallowed_methods, reason = "what the store would say of itself is not asked here")]
pub fn is_whole(database: &Path) {
    let connection = rusqlite::Connection::open(database).unwrap();
    let answer = |sql: &str| -> String { connection.query_row(sql, [], |row| row.get(0)).unwrap() };
    assert_eq!(answer("PRAGMA integrity_check"), "ok", "{}", database.display());
    for none in [
        "SELECT 1 FROM pragma_foreign_key_check",
        "SELECT 1 FROM turns WHERE status = 'streaming'",
        "SELECT 1 FROM turns WHERE status = 'complete' AND response = ''",
        "SELECT 1 FROM users u WHERE tokens_total <> (SELECT coalesce(sum(prompt_tokens + completion_tokens), 0)
         FROM usage_slots WHERE user_id = u.id)",
    ] {
        assert_eq!(answer(&format!("SELECT CAST(count(*) AS TEXT) FROM ({none})")), "0", "{none}");
    }
    connection.execute_batch("INSERT INTO search(search, rank) VALUES('integrity-check', 0)").unwrap();
}

/// Sends JSON; `None` when the server is gone.
pub fn post(client: &Client, path: &str, body: &Value) -> Option<crate::support::Reply> {
    client.try_send("POST", path, Some("application/json"), body.to_string().as_bytes()).ok()
}
