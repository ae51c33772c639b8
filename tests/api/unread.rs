//! Who asks for much and reads nothing is given no more, until it reads or goes.

use crate::support::program::eventually;
use crate::support::{Client, Server};
use std::io::{Read, Write};
use std::net::TcpStream;

/// Asks, and reads nothing.
fn ask(client: &Client, path: &str) -> TcpStream {
    let mut stream = client.connect();
    let token = client.token.as_deref().unwrap();
    let head = format!(
        "GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

fn is_refused(client: &Client) -> bool {
    client.get("/api/user").status == 429
}

/// Asks for what is larger than 900 KiB until that is refused; gives those that were asked and not read.
fn fill(client: &Client, path: &str) -> Vec<TcpStream> {
    let mut held = Vec::new();
    eventually("no more is given to who reads nothing", || {
        held.push(ask(client, path));
        is_refused(client)
    });
    assert!(held.len() < 100, "{} were given", held.len());
    held
}

#[test]
fn p15_whole_replies_are_given_to_who_reads_them() {
    let server = Server::start();
    let (ann, bob) = (server.user("ann"), server.user("bob"));
    server.upstream.says(&"x".repeat(1000 << 10));
    let turn = ann.chat("at length")["id"].clone();
    for path in
        ["/api/chat/history".to_owned(), format!("/api/chat/{turn}"), format!("/api/chat/{turn}/events")]
    {
        let held = fill(&ann, &path);
        let refused = ann.get("/api/user");
        assert_eq!(refused.header("retry-after"), Some("5"), "{path}");
        refused.fails(429, "rate_limited");
        ann.post("/api/chat", &serde_json::json!({"message": "hi"})).fails(429, "rate_limited");
        bob.get("/api/user").expect(200);
        // Whoever reads on gets all of it.
        let mut first = held.into_iter();
        let mut whole = Vec::new();
        first.next().unwrap().read_to_end(&mut whole).unwrap();
        assert!(whole.len() > 1000 << 10 && whole.windows(8).any(|bytes| bytes == b"200 OK\r\n"), "{path}");
        drop(first);
        eventually("there is room again", || !is_refused(&ann));
    }
}

#[test]
fn a_large_reply_says_its_length() {
    let server = Server::start();
    let ann = server.user("ann");
    server.upstream.says(&"x".repeat(200 << 10));
    ann.chat("at length");
    let reply = ann.get("/api/chat/1").expect(200);
    let length = reply.header("content-length").unwrap().parse::<usize>().unwrap();
    assert_eq!((length, reply.header("transfer-encoding")), (reply.body.len(), None));
    let head = ann.send("HEAD", "/api/chat/1", None, b"").expect(200);
    assert_eq!((head.header("content-length"), head.body.len()), (reply.header("content-length"), 0));
}
