//! What people may write: every character comes back as it was sent, up to a length, and costs no more than others.

use crate::support::{Client, Reply, Server};
use serde_json::json;
use std::time::{Duration, Instant};

fn post(client: &Client, path: &str, body: &[u8]) -> Reply {
    client.send("POST", path, Some("application/json"), body)
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
