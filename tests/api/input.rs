//! What no client should send: broken JSON, wrong types, sizes, characters, paths. Each gets a sentence and changes
//! nothing, and the server goes on.

use crate::support::{Client, Reply, Server};
use gpt_assistant::http::route::{Body, Verb};
use gpt_assistant::http::routes;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::time::{Duration, Instant};

fn post(client: &Client, path: &str, body: &[u8]) -> Reply {
    client.send("POST", path, Some("application/json"), body)
}

/// Nothing of the machine or of the program's insides is told.
fn tells_nothing(reply: &Reply, server: &Server) {
    let text = reply.text();
    let folder = server.data_dir().display().to_string();
    for inside in [
        folder.as_str(),
        "SELECT",
        "sqlite",
        "src/",
        "serde",
        "line 1",
        "column",
        "panicked",
        ".rs:",
        "expected",
    ] {
        assert!(!text.contains(inside), "{inside} in {text}");
    }
}

#[test]
fn i1_g3_what_is_no_json_object_gets_one_fixed_sentence() {
    let server = Server::start();
    let ann = server.user("ann");
    for (path, field) in [
        ("/api/login", "email"),
        ("/api/register", "name"),
        ("/api/chat", "message"),
        ("/api/user/api-key", "api_key"),
        ("/api/user/avatar-url", "url"),
    ] {
        for body in [
            &b""[..],
            b" ",
            b"null",
            b"[]",
            b"\"secret-marker\"",
            b"7",
            b"{",
            b"{\"FIELD\":}",
            b"{\"FIELD\":\"secret-marker\",}",
            b"\xEF\xBB\xBF{}",
            b"{} {}",
            b"{\"FIELD\":\"\\ud800secret-marker\"}",
            b"{\"FIELD\":\"\xFF\xFE\"}",
            b"{\"FIELD\":\"\xC0\xAF\"}",
            b"{'FIELD':'x'}",
            b"{\"FIELD\":1e999}",
            b"FIELD=x",
            b"<a/>",
        ] {
            let reply = post(&ann, path, &with_field(body, field));
            tells_nothing(&reply, &server);
            assert!(!reply.text().contains("secret-marker"), "{}", reply.text());
            reply.fails(400, "invalid_request");
        }
    }
}

/// The body with that name in the place of FIELD: bytes, since not all of them are text.
fn with_field(body: &[u8], field: &str) -> Vec<u8> {
    match body.windows(5).position(|window| window == b"FIELD") {
        Some(at) => [&body[..at], field.as_bytes(), &body[at + 5..]].concat(),
        None => body.to_vec(),
    }
}

#[test]
fn i5_depth_and_length_cost_nothing() {
    let server = Server::start();
    let ann = server.user("ann");
    let nested =
        |depth: usize| format!("{{\"message\":\"hi\",\"x\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    for body in [
        nested(128),
        nested(10_000),
        nested(300_000),
        format!("{{\"message\":\"hi\",\"max_tokens\":{}}}", "9".repeat(500_000)),
        format!("{{\"message\":\"hi\",\"temperature\":1e{}}}", "9".repeat(100)),
        "{\"message\":\"hi\",\"max_tokens\":18446744073709551616}".into(),
        "{\"message\":\"hi\",\"temperature\":-0.1}".into(),
        "{\"message\":\"hi\",\"max_tokens\":-0}".into(),
    ] {
        let began = Instant::now();
        let reply = post(&ann, "/api/chat", body.as_bytes());
        assert!(began.elapsed() < Duration::from_secs(2), "{}", &body[..40]);
        // What is in unknown fields is passed over, however deep it is; it is never walked.
        let wanted = if body.contains("[[") { 200 } else { 400 };
        assert_eq!(reply.status, wanted, "{}", &body[..60.min(body.len())]);
    }
    post(&ann, "/api/chat", format!("{{\"message\":{}", "[".repeat(300_000)).as_bytes()).names(&["message"]);
    post(&ann, "/api/chat", "[".repeat(300_000).as_bytes()).fails(400, "invalid_request");
}

/// The JSON types that a schema of ours allows; empty where it refers to another one.
fn kinds(schema: &Value) -> Vec<&str> {
    match &schema["type"] {
        Value::String(kind) => vec![kind.as_str()],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => vec![],
    }
}

