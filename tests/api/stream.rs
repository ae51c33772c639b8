//! Streams: what events there are, who may follow, and that whoever follows hinders nobody.

use crate::support::client::{Event, Events, text_of};
use crate::support::seen::reasoning_of;
use crate::support::upstream::{Gate, Step, chunk, delta, done, stop, stream_head, stream_of, usage};
use crate::support::{Client, Server};
use gpt_assistant::app::App;
use gpt_assistant::model::UserId;
use gpt_assistant::store::AccountChange;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Text, then nothing until the gate opens, then the end.
fn held(text: &str, gate: &Gate) -> Vec<Step> {
    vec![
        Step::Send(stream_of(&[delta(text)])),
        Step::Wait(gate.clone()),
        Step::Send([delta(" end"), stop(), usage(7, 5), done()].concat().into()),
    ]
}

fn begin(client: &Client) -> (crate::support::client::Events, Value) {
    let mut stream = client.stream(&json!({"message": "hi"}));
    let turn = stream.until("turn").data["id"].clone();
    (stream, turn)
}

fn stored(client: &Client, turn: &Value) -> Value {
    client.get(&format!("/api/chat/{turn}")).expect(200).json()
}

#[test]
fn every_event_is_as_the_table_says() {
    let server = Server::start();
    let ann = server.user("ann");
    let first = ann.chat("first");
    server.upstream.events(&[
        chunk(&json!({"reasoning": "想"})),
        delta("a\n\"世\""),
        stop(),
        usage(7, 5),
        done(),
    ]);
    let form = json!({"message": "hi", "conversation_id": first["conversation_id"], "model": "m/x"});
    let events = ann.stream(&form).rest();
    let turn = &events[0];
    assert_eq!((turn.name.as_str(), turn.id.as_deref()), ("turn", None));
    let wanted = json!({"id": 2, "conversation_id": 1, "parent_id": 1, "model": "m/x", "paid_by": "shared",
        "context": {"turns": 1, "dropped": 0}});
    assert_eq!(turn.data, wanted);
    let done = events.last().unwrap();
    assert_eq!(done.name, "done");
    assert_eq!(
        done.data.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["finish_reason", "id", "reply", "status", "usage"]
    );
    assert_eq!(
        (&done.data["id"], &done.data["status"], &done.data["finish_reason"]),
        (&json!(2), &json!("complete"), &json!("stop"))
    );
    let middle: Vec<&Event> = events[1..events.len() - 1].iter().collect();
    assert!(middle.iter().all(|event| ["reasoning", "delta"].contains(&event.name.as_str())), "{middle:?}");
    assert_eq!(middle.first().unwrap().id.as_deref(), Some("0.3"));
    assert_eq!(middle.last().unwrap().id.as_deref(), Some("7.3"));
    assert_eq!((reasoning_of(&events), text_of(&events)), ("想".to_owned(), "a\n\"世\"".to_owned()));
    // A fault before there is a turn is a status, not an event.
    ann.post("/api/chat", &json!({"message": "", "stream": true})).names(&["message"]);
    ann.post("/api/chat", &json!({"message": "x", "stream": true, "conversation_id": 99}))
        .fails(404, "not_found");
}

#[test]
fn an_answer_runs_for_the_server_not_for_the_client() {
    let server = Server::start();
    let ann = server.user("ann");
    for streamed in [true, false] {
        let gate = Gate::default();
        server.upstream.script(held("begun", &gate));
        let turn = if streamed {
            let (mut stream, turn) = begin(&ann);
            stream.until("delta");
            drop(stream);
            turn
        } else {
            let mut line = ann.connect();
            let body = json!({"message": "hi"}).to_string();
            let head = format!(
                "POST /api/chat HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
                 Content-Length: {}\r\n\r\n{body}",
                ann.token.as_deref().unwrap(),
                body.len()
            );
            std::io::Write::write_all(&mut line, head.as_bytes()).unwrap();
            server.upstream.wait_for_requests(2);
            drop(line);
            // The call is on its way before the row is there.
            crate::support::eventually("the row", || {
                (ann.get("/api/chat/2").status == 200).then_some(json!(2))
            })
        };
        // Somebody else looks in: it runs on, and is there whole in the end.
        let mut other = ann.follow(&format!("/api/chat/{turn}/events"), "");
        assert_eq!(other.until("delta").data["text"], "begun");
        let now = stored(&ann, &turn);
        assert_eq!(
            (&now["status"], &now["response"], &now["finished"]),
            (&json!("streaming"), &json!("begun"), &Value::Null)
        );
        assert_eq!(server.upstream.closed(), 0);
        gate.open();
        other.until("done");
        let then = stored(&ann, &turn);
        assert_eq!((&then["status"], &then["response"]), (&json!("complete"), &json!("begun end")));
    }
}

