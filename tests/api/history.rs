//! `GET /api/chat/history`: one's own turns, newest first.

use crate::support::exports::{chatgpt, import};
use crate::support::upstream::{delta, stop};
use crate::support::{Client, Server};
use serde_json::{Value, json};

fn history(client: &Client, query: &str) -> Vec<Value> {
    client.get(&format!("/api/chat/history{query}")).expect(200).json().as_array().unwrap().clone()
}

fn prompts(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["prompt"].as_str().unwrap()).collect()
}

#[test]
fn newest_first_and_fifty_by_default() {
    let server = Server::start();
    let ann = server.user("ann");
    for i in 0..60 {
        ann.chat(&format!("m{i}"));
    }
    server.upstream.answers(500, "", "{}");
    ann.post("/api/chat", &json!({"message": "failed"})).fails(502, "upstream_error");
    let rows = history(&ann, "");
    assert_eq!(rows.len(), 50);
    assert_eq!((prompts(&rows)[0], prompts(&rows)[49]), ("m59", "m10"), "failed turns are left out");
    for field in [
        "id",
        "prompt",
        "response",
        "created_at",
        "model",
        "tokens",
        "usage",
        "conversation_id",
        "status",
        "created",
    ] {
        assert!(!rows[0][field].is_null(), "{field}");
    }
    assert_eq!(history(&ann, "?limit=200").len(), 60);
    let (mut all, mut before) = (Vec::new(), String::new());
    loop {
        let page = history(&ann, &format!("?limit=7{before}"));
        let Some(last) = page.last() else { break };
        before = format!("&before={}", last["id"]);
        all.extend(page);
    }
    let ids: Vec<i64> = all.iter().map(|row| row["id"].as_i64().unwrap()).collect();
    assert_eq!((ids.len(), ids.is_sorted_by(|a, b| a > b)), (60, true));
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=-1", "limit"),
        ("before=x", "before"),
        ("before=-1", "before"),
        ("conversation_id=x", "conversation_id"),
        ("tz=Mars/X", "tz"),
    ] {
        ann.get(&format!("/api/chat/history?{query}")).names(&[field]);
    }
    assert_eq!(history(&server.user("bob"), ""), Vec::<Value>::new());
}

#[test]
fn filtered_by_conversation_and_words() {
    let server = Server::start();
    let (ann, bob) = (server.user("ann"), server.user("bob"));
    let first = ann.chat("会话里的记忆断裂问题")["conversation_id"].clone();
    server.upstream.says("an answer about zebras");
    ann.post("/api/chat", &json!({"message": "second", "conversation_id": first})).expect(200);
    ann.chat("third");
    let bobs = bob.chat("zebras of bob")["conversation_id"].clone();
    assert_eq!(
        prompts(&history(&ann, &format!("?conversation_id={first}"))),
        ["second", "会话里的记忆断裂问题"]
    );
    assert!(history(&ann, &format!("?conversation_id={bobs}")).is_empty());
    assert_eq!(prompts(&history(&ann, "?q=zebra")), ["second"]);
    assert_eq!(prompts(&history(&ann, "?q=%E8%A3%82")), ["会话里的记忆断裂问题"]);
    assert!(history(&ann, "?q=%20%20").is_empty(), "blanks are not everything");
    assert!(history(&ann, &format!("?q=zebra&before=2&conversation_id={first}")).is_empty());
}

#[test]
fn c16_every_character_comes_back() {
    let server = Server::start();
    let ann = server.user("ann");
    let answer = "Vec<T>, <foo> and </foo>, &lt;b&gt;";
    for message in [
        "what is enclosed in <>\n<channel>",
        "<text>\nI love this!\n</text>",
        "\u{202E}rtl \u{2028} e\u{301} 👩‍👩‍👧 \t\"'\\",
    ] {
        server.upstream.events(&[delta(answer), stop()]);
        let reply = ann.chat(message);
        assert_eq!(reply["reply"], answer);
        assert_eq!(server.upstream.last()["messages"][1]["content"], message);
        let row = &history(&ann, "?limit=1")[0];
        assert_eq!((&row["prompt"], &row["response"]), (&json!(message), &json!(answer)));
        let turn = ann.get(&format!("/api/chat/{}", reply["id"])).expect(200).json();
        assert_eq!((&turn["prompt"], &turn["response"]), (&json!(message), &json!(answer)));
    }
    let hit = ann.get("/api/search?q=channel").expect(200).json()["results"][0].clone();
    assert_eq!(hit["snippet"], "what is enclosed in <> <channel>", "one line, otherwise as it was");
    assert_eq!(hit["title"], "what is enclosed in <>");
}

