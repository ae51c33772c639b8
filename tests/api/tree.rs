//! The tree of turns: where a message goes, what of the path is sent, siblings, retries, deletions.

use crate::support::upstream::{Gate, Step, delta, done, stop, stream_of, usage};
use crate::support::{Client, Server};
use serde_json::{Value, json};

fn say(client: &Client, form: &Value) -> Value {
    client.post("/api/chat", form).expect(200).json()
}

/// What was sent of the path: role and words of each message but the system prompt.
fn path(server: &Server) -> Vec<String> {
    let sent = server.upstream.last();
    let messages = sent["messages"].as_array().unwrap();
    assert_eq!(messages[0]["role"], "system");
    messages[1..]
        .iter()
        .map(|m| format!("{}:{}", &m["role"].as_str().unwrap()[..1], m["content"].as_str().unwrap()))
        .collect()
}

fn open(client: &Client, conversation: &Value) -> Value {
    client.get(&format!("/api/conversations/{conversation}")).expect(200).json()
}

#[test]
fn where_a_message_goes_and_what_of_the_path_is_sent() {
    let server = Server::start();
    let ann = server.user("ann");
    let answer = |text: &str| server.upstream.says(text);
    answer("a1");
    let one = say(&ann, &json!({"message": "q1"}));
    let conversation = one["conversation_id"].clone();
    assert_eq!((&one["parent_id"], &one["context"]), (&Value::Null, &json!({"turns": 0, "dropped": 0})));
    answer("a2");
    let two = say(&ann, &json!({"message": "q2", "conversation_id": conversation}));
    assert_eq!((&two["parent_id"], &two["context"]["turns"]), (&one["id"], &json!(1)));
    assert_eq!(path(&server), ["u:q1", "a:a1", "u:q2"]);
    // An edit: a sibling below the same parent.
    answer("a3");
    let three = say(&ann, &json!({"message": "q3", "conversation_id": conversation, "parent_id": one["id"]}));
    assert_eq!(path(&server), ["u:q1", "a:a1", "u:q3"]);
    assert_eq!(open(&ann, &conversation)["current_turn_id"], three["id"]);
    // A new root.
    answer("a4");
    let four = say(&ann, &json!({"message": "q4", "conversation_id": conversation, "parent_id": null}));
    assert_eq!((&four["parent_id"], path(&server)), (&Value::Null, vec!["u:q4".to_owned()]));
    // Back to the first branch, which is then the current one.
    answer("a5");
    let five = say(&ann, &json!({"message": "q5", "conversation_id": conversation, "parent_id": two["id"]}));
    assert_eq!(path(&server), ["u:q1", "a:a1", "u:q2", "a:a2", "u:q5"]);
    say(&ann, &json!({"message": "q6", "conversation_id": conversation}));
    assert_eq!(path(&server), ["u:q1", "a:a1", "u:q2", "a:a2", "u:q5", "a:a5", "u:q6"]);
    // What the person chose as current is where the next one goes.
    ann.patch(&format!("/api/conversations/{conversation}"), &json!({"current_turn_id": three["id"]}))
        .expect(200);
    let seven = say(&ann, &json!({"message": "q7", "conversation_id": conversation}));
    assert_eq!(
        (&seven["parent_id"], path(&server)),
        (&three["id"], ["u:q1", "a:a1", "u:q3", "a:a3", "u:q7"].map(String::from).to_vec())
    );
    let tree = open(&ann, &conversation);
    let ids: Vec<i64> = tree["turns"].as_array().unwrap().iter().map(|t| t["id"].as_i64().unwrap()).collect();
    assert_eq!(ids, [1, 2, 3, 4, 5, 6, 7], "ascending");
    assert!(tree["turns"].as_array().unwrap().iter().all(|t| t["parent_id"].as_i64() < t["id"].as_i64()));
    assert_eq!(five["conversation_id"], conversation);
}

