//! `/api/user/api-key`: kept sealed, shown masked, sent to one place.

use crate::support::{Server, Upstream};
use gpt_assistant::config::BaseUrl;
use serde_json::json;

const KEY: &str = "sk-canary-abcdefghijklmnop-wxyz";

#[test]
fn a27_a_key_goes_in_and_only_its_mask_comes_out() {
    let server = Server::start();
    let ann = server.user("ann");
    let reply = ann.post("/api/user/api-key", &json!({"api_key": KEY})).expect(200);
    assert_eq!(reply.json(), json!({"message": "API key updated successfully"}));
    let user = ann.get("/api/user").expect(200).json();
    assert_eq!((&user["api_key"], &user["has_api_key"]), (&json!("sk-****wxyz"), &json!(true)));
    ann.chat("hi");
    let bearer = format!("Bearer {KEY}");
    assert_eq!(server.upstream.received().last().unwrap().header("authorization"), Some(bearer.as_str()));

    for mask in ["sk-****wxyz", " sk-****wxyz ", "\"sk-****wxyz\"", "Bearer sk-****wxyz", "sk-****"] {
        ann.post("/api/user/api-key", &json!({"api_key": mask})).names(&["api_key"]);
    }
    ann.chat("still the same key");
    assert_eq!(server.upstream.received().last().unwrap().header("authorization"), Some(bearer.as_str()));

    ann.delete("/api/user/api-key").expect(200);
    let user = ann.get("/api/user").expect(200).json();
    assert_eq!((&user["api_key"], &user["has_api_key"]), (&json!(null), &json!(false)));
    ann.delete("/api/user/api-key").expect(200);
}

#[test]
fn a_short_key_shows_nothing_of_itself() {
    let server = Server::start();
    let ann = server.user("ann");
    for (key, mask) in
        [("1234567890123456789", "sk-****"), ("12345678901234567890", "sk-****7890"), ("k", "sk-****")]
    {
        ann.post("/api/user/api-key", &json!({"api_key": key})).expect(200);
        assert_eq!(ann.get("/api/user").json()["api_key"], mask);
    }
}

#[test]
fn keys_are_taken_as_people_paste_them() {
    let server = Server::start();
    let ann = server.user("ann");
    for pasted in [
        KEY.to_owned(),
        format!("  {KEY}\n"),
        format!("\"{KEY}\""),
        format!("'{KEY}'"),
        format!("Bearer {KEY}"),
        format!("“bearer   {KEY}”\t"),
        format!("`{KEY}`"),
    ] {
        ann.post("/api/user/api-key", &json!({"api_key": pasted})).expect(200);
        ann.chat("hi");
        let sent = server.upstream.received().last().unwrap().header("authorization").unwrap().to_owned();
        assert_eq!(sent, format!("Bearer {KEY}"), "{pasted:?}");
    }
}

#[test]
fn i8_what_is_no_key_changes_nothing_and_reaches_no_header() {
    let server = Server::start();
    let ann = server.user("ann");
    ann.post("/api/user/api-key", &json!({"api_key": KEY})).expect(200);
    ann.post("/api/user/api-key", &json!({})).names(&["api_key"]);
    for bad in [
        json!(null),
        json!(""),
        json!("   "),
        json!("\"\""),
        json!("Bearer "),
        json!("two words"),
        json!("sk-1\r\nX-Evil: 1"),
        json!("sk-1\nsk-2"),
        json!("sk-\u{0}"),
        json!("sk-\u{7f}"),
        json!("密钥密钥"),
        json!("sk-é"),
        json!("k".repeat(301)),
        json!(7),
        json!([KEY]),
    ] {
        ann.post("/api/user/api-key", &json!({"api_key": bad})).names(&["api_key"]);
    }
    ann.post("/api/user/api-key", &json!({"api_key": "k".repeat(300)})).expect(200);
    ann.post("/api/user/api-key", &json!({"api_key": KEY})).expect(200);
    ann.chat("hi");
    for request in server.upstream.received() {
        assert_eq!(request.header("authorization"), Some(format!("Bearer {KEY}").as_str()));
        assert!(!request.head.contains("X-Evil"), "{}", request.head);
    }
}

#[test]
fn p16_a_key_is_never_sent_to_another_origin_than_it_was_saved_for() {
    let mut server = Server::start();
    let token = {
        let ann = server.user("ann");
        ann.post("/api/user/api-key", &json!({"api_key": KEY})).expect(200);
        ann.token.clone().unwrap()
    };
    let (first, other) = (server.upstream.clone(), Upstream::start());
    server.restart(|config| config.upstream.base_url = BaseUrl::parse_api(&other.url()).unwrap());
    let ann = server.anon().with_token(&token);
    let user = ann.get("/api/user").expect(200).json();
    assert_eq!((&user["has_api_key"], &user["caps"]["paid_by"]), (&json!(false), &json!("shared")));
    ann.chat("hi");
    ann.get("/api/models").expect(200);
    for request in other.received() {
        assert!(!request.head.contains(KEY), "{}", request.head);
    }
    assert_eq!(other.received().len(), 2);
    server.restart(|config| {
        config.upstream.base_url = BaseUrl::parse_api(&format!("{}/v2", first.url())).unwrap();
    });
    let ann = server.anon().with_token(&token);
    assert_eq!(ann.get("/api/user").expect(200).json()["has_api_key"], true, "the path is not the origin");
    ann.chat("hi");
    assert!(first.received().last().unwrap().head.contains(KEY));
}

#[test]
fn a_check_stores_nothing() {
    let server = Server::start();
    let ann = server.user("ann");
    let check = |body: serde_json::Value| ann.post("/api/user/api-key/check", &body);
    assert_eq!(
        check(json!({"api_key": KEY})).expect(200).json(),
        json!({"ok": true, "code": null, "error": null})
    );
    assert_eq!(
        server.upstream.received().last().unwrap().header("authorization"),
        Some(format!("Bearer {KEY}").as_str())
    );
    assert_eq!(ann.get("/api/user").json()["has_api_key"], false);
    check(json!({"api_key": ""})).names(&["api_key"]);
    check(json!({"api_key": "sk-****wxyz"})).names(&["api_key"]);
    server.upstream.answers(
        401,
        "",
        r#"{"error":{"message":"Incorrect API key provided: sk-canary-abcdefghijklmnop-wxyz"}}"#,
    );
    let reply = check(json!({"api_key": KEY})).expect(200);
    assert!(!reply.text().contains("abcdefgh"), "{}", reply.text());
    assert_eq!(
        (&reply.json()["ok"], &reply.json()["code"]),
        (&json!(false), &json!("upstream_key_rejected"))
    );
}

#[test]
fn g1_a_sealed_key_lies_nowhere_in_the_clear() {
    let mut server = Server::start();
    {
        let ann = server.user("ann");
        ann.post("/api/user/api-key", &json!({"api_key": KEY})).expect(200);
        ann.chat("hi");
    }
    let look = |server: &Server| {
        for (path, bytes) in server.bytes_on_disk() {
            for secret in [KEY, "secret1", "sk-shared-canary", "abcdefghijklmnop"] {
                let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
                assert!(!found, "{secret} in {path}");
            }
        }
    };
    look(&server);
    server.stop();
    look(&server);
}
