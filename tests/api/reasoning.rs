//! Thoughts, by every name and tag they come with, kept apart from the answer; and the tag that comes too late.

use crate::support::client::text_of;
use crate::support::seen::reasoning_of;
use crate::support::upstream::{Gate, Step, chunk, delta, done, finish, stop, stream_of, usage};
use crate::support::{Seen, Server};
use serde_json::{Value, json};

#[track_caller]
fn check(server: &Server, events: &[String], reasoning: &str, text: &str) -> Seen {
    let ann = server.user(&format!("u{}", server.upstream.received().len()));
    let seen = Seen::of_events(server, &ann, events);
    assert_eq!((seen.reasoning.as_str(), seen.text.as_str()), (reasoning, text), "{events:?}");
    assert_eq!(seen.status, "complete");
    seen
}

#[test]
fn c11_tags_cut_anywhere() {
    let server = Server::start();
    let say = |pieces: &[&str]| -> Vec<String> {
        pieces.iter().map(|p| delta(p)).chain([stop(), done()]).collect()
    };
    let cut = ["<th", "ink>plan", "</thi", "nk>\n\nGood", " question: 3 < 5"];
    check(&server, &say(&cut), "plan", "Good question: 3 < 5");
    let each: Vec<String> = cut.concat().chars().map(String::from).collect();
    check(
        &server,
        &say(&each.iter().map(String::as_str).collect::<Vec<_>>()),
        "plan",
        "Good question: 3 < 5",
    );
    check(&server, &say(&["Write `<think>` first."]), "", "Write `<think>` first.");
    check(
        &server,
        &say(&["Write `<thi", "nk>` first, `</think>` last."]),
        "",
        "Write `<think>` first, `</think>` last.",
    );
    check(&server, &say(&["<think></think>\n\nHi"]), "", "Hi");
    check(&server, &say(&["3 <", " 5 and 5 <"]), "", "3 < 5 and 5 <");
    // Never closed: nothing is lost, and the person is told that there is no answer.
    let seen = check(&server, &say(&["<think>plan without end"]), "plan without end", "");
    assert_eq!(seen.code, "no_answer");
}

#[test]
fn thoughts_by_every_name() {
    let server = Server::start();
    for name in ["reasoning_content", "reasoning", "thinking"] {
        let thought = |text: &str| chunk(&json!({name: text}));
        check(&server, &[thought("想"), thought("想"), delta("答"), stop(), done()], "想想", "答");
        let empty = chunk(&json!({name: null, "content": "a"}));
        check(&server, &[chunk(&json!({name: "", "content": null})), empty, stop()], "", "a");
    }
    // Two names for one thing, as some relays write it.
    let twice =
        chunk(&json!({"reasoning_content": "hm", "reasoning": "hm", "reasoning_details": [{"text": "hm"}]}));
    check(&server, &[twice, delta("a"), stop()], "hm", "a");
    let odd = chunk(&json!({"reasoning": {"text": "x"}, "reasoning_content": 7, "content": "a"}));
    check(&server, &[odd, stop()], "", "a");
    let seen = check(&server, &[chunk(&json!({"reasoning": "hm"})), finish("stop")], "hm", "");
    assert_eq!((seen.code.as_str(), seen.http), ("no_answer", 200));
}

#[test]
fn reasoning_is_never_sent_nor_found() {
    let server = Server::start();
    let ann = server.user("ann");
    server.upstream.events(&[
        chunk(&json!({"reasoning": "a secret plan"})),
        delta("the answer"),
        stop(),
        usage(1, 2),
    ]);
    let first = ann.chat("question");
    ann.post("/api/chat", &json!({"message": "more", "conversation_id": first["conversation_id"]}))
        .expect(200);
    let sent = server.upstream.last().to_string();
    assert!(sent.contains("the answer") && !sent.contains("secret"), "{sent}");
    assert_eq!(ann.get("/api/search?q=secret").expect(200).json()["results"], json!([]));
    assert_eq!(ann.get("/api/search?q=answer").expect(200).json()["results"][0]["turn_id"], first["id"]);
    assert!(!ann.get("/api/chat/history").expect(200).text().contains("secret"));
}

/// A template that opens the tag itself: the thoughts come as if they were the answer, until `</think>`.
fn late(gates: &[Gate]) -> Vec<Step> {
    vec![
        Step::Send(stream_of(&[delta("想一想 plan")])),
        Step::Wait(gates[0].clone()),
        Step::Send(
            [delta("\n</think>"), delta("\n\n"), delta("The answer, 答案, is longer")].concat().into(),
        ),
        Step::Wait(gates[1].clone()),
        Step::Send([stop(), done()].concat().into()),
    ]
}

#[test]
fn c11_a_late_closing_tag_resets_the_answer() {
    let server = Server::start();
    let ann = server.user("ann");
    let gates = [Gate::default(), Gate::default()];
    server.upstream.script(late(&gates));
    let mut stream = ann.stream(&json!({"message": "hi"}));
    let turn = stream.until("turn").data["id"].clone();
    assert_eq!(stream.until("delta").data["text"], "想一想 plan");
    gates[0].open();
    assert_eq!(stream.until("reset").data, json!({}));
    let reasoning = stream.until("reasoning");
    assert_eq!((&reasoning.data["text"], reasoning.id.as_deref()), (&json!("想一想 plan\n"), Some("0.15")));
    gates[1].open();
    let rest = stream.rest();
    assert_eq!(text_of(&rest), "The answer, 答案, is longer");
    assert_eq!(rest.last().unwrap().data["reply"], "The answer, 答案, is longer");
    let stored = ann.get(&format!("/api/chat/{turn}")).expect(200).json();
    assert_eq!(
        (&stored["reasoning"], &stored["response"]),
        (&json!("想一想 plan\n"), &rest.last().unwrap().data["reply"])
    );
}

#[test]
fn c11_who_comes_back_with_an_offset_from_before_the_reset_gets_everything_anew() {
    let server = Server::start();
    let ann = server.user("ann");
    let gates = [Gate::default(), Gate::default()];
    server.upstream.script(late(&gates));
    let mut stream = ann.stream(&json!({"message": "hi"}));
    let turn = stream.until("turn").data["id"].clone();
    let seen = stream.until("delta").id.unwrap();
    assert_eq!(seen, "14");
    gates[0].open();
    // Another follower sees the reset; then this one comes back with what it had.
    stream.until("reset");
    let mut others = ann.follow(&format!("/api/chat/{turn}/events"), "");
    let mut had = String::new();
    while had.len() < "The answer, 答案, is longer".len() {
        had += others.until("delta").data["text"].as_str().unwrap();
    }
    let path = format!("/api/chat/{turn}/events?after={seen}");
    let back = ann.follow(&path, "");
    gates[1].open();
    let whole = |events: &[crate::support::client::Event]| {
        assert_eq!((events[0].name.as_str(), events[1].name.as_str()), ("turn", "reset"), "{events:?}");
        (reasoning_of(events), text_of(events))
    };
    let want = ("想一想 plan\n".to_owned(), "The answer, 答案, is longer".to_owned());
    assert_eq!(whole(&back.rest()), want, "while it runs");
    others.until("done");
    assert_eq!(whole(&ann.follow(&path, "").rest()), want, "after it has ended");
    // An offset that was named after the reset is good, running or not.
    let good = ann.follow(&format!("/api/chat/{turn}/events?after=12.15"), "").rest();
    assert_eq!((good[1].name.as_str(), &good[1].data["text"]), ("delta", &Value::from("答案, is longer")));
}
