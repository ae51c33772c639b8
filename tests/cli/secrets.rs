//! Canaries: words that must stay where they belong, looked for in every reply, in the log at its most talkative and in
//! every byte on disk. And what the log is for.

use crate::support::program::{Place, Serving};
use crate::support::upstream::{Step, plain};
use crate::support::{Reply, Upstream};
use gpt_assistant::http::route::Verb;
use gpt_assistant::http::routes;
use serde_json::json;
use std::fs;

const KEY: &str = "sk-canary-own-key-0123456789abcdef";
const SHARED: &str = "sk-canary-shared-0123456789abcdef";
const OSS: &str = "oss-canary-secret-0123456789";
const WATCH: &str = "canary-metrics-token-0123456789";
const PASSWORD: &str = "canary-password";
const PROMPT: &str = "canary-prompt zebra";
const ANSWER: &str = "canary-answer giraffe";

fn place(upstream: &Upstream, level: &str) -> Place {
    let mut place = Place::new();
    for (key, value) in [
        ("upstream.base_url", upstream.url().as_str()),
        ("upstream.api_key", SHARED),
        ("oss.access_key_id", "LTAI"),
        ("oss.access_key_secret", OSS),
        ("oss.security_token", "canary-security-token"),
        ("oss.bucket", "b"),
        ("oss.region", "cn-hangzhou"),
        ("metrics.token", WATCH),
        ("log.level", level),
        ("limits.login_per_minute", "0"),
        ("limits.chat_per_minute", "0"),
    ] {
        place.set(key, value);
    }
    place
}

/// Uses everything there is once, well and badly, and gives all replies.
fn use_everything(server: &Serving, upstream: &Upstream) -> Vec<Reply> {
    let mut replies = Vec::new();
    let form = json!({"name": "Ann", "email": "ann@example.org", "password": PASSWORD, "password_confirmation": PASSWORD});
    let registered = server.client().post("/api/register", &form).expect(200);
    let ann = server.client().with_token(registered.json()["token"].as_str().unwrap());
    replies.push(registered);
    replies.push(server.client().post("/api/register", &form));
    replies.push(server.client().login("ann@example.org", PASSWORD));
    replies.push(server.client().login("ann@example.org", &format!("{PASSWORD}x")));
    replies.push(ann.post("/api/user/api-key", &json!({"api_key": KEY})).expect(200));
    replies.push(ann.post("/api/user/api-key", &json!({"api_key": format!("{KEY}\n{KEY}")})));
    replies.push(ann.post("/api/user/api-key/check", &json!({})));
    upstream.says(ANSWER);
    ann.post("/api/chat", &json!({"message": PROMPT})).expect(200);
    let refusal =
        format!(r#"{{"error":{{"message":"Incorrect API key provided: {KEY}. Bearer {KEY}","code":"x"}}}}"#);
    for (status, body) in [(400, refusal), (400, format!("<html>{KEY}</html>"))] {
        upstream.answers(401, "", &body);
        replies.push(ann.post("/api/chat", &json!({"message": PROMPT})).expect(status));
    }
    upstream.script(vec![Step::Send(plain(500, "", KEY.as_bytes()))]);
    replies.push(ann.post("/api/chat", &json!({"message": PROMPT})).expect(502));
    replies.push(ann.post("/api/chat", &json!({"message": PROMPT, "model": 7})));
    // A service may quote the message; its person reads that, the log does not.
    upstream.answers(400, "", &json!({"error": {"message": format!("not allowed: {PROMPT}")}}).to_string());
    replies.push(ann.post("/api/chat", &json!({"message": PROMPT})).expect(400));
    let watcher = server.client().with_token(WATCH);
    replies.push(watcher.get("/metrics").expect(200));
    replies.push(server.client().with_token(&format!("{WATCH}x")).get("/metrics").expect(401));
    replies.push(ann.get(&format!("/api/search?q=nothing&x={PASSWORD}")));
    for route in routes().filter(|route| {
        route.verb == Verb::Get && !route.path.contains("{id}") && !route.path.contains("history")
    }) {
        replies.push(ann.get(route.path));
        replies.push(server.client().with_token("canary.token.x").get(route.path));
    }
    let change = json!({"current_password": PASSWORD, "password": format!("{PASSWORD}2"), "password_confirmation": format!("{PASSWORD}2")});
    replies.push(ann.post("/api/user/password", &change).expect(200));
    replies
}

fn every_file(folder: &std::path::Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).unwrap().flatten().filter(|entry| entry.path().is_file());
    entries.map(|entry| (entry.path().display().to_string(), fs::read(entry.path()).unwrap())).collect()
}

