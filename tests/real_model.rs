//! A chat against a real model. `tools/test model` starts one and names it in `MODEL_URL` and `MODEL_KEY`; without
//! them this fails, so that it is never left out unseen.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

#[path = "support/mod.rs"]
mod support;

use gpt_assistant::config::BaseUrl;
use gpt_assistant::secret::Secret;
use serde_json::{Value, json};
use support::Server;
use support::client::text_of;

fn server() -> Server {
    let variable =
        |name| std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set; run tools/test model"));
    let (url, key) = (variable("MODEL_URL"), variable("MODEL_KEY"));
    Server::with(|config| {
        config.upstream.base_url = BaseUrl::parse_api(&url).unwrap();
        config.upstream.api_key = Secret::new(key);
        config.upstream.default_model = "smollm2-135m-instruct".into();
    })
}

/// Greedy and short, so that the answer is the same every time.
fn question(message: &str) -> Value {
    json!({"message": message, "temperature": 0, "max_tokens": 40})
}

const FRANCE: &str = "What is the capital of France? Answer in one short sentence.";

#[test]
fn a_real_model_answers_plain_and_streamed() {
    let server = server();
    let ann = server.user("ann");
    let plain = ann.post("/api/chat", &question(FRANCE)).expect(200).json();
    assert!(plain["reply"].as_str().unwrap().contains("Paris"), "{plain}");
    assert_eq!((&plain["usage"]["source"], &plain["status"]), (&json!("measured"), &json!("complete")));

    let events = ann.stream(&question(FRANCE)).rest();
    let done = events.last().unwrap();
    assert_eq!(text_of(&events), done.data["reply"].as_str().unwrap());
    assert!(text_of(&events).contains("Paris"));
    assert!(events.iter().filter(|event| event.name == "delta").count() > 1, "it came in pieces");
}

#[test]
fn a_real_model_sees_the_conversation() {
    let server = server();
    let ann = server.user("ann");
    let first = ann.post("/api/chat", &question(FRANCE)).expect(200).json();
    let mut second = question("And what is the name of that country?");
    second["conversation_id"] = first["conversation_id"].clone();
    let second = ann.post("/api/chat", &second).expect(200).json();
    assert_eq!(second["context"], json!({"turns": 1, "dropped": 0}));
    assert!(second["usage"]["prompt_tokens"].as_i64() > first["usage"]["prompt_tokens"].as_i64());
}

#[test]
fn a_stop_frees_the_models_slot() {
    let server = server();
    let ann = server.user("ann");
    let long = json!({"message": "Tell a very long story about a ship.", "max_tokens": 2000});
    // More answers than the model has slots: the later ones can only come when the earlier ones were really ended.
    for _ in 0..4 {
        let mut stream = ann.stream(&long);
        let turn = stream.until("turn").data["id"].clone();
        stream.until("delta");
        let stopped = ann.post(&format!("/api/chat/{turn}/stop"), &json!({})).expect(200).json();
        assert_eq!(stopped["status"], "stopped");
        assert_eq!(stream.until("done").data["status"], "stopped");
    }
    let reply = ann.post("/api/chat", &question(FRANCE)).expect(200).json();
    assert!(reply["reply"].as_str().unwrap().contains("Paris"));
}

#[test]
fn a_real_model_lists_itself_with_its_window() {
    let server = server();
    let models = server.user("ann").get("/api/models").expect(200).json();
    assert_eq!(models["models"][0]["id"], "smollm2-135m-instruct");
    assert_eq!((&models["models"][0]["context"], &models["stale"]), (&json!(4096), &json!(false)));
}

#[test]
fn a_real_model_refuses_a_wrong_key_and_nobody_is_signed_out() {
    let server = server();
    let ann = server.user("ann");
    ann.post("/api/user/api-key", &json!({"api_key": "sk-wrong-key-000000000000"})).expect(200);
    ann.post("/api/chat", &question(FRANCE)).fails(400, "upstream_key_rejected");
    ann.get("/api/user").expect(200);
}
