//! HTTP itself: what comes of requests, and of halves of them, that no browser sends.

use crate::support::Server;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

fn statuses(answer: &str) -> Vec<&str> {
    answer.split("HTTP/1.1 ").skip(1).map(|rest| &rest[..3]).collect()
}

#[test]
fn h3_h4_one_request_is_one_request() {
    let server = Server::start();
    let ann = server.user("ann");
    let bearer = format!("Authorization: Bearer {}\r\n", ann.token.clone().unwrap());
    let smuggled = format!("POST /api/logout HTTP/1.1\r\nHost: x\r\n{bearer}Content-Length: 0\r\n\r\n");
    let head = "POST /api/login HTTP/1.1\r\nHost: x\r\n";
    let length = smuggled.len();
    for (name, lines, body) in [
        (
            "CL.TE",
            format!("Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n"),
            format!("0\r\n\r\n{smuggled}"),
        ),
        (
            "TE.CL",
            "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n".into(),
            format!("0\r\n\r\n{smuggled}"),
        ),
        (
            "TE.TE",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n".into(),
            format!("0\r\n\r\n{smuggled}"),
        ),
        ("xchunked", "Transfer-Encoding: xchunked\r\n".into(), format!("0\r\n\r\n{smuggled}")),
        ("blank before colon", "Transfer-Encoding : chunked\r\n".into(), format!("0\r\n\r\n{smuggled}")),
        ("two lengths", format!("Content-Length: 0\r\nContent-Length: {length}\r\n"), smuggled.clone()),
        ("plus", format!("Content-Length: +{length}\r\n"), smuggled.clone()),
        ("negative", "Content-Length: -1\r\n".into(), smuggled.clone()),
        ("too long", "Content-Length: 99999999999999999999999\r\n".into(), smuggled.clone()),
        (
            "chunk too long",
            "Transfer-Encoding: chunked\r\n".into(),
            format!("FFFFFFFFFFFFFFFFF\r\n{smuggled}"),
        ),
        ("folded", "X: a\r\n Content-Length: 5\r\n".into(), smuggled.clone()),
        ("nul", "X: a\0b\r\n".into(), smuggled.clone()),
        ("bare CR", "X: a\rContent-Length: 5\r\n".into(), smuggled.clone()),
    ] {
        let answer = ann.raw(format!("{head}{lines}\r\n{body}").as_bytes());
        let seen = statuses(&answer);
        assert!(seen.len() <= 1 && !answer.contains("HTTP/1.1 200"), "{name}: {answer}");
        assert_eq!(ann.get("/api/user").status, 200, "{name}: the smuggled request was carried out");
    }
    let get = "GET /api/health HTTP/1.1\r\nHost: x\r\n\r\n";
    assert_eq!(statuses(&ann.raw(get.repeat(50).as_bytes())).len(), 50);
    let last = "GET /api/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    assert_eq!(statuses(&ann.raw(format!("{get}{last}{smuggled}").as_bytes())), ["200", "200"]);
    ann.get("/api/user").expect(200);
}

