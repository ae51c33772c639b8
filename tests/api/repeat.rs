//! `client_id`: a message that is sent twice is answered once, whenever and however it comes again.

use crate::support::client::text_of;
use crate::support::upstream::{Gate, Step, delta, done, stop, stream_of, usage};
use crate::support::{Client, Reply, Server};
use serde_json::{Value, json};
use std::sync::Barrier;

fn send(client: &Client, id: &str, message: &str) -> Reply {
    client.post("/api/chat", &json!({"message": message, "client_id": id}))
}

fn is_again(reply: &Reply) -> bool {
    reply.header("idempotent-replay") == Some("true")
}

#[test]
fn the_same_send_is_the_same_turn() {
    let mut server = Server::start();
    let ann = server.user("ann");
    let first = send(&ann, "a", "hi").expect(200);
    assert!(!is_again(&first));
    let again = send(&ann, "a", "hi").expect(200);
    assert!(is_again(&again));
    for field in [
        "id",
        "conversation_id",
        "reply",
        "usage",
        "status",
        "finish_reason",
        "model",
        "parent_id",
        "paid_by",
    ] {
        assert_eq!(first.json()[field], again.json()[field], "{field}");
    }
    // As a stream too, and the order of fields and the way to ask are no part of what is sent.
    let stream = ann.stream(&json!({"client_id": "a", "message": "hi"}));
    assert!(stream.head.to_ascii_lowercase().contains("idempotent-replay: true"));
    let events = stream.rest();
    assert_eq!((&events[0].data["id"], text_of(&events)), (&first.json()["id"], "Hello.".to_owned()));
    // After a restart as well.
    server.restart(|_| ());
    let ann = server.again(&ann);
    let after = send(&ann, "a", "hi").expect(200);
    assert!(is_again(&after) && after.json()["id"] == first.json()["id"]);
    assert_eq!(server.upstream.received().len(), 1);
    assert_eq!(ann.get("/api/stat/token-usage").expect(200).json()["total"], 12, "charged once");
    let turn = ann.get("/api/chat/1").expect(200).json();
    assert_eq!(turn["client_id"], "a");
    // Names are each person's own.
    let bob = server.user("bob");
    assert!(!is_again(&send(&bob, "a", "other").expect(200)));
}

#[test]
fn with_another_body_it_is_a_fault() {
    let server = Server::start();
    let ann = server.user("ann");
    let base = json!({"message": "hi", "client_id": "a"});
    ann.post("/api/chat", &base).expect(200);
    for (field, value) in [
        ("message", json!("ho")),
        ("system_prompt", json!("x")),
        ("model", json!("m")),
        ("conversation_id", json!(1)),
        ("temperature", json!(0.5)),
        ("max_tokens", json!(5)),
        ("parent_id", Value::Null),
    ] {
        let mut other = base.clone();
        other[field] = value;
        ann.post("/api/chat", &other).fails(400, "client_id_reused");
    }
    ann.post("/api/chat/1/retry", &json!({"client_id": "a"})).fails(400, "client_id_reused");
    assert_eq!(server.upstream.received().len(), 1);
    for bad in ["", &"x".repeat(65), "a\nb", "\u{0}"] {
        ann.post("/api/chat", &json!({"message": "hi", "client_id": bad})).names(&["client_id"]);
    }
    let long = "好".repeat(64);
    assert!(
        !is_again(&send(&ann, &long, "hi").expect(200)) && is_again(&send(&ann, &long, "hi").expect(200))
    );
}

#[test]
fn one_that_runs_is_followed() {
    let server = Server::start();
    let ann = server.user("ann");
    let gate = Gate::default();
    server.upstream.script(vec![
        Step::Send(stream_of(&[delta("Hel")])),
        Step::Wait(gate.clone()),
        Step::Send([delta("lo"), stop(), usage(7, 5), done()].concat().into()),
    ]);
    let form = json!({"message": "hi", "client_id": "a"});
    let mut first = ann.stream(&form);
    first.until("delta");
    let mut second = ann.stream(&form);
    assert!(second.head.to_ascii_lowercase().contains("idempotent-replay: true"));
    assert_eq!(second.until("delta").data["text"], "Hel");
    ann.post("/api/chat", &json!({"message": "ho", "client_id": "a"})).fails(400, "client_id_reused");
    std::thread::scope(|scope| {
        let plain = scope.spawn(|| send(&ann, "a", "hi").expect(200));
        gate.open();
        assert!(is_again(&plain.join().unwrap()));
    });
    assert_eq!((text_of(&first.rest()), text_of(&second.rest())), ("lo".to_owned(), "lo".to_owned()));
    assert_eq!(server.upstream.received().len(), 1);
}

