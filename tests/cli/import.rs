//! `import`, beside a running server and without one; and what a server that is killed, short of memory or short of disk
//! makes of one.

use crate::support::exports::{archive, chatgpt, counts, end_of, import, send, titled, titles, turns};
use crate::support::program::{Place, eventually};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const ANN: &str = "ann@example.org";

/// So many conversations with that much text.
fn many(name: &str, count: usize, words: usize) -> String {
    let text = "a rather long answer about pendulums and clocks. ".repeat(words);
    let all: Vec<Value> =
        (0..count).map(|i| chatgpt(&format!("{name}{i}"), &format!("T{i}"), &["q", &text])).collect();
    json!(all).to_string()
}

#[test]
fn without_a_server() {
    let place = Place::new();
    place.run_with(&["user", "add", ANN], "secret1\n");
    let good = place.write("good.json", &many("c", 3, 1));
    let ended = place.run(&["import", &good, "--user", " Ann@Example.org "]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
    assert_eq!(
        ended.stdout,
        "3 conversations of ann@example.org (chatgpt): 3 imported, 0 updated, 0 skipped, 0 failed\n"
    );
    let ended = place.run(&["import", &good, "--user", ANN]);
    assert!(ended.code == Some(0) && ended.stdout.contains("0 imported, 0 updated, 3 skipped"), "{ended:?}");

    let damaged =
        format!("[{},{{\"title\":\"Bro\\u001bken\\n\",\"mapping\":5}},", chatgpt("x", "X", &["q", "a"]));
    let damaged = place.write("damaged.json", &damaged);
    let ended = place.run(&["import", &damaged, "--user", ANN]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stdout.contains("1 imported, 0 updated, 0 skipped, 2 failed"), "{ended:?}");
    let said: Vec<&str> = ended.stderr.lines().collect();
    assert!(
        said[0].starts_with("gpt-assistant: Bro ken: ")
            && said[1].starts_with("gpt-assistant: Conversation 3: "),
        "{said:?}"
    );
    assert_eq!((said.len(), said[2]), (3, "gpt-assistant: not everything was imported"));

    let nothing = place.write("nothing.json", "{}");
    for (file, user, word) in [
        (&good, "bob@example.org", "no account"),
        (&"gone.json".to_owned(), ANN, "gone.json"),
        (&nothing, ANN, "no conversations"),
    ] {
        let ended = place.run(&["import", file, "--user", user]);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{ended:?}");
        assert!(ended.stderr.contains(word) && ended.stderr.lines().count() == 1, "{ended:?}");
    }
    assert_eq!(place.run(&["import", &good]).code, Some(2), "whose?");
}

#[test]
fn beside_a_running_server_nobody_waits_long() {
    let place = Place::new();
    let server = place.serve(&[]);
    let ann = server.user("ann");
    let file = place.write("old.json", &many("c", 3000, 20));
    let mut slowest = Duration::ZERO;
    let ended = std::thread::scope(|scope| {
        let importing = scope.spawn(|| place.run(&["import", &file, "--user", ANN]));
        while !importing.is_finished() {
            let began = Instant::now();
            ann.post("/api/conversations", &json!({"title": "Mine"})).expect(200);
            slowest = slowest.max(began.elapsed());
        }
        importing.join().unwrap()
    });
    assert!(ended.stdout.contains("3000 imported"), "{ended:?}");
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    assert_eq!(turns(&titled(&ann, "T2999")).len(), 1);
}

#[test]
fn s8_a_server_that_is_killed_goes_on_once() {
    let place = Place::new();
    let file = many("c", 2000, 100);
    let server = place.serve(&[]);
    let token = server.user("ann").token.unwrap();
    let ann = |server: &crate::support::program::Serving| server.client().with_token(&token);
    let id = send(&ann(&server), file.as_bytes()).expect(202).json()["id"].as_i64().unwrap();
    let address = format!("/api/import/{id}");
    let begun = |server: &crate::support::program::Serving, above: i64| {
        eventually("some of it is there", || {
            ann(server).get(&address).json()["total"].as_i64().unwrap() > above
        });
    };
    begun(&server, 0);
    server.signal(Signal::KILL);
    server.end();
    let server = place.serve(&[]);
    let report = end_of(&ann(&server), id);
    assert_eq!(
        (&report["status"], &report["total"], &report["failed"]),
        (&json!("done"), &json!(2000), &json!(0)),
        "{report}"
    );
    let left = |place: &Place| {
        std::fs::read_dir(place.data())
            .unwrap()
            .flatten()
            .filter(|f| f.file_name().to_string_lossy().starts_with("import-"))
            .count()
    };
    eventually("its file is gone", || left(&place) == 0);
    assert_eq!(counts(&import(&ann(&server), file.as_bytes())), [0, 0, 2000, 0], "each is there once");

    // Whatever ends a server twice is not begun a third time.
    let other = many("d", 2000, 100);
    let id = send(&ann(&server), other.as_bytes()).expect(202).json()["id"].as_i64().unwrap();
    let address = format!("/api/import/{id}");
    let seen = |server: &crate::support::program::Serving| {
        ann(server).get(&address).json()["total"].as_i64().unwrap()
    };
    eventually("some of it is there", || seen(&server) > 0);
    server.signal(Signal::KILL);
    server.end();
    let server = place.serve(&[]);
    let before = seen(&server);
    eventually("it goes on", || seen(&server) > before);
    server.signal(Signal::KILL);
    server.end();
    std::fs::write(place.data().join("import-0000-1.part"), "half a file").unwrap();
    let server = place.serve(&[]);
    let report = end_of(&ann(&server), id);
    assert_eq!(report["status"], "failed", "{report}");
    assert!(report["problems"].to_string().contains("ended twice"), "{report}");
    assert_eq!(left(&place), 0);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "another program that locks the database")]
