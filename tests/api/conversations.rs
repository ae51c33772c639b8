//! Conversations: in which order they are listed, how one pages through them, what can be done to one, the trash.

use crate::support::upstream::{Gate, Step, delta, done, stop, stream_of};
use crate::support::{Client, Server};
use serde_json::{Value, json};
use std::io::Cursor;

fn list(client: &Client, query: &str) -> Value {
    client.get(&format!("/api/conversations{query}")).expect(200).json()
}

fn titles(page: &Value) -> Vec<String> {
    page["conversations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["title"].as_str().unwrap().to_owned())
        .collect()
}

fn change(client: &Client, id: &Value, change: &Value) -> Value {
    client.patch(&format!("/api/conversations/{id}"), change).expect(200).json()
}

/// All pages, each of two.
fn pages(client: &Client, query: &str) -> Vec<String> {
    let (mut all, mut before) = (Vec::new(), String::new());
    loop {
        let page = list(client, &format!("?limit=2{query}{before}"));
        let found = titles(&page);
        assert!(found.len() <= 2);
        all.extend(found);
        match page["next"].as_str() {
            Some(next) => before = format!("&before={next}"),
            None => return all,
        }
    }
}

#[test]
fn pinned_first_then_the_newest_change() {
    let server = Server::start();
    let ann = server.user("ann");
    server.user("bob").chat("bob's own");
    let mut ids = Vec::new();
    for title in ["a", "b", "c", "d", "e"] {
        server.pass(10);
        ids.push(ann.chat(title)["conversation_id"].clone());
    }
    assert_eq!(titles(&list(&ann, "")), ["e", "d", "c", "b", "a"]);
    change(&ann, &ids[1], &json!({"pinned": true}));
    change(&ann, &ids[3], &json!({"pinned": true}));
    server.pass(10);
    ann.post("/api/chat", &json!({"message": "again", "conversation_id": ids[0]})).expect(200);
    assert_eq!(titles(&list(&ann, "")), ["d", "b", "a", "e", "c"]);
    assert_eq!(pages(&ann, ""), ["d", "b", "a", "e", "c"]);
    change(&ann, &ids[4], &json!({"archived": true}));
    assert_eq!(
        (pages(&ann, ""), pages(&ann, "&archived=true")),
        (vec!["d", "b", "a", "c"].into_iter().map(String::from).collect(), vec!["e".to_owned()])
    );
    change(&ann, &ids[1], &json!({"pinned": false}));
    change(&ann, &ids[4], &json!({"archived": false}));
    assert_eq!(pages(&ann, ""), ["d", "a", "e", "c", "b"]);
    // Many within one second: none is lost and none comes twice.
    for i in 0..7 {
        ann.chat(&format!("s{i}"));
    }
    let all = pages(&ann, "");
    assert_eq!(all[1..8], ["s6", "s5", "s4", "s3", "s2", "s1", "s0"]);
    assert_eq!(all.len(), 12);
    for bad in ["?limit=0", "?limit=201", "?limit=x"] {
        ann.get(&format!("/api/conversations{bad}")).names(&["limit"]);
    }
    for bad in ["1", "x", "2.1.1", "1.1", "1.1.1.1", "1.x.1", "%00"] {
        ann.get(&format!("/api/conversations?before={bad}")).names(&["before"]);
    }
    ann.get("/api/conversations?archived=maybe").names(&["archived"]);
}

#[test]
fn a_title_is_the_first_line_until_the_person_gives_one() {
    let server = Server::start();
    let ann = server.user("ann");
    let family = "👩‍👩‍👧";
    for (message, title) in [
        ("\n  Hello there  \nsecond line", "Hello there".to_owned()),
        (&*"x".repeat(60), "x".repeat(60)),
        (&*"x".repeat(61), format!("{}…", "x".repeat(59))),
        (&*family.repeat(80), format!("{}…", family.repeat(59))),
        ("<b>&amp;</b> \"quoted\"", "<b>&amp;</b> \"quoted\"".to_owned()),
        ("你好，世界", "你好，世界".to_owned()),
    ] {
        let id = ann.chat(message)["conversation_id"].clone();
        let conversation = ann.get(&format!("/api/conversations/{id}")).expect(200).json();
        assert_eq!(conversation["title"], title, "{message}");
    }
    let requests = server.upstream.received().len();
    assert_eq!(requests, 6, "no hidden call is made for a title");
    let id = ann.chat("first")["conversation_id"].clone();
    ann.post("/api/chat", &json!({"message": "second", "conversation_id": id})).expect(200);
    assert_eq!(change(&ann, &id, &json!({}))["title"], "first");
    assert_eq!(change(&ann, &id, &json!({"title": "  My own  "}))["title"], "My own");
    ann.post("/api/chat", &json!({"message": "third", "conversation_id": id})).expect(200);
    assert_eq!(change(&ann, &id, &json!({"pinned": true}))["title"], "My own");
    for bad in ["", "   ", "two\nlines", "a\u{7}"] {
        ann.patch(&format!("/api/conversations/{id}"), &json!({"title": bad})).names(&["title"]);
    }
    // One that was made empty takes its title from the first message.
    let made = ann.post("/api/conversations", &json!({})).expect(200).json();
    assert_eq!(made["title"], "");
    ann.post("/api/chat", &json!({"message": "what it is about", "conversation_id": made["id"]})).expect(200);
    assert_eq!(change(&ann, &made["id"], &json!({}))["title"], "what it is about");
    let named = ann.post("/api/conversations", &json!({"title": "named"})).expect(200).json();
    ann.post("/api/chat", &json!({"message": "other", "conversation_id": named["id"]})).expect(200);
    assert_eq!(change(&ann, &named["id"], &json!({}))["title"], "named");
}

#[test]
fn one_can_be_changed_in_each_of_its_parts() {
    let server = Server::start();
    let (ann, bob) = (server.user("ann"), server.user("bob"));
    let first = ann.chat("hi");
    let id = &first["conversation_id"];
    let bobs = bob.chat("bob's");
    let all = json!({"model": "x/y:z", "system_prompt": "be kind", "params": {"temperature": 0.5, "max_tokens": 7}, "pinned": true, "archived": true});
    let changed = change(&ann, id, &all);
    for (field, value) in [
        ("model", json!("x/y:z")),
        ("system_prompt", json!("be kind")),
        ("pinned", json!(true)),
        ("archived", json!(true)),
    ] {
        assert_eq!(changed[field], value);
        assert_eq!(change(&ann, id, &json!({}))[field], value, "what is left out stays");
    }
    ann.post("/api/chat", &json!({"message": "hi", "conversation_id": id})).expect(200);
    let sent = server.upstream.last();
    assert_eq!(
        (&sent["temperature"], &sent["max_tokens"], &sent["model"]),
        (&json!(0.5), &json!(7), &json!("x/y:z"))
    );
    let emptied = change(&ann, id, &json!({"model": null, "system_prompt": null}));
    assert_eq!((&emptied["model"], &emptied["system_prompt"]), (&Value::Null, &Value::Null));
    let path = format!("/api/conversations/{id}");
    ann.patch(&path, &json!({"model": "a b"})).names(&["model"]);
    ann.patch(&path, &json!({"system_prompt": "x".repeat(32_001)})).names(&["system_prompt"]);
    ann.patch(&path, &json!({"pinned": "yes"})).names(&["pinned"]);
    let wild =
        json!({"temperature": 3, "top_p": -1, "max_tokens": 0, "reasoning_effort": "x".repeat(100_000)});
    let each = ["params.max_tokens", "params.reasoning_effort", "params.temperature", "params.top_p"];
    ann.patch(&path, &json!({"params": wild})).names(&each);
    ann.post("/api/conversations", &json!({"params": wild})).names(&each);
    assert_eq!(change(&ann, id, &json!({}))["params"]["temperature"], 0.5);
    ann.patch(&path, &json!({"current_turn_id": bobs["id"]})).fails(404, "not_found");
    ann.patch(&path, &json!({"current_turn_id": 999})).fails(404, "not_found");
    ann.patch(&format!("/api/conversations/{}", bobs["conversation_id"]), &json!({"title": "mine"}))
        .fails(404, "not_found");
    // Nothing of a change that is refused takes effect.
    ann.patch(&path, &json!({"title": "new", "model": "a b"})).names(&["model"]);
    assert_eq!(change(&ann, id, &json!({}))["title"], "hi");
}

#[test]
fn two_hundred_turns_at_a_time() {
    let server = Server::start();
    let ann = server.user("ann");
    ann.chat("root");
    let beside = server.beside();
    let user = beside.store.user_by_email("ann@example.org").unwrap().unwrap().0.id;
    crate::chain::grow(&beside.store, user, 449);
    let (mut seen, mut before) = (Vec::new(), String::new());
    let sizes: Vec<usize> = std::iter::from_fn(|| {
        let page = ann.get(&format!("/api/conversations/1{before}")).expect(200).json();
        let ids: Vec<i64> =
            page["turns"].as_array().unwrap().iter().map(|t| t["id"].as_i64().unwrap()).collect();
        assert!(ids.is_sorted(), "ascending");
        seen.splice(0..0, ids.iter().copied());
        let next = page["next"].as_str().map(|next| format!("?before={next}"));
        let size = (!before.is_empty() || seen.len() == ids.len()).then_some(ids.len());
        let more = next.is_some();
        before = next.unwrap_or_else(|| "end".into());
        if more || size.is_some_and(|n| n > 0) && before == "end" { size } else { None }
    })
    .take(3)
    .collect();
    assert_eq!((sizes, seen.len()), (vec![200, 200, 50], 450));
    assert!(seen.is_sorted() && seen[0] == 1);
    ann.get("/api/conversations/1?before=x").names(&["before"]);
}

#[test]
fn the_trash_keeps_for_thirty_days() {
    let mut server = Server::start();
    let ann = server.user("ann");
    let (kept, lost) =
        (ann.chat("kept kept")["conversation_id"].clone(), ann.chat("lost lost")["conversation_id"].clone());
    ann.chat("stays stays");
    ann.delete(&format!("/api/conversations/{kept}")).expect(200);
    ann.delete(&format!("/api/conversations/{lost}")).expect(200);
    assert_eq!(titles(&list(&ann, "")), ["stays stays"]);
    assert_eq!(pages(&ann, "&trash=true").len(), 2);
    for word in ["kept", "lost"] {
        assert_eq!(
            ann.get(&format!("/api/search?q={word}")).expect(200).json()["results"],
            json!([]),
            "{word}"
        );
    }
    ann.post("/api/chat", &json!({"message": "x", "conversation_id": lost})).fails(404, "not_found");
    assert!(!ann.get(&format!("/api/conversations/{lost}")).expect(200).json()["deleted"].is_null());
    let back = ann.post(&format!("/api/conversations/{kept}/restore"), &json!({})).expect(200).json();
    assert_eq!(back["deleted"], Value::Null);
    assert_eq!(ann.get("/api/search?q=kept").expect(200).json()["results"].as_array().map(Vec::len), Some(1));
    ann.post("/api/chat", &json!({"message": "x", "conversation_id": kept})).expect(200);
    // Just before and just after the thirtieth day; a start is when it is looked at first.
    for (days, left) in [(29, 1), (2, 0)] {
        server.pass(days * 24 * 3600);
        server.restart(|_| ());
        let login = server.anon().login("ann@example.org", "secret1").expect(200).json();
        let ann = server.anon().with_token(login["token"].as_str().unwrap());
        let found = crate::support::eventually("the purge", || {
            let page = list(&ann, "?trash=true");
            (titles(&page).len() == left).then_some(page)
        });
        assert_eq!(titles(&found).len(), left);
        assert_eq!(titles(&list(&ann, "")).len(), 2, "what is not in the trash stays");
        if left == 0 {
            ann.get(&format!("/api/conversations/{lost}")).fails(404, "not_found");
            ann.post(&format!("/api/conversations/{lost}/restore"), &json!({})).fails(404, "not_found");
            assert_eq!(ann.get("/api/stat/token-usage").expect(200).json()["total"], 12 * 4);
        }
    }
}

#[test]
fn a_running_answer_goes_on_in_the_trash() {
    let server = Server::start();
    let ann = server.user("ann");
    let gate = Gate::default();
    server.upstream.script(vec![
        Step::Send(stream_of(&[delta("begun")])),
        Step::Wait(gate.clone()),
        Step::Send([delta(" end"), stop(), done()].concat().into()),
    ]);
    let mut stream = ann.stream(&json!({"message": "hi"}));
    let turn = stream.until("turn").data;
    let path = format!("/api/conversations/{}", turn["conversation_id"]);
    assert_eq!(list(&ann, "")["conversations"][0]["running"], true);
    ann.delete(&path).expect(200);
    gate.open();
    assert_eq!(stream.until("done").data["reply"], "begun end");
    ann.post(&format!("{path}/restore"), &json!({})).expect(200);
    let kept = ann.get(&path).expect(200).json();
    assert_eq!(
        (&kept["turns"][0]["status"], &kept["turns"][0]["response"]),
        (&json!("complete"), &json!("begun end"))
    );
    assert_eq!(kept["running"], false);
}

#[test]
fn a_list_can_be_filtered_by_words() {
    let server = Server::start();
    let ann = server.user("ann");
    let id = ann.chat("About 100% wool_socks")["conversation_id"].clone();
    server.upstream.says("文件目录在这里");
    ann.chat("where are my files");
    server.user("bob").chat("wool for bob");
    let found = |q: &str| -> Vec<String> {
        let query: String = form_urlencoded::byte_serialize(q.as_bytes()).collect();
        titles(&list(&ann, &format!("?q={query}")))
    };
    assert_eq!(found("wool"), ["About 100% wool_socks"]);
    assert_eq!(found("目录"), ["where are my files"]);
    assert_eq!(found("FILES"), ["where are my files"]);
    assert_eq!(found("100%"), ["About 100% wool_socks"]);
    for nothing in ["zzz", "%", "_", "l_socks%x", "' OR 1=1 --", "\\"] {
        assert!(found(nothing).iter().all(|title| title.contains(nothing)), "{nothing}");
    }
    change(&ann, &id, &json!({"title": "Renamed"}));
    assert_eq!(found("renamed"), ["Renamed"]);
    let began = std::time::Instant::now();
    found(&"%_".repeat(500));
    assert!(began.elapsed() < std::time::Duration::from_secs(1));
}

#[test]
fn a_page_of_long_system_prompts_is_short_and_none_is_passed_over() {
    let server = Server::start();
    let ann = server.user("ann");
    let prompt = "🙂".repeat(32_000);
    for at in 0..40 {
        let form = json!({"title": format!("c{at}"), "system_prompt": prompt});
        ann.post("/api/conversations", &form).expect(200);
    }
    let (mut pages, mut before) = (Vec::new(), String::new());
    loop {
        let page = ann.get(&format!("/api/conversations?limit=200{before}")).expect(200).json();
        pages.push(page["conversations"].as_array().unwrap().len());
        let Some(next) = page["next"].as_str() else { break };
        before = format!("&before={next}");
    }
    assert_eq!(pages, [32, 8]);
    let archive = ann.get("/api/export").expect(200).body;
    assert_eq!(zip::ZipArchive::new(Cursor::new(archive)).unwrap().len(), 41, "each, and the account");
}
