//! `/api/import` of what `/api/export` gave: nothing is lost on the way, and nothing comes twice.

use crate::pictures::png;
use crate::support::exports::{chatgpt, counts, import, titled};
use crate::support::{Client, Server};
use serde_json::{Value, json};

/// Everything of an export in JSON that is not a number of a row or the day it was written.
fn comparable(export: &[u8]) -> Vec<Value> {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(export)).unwrap();
    let mut all = Vec::new();
    for at in 0..archive.len() {
        let mut file = archive.by_index(at).unwrap();
        let mut text = String::new();
        std::io::Read::read_to_string(&mut file, &mut text).unwrap();
        let Ok(mut document @ Value::Object(_)) = serde_json::from_str(&text) else { continue };
        let Some(turns) = document["turns"].as_array().cloned() else { continue };
        let at =
            |id: &Value| turns.iter().position(|turn| turn["id"] == *id).map_or(json!(null), |at| json!(at));
        document["conversation"]["current_turn_id"] = at(&document["conversation"]["current_turn_id"]);
        document["conversation"]["id"] = json!(0);
        document["conversation"]["deleted"] = json!(document["conversation"]["deleted"].is_i64());
        for (index, turn) in turns.iter().enumerate() {
            document["turns"][index]["parent_id"] = at(&turn["parent_id"]);
            document["turns"][index]["id"] = json!(index);
        }
        all.push(document);
    }
    all.sort_by_key(|document| document["conversation"]["title"].to_string());
    all
}

/// An account with all that a conversation may have.
fn furnished(server: &Server) -> Client {
    let ann = server.user("ann");
    server.upstream.says("<think>a\n\nplan</think>Answer with <details type=\"x\">html</details> and `&lt;`");
    let first = ann
        .post("/api/chat", &json!({"message": "<question>\n  two lines", "temperature": 0.5}))
        .expect(200)
        .json();
    let id = first["conversation_id"].as_i64().unwrap();
    ann.post(&format!("/api/chat/{}/retry", first["id"]), &json!({"model": "other/model"})).expect(200);
    server.upstream.says("short");
    ann.post(
        "/api/chat",
        &json!({"message": "below the first", "conversation_id": id, "parent_id": first["id"]}),
    )
    .expect(200);
    let change = json!({"title": "Named 安", "system_prompt": "Be brief.", "pinned": true, "model": "m", "params": {"top_p": 0.5}});
    ann.patch(&format!("/api/conversations/{id}"), &change).expect(200);
    let thrown = ann.chat("thrown away")["conversation_id"].as_i64().unwrap();
    ann.delete(&format!("/api/conversations/{thrown}")).expect(200);
    let kept = ann.chat("put aside")["conversation_id"].as_i64().unwrap();
    ann.patch(&format!("/api/conversations/{kept}"), &json!({"archived": true})).expect(200);
    let file = |name: &str, bytes: &[u8]| {
        ann.upload("/api/files", "file", name, "application/octet-stream", bytes).expect(200).json()["id"]
            .clone()
    };
    let files = [file("cat 猫.png", &png(20, 10)), file("notes.txt", "milk\n牛奶".as_bytes())];
    ann.post("/api/chat", &json!({"message": "", "conversation_id": kept, "attachments": files})).expect(200);
    ann
}

#[test]
fn our_own_export_comes_back_without_loss() {
    let server = Server::start();
    let ann = furnished(&server);
    let export = ann.get("/api/export?format=json").expect(200).body;
    let bob = server.user("bob");
    let report = import(&bob, &export);
    assert_eq!((report["format"].as_str().unwrap(), counts(&report)), ("gpt-assistant", [3, 0, 0, 0]));
    let back = bob.get("/api/export?format=json").expect(200).body;
    assert_eq!(comparable(&back), comparable(&export));
    assert_eq!(comparable(&export).len(), 3);
    assert_eq!(bob.get("/api/stat/token-usage").expect(200).json()["total"], 0, "paid once, by Ann");
    assert_eq!(
        counts(&import(&bob, &export)),
        [0, 0, 2, 0].map(|n| n + i64::from(n > 0)),
        "the third is in the trash"
    );
    let own = import(&ann, &export);
    assert_eq!(counts(&own), [0, 0, 3, 0], "what is still here is not doubled");
    assert_eq!(ann.get("/api/export?format=json").expect(200).body.len(), export.len());
}

