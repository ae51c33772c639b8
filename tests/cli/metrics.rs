//! `/metrics`: off unless asked for, on an address of its own or for whoever has the token, and about nobody.

use crate::support::program::{Place, Serving};
use crate::support::{Client, Upstream};
use serde_json::json;
use std::collections::BTreeMap;
use std::net::TcpListener;

const TOKEN: &str = "canary-token-0123456789";
const KIND: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

fn place() -> (Upstream, Place) {
    let upstream = Upstream::start();
    let mut place = Place::new();
    place.set("upstream.base_url", &upstream.url());
    place.set("upstream.api_key", "sk-canary-shared-0123456789");
    (upstream, place)
}

fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// All samples by name and labels, once the text is found to be what OpenMetrics wants of it.
#[track_caller]
fn samples(text: &str) -> BTreeMap<String, f64> {
    let body = text.strip_suffix("# EOF\n").expect("it ends with EOF");
    let (mut found, mut families) = (BTreeMap::new(), Vec::<(String, String)>::new());
    for line in body.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(!families.iter().any(|(known, _)| known == name), "{name} comes twice");
            families.push((name.into(), kind.into()));
            continue;
        }
        let (family, kind) = families.last().expect("a family comes first");
        if let Some(rest) = line.strip_prefix("# ") {
            let (word, rest) = rest.split_once(' ').unwrap();
            assert!(["UNIT", "HELP"].contains(&word) && rest.starts_with(&format!("{family} ")), "{line}");
            continue;
        }
        let (name, value) = line.rsplit_once(' ').unwrap();
        let ending = name.split('{').next().unwrap().strip_prefix(family.as_str()).expect(line);
        let endings: &[&str] = match kind.as_str() {
            "counter" => &["_total"],
            "gauge" => &[""],
            "info" => &["_info"],
            "histogram" => &["_bucket", "_sum", "_count"],
            _ => panic!("{kind}"),
        };
        assert!(endings.contains(&ending), "{line} in a {kind}");
        let value: f64 = value.parse().unwrap();
        assert!(value >= 0.0 && found.insert(name.to_owned(), value).is_none(), "{line}");
    }
    found
}

fn scrape(client: &Client) -> String {
    let reply = client.get("/metrics").expect(200);
    assert_eq!(reply.header("content-type"), Some(KIND));
    reply.text()
}

fn holder(server: &Serving) -> Client {
    server.client().with_token(TOKEN)
}

#[test]
fn i16_without_a_word_in_the_configuration_there_are_none() {
    let (_upstream, place) = place();
    let server = place.serve(&[]);
    server.client().get("/metrics").fails(404, "not_found");
    server.client().with_token(TOKEN).get("/metrics").fails(404, "not_found");
}

#[test]
fn with_a_token_they_are_at_the_servers_own_address() {
    let (_upstream, mut place) = place();
    place.set("metrics.token", TOKEN);
    place.set("server.base_path", "/chat");
    let server = place.serve(&[]);
    let anybody = server.client();
    for client in [&anybody, &anybody.with_token(&format!("{TOKEN}x")), &anybody.with_token("")] {
        let refused = client.get("/chat/metrics");
        assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
        refused.fails(401, "unauthenticated");
    }
    let reply = holder(&server).get("/chat/metrics").expect(200);
    assert!(samples(&reply.text()).len() > 50);
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    holder(&server).get("/metrics").expect(404);
    holder(&server).post("/chat/metrics", &json!({})).fails(405, "method_not_allowed");
    assert_eq!(holder(&server).send("HEAD", "/chat/metrics", None, b"").expect(200).body, b"");
    // The token opens nothing else, and a login is no token.
    holder(&server).get("/chat/api/user").expect(401);
    let form = json!({"name": "A", "email": "a@example.org", "password": "secret1", "password_confirmation": "secret1"});
    let admin = anybody.post("/chat/api/register", &form).expect(200).json();
    anybody.with_token(admin["token"].as_str().unwrap()).get("/chat/metrics").expect(401);
    assert!(!server.stop().stderr.contains("canary"));
    let mut place = Place::new();
    place.set("metrics.token", "short");
    let refused = place.run(&[]);
    assert_eq!(refused.code, Some(2));
    assert!(refused.stderr.contains("metrics.token must have"), "{}", refused.stderr);
}

#[test]
fn on_an_address_of_their_own_there_is_nothing_else() {
    let (_upstream, mut place) = place();
    let address = free_address();
    place.set("metrics.listen", &address);
    let server = place.serve(&[]);
    let watcher = Client::new(&format!("http://{address}"));
    assert!(samples(&scrape(&watcher)).len() > 50);
    for path in ["/", "/api/health", "/api/user", "/assets/app.js", "/metrics/", "//metrics"] {
        watcher.get(path).fails(404, "not_found");
    }
    server.client().get("/metrics").fails(404, "not_found");
    let mut second = Place::new();
    second.set("metrics.listen", &address);
    let refused = second.run(&["--listen", "127.0.0.1:0"]);
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    assert!(
        refused.stderr.contains(&format!("metrics.listen {address} cannot be used")),
        "{}",
        refused.stderr
    );
    place.set("metrics.token", TOKEN);
    drop(server);
    let _server = place.serve(&[]);
    watcher.get("/metrics").fails(401, "unauthenticated");
    scrape(&watcher.with_token(TOKEN));
}