#[test]
fn two_hundred_followers_agree() {
    let server = Server::start();
    let ann = server.user("ann");
    let gate = Gate::default();
    let pieces: Vec<String> = (0..300).map(|i| format!("{i} 世界🌍 ")).collect();
    let text = pieces.concat();
    let mut events: Vec<Step> =
        vec![Step::Send(stream_of(&[chunk(&json!({"reasoning": "想想"}))])), Step::Wait(gate.clone())];
    for some in pieces.chunks(10) {
        events.push(Step::Send(some.iter().map(|p| delta(p)).collect::<String>().into()));
        events.push(Step::Pause(Duration::from_millis(5)));
    }
    events.push(Step::Send([stop(), usage(7, 5), done()].concat().into()));
    server.upstream.script(events);
    let (mut first, turn) = begin(&ann);
    first.until("reasoning");
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..200)
            .map(|i| {
                let (ann, turn) = (&ann, &turn);
                // Some begin where others already are.
                let after = if i % 3 == 0 { "?after=0.3" } else { "" };
                let follower = ann.follow(&format!("/api/chat/{turn}/events{after}"), "");
                (after, scope.spawn(move || follower.rest()))
            })
            .collect();
        gate.open();
        for (after, follower) in all {
            let events = follower.join().unwrap();
            assert_eq!(text_of(&events), text);
            assert_eq!(reasoning_of(&events), if after.is_empty() { "想想" } else { "想" });
            let last = events.last().unwrap();
            assert_eq!(
                (&last.data["reply"], &last.data["usage"]["total_tokens"]),
                (&json!(text), &json!(12))
            );
            assert!(events.iter().all(|event| event.name != "reset"));
        }
    });
    assert_eq!(text_of(&first.rest()), text);
    assert_eq!(server.upstream.received().len(), 1);
}

#[test]
fn z3_z4_nobody_else_can_follow_or_end_it() {
    let server = Server::start();
    let (ann, bob) = (server.user("ann"), server.user("bob"));
    let gate = Gate::default();
    server.upstream.script(held("a secret", &gate));
    let (mut stream, turn) = begin(&ann);
    stream.until("delta");
    let conversation = stored(&ann, &turn)["conversation_id"].clone();
    let calls = [
        ("GET", format!("/api/chat/{turn}")),
        ("GET", format!("/api/chat/{turn}/events")),
        ("GET", format!("/api/chat/{turn}/events?after=99999")),
        ("POST", format!("/api/chat/{turn}/stop")),
        ("POST", format!("/api/chat/{turn}/retry")),
        ("DELETE", format!("/api/chat/{turn}")),
        ("GET", format!("/api/conversations/{conversation}")),
        ("PATCH", format!("/api/conversations/{conversation}")),
        ("DELETE", format!("/api/conversations/{conversation}")),
        ("DELETE", format!("/api/conversations/{conversation}?permanent=true")),
        ("POST", format!("/api/conversations/{conversation}/restore")),
    ];
    for (method, path) in calls {
        let body = if method == "GET" || method == "DELETE" { None } else { Some("application/json") };
        let reply = bob.send(method, &path, body, if body.is_some() { b"{}" } else { b"" });
        assert!(!reply.text().contains("secret"), "{path}");
        reply.fails(404, "not_found");
        server.anon().send(method, &path, body, b"").fails(401, "unauthenticated");
    }
    bob.post("/api/chat", &json!({"message": "hi", "conversation_id": conversation})).fails(404, "not_found");
    bob.post("/api/chat", &json!({"message": "hi", "conversation_id": conversation, "parent_id": turn}))
        .fails(404, "not_found");
    assert_eq!(server.upstream.closed(), 0);
    gate.open();
    assert_eq!(stream.until("done").data["reply"], "a secret end");
}