#[test]
fn an_export_of_what_was_imported_is_known_as_well() {
    let server = Server::start();
    let ann = server.user("ann");
    import(&ann, json!([chatgpt("c1", "Old", &["q1", "a1", "q2", "a2"])]).to_string().as_bytes());
    let before = titled(&ann, "Old");
    for format in ["json", "openwebui"] {
        let export = ann.get(&format!("/api/export?format={format}")).expect(200).body;
        assert_eq!(counts(&import(&ann, &export)), [0, 0, 1, 0], "{format}");
        assert_eq!(titled(&ann, "Old"), before, "{format}");
    }
}

#[test]
fn numbers_of_two_servers_are_not_mixed() {
    let (old, new) = (Server::start(), Server::start());
    let (ann, moved) = (old.user("ann"), new.user("ann"));
    let say = |client: &Client, conversation: &Value, text: &str| {
        client.post("/api/chat", &json!({"message": text, "conversation_id": conversation})).expect(200);
    };
    let there = ann.chat("first")["conversation_id"].clone();
    say(&ann, &there, "second");
    import(&moved, &ann.get("/api/export?format=json").expect(200).body);
    let here = titled(&moved, "first")["id"].clone();
    // Both have a third turn now, and both call it their third.
    say(&moved, &here, "third, here");
    say(&ann, &there, "third, there");
    say(&ann, &there, "fourth, there");
    assert_eq!(counts(&import(&moved, &ann.get("/api/export?format=json").expect(200).body)), [0, 1, 0, 0]);
    let all = moved.get(&format!("/api/conversations/{here}/export?format=json")).expect(200).text();
    for text in ["third, here", "third, there", "fourth, there"] {
        assert_eq!(all.matches(text).count(), 1, "{text}");
    }
    let turns = moved.get(&format!("/api/conversations/{here}/export?format=json")).expect(200).json();
    let turn =
        |text: &str| turns["turns"].as_array().unwrap().iter().find(|turn| turn["prompt"] == text).unwrap();
    assert_eq!(turn("fourth, there")["parent_id"], turn("third, there")["id"]);
    assert_eq!(turn("third, here")["parent_id"], turn("third, there")["parent_id"]);
}

#[test]
fn the_shape_of_open_webui_comes_back_too() {
    let server = Server::start();
    let ann = furnished(&server);
    let export = ann.get("/api/export?format=openwebui").expect(200).body;
    let (bob, eve) = (server.user("bob"), server.user("eve"));
    assert_eq!(counts(&import(&bob, &export)), [3, 0, 0, 0]);
    let texts = |client: &Client| -> Vec<Value> {
        let all = comparable(&client.get("/api/export?format=json").expect(200).body);
        let part = |turn: &Value| {
            json!([
                turn["prompt"],
                turn["attachments"],
                turn["response"],
                turn["reasoning"],
                turn["model"],
                turn["created"],
                turn["finished"],
                turn["parent_id"]
            ])
        };
        let of = |document: &Value| {
            let about = &document["conversation"];
            let turns: Vec<Value> = document["turns"].as_array().unwrap().iter().map(part).collect();
            json!([
                about["title"],
                about["pinned"],
                about["archived"],
                about["created"],
                about["updated"],
                about["system_prompt"],
                about["current_turn_id"],
                turns
            ])
        };
        all.iter().map(of).collect()
    };
    assert_eq!(texts(&bob), texts(&ann));
    // Both of our exports give the same conversations.
    let json = ann.get("/api/export?format=json").expect(200).body;
    import(&eve, &json);
    assert_eq!(counts(&import(&eve, &export))[0], 0);
    assert_eq!(counts(&import(&ann, &export))[..2], [0, 0]);
    let one = ann
        .get(&format!("/api/conversations/{}/export?format=openwebui", titled(&ann, "Named 安")["id"]))
        .expect(200)
        .body;
    assert_eq!(counts(&import(&server.user("tom"), &one)), [1, 0, 0, 0]);
}
