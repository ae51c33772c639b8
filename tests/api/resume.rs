//! Going on where one was: from every offset of an answer, while it runs and afterwards.

use crate::support::Server;
use crate::support::client::{Client, Event, text_of};
use crate::support::seen::reasoning_of;
use crate::support::upstream::{Gate, Step, chunk, delta, done, stop, stream_of, usage};
use serde_json::{Value, json};

const REASONING: &str = "想 a🌍";
const RESPONSE: &str = "你好, wörld 🌍!\n👩‍👩‍👧";

fn steps(gate: &Gate) -> Vec<Step> {
    let thought = chunk(&json!({"reasoning_content": REASONING}));
    vec![
        Step::Send(stream_of(&[thought, delta(RESPONSE)])),
        Step::Wait(gate.clone()),
        Step::Send([stop(), usage(7, 5), done()].concat().into()),
    ]
}

/// A turn whose text has all come, and which runs until the gate opens.
fn running(server: &Server, ann: &Client) -> (Value, Gate) {
    let gate = Gate::default();
    server.upstream.script(steps(&gate));
    let mut stream = ann.stream(&json!({"message": "hi"}));
    let turn = stream.until("turn").data["id"].clone();
    let mut came = 0;
    while came < RESPONSE.len() {
        came += stream.until("delta").data["text"].as_str().unwrap().len();
    }
    (turn, gate)
}

/// Every pair of offsets that does not split a character, with what is behind it.
fn places() -> impl Iterator<Item = (String, &'static str, &'static str)> {
    let starts = |text: &'static str| text.char_indices().map(|(at, _)| at).chain([text.len()]);
    starts(REASONING).flat_map(move |r| {
        starts(RESPONSE).flat_map(move |t| {
            let plain = (r == 0).then(|| t.to_string());
            [Some(format!("{t}.{r}")), plain]
                .into_iter()
                .flatten()
                .map(move |id| (id, &REASONING[r..], &RESPONSE[t..]))
        })
    })
}

#[track_caller]
fn check(id: &str, events: &[Event], reasoning: &str, response: &str) {
    assert_eq!((reasoning_of(events), text_of(events)), (reasoning.to_owned(), response.to_owned()), "{id}");
    assert_eq!(events[0].name, "turn", "{id}");
    assert!(events.iter().all(|event| event.name != "reset"), "{id}");
    let last = events.last().unwrap();
    assert_eq!((last.name.as_str(), &last.data["reply"]), ("done", &json!(RESPONSE)), "{id}");
    // Thoughts first, then the answer; where they end is told by the last of them.
    let names: Vec<&str> = events.iter().map(|event| event.name.as_str()).collect();
    let (thought, said) =
        (names.iter().rposition(|n| *n == "reasoning"), names.iter().position(|n| *n == "delta"));
    assert!(thought.zip(said).is_none_or(|(thought, said)| thought < said), "{id}: {names:?}");
    if let Some(delta) = events.iter().rfind(|event| event.name == "delta") {
        assert_eq!(
            delta.id.as_deref(),
            Some(format!("{}.{}", RESPONSE.len(), REASONING.len()).as_str()),
            "{id}"
        );
    }
}

#[test]
fn from_every_offset_after_the_end() {
    let server = Server::start();
    let ann = server.user("ann");
    let (turn, gate) = running(&server, &ann);
    gate.open();
    ann.follow(&format!("/api/chat/{turn}/events"), "").until("done");
    for (id, reasoning, response) in places() {
        let events = ann.follow(&format!("/api/chat/{turn}/events?after={id}"), "").rest();
        check(&id, &events, reasoning, response);
    }
    let by_header = ann.follow(&format!("/api/chat/{turn}/events"), "Last-Event-ID: 6.3\r\n").rest();
    check("6.3", &by_header, &REASONING[3..], &RESPONSE[6..]);
    let both = ann.follow(&format!("/api/chat/{turn}/events?after=0"), "Last-Event-ID: 6.3\r\n").rest();
    check("the header, which a browser sends by itself", &both, &REASONING[3..], &RESPONSE[6..]);
}

#[test]
fn from_every_offset_while_it_runs() {
    let server = Server::start();
    let ann = server.user("ann");
    let (turn, gate) = running(&server, &ann);
    let followers: Vec<_> = places()
        .map(|(id, a, b)| (ann.follow(&format!("/api/chat/{turn}/events?after={id}"), ""), id, a, b))
        .collect();
    assert!(followers.len() > 100);
    gate.open();
    for (follower, id, reasoning, response) in followers {
        check(&id, &follower.rest(), reasoning, response);
    }
}

