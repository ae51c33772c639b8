//! Pictures and files that go with messages.

use crate::pictures::{exif, gif, jpeg, png, png_of, quarters, webp, with_exif};
use crate::support::{Client, Server};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use image::{DynamicImage, GenericImageView, RgbaImage};
use serde_json::{Value, json};
use std::time::Duration;

const DAY: i64 = 24 * 3600;

#[track_caller]
fn keep(client: &Client, name: &str, bytes: &[u8]) -> Value {
    client.upload("/api/files", "file", name, "application/octet-stream", bytes).expect(200).json()
}

fn ask(client: &Client, message: &str, files: &[&Value]) -> Value {
    let ids: Vec<&Value> = files.iter().map(|file| &file["id"]).collect();
    client.post("/api/chat", &json!({"message": message, "attachments": ids})).expect(200).json()
}

/// What lies on the disk, of all users.
fn on_disk(server: &Server) -> usize {
    let folders = std::fs::read_dir(server.data_dir().join("files")).unwrap();
    folders.map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap().count()).sum()
}

#[test]
fn a_picture_is_made_small_and_written_anew() {
    let server = Server::start();
    let ann = server.user("ann");
    let clear = DynamicImage::ImageRgba8(RgbaImage::from_pixel(40, 20, image::Rgba([9, 9, 9, 100])));
    for (name, bytes, mime, size) in [
        ("a.png", png(300, 200), "image/png", (300, 200)),
        ("b.jpg", jpeg(&quarters(3000, 1500)), "image/jpeg", (2048, 1024)),
        ("c.webp", webp(&quarters(64, 64)), "image/jpeg", (64, 64)),
        ("d.gif", gif(&[quarters(64, 32), quarters(64, 32)]), "image/png", (64, 32)),
        ("e.png", png_of(&clear), "image/png", (40, 20)),
        ("turned.jpg", with_exif(&quarters(600, 400), 6), "image/jpeg", (600, 400)),
    ] {
        let file = keep(&ann, name, &bytes);
        assert_eq!(
            (&file["kind"], &file["mime"], &file["name"]),
            (&json!("image"), &json!(mime), &json!(name))
        );
        assert_eq!((&file["width"], &file["height"]), (&json!(size.0), &json!(size.1)), "{name}");
        assert!(file["tokens"].as_i64().unwrap() >= 255, "{file}");
        let reply = ann.get(&format!("/api/files/{}", file["id"])).expect(200);
        assert_eq!(reply.header("content-type"), Some(mime));
        assert!(reply.header("cache-control").unwrap().contains("private"));
        assert!(reply.header("vary").unwrap().contains("authorization"));
        assert_eq!(reply.body.len() as i64, file["bytes"].as_i64().unwrap());
        assert_eq!(image::load_from_memory(&reply.body).unwrap().dimensions(), size, "{name}");
        assert!(!String::from_utf8_lossy(&reply.body).contains("CANARY"), "{name}");
    }
    assert!(exif(1).windows(6).any(|w| w == b"CANARY"), "the needle is in the hay");
}

#[test]
fn text_is_kept_as_it_is_and_comes_back_as_a_download() {
    let server = Server::start();
    let ann = server.user("ann");
    let file = keep(&ann, "../天气.md", "\u{feff}# 天气\n".as_bytes());
    assert_eq!(file["kind"], "text");
    assert_eq!(file["name"], "天气.md");
    assert_eq!((&file["width"], &file["tokens"]), (&Value::Null, &json!(3)));
    let reply = ann.get(&format!("/api/files/{}", file["id"])).expect(200);
    assert_eq!(reply.text(), "# 天气\n");
    assert_eq!(reply.header("content-type"), Some("text/plain; charset=utf-8"));
    assert!(reply.header("content-disposition").unwrap().starts_with("attachment;"));
    // The same file is one file; under another name it is another, and takes the same place on the disk.
    assert_eq!(keep(&ann, "天气.md", "# 天气\n".as_bytes())["id"], file["id"]);
    assert_ne!(keep(&ann, "b.md", "# 天气\n".as_bytes())["id"], file["id"]);
    assert_eq!(on_disk(&server), 1);
}

