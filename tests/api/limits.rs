//! How often, and for whom: limits by account and by address, behind proxies and in front of them.

use crate::support::program::eventually;
use crate::support::{Client, Reply, Server};
use gpt_assistant::config::Config;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;

/// A server that believes this machine's `X-Forwarded-For`.
fn behind_proxy(change: fn(&mut Config)) -> Server {
    Server::with(|config| {
        config.server.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap(), "10.0.0.0/8".parse().unwrap()];
        config.auth.setup_code = false;
        change(config);
    })
}

fn from(client: &Client, addresses: &str) -> Client {
    client.with_header("X-Forwarded-For", addresses)
}

/// Fails unless it is our own limiter's answer, with seconds to wait that are no more than `most`.
#[track_caller]
fn is_limited(reply: Reply, most: u64) {
    let wait: u64 = reply.header("retry-after").expect("seconds to wait").parse().unwrap();
    assert!((1..=most).contains(&wait), "{wait}");
    let body = reply.fails(429, "rate_limited");
    assert!(body["error"].as_str().unwrap().contains(&format!("{wait} s")), "{body}");
}

#[test]
fn a17_the_eleventh_try_waits_and_nobody_else_does() {
    let server = behind_proxy(|config| config.limits.login_per_minute = 10);
    let ann = server.user("ann");
    let here = from(&server.anon(), "192.0.2.7");
    for i in 0..10 {
        let email = if i % 2 == 0 { "ann@example.org" } else { " ANN@Example.ORG " };
        here.login(email, "wrong1").fails(401, "invalid_credentials");
    }
    is_limited(here.login("ann@example.org", "secret1"), 6);
    is_limited(here.login("nobody@example.org", "secret1"), 6);
    from(&server.anon(), "192.0.2.8").login("ann@example.org", "secret1").expect(200);
    here.get("/api/health").expect(200);
    ann.get("/api/user").expect(200);
}

#[test]
fn a17_every_route_that_asks_for_a_password_counts_tries() {
    let server = Server::with(|config| config.limits.login_per_minute = 10);
    let (ann, bob) = (server.user("ann"), server.user("bob"));
    let change =
        json!({"current_password": "wrong1", "password": "secret2", "password_confirmation": "secret2"});
    let delete = |client: &Client, password: &str| {
        let form = json!({"password": password}).to_string();
        client.send("DELETE", "/api/user", Some("application/json"), form.as_bytes())
    };
    for i in 0..10 {
        if i % 2 == 0 {
            bob.post("/api/user/password", &change).names(&["current_password"]);
        } else {
            delete(&bob, "wrong1").names(&["password"]);
        }
    }
    is_limited(bob.post("/api/user/password", &change), 6);
    is_limited(delete(&bob, "secret1"), 6);
    bob.get("/api/user").expect(200);
    ann.post("/api/user/password", &change).names(&["current_password"]);
}

#[test]
fn a21_accounts_from_one_address() {
    let server = behind_proxy(|config| config.limits.register_per_hour = 5);
    let register = |address: &str, i: usize| {
        from(&server.anon(), address).register(&format!("{}{i}@example.org", address.len()))
    };
    for i in 0..5 {
        register("192.0.2.7", i).expect(200);
    }
    is_limited(register("192.0.2.7", 5), 720);
    register("192.0.2.77", 6).expect(200);
}

#[test]
fn h10_messages_and_requests_are_counted_by_account() {
    let server =
        Server::with(|config| (config.limits.chat_per_minute, config.limits.api_per_minute) = (3, 30));
    let (ann, bob) = (server.user("ann"), server.user("bob"));
    for _ in 0..3 {
        ann.chat("hi");
    }
    is_limited(ann.post("/api/chat", &json!({"message": "hi"})), 20);
    assert_eq!(server.upstream.received().len(), 3);
    bob.chat("hi");
    // A message that is refused for what it says costs nothing.
    let refused: Vec<Value> = (0..5).map(|_| bob.post("/api/chat", &json!({"message": ""})).json()).collect();
    assert!(refused.iter().all(|body| body["code"] == "invalid_parameter"));
    bob.chat("hi");
    let limited = (0..40).map(|_| ann.get("/api/user")).find(|reply| reply.status == 429);
    is_limited(limited.expect("a limit"), 2);
    bob.get("/api/user").expect(200);
    assert_eq!(ann.get("/login").status, 200, "the page itself is not counted");
}

