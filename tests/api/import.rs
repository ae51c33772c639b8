//! `/api/import`: old conversations from other services.

use crate::pictures::png;
use crate::support::exports::{archive, chatgpt, counts, end_of, import, node, send, titled, titles, turns};
use crate::support::{Client, Server};
use serde_json::{Value, json};

fn bytes(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

#[test]
fn c22_an_export_in_parts_with_a_damaged_one() {
    let server = Server::start();
    let ann = server.user("ann");
    let odd = json!({"id": "odd", "title": "Odd", "create_time": null, "default_model_slug": "gpt-4o-mini", "mapping": {
        "root": {"id": "root", "message": null, "parent": null, "children": ["ctx"]},
        "ctx": {"parent": "root", "message": {"author": {"role": "user"}, "content": {"content_type": "user_editable_context", "user_profile": "hidden"},
            "metadata": {"is_visually_hidden_from_conversation": true}}},
        "q": {"parent": "ctx", "message": {"author": {"role": "user"}, "content": {"content_type": "text", "parts": ["a question"]}}},
        "n": {"parent": "q", "message": null},
        "a": {"parent": "n", "message": {"author": {"role": "assistant"}, "content": {"content_type": "text", "parts": ["an answer"]}}},
    }});
    let first = json!([odd, chatgpt("plain", "Plain", &["one", "two", "three", "four"])]);
    let second =
        format!("[{},,{}]", chatgpt("late", "Late", &["x", "y"]), chatgpt("later", "Later", &["x", "y"]));
    let file = archive(&[
        ("export/conversations-001.json", second.as_bytes()),
        ("export/conversations-000.json", &bytes(&first)),
        ("export/conversations.json.index", b"\0\0"),
        ("export/export_manifest.json", b"{\"files\":[]}"),
        ("export/user.json", b"{\"id\":\"u\"}"),
        ("chat.html", b"<html>"),
        ("export/file-1-cat.png", b"\x89PNG"),
    ]);
    let report = import(&ann, &file);
    assert_eq!((&report["status"], &report["format"]), (&json!("done"), &json!("chatgpt")));
    assert_eq!((counts(&report), &report["progress"]), ([4, 0, 0, 1], &json!(100)));
    let problem = &report["problems"][0];
    assert_eq!(problem["title"], "conversations-001.json, conversation 2", "{report}");
    assert!(problem["reason"].as_str().unwrap().contains("damaged"));
    assert_eq!(titles(&ann), ["Late", "Later", "Odd", "Plain"]);
    let opened = titled(&ann, "Odd");
    assert_eq!(turns(&opened), ["a question > an answer"]);
    assert_eq!(opened["turns"][0]["model"], "gpt-4o-mini");
    let plain = titled(&ann, "Plain");
    assert_eq!(turns(&plain), ["one > two", "three > four"]);
    assert_eq!(plain["turns"][1]["parent_id"], plain["turns"][0]["id"]);
    assert_eq!((&plain["created"], &plain["updated"]), (&json!(1_600_000_000), &json!(1_600_000_100)));
    assert_eq!(
        (&plain["turns"][1]["created"], &plain["turns"][1]["finished"]),
        (&json!(1_600_000_002), &json!(1_600_000_003))
    );
    assert!(!ann.get("/api/export?format=json").expect(200).text().contains("hidden"));

    let again = import(&ann, &file);
    assert_eq!(counts(&again), [0, 0, 4, 1], "the same file adds nothing");
    assert_eq!(titled(&ann, "Plain"), plain);
    assert!(
        std::fs::read_dir(server.data_dir())
            .unwrap()
            .flatten()
            .all(|f| !f.file_name().to_string_lossy().starts_with("import"))
    );
}

#[test]
fn what_is_imported_is_found_and_counted_nowhere() {
    let server = Server::start();
    let ann = server.user("ann");
    let report = import(
        &ann,
        &bytes(&json!([chatgpt("c", "T", &["会话里的记忆断裂问题", "an answer about pendulums"])])),
    );
    assert_eq!(counts(&report), [1, 0, 0, 0]);
    for words in ["断裂", "pendulum", "answer"] {
        let found = ann.get(&format!("/api/search?q={words}")).expect(200).json();
        assert_eq!(found["results"].as_array().unwrap().len(), 1, "{words}");
    }
    let usage = ann.get("/api/stat/token-usage?days=366").expect(200).json();
    assert_eq!((&usage["days"], &usage["total"]), (&json!([]), &json!(0)));
    let turn = &titled(&ann, "T")["turns"][0];
    assert_eq!((&turn["usage"]["source"], &turn["usage"]["total_tokens"]), (&json!("none"), &json!(0)));
    let row = &ann.get("/api/chat/history").expect(200).json()[0];
    assert_eq!((&row["prompt"], &row["tokens"]), (&json!("会话里的记忆断裂问题"), &json!(0)));
    assert_eq!(server.upstream.received().len(), 0, "no model is asked");
}

#[test]
fn a_conversation_goes_on_where_it_was() {
    let server = Server::start();
    let ann = server.user("ann");
    let mut export = chatgpt("c", "T", &["one", "two"]);
    export["mapping"]["other"] = node("c-0", "assistant", 1_600_000_050, "two, again");
    import(&ann, &bytes(&json!([export])));
    let opened = titled(&ann, "T");
    assert_eq!(turns(&opened), ["one > two", "one > two, again"]);
    assert_eq!(opened["current_turn_id"], opened["turns"][0]["id"], "as current_node says");
    let body = json!({"message": "three", "conversation_id": opened["id"]});
    let turn = ann.post("/api/chat", &body).expect(200).json();
    assert_eq!((&turn["parent_id"], &turn["model"]), (&opened["turns"][0]["id"], &json!("gpt-4o-mini")));
    let sent = server.upstream.last();
    let said: Vec<&str> =
        sent["messages"].as_array().unwrap().iter().map(|m| m["content"].as_str().unwrap()).collect();
    assert_eq!(said[1..], ["one", "two", "three"]);
    let again =
        ann.post(&format!("/api/chat/{}/retry", opened["turns"][1]["id"]), &json!({})).expect(200).json();
    assert_eq!(again["model"], "gpt-4o-mini", "a model of elsewhere is not asked for");
    let first = &server.upstream.last()["messages"][0];
    assert_eq!(
        (&first["role"], &first["content"]),
        (&json!("system"), &json!("You are a helpful assistant."))
    );
}

#[test]
fn a_newer_export_adds_what_is_new() {
    let server = Server::start();
    let ann = server.user("ann");
    let early = json!([
        chatgpt("a", "A", &["one", "two", "three"]),
        chatgpt("b", "B", &["x", "y"]),
        chatgpt("c", "C", &["p", "q"])
    ]);
    assert_eq!(counts(&import(&ann, &bytes(&early))), [3, 0, 0, 0]);
    // The person renames one, pins it, and goes on in another.
    let (b, c) = (titled(&ann, "B"), titled(&ann, "C"));
    ann.patch(&format!("/api/conversations/{}", b["id"]), &json!({"title": "Mine", "pinned": true}))
        .expect(200);
    let mine =
        ann.post("/api/chat", &json!({"message": "here", "conversation_id": c["id"]})).expect(200).json();
    let mut late = json!([
        chatgpt("a", "A, renamed", &["one", "two", "three", "four", "five"]),
        chatgpt("b", "B, renamed", &["x", "y", "z"]),
        chatgpt("c", "C", &["p", "q", "r", "s"]),
        chatgpt("d", "D", &["new"]),
    ]);
    late[0]["mapping"]["other"] = node("a-0", "assistant", 1_600_000_050, "two, again");
    late[0]["update_time"] = json!(1_600_000_500);
    let report = import(&ann, &bytes(&late));
    assert_eq!(counts(&report), [1, 3, 0, 0]);
    assert_eq!(titles(&ann), ["A, renamed", "C", "D", "Mine"]);
    let a = titled(&ann, "A, renamed");
    assert_eq!(turns(&a), ["one > two", "three > four", "five > ", "one > two, again"]);
    assert_eq!((&a["updated"], &a["current_turn_id"]), (&json!(1_600_000_500), &a["turns"][2]["id"]));
    assert_eq!(titled(&ann, "Mine")["pinned"], true);
    let c = titled(&ann, "C");
    assert_eq!(c["current_turn_id"], mine["id"], "who has gone on here stays there");
    assert_eq!(turns(&c)[2], "r > s");
    for words in ["four", "three"] {
        let found = ann.get(&format!("/api/search?q={words}")).expect(200).json();
        assert_eq!(found["results"].as_array().unwrap().len(), 1, "{words}");
    }
    assert_eq!(counts(&import(&ann, &bytes(&late))), [0, 0, 4, 0]);
    assert_eq!(counts(&import(&ann, &bytes(&early))), [0, 0, 3, 0], "an older one takes nothing back");
    assert_eq!(titles(&ann), ["A, renamed", "C", "D", "Mine"]);
}

#[test]
fn the_trash_is_left_alone_and_what_was_deleted_for_good_comes_back() {
    let server = Server::start();
    let ann = server.user("ann");
    let file = bytes(&json!([chatgpt("a", "A", &["one", "two"]), chatgpt("b", "B", &["x", "y"])]));
    import(&ann, &file);
    ann.delete(&format!("/api/conversations/{}", titled(&ann, "A")["id"])).expect(200);
    ann.delete(&format!("/api/conversations/{}?permanent=true", titled(&ann, "B")["id"])).expect(200);
    let report = import(&ann, &file);
    assert_eq!(counts(&report), [1, 0, 1, 0]);
    assert_eq!((&report["problems"][0]["title"], titles(&ann)), (&json!("A"), vec!["B".to_owned()]));
}

#[test]
fn every_format_is_told_by_its_content() {
    let server = Server::start();
    let claude = json!([{"uuid": "c", "name": "Of Claude", "created_at": "2024-01-01T00:00:00Z", "chat_messages": [
        {"uuid": "1", "sender": "human", "text": "q"}, {"uuid": "2", "sender": "assistant", "text": "", "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "a"}]}]}]);
    let openwebui = json!([{"id": "o", "title": "Of OpenWebUI", "pinned": true, "chat": {"history": {"currentId": "2", "messages": {
        "1": {"id": "1", "parentId": null, "role": "user", "content": "q", "timestamp": 1_700_000_000},
        "2": {"id": "2", "parentId": "1", "role": "assistant", "content": "a", "timestamp": 1_700_000_001}}}}}]);
    let librechat = json!({"conversationId": "l", "title": "Of LibreChat", "recursive": true, "messagesTree": [
        {"messageId": "1", "isCreatedByUser": true, "text": "q", "createdAt": "2024-01-01T00:00:00Z", "children": [{"messageId": "2", "isCreatedByUser": false, "text": "a", "children": []}]}]});
    let nextchat = json!({"access-control": {"openaiApiKey": "sk-canary"}, "chat-next-web-store": {"sessions": [{"id": "n", "topic": "Of NextChat",
        "lastUpdate": 1_700_000_000_000_i64, "messages": [{"id": "1", "role": "user", "content": "q"}, {"id": "2", "role": "assistant", "content": "a"}]}], "currentSessionIndex": 0}});
    for (format, title, export) in [
        ("claude", "Of Claude", &claude),
        ("openwebui", "Of OpenWebUI", &openwebui),
        ("librechat", "Of LibreChat", &librechat),
        ("nextchat", "Of NextChat", &nextchat),
        ("chatgpt", "Of ChatGPT", &json!([chatgpt("g", "Of ChatGPT", &["q", "a"])])),
        ("chatgpt", "Of ChatGPT", &chatgpt("g", "Of ChatGPT", &["q", "a"])),
    ] {
        for packed in [false, true] {
            let ann = server.user(&format!("{format}{packed}{}", export.is_array()));
            let text = bytes(export);
            let names = archive(&[
                ("account.json", b"{\"x\":1}"),
                ("deep/Any name.JSON", &text),
                ("__MACOSX/deep/._Any name.JSON", b"\0"),
            ]);
            let report = import(&ann, if packed { &names } else { &text });
            assert_eq!(
                (report["format"].as_str().unwrap(), counts(&report)),
                (format, [1, 0, 0, 0]),
                "{report}"
            );
            assert_eq!(turns(&titled(&ann, title)), ["q > a"], "{format}");
        }
    }
    for (path, content) in server.bytes_on_disk() {
        assert!(!String::from_utf8_lossy(&content).contains("sk-canary"), "{path}");
    }
}

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
    import(&ann, &bytes(&json!([chatgpt("c1", "Old", &["q1", "a1", "q2", "a2"])])));
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
fn i17_an_import_brings_nothing_that_could_not_be_made_here() {
    let server = Server::with(|config| config.chat.max_message_chars = 1000);
    let ann = server.user("ann");
    let long = "x".repeat(1 << 20);
    let turn = |id: i64, status: &str| {
        json!({"id": id, "prompt": "q", "response": "r", "model": "a model\u{0}", "finish_reason": long, "error": long, "error_code": long,
            "status": status, "params": {"temperature": 1e300, "max_tokens": u32::MAX, "reasoning_effort": long}})
    };
    let export = json!({"format": "gpt-assistant conversation", "turns": [turn(1, "complete"), turn(2, "failed")],
        "conversation": {"id": 1, "title": "Long", "created": 5, "model": long, "system_prompt": long, "params": {"top_p": -1}}});
    assert_eq!(counts(&import(&ann, &bytes(&export))), [1, 0, 0, 0]);
    let marks = format!("a{}", "\u{301}".repeat(1 << 20));
    let marked = json!([{"id": "m", "title": marks, "mapping": {"u": node("", "user", 5, "q")}}]);
    assert_eq!(counts(&import(&ann, &bytes(&marked))), [1, 0, 0, 0]);
    let list = ann.get("/api/conversations?limit=200").expect(200);
    let (long_one, marked_one) = (titled(&ann, "Long"), &list.json()["conversations"]);
    assert!(marked_one.as_array().unwrap().iter().all(|c| c["title"].as_str().unwrap().len() < 10_000));
    assert_eq!(long_one["model"], json!(null));
    assert_eq!(long_one["system_prompt"].as_str().unwrap().len(), 1000);
    assert!(long_one["params"].as_object().unwrap().values().all(Value::is_null), "{}", long_one["params"]);
    for turn in long_one["turns"].as_array().unwrap() {
        assert!(turn.to_string().len() < 20_000, "{}", turn.to_string().len());
        assert_eq!(turn["model"], "");
    }
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

#[test]
fn z1_an_import_is_its_owners() {
    let server = Server::start();
    let (ann, bob) = (server.user("ann"), server.user("bob"));
    let id = send(&ann, &bytes(&json!([chatgpt("c", "Secret", &["q", "a"])]))).expect(202).json()["id"]
        .as_i64()
        .unwrap();
    end_of(&ann, id);
    bob.get(&format!("/api/import/{id}")).fails(404, "not_found");
    bob.get("/api/import/999").fails(404, "not_found");
    assert_eq!(titles(&bob), Vec::<String>::new());
    // The same conversation in two accounts is two conversations.
    let report = import(&bob, &bytes(&json!([chatgpt("c", "Secret", &["q", "a"])])));
    assert_eq!(counts(&report), [1, 0, 0, 0]);
    // A forged export that names a conversation of Ann's gets a new one.
    let number = titled(&ann, "Secret");
    let forged = json!({"format": "gpt-assistant conversation", "version": 1,
        "conversation": {"id": number["id"], "title": "Forged", "created": number["created"]},
        "turns": [{"id": number["turns"][0]["id"], "prompt": "p", "response": "r", "status": "complete", "usage": {"prompt_tokens": 5, "source": "measured"}}]});
    assert_eq!(counts(&import(&bob, &bytes(&forged))), [1, 0, 0, 0]);
    assert_eq!(turns(&titled(&ann, "Secret")), ["q > a"]);
    assert_eq!(bob.get("/api/stat/token-usage").expect(200).json()["total"], 0);
}
