//! The server's own TLS: HTTP/1 and HTTP/2, certificates that come and go, and peers that mean harm.

use crate::secure::{HEALTH, Secure, ask, connect, request};
use crate::support::program::{Ended, Place, Serving, eventually};
use crate::support::tls::{Shown, pem};
use http::StatusCode;
use rustix::process::Signal;
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

#[test]
fn a_hang_up_brings_the_new_certificate_and_a_bad_one_changes_nothing() {
    let mut secure = Secure::new();
    let server = secure.serve();
    let good = |secure: &Secure| secure.talk(&server, &[], HEALTH).is_ok();
    let runtime = Runtime::new().unwrap();
    let (mut old, _task) = runtime.block_on(secure.http2(&server));
    assert!(good(&secure));
    secure.renew(Shown::Good);
    assert!(!good(&secure), "not before it is asked to");
    let read = |server: &Serving| server.log().matches("the certificate is read").count();
    server.signal(Signal::HUP);
    eventually("the new certificate", || read(&server) == 2);
    assert!(good(&secure));
    let still = runtime.block_on(ask(&mut old, request("GET", "/api/health", "x"), &Value::Null));
    assert_eq!(still.status(), StatusCode::OK, "connections that are open stay");
    let faults = |server: &Serving| server.log().matches("the one before it stays in use").count();
    let (certificate, _, _) = pem(Shown::Good);
    for (round, (name, text)) in
        [("certificate.pem", "nonsense"), ("key.pem", ""), ("certificate.pem", &certificate)]
            .into_iter()
            .enumerate()
    {
        secure.place.write(name, text);
        server.signal(Signal::HUP);
        eventually("a word about it", || faults(&server) == round + 1);
        assert!(good(&secure), "{name}");
    }
    std::fs::remove_file(secure.place.path().join("key.pem")).unwrap();
    server.signal(Signal::HUP);
    eventually("a word about it", || faults(&server) == 4);
    assert!(good(&secure));
    secure.renew(Shown::Good);
    server.signal(Signal::HUP);
    eventually("the next good one", || read(&server) == 3);
    assert!(good(&secure));
    let log = server.stop().stderr;
    assert!(log.contains("tls.key") && log.contains("tls.certificate") && !log.contains("PRIVATE"), "{log}");
}

#[test]
fn o3_files_that_cannot_be_used_are_named_and_their_content_is_not() {
    let (certificate, key, _) = pem(Shown::Good);
    let (_, other, _) = pem(Shown::Good);
    let cases: [(&str, &str, &str); 6] = [
        (&certificate, "", "tls.key key.pem"),
        ("", &key, "tls.certificate certificate.pem"),
        (&key, &key, "tls.certificate certificate.pem"),
        (&certificate, &certificate, "tls.key key.pem"),
        (&certificate, &other, "tls.certificate certificate.pem and tls.key key.pem"),
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            &key,
            "tls.certificate certificate.pem",
        ),
    ];
    for (certificate, key, named) in cases {
        let secure = Secure::new();
        secure.place.write("certificate.pem", certificate);
        secure.place.write("key.pem", key);
        let inside = key.lines().nth(1).unwrap_or("no second line");
        let check = |ended: &Ended, code| {
            let said = format!("{}{}", ended.stdout, ended.stderr);
            assert_eq!(ended.code, Some(code), "{said}");
            assert!(said.contains(named) && !said.contains(inside), "{named}: {said}");
        };
        check(&secure.place.run(&["--listen", "127.0.0.1:0"]), 2);
        check(&secure.place.run(&["config", "check"]), 1);
        check(&secure.place.run(&["doctor", "--offline"]), 1);
    }
    let mut half = Place::new();
    half.set("tls.key", "key.pem");
    let refused = half.run(&["--listen", "127.0.0.1:0"]);
    assert_eq!(refused.code, Some(2));
    assert!(refused.stderr.contains("must be set together"), "{}", refused.stderr);
}

#[test]
fn the_doctor_watches_over_the_certificate() {
    let mut secure = Secure::new();
    let said = |secure: &Secure| secure.place.run(&["doctor", "--offline", "--listen", "0.0.0.0:0"]);
    let good = said(&secure);
    assert!(good.stdout.contains("ok    certificate    good for "), "{}", good.stdout);
    assert!(!good.stdout.contains("without encryption"), "{}", good.stdout);
    secure.renew(Shown::Expired);
    let bad = said(&secure);
    assert!(
        bad.stdout.contains("FAIL  certificate    it has expired") && bad.code == Some(1),
        "{}",
        bad.stdout
    );
    assert!(bad.stdout.contains("systemctl reload"), "{}", bad.stdout);
}

#[test]
fn h1_who_does_not_shake_hands_in_time_is_let_go() {
    let secure = Secure::new();
    let server = secure.serve();
    let began = Instant::now();
    // Nothing, a letter too few, half a hello, a hello without an end.
    let held: Vec<TcpStream> = [&b""[..], &b"\x16"[..], &b"\x16\x03\x01\x02\x00\x01\x00"[..]]
        .into_iter()
        .flat_map(|bytes| std::iter::repeat_n(bytes, 30))
        .map(|bytes| {
            let mut stream = connect(&server);
            stream.write_all(bytes).unwrap();
            stream
        })
        .collect();
    let (answer, _) = secure.talk(&server, &[], HEALTH).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "others are served meanwhile");
    for mut stream in held {
        let mut end = Vec::new();
        // An alert may come before the end.
        let _ = stream.read_to_end(&mut end);
        assert!(end.len() < 64, "{end:?}");
    }
    let took = began.elapsed();
    assert!((Duration::from_secs(9)..Duration::from_secs(15)).contains(&took), "{took:?}");
    for garbage in ["\0\0\0\0", "\u{16}\u{3}\u{1}\u{0}\u{5}hello", "SSH-2.0-x\r\n"] {
        let mut stream = connect(&server);
        stream.write_all(garbage.as_bytes()).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut end = Vec::new();
        let _ = stream.read_to_end(&mut end);
    }
    assert!(secure.talk(&server, &[], HEALTH).is_ok());
    assert_eq!(server.stop().code, Some(0));
}

#[test]
fn h2_a_connection_more_than_allowed_is_refused_before_any_handshake() {
    let mut secure = Secure::new();
    secure.place.set("server.max_connections", "2");
    let server = secure.serve();
    let held = [connect(&server), connect(&server)];
    eventually("the third is closed at once", || {
        let mut third = connect(&server);
        matches!(third.read(&mut [0; 1]), Ok(0)) || third.read(&mut [0; 1]).is_err()
    });
    drop(held);
    eventually("room again", || {
        secure.talk(&server, &[], HEALTH).is_ok_and(|(answer, _)| answer.contains("200"))
    });
}
