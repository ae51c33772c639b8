//! Who may call what: every route of the table, without a login, as somebody else, with another method.

use crate::support::{Client, Server, exports};
use gpt_assistant::http::route::{Access, Verb};
use gpt_assistant::http::routes;
use serde_json::json;

fn call(client: &Client, verb: Verb, path: &str) -> crate::support::Reply {
    client.send(verb.as_str(), path, (verb != Verb::Get).then_some("application/json"), b"{}")
}

#[test]
fn a10_every_protected_route_wants_a_login() {
    let server = Server::start();
    for route in routes().filter(|route| route.access != Access::Public) {
        let path = route.path.replace("{id}", "1");
        for client in [server.anon(), server.anon().with_token("garbage"), server.anon().with_token("a.b.c")]
        {
            let reply = call(&client, route.verb, &path);
            assert_eq!(reply.header("www-authenticate"), Some("Bearer"), "{path}");
            reply.fails(401, "unauthenticated");
        }
    }
}

#[test]
fn i11_every_route_says_which_methods_it_has() {
    let server = Server::start();
    let client = server.user("ann");
    for route in routes() {
        let path = route.path.replace("{id}", "1");
        let verbs: Vec<&str> = routes().filter(|r| r.path == route.path).map(|r| r.verb.as_str()).collect();
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "FOO"] {
            if verbs.contains(&method) {
                continue;
            }
            let reply = client.send(method, &path, None, b"");
            let allow = reply.header("allow").unwrap_or_default().to_owned();
            assert!(
                verbs.iter().all(|verb| allow.contains(verb)) && !allow.contains(method),
                "{method} {path}: {allow}"
            );
            reply.fails(405, "method_not_allowed");
        }
        let options = client.send("OPTIONS", &path, None, b"").expect(204);
        assert!(options.header("allow").is_some() && options.header("access-control-allow-origin").is_none());
    }
}

#[test]
fn z1_z2_what_belongs_to_others_is_as_if_it_were_not_there() {
    let server = Server::start();
    let (ann, bob) = (server.user("ann"), server.user("bob"));
    let chat = ann.chat("a secret of Ann");
    let (turn, conversation) = (chat["id"].as_i64().unwrap(), chat["conversation_id"].as_i64().unwrap());
    assert_eq!((turn, conversation), (1, 1));
    let import =
        exports::send(&ann, b"[{\"messages\":[{\"role\":\"user\",\"content\":\"q\"}]}]").expect(202).json();
    assert_eq!(import["id"], 1);
    assert_eq!(
        ann.post("/api/prompts", &json!({"name": "mine", "text": "of Ann"})).expect(200).json()["id"],
        1
    );
    let file = ann.upload("/api/files", "file", "a.txt", "text/plain", b"of Ann").expect(200).json();
    assert_eq!(file["id"], 1);
    for route in routes().filter(|route| route.access == Access::User && route.path.contains("{id}")) {
        let own = call(&bob, route.verb, &route.path.replace("{id}", "1"));
        let missing = call(&bob, route.verb, &route.path.replace("{id}", "999999"));
        let strip = |reply: &crate::support::Reply| {
            let mut body = reply.json();
            body["request_id"] = json!(null);
            (reply.status, body)
        };
        assert_eq!(strip(&own), strip(&missing), "{} {}", route.verb.as_str(), route.path);
        missing.fails(404, "not_found");
    }
    for path in ["/api/chat/history", "/api/conversations", "/api/search?q=secret", "/api/stat/token-usage"] {
        assert!(!bob.get(path).expect(200).text().contains("Ann"), "{path}");
    }
    let untouched = ann.get("/api/chat/1").expect(200).json();
    assert_eq!(untouched["prompt"], "a secret of Ann");
    assert_eq!(ann.get("/api/conversations").expect(200).json()["conversations"][0]["deleted"], json!(null));
    assert_eq!(ann.get("/api/prompts").expect(200).json()["prompts"][0]["name"], "mine");
    assert_eq!(ann.get("/api/files/1").expect(200).body, b"of Ann");
}

#[test]
fn z5_only_administrators_administrate() {
    let server = Server::start();
    let (_admin, bob) = (server.user("ann"), server.user("bob"));
    let admin_routes: Vec<_> = routes().filter(|route| route.access == Access::Admin).collect();
    assert!(admin_routes.len() > 10);
    for route in admin_routes {
        call(&bob, route.verb, &route.path.replace("{id}", "1")).fails(403, "forbidden");
    }
}

/// A browser adds cookies, and lets any page send a form; it adds no `Authorization` header. So no page of others can do
/// anything in somebody's name, and reading changes nothing.
#[test]
fn w10_what_a_foreign_page_can_send_is_nobodys() {
    let server = Server::start();
    let ann = server.user("ann");
    let token = ann.token.clone().unwrap();
    let login = server.anon().login("ann@example.org", "secret1").expect(200);
    assert_eq!(login.header("set-cookie"), None);
    let foreign = server
        .anon()
        .with_header("Origin", "https://evil.example")
        .with_header("Cookie", &format!("token={token}; session={token}; Authorization=Bearer {token}"));
    for route in routes().filter(|route| route.access != Access::Public) {
        let path = route.path.replace("{id}", "1");
        for media_type in
            ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=b"]
        {
            let body = format!("token={token}&{{\"title\":\"evil\"}}");
            let reply = foreign.send(route.verb.as_str(), &path, Some(media_type), body.as_bytes());
            assert_eq!(reply.header("access-control-allow-origin"), None, "{path}");
            assert_eq!(reply.header("set-cookie"), None, "{path}");
            reply.fails(401, "unauthenticated");
        }
    }
    // Whatever is read, nothing of it changes what is there.
    let chat = ann.chat("hi")["id"].clone();
    let state = || {
        let paths = ["/api/user".to_owned(), format!("/api/chat/{chat}"), "/api/conversations".to_owned()];
        paths.map(|path| ann.get(&path).expect(200).text())
    };
    let before = state();
    for route in routes().filter(|route| route.verb == Verb::Get && !route.path.contains("backup")) {
        ann.get(&route.path.replace("{id}", "1"));
    }
    assert_eq!(before, state());
}
