//! HTTP itself: what stands on every reply, and what comes of requests that no browser sends.

use crate::support::client::Reply;
use crate::support::{Client, Server};
use gpt_assistant::http::route::{Access, Verb};
use gpt_assistant::http::routes;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

const EVERYWHERE: [(&str, &str); 4] = [
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
];

/// What every reply has, whatever it is a reply to.
#[track_caller]
fn is_dressed(reply: &Reply, what: &str) {
    for (name, value) in EVERYWHERE {
        assert_eq!(reply.header(name), Some(value), "{what}");
    }
    assert!(
        reply.header("content-security-policy").is_some_and(|csp| csp.contains("frame-ancestors 'none'")),
        "{what}"
    );
    assert!(reply.header("x-request-id").is_some_and(|id| id.len() >= 8), "{what}");
    assert!(reply.header("cache-control").is_some(), "{what}");
    for name in
        ["access-control-allow-origin", "set-cookie", "server", "x-powered-by", "strict-transport-security"]
    {
        assert_eq!(reply.header(name), None, "{name} on {what}");
    }
}

fn statuses(answer: &str) -> Vec<&str> {
    answer.split("HTTP/1.1 ").skip(1).map(|rest| &rest[..3]).collect()
}

#[test]
fn every_reply_has_its_headers() {
    let server = Server::start();
    let ann = server.user("ann");
    for route in routes() {
        let path = route.path.replace("{id}", "1");
        let body = (route.verb != Verb::Get).then_some("application/json");
        for client in [server.anon(), ann.clone()] {
            let reply = client.send(route.verb.as_str(), &path, body, b"[]");
            is_dressed(&reply, &path);
            assert_eq!(reply.header("cache-control"), Some("no-store"), "{path}");
            if reply.status >= 400 {
                assert_eq!(reply.header("content-type"), Some("application/json"), "{path}");
                assert!(reply.json()["error"].is_string(), "{path}");
            }
        }
    }
    for path in ["/", "/login", "/chat/7", "/nothing", "/assets/x", "/avatars/x"] {
        is_dressed(&ann.get(path), path);
        is_dressed(&ann.send("OPTIONS", path, None, b""), path);
    }
    let ids: std::collections::HashSet<String> =
        (0..20).map(|_| ann.get("/api/health").header("x-request-id").unwrap().to_owned()).collect();
    assert_eq!(ids.len(), 20, "each request has a number of its own");
}

#[test]
fn i11_head_is_get_without_the_body() {
    let server = Server::start();
    let ann = server.user("ann");
    ann.chat("hi");
    let gets = routes().filter(|route| route.verb == Verb::Get).map(|route| route.path.replace("{id}", "1"));
    for path in gets.chain(["/", "/login", "/chat/1", "/nothing"].map(str::to_owned)) {
        let (get, head) = (ann.get(&path), ann.send("HEAD", &path, None, b""));
        assert_eq!((get.status, head.body.len()), (head.status, 0), "{path}");
        let names = |reply: &Reply| {
            let mut names: Vec<String> = reply.headers.iter().map(|(name, _)| name.clone()).collect();
            names.retain(|name| name != "transfer-encoding" && name != "content-length");
            names.sort_unstable();
            names
        };
        assert_eq!(names(&get), names(&head), "{path}");
        assert_eq!(get.header("content-type"), head.header("content-type"), "{path}");
    }
    ann.send("HEAD", "/api/login", None, b"").expect(405);
}

#[test]
fn i11_only_reading_of_pages() {
    let server = Server::start();
    for (path, method) in [("/", "POST"), ("/login", "PUT"), ("/chat", "DELETE"), ("/settings", "OPTIONS")] {
        let reply = server.anon().send(method, path, None, b"");
        assert_eq!(reply.header("allow"), Some("GET, HEAD"), "{path}");
        reply.fails(405, "method_not_allowed");
    }
    server.anon().send("OPTIONS", "/api/nothing", None, b"").fails(404, "not_found");
    let answer = server.anon().raw(b"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 405"), "{answer}");
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

