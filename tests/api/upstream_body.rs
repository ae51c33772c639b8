//! What an upstream sends as an answer, in all the forms there are and some that should not be.

use crate::support::upstream::{Step, chunk, delta, done, event, finish, plain, stop, usage};
use crate::support::{Seen, Server};
use serde_json::{Value, json};

struct Case {
    name: &'static str,
    events: Vec<String>,
    /// Status, text, finish reason, code of the fault or notice.
    want: (&'static str, &'static str, &'static str, &'static str),
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