#[test]
fn g1_o8_no_secret_leaves_its_place() {
    for level in ["debug", "trace"] {
        let upstream = Upstream::start();
        let place = place(&upstream, level);
        let server = place.serve(&[]);
        let replies = use_everything(&server, &upstream);
        let master = fs::read_to_string(place.data().join("master.key")).unwrap().trim().to_owned();
        let secrets = [KEY, SHARED, OSS, WATCH, PASSWORD, &master, "own-key-0123", "shared-0123", "argon2id"];
        for reply in &replies {
            let all = format!("{:?} {}", reply.headers, reply.text());
            for secret in secrets {
                assert!(!all.contains(secret), "{secret} in a reply: {all}");
            }
        }
        for running in [true, false] {
            if !running {
                server.signal(rustix::process::Signal::TERM);
            }
            for (path, bytes) in
                every_file(&place.data()).into_iter().filter(|(path, _)| !path.ends_with("master.key"))
            {
                for secret in [KEY, SHARED, OSS, WATCH, PASSWORD, &master] {
                    let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
                    assert!(!found, "{secret} in {path}");
                }
            }
        }
        let log = server.end().stderr;
        assert!(log.contains("answered") && log.contains("/api/chat"), "the log is talkative: {log}");
        for secret in secrets.into_iter().chain([PROMPT, ANSWER, "zebra", "giraffe", "canary", "Bearer"]) {
            assert!(!log.contains(secret), "{secret} in the log: {log}");
        }
    }
}

#[test]
fn o7_a_request_is_one_line_of_the_log_whatever_it_says() {
    for format in ["text", "json"] {
        let upstream = Upstream::start();
        let mut place = place(&upstream, "debug");
        place.set("log.format", format);
        let server = place.serve(&[]);
        let client = server.client().with_header("User-Agent", "x\" level=ERROR \t{\"level\":\"ERROR\"}");
        let odd = "/api/%0a%0dERROR%1b[31m/\"forged\"=1/{}|;'$(x)";
        let line =
            format!("GET {odd} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nUser-Agent: forged-agent\r\n\r\n");
        client.raw(line.as_bytes());
        client.login("forged@example.org\r\nERROR forged", "x").expect(401);
        let log = server.stop().stderr;
        let about: Vec<&str> = log.lines().filter(|line| line.contains("forged")).collect();
        assert_eq!(about.len(), 1, "{log}");
        assert!(
            about[0].contains("%0a") && !log.contains('\u{1b}') && !log.contains("ERROR forged"),
            "{log}"
        );
        if format == "json" {
            for line in log.lines() {
                let record: serde_json::Value =
                    serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
                assert!(record["level"].is_string() && record["timestamp"].is_string(), "{line}");
            }
        }
    }
}

#[test]
fn o9_a_fault_of_ours_is_told_to_the_log_alone() {
    let upstream = Upstream::start();
    let place = place(&upstream, "info");
    let server = place.serve(&[]);
    let ann = server.user("ann");
    #[expect(clippy::disallowed_methods, reason = "the test is what damages the data")]
    let database = rusqlite::Connection::open(place.data().join("gpt-assistant.db")).unwrap();
    database.execute_batch("ALTER TABLE usage_slots RENAME TO gone").unwrap();
    let reply = ann.get("/api/stat/token-usage");
    let body = reply.clone().fails(500, "internal");
    for inside in
        ["usage_slots", "SELECT", "no such table", "sqlite", "src/", &place.data().display().to_string()]
    {
        assert!(!reply.text().contains(inside), "{inside} in {body}");
    }
    let id = reply.header("x-request-id").unwrap();
    let log = server.wait_for_log(id);
    assert!(log.contains("no such table: usage_slots"), "{log}");
    assert_eq!(log.matches(id).count(), 1, "it is logged once");
    ann.get("/api/user").expect(200);
}

