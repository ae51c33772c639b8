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
fn z1_what_belongs_to_others_is_as_if_it_were_not_there() {
    let server = Server::start();
    let (ann, bob) = (server.user("ann"), server.user("bob"));
    let chat = ann.chat("a secret of Ann");
    let (turn, conversation) = (chat["id"].as_i64().unwrap(), chat["conversation_id"].as_i64().unwrap());
    assert_eq!((turn, conversation), (1, 1));
    let import =
        exports::send(&ann, b"[{\"messages\":[{\"role\":\"user\",\"content\":\"q\"}]}]").expect(202).json();
    assert_eq!(import["id"], 1);
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
