//! What an upstream sends as an answer, in all the forms there are and some that should not be.

use crate::support::upstream::{
    Step, chunk, delta, done, finish, plain, stop, stream_head, stream_of, usage,
};
use crate::support::{Seen, Server};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use std::io::Write;
use std::time::Duration;

struct Case {
    name: &'static str,
    events: Vec<String>,
    /// Status, text, finish reason, code of the fault or notice.
    want: (&'static str, &'static str, &'static str, &'static str),
}

fn event(value: &Value) -> String {
    format!("data: {value}\n\n")
}

#[track_caller]
fn check(server: &Server, cases: Vec<Case>) {
    let ann = server.user(&format!("u{}", server.upstream.received().len()));
    for case in cases {
        let seen = Seen::of_events(server, &ann, &case.events);
        let got = (seen.status.as_str(), seen.text.as_str(), seen.finish.as_str(), seen.code.as_str());
        assert_eq!(got, case.want, "{}: {}", case.name, seen.sentence);
        assert_eq!(seen.http, if case.want.0 == "failed" { 502 } else { 200 }, "{}", case.name);
        assert_eq!(seen.sentence.is_empty(), case.want.3.is_empty(), "{}", case.name);
    }
}

#[test]
fn c01_c02_c03_streams_as_they_are_written_elsewhere() {
    let filter = "data: {\"id\":\"\",\"object\":\"\",\"created\":0,\"model\":\"\",\"choices\":[],\"prompt_filter_results\":\
         [{\"prompt_index\":0,\"content_filter_results\":{\"hate\":{\"filtered\":false,\"severity\":\"safe\"}}}]}\n\n";
    let longcat = [
        "data:{\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"LongCat-Flash-Chat\",\"choices\":\
         [{\"delta\":{\"role\":\"assistant\",\"content\":\" Hi\",\"function_call\":null},\"index\":0,\"finish_reason\":null,\
         \"logprobs\":null}],\"content\":\"\",\"lastOne\":false}\n\n",
        "data:{\"id\":\"c1\",\"choices\":[{\"delta\":{},\"index\":0,\"finish_reason\":\"stop\"}],\"content\":\"\",\"lastOne\":true}\n\n",
        "data:[DONE]\n\n",
    ];
    let complete = |text| ("complete", text, "stop", "");
    let lines = |end: &str, events: &[String]| vec![events.concat().replace('\n', end)];
    let usual = [delta("a"), delta("b\nc"), stop(), usage(7, 5), done()];
    check(
        &Server::start(),
        vec![
            Case {
                name: "no blank after the colon",
                events: longcat.map(String::from).to_vec(),
                want: complete(" Hi"),
            },
            Case {
                name: "Azure's filter first and in the middle",
                events: vec![filter.into(), delta("H"), filter.into(), delta("i"), stop(), done()],
                want: complete("Hi"),
            },
            Case {
                name: "comments",
                events: vec![
                    ": OPENROUTER PROCESSING\n\n".repeat(2),
                    delta("亚"),
                    ": keep-alive\n\n".into(),
                    ":\n\n".into(),
                    delta("洲"),
                    stop(),
                    done(),
                ],
                want: complete("亚洲"),
            },
            Case { name: "lines that end with CRLF", events: lines("\r\n", &usual), want: complete("ab\nc") },
            Case { name: "lines that end with CR", events: lines("\r", &usual), want: complete("ab\nc") },
            Case {
                name: "a byte order mark",
                events: vec!["\u{FEFF}".into(), delta("a"), stop()],
                want: complete("a"),
            },
            Case {
                name: "an event over many lines",
                events: vec![
                    "data: {\"choices\":\ndata: [{\"delta\":{\"content\":\ndata: \"a\"}}]}\n\n".into(),
                    stop(),
                ],
                want: complete("a"),
            },
            Case {
                name: "no blank line between events",
                events: vec![[delta("a"), delta("b"), stop()].concat().replace("\n\n", "\n"), "\n".into()],
                want: complete("ab"),
            },
            Case {
                name: "names, numbers, retry times, unknown fields",
                events: vec![
                    "event: execute\nid: 7\nretry: 1\nfoo: bar\nfoo\n".to_owned() + &delta("a"),
                    "event: done\n".to_owned() + &stop(),
                ],
                want: complete("a"),
            },
            Case {
                name: "nothing after the last line",
                events: vec![delta("a"), stop().trim_end().into()],
                want: complete("a"),
            },
        ],
    );
}