#[test]
fn they_count_what_happens_and_name_nobody() {
    let (upstream, mut place) = place();
    place.set("metrics.token", TOKEN);
    place.set("limits.login_per_minute", "1");
    place.set("limits.chat_per_minute", "0");
    let server = place.serve(&[]);
    let ann = server.user("canary-ann");
    upstream.says("canary-answer");
    ann.post("/api/chat", &json!({"message": "canary-prompt", "model": "canary-model"})).expect(200);
    upstream.answers(500, "", "");
    ann.post("/api/chat", &json!({"message": "canary-prompt"})).expect(502);
    for status in [401, 429] {
        server.client().login("canary-ann@example.org", "canary-wrong").expect(status);
    }
    ann.get("/canary-path").expect(404);
    ann.get("/api/canary-path?canary").expect(404);
    ann.get("/api/chat/999999").expect(404);
    ann.send("CANARY", "/api/user", None, b"").expect(405);
    ann.get("/").expect(200);
    let text = scrape(&holder(&server));
    assert!(!text.to_lowercase().contains("canary"), "{text}");
    let found = samples(&text);
    let value = |name: &str| *found.get(name).unwrap_or_else(|| panic!("no {name} in {text}"));
    for (name, count) in [
        (r#"gpt_assistant_build_info{version="0.1.0"}"#, 1.0),
        (r#"gpt_assistant_requests_total{method="POST",route="/api/chat",status="200"}"#, 1.0),
        (r#"gpt_assistant_requests_total{method="POST",route="/api/chat",status="502"}"#, 1.0),
        (r#"gpt_assistant_requests_total{method="POST",route="/api/login",status="429"}"#, 1.0),
        (r#"gpt_assistant_requests_total{method="GET",route="/api/chat/{id}",status="404"}"#, 1.0),
        (r#"gpt_assistant_requests_total{method="GET",route="page",status="200"}"#, 1.0),
        (r#"gpt_assistant_requests_total{method="GET",route="other",status="404"}"#, 2.0),
        (r#"gpt_assistant_requests_total{method="other",route="other",status="405"}"#, 1.0),
        (r#"gpt_assistant_answers_total{status="complete"}"#, 1.0),
        (r#"gpt_assistant_answers_total{status="failed"}"#, 1.0),
        (r#"gpt_assistant_upstream_errors_total{code="upstream_error"}"#, 1.0),
        ("gpt_assistant_upstream_first_token_seconds_count", 1.0),
        (r#"gpt_assistant_tokens_total{kind="prompt"}"#, 7.0),
        (r#"gpt_assistant_tokens_total{kind="completion"}"#, 5.0),
        (r#"gpt_assistant_rate_limited_total{limit="login"}"#, 1.0),
        ("gpt_assistant_answers_running", 0.0),
        ("gpt_assistant_store_writes_waiting", 0.0),
        ("gpt_assistant_store_commits_failed_total", 0.0),
        ("gpt_assistant_sessions", 1.0),
        ("gpt_assistant_last_backup_timestamp_seconds", 0.0),
    ] {
        assert!((value(name) - count).abs() < 0.1, "{name} in {text}");
    }
    for (name, least) in [
        ("gpt_assistant_store_commit_seconds_count", 3.0),
        ("gpt_assistant_request_seconds_count", 3.0),
        ("gpt_assistant_connections", 1.0),
        ("gpt_assistant_database_bytes", 4096.0),
        ("gpt_assistant_disk_free_bytes", 1.0),
        ("process_resident_memory_bytes", 1e6),
        ("process_open_fds", 8.0),
        ("process_max_fds", 64.0),
        ("process_start_time_seconds", 1.7e9),
        ("process_cpu_seconds_total", 0.0),
    ] {
        assert!(value(name) >= least, "{name} in {text}");
    }
    // A file on its way takes as long as its sender does, so its time is not counted; that of the scrape itself is.
    let timed = |text: &str| samples(text)["gpt_assistant_request_seconds_count"];
    let before = timed(&scrape(&holder(&server)));
    ann.send("POST", "/api/import", None, b"{").fails(400, "import_unreadable");
    assert!((timed(&scrape(&holder(&server))) - before - 1.0).abs() < 0.1);
    // The number of series does not grow with what people do.
    let names: Vec<_> = found.keys().cloned().collect();
    for i in 0..20 {
        server.client().register(&format!("u{i}@example.org"));
        ann.post("/api/chat", &json!({"message": "x", "model": format!("m{i}")})).expect(200);
        ann.get(&format!("/nothing/{i}")).expect(404);
    }
    let more: Vec<_> =
        samples(&scrape(&holder(&server))).into_keys().filter(|name| !names.contains(name)).collect();
    assert!(more.len() <= 5, "{more:?}");
}
