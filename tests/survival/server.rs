//! S1 and S2: a running server whose n-th write, truncate or fsync is its last, or fails. What it had acknowledged is
//! there afterwards, each answer is whole or `interrupted` with its text, and nothing is claimed that did not happen.

use crate::fault::{Fault, is_clean, points, try_all};
use crate::ledger::{Came, Promise, Template, check, post};
use crate::support::client::{FORM, form, text_of};
use crate::support::exports::chatgpt;
use crate::support::program::Serving;
use crate::support::upstream::{Step, delta, done, stop, stream_head, usage};
use crate::support::{Client, Reply, Upstream};
use serde_json::json;
use std::time::{Duration, Instant};

/// Does something once; the number is new each time.
pub type Act = fn(&Client, usize) -> Came;

/// The end of a request: a promise if it was granted.
fn came(reply: Option<Reply>, promise: impl FnOnce(&Reply) -> Promise) -> Came {
    match reply {
        None => Came::Gone,
        Some(reply) if reply.status < 300 => Came::Kept(promise(&reply)),
        Some(reply) => {
            // Both say that nothing was done: the disk is at fault, or there is no room for one more.
            let code = reply.json()["code"].as_str().unwrap().to_owned();
            assert!(["storage_error", "overloaded"].contains(&code.as_str()), "{}", reply.text());
            reply.fails(503, &code);
            Came::Refused
        }
    }
}

pub fn register(client: &Client, number: usize) -> Came {
    let email = format!("u{number}@example.org");
    let form =
        json!({"name": "U", "email": email, "password": "secret1", "password_confirmation": "secret1"});
    came(post(client, "/api/register", &form), |reply| {
        Promise::Account(client.with_token(reply.json()["token"].as_str().unwrap()))
    })
}

/// Answers whose end could not be written count as running until it is, which is tried once a second.
fn is_crowded(status: Option<u16>) -> bool {
    let crowded = status == Some(429);
    if crowded {
        std::thread::sleep(Duration::from_millis(100));
    }
    crowded
}

pub fn chat(client: &Client, number: usize) -> Came {
    let reply = post(client, "/api/chat", &json!({"message": format!("message {number}")}));
    if is_crowded(reply.as_ref().map(|reply| reply.status)) {
        return Came::Refused;
    }
    came(reply, |reply| {
        let body = reply.json();
        assert_eq!(body["reply"], "Hello.", "{body}");
        Promise::Turn(client.clone(), body["id"].as_i64().unwrap(), "Hello.".into())
    })
}

const PIECES: [&str; 3] = ["The pendulum ", "swings ", "still."];

/// A model service that says `Hello.` to a message, and to a stream what lasts long enough to be saved while it grows.
pub fn model_service() -> Upstream {
    let mut steps = vec![Step::Send(stream_head())];
    for piece in PIECES {
        steps.extend([Step::Send(delta(piece).into()), Step::Pause(Duration::from_millis(170))]);
    }
    steps.push(Step::Send([stop(), usage(7, 5), done()].concat().into()));
    let upstream = Upstream::start();
    upstream.rule("a slow stream", steps);
    upstream
}

pub fn stream(client: &Client, number: usize) -> Came {
    let Ok(events) = client.try_stream(&json!({"message": format!("a slow stream, {number}")})) else {
        return Came::Gone;
    };
    if is_crowded(Some(events.status())) {
        return Came::Refused;
    }
    if events.status() != 200 {
        assert_eq!(events.status(), 503, "{}", events.head);
        return Came::Refused;
    }
    let (events, whole) = (events.until_lost(), PIECES.concat());
    // No head leaves before the row is durable, so where there is one there is a row, but its number may be lost with the line.
    let Some(turn) = events.first() else { return Came::Gone };
    let (id, seen) = (turn.data["id"].as_i64().unwrap(), text_of(&events));
    match events.iter().find(|event| event.name == "done") {
        Some(done) if done.data["status"] == "complete" => {
            assert_eq!(seen, whole);
            Came::Kept(Promise::Turn(client.clone(), id, whole))
        }
        Some(_) => {
            let told =
                events.iter().find(|event| event.name == "error").map(|event| event.data["code"].clone());
            assert_eq!(told, Some(json!("storage_error")), "{events:?}");
            Came::Refused
        }
        None => Came::Kept(Promise::Begun(client.clone(), id, seen, whole)),
    }
}

