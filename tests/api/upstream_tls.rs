//! An upstream over TLS: a certificate that is good, and all that are not. Before a bad one nothing is said.

use crate::support::client::text_of;
use crate::support::tls::{Front, Shown};
use crate::support::upstream::{Step, delta, done, stop, stream_head, usage};
use crate::support::{Server, Upstream};
use gpt_assistant::config::{BaseUrl, Config};
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const KEY: &[u8] = b"sk-shared-canary-000000000000";

/// A server whose upstream is at `url`; `authority` is one more that it trusts.
fn server(url: &str, authority: &str) -> (Server, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join("ca.pem");
    std::fs::write(&path, authority).unwrap();
    let server = Server::with(|config: &mut Config| {
        config.upstream.base_url = BaseUrl::parse_api(url).unwrap();
        config.upstream.ca_file = Some(path);
    });
    (server, folder)
}

#[test]
fn p3_a_good_certificate_carries_everything() {
    let upstream = Upstream::start();
    let front = Front::start(&upstream, Shown::Good);
    let (server, _folder) = server(&front.url, &front.authority);
    let ann = server.user("ann");
    upstream.says("你好🌍");
    assert_eq!(ann.chat("hi")["reply"], "你好🌍");
    assert!(front.decrypted().windows(KEY.len()).any(|w| w == KEY));
    // Large in both directions: many records.
    let long = "好 ".repeat(100_000);
    upstream.events(&[delta(&long), stop(), usage(3, 4), done()]);
    let events = ann.stream(&json!({"message": "x ".repeat(15_000)})).rest();
    assert_eq!(text_of(&events), long);
    let models = ann.get("/api/models").expect(200).json();
    assert_eq!((&models["stale"], &models["models"][0]["id"]), (&json!(false), &json!("m")));

    upstream.script(vec![Step::Send(stream_head()), Step::Send(delta("Hel").into()), Step::Hold]);
    let mut stream = ann.stream(&json!({"message": "hi"}));
    let turn = stream.until("turn").data["id"].clone();
    stream.until("delta");
    let began = Instant::now();
    let stopped = ann.post(&format!("/api/chat/{turn}/stop"), &json!({})).expect(200).json();
    assert_eq!((&stopped["status"], &stopped["response"]), (&json!("stopped"), &json!("Hel")));
    upstream.wait_for_closed(1);
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(ann.chat("and on it goes")["reply"], "Hello.");
}

#[test]
fn p3_a_bad_certificate_is_told_nothing() {
    for shown in [Shown::SelfSigned, Shown::Expired, Shown::NotYet, Shown::OtherHost, Shown::OtherAuthority] {
        let upstream = Upstream::start();
        let front = Front::start(&upstream, shown);
        let (server, _folder) = server(&front.url, &front.authority);
        let ann = server.user("ann");
        let body = ann.post("/api/chat", &json!({"message": "hi"})).fails(502, "upstream_tls");
        let sentence = body["error"].as_str().unwrap();
        assert!(sentence.contains("certificate") && !sentence.contains("localhost"), "{shown:?}: {sentence}");
        let events = ann.stream(&json!({"message": "hi"})).rest();
        assert_eq!(events[1].data["code"], "upstream_tls", "{shown:?}");
        assert_eq!(ann.get("/api/models").expect(200).json()["stale"], true);
        let check = ann.post("/api/user/api-key/check", &json!({"api_key": "sk-own"})).expect(200).json();
        assert_eq!(check["code"], "upstream_tls", "{shown:?}");
        assert!(front.decrypted().is_empty() && upstream.received().is_empty(), "{shown:?}");
    }
}

#[test]
fn p3_the_usual_authorities_do_not_know_the_test_s_own() {
    let upstream = Upstream::start();
    let front = Front::start(&upstream, Shown::Good);
    let server = Server::with(|config| config.upstream.base_url = BaseUrl::parse_api(&front.url).unwrap());
    server.user("ann").post("/api/chat", &json!({"message": "hi"})).fails(502, "upstream_tls");
    assert!(front.decrypted().is_empty());
}

/// Answers whatever comes with these bytes, and keeps what came.
fn sink(answer: &'static [u8]) -> (String, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://localhost:{}/v1", listener.local_addr().unwrap().port());
    let seen: Arc<Mutex<Vec<u8>>> = Arc::default();
    let kept = seen.clone();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut buffer = [0; 4096];
            let count = stream.read(&mut buffer).unwrap_or(0);
            kept.lock().unwrap().extend_from_slice(&buffer[..count]);
            let _ = stream.write_all(answer);
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let _ = stream.read_to_end(&mut Vec::new());
        }
    });
    (url, seen)
}

#[test]
fn p3_what_speaks_no_tls_gets_no_key() {
    for answer in [
        &b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"[..],
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        &[0x16, 3, 3, 0xFF, 0xFF, 0, 0],
        &[0; 600],
    ] {
        let (url, seen) = sink(answer);
        let server = Server::with(|config| config.upstream.base_url = BaseUrl::parse_api(&url).unwrap());
        let reply = server.user("ann").post("/api/chat", &json!({"message": "hi"}));
        let code = reply.json()["code"].as_str().unwrap().to_owned();
        assert!(["upstream_tls", "upstream_unreachable"].contains(&code.as_str()), "{answer:?}: {code}");
        reply.fails(502, &code);
        let seen = seen.lock().unwrap();
        assert!(!seen.is_empty() && !seen.windows(9).any(|w| w == b"sk-shared"), "{answer:?}");
    }
}