/// Two logins of one person.
fn two_logins(server: &Server) -> (Client, Client) {
    let ann = server.user("ann");
    let token =
        ann.login("ann@example.org", "secret1").expect(200).json()["token"].as_str().unwrap().to_owned();
    let other = server.anon().with_token(&token);
    (ann, other)
}

#[test]
fn a15_an_ended_login_ends_its_followers_and_not_the_answer() {
    let server = Server::start();
    let (ann, other) = two_logins(&server);
    for flowing in [false, true] {
        let (gate, silent) = (Gate::default(), Gate::default());
        let mut steps = vec![Step::Send(stream_of(&[delta("begun")]))];
        if flowing {
            steps.push(Step::Drip(delta("w ").repeat(30).into_bytes(), Duration::from_millis(2)));
        }
        steps.extend([Step::Wait(gate.clone()), Step::Send([stop(), done()].concat().into())]);
        server.upstream.script(steps);
        let login = ann.login("ann@example.org", "secret1").expect(200).json();
        let leaving = server.anon().with_token(login["token"].as_str().unwrap());
        let (mut stream, turn) = begin(&leaving);
        stream.until("delta");
        leaving.post("/api/logout", &json!({})).expect(200);
        let began = Instant::now();
        let error = stream.until("error");
        assert_eq!(error.data["code"], "session_ended");
        assert!(stream.next_event().is_none(), "nothing comes behind it");
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
        leaving.get(&format!("/api/chat/{turn}/events")).fails(401, "unauthenticated");
        assert_eq!(stored(&other, &turn)["status"], "streaming");
        gate.open();
        silent.open();
        other.follow(&format!("/api/chat/{turn}/events"), "").until("done");
        assert_eq!(stored(&other, &turn)["status"], "complete");
    }
}

#[test]
fn a15_a_reader_that_takes_nothing_is_not_served_after_its_login() {
    let server = Server::with(|config| config.upstream.max_reply_bytes = 256 << 20);
    let (ann, other) = two_logins(&server);
    let flood = delta(&"x".repeat(16 << 10)).into_bytes();
    server.upstream.script(vec![Step::Send(stream_head()), Step::Repeat(flood, Duration::from_millis(2))]);
    let (stream, turn) = begin(&ann);
    ann.post("/api/logout", &json!({})).expect(200);
    // Five seconds in which it reads nothing; there is always more to send to it.
    std::thread::sleep(Duration::from_millis(5500));
    let came = stored(&other, &turn)["response"].as_str().unwrap().len();
    let events = stream.rest();
    assert_eq!(events.last().unwrap().data["code"], "session_ended");
    let got = text_of(&events).len();
    assert!(came > 15 << 20 && got < came / 2, "{got} of {came}");
    other.post(&format!("/api/chat/{turn}/stop"), &json!({})).expect(200);
}

#[test]
fn c03_silence_is_filled_with_comments() {
    let server = Server::start();
    let ann = server.user("ann");
    let gate = Gate::default();
    server
        .upstream
        .script(vec![Step::Wait(gate.clone()), Step::Send(stream_of(&[delta("a"), stop(), done()]))]);
    let (mut stream, _) = begin(&ann);
    let opener = std::thread::spawn(move || {
        // Longer than the fifteen seconds after which a comment is due.
        std::thread::sleep(Duration::from_millis(16_500));
        gate.open();
    });
    let first = stream.next_event().unwrap();
    assert_eq!((first.name.as_str(), stream.comments), ("delta", 1));
    opener.join().unwrap();
}