#[test]
fn i2_every_field_of_every_route_with_every_wrong_type() {
    let server = Server::start();
    let ann = server.user("ann");
    ann.chat("hi");
    let reference = server.anon().get("/api/openapi.json").expect(200).json();
    let values =
        [json!(null), json!(7), json!(1.5), json!(true), json!("text"), json!([1]), json!({"a": {"b": []}})];
    let mut tried = 0;
    for route in routes().filter(|route| matches!(route.body, Body::Json(..))) {
        let verb = route.verb.as_str();
        let operation = &reference["paths"][route.path][verb.to_ascii_lowercase()];
        let mut schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        if let Some(reference_to) = schema["$ref"].as_str() {
            schema = reference.pointer(reference_to.trim_start_matches('#')).unwrap();
        }
        for (field, schema) in schema["properties"].as_object().expect("properties") {
            let allowed = kinds(schema);
            for value in &values {
                let kind = match value {
                    Value::Null => "null",
                    Value::Number(number) if number.is_i64() => "integer",
                    Value::Number(_) => "number",
                    Value::Bool(_) => "boolean",
                    Value::String(_) => "string",
                    Value::Array(_) => "array",
                    Value::Object(_) => "object",
                };
                if allowed.is_empty()
                    || allowed.contains(&kind)
                    || (kind == "integer" && allowed.contains(&"number"))
                {
                    continue;
                }
                tried += 1;
                let path = route.path.replace("{id}", "1");
                let body = json!({ field: value }).to_string();
                let reply = ann.send(verb, &path, Some("application/json"), body.as_bytes());
                tells_nothing(&reply, &server);
                let fields = reply.clone().fails(400, "invalid_parameter")["fields"].clone();
                let named = fields.as_object().unwrap().keys().any(|name| name.starts_with(field.as_str()));
                assert!(named, "{verb} {path} {body}: {fields}");
            }
        }
    }
    assert!(tried > 100, "{tried}");
    ann.get("/api/user").expect(200);
}