#[test]
fn p13_how_an_answer_ends() {
    let nameless =
        |reason: Value| event(&json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}));
    let broke_off = "upstream_broke_off";
    let hello = || delta("Hello");
    check(
        &Server::start(),
        vec![
            Case {
                name: "with [DONE]",
                events: vec![hello(), stop(), done()],
                want: ("complete", "Hello", "stop", ""),
            },
            Case { name: "without", events: vec![hello(), stop()], want: ("complete", "Hello", "stop", "") },
            Case {
                name: "the reason beside the last words",
                events: vec![event(
                    &json!({"choices": [{"delta": {"content": "Hello"}, "finish_reason": "stop"}]}),
                )],
                want: ("complete", "Hello", "stop", ""),
            },
            Case {
                name: "cut by the model's limit",
                events: vec![hello(), finish("length")],
                want: ("complete", "Hello", "length", ""),
            },
            Case {
                name: "cut by the filter",
                events: vec![hello(), finish("content_filter"), done()],
                want: ("complete", "Hello", "content_filter", ""),
            },
            Case {
                name: "a reason of its own",
                events: vec![hello(), finish("eos")],
                want: ("complete", "Hello", "eos", ""),
            },
            Case {
                name: "[DONE] alone",
                events: vec![hello(), done()],
                want: ("interrupted", "Hello", "", broke_off),
            },
            Case { name: "nothing", events: vec![hello()], want: ("interrupted", "Hello", "", broke_off) },
            Case {
                name: "an empty reason",
                events: vec![hello(), nameless(json!("")), done()],
                want: ("interrupted", "Hello", "", broke_off),
            },
            Case {
                name: "a reason that is null",
                events: vec![hello(), nameless(Value::Null), done()],
                want: ("interrupted", "Hello", "", broke_off),
            },
            Case {
                name: "a reason that is a number",
                events: vec![hello(), nameless(json!(1)), done()],
                want: ("interrupted", "Hello", "", broke_off),
            },
            Case {
                name: "no word at all",
                events: vec![chunk(&json!({"role": "assistant"})), done()],
                want: ("failed", "", "", broke_off),
            },
            Case {
                name: "an empty answer",
                events: vec![stop(), done()],
                want: ("complete", "", "stop", "no_answer"),
            },
            Case {
                name: "garbage behind the reason",
                events: vec![hello(), stop(), "data: {garbage\n\n".into()],
                want: ("complete", "Hello", "stop", ""),
            },
            Case {
                name: "garbage before it",
                events: vec![hello(), "data: {garbage\n\n".into(), stop()],
                want: ("interrupted", "Hello", "", "upstream_bad_response"),
            },
            Case {
                name: "half a character at the end",
                events: vec![hello(), "data: {\"choices\":[{\"delta\":{\"content\":\"\\ud83d".into()],
                want: ("interrupted", "Hello", "", "upstream_bad_response"),
            },
        ],
    );
}