#[test]
fn p24_one_person_s_answers_and_everybody_s() {
    let server = Server::with(|config| {
        config.limits.streams_per_user = 8;
        config.upstream.max_concurrent = 12;
    });
    let (ann, bob) = (server.user("ann"), server.user("bob"));
    let gate = Gate::default();
    (0..12).for_each(|_| server.upstream.script(held("begun", &gate)));
    let outcomes: Vec<u16> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..50).map(|_| scope.spawn(|| ann.stream(&json!({"message": "hi"})))).collect();
        let streams: Vec<_> = all.into_iter().map(|one| one.join().unwrap()).collect();
        let statuses = streams.iter().map(Events::status).collect();
        let mut limited =
            streams.iter().find(|stream| stream.status() == 429).unwrap().head.to_ascii_lowercase();
        limited.retain(|c| c != ' ');
        assert!(limited.contains("retry-after:"), "{limited}");
        statuses
    });
    assert_eq!(
        (outcomes.iter().filter(|s| **s == 200).count(), outcomes.iter().filter(|s| **s == 429).count()),
        (8, 42)
    );
    ann.post("/api/chat", &json!({"message": "hi"})).fails(429, "rate_limited");
    // Who is limited hinders nobody.
    let began = Instant::now();
    assert_eq!(ann.get("/api/chat/history").expect(200).json().as_array().map(Vec::len), Some(8));
    bob.login("bob@example.org", "secret1").expect(200);
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    let streams: Vec<_> = (0..4).map(|_| begin(&bob)).collect();
    // All places are taken.
    let reply = bob.post("/api/chat", &json!({"message": "hi"}));
    assert!(reply.header("retry-after").is_some());
    reply.fails(503, "overloaded");
    assert_eq!(
        bob.get("/api/chat/history").expect(200).json().as_array().map(Vec::len),
        Some(4),
        "no row is left of it"
    );
    gate.open();
    for (mut stream, _) in streams {
        assert_eq!(stream.until("done").data["status"], "complete");
    }
    assert_eq!(server.upstream.received().len(), 12);
}

#[test]
fn a14_a_disabled_or_deleted_account_s_answers_end() {
    let server = Server::start();
    for (name, delete) in [("bob", false), ("eve", true)] {
        if name == "bob" {
            server.user("ann");
        }
        let client = server.user(name);
        server.upstream.script(vec![Step::Send(stream_of(&[delta("begun")])), Step::Hold]);
        let (mut stream, turn) = begin(&client);
        stream.until("delta");
        let closed = server.upstream.closed();
        let beside = server.beside();
        let user = beside.store.user_by_email(&format!("{name}@example.org")).unwrap().unwrap().0;
        if delete {
            gpt_assistant::accounts::delete(&beside, user.id).unwrap();
        } else {
            set_disabled(&beside, user.id, Some(1));
        }
        let began = Instant::now();
        server.upstream.wait_for_closed(closed + 1);
        assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
        let error = stream.until("error");
        assert!(
            ["account_ended", "session_ended"].contains(&error.data["code"].as_str().unwrap()),
            "{error:?}"
        );
        client.get("/api/user").fails(401, "unauthenticated");
        if !delete {
            set_disabled(&beside, user.id, None);
            let again = client.login("bob@example.org", "secret1").expect(200).json();
            let client = server.anon().with_token(again["token"].as_str().unwrap());
            let turn = stored(&client, &turn);
            assert_eq!((&turn["status"], &turn["response"]), (&json!("interrupted"), &json!("begun")));
        }
    }
}

#[test]
fn an_account_that_is_deleted_here_ends_its_answers_at_once() {
    let server = Server::start();
    let (_, bob) = (server.user("ann"), server.user("bob"));
    server.upstream.script(vec![Step::Send(stream_of(&[delta("begun")])), Step::Hold]);
    let (mut stream, _) = begin(&bob);
    stream.until("delta");
    let began = Instant::now();
    bob.send("DELETE", "/api/user", Some("application/json"), br#"{"password":"secret1"}"#).expect(200);
    server.upstream.wait_for_closed(1);
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    stream.until("error");
}

fn set_disabled(app: &App, user: UserId, since: Option<i64>) {
    let change = AccountChange { disabled: Some(since), ..AccountChange::default() };
    app.store.change_account(user, change).unwrap();
}