pub fn key(client: &Client, number: usize) -> Came {
    let reply = post(
        client,
        "/api/user/api-key",
        &json!({"api_key": format!("sk-own-000000000000{:04}", number % 10_000)}),
    );
    came(reply, |_| Promise::Key(client.clone(), number))
}

pub fn avatar(client: &Client, number: usize) -> Came {
    let pixels = image::RgbImage::from_pixel(40, 40, image::Rgb([number as u8, 9, 9]));
    let mut picture = std::io::Cursor::new(Vec::new());
    pixels.write_to(&mut picture, image::ImageFormat::Png).unwrap();
    let body = form("avatar", "a.png", "image/png", picture.get_ref());
    came(client.try_send("POST", "/api/user/avatar", Some(FORM), &body).ok(), |_| {
        Promise::Avatar(client.clone())
    })
}

pub fn import(client: &Client, number: usize) -> Came {
    const COUNT: usize = 70; // more than share a commit
    let text = "a rather long answer about clocks. ".repeat(30);
    let all: Vec<_> = (0..COUNT).map(|i| chatgpt(&format!("c{number}-{i}"), "T", &["q", &text])).collect();
    let reply =
        client.try_send("POST", "/api/import", Some("application/json"), json!(all).to_string().as_bytes());
    came(reply.ok(), |reply| {
        let id = reply.json()["id"].as_i64().unwrap();
        // The next one is refused while this goes on, so its end is waited for as long as somebody tells of it.
        while let Ok(report) = client.try_send("GET", &format!("/api/import/{id}"), None, b"")
            && report.status == 200
            && report.json()["status"] == "running"
        {
            std::thread::sleep(Duration::from_millis(5));
        }
        Promise::Import(client.clone(), id, COUNT)
    })
}

/// Acts until the server is gone, at most so often.
pub fn work(act: Act, server: &Serving, ann: &Client, rounds: usize) -> (Vec<Promise>, bool) {
    let (mut promises, mut refused) = (Vec::new(), 0);
    for number in 0..rounds {
        if refused > 3 {
            break;
        }
        match act(ann, number) {
            Came::Kept(promise) => {
                // A later key takes the place of those before it.
                promises.retain(|before| !matches!((before, &promise), (Promise::Key(..), Promise::Key(..))));
                promises.push(promise);
            }
            Came::Refused => refused += 1,
            Came::Gone => return (promises, true),
        }
    }
    // What nobody waits for, as a save of growing text, is told to the log alone.
    (promises, refused > 0 || server.log().contains("a transaction failed"))
}

/// Kills it at the n-th call.
fn kill(name: &str, act: Act, call: &'static str, few: usize, last: usize) {
    let upstream = model_service();
    let template = Template::new(&upstream);
    try_all(&format!("S1 {name}, killed at the n-th {call}"), &points(few, last), |n| {
        let mut place = template.copy();
        Fault::at(call, "signal=KILL", &n.to_string()).arm(&mut place);
        let (promises, met) = match place.try_serve(&[]) {
            Err(ended) => {
                assert_eq!(ended.code, None, "{ended:?}");
                (Vec::new(), true)
            }
            Ok(server) => work(act, &server, &template.ann(&server), 100),
        };
        check(&mut place, &promises);
        met
    });
}

#[test]
fn s1_killed_while_people_register() {
    kill("register", register, "pwrite64", 3, 200);
    kill("register", register, "fdatasync", 1, 100);
}

#[test]
fn s1_killed_while_answers_are_stored() {
    kill("chat", chat, "pwrite64", 5, 200);
    kill("chat", chat, "fdatasync", 3, 200);
}

#[test]
fn s1_killed_while_answers_grow() {
    kill("stream", stream, "pwrite64", 3, 200);
    kill("stream", stream, "fdatasync", 2, 60);
}