#[test]
fn what_is_neither_picture_nor_text_is_refused_and_leaves_nothing() {
    let server = Server::start();
    let ann = server.user("ann");
    let upload = |name: &str, bytes: &[u8]| ann.upload("/api/files", "file", name, "text/plain", bytes);
    for bytes in [&b"%PDF-1.7\x01\x02"[..], b"a\0b", b"\xff\xfe\x00", b"   ", &png(40, 40)[..200]] {
        upload("x.txt", bytes).names(&["file"]);
    }
    upload("x.txt", &vec![b'a'; (256 << 10) + 1]).fails(413, "too_large");
    upload("x.txt", &vec![b'a'; (10 << 20) + 1]).fails(413, "too_large");
    ann.post("/api/files", &json!({})).fails(415, "unsupported_media_type");
    assert_eq!(on_disk(&server), 0);
}

#[test]
fn a_file_is_its_owners_alone() {
    let server = Server::start();
    let (ann, bob) = (server.user("ann"), server.user("bob"));
    let file = keep(&ann, "a.txt", b"secret");
    let path = format!("/api/files/{}", file["id"]);
    let missing = bob.get("/api/files/999999").fails(404, "not_found");
    let foreign = bob.get(&path).fails(404, "not_found");
    assert_eq!(missing["error"], foreign["error"]);
    server.anon().get(&path).fails(401, "unauthenticated");
    server.upstream.says("hi");
    for id in [&file["id"], &json!(999_999), &json!(-1)] {
        bob.post("/api/chat", &json!({"message": "x", "attachments": [id]})).names(&["attachments"]);
    }
    assert!(server.upstream.received().is_empty(), "nothing was asked");
    assert_eq!(bob.get("/api/chat/history").json(), json!([]));
    // The same bytes of another person are another file.
    assert_ne!(keep(&bob, "a.txt", b"secret")["id"], file["id"]);
    assert_eq!(on_disk(&server), 2);
}

#[test]
fn too_many_or_twice_the_same_are_named() {
    let server = Server::start();
    let ann = server.user("ann");
    let ids: Vec<Value> =
        (0..9).map(|i| keep(&ann, "a.txt", format!("{i}").as_bytes())["id"].clone()).collect();
    let send = |ids: &[Value]| ann.post("/api/chat", &json!({"message": "x", "attachments": ids}));
    send(&ids).names(&["attachments"]);
    send(&[ids[0].clone(), ids[0].clone()]).names(&["attachments"]);
    ann.post("/api/chat", &json!({"message": "  ", "attachments": []})).names(&["message"]);
    server.upstream.says("hi");
    send(&ids[..8]).expect(200);
}

#[test]
fn what_goes_upstream() {
    let server = Server::start();
    let ann = server.user("ann");
    let picture = keep(&ann, "a.png", &png(30, 20));
    let text = keep(&ann, "main.rs", b"fn main() {}\n");
    server.upstream.says("A clock.");
    let first = ask(&ann, "what is this?", &[&picture, &text]);
    let bytes = ann.get(&format!("/api/files/{}", picture["id"])).body;
    let url = format!("data:image/png;base64,{}", BASE64_STANDARD.encode(bytes));
    let said = json!([
        {"type": "text", "text": "main.rs:\n```\nfn main() {}\n```\n\nwhat is this?"},
        {"type": "image_url", "image_url": {"url": url}},
    ]);
    assert_eq!(server.upstream.last()["messages"][1]["content"], said);

    // The picture stays in the context of what is said later.
    server.upstream.says("Half past two.");
    ann.post("/api/chat", &json!({"message": "what time?", "conversation_id": first["conversation_id"]}))
        .expect(200);
    let messages = &server.upstream.last()["messages"];
    assert_eq!(messages[1]["content"], said);
    assert_eq!(messages[3]["content"], "what time?");

    // Asking again sends it again.
    server.upstream.says("A watch.");
    ann.post(&format!("/api/chat/{}/retry", first["id"]), &json!({})).expect(200);
    assert_eq!(server.upstream.last()["messages"][1]["content"], said);

    let turn = ann.get(&format!("/api/chat/{}", first["id"])).json();
    assert_eq!(turn["attachments"], json!([picture, text]));
    let conversation = ann.get(&format!("/api/conversations/{}", first["conversation_id"])).json();
    assert_eq!(conversation["turns"][0]["attachments"], json!([picture, text]));

    // Nothing but a picture is a message too, named after it.
    server.upstream.says("A clock.");
    let alone = ask(&ann, "", &[&picture]);
    assert_eq!(
        server.upstream.last()["messages"][1]["content"],
        json!([{"type": "image_url", "image_url": {"url": url}}])
    );
    let conversation = ann.get(&format!("/api/conversations/{}", alone["conversation_id"])).json();
    assert_eq!(conversation["title"], "a.png");
}