#[test]
fn i3_unknown_fields_are_passed_over_and_doubled_ones_refused() {
    let server = Server::start();
    let ann = server.user("ann");
    post(&ann, "/api/chat", br#"{"message":"hi","more":{"deep":[1]},"user":"x"}"#).expect(200);
    post(&ann, "/api/chat", br#"{"message":"hi","message":"ho"}"#).names(&["message"]);
    post(&ann, "/api/login", br#"{"email":"a@b.co","password":"x","password":"y"}"#).names(&["password"]);
    assert_eq!(server.upstream.received().len(), 1);
}

#[test]
fn i4_a_body_is_counted_whatever_it_says_of_itself() {
    let server = Server::start();
    let ann = server.user("ann");
    let padded = |length: usize| {
        let body = r#"{"email":"ann@example.org","password":"secret1","x":""#;
        format!("{body}{}\"}}", "x".repeat(length - body.len() - 2))
    };
    post(&ann, "/api/login", padded(16 << 10).as_bytes()).expect(200);
    post(&ann, "/api/login", padded((16 << 10) + 1).as_bytes()).fails(413, "too_large");
    post(&ann, "/api/login", padded(900 << 10).as_bytes()).fails(413, "too_large");
    // Chunked bodies have no length to refuse by; hyper counts what a Content-Length promises.
    let chunk = format!("4000\r\n{}\r\n", "x".repeat(0x4000));
    let chunked = format!(
        "POST /api/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{}0\r\n\r\n",
        chunk.repeat(4)
    );
    assert!(ann.raw(chunked.as_bytes()).starts_with("HTTP/1.1 413"));
    let lie = "POST /api/login HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}GET /api/health";
    let answer = ann.raw(lie.as_bytes());
    assert!(answer.starts_with("HTTP/1.1 400") && answer.matches("HTTP/1.1").count() == 1, "{answer}");
}

/// Sends without end until the server closes; returns how much it took and what it said.
fn flood(client: &Client, head: &str) -> (usize, String) {
    let mut stream = client.connect();
    stream.set_write_timeout(Some(Duration::from_secs(5))).unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    let (piece, mut sent) = (vec![b'x'; 64 << 10], 0);
    while sent < 256 << 20 {
        match stream.write(&piece) {
            Ok(count) => sent += count,
            Err(_) => break,
        }
    }
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    (sent, String::from_utf8_lossy(&answer).into_owned())
}

#[test]
fn i4_a_flood_is_cut_off() {
    let server = Server::start();
    let length = "Content-Length: 1000000000\r\n\r\n";
    let (sent, answer) = flood(&server.anon(), &format!("POST /api/chat HTTP/1.1\r\nHost: x\r\n{length}"));
    assert!(sent < 16 << 20, "{sent} bytes were taken from a stranger");
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 401"), "{answer}");
    let (sent, answer) = flood(&server.anon(), &format!("POST /api/login HTTP/1.1\r\nHost: x\r\n{length}"));
    assert!(sent < 16 << 20, "{sent} bytes were taken");
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 413"), "{answer}");
    server.anon().get("/api/health").expect(200);
}

#[test]
fn i6_unicode_comes_back_byte_for_byte() {
    let server = Server::start();
    let ann = server.user("ann");
    for text in [
        "a\u{2028}\u{2029}b",
        "a\u{202E}b\u{2066}c",
        "👩‍👩‍👧‍👦 \u{200D}\u{FEFF}",
        "e\u{301} é",
        "\u{1}\u{7}\u{1B}[31m\u{85}",
        "tab\tand\r\nlines",
        "\u{10FFFF}\u{E000}",
        "مرحبا 123",
        "\\u0000 \\n \"quoted\"",
    ] {
        let chat = ann.chat(text);
        assert_eq!(ann.get(&format!("/api/chat/{}", chat["id"])).json()["prompt"], text);
        assert_eq!(ann.get("/api/chat/history?limit=1").json()[0]["prompt"], text);
        assert_eq!(server.upstream.last()["messages"].as_array().unwrap().last().unwrap()["content"], text);
    }
    let nul = json!({"message": "a\u{0}b"});
    ann.post("/api/chat", &nul).names(&["message"]);
    ann.post("/api/chat", &json!({"message": "a", "system_prompt": "\u{0}"})).names(&["system_prompt"]);
    ann.post("/api/chat", &json!({"message": "a", "client_id": "a\nb"})).names(&["client_id"]);
    ann.post("/api/conversations", &json!({"title": "a\u{0}b"})).names(&["title"]);
}

#[test]
fn i7_the_limit_of_a_message_is_in_characters() {
    let server = Server::with(|config| config.chat.max_message_chars = 1000);
    let ann = server.user("ann");
    let send = |text: String| ann.post("/api/chat", &json!({"message": text}));
    for text in ["x".to_owned(), "x".repeat(1000), "🙂".repeat(1000)] {
        send(text).expect(200);
    }
    for text in
        ["x".repeat(1001), "🙂".repeat(1001), String::new(), " \t\n".into(), "\u{3000}\u{2003}".into()]
    {
        send(text).names(&["message"]);
    }
    ann.post("/api/chat", &json!({})).names(&["message"]);
    ann.post("/api/chat", &json!({"message": null})).names(&["message"]);
    // Escaped, each of these characters takes twelve bytes.
    let escaped = format!("{{\"message\":\"{}\"}}", "\\ud83d\\ude42".repeat(1000));
    post(&ann, "/api/chat", escaped.as_bytes()).expect(200);
    ann.post("/api/chat", &json!({"message": "x", "system_prompt": "x".repeat(1001)}))
        .names(&["system_prompt"]);
}

#[test]
fn i9_names_of_models() {
    let server = Server::with(|config| {
        config.upstream.models = vec!["m".into(), "openai/gpt-4o".into()];
        config.upstream.default_model = "m".into();
    });
    let ann = server.user("ann");
    for bad in ["../../x", "a b", "a/../b", "模型", "a\nb", "", &"m".repeat(201)] {
        ann.post("/api/chat", &json!({"message": "hi", "model": bad})).names(&["model"]);
    }
    ann.post("/api/chat", &json!({"message": "hi", "model": "gpt-5"})).fails(400, "model_not_allowed");
    ann.post("/api/chat", &json!({"message": "hi", "model": "openai/gpt-4o"})).expect(200);
    assert_eq!(server.upstream.last()["model"], "openai/gpt-4o");
    assert_eq!(server.upstream.received().len(), 1);
}

#[test]
fn i10_other_media_types() {
    let server = Server::start();
    let ann = server.user("ann");
    let send = |kind: Option<&str>| ann.send("POST", "/api/chat", kind, br#"{"message":"hi"}"#);
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json; charset=utf-16",
        "multipart/form-data; boundary=b",
        "application/jsonp",
        "text/json",
        "application/json, text/html",
    ] {
        send(Some(kind)).fails(415, "unsupported_media_type");
    }
    for kind in [
        None,
        Some("application/json"),
        Some("application/json; charset=UTF-8"),
        Some("APPLICATION/JSON;charset=\"utf-8\""),
    ] {
        send(kind).expect(200);
    }
    ann.send("POST", "/api/user/avatar", Some("application/json"), b"{}")
        .fails(415, "unsupported_media_type");
}

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
fn i13_long_and_odd_texts_are_quick() {
    let server = Server::start();
    let ann = server.user("ann");
    for text in [
        "<$".repeat(16_000),
        ">".repeat(32_000),
        "[".repeat(32_000),
        "*a ".repeat(10_000),
        "<div>".repeat(6_000),
        "e\u{301}\u{302}".repeat(10_000),
        format!("a{}", "\u{300}".repeat(31_000)),
        "你".repeat(32_000),
        "👩‍".repeat(16_000),
    ] {
        let began = Instant::now();
        ann.chat(&text);
        ann.get("/api/chat/history?q=a").expect(200);
        ann.get("/api/conversations").expect(200);
        let took = began.elapsed();
        assert!(took < Duration::from_secs(4), "{took:?} for {}", text.chars().take(5).collect::<String>());
    }
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
