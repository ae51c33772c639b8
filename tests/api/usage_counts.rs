//! Tokens: the last good number of each field, what is estimated, and that statistics survive any lie.

use crate::support::upstream::{Gate, Step, chunk, delta, done, stop, stream_of, usage};
use crate::support::{Client, Seen, Server};
use serde_json::{Value, json};

fn counted(usage: &Value) -> String {
    format!("data: {}\n\n", json!({"choices": [], "usage": usage}))
}

fn totals(client: &Client) -> (i64, i64) {
    let report = client.get("/api/stat/token-usage").expect(200).json();
    let days =
        report["days"].as_array().unwrap().iter().map(|day| day["total_tokens"].as_i64().unwrap()).sum();
    (report["total"].as_i64().unwrap(), days)
}

#[test]
fn c09_growing_totals_are_not_added_up() {
    let server = Server::start();
    let ann = server.user("ann");
    let at = |text: &str, completion: i64, reason: Value| {
        let choice = json!({"index": 0, "delta": {"content": text}, "finish_reason": reason});
        let usage = json!({"completion_tokens": completion, "prompt_tokens": 13856, "total_tokens": 13856 + completion});
        format!("data: {}\n\n", json!({"choices": [choice], "usage": usage}))
    };
    server.upstream.events(&[
        at("path", 133, Value::Null),
        at(">", 134, Value::Null),
        at("", 135, json!("stop")),
        done(),
    ]);
    let reply = ann.chat("hi");
    let usage = &reply["usage"];
    assert_eq!((&usage["prompt_tokens"], &usage["completion_tokens"]), (&json!(13856), &json!(135)));
    assert_eq!((&usage["total_tokens"], &usage["source"]), (&json!(13991), &json!("measured")));
    assert_eq!(totals(&ann), (13_991, 13_991));
}

#[test]
fn p12_a_number_is_good_or_it_is_estimated() {
    let server = Server::start();
    let huge = json!(9_007_199_254_740_993_u64);
    for (name, said, prompt, completion, source) in [
        ("good", json!({"prompt_tokens": 12, "completion_tokens": 3}), Some(12), Some(3), "measured"),
        ("zero", json!({"prompt_tokens": 0, "completion_tokens": 0}), Some(0), Some(0), "measured"),
        (
            "written as a float",
            json!({"prompt_tokens": 12.0, "completion_tokens": 3.0}),
            Some(12),
            Some(3),
            "measured",
        ),
        (
            "the total is missing",
            json!({"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": null}),
            Some(12),
            Some(3),
            "measured",
        ),
        ("one is missing", json!({"prompt_tokens": 12}), Some(12), None, "estimated"),
        (
            "the other is missing",
            json!({"completion_tokens": 3, "total_tokens": 99}),
            None,
            Some(3),
            "estimated",
        ),
        ("negative", json!({"prompt_tokens": -5, "completion_tokens": 3}), None, Some(3), "estimated"),
        ("half", json!({"prompt_tokens": 1.5, "completion_tokens": "3"}), None, None, "estimated"),
        ("words", json!({"prompt_tokens": "many", "completion_tokens": [3]}), None, None, "estimated"),
        (
            "too large",
            json!({"prompt_tokens": i64::MAX, "completion_tokens": u64::MAX}),
            None,
            None,
            "estimated",
        ),
        (
            "beyond any window",
            json!({"prompt_tokens": huge, "completion_tokens": 1e300}),
            None,
            None,
            "estimated",
        ),
        ("null", Value::Null, None, None, "estimated"),
        ("no object", json!([1, 2]), None, None, "estimated"),
        ("nothing in it", json!({}), None, None, "estimated"),
    ] {
        let ann = server.user(&name.replace(' ', "-"));
        let seen = Seen::of_events(&server, &ann, &[delta("Hello there"), stop(), counted(&said), done()]);
        let usage = &seen.usage;
        let got = (usage["prompt_tokens"].as_i64().unwrap(), usage["completion_tokens"].as_i64().unwrap());
        assert_eq!(usage["source"], source, "{name}");
        // "You are a helpful assistant." and "hi"; "Hello there".
        assert_eq!(got, (prompt.unwrap_or(8), completion.unwrap_or(3)), "{name}");
        assert_eq!(usage["total_tokens"], got.0 + got.1, "{name}");
        // Both the plain and the streamed one are counted, whatever was said.
        let both = 2 * (got.0 + got.1);
        assert_eq!(totals(&ann), (both, both), "{name}");
    }
}

#[test]
fn p12_the_last_good_number_of_each_counts() {
    let server = Server::start();
    let ann = server.user("ann");
    let seen = Seen::of_events(
        &server,
        &ann,
        &[
            counted(&json!({"prompt_tokens": 10, "completion_tokens": 1})),
            delta("Hello"),
            counted(&json!({"prompt_tokens": -1, "completion_tokens": 2})),
            stop(),
            counted(
                &json!({"prompt_tokens": null, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 4},
                "completion_tokens_details": {"reasoning_tokens": 3}}),
            ),
            counted(&json!({"prompt_tokens_details": null, "completion_tokens_details": "x"})),
            done(),
        ],
    );
    let want = json!({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15, "cached_tokens": 4,
        "reasoning_tokens": 3, "source": "measured"});
    assert_eq!(seen.usage, want);
}

