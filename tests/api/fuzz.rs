//! Random input for everything that reads what strangers wrote: events of a model service, JSON bodies, forms, exports,
//! configuration. Nothing panics, every refusal has its form, and what is taken is taken whole.
//!
//! `FUZZ=100000 cargo test --release --test api fuzz` tries more than the few of every day. What it finds becomes an
//! ordinary test beside the others of its noun.

use crate::support::client::FORM;
use crate::support::exports::{archive, chatgpt, end_of, send};
use crate::support::upstream::{Step, delta, stop, stream_head, usage};
use crate::support::{Client, Reply, Server};
use gpt_assistant::config::{Flags, load};
use gpt_assistant::http::route::{Access, Verb};
use gpt_assistant::http::routes;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};

/// Tries `usual` inputs, or as many as `FUZZ` says.
fn for_all<S: Strategy>(usual: u32, input: &S, test: impl Fn(S::Value)) {
    let cases = std::env::var("FUZZ").ok().and_then(|text| text.parse().ok()).unwrap_or(usual);
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 2000, ..Config::default() };
    let tried = TestRunner::new(config).run(input, |value| {
        test(value);
        Ok(())
    });
    tried.unwrap_or_else(|failure| panic!("{failure}"));
}

/// Pieces of a language, with bytes between them that belong to none.
fn soup(tokens: &'static [&'static str], most: usize) -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        12 => select(tokens).prop_map(|token| token.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 1..6),
    ];
    vec(piece, 0..most).prop_map(|pieces| pieces.concat())
}

/// JSON of any shape, with these keys and texts.
fn tree(words: &'static [&'static str]) -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        4 => select(words).prop_map(|word| json!(word)),
        2 => any::<i64>().prop_map(|number| json!(number)),
        1 => any::<f64>().prop_map(|number| json!(number)),
        1 => any::<bool>().prop_map(|flag| json!(flag)),
        1 => Just(Value::Null),
        1 => any::<String>().prop_map(|text| json!(text)),
    ];
    leaf.prop_recursive(5, 64, 8, move |inner| {
        let entries = vec((select(words), inner.clone()), 0..8);
        let object = entries.prop_map(|entries| {
            Value::Object(
                entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<Map<_, _>>(),
            )
        });
        prop_oneof![2 => object, 1 => vec(inner, 0..6).prop_map(Value::Array)]
    })
}

/// Changes a byte here and there; most texts are left as they are.
fn damaged(mut text: Vec<u8>, changes: &[(Index, u8)]) -> Vec<u8> {
    for (at, byte) in changes {
        if !text.is_empty() {
            let at = at.index(text.len());
            match byte % 3 {
                0 => text[at] = *byte,
                1 => text.truncate(at),
                _ => text.insert(at, *byte),
            }
        }
    }
    text
}

fn changes() -> impl Strategy<Value = Vec<(Index, u8)>> {
    prop_oneof![3 => Just(Vec::new()), 1 => vec(any::<(Index, u8)>(), 1..4)]
}

/// Done, or refused in the form that every refusal has; never a fault of ours.
#[track_caller]
fn is_answered(reply: &Reply) -> Value {
    let body = reply.json();
    assert!(reply.status < 500 || [502, 504].contains(&reply.status), "{}: {body}", reply.status);
    if reply.status >= 400 {
        assert!(body["error"].is_string() && body["code"].is_string(), "{body}");
        assert_eq!(body["request_id"].as_str(), reply.header("x-request-id"), "{body}");
    }
    body
}

#[rustfmt::skip]
const EVENTS: &[&str] = &[
    "data: ", "data:", "event: ", "event: error\n", "id: 1\n", "retry: 5\n", ": comment\n", "\n", "\n\n", "\r\n", "\r\n\r\n", "\r", "\u{feff}", "data",
    "[DONE]", "data: [DONE]\n\n", "{", "}", "[", "]", "\"", ",", ":", "null", "1e999", "-1", "18446744073709551616", "\\u0000", "\\ud83d", "你",
    "\"choices\":[", "{\"choices\":[{\"delta\":{\"content\":\"", "\"},\"finish_reason\":", "\"stop\"", "}]}", "\"delta\":{", "\"message\":{\"content\":\"",
    "\"content\":", "\"reasoning_content\":\"", "\"reasoning\":\"", "<think>", "</think>", "<thi", "nk>", "\"tool_calls\":[{\"index\":0}]", "\"refusal\":\"no\"",
    "\"usage\":{\"prompt_tokens\":", "\"completion_tokens\":", "\"error\":{\"message\":\"sk-shared\",\"code\":429}", "<html>", "\u{1f}\u{8b}", "0\r\n\r\n",
];