#[test]
fn a_failure_is_repeated_and_not_tried_again() {
    let server = Server::start();
    let ann = server.user("ann");
    server.upstream.answers(402, "", r#"{"error":{"message":"Insufficient Balance"}}"#);
    let first = send(&ann, "a", "hi").fails(400, "upstream_quota");
    let again = send(&ann, "a", "hi");
    assert!(is_again(&again));
    let body = again.fails(400, "upstream_quota");
    assert_eq!((&body["id"], &body["error"]), (&first["id"], &first["error"]));
    assert_eq!(server.upstream.received().len(), 1);
}

#[test]
fn retries_have_names_too() {
    let server = Server::start();
    let ann = server.user("ann");
    ann.chat("hi");
    let retry = || ann.post("/api/chat/1/retry", &json!({"client_id": "r"})).expect(200);
    let (first, again) = (retry(), retry());
    assert!(!is_again(&first) && is_again(&again) && first.json()["id"] == again.json()["id"]);
    assert_eq!(server.upstream.received().len(), 2);
}

#[test]
fn twenty_at_once_are_one_request() {
    let server = Server::start();
    let ann = server.user("ann");
    for round in 0..12 {
        let before = server.upstream.received().len();
        // Half of the rounds end at once: then the row is all that is left to tell who was first.
        if round % 2 == 0 {
            let apart = Step::Pause(std::time::Duration::from_millis(30));
            server
                .upstream
                .script(vec![apart, Step::Send(stream_of(&[delta("Hello."), stop(), usage(7, 5), done()]))]);
        }
        let form = json!({"message": "hi", "client_id": format!("round {round}")});
        let start = Barrier::new(20);
        let ids: Vec<Value> = std::thread::scope(|scope| {
            let all: Vec<_> = (0..20)
                .map(|i| {
                    let (ann, form, start) = (ann.clone(), &form, &start);
                    scope.spawn(move || {
                        start.wait();
                        if i % 2 == 0 {
                            return ann.post("/api/chat", form).expect(200).json()["id"].clone();
                        }
                        let stream = ann.stream(form);
                        assert_eq!(stream.status(), 200, "{}", stream.head);
                        let events = stream.rest();
                        assert_eq!(
                            (text_of(&events), events[0].name.as_str()),
                            ("Hello.".to_owned(), "turn")
                        );
                        events[0].data["id"].clone()
                    })
                })
                .collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        assert_eq!(server.upstream.received().len() - before, 1, "round {round}");
    }
    let conversations = ann.get("/api/conversations").expect(200).json();
    assert_eq!(conversations["conversations"].as_array().map(Vec::len), Some(12), "none is left over empty");
    assert_eq!(ann.get("/api/stat/token-usage").expect(200).json()["total"], 12 * 12);
}

#[test]
fn a_repeated_send_is_not_limited() {
    let server = Server::with(|config| config.limits.chat_per_minute = 2);
    let ann = server.user("ann");
    let gate = Gate::default();
    server.upstream.script(vec![Step::Wait(gate.clone()), Step::Send(stream_of(&[delta("a"), stop()]))]);
    let form = json!({"message": "hi", "client_id": "a"});
    let streams: Vec<_> = (0..6).map(|_| ann.stream(&form)).collect();
    assert!(streams.iter().all(|stream| stream.status() == 200));
    gate.open();
    (0..6).for_each(|_| drop(send(&ann, "a", "hi").expect(200)));
    send(&ann, "b", "hi").expect(200);
    send(&ann, "c", "hi").fails(429, "rate_limited");
}
