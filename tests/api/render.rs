//! `?render=html`: rendered text on turns, conversations and streams.

use crate::support::client::{Event, text_of};
use crate::support::upstream::{Gate, Step, delta, done, stop, stream_head, usage};
use crate::support::{Client, Server};
use serde_json::{Value, json};

const ANSWER: &str = "# 标题\n\nSee [a], **bold：**and <script>alert(1)</script>.\n\n```rust\nfn a() {}\n```\n\n\
    | x | y |\n| - | -: |\n| 1 | 2 |\n\n- one\n- two\n\n[a]: https://example.org/?q=\"x\"\n";

/// What a page shows that makes every change it is told.
fn page(events: &[Event]) -> Vec<String> {
    let mut blocks: Vec<String> = Vec::new();
    for event in events {
        match event.name.as_str() {
            "reset" => blocks.clear(),
            "html" => {
                let index = usize::try_from(event.data["index"].as_u64().unwrap()).unwrap();
                match event.data["html"].as_str() {
                    None => blocks.truncate(index),
                    Some(html) if index < blocks.len() => html.clone_into(&mut blocks[index]),
                    Some(html) => {
                        assert_eq!(index, blocks.len(), "no gaps");
                        blocks.push(html.to_owned());
                    }
                }
            }
            _ => {}
        }
    }
    blocks
}

fn html_of(client: &Client, turn: &Value) -> String {
    let turn = client.get(&format!("/api/chat/{turn}?render=html")).expect(200).json();
    turn["response_html"].as_str().unwrap().to_owned()
}

#[test]
fn a_stream_ends_with_the_same_page_as_the_whole_rendering() {
    let server = Server::start();
    let ann = server.user("ann");
    for size in [1, 2, 7, 1000] {
        let characters: Vec<char> = ANSWER.chars().collect();
        let pieces = characters.chunks(size).map(|piece| delta(&piece.iter().collect::<String>()));
        let events: Vec<String> = pieces.chain([stop(), usage(1, 1), done()]).collect();
        server.upstream.events(&events);
        let bytes = json!({"message": "hi", "stream": true}).to_string();
        let head = format!("Content-Type: application/json\r\nContent-Length: {}\r\n", bytes.len());
        let mut stream = ann.events("POST", "/api/chat?render=html", &head, bytes.as_bytes());
        let turn = stream.until("turn").data["id"].clone();
        let events = stream.rest();
        assert_eq!(text_of(&events), ANSWER);
        let whole = html_of(&ann, &turn);
        assert_eq!(page(&events).concat(), whole);
        assert!(
            whole.contains("&lt;script&gt;")
                && !whole.contains("<script")
                && whole.contains("<strong>bold：</strong>")
        );
        // A follower who comes when all is over gets the same.
        let late = ann.follow(&format!("/api/chat/{turn}/events?render=html"), "").rest();
        assert_eq!(page(&late).concat(), whole);
    }
}

#[test]
fn html_is_never_ahead_of_its_text_and_a_late_follower_catches_up() {
    let server = Server::start();
    let ann = server.user("ann");
    let gate = Gate::default();
    server.upstream.script(vec![
        Step::Send(stream_head()),
        Step::Send(delta("first\n\nsecond\n\nthi").into_bytes()),
        Step::Wait(gate.clone()),
        Step::Send([delta("rd\n\n"), stop(), done()].concat().into_bytes()),
    ]);
    let mut plain = ann.stream(&json!({"message": "hi"}));
    let turn = plain.until("turn").data["id"].clone();
    plain.until("delta");
    let mut late = ann.follow(&format!("/api/chat/{turn}/events?render=html"), "");
    late.until("html");
    gate.open();
    let mut events = vec![];
    let mut known = "first\n\nsecond\n\nthi".len();
    while let Some(event) = late.next_event() {
        if event.name == "delta" {
            known = event.id.as_ref().unwrap().parse().unwrap();
        }
        if event.name == "html" {
            assert!(event.data["end"].as_u64().unwrap() <= known as u64, "{event:?}");
        }
        events.push(event);
    }
    assert!(plain.rest().iter().all(|event| event.name != "html"), "who did not ask gets none");
    assert_eq!(html_of(&ann, &turn).matches("<p").count(), 3);
}

#[test]
fn a_line_that_ends_is_rendered_soon_though_the_model_falls_silent_behind_it() {
    let server = Server::start();
    let ann = server.user("ann");
    let gate = Gate::default();
    server.upstream.script(vec![
        Step::Send(stream_head()),
        Step::Send(delta("first\n\n").into_bytes()),
        Step::Send(delta("**second**\n\nthi").into_bytes()),
        Step::Wait(gate.clone()),
        Step::Send([delta("rd"), stop(), done()].concat().into_bytes()),
    ]);
    let body = json!({"message": "hi", "stream": true}).to_string();
    let head = format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
    let mut stream = ann.events("POST", "/api/chat?render=html", &head, body.as_bytes());
    while !stream.until("html").data["html"].as_str().is_some_and(|html| html.contains("<strong>second")) {}
    gate.open();
    stream.rest();
}

#[test]
fn only_answers_and_reasoning_are_rendered() {
    let server = Server::start();
    let ann = server.user("ann");
    server.upstream.says("*a*");
    let chat = ann.chat("*b* <b>");
    let turn = ann.get(&format!("/api/chat/{}", chat["id"])).expect(200).json();
    assert!(turn.get("response_html").is_none());
    let path = format!("/api/conversations/{}?render=html", chat["conversation_id"]);
    let conversation = ann.get(&path).expect(200).json();
    let turn = &conversation["turns"][0];
    assert!(turn["response_html"].as_str().unwrap().contains("<em>a</em>"));
    assert_eq!((&turn["prompt"], &turn["response"]), (&json!("*b* <b>"), &json!("*a*")));
    ann.get("/api/chat/1?render=pdf").names(&["render"]);
}