#[test]
fn a_parent_must_be_there_and_have_ended() {
    let server = Server::start();
    let (ann, bob) = (server.user("ann"), server.user("bob"));
    let one = ann.chat("one");
    let other = ann.chat("other");
    let bobs = bob.chat("bob's");
    let conversation = &one["conversation_id"];
    for parent in [json!(999), other["id"].clone(), bobs["id"].clone()] {
        let form = json!({"message": "x", "conversation_id": conversation, "parent_id": parent});
        ann.post("/api/chat", &form).fails(404, "not_found");
    }
    ann.post("/api/chat", &json!({"message": "x", "parent_id": one["id"]})).fails(404, "not_found");
    ann.post("/api/chat", &json!({"message": "x", "conversation_id": bobs["conversation_id"]}))
        .fails(404, "not_found");
    for bad in [json!("1"), json!(1.5), json!([]), json!(true)] {
        ann.post("/api/chat", &json!({"message": "x", "conversation_id": conversation, "parent_id": bad}))
            .names(&["parent_id"]);
    }
    for bad in [0, -1, i64::MAX] {
        let form = json!({"message": "x", "conversation_id": conversation, "parent_id": bad});
        ann.post("/api/chat", &form).fails(404, "not_found");
    }
    let gate = Gate::default();
    server.upstream.script(vec![Step::Wait(gate.clone()), Step::Send(stream_of(&[delta("a"), stop()]))]);
    let mut stream = ann.stream(&json!({"message": "running", "conversation_id": conversation}));
    let running = stream.until("turn").data["id"].clone();
    let form = json!({"message": "x", "conversation_id": conversation, "parent_id": running});
    ann.post("/api/chat", &form).fails(400, "turn_running");
    ann.post(&format!("/api/chat/{running}/retry"), &json!({})).fails(400, "turn_running");
    gate.open();
    stream.until("done");
    assert_eq!(say(&ann, &form)["parent_id"], running);
}

#[test]
fn two_sends_at_once_are_siblings() {
    let server = Server::start();
    let ann = server.user("ann");
    let first = ann.chat("first");
    let conversation = &first["conversation_id"];
    let gates = [Gate::default(), Gate::default()];
    for gate in &gates {
        server.upstream.script(vec![
            Step::Wait(gate.clone()),
            Step::Send(stream_of(&[delta("a"), stop(), usage(1, 1), done()])),
        ]);
    }
    let mut streams: Vec<_> = (0..2)
        .map(|i| ann.stream(&json!({"message": format!("at once {i}"), "conversation_id": conversation})))
        .collect();
    let turns: Vec<Value> = streams.iter_mut().map(|stream| stream.until("turn").data).collect();
    assert!(turns.iter().all(|turn| turn["parent_id"] == first["id"]), "{turns:?}");
    let later = turns.iter().map(|turn| turn["id"].as_i64().unwrap()).max().unwrap();
    assert_eq!(open(&ann, conversation)["current_turn_id"], later);
    gates.iter().for_each(Gate::open);
    streams.iter_mut().for_each(|stream| drop(stream.until("done")));
    let next = say(&ann, &json!({"message": "next", "conversation_id": conversation}));
    assert_eq!(next["parent_id"], later);
}

#[test]
fn what_has_no_response_is_left_out_of_the_path() {
    let server = Server::start();
    let ann = server.user("ann");
    server.upstream.says("a1");
    let conversation = ann.chat("q1")["conversation_id"].clone();
    server.upstream.answers(500, "", "{}");
    ann.post("/api/chat", &json!({"message": "failed", "conversation_id": conversation}))
        .fails(502, "upstream_error");
    server.upstream.events(&[stop()]);
    say(&ann, &json!({"message": "empty", "conversation_id": conversation}));
    server.upstream.events(&[delta("half")]);
    let reply = say(&ann, &json!({"message": "broken", "conversation_id": conversation}));
    assert_eq!(reply["context"], json!({"turns": 1, "dropped": 0}));
    say(&ann, &json!({"message": "last", "conversation_id": conversation}));
    assert_eq!(path(&server), ["u:q1", "a:a1", "u:broken", "a:half", "u:last"]);
}

