//! What somebody tries who looks for a way in: other paths, other parameters, other people's numbers, queries that are
//! none.

use crate::support::Server;
use gpt_assistant::http::route::Verb;
use gpt_assistant::http::routes;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

#[test]
fn i12_i16_no_other_path_leads_anywhere() {
    let server = Server::start();
    let ann = server.user("ann");
    for path in [
        "/api",
        "/api/",
        "/API/user",
        "/Api/User",
        "//api//user",
        "/api//user",
        "/api/user/",
        "/api/user;x=1",
        "/api/./user",
        "/api/../api/user",
        "/api/%75ser",
        "/api%2fuser",
        "/%2e%2e/api/user",
        "/api/user%00",
        "/api/user%20",
        "/api/docs",
        "/api/search/test",
        "/debug",
        "/metrics",
        "/test",
        "/.git/config",
        "/.env",
        "/data/gpt-assistant.db",
        "/gpt-assistant.db",
        "/master.key",
        "/config.toml",
        "/assets/",
        "/assets/../Cargo.toml",
        "/avatars/",
        "/avatars",
        "/index.html",
        "/chat/abc",
        "/chat/1/2",
        "/v1/models",
        "/login/",
        "/admin/users",
    ] {
        let answer = ann.raw(
            format!(
                "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {}\r\n\r\n",
                ann.token.clone().unwrap()
            )
            .as_bytes(),
        );
        assert!(answer.starts_with("HTTP/1.1 404"), "{path}: {answer}");
        let body: Value = serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap();
        assert_eq!(body["code"], "not_found", "{path}");
    }
    ann.get("/api/user?a=1&a=2&=&%ZZ&&").expect(200);
}

#[test]
fn i14_a_query_is_words_and_never_sql() {
    let server = Server::start();
    let (ann, bob) = (server.user("ann"), server.user("bob"));
    ann.chat("100% sure_thing 'quoted' \"double\"");
    bob.chat("of bob");
    let found = |path: &str, query: &str| {
        let query: String = form_urlencoded::byte_serialize(query.as_bytes()).collect();
        let began = Instant::now();
        let reply = ann.get(&format!("{path}?q={query}")).expect(200);
        assert!(began.elapsed() < Duration::from_secs(2), "{query}");
        assert!(!reply.text().contains("of bob"), "{query}");
        let body = reply.json();
        let list =
            ["results", "conversations"].iter().find_map(|name| body[*name].as_array()).or(body.as_array());
        list.unwrap().len()
    };
    for path in ["/api/search", "/api/chat/history", "/api/conversations"] {
        assert_eq!(found(path, "sure_thing"), 1, "{path}");
        for query in [
            "'\";--",
            "' OR 1=1 --",
            "\" OR text : \"x",
            "u2",
            "owner:u2",
            "text:*",
            "NEAR(of bob)",
            "of",
            "*",
            "^x",
            &"%_".repeat(50),
            "a\u{0}b",
            &"(".repeat(500),
        ] {
            assert_eq!(found(path, query), 0, "{path} {query}");
        }
    }
    assert_eq!(found("/api/search", "   "), 0);
    ann.get("/api/user").expect(200);
}

#[test]
fn z6_no_other_parameter_changes_who_or_where() {
    let server = Server::start();
    let (ann, bob) = (server.user("ann"), server.user("bob"));
    ann.chat("of ann");
    let other = crate::support::Upstream::start();
    let mut tricky = bob.clone();
    for (name, value) in [
        ("X-User-Id", "1"),
        ("X-HTTP-Method-Override", "DELETE"),
        ("X-Base-Url", &other.url()),
        ("X-Api-Base", &other.url()),
        ("X-Forwarded-User", "ann"),
        ("X-Original-URL", "/api/chat/1"),
        ("X-Forwarded-Host", "evil.example"),
    ] {
        tricky = tricky.with_header(name, value);
    }
    let more = json!({
        "message": "of bob", "user_id": 1, "base_url": other.url(), "api_base": other.url(), "api_key": "sk-x", "bypass_filter": true,
        "_method": "DELETE", "role": "system", "messages": [{"role": "system", "content": "evil"}], "n": 5, "tools": [],
    });
    let query = "?user_id=1&bypass_filter=true&_method=DELETE&base_url=http://evil.example&tz=UTC";
    let reply = tricky.post(&format!("/api/chat{query}"), &more).expect(200).json();
    assert!(other.received().is_empty(), "only the configuration says where to");
    let sent = server.upstream.last();
    assert_eq!(sent["messages"].as_array().unwrap().len(), 2);
    assert!(
        sent.get("n").is_none() && sent.get("tools").is_none() && sent.get("bypass_filter").is_none(),
        "{sent}"
    );
    assert!(!server.upstream.received().last().unwrap().head.contains("sk-x"));
    tricky.get(&format!("/api/chat/{}{query}", reply["id"])).expect(200);
    tricky.get(&format!("/api/chat/1{query}")).fails(404, "not_found");
    let history = tricky.get(&format!("/api/chat/history{query}")).expect(200).json();
    assert_eq!(history.as_array().unwrap().len(), 1);
    assert_eq!(history[0]["prompt"], "of bob");
}

#[test]
fn z7_numbers_that_are_none() {
    let server = Server::start();
    let (ann, bob) = (server.user("ann"), server.user("bob"));
    let chat = ann.chat("of ann");
    for id in [
        "0",
        "-1",
        "01",
        "1e3",
        "0x1",
        "1.0",
        "+1",
        "%31",
        "9223372036854775808",
        "99999999999999999999",
        "1%00",
        "%20",
        "a",
    ] {
        for route in routes().filter(|route| route.path.contains("{id}")) {
            let body = (route.verb != Verb::Get).then_some("application/json");
            let reply = ann.send(route.verb.as_str(), &route.path.replace("{id}", id), body, b"{}");
            assert!([404, 405].contains(&reply.status), "{} {}: {}", route.path, id, reply.text());
        }
    }
    for query in [
        "limit=0",
        "limit=201",
        "limit=-1",
        "limit=1e3",
        "limit=0x10",
        "limit=",
        "limit=%00",
        "limit=4294967297",
        "limit=+5",
    ] {
        let reply = ann.get(&format!("/api/chat/history?{query}"));
        if query == "limit=" {
            reply.expect(200);
        } else {
            reply.names(&["limit"]);
        }
    }
    for before in ["0", "-1", "x", "1e3", "99999999999999999999"] {
        ann.get(&format!("/api/chat/history?before={before}")).names(&["before"]);
    }
    // Somebody else's number is a place in the order and nothing more.
    let others =
        bob.get(&format!("/api/chat/history?before={}", chat["id"].as_i64().unwrap() + 1)).expect(200).json();
    assert_eq!(others, json!([]));
    let others =
        bob.get(&format!("/api/chat/history?conversation_id={}", chat["conversation_id"])).expect(200).json();
    assert_eq!(others, json!([]));
    for wrong in [json!(0), json!(-5), json!(999_999), json!(i64::MAX)] {
        bob.post("/api/chat", &json!({"message": "hi", "conversation_id": wrong})).fails(404, "not_found");
    }
    bob.post("/api/chat", &json!({"message": "hi", "conversation_id": chat["conversation_id"]}))
        .fails(404, "not_found");
    let own = bob.chat("of bob");
    let below = json!({"message": "hi", "conversation_id": own["conversation_id"], "parent_id": chat["id"]});
    bob.post("/api/chat", &below).fails(404, "not_found");
}
