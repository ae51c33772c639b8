//! What three real model services answered, byte for byte, and what a person sees of it. The files are the output of
//! `curl -i -N`: its body is without the chunked coding that the head speaks of, so that is put back.

use crate::support::client::{Client, text_of};
use crate::support::upstream::Step;
use crate::support::{Server, Upstream};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

enum Want {
    /// `complete`: the finish reason, how the text begins, its bytes, and tokens where the service counted them.
    Answer(&'static str, &'static str, usize, Option<(i64, i64)>),
    /// `interrupted` with so much text kept.
    Broken(&'static str, usize),
    /// Status, code, and words of the sentence.
    Fault(u16, &'static str, &'static str),
    /// The list of models.
    Models(&'static [&'static str]),
    /// A list of models that is refused: the page gets along with the default.
    NoModels,
}
use Want::{Answer, Broken, Fault, Models, NoModels};

const PARIS: &str = "The capital of France is Paris.";
const TOO_LONG: &str = "context_too_long";
const KEY: &str = "upstream_key_rejected";

#[rustfmt::skip]
const CASES: &[(&str, Want)] = &[
    ("litellm/01_models.txt", Models(&["smollm2", "smollm2-badkey", "down"])),
    ("litellm/02_nonstream.txt", Answer("stop", PARIS, 31, Some((43, 8)))),
    ("litellm/03_stream_usage.txt", Answer("stop", PARIS, 31, Some((43, 8)))),
    ("litellm/04_stream_nousage.txt", Answer("stop", PARIS, 31, None)),
    ("litellm/06_badkey.txt", Fault(400, "upstream_rejected", "No connected db.")),
    ("litellm/07_nokey.txt", Fault(502, "upstream_error", "Internal Server Error")),
    ("litellm/09_unknown_model.txt", Fault(400, "model_not_found", "Invalid model name passed in model=no-such-model")),
    ("litellm/10_upstream_badkey.txt", Fault(400, KEY, "Invalid API Key")),
    ("litellm/11_upstream_down.txt", Fault(502, "upstream_error", "Connection error")),
    ("litellm/12_upstream_down_stream.txt", Fault(502, "upstream_error", "Connection error")),
    ("litellm/13_ctx_overflow_stream.txt", Fault(400, TOO_LONG, "exceeds the available context size")),
    ("litellm/14_invalid_json.txt", Fault(400, "upstream_rejected", "Invalid JSON payload")),
    ("llama-cpp-python/01_models.txt", Models(&["smollm2-135m-instruct"])),
    ("llama-cpp-python/02_nonstream.txt", Answer("stop", PARIS, 31, Some((43, 7)))),
    ("llama-cpp-python/03_stream_usage.txt", Answer("stop", PARIS, 31, None)),
    ("llama-cpp-python/04_stream_nousage.txt", Answer("length", "Hello there! I'm here", 21, None)),
    ("llama-cpp-python/05_stream_length.txt", Answer("length", "1. 1\n", 5, None)),
    ("llama-cpp-python/06_badkey.txt", Fault(400, KEY, "Invalid API key")),
    ("llama-cpp-python/07_nokey.txt", Fault(400, KEY, "Invalid API key")),
    ("llama-cpp-python/08_badkey_models.txt", NoModels),
    ("llama-cpp-python/09_unknown_model.txt", Answer("length", "Hello there. My", 15, Some((31, 4)))),
    ("llama-cpp-python/10_ctx_overflow.txt", Fault(400, TOO_LONG, "maximum context length is 4096 tokens")),
    // 200, events, and not one of them.
    ("llama-cpp-python/11_ctx_overflow_stream.txt", Fault(502, "upstream_bad_response", "not an answer")),
    ("llama-cpp-python/12_invalid_json.txt", Fault(502, "upstream_error", "Internal Server Error")),
    // It took the request and said nothing until curl gave up.
    ("llama-cpp-python/13_no_messages.txt", Fault(504, "upstream_timeout", "did not answer in time")),
    ("llama-cpp-python/15_404.txt", Fault(400, "upstream_rejected", "Not Found")),
    ("llama-cpp-python/16_max_completion_tokens.txt", Answer("stop", "1. 1\n2. 2\n", 51, Some((40, 51)))),
    ("llama-cpp-python/17_stop.txt", Answer("stop", "1. 1\n2. 2\n3. 3\n4. 4\n", 20, Some((42, 21)))),
    ("llama-cpp-python/18_content_parts.txt", Fault(502, "upstream_error", "can only concatenate")),
    ("llama-cpp-python/19_empty_messages.txt", Answer("length", "The World's Larg", 16, Some((4, 4)))),
    ("llama-cpp-python/20_image.txt", Fault(502, "upstream_error", "can only concatenate")),
    ("llama-cpp-python/21_emoji_stream.txt", Answer("length", "👩\u{200d}💻\n❌🔥📐\n", 52, None)),
    ("llama-cpp-python/22_n2.txt", Answer("length", "I'm here", 8, Some((33, 3)))),
    ("llama-cpp-python/23_tools_stream.txt", Answer("length", "Paris, the City of Light.", 239, None)),
    ("llama-cpp-python/24_json_mode.txt", Answer("length", "{\n    \"answer\": {", 181, Some((38, 40)))),
    ("llama-cpp-python/25_logprobs.txt", Answer("length", "Hello there", 11, Some((33, 2)))),
    ("llama-cpp-python/27_system_midway.txt", Answer("stop", "hey", 3, Some((60, 1)))),
    // [DONE] without a finish reason, then a broken line: the second request pushed this one out.
    ("llama-cpp-python/30_concurrent_1.txt", Broken("The story of the \"B", 19)),
    ("llama-cpp-python/30_concurrent_2.txt", Answer("length", "The story of a boat", 231, None)),
    ("llamacpp-server/01_models.txt", Models(&["smollm2-135m-instruct"])),
    ("llamacpp-server/02_nonstream.txt", Answer("stop", PARIS, 31, Some((43, 8)))),
    ("llamacpp-server/03_stream_usage.txt", Answer("stop", PARIS, 31, Some((43, 8)))),
    ("llamacpp-server/04_stream_nousage.txt", Answer("length", "Hello there! I'm here", 21, None)),
    ("llamacpp-server/05_stream_length.txt", Answer("length", "1. 1\n", 5, Some((40, 5)))),
    ("llamacpp-server/06_badkey.txt", Fault(400, KEY, "Invalid API Key")),
    ("llamacpp-server/07_nokey.txt", Fault(400, KEY, "Invalid API Key")),
    ("llamacpp-server/08_badkey_models.txt", NoModels),
    ("llamacpp-server/09_unknown_model.txt", Answer("length", "Hello! How can", 14, Some((31, 4)))),
    ("llamacpp-server/10_ctx_overflow.txt", Fault(400, TOO_LONG, "request (20031 tokens) exceeds")),
    ("llamacpp-server/11_ctx_overflow_stream.txt", Fault(400, TOO_LONG, "request (20031 tokens) exceeds")),
    ("llamacpp-server/12_invalid_json.txt", Fault(400, "upstream_rejected", "parse error at line 1, column 10")),
    ("llamacpp-server/13_no_messages.txt", Fault(400, "upstream_rejected", "'messages' is required")),
    ("llamacpp-server/14_bad_type.txt", Fault(400, "upstream_rejected", "Expected 'messages' to be an array")),
    ("llamacpp-server/15_404.txt", Fault(400, "upstream_rejected", "File Not Found")),
    ("llamacpp-server/16_max_completion_tokens.txt", Answer("length", "1. 1\n", 5, Some((40, 5)))),
    ("llamacpp-server/17_stop.txt", Answer("stop", "1, 2, 3, 4, ", 12, Some((42, 13)))),
    ("llamacpp-server/18_content_parts.txt", Answer("length", "Hello there! I'm here", 21, Some((33, 6)))),
    ("llamacpp-server/19_empty_messages.txt", Answer("length", "The benefits of using", 21, Some((4, 4)))),
    ("llamacpp-server/20_image.txt", Fault(502, "upstream_error", "image input is not supported")),
    ("llamacpp-server/21_emoji_stream.txt", Answer("length", "👩\u{200d}💻\n👩\u{200d}💻\n", 52, None)),
    // Two choices though one was asked for: the first one counts.
    ("llamacpp-server/22_n2.txt", Answer("length", "Oh, hi", 6, Some((33, 3)))),
    ("llamacpp-server/23_tools_stream.txt", Answer("length", "Paris, the City of Light, the capital", 284, Some((41, 60)))),
    ("llamacpp-server/24_json_mode.txt", Answer("length", "{\n    \"answer\": {", 141, Some((38, 40)))),
    ("llamacpp-server/25_logprobs.txt", Answer("length", "Hello there", 11, Some((33, 2)))),
    ("llamacpp-server/26_developer_role.txt", Answer("length", "Hello there! I", 14, Some((20, 4)))),
    ("llamacpp-server/27_system_midway.txt", Answer("stop", "hey", 3, Some((60, 2)))),
    ("llamacpp-server/31_long_prompt_pings.txt", Answer("length", "\ndefsure", 8, None)),
    ("llamacpp-server/32_kill9_midstream.txt", Broken("The night brought with it a fire", 520)),
    ("llamacpp-server/40_loading_503.txt", Fault(502, "upstream_error", "Loading model")),
];

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/transcripts"))
}