#[test]
fn times_are_written_in_the_zone_that_is_asked_for() {
    let server = Server::with(|config| config.chat.timezone = "Asia/Shanghai".into());
    let at = "2024-06-17T09:20:31Z".parse::<jiff::Timestamp>().unwrap().as_second();
    server.now.store(at, std::sync::atomic::Ordering::SeqCst);
    let ann = server.user("ann");
    ann.chat("hi");
    assert_eq!(
        (&history(&ann, "")[0]["created_at"], &history(&ann, "")[0]["created"]),
        (&json!("2024-06-17 17:20:31"), &json!(at))
    );
    assert_eq!(history(&ann, "?tz=UTC")[0]["created_at"], "2024-06-17 09:20:31");
    assert_eq!(history(&ann, "?tz=America/New_York")[0]["created_at"], "2024-06-17 05:20:31");
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

/// Three conversations of one turn each, of three megabytes.
fn with_long_turns(server: &Server) -> Client {
    let ann = server.user("ann");
    let chats: Vec<Value> = (0..3)
        .map(|at| {
            chatgpt(&format!("c{at}"), "Long", &[&format!("needle {at} {}", "x".repeat(3 << 20)), "ok"])
        })
        .collect();
    let report = import(&ann, json!(chats).to_string().as_bytes());
    assert_eq!(report["imported"], 3, "{report}");
    ann
}

#[test]
fn a_page_of_long_turns_is_short_and_none_is_passed_over() {
    let server = Server::start();
    let ann = with_long_turns(&server);
    let (mut seen, mut before) = (Vec::new(), String::new());
    loop {
        let rows = history(&ann, &format!("?limit=200{before}"));
        let Some(last) = rows.last() else { break };
        assert_eq!(rows.len(), 1, "two would be more than a page");
        before = format!("&before={}", last["id"]);
        seen.push(prompts(&rows)[0][..9].trim().to_owned());
    }
    assert_eq!(seen, ["needle 2", "needle 1", "needle 0"]);
    let found = ann.get("/api/search?q=needle").expect(200).json();
    let snippets: Vec<&str> =
        found["results"].as_array().unwrap().iter().map(|hit| hit["snippet"].as_str().unwrap()).collect();
    assert_eq!(snippets.len(), 3);
    assert!(
        snippets.iter().all(|snippet| snippet.starts_with("needle ") && snippet.len() < 1000),
        "{snippets:?}"
    );
}

#[test]
fn a_conversation_of_long_turns_is_given_in_pages() {
    let server = Server::start();
    let ann = server.user("ann");
    let texts: Vec<String> = (0..3).map(|at| format!("{at} {}", "x".repeat(3 << 20))).collect();
    let said: Vec<&str> = texts.iter().flat_map(|text| [text.as_str(), "ok"]).collect();
    import(&ann, json!([chatgpt("c", "Long", &said)]).to_string().as_bytes());
    let id = ann.get("/api/conversations").expect(200).json()["conversations"][0]["id"].clone();
    let (mut seen, mut before) = (Vec::new(), String::new());
    loop {
        let page = ann.get(&format!("/api/conversations/{id}{before}")).expect(200).json();
        let turns = page["turns"].as_array().unwrap();
        assert_eq!(turns.len(), 1);
        seen.push(turns[0]["prompt"].as_str().unwrap()[..1].to_owned());
        let Some(next) = page["next"].as_str() else { break };
        before = format!("?before={next}");
    }
    assert_eq!(seen, ["2", "1", "0"]);
}