#[test]
fn i17_p10_fuzz_whatever_a_model_service_says() {
    let server = Server::with(|config| config.upstream.idle_timeout = std::time::Duration::from_secs(5));
    let ann = server.user("ann");
    let good = || [delta("你好 "), delta("there"), stop(), usage(3, 4)].concat().into_bytes();
    let answer = prop_oneof![
        2 => soup(EVENTS, 40),
        1 => (changes(), any::<Index>()).prop_map(move |(changes, cut)| {
            let mut text = damaged(good(), &changes);
            text.truncate(cut.index(text.len() + 1));
            text
        }),
    ];
    let cuts = vec(any::<Index>(), 0..3);
    for_all(300, &(answer, cuts), |(answer, cuts)| {
        let seen = |steps: Vec<Step>| {
            server.upstream.script([vec![Step::Send(stream_head())], steps].concat());
            let body = is_answered(&ann.post("/api/chat", &json!({"message": "hi"})));
            assert!(!body.to_string().contains("Something went wrong"), "{body}");
            assert!(!body["error"].to_string().contains("sk-shared"), "{body}");
            assert!(body["error"].is_string() || body["reply"].is_string(), "{body}");
            (body["reply"].clone(), body["reasoning"].clone(), body["status"].clone(), body["code"].clone())
        };
        let whole = seen(vec![Step::Send(answer.clone())]);
        // The network may cut it anywhere.
        let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(answer.len() + 1)).collect();
        ends.sort_unstable();
        ends.push(answer.len());
        let mut from = 0;
        let pieces = ends.into_iter().flat_map(|end| {
            let piece = answer[std::mem::replace(&mut from, end)..end].to_vec();
            [Step::Send(piece), Step::Pause(std::time::Duration::from_micros(200))]
        });
        assert_eq!(whole, seen(pieces.collect()));
    });
}

#[rustfmt::skip]
const FIELDS: &[&str] = &[
    "message", "system_prompt", "model", "conversation_id", "parent_id", "client_id", "stream", "temperature", "top_p", "max_tokens", "reasoning_effort",
    "attachments", "title", "params", "pinned", "archived", "current_turn_id", "name", "text", "locale", "default_model", "api_key", "url", "email",
    "password", "password_confirmation", "current_password", "code", "invite", "id", "user_id", "role", "x", "low", "en", "sk-some-key-000000000000",
];

#[test]
fn i17_i2_fuzz_json_for_every_route_that_takes_some() {
    let server = Server::start();
    server.user("ann");
    let bob = server.user("bob");
    bob.chat("hi");
    let taken: Vec<(Verb, String)> = routes()
        .filter(|route| {
            route.verb != Verb::Get && !route.path.contains("logout") && route.path != "/api/import"
        })
        .filter(|route| route.access != Access::Admin)
        .map(|route| (route.verb, route.path.replace("{id}", "1")))
        .collect();
    assert!(taken.len() > 15);
    let input = (any::<Index>(), tree(FIELDS), changes());
    for_all(600, &input, |(route, body, changes)| {
        let (verb, path) = route.get(&taken);
        let body = damaged(body.to_string().into_bytes(), &changes);
        let reply = bob.send(verb.as_str(), path, Some("application/json"), &body);
        if reply.header("content-type").is_some_and(|kind| kind.starts_with("application/json")) {
            is_answered(&reply);
        } else {
            let streams =
                reply.header("content-type").is_some_and(|kind| kind.starts_with("text/event-stream"));
            assert!(streams || reply.status == 204, "{}: {}", reply.status, reply.text());
        }
    });
    bob.get("/api/user").expect(200);
}

#[rustfmt::skip]
const PARTS: &[&str] = &[
    "--b", "--b\r\n", "\r\n--b\r\n", "\r\n--b--\r\n", "--b--", "--", "b", "\r\n", "\r\n\r\n", "\n\n", "Content-Disposition: form-data; ", "name=\"avatar\"",
    "name=\"file\"", "name=avatar", "; filename=\"../../x\"", "; filename*=UTF-8''%2e%2e", "name=\"", "Content-Type: image/png", "Content-Type: multipart/mixed; boundary=b",
    "Content-Transfer-Encoding: base64", "Content-Length: 99999999999", "\u{0}", "text of a file", "\u{89}PNG\r\n\u{1a}\n", "IHDR", "GIF89a", "<svg", "你",
];