/// The file as the service sent it.
fn replay(file: &str) -> Vec<Step> {
    let bytes = std::fs::read(folder().join(file)).unwrap();
    let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") else {
        return match &bytes[..] {
            b"" => vec![Step::Hold],
            body => {
                let head =
                    format!("HTTP/1.1 503 Service Unavailable\r\nContent-Length: {}\r\n\r\n", body.len());
                vec![Step::Send([head.as_bytes(), body].concat())]
            }
        };
    };
    let (head, body) = bytes.split_at(end + 4);
    if !String::from_utf8_lossy(head).to_ascii_lowercase().contains("transfer-encoding: chunked") {
        return vec![Step::Send(bytes)];
    }
    let mut sent = head.to_vec();
    let mut rest = body;
    while !rest.is_empty() {
        let at = rest.windows(2).position(|w| w == b"\n\n").map_or(rest.len(), |at| at + 2);
        let (event, behind) = rest.split_at(at);
        sent.extend_from_slice(format!("{:x}\r\n", event.len()).as_bytes());
        sent.extend_from_slice(event);
        sent.extend_from_slice(b"\r\n");
        rest = behind;
    }
    match file.split('/').nth(1).unwrap() {
        // Killed: its last chunk never came.
        "32_kill9_midstream.txt" => vec![Step::Send(sent)],
        "30_concurrent_1.txt" => {
            let apart = Step::Pause(Duration::from_millis(100));
            vec![Step::Send(sent), apart, Step::Send(b"\r\n\r\n".to_vec())]
        }
        _ => vec![Step::Send([&sent[..], b"0\r\n\r\n"].concat())],
    }
}