/// The records of a JSON log.
fn records(log: &str) -> Vec<serde_json::Value> {
    log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}

#[test]
fn o8_a_request_leads_to_the_model_services_own_number_for_it() {
    let upstream = Upstream::start();
    let mut place = place(&upstream, "debug");
    place.set("log.format", "json");
    let server = place.serve(&[]);
    let ann = server.user("ann");
    let answer = |status: &str, id: &str, body: &str| {
        let head =
            format!("HTTP/1.1 {status} X\r\n{id}Content-Length: {}\r\nConnection: close\r\n\r\n", body.len());
        upstream.script(vec![Step::Send([head, body.to_owned()].concat().into_bytes())]);
    };
    let good = r#"{"choices":[{"message":{"content":"yes"},"finish_reason":"stop"}]}"#;
    let long = format!("X-Request-Id: {}\r\n", "a".repeat(300));
    let mut wanted = Vec::new();
    for (status, id, body, theirs) in [
        ("200", "X-Request-Id: req_0a-1\r\n", good, "req_0a-1"),
        ("500", "request-id: 7b:2.x\r\n", "", "7b:2.x"),
        ("200", "", good, ""),
        ("500", "X-Request-Id: a\" forged=1 {\r\n", "", ""),
        ("500", &long, "", ""),
    ] {
        answer(status, id, body);
        let reply = ann.post("/api/chat", &json!({"message": PROMPT}));
        wanted.push((reply.header("x-request-id").unwrap().to_owned(), status, theirs));
    }
    let log = server.stop().stderr;
    let all = records(&log);
    for (ours, status, theirs) in wanted {
        let about: Vec<_> = all.iter().filter(|record| record["request_id"] == ours.as_str()).collect();
        let call = about.iter().find(|record| record["upstream_id"].is_string()).expect("the call");
        let (level, message) = match status {
            "200" => ("DEBUG", "an answer has ended"),
            _ => ("WARN", "the model service failed"),
        };
        assert_eq!((&call["level"], &call["message"]), (&json!(level), &json!(message)), "{call}");
        assert_eq!((&call["upstream_id"], &call["user"]), (&json!(theirs), &json!(1)), "{call}");
        assert!(call["turn"].as_i64() > Some(0) && call["ms"].is_u64(), "{call}");
        let answered = about.iter().find(|record| record["message"] == "answered").expect("the reply");
        let known = (&answered["user"], &answered["address"], &answered["path"], &answered["method"]);
        assert_eq!(
            known,
            (&json!(1), &json!("127.0.0.1"), &json!("/api/chat"), &json!("POST")),
            "{answered}"
        );
        assert!(answered["ms"].is_u64(), "{answered}");
        assert_eq!(answered["status"], if status == "200" { 200 } else { 502 }, "{answered}");
        assert_eq!(about.len(), 2, "{about:?}");
    }
    assert!(!log.contains("forged") && !log.contains("aaaaaaaa"), "{log}");
}

#[test]
fn o8_each_level_says_what_it_should() {
    let count = |level: &str| {
        let upstream = Upstream::start();
        let mut place = place(&upstream, level);
        place.set("server.trusted_proxies", "127.0.0.1");
        place.set("auth.setup_code", "off");
        let server = place.serve(&[]);
        let ann = server.user("ann");
        ann.chat("hi");
        upstream.answers(500, "", "");
        ann.post("/api/chat", &json!({"message": "hi"})).expect(502);
        let from = server.client().with_header("X-Forwarded-For", "192.0.2.7");
        from.login("canary@example.org", "canary-typed").expect(401);
        let log = server.stop().stderr;
        assert!(!log.contains("canary"), "{log}");
        let has = |words: &str| log.contains(words);
        [
            has("answered"),
            has("serving version="),
            has("a login failed address=192.0.2.7"),
            has("the model service failed"),
        ]
    };
    assert_eq!(count("debug"), [true; 4]);
    assert_eq!(count("info"), [false, true, true, true]);
    assert_eq!(count("warn"), [false, false, false, true]);
    assert_eq!(count("error"), [false; 4]);
}
