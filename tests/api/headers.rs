//! What stands on every reply, and what of it depends on the configuration: other origins, a base path, a public address.

use crate::support::client::Reply;
use crate::support::{Client, Server};
use gpt_assistant::http::route::{Access, Verb};
use gpt_assistant::http::routes;
use serde_json::{Value, json};

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
    for path in [
        "/",
        "/login",
        "/chat/7",
        "/service-worker.js",
        "/manifest.webmanifest",
        "/nothing",
        "/assets/x",
        "/avatars/x",
    ] {
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
        // What the script in it writes so is its own.
        let page = below.get(path).expect(200).text().replace("${base}", "");
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
    // The build is that of the page, which names it where it loads itself from.
    let build = health["build"].as_str().unwrap();
    assert!(build.len() == 12 && build.bytes().all(|byte| byte.is_ascii_hexdigit()), "{build}");
    assert!(server.anon().get("/").expect(200).text().contains(&format!("/{build}/")));
    assert_eq!(health, json!({"status": "ok", "version": env!("CARGO_PKG_VERSION"), "build": build}));
    assert_eq!(health["version"], reference["info"]["version"]);
    let public: Vec<&str> =
        routes().filter(|route| route.access == Access::Public).map(|route| route.path).collect();
    assert_eq!(public, ["/api/register", "/api/login", "/api/health", "/api/entrance", "/api/openapi.json"]);
    assert!(matches!(reference["openapi"], Value::String(_)));
}

#[test]
fn h11_compiled_in_files_and_nothing_else() {
    let server = Server::start();
    let anon = server.anon();
    let page = anon.get("/").expect(200).text();
    let path = page.split('"').find(|part| part.ends_with("/css/page.css")).expect("the page's style sheet");
    let file = anon.get(path).expect(200);
    assert!(file.header("cache-control").unwrap().contains("immutable"), "{:?}", file.headers);
    let tag = file.header("etag").unwrap();
    for same in [tag.to_owned(), format!("\"other\", {tag}"), format!("W/{tag}"), "*".into()] {
        let again = anon.with_header("If-None-Match", &same).get(path);
        // A list and a star are rare enough to be answered in full; what is not changed is never told wrongly.
        assert!(again.status == 304 || again.body == file.body, "{same}: {}", again.status);
    }
    assert_eq!(anon.with_header("If-None-Match", tag).get(path).expect(304).body, b"");
    anon.with_header("If-None-Match", "\"other\"").get(path).expect(200);
    // A range may be answered in full (RFC 9110, 14.2), and is never answered with something else.
    for range in
        ["bytes=0-9", "bytes=5-", "bytes=-1", "bytes=9-1", "bytes=0-0,2-3", "bytes=99999999-", "lines=1"]
    {
        let part = anon.with_header("Range", range).get(path);
        assert!(part.status == 200 && part.body == file.body, "{range}: {}", part.status);
    }
    let packed = anon.with_header("Accept-Encoding", "gzip").get(path).expect(200);
    assert!(packed.header("vary").unwrap().to_ascii_lowercase().contains("accept-encoding"));
    let (folder, name) = path.rsplit_once('/').unwrap();
    let hash = path.trim_start_matches("/assets/").split('/').next().unwrap();
    for other in [
        format!("{path}.map"),
        format!("{path}/"),
        format!("{folder}/../{name}"),
        format!("{folder}/%2e%2e/{name}"),
        format!("{folder}/..%2f{name}"),
        format!("{folder}/..%5c{name}"),
        format!("{folder}//{name}"),
        format!("{path}%00"),
        path.replace(hash, "000000000000"),
        format!("/assets/{hash}/../../Cargo.toml"),
        format!("/assets/{hash}"),
        format!("/assets/{hash}/"),
    ] {
        let head = format!("GET {other} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let answer = anon.raw(head.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 404"), "{other}: {}", &answer[..answer.len().min(200)]);
    }
}