fn check_usage(file: &str, usage: &Value, tokens: Option<(i64, i64)>) {
    let (prompt, completion) = (&usage["prompt_tokens"], &usage["completion_tokens"]);
    match tokens {
        Some((p, c)) => {
            assert_eq!(
                (prompt, completion, &usage["source"]),
                (&json!(p), &json!(c), &json!("measured")),
                "{file}"
            );
        }
        None => {
            assert_eq!(usage["source"], "estimated", "{file}");
            assert!(prompt.as_i64() > Some(0) && completion.as_i64() > Some(0), "{file}: {usage}");
        }
    }
}

/// Nothing of a service's insides, nor of the key, reaches a person.
fn check_clean(file: &str, sentence: &str) {
    for hidden in ["Traceback", ".py", "/usr", "/home", "/root", "File \"", "sk-", "<", "\n"] {
        assert!(!sentence.contains(hidden), "{file}: {sentence}");
    }
    assert!(sentence.chars().count() <= 300, "{file}: {sentence}");
}

fn check_models(file: &str, upstream: &Upstream, ann: &Client, wanted: &[&str]) {
    // A list is kept by the key it was asked with: another key, and the service is asked again.
    ann.post("/api/user/api-key", &json!({"api_key": file})).expect(200);
    upstream.script(replay(file));
    let reply = ann.get("/api/models").expect(200).json();
    let names: Vec<&str> =
        reply["models"].as_array().unwrap().iter().map(|m| m["id"].as_str().unwrap()).collect();
    let stale = wanted.is_empty();
    assert_eq!(names, if stale { &["gpt-4o-mini"] } else { wanted }, "{file}");
    assert_eq!(reply["stale"], stale, "{file}");
    if file.starts_with("llamacpp-server") && !stale {
        assert_eq!(reply["models"][0]["context"], 4096);
    }
}