#[test]
fn c06_an_error_inside_a_good_answer() {
    let error = json!({"code": 502, "message": "request limit reached (33/32)"});
    let alone =
        event(&json!({"id": "gen-1", "object": "chat.completion.chunk", "choices": [], "error": error}));
    let beside = event(
        &json!({"choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}], "error": error}),
    );
    let server = Server::start();
    check(
        &server,
        vec![
            Case { name: "at once", events: vec![alone.clone()], want: ("failed", "", "", "upstream_error") },
            Case {
                name: "at once, with [DONE]",
                events: vec![alone.clone(), done()],
                want: ("failed", "", "", "upstream_error"),
            },
            Case {
                name: "after text",
                events: vec![delta("Hel"), beside],
                want: ("interrupted", "Hel", "", "upstream_error"),
            },
            Case {
                name: "with text in it",
                events: vec![event(
                    &json!({"choices": [{"delta": {"content": "Hel"}}], "error": "overloaded now"}),
                )],
                want: ("interrupted", "Hel", "", "upstream_error"),
            },
            Case {
                name: "by the event's name",
                events: vec![
                    delta("Hel"),
                    "event: error\n".to_owned() + &event(&json!({"message": "overloaded now"})),
                ],
                want: ("interrupted", "Hel", "", "upstream_error"),
            },
            Case {
                name: "the reason alone",
                events: vec![delta("Hel"), finish("error"), done()],
                want: ("interrupted", "Hel", "", "upstream_broke_off"),
            },
            Case {
                name: "no error",
                events: vec![event(&json!({"choices": [], "error": null})), delta("a"), stop()],
                want: ("complete", "a", "stop", ""),
            },
        ],
    );
    let ann = server.user("ann");
    assert_eq!(Seen::of_events(&server, &ann, &[alone]).sentence, "request limit reached (33/32)");
}

#[test]
fn p11_c31_choices_of_every_kind() {
    let choices = |choices: Value| event(&json!({"choices": choices}));
    let call =
        |delta: Value, reason: Value| choices(json!([{"index": 0, "delta": delta, "finish_reason": reason}]));
    let asks = json!({"role": "assistant", "content": null, "tool_calls": [{"index": 0, "id": "t1", "type": "function",
        "function": {"name": "get_weather", "arguments": "{\"city\":"}}]});
    let goes_on = json!({"tool_calls": [{"index": 0, "function": {"arguments": "\"Warsaw\"}"}}]});
    let say = |content: Value| vec![call(json!({"content": content}), json!("stop"))];
    check(
        &Server::start(),
        vec![
            Case { name: "null", events: say(Value::Null), want: ("complete", "", "stop", "no_answer") },
            Case { name: "a number", events: say(json!(7)), want: ("complete", "", "stop", "no_answer") },
            Case {
                name: "parts",
                events: say(json!([{"type": "text", "text": "a"}, {"type": "image"}, 7, {"text": "b"}])),
                want: ("complete", "ab", "stop", ""),
            },
            Case {
                name: "a refusal",
                events: vec![chunk(&json!({"refusal": "I will not."})), stop()],
                want: ("complete", "I will not.", "stop", ""),
            },
            Case {
                name: "no choices at all",
                events: vec![event(&json!({"id": "x"})), done()],
                want: ("failed", "", "", "upstream_broke_off"),
            },
            Case {
                name: "choices of another type",
                events: vec![
                    choices(json!(null)),
                    choices(json!("x")),
                    choices(json!({"a": 1})),
                    choices(json!([null, 7])),
                    delta("a"),
                    stop(),
                ],
                want: ("complete", "a", "stop", ""),
            },
            Case {
                name: "two choices",
                events: vec![
                    choices(
                        json!([{"index": 1, "delta": {"content": "B"}}, {"index": 0, "delta": {"content": "A"}}]),
                    ),
                    choices(json!([{"index": 1, "delta": {}, "finish_reason": "stop"}])),
                    stop(),
                ],
                want: ("complete", "A", "stop", ""),
            },
            Case {
                name: "a tool",
                events: vec![
                    call(asks.clone(), Value::Null),
                    call(goes_on.clone(), json!("tool_calls")),
                    done(),
                ],
                want: ("complete", "", "tool_calls", "tool_call"),
            },
            Case {
                name: "a tool and no reason",
                events: vec![call(asks.clone(), Value::Null), call(goes_on, Value::Null), done()],
                want: ("complete", "", "", "tool_call"),
            },
            Case {
                name: "an old tool",
                events: vec![call(
                    json!({"function_call": {"name": "f", "arguments": "{}"}}),
                    json!("function_call"),
                )],
                want: ("complete", "", "function_call", "tool_call"),
            },
            Case {
                name: "words and a tool",
                events: vec![delta("Let me see."), call(asks, json!("tool_calls"))],
                want: ("complete", "Let me see.", "tool_calls", ""),
            },
            Case {
                name: "no tool",
                events: vec![call(
                    json!({"content": "a", "tool_calls": [], "function_call": null}),
                    json!("stop"),
                )],
                want: ("complete", "a", "stop", ""),
            },
        ],
    );
}

#[test]
fn p10_what_is_no_answer() {
    let server = Server::start();
    let ann = server.user("ann");
    let page = b"<!DOCTYPE html><html><head><title>Sign in</title></head></html>";
    for (name, body, code) in [
        ("nothing", &b""[..], "upstream_bad_response"),
        ("blanks", b" \r\n\r\n", "upstream_bad_response"),
        ("words", b"Hello there", "upstream_broke_off"),
        ("bytes", b"\xFF\xFE\x00\x01", "upstream_broke_off"),
        ("a page", page, "upstream_bad_response"),
        ("half an object", b"{\"choices\":[{\"message\":{\"content\":\"Hel", "upstream_bad_response"),
        ("no object", b"[1,2]", "upstream_error"),
        ("an empty one", b"{}", "upstream_error"),
        ("nested too deep", &b"{\"choices\":[".repeat(1000), "upstream_bad_response"),
        ("a broken archive", b"\x1F\x8B\x08\x00broken", "upstream_unreachable"),
    ] {
        for kind in ["application/json", "text/event-stream", "text/html", "image/png"] {
            let headers = format!("Content-Type: {kind}\r\n");
            server.upstream.script(vec![Step::Send(plain(200, &headers, body))]);
            let reply = ann.post("/api/chat", &json!({"message": "hi"}));
            assert_eq!(reply.status, 502, "{name} as {kind}: {}", reply.text());
            let turn = ann.get(&format!("/api/chat/{}", reply.json()["id"])).expect(200).json();
            assert_eq!((&turn["status"], &turn["response"]), (&json!("failed"), &json!("")), "{name}");
            let got = turn["error_code"].as_str().unwrap();
            assert!(got == code || got == "upstream_bad_response", "{name} as {kind}: {got}");
        }
    }
    assert_eq!(ann.get("/api/chat/history").expect(200).json(), json!([]));
}

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
