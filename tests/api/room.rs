//! How much text a person may keep.

use crate::support::exports::{chatgpt, import, titles};
use crate::support::{Client, Server};
use serde_json::json;

fn say(client: &Client) -> crate::support::Reply {
    client.post("/api/chat", &json!({"message": "x".repeat(20_000)}))
}

#[test]
fn who_has_no_room_for_text_is_told_and_nothing_is_changed() {
    let server = Server::with(|config| config.limits.text_per_user = 64 << 10);
    let (ann, bob) = (server.user("ann"), server.user("bob"));
    let first = say(&ann).expect(200).json();
    say(&ann).expect(200);
    say(&ann).expect(200);
    let body = say(&ann).fails(413, "text_full");
    assert!(body["error"].as_str().unwrap().contains("used up"), "{body}");
    assert_eq!((titles(&ann).len(), server.upstream.received().len()), (3, 3));
    say(&bob).expect(200);
    // What lies in the trash is still kept.
    let conversation = format!("/api/conversations/{}", first["conversation_id"]);
    ann.delete(&conversation).expect(200);
    say(&ann).fails(413, "text_full");
    ann.delete(&format!("{conversation}?permanent=true")).expect(200);
    say(&ann).expect(200);
    say(&ann).fails(413, "text_full");
    // What a model says counts too.
    server.upstream.says(&"y".repeat(50_000));
    say(&bob).expect(200);
    say(&bob).fails(413, "text_full");
}

#[test]
fn system_prompts_take_room_and_other_changes_do_not() {
    let server = Server::with(|config| config.limits.text_per_user = 64 << 10);
    let ann = server.user("ann");
    let prompt = "x".repeat(20_000);
    let make = || ann.post("/api/conversations", &json!({"title": "T", "system_prompt": prompt}));
    let id = make().expect(200).json()["id"].clone();
    // Each turn keeps the one that it was asked with.
    ann.post("/api/chat", &json!({"message": "hi", "conversation_id": id})).expect(200);
    make().expect(200);
    make().fails(413, "text_full");
    ann.post("/api/chat", &json!({"message": "hi", "conversation_id": id})).fails(413, "text_full");
    let path = format!("/api/conversations/{id}");
    ann.patch(&path, &json!({"system_prompt": prompt})).fails(413, "text_full");
    ann.patch(&path, &json!({"title": "New", "pinned": true, "system_prompt": null})).expect(200);
    make().expect(200);
}

#[test]
fn an_import_ends_where_the_room_does() {
    let server = Server::with(|config| config.limits.text_per_user = 1 << 20);
    let ann = server.user("ann");
    let long = "x".repeat(300 << 10);
    let all: Vec<_> =
        (0..6).map(|i| chatgpt(&format!("c{i}"), &format!("Long {i}"), &[&long, "a"])).collect();
    let export = json!(all).to_string().into_bytes();
    for _ in 0..2 {
        let report = import(&ann, &export);
        assert_eq!(report["status"], "failed", "{report}");
        assert!(report["problems"].to_string().contains("no more room"), "{report}");
        assert_eq!(titles(&ann).len(), 2);
    }
    ann.chat("hi");
}

#[test]
fn what_says_nothing_takes_room_too() {
    let server = Server::with(|config| config.limits.text_per_user = 4 << 10);
    let ann = server.user("ann");
    let make = || ann.post("/api/conversations", &json!({}));
    let made = (0..100).take_while(|_| make().status == 200).count();
    assert!((4..=16).contains(&made), "{made} were made");
    make().fails(413, "text_full");
    ann.post("/api/chat", &json!({"message": "x"})).fails(413, "text_full");
    let server = Server::with(|config| config.limits.text_per_user = 1 << 20);
    let ann = server.user("ann");
    let export = json!([chatgpt("c", "Many", &["x"; 10_000])]).to_string();
    let report = import(&ann, export.as_bytes());
    assert!(report["problems"].to_string().contains("no more room"), "{report}");
    assert_eq!(titles(&ann).len(), 0);
}