#[test]
fn estimates_are_a_token_a_chinese_character_and_a_quarter_a_byte() {
    let server = Server::start();
    let ann = server.user("ann");
    let thought = chunk(&json!({"reasoning_content": "想想 hm"}));
    server.upstream.events(&[thought, delta("你好, world"), stop()]);
    let reply =
        ann.post("/api/chat", &json!({"message": "在吗？", "system_prompt": "abcde"})).expect(200).json();
    // abcde: 2, 在吗？: 3. 想想 and three bytes: 3, 你好 and seven bytes: 4.
    let want = json!({"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12, "cached_tokens": 0,
        "reasoning_tokens": 0, "source": "estimated"});
    assert_eq!(reply["usage"], want);
}

#[test]
fn what_was_stopped_or_broke_off_is_counted_and_what_failed_is_not() {
    let server = Server::start();
    let ann = server.user("ann");
    server.upstream.events(&[delta("Hello there")]);
    let broken = ann.chat("hi");
    assert_eq!((&broken["status"], &broken["usage"]["total_tokens"]), (&json!("interrupted"), &json!(8 + 3)));
    server
        .upstream
        .events(&[counted(&json!({"prompt_tokens": 20, "completion_tokens": 1})), delta("Hello there")]);
    let broken = ann.chat("hi");
    assert_eq!(
        (&broken["usage"]["total_tokens"], &broken["usage"]["source"]),
        (&json!(21), &json!("measured"))
    );
    server.upstream.answers(500, "", "{}");
    ann.post("/api/chat", &json!({"message": "hi"})).fails(502, "upstream_error");
    assert_eq!(totals(&ann), (32, 32));

    // Stopped after some text, and before any: the prompt was read in both.
    for (text, completion) in [("Hello there", 3), ("", 0)] {
        let mut first = stream_of(&[]);
        if !text.is_empty() {
            first.extend(delta(text).into_bytes());
        }
        server.upstream.script(vec![Step::Send(first), Step::Hold]);
        let mut stream = ann.stream(&json!({"message": "hi"}));
        let turn = stream.until("turn").data["id"].clone();
        if !text.is_empty() {
            stream.until("delta");
        }
        let stopped = ann.post(&format!("/api/chat/{turn}/stop"), &json!({})).expect(200).json();
        assert_eq!((&stopped["status"], &stopped["response"]), (&json!("stopped"), &json!(text)));
        let usage = &stopped["usage"];
        assert_eq!((&usage["prompt_tokens"], &usage["completion_tokens"]), (&json!(8), &json!(completion)));
        assert_eq!(usage["source"], "estimated", "{text}");
    }
    assert_eq!(totals(&ann), (32 + 11 + 8, 32 + 11 + 8));
}

#[test]
fn deleting_leaves_the_statistics() {
    let server = Server::start();
    let ann = server.user("ann");
    for _ in 0..3 {
        ann.chat("hi");
    }
    assert_eq!(totals(&ann), (36, 36));
    ann.delete("/api/chat/1").expect(200);
    ann.delete("/api/conversations/2?permanent=true").expect(200);
    ann.delete("/api/conversations/3").expect(200);
    assert_eq!(totals(&ann), (36, 36));
    let by_model = ann.get("/api/stat/token-usage?by=model").expect(200).json();
    assert_eq!(by_model["models"][0]["model"], "gpt-4o-mini");
    assert_eq!(
        (&by_model["models"][0]["total_tokens"], &by_model["models"][0]["requests"]),
        (&json!(36), &json!(3))
    );
}

#[test]
fn an_answer_is_counted_on_the_day_it_ends() {
    let server = Server::start();
    let ann = server.user("ann");
    let gate = Gate::default();
    let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_second();
    server.now.store(at("2026-05-02T23:59:50Z"), std::sync::atomic::Ordering::SeqCst);
    let ann = server
        .anon()
        .with_token(ann.login("ann@example.org", "secret1").expect(200).json()["token"].as_str().unwrap());
    server.upstream.script(vec![
        Step::Send(stream_of(&[delta("a")])),
        Step::Wait(gate.clone()),
        Step::Send([stop(), usage(7, 5), done()].concat().into()),
    ]);
    let mut stream = ann.stream(&json!({"message": "hi"}));
    stream.until("delta");
    server.pass(20);
    gate.open();
    stream.until("done");
    let report = ann.get("/api/stat/token-usage").expect(200).json();
    assert_eq!(
        (&report["days"][0]["day"], report["days"].as_array().map(Vec::len)),
        (&json!("2026-05-03"), Some(1))
    );
    let new_york = ann.get("/api/stat/token-usage?tz=America/New_York").expect(200).json();
    assert_eq!(new_york["days"][0]["day"], "2026-05-02");
}
