//! `GET /api/stat/token-usage`: tokens by the days of a time zone.

use crate::support::{Client, Server};
use serde_json::{Value, json};
use std::sync::atomic::Ordering::SeqCst;

/// A server at that time, with somebody signed in.
fn at(now: i64) -> (Server, Client) {
    let server = Server::start();
    server.now.store(now, SeqCst);
    let ann = server.user("ann");
    (server, ann)
}

fn days(client: &Client, query: &str) -> Vec<(String, i64)> {
    let report = client.get(&format!("/api/stat/token-usage{query}")).expect(200).json();
    let days = report["days"].as_array().unwrap().iter();
    days.map(|day| (day["day"].as_str().unwrap().to_owned(), day["total_tokens"].as_i64().unwrap())).collect()
}

fn day(day: &str, tokens: i64) -> (String, i64) {
    (day.to_owned(), tokens)
}

/// 2026-05-01 15:30:00 and 2026-05-02 14:59:00 in UTC, looked at half a minute after the second.
#[test]
fn c23_a_day_is_that_of_the_zone_that_is_asked_for() {
    let (server, ann) = at(1_777_649_400);
    ann.chat("in the evening of the first");
    server.now.store(1_777_733_940, SeqCst);
    ann.chat("in the afternoon of the second");
    server.pass(30);
    assert_eq!(days(&ann, "?days=1&tz=Asia/Seoul"), [day("2026-05-02", 24)]);
    for zone in ["UTC", "America/Los_Angeles"] {
        assert_eq!(days(&ann, &format!("?days=1&tz={zone}")), [day("2026-05-02", 12)], "{zone}");
        assert_eq!(
            days(&ann, &format!("?days=2&tz={zone}")),
            [day("2026-05-01", 12), day("2026-05-02", 12)],
            "{zone}"
        );
    }
    for bad in ["Mars/X", "+09:00", "%2B09:00", "../UTC", "Asia%00Seoul", "x"] {
        ann.get(&format!("/api/stat/token-usage?tz={bad}")).names(&["tz"]);
    }
    // At midnight a day has begun and holds nothing yet.
    server.now.store(1_777_766_400, SeqCst);
    assert_eq!(days(&ann, "?days=1"), []);
    assert_eq!(days(&ann, "?days=2"), [day("2026-05-02", 12)]);
}

#[test]
fn s11_usage_at_the_edges_of_a_day() {
    // 2028-02-29 is a leap day; its last second and the first one after it.
    let (server, ann) = at(1_835_481_599);
    ann.chat("last second");
    server.pass(1);
    ann.chat("first second");
    assert_eq!(days(&ann, ""), [day("2028-02-29", 12), day("2028-03-01", 12)]);
    // Nepal is 5:45 hours from UTC: days are sums of quarter hours everywhere.
    assert_eq!(days(&ann, "?tz=Asia/Kathmandu"), [day("2028-03-01", 24)]);
}

#[test]
fn the_window_is_of_calendar_days_and_the_total_of_all_time() {
    let (server, ann) = at(1_777_600_000);
    ann.chat("long ago");
    server.pass(40 * 24 * 3600);
    let again = server.anon().login("ann@example.org", "secret1").expect(200).json();
    let ann = server.anon().with_token(again["token"].as_str().unwrap());
    ann.post("/api/user/api-key", &json!({"api_key": "sk-own"})).expect(200);
    ann.post("/api/chat", &json!({"message": "now", "model": "other"})).expect(200);
    let report = ann.get("/api/stat/token-usage").expect(200).json();
    assert_eq!((report["days"].as_array().unwrap().len(), &report["total"]), (1, &json!(24)));
    let today = &report["days"][0];
    for (name, value) in [
        ("prompt_tokens", 7),
        ("completion_tokens", 5),
        ("total_tokens", 12),
        ("requests", 1),
        ("own_tokens", 12),
        ("estimated_tokens", 0),
    ] {
        assert_eq!(today[name], value, "{name}");
    }
    assert!(report.get("models").is_none());
    assert_eq!(days(&ann, "?days=366").len(), 2);
    let report = ann.get("/api/stat/token-usage?days=366&by=model").expect(200).json();
    let models: Vec<(&Value, &Value)> =
        report["models"].as_array().unwrap().iter().map(|m| (&m["model"], &m["total_tokens"])).collect();
    assert_eq!(models, [(&json!("gpt-4o-mini"), &json!(12)), (&json!("other"), &json!(12))]);
    for bad in ["days=0", "days=367", "days=-1", "days=1.5", "days=x"] {
        ann.get(&format!("/api/stat/token-usage?{bad}")).names(&["days"]);
    }
    ann.get("/api/stat/token-usage?by=user").names(&["by"]);
}

#[test]
fn g7_nobody_counts_what_others_used() {
    let server = Server::start();
    let (ann, bob) = (server.user("ann"), server.user("bob"));
    ann.chat("hi");
    assert_eq!(bob.get("/api/stat/token-usage").expect(200).json(), json!({"days": [], "total": 0}));
}