#[test]
fn whose_system_prompt_and_model() {
    let server = Server::with(|config| config.chat.system_prompt = "configured".into());
    let ann = server.user("ann");
    let first = |form: Value| {
        say(&ann, &form);
        let sent = server.upstream.last();
        (
            sent["messages"][0]["content"].as_str().unwrap().to_owned(),
            sent["model"].as_str().unwrap().to_owned(),
        )
    };
    assert_eq!(first(json!({"message": "x"})), ("configured".into(), "gpt-4o-mini".into()));
    ann.patch("/api/user", &json!({"system_prompt": "the user's", "default_model": "user-model"}))
        .expect(200);
    assert_eq!(first(json!({"message": "x"})), ("the user's".into(), "user-model".into()));
    let made = ann
        .post(
            "/api/conversations",
            &json!({"system_prompt": "the conversation's", "model": "conversation-model"}),
        )
        .expect(200)
        .json();
    let id = &made["id"];
    assert_eq!(
        first(json!({"message": "x", "conversation_id": id})),
        ("the conversation's".into(), "conversation-model".into())
    );
    let form = json!({"message": "x", "conversation_id": id, "system_prompt": "the request's", "model": "request-model"});
    assert_eq!(first(form), ("the request's".into(), "request-model".into()));
    assert_eq!(
        first(json!({"message": "x", "conversation_id": id})).0,
        "the conversation's",
        "it was for that message alone"
    );
}

#[test]
fn a_retry_is_a_sibling_with_the_same_prompt() {
    let server = Server::start();
    let ann = server.user("ann");
    let conversation = ann.chat("q1")["conversation_id"].clone();
    server.upstream.says("a2");
    let form = json!({"message": "q2", "conversation_id": conversation, "system_prompt": "special", "model": "one", "temperature": 0.5});
    let two = say(&ann, &form);
    let again = ann.post(&format!("/api/chat/{}/retry", two["id"]), &json!({})).expect(200).json();
    assert_eq!((&again["parent_id"], &again["conversation_id"]), (&two["parent_id"], &conversation));
    let sent = server.upstream.last();
    assert_eq!(
        (&sent["messages"][0]["content"], &sent["model"], &sent["temperature"]),
        (&json!("special"), &json!("one"), &json!(0.5))
    );
    assert_eq!(path(&server), ["u:q1", "a:Hello.", "u:q2"], "without the answer that was there");
    let other = json!({"model": "two", "temperature": 1, "system_prompt": "plain", "max_tokens": 9});
    ann.post(&format!("/api/chat/{}/retry", two["id"]), &other).expect(200);
    let sent = server.upstream.last();
    assert_eq!(
        (&sent["messages"][0]["content"], &sent["model"], &sent["temperature"], &sent["max_tokens"]),
        (&json!("plain"), &json!("two"), &json!(1.0), &json!(9))
    );
    let siblings = open(&ann, &conversation);
    let below: Vec<&Value> =
        siblings["turns"].as_array().unwrap().iter().filter(|t| t["parent_id"] == two["parent_id"]).collect();
    assert_eq!(below.len(), 3);
    assert!(below.iter().all(|turn| turn["prompt"] == "q2"));
    assert_eq!(siblings["current_turn_id"], 4);
    // As a stream, and of a root; of one that failed too.
    let mut stream = ann.events(
        "POST",
        "/api/chat/1/retry",
        "Content-Type: application/json\r\nContent-Length: 15\r\n",
        b"{\"stream\":true}",
    );
    assert_eq!(stream.until("turn").data["parent_id"], Value::Null);
    stream.until("done");
    server.upstream.answers(500, "", "{}");
    let failed =
        ann.post("/api/chat", &json!({"message": "fails"})).fails(502, "upstream_error")["id"].clone();
    let healed = ann.post(&format!("/api/chat/{failed}/retry"), &json!({})).expect(200).json();
    assert_eq!((&healed["status"], &healed["reply"]), (&json!("complete"), &json!("Hello.")));
    ann.post("/api/chat/999/retry", &json!({})).fails(404, "not_found");
    ann.post("/api/chat/1/retry", &json!({"model": "a b"})).names(&["model"]);
    ann.post("/api/chat/1/retry", &json!({"temperature": 3})).names(&["temperature"]);
}

