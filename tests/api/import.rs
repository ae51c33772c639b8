//! `/api/import`: old conversations from other services.

use crate::support::Server;
use crate::support::exports::{archive, chatgpt, counts, end_of, import, node, send, titled, titles, turns};
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
