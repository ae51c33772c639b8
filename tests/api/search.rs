//! Full text: from one Chinese character on, any text as a query, own turns only.

use crate::support::upstream::{chunk, delta, stop};
use crate::support::{Client, Server};
use serde_json::{Value, json};

fn search(client: &Client, query: &str) -> Value {
    let encoded: String = form_urlencoded::byte_serialize(query.as_bytes()).collect();
    client.get(&format!("/api/search?q={encoded}")).expect(200).json()
}

fn turns(client: &Client, query: &str) -> Vec<i64> {
    search(client, query)["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|hit| hit["turn_id"].as_i64().unwrap())
        .collect()
}

/// The words that a hit marks.
fn marked(hit: &Value) -> Vec<String> {
    let units: Vec<u16> = hit["snippet"].as_str().unwrap().encode_utf16().collect();
    let at = |value: &Value| value.as_u64().unwrap() as usize;
    hit["marks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| String::from_utf16(&units[at(&m[0])..at(&m[1])]).unwrap())
        .collect()
}

#[test]
fn c19_chinese_from_one_character_on() {
    let server = Server::start();
    let (ann, bob) = (server.user("ann"), server.user("bob"));
    for message in ["会话里的记忆断裂问题", "小化妆包 Ipad 包", "文件目录"] {
        ann.chat(message);
    }
    bob.chat("会话里的记忆断裂问题 and 包 and ipad");
    for (query, found, words) in [
        ("记忆断裂", vec![1], vec!["记忆断裂"]),
        ("断裂", vec![1], vec!["断裂"]),
        ("裂", vec![1], vec!["裂"]),
        ("记忆 断裂", vec![1], vec!["记忆", "断裂"]),
        ("断裂 记忆", vec![1], vec!["记忆", "断裂"]),
        ("断裂\u{3000}记忆", vec![1], vec!["记忆", "断裂"]),
        ("包", vec![2], vec!["包", "包"]),
        ("ipad", vec![2], vec!["Ipad"]),
        ("IPAD 包", vec![2], vec!["包", "Ipad", "包"]),
        ("目录 文件", vec![3], vec!["文件", "目录"]),
        ("忆记", vec![], vec![]),
        ("会录", vec![], vec![]),
    ] {
        assert_eq!(turns(&ann, query), found, "{query}");
        if let Some(hit) = search(&ann, query)["results"].as_array().unwrap().first() {
            let mut got = marked(hit);
            let mut want: Vec<String> = words.iter().map(|w| (*w).to_owned()).collect();
            got.sort();
            want.sort();
            assert_eq!(got, want, "{query}: {hit}");
        }
    }
    for blank in ["", " ", "\u{3000}", "  \t\n"] {
        assert_eq!(search(&ann, blank), json!({"results": [], "next": null}), "{blank:?}");
    }
}

#[test]
fn prompts_and_answers_newest_first_page_by_page() {
    let server = Server::start();
    let ann = server.user("ann");
    for i in 0..7 {
        server.upstream.events(&[
            chunk(&json!({"reasoning": "a hidden needle"})),
            delta(&format!("answer {i} with a Needle")),
            stop(),
        ]);
        ann.chat(&format!("question {i}"));
    }
    ann.chat("a needle in the question");
    let first = search(&ann, "needle");
    assert_eq!(turns(&ann, "needle"), [8, 7, 6, 5, 4, 3, 2, 1]);
    assert_eq!(
        (&first["results"][0]["field"], &first["results"][1]["field"]),
        (&json!("prompt"), &json!("response"))
    );
    let hit = &first["results"][1];
    assert_eq!(hit["snippet"], "answer 6 with a Needle");
    assert_eq!(
        (marked(hit), &hit["title"], &hit["conversation_id"]),
        (vec!["Needle".to_owned()], &json!("question 6"), &json!(7))
    );
    assert!(hit["created_at"].as_str().unwrap().len() == 19 && hit["created"].is_i64());
    assert!(turns(&ann, "hidden").is_empty(), "thoughts are not searched");
    let (mut all, mut before) = (Vec::new(), String::new());
    loop {
        let page = ann.get(&format!("/api/search?q=needle&limit=3{before}")).expect(200).json();
        all.extend(page["results"].as_array().unwrap().iter().map(|hit| hit["turn_id"].as_i64().unwrap()));
        match page["next"].as_str() {
            Some(next) => before = format!("&before={next}"),
            None => break,
        }
    }
    assert_eq!(all, [8, 7, 6, 5, 4, 3, 2, 1]);
    ann.chat("needles, and what a knitter knows");
    let of = |query: &str| turns(&ann, query);
    assert_eq!(of("nee"), [9, 8, 7, 6, 5, 4, 3, 2, 1], "the beginning of a word");
    assert_eq!((of("kn"), of("kni")), (vec![], vec![9]), "of three letters at least");
    assert_eq!(of("needle")[0], 9, "words that go on, where there is room");
    let narrow = ann.get("/api/search?q=needle&limit=3").expect(200).json();
    assert_eq!(narrow["results"][0]["turn_id"], 8, "where there is none, the whole word");
    ann.get("/api/search?q=x&limit=0").names(&["limit"]);
    ann.get("/api/search?q=x&before=x").names(&["before"]);
    let too_long: String = "x".repeat(1001);
    ann.get(&format!("/api/search?q={too_long}")).names(&["q"]);
}

#[test]
fn i14_any_text_is_a_query_and_finds_own_turns_only() {
    let server = Server::start();
    let (ann, bob) = (server.user("ann"), server.user("bob"));
    ann.chat("plain words, say \"hello\" AND go; C++ is 100% fun");
    bob.chat("a secret of bob's, u1 u2 owner");
    for query in [
        "'",
        "\"",
        "\"\"",
        "\"hello",
        "'; DROP TABLE turns; --",
        "%",
        "%_%_%_%_",
        "*",
        "**",
        "h*",
        "NEAR(a b)",
        "a NEAR/2 b",
        "AND",
        "OR",
        "NOT",
        "NOT go",
        "plain OR secret",
        "plain AND NOT x",
        "(",
        ")",
        "()",
        "{",
        "[",
        "^",
        "-",
        "+",
        ":",
        "text : secret",
        "owner : u2",
        "owner:u2",
        "u2",
        "u1",
        "\" OR owner : \"u2",
        "text:\"secret\"",
        "\\",
        "\u{0}",
        "a\u{0}b",
        "🌍",
        "\u{202E}",
        "e\u{301}",
        "Ⓐ",
        "²",
        "_",
        "C++",
        "100%",
        "say \"hello\"",
        "rowid",
        "search",
        "match",
        ";",
        "/*",
        "x'41'",
        "{a b}: c",
        "a + b",
        "^plain",
    ] {
        let text = search(&ann, query).to_string();
        assert!(!text.contains("secret"), "{query}: {text}");
        assert!(
            search(&bob, query)["results"].as_array().unwrap().iter().all(|hit| hit["turn_id"] == 2),
            "{query}"
        );
    }
    for (query, found) in [
        ("\"hello\"", 1),
        ("plain words", 1),
        ("words plain", 1),
        ("pla", 1),
        ("lain", 0),
        ("C++", 1),
        ("100%", 1),
        ("FUN", 1),
        ("secret", 0),
    ] {
        assert_eq!(turns(&ann, query).len(), found, "{query}");
    }
    let many = vec!["plain"; 160].join(" ");
    assert_eq!(turns(&ann, &many), [1]);
}

#[test]
fn what_is_deleted_or_in_the_trash_is_not_found() {
    let server = Server::start();
    let ann = server.user("ann");
    for i in 0..4 {
        ann.chat(&format!("needle {i}"));
    }
    ann.delete("/api/conversations/1").expect(200);
    ann.delete("/api/conversations/2?permanent=true").expect(200);
    ann.delete("/api/chat/3").expect(200);
    assert_eq!(turns(&ann, "needle"), [4]);
    ann.post("/api/conversations/1/restore", &json!({})).expect(200);
    assert_eq!(turns(&ann, "needle"), [4, 1]);
    server.upstream.answers(500, "", "{}");
    ann.post("/api/chat", &json!({"message": "needle failed"})).fails(502, "upstream_error");
    server.upstream.events(&[delta("half a needle")]);
    ann.chat("broken");
    assert!(turns(&ann, "needle").starts_with(&[6]), "what broke off is found by what came");
}

#[test]
fn an_accent_or_its_absence_finds_the_word_and_marks_it() {
    let server = Server::start();
    let ann = server.user("ann");
    server.upstream.says("Un café noir, s'il vous plaît");
    ann.chat("order");
    for query in ["café", "cafe", "CAFÉ", "plait"] {
        let hit = &search(&ann, query)["results"][0];
        assert_eq!((&hit["turn_id"], &hit["field"]), (&json!(1), &json!("response")), "{query}");
    }
}