fn an_import_whose_end_cannot_be_written_is_told_of_once_it_can() {
    let place = Place::new();
    let server = place.serve(&[]);
    let ann = server.user("ann");
    let id = send(&ann, many("c", 20_000, 100).as_bytes()).expect(202).json()["id"].as_i64().unwrap();
    let address = format!("/api/import/{id}");
    eventually("some of it is there", || ann.get(&address).json()["total"].as_i64().unwrap() > 0);
    let other = rusqlite::Connection::open(place.data().join("gpt-assistant.db")).unwrap();
    other.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    // What was to be stored, and then the report of that.
    eventually("two writes were in vain", || server.log().matches("a transaction failed").count() > 1);
    assert_eq!(ann.get(&address).json()["status"], "running");
    other.execute_batch("ROLLBACK").unwrap();
    let report = end_of(&ann, id);
    assert_eq!(report["status"], "failed");
    assert!(report["problems"].to_string().contains("could not store"), "{report}");
}

#[test]
fn a_large_file_takes_little_memory() {
    let place = Place::new();
    let server = place.serve(&[]);
    let ann = server.user("ann");
    // 120 MB, nearly all of it one part that is passed over, and others as large as may be.
    let mut big = chatgpt("big", "Big", &["q", &"word ".repeat(4 << 20)]);
    big["mapping"]["root"]["x"] = json!("y".repeat(1 << 20));
    let text = format!(
        "[{},{big},{{\"id\":\"l\",\"title\":\"{}\"}},{},{{\"messages\":[{}0]}}]",
        chatgpt("a", "A", &["q", "a"]),
        "x".repeat(70 << 20),
        chatgpt("b", "B", &["q", "a"]),
        "0,".repeat(5 << 20),
    );
    let file = archive(&[("conversations.json", text.as_bytes())]);
    let before = server.memory("VmHWM");
    let report = import(&ann, &file);
    let grown = server.memory("VmHWM").saturating_sub(before) >> 10;
    assert_eq!(counts(&report), [3, 0, 1, 1], "{report}");
    assert_eq!(titles(&ann), ["A", "B", "Big"]);
    assert!(grown < 160, "{grown} MiB for the largest conversation that is taken");
}

#[test]
fn s1_a_full_disk_ends_an_import_and_nothing_else() {
    let mut place = Place::new();
    // Files of at most 3 MiB: 512 bytes a block.
    place.before = "trap '' XFSZ; ulimit -f 6144;".into();
    let server = place.serve(&[]);
    let ann = server.user("ann");
    send(&ann, &vec![b' '; 4 << 20]).fails(503, "storage_error");
    let packed = archive(&[("conversations.json", many("c", 600, 300).as_bytes())]);
    assert!(packed.len() < 1 << 20);
    let report = import(&ann, &packed);
    assert_eq!(report["status"], "failed", "{report}");
    assert!(report["problems"].to_string().contains("could not store"), "{report}");
    let left = || {
        std::fs::read_dir(place.data())
            .unwrap()
            .flatten()
            .any(|f| f.file_name().to_string_lossy().starts_with("import-"))
    };
    eventually("its file is gone", || !left());
    let kept = titles(&ann).len();
    assert!(kept >= report["imported"].as_i64().unwrap().min(200) as usize, "what had been stored stays");
    ann.get("/api/user").expect(200);
}
