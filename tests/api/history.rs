//! `GET /api/chat/history`: what was asked and answered, in the owner's form.

use crate::support::{Client, Server};
use serde_json::{Value, json};

fn prompts(client: &Client, query: &str) -> Vec<String> {
    let list = client.get(&format!("/api/chat/history{query}")).expect(200).json();
    list.as_array().unwrap().iter().map(|turn| turn["prompt"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn newest_first_and_in_pages() {
    let server = Server::start();
    let (ann, bob) = (server.user("ann"), server.user("bob"));
    assert_eq!(ann.get("/api/chat/history").expect(200).json(), json!([]));
    let mut ids = Vec::new();
    for i in 0..55 {
        ids.push(ann.chat(&format!("m{i}"))["id"].as_i64().unwrap());
    }
    bob.chat("of bob");
    let all = prompts(&ann, "");
    assert_eq!((all.len(), all[0].as_str(), all[49].as_str()), (50, "m54", "m5"));
    assert_eq!(prompts(&ann, "?limit=200").len(), 55);
    assert_eq!(prompts(&ann, "?limit=2"), ["m54", "m53"]);
    assert_eq!(prompts(&ann, &format!("?limit=2&before={}", ids[53])), ["m52", "m51"]);
    assert_eq!(prompts(&ann, &format!("?before={}", ids[0])), Vec::<String>::new());
    assert_eq!(prompts(&bob, ""), ["of bob"]);
}

#[test]
fn a_turn_has_the_owners_fields_and_the_added_ones() {
    let server = Server::start();
    let ann = server.user("ann");
    let chat = ann.chat("今天天气如何？");
    let turn = &ann.get("/api/chat/history?tz=Asia/Shanghai").expect(200).json()[0];
    let mut names: Vec<&str> = turn.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    let listed = [
        "conversation_id",
        "created",
        "created_at",
        "id",
        "model",
        "prompt",
        "response",
        "status",
        "tokens",
        "usage",
    ];
    assert_eq!(names, listed);
    assert_eq!((&turn["id"], &turn["conversation_id"]), (&chat["id"], &chat["conversation_id"]));
    assert_eq!((&turn["prompt"], &turn["response"]), (&json!("今天天气如何？"), &json!("Hello.")));
    assert_eq!(
        (&turn["status"], &turn["tokens"], &turn["model"]),
        (&json!("complete"), &json!(12), &json!("gpt-4o-mini"))
    );
    let zone = gpt_assistant::calendar::zone("Asia/Shanghai").unwrap();
    assert_eq!(turn["created_at"], zone.stamp(turn["created"].as_i64().unwrap()));
    ann.get("/api/chat/history?tz=+09:00").names(&["tz"]);
}

#[test]
fn failed_turns_are_left_out_and_words_narrow() {
    let server = Server::start();
    let ann = server.user("ann");
    server.upstream.answers(500, "", "{}");
    let failed = ann.post("/api/chat", &json!({"message": "lost"})).fails(502, "upstream_error");
    assert!(failed["id"].is_i64() && failed["conversation_id"].is_i64(), "{failed}");
    server.upstream.says("The answer is zebra.");
    let first = ann.chat("One question");
    ann.chat("另一个问题");
    assert_eq!(prompts(&ann, ""), ["另一个问题", "One question"]);
    assert_eq!(prompts(&ann, "?q=zebra"), ["One question"]);
    assert_eq!(prompts(&ann, "?q=%E9%97%AE%E9%A2%98"), ["另一个问题"]);
    assert_eq!(prompts(&ann, "?q=lost"), Vec::<String>::new());
    let conversation = format!("?conversation_id={}", first["conversation_id"]);
    assert_eq!(prompts(&ann, &conversation), ["One question"]);
    for blank in ["?q=%20%20", "?q=%22%22", "?q=%25_"] {
        assert_eq!(prompts(&ann, blank), Vec::<String>::new(), "{blank}");
    }
    assert_eq!(prompts(&ann, "?q=").len(), 2, "an empty parameter is as good as none");
}

#[test]
fn deleted_turns_are_gone_from_everywhere_but_the_statistics() {
    let server = Server::start();
    let ann = server.user("ann");
    let chat = ann.chat("to be forgotten");
    ann.delete(&format!("/api/chat/{}", chat["id"])).expect(200);
    assert_eq!(ann.get("/api/chat/history").expect(200).json(), json!([]));
    assert_eq!(ann.get("/api/search?q=forgotten").expect(200).json()["results"], json!([]));
    ann.get(&format!("/api/chat/{}", chat["id"])).fails(404, "not_found");
    let stat: Value = ann.get("/api/stat/token-usage").expect(200).json();
    assert_eq!((&stat["total"], &stat["days"][0]["total_tokens"]), (&json!(12), &json!(12)));
}