fn check_answer(file: &str, upstream: &Upstream, ann: &Client, want: &Want) {
    let (status, finish, begins, bytes) = match want {
        Answer(finish, begins, bytes, _) => ("complete", json!(finish), *begins, *bytes),
        Broken(begins, bytes) => ("interrupted", Value::Null, *begins, *bytes),
        _ => unreachable!(),
    };
    upstream.script(replay(file));
    let plain = ann.chat("hi");
    upstream.script(replay(file));
    let events = ann.stream(&json!({"message": "hi"})).rest();
    let done = &events.last().unwrap().data;
    let stored = ann.get(&format!("/api/chat/{}", done["id"])).expect(200).json();
    for (reply, text) in [(&plain, &plain["reply"]), (done, &done["reply"]), (&stored, &stored["response"])] {
        let text = text.as_str().unwrap();
        assert!(text.starts_with(begins) && text.len() == bytes, "{file}: {text:?}");
        assert_eq!((&reply["status"], &reply["finish_reason"]), (&json!(status), &finish), "{file}");
        let tokens = if let Answer(_, _, _, tokens) = want { *tokens } else { None };
        check_usage(file, &reply["usage"], tokens);
    }
    assert_eq!(text_of(&events), done["reply"].as_str().unwrap(), "{file}");
    let told = events.iter().any(|event| event.name == "error");
    assert_eq!(told, status == "interrupted", "{file}");
    assert_eq!(!plain["notice"].is_null(), status == "interrupted", "{file}");
}

fn check_fault(file: &str, upstream: &Upstream, ann: &Client, (status, code, words): (u16, &str, &str)) {
    let before = upstream.received().len();
    upstream.script(replay(file));
    let body = ann.post("/api/chat", &json!({"message": "hi"})).fails(status, code);
    upstream.script(replay(file));
    let events = ann.stream(&json!({"message": "hi"})).rest();
    assert_eq!(upstream.received().len() - before, 2, "{file}: each was asked once");
    let names: Vec<&str> = events.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(names, ["turn", "error", "done"], "{file}");
    assert_eq!((&events[1].data["code"], &events[1].data["error"]), (&json!(code), &body["error"]), "{file}");
    assert_eq!(
        (&events[2].data["status"], &events[2].data["reply"]),
        (&json!("failed"), &json!("")),
        "{file}"
    );
    let sentence = body["error"].as_str().unwrap();
    assert!(sentence.contains(words), "{file}: {sentence}");
    check_clean(file, sentence);
    let turn = ann.get(&format!("/api/chat/{}", body["id"])).expect(200).json();
    assert_eq!(
        (&turn["status"], &turn["error_code"], &turn["tokens"]),
        (&json!("failed"), &json!(code), &json!(0))
    );
}

#[test]
fn p10_every_answer_that_real_services_gave() {
    let server = Server::with(|config| config.upstream.first_byte_timeout = Duration::from_secs(1));
    let (ann, upstream) = (server.user("ann"), &server.upstream);
    for (file, want) in CASES {
        match want {
            Models(names) => check_models(file, upstream, &ann, names),
            NoModels => check_models(file, upstream, &ann, &[]),
            Fault(status, code, words) => check_fault(file, upstream, &ann, (*status, code, words)),
            Answer(..) | Broken(..) => check_answer(file, upstream, &ann, want),
        }
    }
}

#[test]
fn every_transcript_has_a_case() {
    let named: BTreeSet<String> = CASES.iter().map(|(file, _)| (*file).to_owned()).collect();
    let there: BTreeSet<String> = std::fs::read_dir(folder())
        .unwrap()
        .flatten()
        .flat_map(|sub| std::fs::read_dir(sub.path()).unwrap().flatten())
        .map(|file| {
            let path = file.path();
            path.strip_prefix(folder()).unwrap().to_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(named, there);
    assert_eq!(named.len(), CASES.len());
}