#[test]
fn h10_an_ipv6_network_is_one_address() {
    let server = behind_proxy(|config| config.limits.login_per_minute = 2);
    server.user("ann");
    let login = |address: &str| from(&server.anon(), address).login("ann@example.org", "wrong1");
    login("2001:db8::1").expect(401);
    login("2001:db8::ffff:2").expect(401);
    is_limited(login("2001:db8:0:0:1:2:3:4"), 30);
    login("2001:db8:0:1::1").expect(401);
}

#[test]
fn h12_who_is_no_proxy_cannot_say_where_it_comes_from() {
    let lists = ["192.0.2.7", "192.0.2.8, 10.0.0.1", "::1", "garbage", "", &"1.2.3.4, ".repeat(1000)];
    let limit = |config: &mut Config| config.limits.login_per_minute = 5;
    let open = Server::with(limit);
    open.user("ann");
    for (i, list) in lists.iter().enumerate() {
        let client = from(&open.anon(), list)
            .with_header("X-Real-IP", list)
            .with_header("Forwarded", &format!("for={i}"));
        let reply = client.login("ann@example.org", "wrong1");
        if i < 5 {
            reply.expect(401);
        } else {
            is_limited(reply, 12);
        }
    }
    let behind = behind_proxy(limit);
    behind.user("ann");
    // The address next to our proxies counts; what a client has written before it does not.
    for i in 0..5 {
        from(&behind.anon(), &format!("198.51.100.{i}, 192.0.2.7, 10.0.0.1"))
            .login("ann@example.org", "wrong1")
            .expect(401);
    }
    is_limited(from(&behind.anon(), "192.0.2.7").login("ann@example.org", "secret1"), 12);
    from(&behind.anon(), "192.0.2.9, 10.2.3.4").login("ann@example.org", "secret1").expect(200);
    for odd in ["garbage", "192.0.2.7:80, x", "[::1]", "\u{e9}"] {
        let status = from(&behind.anon(), odd).login("ann@example.org", "wrong1").status;
        assert!([401, 429].contains(&status), "{odd}: {status}");
    }
}

/// A conversation whose export is larger than what the system takes in for a reader that does not read.
fn long_conversation(ann: &Client) -> Value {
    let keep = |at: usize| {
        let text = format!("{at}{}", "x".repeat(250_000));
        ann.upload("/api/files", "file", "x.txt", "text/plain", text.as_bytes()).expect(200).json()["id"]
            .clone()
    };
    let files: Vec<Value> = (0..8).map(keep).collect();
    let conversation = ann.chat("hi")["conversation_id"].clone();
    for _ in 0..8 {
        let root =
            json!({"message": "x", "conversation_id": conversation, "parent_id": null, "attachments": files});
        ann.post("/api/chat", &root).expect(200);
    }
    conversation
}

#[test]
fn one_person_has_four_exports_on_their_way_and_no_more() {
    let server = Server::start();
    let (ann, bob) = (server.user("ann"), server.user("bob"));
    server.upstream.says("ok");
    let path = format!("/api/conversations/{}/export", long_conversation(&ann));
    let ask = format!(
        "GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n",
        ann.token.as_deref().unwrap()
    );
    let held: Vec<TcpStream> = (0..4)
        .map(|_| {
            let mut stream = ann.connect();
            stream.write_all(ask.as_bytes()).unwrap();
            let mut status = [0; 12];
            stream.read_exact(&mut status).unwrap();
            assert_eq!(&status, b"HTTP/1.1 200");
            stream
        })
        .collect();
    ann.get(&path).fails(429, "rate_limited");
    ann.get("/api/export").fails(429, "rate_limited");
    bob.get("/api/export").expect(200);
    ann.get("/api/user").expect(200);
    drop(held);
    eventually("there is room again", || ann.get("/api/export").status == 200);
}