#[test]
fn s1_killed_while_keys_and_pictures_change() {
    kill("key", key, "pwrite64", 2, 200);
    kill("avatar", avatar, "pwrite64", 2, 200);
    kill("avatar", avatar, "rename", 1, 3);
}

#[test]
fn s1_killed_while_a_file_is_taken_in() {
    kill("import", import, "pwrite64", 4, 200);
}

/// The n-th call and two more fail, where each act makes at least `writes` of them; the same server is good again
/// afterwards.
fn fail(
    (name, act, writes): (&str, Act, usize),
    call: &'static str,
    what: &'static str,
    (few, last): (usize, usize),
) {
    let upstream = model_service();
    let template = Template::new(&upstream);
    try_all(&format!("S2 {name}, {what} at the n-th {call}"), &points(few, last), |n| {
        let mut place = template.copy();
        Fault::at(call, what, &format!("{n}..{}", n + 2)).arm(&mut place);
        let (promises, met) = match place.try_serve(&[]) {
            Err(ended) => {
                is_clean(&ended);
                assert!(ended.code.is_some_and(|code| code != 0), "{ended:?}");
                (Vec::new(), true)
            }
            Ok(server) => {
                let ann = template.ann(&server);
                let (mut promises, met) = work(act, &server, &ann, 4 + n / writes);
                ann.get("/api/user").expect(200);
                let again = (1000..1008).find_map(|number| match act(&ann, number) {
                    Came::Kept(promise) => Some(promise),
                    _ => None,
                });
                promises.retain(|promise| !matches!(promise, Promise::Key(..)));
                promises.push(again.expect("it works again"));
                assert_eq!(server.stop().code, Some(0));
                (promises, met)
            }
        };
        check(&mut place, &promises);
        met
    });
}

#[test]
fn s2_a_disk_that_fails_while_people_register() {
    fail(("register", register, 8), "pwrite64", "error=EIO", (2, 200));
    fail(("register", register, 1), "fdatasync", "error=ENOSPC", (2, 50));
}

#[test]
fn s2_a_disk_that_fails_while_answers_are_stored() {
    fail(("chat", chat, 8), "pwrite64", "error=ENOSPC", (4, 200));
    fail(("chat", chat, 1), "fdatasync", "error=EIO", (3, 50));
}

#[test]
fn s2_a_disk_that_fails_while_answers_grow() {
    fail(("stream", stream, 12), "pwrite64", "error=EIO", (2, 200));
    fail(("stream", stream, 2), "fdatasync", "error=ENOSPC", (1, 30));
}

#[test]
fn s2_a_disk_that_fails_while_keys_and_pictures_change() {
    fail(("key", key, 2), "pwrite64", "error=ENOSPC", (2, 200));
    fail(("avatar", avatar, 1), "fsync", "error=EIO", (2, 20));
    fail(("avatar", avatar, 1), "rename", "error=ENOSPC", (1, 3));
}

/// Not at once: a save is 150 ms after the last, and a disk takes its time. But nothing that had been seen for two
/// seconds is lost.
#[test]
fn s1_what_was_seen_a_while_ago_is_kept() {
    let upstream = Upstream::start();
    let piece = Step::Repeat(delta("word ").into(), Duration::from_millis(50));
    upstream.rule("without end", vec![Step::Send(stream_head()), piece]);
    let template = Template::new(&upstream);
    let mut place = template.copy();
    let server = place.serve(&[]);
    let mut events = template.ann(&server).stream(&json!({"message": "without end"}));
    let (began, mut seen, mut old) = (Instant::now(), String::new(), String::new());
    while began.elapsed() < Duration::from_secs(3) {
        seen.push_str(events.until("delta").data["text"].as_str().unwrap());
        if began.elapsed() < Duration::from_secs(1) {
            old.clone_from(&seen);
        }
    }
    drop(server);
    place.before.clear();
    let server = place.serve(&[]);
    let turn = template.ann(&server).get("/api/chat/1").expect(200).json();
    let kept = turn["response"].as_str().unwrap();
    assert_eq!(turn["status"], "interrupted");
    assert!(
        old.len() >= 5 && kept.len() >= old.len(),
        "{} seen, {} long ago, {} kept",
        seen.len(),
        old.len(),
        kept.len()
    );
}
