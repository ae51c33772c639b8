//! Which models there are, which may be used, and how much of a conversation fits one.

use crate::support::{Client, Server};
use serde_json::{Value, json};

fn names(reply: &Value) -> Vec<&str> {
    reply["models"].as_array().unwrap().iter().map(|m| m["id"].as_str().unwrap()).collect()
}

fn models(client: &Client) -> Value {
    client.get("/api/models").expect(200).json()
}

/// With a key of its own: lists are kept by key.
fn with_key(server: &Server, name: &str) -> Client {
    let client = server.user(name);
    client.post("/api/user/api-key", &json!({"api_key": format!("sk-{name}")})).expect(200);
    client
}

#[test]
fn c29_every_list_there_is() {
    let server = Server::start();
    let odd = r#"{"data":[{"id":"openai/gpt-4o-mini","name":"x","pricing":{}},{"id":"/my/llms/Qwen3"},{"id":"aaa/llava:13b"},{"id":"aaa/llava:13b"},{"id":""},{"id":7}]}"#;
    let many: Vec<String> = (0..3000).map(|i| format!("{{\"id\":\"m{i}\"}}")).collect();
    for (i, (status, body, found, stale)) in [
        (200, odd.to_owned(), vec!["openai/gpt-4o-mini", "/my/llms/Qwen3", "aaa/llava:13b"], false),
        (200, r#"[{"id":"a"}]"#.to_owned(), vec!["a"], false),
        (200, r#"{"object":"list","data":null}"#.to_owned(), vec!["gpt-4o-mini"], false),
        (200, r#"{"models":[]}"#.to_owned(), vec!["gpt-4o-mini"], false),
        (200, "\"oops\"".to_owned(), vec!["gpt-4o-mini"], false),
        (200, "<html><title>x</title></html>".to_owned(), vec!["gpt-4o-mini"], true),
        (200, "garbage".to_owned(), vec!["gpt-4o-mini"], true),
        (500, "{}".to_owned(), vec!["gpt-4o-mini"], true),
        (404, "{}".to_owned(), vec!["gpt-4o-mini"], true),
        (302, "{}".to_owned(), vec!["gpt-4o-mini"], true),
        (200, format!("{{\"data\":[{}]}}", many.join(",")), vec![], false),
    ]
    .into_iter()
    .enumerate()
    {
        let ann = with_key(&server, &format!("u{i}"));
        server.upstream.answers(status, "", &body);
        let reply = models(&ann);
        assert_eq!(reply["stale"], stale, "{body:.60}");
        if found.is_empty() {
            assert_eq!(names(&reply).len(), 3000);
        } else {
            assert_eq!(names(&reply), found, "{body:.60}");
        }
        let default = reply["default"].as_str().unwrap();
        assert!(names(&reply).contains(&default), "{default}");
        assert_eq!(ann.chat("hi")["status"], "complete", "chat works with any list");
    }
    // Names are passed on byte for byte, and kept.
    let ann = with_key(&server, "ann");
    for name in
        ["openai/gpt-4o-mini", "/my/llms/Qwen3", "aaa/llava:13b", "a@b", "accounts/x/models/y#1?z=%20"]
    {
        let turn = ann.post("/api/chat", &json!({"message": "hi", "model": name})).expect(200).json();
        assert_eq!((&server.upstream.last()["model"], &turn["model"]), (&json!(name), &json!(name)));
        assert_eq!(ann.get("/api/chat/history?limit=1").expect(200).json()[0]["model"], name);
    }
}

#[test]
fn a_list_is_kept_and_the_last_one_serves_while_the_upstream_is_down() {
    let server = Server::start();
    let (ann, bob) = (with_key(&server, "ann"), with_key(&server, "bob"));
    server.upstream.answers(200, "", r#"{"data":[{"id":"a"},{"id":"b"}]}"#);
    assert_eq!(names(&models(&ann)), ["a", "b"]);
    let before = server.upstream.received().len();
    (0..5).for_each(|_| assert_eq!(names(&models(&ann)), ["a", "b"]));
    assert_eq!(server.upstream.received().len(), before, "kept");
    // Another key may see other models.
    server.upstream.answers(200, "", r#"{"data":[{"id":"c"}]}"#);
    assert_eq!(names(&models(&bob)), ["c"]);
    let asked = server.upstream.received();
    assert_eq!(asked.last().unwrap().header("authorization"), Some("Bearer sk-bob"));
    assert_eq!(asked.last().unwrap().path(), "/v1/models");
}

#[test]
fn the_list_of_what_may_be_used() {
    let server = Server::with(|config| {
        config.upstream.models = vec!["good".into(), "other/one".into()];
        config.upstream.default_model = "good".into();
    });
    let ann = server.user("ann");
    server.upstream.answers(200, "", r#"{"data":[{"id":"secret"},{"id":"good","context_length":4096}]}"#);
    let reply = models(&ann);
    assert_eq!((names(&reply), &reply["default"]), (vec!["good", "other/one"], &json!("good")));
    assert_eq!(
        (&reply["models"][0]["context"], &reply["models"][1]["context"]),
        (&json!(4096), &Value::Null)
    );
    let before = server.upstream.received().len();
    ann.post("/api/chat", &json!({"message": "hi", "model": "secret"})).fails(400, "model_not_allowed");
    ann.post("/api/chat", &json!({"message": "hi", "model": "GOOD"})).fails(400, "model_not_allowed");
    assert_eq!(server.upstream.received().len(), before);
    ann.post("/api/chat", &json!({"message": "hi", "model": "other/one"})).expect(200);
    ann.post("/api/chat/1/retry", &json!({"model": "secret"})).fails(400, "model_not_allowed");
    // What was chosen before the list was made is passed over.
    ann.patch("/api/user", &json!({"default_model": "secret"})).expect(200);
    assert_eq!(ann.chat("hi")["model"], "good");
    assert_eq!(models(&ann)["default"], "good");
}

#[test]
fn no_key_at_all() {
    let server = Server::with(|config| config.upstream.api_key = gpt_assistant::secret::Secret::default());
    let ann = server.user("ann");
    for body in [json!({"message": "hi"}), json!({"message": "hi", "stream": true})] {
        ann.post("/api/chat", &body).fails(400, "api_key_missing");
    }
    ann.post("/api/user/api-key/check", &json!({})).fails(400, "api_key_missing");
    assert_eq!(models(&ann)["stale"], true);
    assert!(server.upstream.received().is_empty());
    ann.post("/api/user/api-key", &json!({"api_key": "sk-own"})).expect(200);
    assert_eq!(ann.chat("hi")["paid_by"], "own");
    assert_eq!(server.upstream.received()[0].header("authorization"), Some("Bearer sk-own"));
    let check = |key: &str| ann.post("/api/user/api-key/check", &json!({"api_key": key})).expect(200).json();
    assert_eq!(check("sk-tried"), json!({"ok": true, "code": null, "error": null}));
    assert_eq!(server.upstream.received().last().unwrap().header("authorization"), Some("Bearer sk-tried"));
    assert_eq!(ann.chat("hi")["paid_by"], "own", "nothing of the try was kept");
    assert_eq!(server.upstream.received().last().unwrap().header("authorization"), Some("Bearer sk-own"));
}

#[test]
fn the_newest_whole_turns_that_fit_are_sent() {
    // A window of 2,000: 1,024 are kept for the answer unless the request says otherwise.
    let server = Server::with(|config| config.upstream.context_tokens = 2000);
    let ann = server.user("ann");
    let answer = "好".repeat(200);
    let conversation = {
        server.upstream.says(&answer);
        ann.chat("q0")["conversation_id"].clone()
    };
    let say = |form: Value| {
        let mut form = form;
        form["conversation_id"] = conversation.clone();
        server.upstream.says(&answer);
        let reply = ann.post("/api/chat", &form).expect(200).json();
        let sent = server.upstream.last();
        let messages = sent["messages"].as_array().unwrap();
        assert_eq!(messages[0]["role"], "system");
        assert_eq!(messages.last().unwrap()["content"], form["message"]);
        let turns = (messages.len() - 2) / 2;
        assert_eq!(reply["context"]["turns"], turns, "what is said is what was sent");
        (turns, reply["context"]["dropped"].as_u64().unwrap())
    };
    // 2,000 - 1,024 - 7 for the system prompt - 1 for the message - 8: 960 for turns of 201 each.
    let sizes: Vec<_> = (1..8).map(|i| say(json!({"message": format!("q{i}")}))).collect();
    assert_eq!(sizes, [(1, 0), (2, 0), (3, 0), (4, 0), (4, 1), (4, 2), (4, 3)]);
    assert_eq!(say(json!({"message": "q8", "max_tokens": 100})), (8, 0));
    assert_eq!(say(json!({"message": "q9", "max_tokens": 1900})), (0, 9));
    // Prompt and message always, however long they are.
    let (turns, dropped) = say(json!({"message": "问".repeat(3000), "system_prompt": "规".repeat(3000)}));
    assert_eq!((turns, dropped), (0, 10));
    assert_eq!(server.upstream.last()["messages"][1]["content"], "问".repeat(3000));
}

#[test]
fn the_window_is_what_the_upstream_s_list_says() {
    let server = Server::start();
    let ann = server.user("ann");
    server.upstream.answers(
        200,
        "",
        r#"{"data":[{"id":"small","meta":{"n_ctx":2000}},{"id":"gpt-4o-mini"}]}"#,
    );
    models(&ann);
    server.upstream.says(&"好".repeat(900));
    let conversation = ann.chat("q0")["conversation_id"].clone();
    server.upstream.says(&"好".repeat(900));
    let say = |model: &str| {
        let form = json!({"message": "q", "conversation_id": conversation, "parent_id": 1, "model": model});
        ann.post("/api/chat", &form).expect(200).json()["context"].clone()
    };
    assert_eq!(say("gpt-4o-mini"), json!({"turns": 1, "dropped": 0}), "16,000 where nobody says");
    assert_eq!(say("small"), json!({"turns": 1, "dropped": 0}));
    server.upstream.says(&"好".repeat(900));
    let form = json!({"message": "q", "conversation_id": conversation, "parent_id": 2, "model": "small"});
    assert_eq!(ann.post("/api/chat", &form).expect(200).json()["context"], json!({"turns": 1, "dropped": 1}));
}