#[test]
fn i17_u10_fuzz_forms() {
    let server = Server::start();
    let ann = server.user("ann");
    let types = select(
        &[
            FORM,
            "multipart/form-data; boundary=\"b\"",
            "multipart/form-data",
            "multipart/form-data; boundary=",
            "multipart/form-data; boundary=bb",
        ][..],
    );
    let paths = select(&["/api/user/avatar", "/api/files"][..]);
    let whole = soup(PARTS, 6).prop_map(|inside| {
        [
            &b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n"[..],
            &inside,
            b"\r\n--b--\r\n",
        ]
        .concat()
    });
    let input = (paths, prop_oneof![4 => Just(FORM), 1 => types], prop_oneof![soup(PARTS, 24), whole]);
    for_all(300, &input, |(path, kind, body)| drop(is_answered(&ann.send("POST", path, Some(kind), &body))));
    ann.get("/api/user").expect(200);
}

#[rustfmt::skip]
const EXPORTS: &[&str] = &[
    "id", "title", "mapping", "message", "messages", "author", "role", "user", "assistant", "system", "content", "parts", "content_type", "text", "parent",
    "children", "create_time", "update_time", "current_node", "conversation_id", "root", "metadata", "model_slug", "uuid", "chat_messages", "sender", "human",
    "created_at", "updated_at", "chat", "history", "currentId", "childrenIds", "parentId", "timestamp", "conversations", "messageId", "parentMessageId",
    "isCreatedByUser", "sessions", "turns", "prompt", "response", "format", "gpt-assistant", "2024-06-17T17:20:31Z", "../../x", "\u{202e}",
];

fn imported(ann: &Client, file: &[u8]) {
    let reply = send(ann, file);
    let body = is_answered(&reply);
    if reply.status == 202 {
        let report = end_of(ann, body["id"].as_i64().unwrap());
        for problem in report["problems"].as_array().unwrap() {
            assert!(!problem["title"].as_str().unwrap().contains(['/', '\\', '\n']), "{report}");
        }
    } else {
        assert!([400, 413].contains(&reply.status), "{body}");
    }
}

#[test]
fn i17_fuzz_exports() {
    let server = Server::start();
    let ann = server.user("ann");
    let whole = json!([chatgpt("c", "T", &["q", "a", "q2", "a2"])]).to_string().into_bytes();
    let packed = archive(&[("conversations.json", &whole), ("chats/a.json", &whole)]);
    let file = prop_oneof![
        3 => (tree(EXPORTS), changes()).prop_map(|(tree, changes)| damaged(json!([tree]).to_string().into_bytes(), &changes)),
        2 => vec(any::<(Index, u8)>(), 1..6).prop_map(move |changes| damaged(whole.clone(), &changes)),
        2 => vec(any::<(Index, u8)>(), 1..6).prop_map(move |changes| damaged(packed.clone(), &changes)),
    ];
    for_all(200, &file, |file| imported(&ann, &file));
    ann.get("/api/conversations").expect(200);
}

#[test]
fn i17_o3_fuzz_configurations() {
    let usual = include_str!("../../config.toml").as_bytes().to_vec();
    #[rustfmt::skip]
    let tokens: &'static [&'static str] = &[
        "[server]\n", "[upstream]\n", "[limits]\n", "[auth]\n", "[chat]\n", "[[x]]\n", "listen", "base_url", "data_dir", "token_ttl", "timezone", "models", "api_key",
        " = ", "\"127.0.0.1:0\"\n", "\"10s\"\n", "\"99999999999999999d\"\n", "\"9EiB\"\n", "1e400\n", "0x\n", "-1\n", "\"http://[::1\"\n", "\"file:///x\"\n", "[\"a\", 1]\n",
        "{a = 1}\n", "\"\"\"", "'''", "\"\\uD800\"\n", "true\n", "2024-01-01\n", "#", "\n", ".", "\u{0}", "你", "\"Mars/X\"\n", "trusted_proxies", "\"10.0.0.0/99\"\n",
    ];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    let text = prop_oneof![
        2 => soup(tokens, 30),
        1 => vec(any::<(Index, u8)>(), 1..8).prop_map(move |changes| damaged(usual.clone(), &changes)),
    ];
    for_all(1000, &text, |text| {
        std::fs::write(&path, &text).unwrap();
        let flags = Flags { config: Some(path.clone()), set: Vec::new() };
        if let Err(faults) = load(&flags, std::iter::empty()) {
            assert!(!faults.0.is_empty());
            for fault in faults.0 {
                assert!(fault.len() > 10 && !fault.contains(|c: char| c.is_control()), "{fault:?}");
            }
        }
    });
}
