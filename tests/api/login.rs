//! `POST /api/login` and the ends of logins: what a password opens, and for how long.

use crate::support::{Client, Reply, Server};
use gpt_assistant::app::App;
use gpt_assistant::clock::Clock;
use gpt_assistant::store::AccountChange;
use serde_json::json;
use std::time::{Duration, Instant};

/// The command line's way to the same data, beside the running server.
fn beside(server: &Server) -> App {
    App::command(server.config.clone(), Clock::system()).unwrap()
}

fn change_password(client: &Client, current: &str, new: &str) -> Reply {
    let form = json!({"current_password": current, "password": new, "password_confirmation": new});
    client.post("/api/user/password", &form)
}

/// A reply without its number, byte for byte.
fn apart_from_id(reply: &Reply) -> (u16, String) {
    let id = reply.header("x-request-id").unwrap();
    (reply.status, reply.text().replace(id, ""))
}

fn disabled(since: Option<i64>) -> AccountChange {
    AccountChange { disabled: Some(since), ..AccountChange::default() }
}

#[test]
fn a_login_gives_what_the_owner_asked_for() {
    let server = Server::start();
    server.user("ann");
    let body = server.anon().login("ann@example.org", "secret1").expect(200).json();
    assert!(body["message"].is_string());
    let ann = server.anon().with_token(body["token"].as_str().unwrap());
    assert_eq!(ann.get("/api/user").expect(200).json(), body["user"]);
    let post = |body: &serde_json::Value| server.anon().post("/api/login", body);
    post(&json!({})).names(&["email", "password"]);
    post(&json!({"email": "ann@example.org"})).names(&["password"]);
    post(&json!({"email": null, "password": "secret1"})).names(&["email"]);
    post(&json!({"email": 7, "password": "secret1"})).names(&["email"]);
}

#[test]
fn a11_an_unknown_account_and_a_wrong_password_look_alike() {
    let server = Server::start();
    server.user("ann");
    server.user("bob");
    let app = beside(&server);
    let (bob, _) = app.store.user_by_email("bob@example.org").unwrap().unwrap();
    app.store.change_account(bob.id, disabled(Some(1))).unwrap();
    let anon = server.anon();
    let wrong = anon.login("ann@example.org", "secret2");
    for (email, password) in [
        ("nobody@example.org", "secret1"),
        ("bob@example.org", "secret2"),
        ("not an address", "secret1"),
        ("", ""),
        ("ann@example.org", ""),
        ("ann@example.org'--", "secret1"),
    ] {
        let reply = anon.login(email, password);
        assert_eq!(apart_from_id(&reply), apart_from_id(&wrong), "{email}");
        assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
    }
    wrong.fails(401, "invalid_credentials");
    anon.login("bob@example.org", "secret1").fails(403, "account_disabled");
    app.store.change_account(bob.id, disabled(None)).unwrap();
    anon.login("bob@example.org", "secret1").expect(200);
}

/// Medians of tries that alternate, so that what else the machine does falls on both alike. Without a hash for unknown
/// accounts they differ thirtyfold.
#[test]
fn a16_an_unknown_account_takes_as_long_as_a_known_one() {
    let server = Server::start();
    server.user("ann");
    let anon = server.anon();
    let time = |work: &dyn Fn() -> Reply, status: u16| {
        let began = Instant::now();
        let reply = work();
        let took = began.elapsed();
        assert_eq!(reply.status, status, "{}", reply.text());
        took
    };
    let (mut known, mut unknown, mut taken, mut free) = (vec![], vec![], vec![], vec![]);
    for i in 0..16 {
        known.push(time(&|| anon.login("ann@example.org", "secret2"), 401));
        unknown.push(time(&|| anon.login("nobody@example.org", "secret2"), 401));
        taken.push(time(&|| anon.register("ann@example.org"), 400));
        free.push(time(&|| anon.register(&format!("u{i}@example.org")), 200));
    }
    let median = |times: &mut Vec<Duration>| {
        times.sort_unstable();
        times[times.len() / 2].as_secs_f64()
    };
    let login = median(&mut known) / median(&mut unknown);
    assert!((0.5..2.0).contains(&login), "login: {login}");
    let register = median(&mut taken) / median(&mut free);
    assert!((0.33..2.0).contains(&register), "register: {register}");
}

#[test]
fn a13_a_new_password_ends_every_other_login_in_the_same_second() {
    let server = Server::start();
    let (ann, other) = (server.user("ann"), server.user("bob"));
    let phone = server.anon().login("ann@example.org", "secret1").expect(200).json();
    let phone = server.anon().with_token(phone["token"].as_str().unwrap());
    let reply = change_password(&ann, "secret1", "secret2").expect(200).json();
    assert_eq!(reply["user"]["email"], "ann@example.org");
    for ended in [&ann, &phone] {
        ended.get("/api/user").fails(401, "unauthenticated");
        ended.post("/api/chat", &json!({"message": "hi"})).fails(401, "unauthenticated");
    }
    server.anon().with_token(reply["token"].as_str().unwrap()).get("/api/user").expect(200);
    server.anon().login("ann@example.org", "secret1").fails(401, "invalid_credentials");
    server.anon().login("ann@example.org", "secret2").expect(200);
    other.get("/api/user").expect(200);
}

