//! `POST /api/chat`: one message, one answer.

use crate::support::Server;
use crate::support::client::text_of;
use crate::support::upstream::{delta, done, stop, usage};
use serde_json::json;

#[test]
fn a_plain_chat_is_answered_kept_and_counted() {
    let server = Server::start();
    let ann = server.user("ann");
    server.upstream.says("你好，有什么可以帮您？");
    let reply =
        ann.post("/api/chat", &json!({"message": "你是谁？", "model": "gpt-3.5-turbo"})).expect(200).json();
    assert_eq!(reply["reply"], "你好，有什么可以帮您？");
    let usage = json!({"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12, "cached_tokens": 0, "reasoning_tokens": 0, "source": "measured"});
    assert_eq!(reply["usage"], usage);
    assert_eq!((&reply["status"], &reply["finish_reason"]), (&json!("complete"), &json!("stop")));

    let sent = server.upstream.last();
    assert_eq!(sent["model"], "gpt-3.5-turbo");
    assert_eq!(sent["messages"][0], json!({"role": "system", "content": "You are a helpful assistant."}));
    assert_eq!(sent["messages"][1], json!({"role": "user", "content": "你是谁？"}));
    assert_eq!(
        server.upstream.received()[0].header("authorization"),
        Some("Bearer sk-shared-canary-000000000000")
    );

    let history = ann.get("/api/chat/history").expect(200).json();
    assert_eq!(history.as_array().map(Vec::len), Some(1));
    assert_eq!((&history[0]["prompt"], &history[0]["tokens"]), (&json!("你是谁？"), &json!(12)));
    let stat = ann.get("/api/stat/token-usage").expect(200).json();
    assert_eq!((&stat["total"], &stat["days"][0]["total_tokens"]), (&json!(12), &json!(12)));
}

#[test]
fn a_streamed_chat_is_the_same_answer() {
    let server = Server::start();
    let ann = server.user("ann");
    server.upstream.events(&[delta("Hel"), delta("lo 世"), delta("界"), stop(), usage(3, 4), done()]);
    let mut stream = ann.stream(&json!({"message": "hi"}));
    assert_eq!(stream.status(), 200);
    let head = stream.head.to_ascii_lowercase();
    for line in
        ["content-type: text/event-stream", "cache-control: no-store, no-transform", "x-accel-buffering: no"]
    {
        assert!(head.contains(line), "{head}");
    }
    let turn = stream.until("turn");
    let events = stream.rest();
    let done = events.last().unwrap();
    assert_eq!(done.name, "done");
    assert_eq!((text_of(&events), &done.data["reply"]), ("Hello 世界".to_owned(), &json!("Hello 世界")));
    assert_eq!(done.data["usage"]["total_tokens"], 7);
    let stored = ann.get(&format!("/api/chat/{}", turn.data["id"])).expect(200).json();
    assert_eq!(stored["response"], "Hello 世界");
}