#[test]
fn h5_h6_h7_heads_that_are_too_long_or_odd() {
    let server = Server::start();
    let anon = server.anon();
    let get = |line: &str, lines: &str| anon.raw(format!("{line}\r\n{lines}\r\n").as_bytes());
    let many: String = (0..101).map(|i| format!("X-{i}: a\r\n")).collect();
    let long = "x".repeat(9 << 10);
    let huge = format!("X: {}\r\n", "x".repeat(300 << 10));
    for (line, lines, status) in [
        ("GET /api/health HTTP/1.1", format!("Host: x\r\n{many}").as_str(), "431"),
        ("GET /api/health HTTP/1.1", format!("Host: x\r\n{huge}").as_str(), "431"),
        (&format!("GET /api/health?{long} HTTP/1.1"), "Host: x\r\n", "414"),
        (&format!("GET /{} HTTP/1.1", long.repeat(8)), "Host: x\r\n", "414"),
        ("GET /api/health HTTP/1.1", "", "400"),
        ("GET /api/health HTTP/1.1", "Host: a\r\nHost: b\r\n", "400"),
        ("GET /api/health HTTP/1.1", "Host: evil.example\r\n", "200"),
        ("GET http://evil.example/api/health HTTP/1.1", "Host: x\r\n", "200"),
        ("OPTIONS * HTTP/1.1", "Host: x\r\n", "404"),
        ("GET /api/health HTTP/1.1", "Host: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n", "200"),
        ("GET /api/health HTTP/3.0", "Host: x\r\n", "400"),
    ] {
        let answer = get(line, lines);
        assert_eq!(
            answer.split(' ').nth(1),
            Some(status),
            "{}: {answer}",
            &format!("{line} {lines}")[..60.min(line.len() + lines.len())]
        );
        assert!(!answer.contains("evil.example"), "nothing comes of a Host header: {answer}");
    }
    // Before HTTP/1.1 there was no Host header; some health checks still are of that time.
    for lines in ["", "Host: x\r\n"] {
        let answer = get("GET /api/health HTTP/1.0", lines);
        assert!(answer.starts_with("HTTP/1.0 200") || answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    for bytes in [
        &b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"[..],
        b"\x16\x03\x01\x02\0\x01\0\x01\xFC\x03\x03",
        b"GET /api/health\r\n\r\n",
        b"\0\0\0\0\r\n\r\n",
    ] {
        let answer = anon.raw(bytes);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{answer}");
    }
    anon.get("/api/health").expect(200);
}

/// One test for all that waits, so that the waiting is done once.
#[test]
fn h1_who_does_not_finish_a_head_is_closed_after_fifteen_seconds() {
    let server = Server::start();
    let anon = server.anon();
    let send = |bytes: &[u8]| {
        let mut stream = anon.connect();
        stream.write_all(bytes).unwrap();
        stream
    };
    let mut kept_alive = send(b"GET /api/health HTTP/1.1\r\nHost: x\r\n\r\n");
    let mut answer = [0; 4096];
    assert!(kept_alive.read(&mut answer).unwrap() > 0);
    let mut held: Vec<TcpStream> =
        vec![kept_alive, send(b""), send(b"GET /api/he"), send(b"GET / HTTP/1.1\r\nHost: x\r\nX-")];
    held.extend((0..50).map(|i| send(&b"POST /api/login HTTP/1.1\r\nHost"[..20 + i % 10])));
    let mut dripping = send(b"GET / HTTP/1.1\r\n");
    let mut dripped = dripping.try_clone().unwrap();
    let began = Instant::now();
    std::thread::scope(|scope| {
        // A byte now and then does not buy more time: the limit is for the whole head.
        scope.spawn(move || {
            while began.elapsed() < Duration::from_secs(25) && dripped.write_all(b"X").is_ok() {
                std::thread::sleep(Duration::from_millis(250));
            }
        });
        anon.get("/api/health").expect(200);
        for stream in held.iter_mut().chain([&mut dripping]) {
            stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            let mut rest = Vec::new();
            let closed = stream.read_to_end(&mut rest);
            assert!(closed.is_ok() || closed.is_err_and(|e| e.kind() == std::io::ErrorKind::ConnectionReset));
        }
    });
    let took = began.elapsed();
    assert!((Duration::from_secs(13)..Duration::from_secs(20)).contains(&took), "{took:?}");
    anon.get("/api/health").expect(200);
}

#[test]
fn h1_who_does_not_finish_a_body_is_told_so_after_thirty_seconds() {
    let server = Server::start();
    let anon = server.anon();
    let began = Instant::now();
    let head = b"POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{";
    let mut held: Vec<TcpStream> = (0..50).map(|_| anon.connect()).collect();
    for stream in &mut held {
        stream.write_all(head).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(50))).unwrap();
    }
    let mut dripped = held[0].try_clone().unwrap();
    std::thread::scope(|scope| {
        // A byte now and then does not buy more time.
        scope.spawn(move || {
            while began.elapsed() < Duration::from_secs(45) && dripped.write_all(b" ").is_ok() {
                std::thread::sleep(Duration::from_millis(500));
            }
        });
        for stream in &mut held {
            anon.get("/api/health").expect(200);
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer);
            let answer = String::from_utf8_lossy(&answer);
            assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("request_timeout"), "{answer}");
        }
    });
    let took = began.elapsed();
    assert!((Duration::from_secs(28)..Duration::from_secs(45)).contains(&took), "{took:?}");
}

#[test]
fn h2_one_connection_too_many_is_closed_at_once() {
    let server = Server::with(|config| config.server.max_connections = 5);
    let anon = server.anon();
    let ask = |stream: &mut TcpStream| {
        let _ = stream.write_all(b"GET /api/health HTTP/1.1\r\nHost: x\r\n\r\n");
        let mut answer = [0; 4096];
        stream.read(&mut answer).map_or(0, |count| usize::from(answer[..count].starts_with(b"HTTP/1.1 200")))
    };
    let mut held: Vec<TcpStream> = (0..5).map(|_| anon.connect()).collect();
    assert_eq!(held.iter_mut().map(ask).sum::<usize>(), 5);
    let mut more: Vec<TcpStream> = (0..10).map(|_| anon.connect()).collect();
    assert_eq!(more.iter_mut().map(ask).sum::<usize>(), 0);
    drop((held, more));
    // A place is free once the server has noticed; until then a connection is closed without an answer.
    let deadline = Instant::now() + Duration::from_secs(10);
    while ask(&mut anon.connect()) == 0 {
        assert!(Instant::now() < deadline, "no place was freed");
    }
}

#[test]
fn u11_a_body_is_asked_for_only_from_those_who_may_send_it() {
    let server = Server::start();
    let ann = server.user("ann");
    let head = |path: &str, token: &str, length: usize| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\nExpect: 100-continue\r\n\r\n"
        )
    };
    let stranger = ann.raw(head("/api/chat", "x", 20).as_bytes());
    assert!(stranger.starts_with("HTTP/1.1 401"), "{stranger}");
    let wrong = ann.raw(head("/api/nothing", ann.token.as_deref().unwrap(), 20).as_bytes());
    assert!(wrong.starts_with("HTTP/1.1 404"), "{wrong}");
    let mut stream = ann.connect();
    let body = br#"{"message":"hi"}"#;
    stream.write_all(head("/api/chat", ann.token.as_deref().unwrap(), body.len()).as_bytes()).unwrap();
    let mut answer = vec![0; 25];
    stream.read_exact(&mut answer).unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 100"), "{}", String::from_utf8_lossy(&answer));
    stream.write_all(body).unwrap();
    let mut rest = [0; 4096];
    let count = stream.read(&mut rest).unwrap();
    assert!(rest[..count].starts_with(b"HTTP/1.1 200"));
}