#[test]
fn a13_logging_out_ends_one_login_or_all() {
    let server = Server::start();
    let first = server.user("ann");
    let again = || {
        let body = server.anon().login("ann@example.org", "secret1").expect(200).json();
        server.anon().with_token(body["token"].as_str().unwrap())
    };
    let (second, third) = (again(), again());
    first.post("/api/logout", &json!({})).expect(200);
    first.get("/api/user").fails(401, "unauthenticated");
    first.post("/api/logout", &json!({})).fails(401, "unauthenticated");
    second.get("/api/user").expect(200);
    second.send("POST", "/api/logout-all", None, b"").expect(200);
    for ended in [second, third] {
        ended.get("/api/user").fails(401, "unauthenticated");
    }
    again().get("/api/user").expect(200);
}

#[test]
fn the_password_form_names_its_faults_and_changes_nothing() {
    let server = Server::start();
    let ann = server.user("ann");
    let post = |body: serde_json::Value| ann.post("/api/user/password", &body);
    post(json!({})).names(&["current_password", "password"]);
    post(json!({"password": "secret2", "password_confirmation": "secret2"})).names(&["current_password"]);
    post(json!({"current_password": "secret1", "password": "secret2"})).names(&["password_confirmation"]);
    for (new, again, named) in [
        ("secret2", "secret3", "password_confirmation"),
        ("12345", "12345", "password"),
        ("", "", "password"),
    ] {
        let form = json!({"current_password": "secret1", "password": new, "password_confirmation": again});
        post(form).names(&[named]);
    }
    change_password(&ann, "wrong", "secret2").names(&["current_password"]);
    change_password(&ann, &"x".repeat(2000), "secret2").names(&["current_password"]);
    ann.get("/api/user").expect(200);
    server.anon().login("ann@example.org", "secret1").expect(200);
}

#[test]
fn a14_an_account_that_ends_or_is_disabled_is_out_at_once() {
    let server = Server::start();
    server.user("admin");
    let app = beside(&server);
    for (name, delete) in [("ann", false), ("bob", true)] {
        let client = server.user(name);
        let (user, _) = app.store.user_by_email(&format!("{name}@example.org")).unwrap().unwrap();
        client.get("/api/user").expect(200);
        if delete {
            app.store.delete_user(user.id).unwrap();
        } else {
            app.store.change_account(user.id, disabled(Some(1))).unwrap();
        }
        for path in
            ["/api/user", "/api/chat/history", "/api/models", "/api/conversations", "/api/chat/1/events"]
        {
            client.get(path).fails(401, "unauthenticated");
        }
        client.post("/api/chat", &json!({"message": "hi"})).fails(401, "unauthenticated");
    }
    assert!(server.upstream.received().is_empty());
    // Enabled again, the old token stays ended: disabling took the logins away.
    let (ann, _) = app.store.user_by_email("ann@example.org").unwrap().unwrap();
    app.store.change_account(ann.id, disabled(None)).unwrap();
    server.anon().login("ann@example.org", "secret1").expect(200);
}

#[test]
fn a25_of_two_changes_from_one_password_one_wins() {
    let server = Server::start();
    let ann = server.user("ann");
    let barrier = std::sync::Barrier::new(2);
    let replies: Vec<Reply> = std::thread::scope(|scope| {
        let both = ["secret2", "secret3"].map(|new| {
            let (ann, barrier) = (&ann, &barrier);
            scope.spawn(move || {
                barrier.wait();
                change_password(ann, "secret1", new)
            })
        });
        both.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let won: Vec<bool> = replies.iter().map(|reply| reply.status == 200).collect();
    assert_eq!(won.iter().filter(|won| **won).count(), 1, "{replies:?}");
    let lost = &replies[usize::from(won[0])];
    assert!([400, 401].contains(&lost.status), "{}", lost.text());
    for (new, won) in ["secret2", "secret3"].into_iter().zip(won) {
        assert_eq!(server.anon().login("ann@example.org", new).status == 200, won, "{new}");
    }
    server.anon().login("ann@example.org", "secret1").fails(401, "invalid_credentials");
}

#[test]
fn s10_a_clock_that_jumps_harms_nobody() {
    let server = Server::start();
    let ann = server.user("ann");
    let first = ann.chat("one")["id"].as_i64().unwrap();
    for jump in [-3600, 2 * 3600, -30 * 365 * 24 * 3600] {
        server.pass(jump);
        let status = ann.get("/api/user").status;
        assert!([200, 401].contains(&status), "{jump}: {status}");
        let fresh = server.anon().login("ann@example.org", "secret1").expect(200).json();
        let fresh = server.anon().with_token(fresh["token"].as_str().unwrap());
        let chat = fresh.chat("more");
        let ids: Vec<i64> = fresh
            .get("/api/chat/history")
            .expect(200)
            .json()
            .as_array()
            .unwrap()
            .iter()
            .map(|turn| turn["id"].as_i64().unwrap())
            .collect();
        assert!(ids.is_sorted_by(|a, b| a > b) && ids[0] == chat["id"] && ids.contains(&first), "{ids:?}");
        fresh.get("/api/stat/token-usage").expect(200);
    }
    // Before 1970 a login cannot be dated; nothing worse comes of it.
    server.pass(-30 * 365 * 24 * 3600);
    let dated = server.anon().login("ann@example.org", "secret1").expect(200).json();
    server.anon().with_token(dated["token"].as_str().unwrap()).get("/api/user").fails(401, "unauthenticated");
    server.pass(70 * 365 * 24 * 3600);
    ann.get("/api/user").fails(401, "unauthenticated");
    server.anon().login("ann@example.org", "secret1").expect(200);
}
