//! `POST /api/register`: who may, with what, and what comes of many at once.

use crate::support::{Client, Reply, Server};
use gpt_assistant::app::App;
use gpt_assistant::clock::Clock;
use gpt_assistant::config::Registration;
use serde_json::{Value, json};
use std::sync::Barrier;

fn form(change: &[(&str, Value)]) -> Value {
    let mut form = json!({"name": "Ann", "email": "ann@example.org", "password": "secret1", "password_confirmation": "secret1"});
    for (name, value) in change {
        form[*name] = value.clone();
    }
    form
}

fn all_at_once(count: usize, work: impl Fn(usize) -> Reply + Sync) -> Vec<Reply> {
    let barrier = Barrier::new(count);
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..count)
            .map(|i| {
                let (barrier, work) = (&barrier, &work);
                scope.spawn(move || {
                    barrier.wait();
                    // Hashing takes a core and 19 MiB, so of a crowd some are asked to come again.
                    loop {
                        let reply = work(i);
                        if reply.status != 503 {
                            return reply;
                        }
                        assert_eq!(reply.header("retry-after"), Some("1"));
                        reply.fails(503, "overloaded");
                    }
                })
            })
            .collect();
        all.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn a_registration_signs_in_and_shows_no_secret() {
    let server = Server::start();
    let reply = server.anon().post("/api/register", &form(&[])).expect(200);
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let text = reply.text();
    for secret in ["secret1", "argon2", "password", "session"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    let body = reply.json();
    assert!(body["message"].as_str().is_some_and(|message| !message.is_empty()));
    assert_eq!((&body["user"]["id"], &body["user"]["role"]), (&json!(1), &json!("admin")));
    assert_eq!((&body["user"]["name"], &body["user"]["email"]), (&json!("Ann"), &json!("ann@example.org")));
    assert_eq!((&body["user"]["api_key"], &body["user"]["has_api_key"]), (&json!(null), &json!(false)));
    let ann = server.anon().with_token(body["token"].as_str().unwrap());
    assert_eq!(ann.get("/api/user").expect(200).json(), body["user"]);
    assert_eq!(server.user("bob").get("/api/user").json()["role"], "user");
}

/// Fields that are changed in a good registration, and those that are complained about.
type Case<'a> = (&'a [(&'a str, Value)], &'a [&'a str]);

#[test]
fn a18_a23_each_faulty_field_is_named() {
    let server = Server::start();
    let anon = server.anon();
    let post = |body: &Value| anon.post("/api/register", body);
    post(&json!({})).names(&["email", "name", "password", "password_confirmation"]);
    let long = "x".repeat(1025);
    let cases: &[Case] = &[
        (&[("name", json!(null))], &["name"]),
        (&[("name", json!(""))], &["name"]),
        (&[("name", json!(" \t\n\u{3000}"))], &["name"]),
        (&[("name", json!("n".repeat(256)))], &["name"]),
        (&[("name", json!("a\u{0}b"))], &["name"]),
        (&[("name", json!("a\nb"))], &["name"]),
        (&[("name", json!("a\u{85}b"))], &["name"]),
        (&[("email", json!(null))], &["email"]),
        (&[("email", json!(""))], &["email"]),
        (&[("email", json!("ann"))], &["email"]),
        (&[("password", json!(null))], &["password"]),
        (&[("password", json!("")), ("password_confirmation", json!(""))], &["password"]),
        (&[("password", json!("12345")), ("password_confirmation", json!("12345"))], &["password"]),
        (&[("password", json!(long)), ("password_confirmation", json!(long))], &["password"]),
        (&[("password_confirmation", json!(null))], &["password_confirmation"]),
        (&[("password_confirmation", json!(""))], &["password_confirmation"]),
        (&[("password_confirmation", json!("secret2"))], &["password_confirmation"]),
        (&[("password_confirmation", json!("secret1 "))], &["password_confirmation"]),
        (
            &[("password", json!(null)), ("password_confirmation", json!(null))],
            &["password", "password_confirmation"],
        ),
        (&[("name", json!("")), ("email", json!("x"))], &["email", "name"]),
        (&[("name", json!(7))], &["name"]),
        (&[("email", json!(["a@b.co"]))], &["email"]),
        (&[("password", json!({"$ne": 1}))], &["password"]),
        (&[("invite", json!(1))], &["invite"]),
    ];
    for (change, named) in cases {
        post(&form(change)).names(named);
    }
    assert_eq!(post(&form(&[])).expect(200).json()["user"]["id"], 1, "nothing was made before");
    post(&form(&[])).names(&["email"]);
}

#[test]
fn a18_c13_a_password_is_kept_to_the_last_byte() {
    let server = Server::start();
    let anon = server.anon();
    let passwords = [
        ("x".repeat(150), "x".repeat(72)),
        ("密码".repeat(30), "密码".repeat(24)),
        ("  both ends  ".to_owned(), "both ends".to_owned()),
        ("p".repeat(1024), "p".repeat(1023)),
        ("👩‍👩‍👧🔑🔑🔑🔑🔑".to_owned(), "👩🔑🔑🔑🔑🔑".to_owned()),
        ("nul\u{0}nul".to_owned(), "nul".to_owned()),
        ("Case-Matters".to_owned(), "case-matters".to_owned()),
    ];
    for (i, (password, near)) in passwords.iter().enumerate() {
        let email = format!("u{i}@example.org");
        let change = [
            ("email", json!(email)),
            ("password", json!(password)),
            ("password_confirmation", json!(password)),
        ];
        anon.post("/api/register", &form(&change)).expect(200);
        anon.login(&email, password).expect(200);
        for wrong in [near.clone(), format!("{password}y"), format!(" {password}"), String::new()] {
            anon.login(&email, &wrong).fails(401, "invalid_credentials");
        }
    }
    let huge = "x".repeat(1 << 20);
    anon.login("u0@example.org", &huge).fails(413, "too_large");
}

#[test]
fn a22_c13_one_account_however_the_address_is_written() {
    let server = Server::start();
    let anon = server.anon();
    let reply = anon.register(" Example+Tag@Example.COM ").expect(200).json();
    assert_eq!(reply["user"]["email"], "example+tag@example.com");
    for same in ["example+tag@example.com", "EXAMPLE+TAG@example.com", "\texample+tag@EXAMPLE.com\n"] {
        anon.register(same).names(&["email"]);
        anon.login(same, "secret1").expect(200);
    }
    anon.register("admin@localhost").expect(200);
    for bad in [
        "a@b@c.co",
        "a@",
        "@b.co",
        "a b@c.co",
        "a@b.co.",
        "аdmin@localhost",
        "admin@ｌocalhost",
        "İ@b.co",
        "ß@b.co",
        "a@b.co\r\nBcc: x@y.z",
        "a\u{0}@b.co",
        "\"a\"@b.co",
        "Ann <a@b.co>",
        "a..b@c.co",
        &format!("{}@b.co", "a".repeat(255)),
    ] {
        anon.register(bad).names(&["email"]);
        anon.login(bad, "secret1").fails(401, "invalid_credentials");
    }
}

#[test]
fn a19_the_first_of_a_crowd_is_the_one_administrator() {
    let server = Server::start();
    let replies = all_at_once(30, |i| server.anon().register(&format!("u{i}@example.org")));
    let roles: Vec<Value> =
        replies.into_iter().map(|reply| reply.expect(200).json()["user"]["role"].clone()).collect();
    assert_eq!(roles.iter().filter(|role| **role == "admin").count(), 1, "{roles:?}");
    assert_eq!(roles.iter().filter(|role| **role == "user").count(), 29);
}

#[test]
fn a20_one_address_is_one_account() {
    let server = Server::start();
    server.user("first");
    let replies = all_at_once(30, |i| {
        server.anon().register(if i % 2 == 0 { "ann@example.org" } else { "ANN@example.org" })
    });
    let (made, refused): (Vec<Reply>, Vec<Reply>) =
        replies.into_iter().partition(|reply| reply.status == 200);
    assert_eq!((made.len(), refused.len()), (1, 29));
    refused.into_iter().for_each(|reply| reply.names(&["email"]));
}

#[test]
fn a26_nobody_makes_himself_anything() {
    let server = Server::start();
    server.user("first");
    let more = [
        ("id", json!(1)),
        ("role", json!("admin")),
        ("is_admin", json!(true)),
        ("token_version", json!(9)),
        ("created_at", json!("1999-01-01")),
        ("api_key", json!("sk-mine")),
        ("avatar", json!("https://evil/x.png")),
        ("email_verified", json!(true)),
        ("disabled_at", json!(null)),
        ("cap_day", json!(0)),
        ("tokens_total", json!(-5)),
    ];
    let user = server.anon().post("/api/register", &form(&more)).expect(200).json()["user"].clone();
    assert_eq!((&user["id"], &user["role"]), (&json!(2), &json!("user")));
    assert_eq!((&user["api_key"], &user["avatar"]), (&json!(null), &json!(null)));
    assert!(!user["created_at"].as_str().unwrap().starts_with("1999"));
}

#[test]
fn registration_closed_or_by_invitation_spares_the_first_alone() {
    for (registration, code) in
        [(Registration::Closed, "registration_closed"), (Registration::Invite, "invite_invalid")]
    {
        let server = Server::with(|config| config.auth.registration = registration);
        let first = server.user("first");
        assert_eq!(first.get("/api/user").expect(200).json()["role"], "admin");
        for invite in [json!(null), json!(""), json!("guess"), json!("x".repeat(1000))] {
            let reply = server.anon().post("/api/register", &form(&[("invite", invite)]));
            reply.fails(403, code);
        }
        server.anon().login("ann@example.org", "secret1").fails(401, "invalid_credentials");
    }
    let open = Server::start();
    open.user("first");
    open.anon().post("/api/register", &form(&[("invite", json!("guess"))])).fails(403, "invite_invalid");
}

fn outside(config: &mut gpt_assistant::config::Config) {
    config.server.trusted_proxies = vec!["192.0.2.1/32".parse().unwrap()];
}

fn delete(client: &Client) -> Reply {
    client.send("DELETE", "/api/user", Some("application/json"), br#"{"password":"secret1"}"#)
}

#[test]
fn a_stranger_does_not_take_an_empty_server() {
    let mut server = Server::with(outside);
    let anon = server.anon();
    for invite in [json!(null), json!(""), json!("000000000000")] {
        anon.post("/api/register", &form(&[("invite", invite)])).fails(403, "setup_code_required");
    }
    anon.post("/api/register", &json!({"invite": "guess"})).names(&[
        "email",
        "name",
        "password",
        "password_confirmation",
    ]);
    server.restart(|config| config.auth.setup_code = false);
    let ann = server.user("ann");
    assert_eq!(ann.get("/api/user").json()["role"], "admin");
    // Where the only account has gone the server is as empty as at first, and its code has long been used up.
    server.restart(|config| config.auth.setup_code = true);
    let ann = server.anon().with_token(ann.token.as_deref().unwrap());
    delete(&ann).expect(200);
    for invite in [json!(null), json!(""), json!("guess")] {
        server.anon().post("/api/register", &form(&[("invite", invite)])).fails(403, "setup_code_required");
    }
}

#[test]
fn the_set_up_code_makes_one_administrator() {
    let server = Server::with(outside);
    let code = server.setup_code().expect("a code");
    assert!(code.len() >= 12, "{code}");
    let with_code = |email: String| {
        let change = [("email", json!(email)), ("invite", json!(format!(" {code}\n")))];
        server.anon().post("/api/register", &form(&change))
    };
    let replies = all_at_once(8, |i| with_code(format!("u{i}@example.org")));
    let made: Vec<&Reply> = replies.iter().filter(|reply| reply.status == 200).collect();
    assert_eq!(made.len(), 1);
    assert_eq!(made[0].json()["user"]["role"], "admin");
    assert!(replies.iter().all(|reply| [200, 403].contains(&reply.status)));
    with_code("late@example.org".into()).fails(403, "invite_invalid");
    server.user("ann");
    assert_eq!(server.setup_code(), None);
    let app = App::command(server.config.clone(), Clock::system()).unwrap();
    assert_eq!(app.setup_code().map(|code| code.reveal().len()), None, "a command needs none");
}

#[test]
fn a_request_that_is_refused_makes_nothing() {
    let server = Server::start();
    server.anon().post("/api/register?tz=Mars/X", &form(&[])).names(&["tz"]);
    server.anon().login("ann@example.org", "secret1").fails(401, "invalid_credentials");
    assert_eq!(server.user("ann").get("/api/user").json()["id"], 1);
}
