//! What a person does, through a proxy: the page, an account, a stream, pictures, an import.

use crate::free_port;
use crate::support::exports::{chatgpt, import};
use crate::support::program::{Place, Serving};
use crate::support::tls::{Shown, pem, tunnel};
use crate::support::upstream::{Gate, Step, delta, done, stop, stream_head, usage};
use crate::support::{Client, Upstream};
use serde_json::json;
use std::net::TcpStream;

/// A server as the examples want it, and what its proxy needs.
pub struct Site {
    pub place: Place,
    pub server: Serving,
    /// `127.0.0.1:PORT` of the server.
    pub behind: String,
    /// Where the proxy is to listen.
    pub port: u16,
    pub certificate: String,
    pub key: String,
    authority: String,
    upstream: Upstream,
    /// `/chat`, or nothing.
    below: &'static str,
}

impl Site {
    /// Below that path, or "".
    pub fn new(below: &'static str) -> Site {
        let (mut place, upstream, port) = (Place::new(), Upstream::start(), free_port());
        place.set("server.public_url", &format!("https://localhost:{port}"));
        place.set("server.trusted_proxies", "127.0.0.1");
        place.set("server.base_path", if below.is_empty() { "/" } else { below });
        place.set("auth.setup_code", "off");
        place.set("upstream.base_url", &upstream.url());
        place.set("upstream.api_key", "sk-shared-00000000000000");
        let (certificate, key, authority) = pem(Shown::Good);
        let certificate = place.write("certificate.pem", &certificate);
        let key = place.write("key.pem", &key);
        let server = place.serve(&[]);
        let behind = server.base.strip_prefix("http://").unwrap().split('/').next().unwrap().to_owned();
        Site { place, server, behind, port, certificate, key, authority, upstream, below }
    }

    /// Waits for the proxy and does everything once.
    pub fn visit(&self) {
        crate::support::program::eventually("the proxy listens", || {
            TcpStream::connect(("127.0.0.1", self.port)).is_ok()
        });
        let client = Client::new(&format!("http://{}{}", tunnel(self.port, &self.authority), self.below));
        self.sees_the_page(&client);
        let token =
            client.register("ann@example.org").expect(200).json()["token"].as_str().unwrap().to_owned();
        let ann = client.with_token(&token);
        self.streams(&ann);
        self.sends_files(&ann);
        self.is_known_by_its_address(&client);
    }

    fn sees_the_page(&self, client: &Client) {
        let page = client.get("/").expect(200).text();
        let style = page.split('"').find(|part| part.ends_with(".css")).expect("a style sheet in the page");
        assert!(style.starts_with(&format!("{}/assets/", self.below)), "{style}");
        client.get(&style[self.below.len()..]).expect(200);
        client.get("/api/nothing").fails(404, "not_found");
    }

    /// The first words are here while the model has not said the rest.
    fn streams(&self, ann: &Client) {
        let gate = Gate::default();
        self.upstream.script(vec![
            Step::Send(stream_head()),
            Step::Send(delta("first ").into_bytes()),
            Step::Wait(gate.clone()),
            Step::Send([delta("second"), stop(), usage(7, 5), done()].concat().into_bytes()),
        ]);
        let body = json!({"message": "hello", "stream": true}).to_string();
        let head = format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
        let mut events = ann.events("POST", &format!("{}/api/chat", self.below), &head, body.as_bytes());
        assert_eq!(events.status(), 200, "{}", events.head);
        assert_eq!(events.until("delta").data["text"], "first ");
        gate.open();
        assert_eq!(events.until("done").data["reply"], "first second");
    }

    fn sends_files(&self, ann: &Client) {
        // As large as a picture may be: that it is none is the server's own word, after all of it has come.
        let large = vec![7; 10 << 20];
        let refused = ann.upload("/api/user/avatar", "avatar", "a.png", "image/png", &large);
        refused.names(&["avatar"]);
        let too_large = ann.upload("/api/user/avatar", "avatar", "a.png", "image/png", &vec![7; 11 << 20]);
        too_large.fails(413, "too_large");
        // Larger than any form, and larger than what proxies take by themselves.
        let mut conversation = chatgpt("c1", "An old one", &["what?", "that."]);
        conversation["a field that nobody reads"] = json!("x".repeat(20 << 20));
        let report = import(ann, json!([conversation]).to_string().as_bytes());
        assert_eq!((&report["status"], &report["imported"]), (&json!("done"), &json!(1)), "{report}");
    }

    /// The visitor's own address counts, and not what it claims.
    fn is_known_by_its_address(&self, client: &Client) {
        client.with_header("X-Forwarded-For", "192.0.2.66").login("ann@example.org", "wrong1").expect(401);
        let log = self.server.wait_for_log("127.0.0.5");
        assert!(!log.contains("192.0.2.66"), "{log}");
    }
}
