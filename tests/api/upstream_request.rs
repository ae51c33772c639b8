//! What is sent upstream, and the three refusals after which it is sent once more.

use crate::support::Server;
use crate::support::upstream::{Step, delta, done, stop, stream_of};
use serde_json::{Value, json};

const NO_STREAM_OPTIONS: &str = r#"{"error":{"message":"Unrecognized request argument supplied: stream_options","param":"stream_options"}}"#;
const USE_NEW_NAME: &str = r#"{"error":{"message":"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.","type":"invalid_request_error","param":"max_tokens","code":"unsupported_parameter"}}"#;
const USE_OLD_NAME: &str = r#"{"detail":[{"type":"extra_forbidden","loc":["body","max_completion_tokens"],"msg":"Extra inputs are not permitted"}]}"#;
const TOO_LONG: &str =
    r#"{"error":{"message":"maximum context length is 4096 tokens","code":"context_length_exceeded"}}"#;

/// The bodies of all chat requests so far.
fn sent(server: &Server) -> Vec<Value> {
    server
        .upstream
        .received()
        .iter()
        .filter(|r| r.path().ends_with("/chat/completions"))
        .map(crate::support::upstream::Received::json)
        .collect()
}

fn keys(body: &Value) -> Vec<&str> {
    body.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn nothing_optional_is_sent_that_nobody_set_and_never_null() {
    let server = Server::start();
    let ann = server.user("ann");
    let usual = ["messages", "model", "stream", "stream_options"];
    ann.chat("hi");
    assert_eq!(keys(&server.upstream.last()), usual);
    assert_eq!(server.upstream.last()["stream_options"], json!({"include_usage": true}));
    assert_eq!(server.upstream.last()["stream"], true);
    let nulls = json!({"message": "hi", "temperature": null, "top_p": null, "max_tokens": null, "reasoning_effort": null,
        "system_prompt": null, "model": null, "conversation_id": null, "client_id": null, "stream": null, "attachments": null});
    ann.post("/api/chat", &nulls).expect(200);
    assert_eq!(keys(&server.upstream.last()), usual);
    assert!(!server.upstream.last().to_string().contains("null"));
    let all = json!({"message": "hi", "temperature": 0, "top_p": 1, "max_tokens": 5, "reasoning_effort": "low", "model": "a/b:c",
        "system_prompt": ""});
    ann.post("/api/chat", &all).expect(200);
    let last = server.upstream.last();
    assert_eq!(
        last,
        json!({"model": "a/b:c", "messages": [{"role": "user", "content": "hi"}], "stream": true,
            "stream_options": {"include_usage": true}, "temperature": 0.0, "top_p": 1.0, "max_tokens": 5,
            "reasoning_effort": "low"})
    );
}

#[test]
fn z6_p22_no_field_or_header_chooses_where_it_goes() {
    let server = Server::start();
    let sink = crate::support::Upstream::start();
    let ann = server.user("ann").with_header("X-Base-Url", &sink.url()).with_header("X-User-Id", "999");
    let there = sink.url();
    let form = json!({"message": "${HOME} {{api_key}} %PATH%", "base_url": there, "api_base": there, "user_id": 999,
        "bypass_filter": true, "_method": "DELETE", "model": "${JWT_SECRET}"});
    ann.send(
        "POST",
        &format!("/api/chat?base_url={there}&bypass_filter=true"),
        Some("application/json"),
        form.to_string().as_bytes(),
    )
    .expect(200);
    let last = server.upstream.last();
    assert_eq!(
        (&last["messages"][1]["content"], &last["model"]),
        (&json!("${HOME} {{api_key}} %PATH%"), &json!("${JWT_SECRET}"))
    );
    assert_eq!(keys(&last), ["messages", "model", "stream", "stream_options"]);
    assert!(sink.received().is_empty());
}

#[test]
fn c10_stream_options_are_left_out_where_they_are_refused_and_that_is_remembered() {
    let server = Server::start();
    let ann = server.user("ann");
    server.upstream.answers(400, "", NO_STREAM_OPTIONS);
    server.upstream.events(&[delta("Hello"), stop(), done()]);
    let reply = ann.chat("hi");
    assert_eq!((&reply["reply"], &reply["usage"]["source"]), (&json!("Hello"), &json!("estimated")));
    assert!(
        reply["usage"]["prompt_tokens"].as_i64() > Some(0)
            && reply["usage"]["completion_tokens"].as_i64() > Some(0)
    );
    assert!(reply["notice"].is_null(), "the person sees an answer only");
    ann.chat("again");
    let with: Vec<bool> = sent(&server).iter().map(|body| body.get("stream_options").is_some()).collect();
    assert_eq!(with, [true, false, false]);
    // Refused without them as well, it is a refusal.
    server.upstream.answers(400, "", NO_STREAM_OPTIONS);
    ann.post("/api/chat", &json!({"message": "hi"})).fails(400, "upstream_rejected");
    assert_eq!(sent(&server).len(), 4);
}

#[test]
fn the_token_limit_goes_by_the_name_that_is_taken() {
    let server = Server::start();
    let ann = server.user("ann");
    let limited = |message: &str| ann.post("/api/chat", &json!({"message": message, "max_tokens": 9}));
    server.upstream.answers(400, "", USE_NEW_NAME);
    limited("one").expect(200);
    limited("two").expect(200);
    server.upstream.answers(422, "", USE_OLD_NAME);
    limited("three").expect(200);
    limited("four").expect(200);
    let names: Vec<(bool, bool)> = sent(&server)
        .iter()
        .map(|body| {
            (body.get("max_tokens") == Some(&json!(9)), body.get("max_completion_tokens") == Some(&json!(9)))
        })
        .collect();
    let (old, new) = ((true, false), (false, true));
    assert_eq!(names, [old, new, new, new, old, old]);
}

#[test]
fn a_limit_that_is_refused_for_its_value_is_not_renamed() {
    for said in [
        "max_tokens is too large: 100000. This model supports at most 4096 completion tokens, whereas you provided 100000.",
        "'max_tokens' or 'max_completion_tokens' is too large: 100000.",
        "max_tokens must be at least 16",
        "Input should be less than or equal to 8192: max_tokens",
    ] {
        let server = Server::start();
        let ann = server.user("ann");
        for _ in 0..4 {
            server.upstream.answers(
                400,
                "",
                &json!({"error": {"message": said, "param": "max_tokens"}}).to_string(),
            );
        }
        ann.post("/api/chat", &json!({"message": "hi", "max_tokens": 100_000}))
            .fails(400, "upstream_rejected");
        assert_eq!(sent(&server).len(), 1, "{said}");
    }
}

#[test]
fn each_refusal_is_answered_by_one_more_try_and_no_more() {
    let server = Server::start();
    let ann = server.user("ann");
    // Both names refused, in turn, for ever: it is asked twice and then it is a refusal.
    for _ in 0..8 {
        server.upstream.answers(400, "", USE_NEW_NAME);
        server.upstream.answers(400, "", USE_OLD_NAME);
    }
    ann.post("/api/chat", &json!({"message": "hi", "max_tokens": 9})).fails(400, "upstream_rejected");
    assert_eq!(sent(&server).len(), 2);
}

#[test]
fn all_three_refusals_one_after_another() {
    let server = Server::start();
    let ann = server.user("ann");
    let conversation = ann.chat("first")["conversation_id"].clone();
    ann.post("/api/chat", &json!({"message": "second", "conversation_id": conversation})).expect(200);
    let before = sent(&server).len();
    for refusal in [NO_STREAM_OPTIONS, USE_NEW_NAME, TOO_LONG] {
        server.upstream.answers(400, "", refusal);
    }
    let form = json!({"message": "third", "conversation_id": conversation, "max_tokens": 9});
    let reply = ann.post("/api/chat", &form).expect(200).json();
    assert_eq!(reply["context"], json!({"turns": 1, "dropped": 1}));
    let bodies = sent(&server).split_off(before);
    assert_eq!(bodies.len(), 4);
    let last = &bodies[3];
    assert!(last.get("stream_options").is_none() && last.get("max_tokens").is_none(), "{last}");
    assert_eq!(
        (&last["max_completion_tokens"], last["messages"].as_array().map(Vec::len)),
        (&json!(9), Some(4))
    );
    let messages = |body: &Value| body["messages"].as_array().unwrap().len();
    assert_eq!(bodies.iter().map(messages).collect::<Vec<_>>(), [6, 6, 6, 4]);
}

#[test]
fn a_context_that_is_too_long_is_halved_once() {
    let server = Server::start();
    let ann = server.user("ann");
    let conversation = ann.chat("m0")["conversation_id"].clone();
    let say =
        |message: &str| ann.post("/api/chat", &json!({"message": message, "conversation_id": conversation}));
    for i in 1..5 {
        say(&format!("m{i}")).expect(200);
    }
    server.upstream.answers(400, "", TOO_LONG);
    server.upstream.events(&[delta("ok"), stop(), done()]);
    let reply = say("m5").expect(200).json();
    assert_eq!(reply["context"], json!({"turns": 2, "dropped": 3}));
    let messages = server.upstream.last()["messages"].clone();
    let said: Vec<&str> = messages
        .as_array()
        .unwrap()
        .iter()
        .filter(|m| m["role"] == "user")
        .map(|m| m["content"].as_str().unwrap())
        .collect();
    assert_eq!(said, ["m3", "m4", "m5"]);
    // Too long still: the sentence is shown, and it is not tried a third time.
    let before = sent(&server).len();
    (0..3).for_each(|_| server.upstream.answers(400, "", TOO_LONG));
    let body = say("m6").fails(400, "context_too_long");
    assert!(body["error"].as_str().unwrap().contains("maximum context length"));
    assert_eq!(sent(&server).len() - before, 2);
}

#[test]
fn nothing_is_sent_again_once_something_came() {
    let server = Server::start();
    let ann = server.user("ann");
    let conversation = ann.chat("first")["conversation_id"].clone();
    let before = sent(&server).len();
    let error = format!("data: {TOO_LONG}\n\n");
    server.upstream.script(vec![Step::Send(stream_of(&[delta("Hel"), error]))]);
    let reply =
        ann.post("/api/chat", &json!({"message": "hi", "conversation_id": conversation})).expect(200).json();
    assert_eq!((&reply["status"], &reply["reply"]), (&json!("interrupted"), &json!("Hel")));
    for answer in [500, 502, 503, 429, 408] {
        server.upstream.answers(answer, "", "");
        assert!(ann.post("/api/chat", &json!({"message": "hi"})).status >= 429);
    }
    server.upstream.script(vec![Step::Reset]);
    ann.post("/api/chat", &json!({"message": "hi"})).fails(502, "upstream_unreachable");
    assert_eq!(sent(&server).len() - before, 7);
}
