//! S12: much data, and readers who never pause. What a request costs does not grow with what is there, and the log of the
//! database is folded in while it is being read.

use crate::fault::is_soak;
use crate::ledger::{Template, is_whole};
use crate::support::{Client, Upstream};
use serde_json::json;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Ann gets a conversation with so many turns, and so many people come.
#[expect(clippy::disallowed_methods, reason = "no API makes a million turns in seconds")]
fn fill(database: &Path, turns: usize, people: usize) {
    let connection = rusqlite::Connection::open(database).unwrap();
    let upto =
        |n: usize| format!("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {n})");
    connection
        .execute_batch(&format!(
            "BEGIN;
             {} INSERT INTO users(email, name, password, role, created_at)
             SELECT 'p' || i || '@example.org', 'P', 'x', 'user', 1700000000 FROM n;
             INSERT INTO conversations(id, user_id, title, titled_by, created_at, updated_at) VALUES(1, 1, 'T', 'user', 1, 1);
             {} INSERT INTO turns(id, user_id, conversation_id, parent_id, prompt, response, system_prompt, model, status,
               usage_source, paid_by, created_at, finished_at)
             SELECT i, 1, 1, nullif(i - 1, 0), 'question ' || i, 'answer ' || i, '', 'm', 'complete', 'none', 'own',
               1700000000 + i, 1700000000 + i FROM n;
             UPDATE conversations SET current_turn_id = {turns} WHERE id = 1;
             {} INSERT INTO usage_slots SELECT 1 + i % 40, 1888888 + i / 40, 'own', 'm', 0, 0, 1, 0 FROM n;
             COMMIT",
            upto(people),
            upto(turns),
            upto(people)
        ))
        .unwrap();
}

/// The slowest but five of a hundred.
fn p95(client: &Client, path: &str) -> Duration {
    let mut times: Vec<Duration> = (0..100)
        .map(|_| {
            let began = Instant::now();
            client.get(path).expect(200);
            began.elapsed()
        })
        .collect();
    times.sort();
    times[94]
}

#[test]
fn s12_much_data_costs_no_more_and_the_log_stays_small() {
    let (turns, people) = if is_soak() { (1_000_000, 10_000) } else { (20_000, 500) };
    let upstream = Upstream::start();
    let template = Template::new(&upstream);
    let place = template.copy();
    let database = place.data().join("gpt-assistant.db");
    fill(&database, turns, people);
    let server = place.serve(&[]);
    let ann = template.ann(&server);
    let middle = turns / 2;
    let newest = ann.get("/api/chat/history").expect(200).json();
    assert_eq!((newest.as_array().unwrap().len(), &newest[0]["id"]), (50, &json!(turns)));
    let page = ann.get("/api/conversations/1").expect(200).json();
    assert_eq!(page["turns"].as_array().unwrap().len(), 200);
    for path in [
        "/api/chat/history".to_owned(),
        format!("/api/chat/history?before={middle}"),
        format!("/api/chat/{middle}"),
        format!("/api/conversations/1?before={middle}"),
        "/api/conversations".into(),
        "/api/stat/token-usage?days=30".into(),
        "/api/admin/users".into(),
    ] {
        let late = p95(&ann, &path);
        eprintln!("S12 {turns} turns, {people} people: {path} p95 {late:?}");
        assert!(!is_soak() || late < Duration::from_millis(50), "{path}: {late:?}");
    }
    let (over, log) = (AtomicBool::new(false), place.data().join("gpt-assistant.db-wal"));
    let mut largest = 0;
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !over.load(Relaxed) {
                    ann.get("/api/chat/history?limit=200").expect(200);
                }
            });
        }
        for number in 0..400 {
            let long = format!("{number} {}", "words of a title ".repeat(3));
            ann.post("/api/conversations", &json!({"title": long, "system_prompt": "x".repeat(900)}))
                .expect(200);
            largest = largest.max(std::fs::metadata(&log).map_or(0, |meta| meta.len()));
        }
        over.store(true, Relaxed);
    });
    eprintln!("S12 the log grew to {} KiB", largest >> 10);
    assert!(largest < 48 << 20, "{} MiB", largest >> 20);
    drop(server);
    // Each start reads all pages once, so this alone grows with what is there.
    let began = Instant::now();
    let server = place.serve(&[]);
    eprintln!("S12 a restart took {:?}", began.elapsed());
    assert_eq!(server.stop().code, Some(0));
    is_whole(&database);
}
