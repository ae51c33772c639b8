//! Pictures and files that an export brings along.

use crate::pictures::png;
use crate::support::Server;
use crate::support::exports::{archive, counts, import, node, titled, turns};
use base64::Engine;
use base64::prelude::BASE64_STANDARD as B64;
use serde_json::{Value, json};

fn bytes(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

/// A conversation in which a picture is shown, one is drawn, and a file goes along.
fn with_pictures() -> Value {
    let pointer = |id: &str| json!({"content_type": "image_asset_pointer", "asset_pointer": id});
    let mut asked = node("root", "user", 1_600_000_000, "");
    asked["message"]["content"] =
        json!({"content_type": "multimodal_text", "parts": [pointer("sediment://file_0a1"), "What is it?"]});
    asked["message"]["metadata"] = json!({"attachments": [{"id": "file_0a1", "name": "cat.png"},
        {"id": "file-Notes", "name": "notes.txt"}, {"id": "file-gone", "name": "gone.pdf"}]});
    let mut drawn = node("u1", "tool", 1_600_000_001, "");
    drawn["message"]["author"]["name"] = json!("dalle.text2im");
    drawn["message"]["content"] =
        json!({"content_type": "multimodal_text", "parts": [pointer("file-service://file-Drawn9")]});
    json!({"id": "pics", "title": "Pictures", "create_time": 1_600_000_000, "mapping": {"root": {"message": null},
        "u1": asked, "a1": drawn, "a2": node("u1", "assistant", 1_600_000_002, "A cat.")}})
}

#[test]
fn pictures_and_files_come_along() {
    let server = Server::start();
    let ann = server.user("ann");
    let (cat, drawn) = (png(3, 2), png(2, 3));
    let export = archive(&[
        ("export/conversations-000.json", &bytes(&json!([with_pictures()]))),
        ("export/file_0a1-sanitized.png", &cat),
        ("export/file_0a12.png", b"no picture"),
        ("export/file-Notes-notes.txt", b"remember the milk"),
        ("export/dalle-generations/file-Drawn9-x.webp", &drawn),
    ]);
    let report = import(&ann, &export);
    assert_eq!((counts(&report), &report["files"]), ([1, 0, 0, 0], &json!(3)), "{report}");
    let problem = &report["problems"][0];
    assert_eq!(problem["title"], "Pictures");
    assert!(problem["reason"].as_str().unwrap().ends_with("kept here: 1."), "{problem}");

    let conversation = titled(&ann, "Pictures");
    let said = ["What is it?\n\n*[gone.pdf]* > *[picture]*", "What is it?\n\n*[gone.pdf]* > A cat."];
    assert_eq!(turns(&conversation), said);
    let of = |turn: usize| -> Vec<(String, i64, i64)> {
        let all = conversation["turns"][turn]["attachments"].as_array().unwrap().iter();
        let number = |value: &Value| value.as_i64().unwrap_or_default();
        all.map(|file| {
            (file["name"].as_str().unwrap().to_owned(), number(&file["width"]), number(&file["height"]))
        })
        .collect()
    };
    let sent = [("cat.png".to_owned(), 3, 2), ("notes.txt".to_owned(), 0, 0)];
    assert_eq!(of(1), sent);
    assert_eq!(of(0)[..2], sent);
    assert_eq!(of(0)[2], ("file-Drawn9-x.webp".to_owned(), 2, 3));

    // Nothing is fetched twice, and nothing kept that no turn refers to.
    let again = import(&ann, &export);
    assert_eq!((counts(&again), &again["files"]), ([0, 0, 1, 0], &json!(0)), "{again}");
    assert_eq!(again["problems"], json!([]));
}

#[test]
fn a_picture_without_room_leaves_its_word() {
    let server = Server::with(|config| config.limits.storage_per_user = 10);
    let ann = server.user("ann");
    let export =
        archive(&[("conversations.json", &bytes(&json!([with_pictures()]))), ("file_0a1.png", &png(3, 2))]);
    let report = import(&ann, &export);
    assert_eq!((counts(&report), &report["files"]), ([1, 0, 0, 0], &json!(0)), "{report}");
    assert!(report["problems"][0]["reason"].as_str().unwrap().contains("without room"), "{report}");
    assert!(turns(&titled(&ann, "Pictures"))[0].starts_with("*[picture]*\n\nWhat is it?\n\n*[notes.txt]*"));
}

#[test]
fn pictures_inside_the_text_come_along() {
    let server = Server::start();
    let ann = server.user("ann");
    let url = format!("data:image/png;base64,{}", B64.encode(png(4, 4)));
    let web = json!([{"id": "w", "title": "Web", "chat": {"history": {"currentId": "1", "messages": {"1": {"role": "user", "content": "look",
        "files": [{"type": "image", "name": "a.png", "url": url}, {"type": "image", "url": "/api/v1/files/x"}]}}}}}]);
    let next = json!({"id": "n", "topic": "Next", "messages": [{"id": "1", "role": "user", "content": [
        {"type": "text", "text": "look"}, {"type": "image_url", "image_url": {"url": url}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,broken"}}]}]});
    assert_eq!(import(&ann, &bytes(&web))["files"], 1);
    assert_eq!(import(&ann, &bytes(&next))["files"], 1);
    assert_eq!(turns(&titled(&ann, "Web")), ["look\n\n*[picture]* > "]);
    assert_eq!(turns(&titled(&ann, "Next")), ["look\n\n*[picture]* > "]);
    for title in ["Web", "Next"] {
        let attached = &titled(&ann, title)["turns"][0]["attachments"];
        assert_eq!((attached.as_array().unwrap().len(), &attached[0]["width"]), (1, &json!(4)), "{title}");
    }
}

#[test]
fn u9_a_turn_has_eight_files_and_pointers_are_no_paths() {
    let server = Server::start();
    let ann = server.user("ann");
    let message = |pointers: &[String]| {
        let part = |id: &String| json!({"content_type": "image_asset_pointer", "asset_pointer": id});
        let mut message = node("root", "user", 1_600_000_000, "");
        let parts: Vec<Value> = pointers.iter().map(part).collect();
        message["message"]["content"] = json!({"content_type": "multimodal_text", "parts": parts});
        message
    };
    let ten: Vec<String> = (0..10).map(|at| format!("sediment://file_{at}")).collect();
    let hostile = [
        "",
        "sediment://",
        "sediment://../../etc/passwd",
        "sediment:///etc/passwd",
        "sediment://\0",
        "://#?",
        "半",
    ];
    let mut hostile: Vec<String> = hostile.map(str::to_owned).into();
    hostile.push("x".repeat(100_000));
    hostile.extend((0..10_000).map(|_| "sediment://file_".to_owned()));
    let mut files = vec![(
        "conversations.json".to_owned(),
        bytes(&json!([
            {"id": "ten", "title": "Ten", "mapping": {"u": message(&ten)}},
            {"id": "bad", "title": "Bad", "mapping": {"u": message(&hostile)}},
        ])),
    )];
    files.extend((0..10_u32).map(|at| (format!("file_{at}.png"), png(2, at + 1))));
    files.push(("../../etc/passwd".into(), b"root".to_vec()));
    let files: Vec<(&str, &[u8])> =
        files.iter().map(|(name, content)| (name.as_str(), &content[..])).collect();
    let report = import(&ann, &archive(&files));
    assert_eq!((counts(&report), &report["files"]), ([2, 0, 0, 0], &json!(8)), "{report}");
    let lost: Vec<&str> = report["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| problem["reason"].as_str().unwrap())
        .collect();
    assert!(lost[0].ends_with("kept here: 2."), "{lost:?}");
    assert!(lost[1].contains("kept here: 100"), "{lost:?}");
    let ten = &titled(&ann, "Ten")["turns"][0];
    assert_eq!(ten["attachments"].as_array().unwrap().len(), 8);
    assert_eq!(ten["prompt"], "*[picture]*\n\n*[picture]*");
    assert_eq!(titled(&ann, "Bad")["turns"][0]["attachments"], json!([]));
}