#[test]
fn a_model_without_eyes_is_a_clear_sentence_and_the_prompt_is_kept() {
    let server = Server::start();
    let ann = server.user("ann");
    let picture = keep(&ann, "a.png", &png(30, 20));
    server.upstream.answers(
        500,
        "",
        r#"{"error":{"code":500,"message":"image input is not supported - hint: if this is unexpected, you may need to provide the mmproj","type":"server_error"}}"#,
    );
    let body = json!({"message": "what is this?", "attachments": [picture["id"]]});
    let fault = ann.post("/api/chat", &body).fails(400, "model_rejected_input");
    assert!(fault["error"].as_str().unwrap().contains("picture"), "{fault}");
    let turn = ann.get(&format!("/api/chat/{}", fault["id"])).expect(200).json();
    assert_eq!((&turn["prompt"], &turn["status"]), (&json!("what is this?"), &json!("failed")));
    assert_eq!(turn["attachments"][0]["id"], picture["id"]);
    // The same refusal of a message without pictures is a failure of the service.
    server.upstream.answers(500, "", r#"{"error":{"message":"image input is not supported"}}"#);
    ann.post("/api/chat", &json!({"message": "x"})).fails(502, "upstream_error");
}

#[test]
fn there_is_room_for_so_much_and_no_more() {
    let server = Server::with(|config| config.limits.storage_per_user = 1000);
    let (ann, bob) = (server.user("ann"), server.user("bob"));
    keep(&ann, "a.txt", &[b'a'; 600]);
    let more = ann.upload("/api/files", "file", "b.txt", "text/plain", &[b'b'; 600]);
    more.fails(413, "storage_full");
    assert_eq!(on_disk(&server), 1);
    keep(&ann, "a.txt", &[b'a'; 600]);
    keep(&ann, "c.txt", &[b'c'; 400]);
    keep(&bob, "b.txt", &[b'b'; 600]);
}

#[test]
fn files_that_nothing_refers_to_go_after_a_day() {
    let server = Server::start();
    let ann = server.user("ann");
    let (sent, unsent) = (keep(&ann, "a.txt", b"sent"), keep(&ann, "b.txt", b"unsent"));
    let twin = keep(&ann, "c.txt", b"sent");
    server.upstream.says("ok");
    let turn = ask(&ann, "x", &[&sent]);
    server.pass(DAY - 10);
    server.upkeep();
    assert_eq!(on_disk(&server), 2);
    server.pass(20);
    server.upkeep();
    for gone in [&unsent, &twin] {
        ann.get(&format!("/api/files/{}", gone["id"])).fails(404, "not_found");
    }
    assert_eq!(on_disk(&server), 1);
    ann.get(&format!("/api/files/{}", sent["id"])).expect(200);
    // What was deleted with its turn goes with the next round.
    ann.delete(&format!("/api/chat/{}", turn["id"])).expect(200);
    server.upkeep();
    ann.get(&format!("/api/files/{}", sent["id"])).fails(404, "not_found");
    assert_eq!(on_disk(&server), 0);
}

#[test]
fn an_account_takes_its_files_along() {
    let server = Server::start();
    let (ann, bob) = (server.user("ann"), server.user("bob"));
    let (a, b) = (keep(&ann, "a.txt", b"ann"), keep(&bob, "b.txt", b"bob"));
    server.upstream.says("ok");
    ask(&bob, "x", &[&b]);
    bob.send("DELETE", "/api/user", Some("application/json"), br#"{"password":"secret1"}"#).expect(200);
    assert_eq!(on_disk(&server), 1);
    ann.get(&format!("/api/files/{}", a["id"])).expect(200);
}

#[test]
fn a_file_whose_bytes_are_gone_does_not_break_its_conversation() {
    let server = Server::start();
    let ann = server.user("ann");
    let picture = keep(&ann, "a.png", &png(30, 20));
    server.upstream.says("A clock.");
    let first = ask(&ann, "what is this?", &[&picture]);
    std::fs::remove_dir_all(server.data_dir().join("files")).unwrap();
    server.upstream.says("Half past two.");
    ann.post("/api/chat", &json!({"message": "what time?", "conversation_id": first["conversation_id"]}))
        .expect(200);
    let content = server.upstream.last()["messages"][1]["content"].as_str().unwrap().to_owned();
    assert!(content.contains("no longer here") && content.ends_with("what is this?"), "{content}");
}

#[test]
fn an_export_holds_what_was_sent() {
    let server = Server::start();
    let ann = server.user("ann");
    let (picture, text) = (keep(&ann, "a.png", &png(30, 20)), keep(&ann, "b.txt", "天气".as_bytes()));
    server.upstream.says("A clock.");
    let turn = ask(&ann, "what is this?", &[&picture, &text]);
    let bytes = ann.get(&format!("/api/files/{}", picture["id"])).body;
    let picture_url = format!("data:image/png;base64,{}", BASE64_STANDARD.encode(bytes));
    let text_url = format!("data:text/plain;base64,{}", BASE64_STANDARD.encode("天气"));
    let export = |format: &str| {
        ann.get(&format!("/api/conversations/{}/export?format={format}", turn["conversation_id"])).expect(200)
    };
    let ours = export("json").json();
    assert_eq!(
        ours["turns"][0]["attachments"],
        json!([
            {"name": "a.png", "kind": "image", "mime": "image/png", "url": picture_url},
            {"name": "b.txt", "kind": "text", "mime": "text/plain", "url": text_url},
        ])
    );
    let theirs = export("openwebui").json();
    let asked = &theirs[0]["chat"]["history"]["messages"][format!("turn-{}-user", turn["id"])];
    assert_eq!(asked["role"], "user");
    assert_eq!(
        asked["files"],
        json!([
            {"type": "image", "name": "a.png", "url": picture_url},
            {"type": "file", "name": "b.txt", "url": text_url},
        ])
    );
    let page = export("markdown").text();
    assert!(page.contains("> what is this?\n>\n> [a.png]\n>\n> [b.txt]\n"), "{page}");
}

#[test]
fn a_file_that_is_sent_again_while_it_is_forgotten_keeps_its_bytes() {
    let server = Server::with(|config| config.auth.token_ttl = Duration::from_secs(3650 * 86_400));
    let ann = server.user("ann");
    for _ in 0..40 {
        keep(&ann, "a.txt", b"the same");
        server.pass(2 * 86_400);
        let kept = std::thread::scope(|scope| {
            scope.spawn(|| server.upkeep());
            keep(&ann, "a.txt", b"the same")
        });
        ann.get(&format!("/api/files/{}", kept["id"])).expect(200);
    }
}

#[test]
fn a_million_files_are_counted_before_they_are_compared() {
    let server = Server::with(|config| config.chat.max_message_chars = 1_000_000);
    let ann = server.user("ann");
    let files: Vec<i64> = (1..=1_000_000).collect();
    ann.post("/api/chat", &json!({"message": "x", "attachments": files})).names(&["attachments"]);
    ann.post("/api/chat", &json!({"message": "x", "attachments": [1, 1]})).names(&["attachments"]);
}

#[test]
fn a_backup_holds_what_was_sent() {
    let server = Server::start();
    let ann = server.user("ann");
    let picture = keep(&ann, "a.png", &png(30, 20));
    server.upstream.says("A clock.");
    ask(&ann, "what is this?", &[&picture]);
    let archive = ann.get("/api/admin/backup").expect(200).body;
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("backup.zip");
    std::fs::write(&file, archive).unwrap();
    let data = place.path().join("data");
    gpt_assistant::backup::restore(&file, &data, &mut |_, _| ()).unwrap();
    let name =
        std::fs::read_dir(server.data_dir().join("files/1")).unwrap().next().unwrap().unwrap().file_name();
    let restored = std::fs::read(data.join("files/1").join(name)).unwrap();
    assert_eq!(restored, ann.get(&format!("/api/files/{}", picture["id"])).body);
}
