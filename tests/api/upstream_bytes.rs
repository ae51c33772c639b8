//! What an upstream's bytes do, whatever they say: packed, cut anywhere, without end, or behind it.

use crate::support::upstream::{Step, chunk, delta, done, event, plain, stop, stream_head, stream_of, usage};
use crate::support::{Seen, Server};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;
use std::io::Write;
use std::time::Duration;

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_body_is_judged_by_its_bytes() {
    let server = Server::start();
    let ann = server.user("ann");
    let events = [delta("你好🌍"), stop(), usage(7, 5), done()].concat().into_bytes();
    let whole = json!({"choices": [{"index": 0, "message": {"role": "assistant", "content": "你好🌍"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 5}})
    .to_string()
    .into_bytes();
    for body in [events, whole] {
        for (headers, body) in [
            ("Content-Type: application/json\r\n", body.clone()),
            ("Content-Type: text/event-stream\r\n", body.clone()),
            ("Content-Type: text/html; charset=latin1\r\n", body.clone()),
            ("", [b"\r\n \n", &body[..]].concat()),
            ("Content-Encoding: gzip\r\n", packed(&body)),
            ("", packed(&body)),
        ] {
            let seen = Seen::of(&server, &ann, &[Step::Send(plain(200, headers, &body))]);
            assert_eq!((seen.status.as_str(), seen.text.as_str()), ("complete", "你好🌍"), "{headers}");
            assert_eq!(
                (&seen.usage["total_tokens"], &seen.usage["source"]),
                (&json!(12), &json!("measured"))
            );
        }
    }
    // A list of models as well.
    let list = json!({"data": [{"id": "packed"}]}).to_string();
    server.upstream.script(vec![Step::Send(plain(200, "", &packed(list.as_bytes())))]);
    assert_eq!(ann.get("/api/models").expect(200).json()["models"][0]["id"], "packed");
}

#[test]
fn c05_a_character_cut_by_the_network_is_whole_again() {
    let server = Server::start();
    let ann = server.user("ann");
    let text = "你好世界🌍 — ok";
    let bytes = [delta(text), stop(), done()].concat().into_bytes();
    assert!(bytes.windows(4).any(|w| w == "🌍".as_bytes()), "raw UTF-8");
    let drip = Step::Drip(bytes.clone(), Duration::from_millis(1));
    let globe = bytes.windows(4).position(|w| w == "🌍".as_bytes()).unwrap() + 2;
    let apart = Step::Pause(Duration::from_millis(30));
    let cut = [Step::Send(bytes[..globe].to_vec()), apart, Step::Send(bytes[globe..].to_vec())];
    for steps in [vec![Step::Send(stream_head()), drip], [&[Step::Send(stream_head())][..], &cut].concat()] {
        let seen = Seen::of(&server, &ann, &steps);
        assert_eq!((seen.status.as_str(), seen.text.as_str()), ("complete", text));
    }
    // What is broken within the text itself can only be marked.
    let broken =
        [&b"data: {\"choices\":[{\"delta\":{\"content\":\"a\xF0\x9Fb\"}}]}\n\n"[..], stop().as_bytes()]
            .concat();
    let seen = Seen::of(&server, &ann, &[Step::Send([stream_head(), broken].concat())]);
    assert_eq!((seen.status.as_str(), seen.text.as_str()), ("complete", "a\u{FFFD}b"));
    let nul = Seen::of_events(&server, &ann, &[delta("a\0b"), stop()]);
    assert_eq!(nul.text, "a\u{FFFD}b");
}

#[test]
fn c04_a_long_line_is_whole_or_told() {
    let server = Server::start();
    let ann = server.user("ann");
    let long = "a".repeat(300_000);
    let seen = Seen::of_events(&server, &ann, &[delta(&long), stop(), done()]);
    assert!(seen.status == "complete" && seen.text == long);
    let picture = |size: usize| event(&json!({"choices": [{"delta": {}}], "image": "A".repeat(size)}));
    let seen = Seen::of_events(&server, &ann, &[delta("x"), picture(2 << 20), delta("y"), stop(), done()]);
    assert_eq!((seen.status.as_str(), seen.text.as_str()), ("complete", "xy"));
    let seen = Seen::of_events(&server, &ann, &[delta("x"), picture(5 << 20), delta("y"), stop(), done()]);
    assert_eq!(
        (seen.status.as_str(), seen.text.as_str()),
        ("interrupted", "x"),
        "never without the y and complete"
    );
    assert_eq!(seen.code, "upstream_bad_response");
}

#[test]
fn p8_an_answer_without_end_is_cut_at_the_limit() {
    let server = Server::with(|config| {
        config.upstream.max_reply_bytes = 10_000;
        config.limits.streams_per_user = 1;
    });
    let ann = server.user("ann");
    let endless = |event: String| vec![Step::Send(stream_head()), Step::Repeat(event.into(), Duration::ZERO)];
    let cut = |seen: &Seen, name: &str| {
        assert_eq!(
            (seen.status.as_str(), seen.code.as_str(), seen.http),
            ("truncated", "reply_too_long", 200),
            "{name}"
        );
        assert_eq!(seen.usage["source"], "estimated", "{name}");
    };
    let seen = Seen::of(&server, &ann, &endless(delta(&"x".repeat(33))));
    cut(&seen, "text");
    assert_eq!(seen.text, "x".repeat(10_000));
    let seen = Seen::of(&server, &ann, &endless(delta("好")));
    cut(&seen, "Chinese");
    assert_eq!(seen.text, "好".repeat(3333));
    let seen = Seen::of(&server, &ann, &endless(chunk(&json!({"reasoning": "hm "}))));
    cut(&seen, "thoughts");
    assert!(seen.text.is_empty() && seen.reasoning.len() == 10_000);
    server.upstream.wait_for_closed(6);
    // Exactly the limit is not beyond it.
    let seen = Seen::of_events(&server, &ann, &[delta(&"x".repeat(9_999)), delta("y"), stop(), usage(1, 2)]);
    assert_eq!((seen.status.as_str(), seen.text.len()), ("complete", 10_000));
    let whole = json!({"choices": [{"message": {"content": "z".repeat(10_001)}, "finish_reason": "stop"}]})
        .to_string();
    let seen = Seen::of(&server, &ann, &[Step::Send(plain(200, "", whole.as_bytes()))]);
    cut(&seen, "whole");
    assert_eq!(seen.text, "z".repeat(10_000));
}

#[test]
fn p8_blanks_that_may_yet_be_something_count_as_well() {
    let server = Server::with(|config| {
        config.upstream.max_reply_bytes = 100_000;
        config.upstream.total_timeout = Duration::from_secs(15);
    });
    let ann = server.user("ann");
    for (name, first, then) in [
        ("before the answer", delta(" "), delta(&" ".repeat(500))),
        ("in thoughts", delta("<think>a"), delta(&"\n".repeat(500))),
        ("behind a closing tag", delta("a\n</think>"), delta(&" ".repeat(500))),
    ] {
        server
            .upstream
            .script(vec![Step::Send(stream_of(&[first])), Step::Repeat(then.into(), Duration::ZERO)]);
        let reply = ann.chat("hi");
        assert_eq!(
            (&reply["status"], &reply["notice"]["code"]),
            (&json!("truncated"), &json!("reply_too_long")),
            "{name}"
        );
    }
}

#[test]
fn p9_a_head_that_floods() {
    let server = Server::start();
    let ann = server.user("ann");
    for headers in [format!("X-A: {}\r\n", "x".repeat(1 << 20)), "X-A: b\r\n".repeat(10_000)] {
        server.upstream.answers(200, &headers, "{}");
        ann.post("/api/chat", &json!({"message": "hi"})).fails(502, "upstream_bad_response");
        assert_eq!(ann.chat("hi")["reply"], "Hello.");
    }
}

#[test]
fn the_socket_may_stay_open_after_the_end() {
    let server = Server::with(|config| config.upstream.idle_timeout = Duration::from_secs(20));
    let ann = server.user("ann");
    let apart = Duration::from_millis(500);
    let empty = event(&json!({"choices": []}));
    for (name, rest) in [
        ("silent", Step::Hold),
        ("comments", Step::Repeat(b": still here\n\n".to_vec(), apart)),
        ("empty events", Step::Repeat(empty.into(), apart)),
    ] {
        let began = std::time::Instant::now();
        server.upstream.script(vec![Step::Send(stream_of(&[delta("Hello"), stop()])), rest]);
        let reply = ann.chat("hi");
        assert_eq!((&reply["status"], &reply["reply"]), (&json!("complete"), &json!("Hello")), "{name}");
        assert!(began.elapsed() < Duration::from_secs(6), "{name}: {:?}", began.elapsed());
    }
    server.upstream.wait_for_closed(3);
    // With usage and [DONE] there is nothing left to wait for.
    let began = std::time::Instant::now();
    server
        .upstream
        .script(vec![Step::Send(stream_of(&[delta("Hello"), stop(), usage(1, 2), done()])), Step::Hold]);
    assert_eq!(ann.chat("hi")["usage"]["source"], "measured");
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    server.upstream.wait_for_closed(4);
}

#[test]
fn p21_nothing_but_our_own_events_and_headers_leaves() {
    let server = Server::start();
    let ann = server.user("ann");
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nSet-Cookie: evil=1\r\nLocation: http://evil.example\r\n\
         Content-Security-Policy: default-src *\r\nX-Evil: 1\r\nConnection: close\r\n\r\n";
    let events = [
        "event: execute\nid: 99\nretry: 1\n".to_owned() + &delta("a\n\nevent: evil\ndata: {\"x\":1}\n\nb"),
        event(&json!({"choices": [], "html": "<script>", "execute": "1"})),
        stop(),
    ];
    server.upstream.script(vec![Step::Send([head.as_bytes(), events.concat().as_bytes()].concat())]);
    let mut stream = ann.stream(&json!({"message": "hi"}));
    let answer = stream.head.to_ascii_lowercase();
    for hidden in ["evil", "set-cookie", "location", "default-src *"] {
        assert!(!answer.contains(hidden), "{answer}");
    }
    let turn = stream.until("turn");
    assert_eq!(turn.data["id"], 1);
    let rest = stream.rest();
    assert!(rest.iter().all(|event| ["delta", "done"].contains(&event.name.as_str())), "{rest:?}");
    assert_eq!(crate::support::client::text_of(&rest), "a\n\nevent: evil\ndata: {\"x\":1}\n\nb");
    assert!(rest.iter().all(|event| event.id.as_deref() != Some("99")));
}
