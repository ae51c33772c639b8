//! What no client should send: broken JSON, wrong types, sizes, media types. Each gets a sentence and changes nothing,
//! and the server goes on.

use crate::support::{Client, Reply, Server};
use gpt_assistant::http::route::Body;
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