#[test]
fn an_offset_that_is_none_is_refused_and_one_beyond_is_answered_from_the_start() {
    let server = Server::start();
    let ann = server.user("ann");
    let (turn, gate) = running(&server, &ann);
    let path = format!("/api/chat/{turn}/events");
    let splits =
        |text: &str| -> Vec<usize> { (0..text.len()).filter(|at| !text.is_char_boundary(*at)).collect() };
    for ended in [false, true] {
        if ended {
            gate.open();
            ann.follow(&path, "").until("done");
        }
        for bad in [
            "x",
            "-1",
            "+1",
            "1.",
            ".1",
            "1.2.3",
            "1,2",
            "1e3",
            "0x1",
            " 1",
            "1 ",
            "٣",
            "99999999999999999999",
            "1.x",
            "NaN",
        ] {
            let query: String = form_urlencoded::byte_serialize(bad.as_bytes()).collect();
            ann.get(&format!("{path}?after={query}")).names(&["after"]);
            if bad.is_ascii() && bad.trim() == bad {
                ann.with_header("Last-Event-ID", bad).get(&path).names(&["after"]);
            }
        }
        for at in splits(RESPONSE) {
            ann.get(&format!("{path}?after={at}")).names(&["after"]);
            ann.get(&format!("{path}?after={at}.{}", REASONING.len())).names(&["after"]);
        }
        for at in splits(REASONING) {
            ann.get(&format!("{path}?after=0.{at}")).names(&["after"]);
        }
        for beyond in [
            format!("{}", RESPONSE.len() + 1),
            format!("0.{}", REASONING.len() + 1),
            "999999999.999999999".to_owned(),
        ] {
            let mut follower = ann.follow(&format!("{path}?after={beyond}"), "");
            assert_eq!(follower.next_event().unwrap().name, "turn");
            assert_eq!(follower.next_event().unwrap().name, "reset", "{beyond}");
            let reasoning = follower.until("reasoning");
            assert_eq!(reasoning.data["text"], REASONING, "{beyond}");
            assert_eq!(follower.until("delta").data["text"], RESPONSE, "{beyond}");
        }
        // An empty one is none.
        assert_eq!(ann.follow(&format!("{path}?after="), "").until("reasoning").data["text"], REASONING);
    }
}

#[test]
fn what_failed_stopped_or_broke_off_can_be_followed_too() {
    let server = Server::start();
    let ann = server.user("ann");
    server.upstream.answers(500, "", r#"{"error":{"message":"boom boom"}}"#);
    let failed = ann.post("/api/chat", &json!({"message": "hi"})).fails(502, "upstream_error")["id"].clone();
    server.upstream.events(&[delta("Hel")]);
    let broken = ann.chat("hi")["id"].clone();
    for (turn, names, status, code) in [
        (failed, &["turn", "error", "done"][..], "failed", "upstream_error"),
        (broken, &["turn", "delta", "error", "done"], "interrupted", "upstream_broke_off"),
    ] {
        let events = ann.follow(&format!("/api/chat/{turn}/events"), "").rest();
        assert_eq!(events.iter().map(|event| event.name.as_str()).collect::<Vec<_>>(), names);
        assert_eq!(events[events.len() - 2].data["code"], code);
        assert_eq!(events.last().unwrap().data["status"], status);
    }
}

#[test]
fn a_long_answer_is_given_in_pieces() {
    let server = Server::start();
    let ann = server.user("ann");
    let text = "好🌍x".repeat(30_000);
    server.upstream.says(&text);
    let turn = ann.chat("hi")["id"].clone();
    let events = ann.follow(&format!("/api/chat/{turn}/events"), "").rest();
    assert!(text_of(&events) == text && events.last().unwrap().data["reply"] == text);
    let deltas: Vec<&Event> = events.iter().filter(|event| event.name == "delta").collect();
    assert!(
        deltas.len() > 3 && deltas.iter().all(|event| event.data["text"].as_str().unwrap().len() <= 64 << 10)
    );
    let last = deltas.last().unwrap().id.as_deref();
    assert_eq!(last, Some(text.len().to_string().as_str()));
}
