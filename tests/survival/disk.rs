//! S4, S7, S15: a disk that is full and has room again, a database that somebody else has locked, memory that is short.

use crate::ledger::{Came, Template, check};
use crate::server::{avatar, chat, work};
use crate::support::Upstream;
use crate::support::program::eventually;
use serde_json::json;
use std::fs;
use std::time::{Duration, Instant};

/// The data folder becomes a small disk of its own, nearly full; a word into `go` makes room. What lies in `avatars` by
/// then is noted in `listed`.
const SMALL_DISK: &str = "mkfifo go; exec unshare --map-root-user --mount sh -c '\
    mount -t tmpfs -o size=3m,mode=700 none data && head -c 2000000 /dev/zero >data/ballast || exit 9; \
    (read -r line <go; ls data/avatars >listed; rm data/ballast; echo >done) & exec \"$0\" \"$@\"' \"$0\" \"$@\";";

#[test]
fn s4_a_disk_that_is_full_is_said_so_and_good_again_with_room() {
    let upstream = Upstream::start();
    let mut place = Template::new(&upstream).empty();
    fs::create_dir(place.data()).unwrap();
    place.before = SMALL_DISK.into();
    let server = place.serve(&[]);
    let ann = server.user("ann");
    let full = (0..500).position(|number| matches!(chat(&ann, number), Came::Refused));
    let full = full.expect("the disk is full some day");
    assert!(full > 3, "{full}");
    for number in 0..3 {
        assert!(matches!(avatar(&ann, number), Came::Refused), "there is room for a picture");
    }
    let history = ann.get("/api/chat/history?limit=200").expect(200).json();
    assert!(history.as_array().unwrap().iter().filter(|turn| turn["status"] == "complete").count() >= full);
    ann.get("/api/search?q=message").expect(200);
    fs::write(place.path().join("go"), "\n").unwrap();
    eventually("there is room again", || place.path().join("done").exists());
    assert_eq!(fs::read_to_string(place.path().join("listed")).unwrap(), "", "half a picture was left");
    let promises: Vec<_> = [chat, avatar]
        .into_iter()
        .map(|act| match act(&ann, 1000) {
            Came::Kept(promise) => promise,
            _ => panic!("it does not come back"),
        })
        .collect();
    for promise in promises {
        promise.holds(&server);
    }
    assert_eq!(server.stop().code, Some(0));
}

#[test]
#[expect(clippy::disallowed_methods, reason = "another program would not ask the store either")]
fn s7_who_else_locks_the_database_is_waited_for_and_then_told_of() {
    let upstream = Upstream::start();
    let template = Template::new(&upstream);
    let mut place = template.copy();
    let server = place.serve(&[]);
    let ann = template.ann(&server);
    let other = rusqlite::Connection::open(place.data().join("gpt-assistant.db")).unwrap();
    let title = |title: &str| ann.post("/api/conversations", &json!({"title": title}));
    let waits = |hold: Duration| {
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let reply = std::thread::scope(|scope| {
            let writing = scope.spawn(|| title("mine"));
            let until = Instant::now() + hold;
            while Instant::now() < until && !writing.is_finished() {
                ann.get("/api/user").expect(200);
                std::thread::sleep(Duration::from_millis(20));
            }
            if !writing.is_finished() && hold < Duration::from_secs(10) {
                other.execute_batch("ROLLBACK").unwrap();
            }
            writing.join().unwrap()
        });
        if !other.is_autocommit() {
            other.execute_batch("ROLLBACK").unwrap();
        }
        reply
    };
    // For a moment: nobody notices. For longer than anybody should wait: it is said, and no longer so afterwards.
    waits(Duration::from_millis(500)).expect(200);
    let told = waits(Duration::from_secs(60));
    assert_eq!(told.header("retry-after"), Some("5"));
    told.fails(503, "storage_error");
    title("later").expect(200);
    drop(other);
    drop(server);
    check(&mut place, &[]);
}

#[test]
fn s15_little_memory_costs_answers_and_no_data() {
    let upstream = Upstream::start();
    let template = Template::new(&upstream);
    let mut served = 0;
    for megabytes in [20, 60, 150, 400, 1200] {
        let mut place = template.copy();
        place.before = format!("ulimit -v {};", megabytes << 10);
        let promises = match place.try_serve(&[]) {
            Err(ended) => {
                assert_ne!(ended.code, Some(0), "{megabytes} MB");
                Vec::new()
            }
            Ok(server) => {
                served += 1;
                work(chat, &server, &template.ann(&server), 10).0
            }
        };
        check(&mut place, &promises);
    }
    assert!(served > 0, "1.2 GB is not enough to begin");
}