#[test]
fn h13_no_other_origin_may_read_unless_it_is_listed() {
    let with = |client: Client, origin: &str| client.with_header("Origin", origin);
    let server = Server::start();
    let ann = server.user("ann");
    for origin in ["https://evil.example", "null", &server.base] {
        is_dressed(&with(ann.clone(), origin).get("/api/user").expect(200), origin);
        let preflight = with(server.anon(), origin).with_header("Access-Control-Request-Method", "POST");
        is_dressed(&preflight.send("OPTIONS", "/api/chat", None, b"").expect(204), origin);
    }
    let server = Server::with(|config| config.server.cors_origins = vec!["https://tools.example.org".into()]);
    let ann = server.user("ann");
    let good = with(ann.clone(), "https://tools.example.org");
    for reply in [
        good.get("/api/user").expect(200),
        good.get("/api/nothing"),
        good.with_token("x").get("/api/user").expect(401),
    ] {
        assert_eq!(reply.header("access-control-allow-origin"), Some("https://tools.example.org"));
        assert_eq!(reply.header("access-control-allow-credentials"), None);
        assert!(reply.headers.iter().any(|(name, value)| name == "vary" && value.contains("origin")));
    }
    let preflight = good.send("OPTIONS", "/api/chat", None, b"").expect(204);
    assert!(preflight.header("access-control-allow-methods").is_some_and(|methods| methods.contains("POST")));
    assert!(
        preflight.header("access-control-allow-headers").is_some_and(|names| names.contains("authorization"))
    );
    for origin in [
        "https://evil.example",
        "null",
        "https://tools.example.org.evil.example",
        "http://tools.example.org",
        "https://TOOLS.example.org",
    ] {
        let reply = with(ann.clone(), origin).get("/api/user").expect(200);
        assert_eq!(reply.header("access-control-allow-origin"), None, "{origin}");
    }
}

#[test]
fn everything_below_a_base_path() {
    let server = Server::with(|config| config.server.base_path = "/gpt".into());
    let root = server.anon();
    for path in ["/", "/api/health", "/login", "/gptx/api/health", "/gpt2", "/GPT/api/health", "/avatars/x"] {
        root.get(path).fails(404, "not_found");
    }
    let mut below = root;
    below.base += "/gpt";
    below.get("/api/health").expect(200);
    for path in ["", "/", "/login", "/chat/1"] {
        let page = below.get(path).expect(200).text();
        assert!(!page.contains("{base}") && !page.contains("\"/assets/"), "{path}");
    }
    let ann = below.register("ann@example.org").expect(200).json();
    let ann = below.with_token(ann["token"].as_str().unwrap());
    let picture = crate::pictures::png(8, 8);
    let address = ann.upload("/api/user/avatar", "avatar", "a.png", "image/png", &picture).expect(200).json();
    let address = address["avatar"].as_str().unwrap();
    assert!(address.starts_with("/gpt/avatars/"), "{address}");
    Client::new(&server.base).get(address).expect(200);
    let reference = below.get("/api/openapi.json").expect(200).json();
    assert_eq!(reference["servers"][0]["url"], "/gpt");
}

#[test]
fn h6_absolute_addresses_come_of_the_configuration_alone() {
    let server = Server::with(|config| {
        config.server.public_url =
            Some(gpt_assistant::config::BaseUrl::parse("https://chat.example.org").unwrap());
        config.auth.setup_code = false;
    });
    let ann = server.user("ann").with_header("X-Forwarded-Host", "evil.example");
    let reply = ann
        .upload("/api/user/avatar", "avatar", "a.png", "image/png", &crate::pictures::png(8, 8))
        .expect(200);
    assert!(reply.json()["avatar"].as_str().unwrap().starts_with("https://chat.example.org/avatars/1_"));
    assert!(reply.header("strict-transport-security").is_some(), "the address that people use is https");
}

#[test]
fn h12_a_forwarded_scheme_is_believed_of_trusted_proxies_alone() {
    let hsts = |server: &Server| {
        let client = server.anon().with_header("X-Forwarded-Proto", "https");
        client.get("/api/health").expect(200).header("strict-transport-security").is_some()
    };
    assert!(!hsts(&Server::start()));
    let behind = Server::with(|config| config.server.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()]);
    assert!(hsts(&behind));
    assert_eq!(behind.anon().get("/api/health").header("strict-transport-security"), None);
}

#[test]
fn the_reference_lists_the_routes_that_there_are() {
    let server = Server::start();
    let reference = server.anon().get("/api/openapi.json").expect(200).json();
    let mut listed: Vec<String> = reference["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, verbs)| verbs.as_object().unwrap().keys().map(move |verb| format!("{verb} {path}")))
        .collect();
    let mut there: Vec<String> = routes()
        .map(|route| format!("{} {}", route.verb.as_str().to_ascii_lowercase(), route.path))
        .collect();
    listed.sort_unstable();
    there.sort_unstable();
    assert_eq!(listed, there);
    let health = server.anon().get("/api/health").expect(200).json();
    assert_eq!(health, json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")}));
    assert_eq!(health["version"], reference["info"]["version"]);
    let public: Vec<&str> =
        routes().filter(|route| route.access == Access::Public).map(|route| route.path).collect();
    assert_eq!(public, ["/api/register", "/api/login", "/api/health", "/api/entrance", "/api/openapi.json"]);
    assert!(matches!(reference["openapi"], Value::String(_)));
}