#[test]
fn deleting_takes_what_follows_and_nothing_beside() {
    let server = Server::start();
    let ann = server.user("ann");
    let say = |form: Value| say(&ann, &form)["id"].clone();
    let conversation = json!(1);
    let one = say(json!({"message": "alpha"}));
    let two = say(json!({"message": "beta", "conversation_id": conversation}));
    let three = say(json!({"message": "gamma", "conversation_id": conversation}));
    let four = say(json!({"message": "delta", "conversation_id": conversation, "parent_id": one}));
    ann.patch("/api/conversations/1", &json!({"current_turn_id": three})).expect(200);
    ann.delete(&format!("/api/chat/{two}")).expect(200);
    for gone in [&two, &three] {
        ann.get(&format!("/api/chat/{gone}")).fails(404, "not_found");
        ann.get(&format!("/api/chat/{gone}/events")).fails(404, "not_found");
        ann.delete(&format!("/api/chat/{gone}")).fails(404, "not_found");
    }
    let left = open(&ann, &conversation);
    assert_eq!(left["current_turn_id"], four, "the newest leaf of what is left");
    assert_eq!(left["turns"].as_array().map(Vec::len), Some(2));
    for (word, found) in [("beta", 0), ("gamma", 0), ("alpha", 1), ("delta", 1)] {
        let results = ann.get(&format!("/api/search?q={word}")).expect(200).json();
        assert_eq!(results["results"].as_array().map(Vec::len), Some(found), "{word}");
    }
    let next = say(json!({"message": "next", "conversation_id": conversation}));
    assert!(next.as_i64() > four.as_i64(), "a number is never given twice");
    ann.delete(&format!("/api/chat/{one}")).expect(200);
    let empty = open(&ann, &conversation);
    assert_eq!((&empty["turns"], &empty["current_turn_id"]), (&json!([]), &Value::Null));
    assert_eq!(say(json!({"message": "anew", "conversation_id": conversation})), json!(6));
}

#[test]
fn deleting_stops_what_runs_below() {
    let server = Server::start();
    let ann = server.user("ann");
    for (closed, path) in [
        (1, "/api/chat/{turn}"),
        (2, "/api/chat/{parent}"),
        (3, "/api/conversations/{conversation}?permanent=true"),
    ] {
        let parent = ann.chat("first");
        server.upstream.script(vec![Step::Send(stream_of(&[delta("begun")])), Step::Hold]);
        let mut stream = ann.stream(&json!({"message": "hi", "conversation_id": parent["conversation_id"]}));
        let turn = stream.until("turn").data;
        stream.until("delta");
        let path = path
            .replace("{turn}", &turn["id"].to_string())
            .replace("{parent}", &parent["id"].to_string())
            .replace("{conversation}", &turn["conversation_id"].to_string());
        let began = std::time::Instant::now();
        ann.delete(&path).expect(200);
        server.upstream.wait_for_closed(closed);
        assert!(began.elapsed() < std::time::Duration::from_secs(2), "{path}: {:?}", began.elapsed());
        ann.get(&format!("/api/chat/{}", turn["id"])).fails(404, "not_found");
        assert_eq!(stream.until("done").data["status"], "stopped");
        assert_eq!(ann.chat("next")["status"], "complete");
    }
}

#[test]
fn a_chain_of_thousands_is_sent_listed_and_deleted() {
    let server = Server::with(|config| config.upstream.context_tokens = 100_000);
    let ann = server.user("ann");
    let conversation = ann.chat("root")["conversation_id"].clone();
    let beside = server.beside();
    let user = beside.store.user_by_email("ann@example.org").unwrap().unwrap().0.id;
    // Written by the store itself: six thousand answers would take minutes.
    let ids = crate::chain::grow(&beside.store, user, 6000);
    let began = std::time::Instant::now();
    let reply = say(&ann, &json!({"message": "leaf", "conversation_id": conversation}));
    assert_eq!(reply["parent_id"], *ids.last().unwrap());
    assert!(reply["context"]["turns"].as_u64() > Some(1000), "{}", reply["context"]);
    let page = open(&ann, &conversation);
    assert_eq!((page["turns"].as_array().map(Vec::len), page["next"].is_null()), (Some(200), false));
    ann.delete(&format!("/api/chat/{}", ids[0])).expect(200);
    assert_eq!(open(&ann, &conversation)["turns"].as_array().map(Vec::len), Some(1));
    assert!(began.elapsed() < std::time::Duration::from_secs(8), "{:?}", began.elapsed());
}
