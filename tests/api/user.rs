//! `/api/user`: the account as its owner sees it, changes it and ends it.

use crate::support::upstream::Step;
use crate::support::{Client, Reply, Server};
use gpt_assistant::config::Config;
use serde_json::{Value, json};

fn delete(client: &Client, body: &Value) -> Reply {
    client.send("DELETE", "/api/user", Some("application/json"), body.to_string().as_bytes())
}

#[test]
fn a27_the_account_holds_what_the_reference_lists_and_no_more() {
    let server = Server::start();
    let ann = server.user("ann");
    let reply = ann.get("/api/user").expect(200);
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let user = reply.json();
    let mut names: Vec<&str> = user.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    let listed = [
        "announcement",
        "api_key",
        "avatar",
        "caps",
        "created",
        "created_at",
        "default_model",
        "email",
        "has_api_key",
        "id",
        "locale",
        "name",
        "role",
        "system_prompt",
        "totp",
    ];
    assert_eq!(names, listed);
    assert_eq!(user["caps"], json!({"paid_by": "shared", "day": null, "month": null}));
    let (stamp, seconds) = (user["created_at"].as_str().unwrap(), user["created"].as_i64().unwrap());
    assert_eq!(stamp, gpt_assistant::calendar::Zone::utc().stamp(seconds));
    let shanghai = ann.get("/api/user?tz=Asia/Shanghai").expect(200).json();
    assert_eq!(
        shanghai["created_at"],
        gpt_assistant::calendar::zone("Asia/Shanghai").unwrap().stamp(seconds)
    );
    ann.get("/api/user?tz=Mars/X").names(&["tz"]);
}

#[test]
fn who_pays_is_said() {
    let server = Server::with(|config: &mut Config| config.upstream.api_key = Default::default());
    let ann = server.user("ann");
    let paid_by = || ann.get("/api/user").expect(200).json()["caps"]["paid_by"].clone();
    assert_eq!(paid_by(), json!(null));
    ann.post("/api/chat", &json!({"message": "hi"})).fails(400, "api_key_missing");
    ann.post("/api/user/api-key", &json!({"api_key": "sk-own"})).expect(200);
    assert_eq!(paid_by(), json!("own"));
    ann.delete("/api/user/api-key").expect(200);
    assert_eq!(paid_by(), json!(null));
}

#[test]
fn a_cap_is_told_and_kept() {
    let server = Server::with(|config: &mut Config| {
        (config.limits.shared_tokens_per_day, config.limits.shared_tokens_per_month) = (12, 1000);
    });
    let ann = server.user("ann");
    server.now.store(1_777_732_200, std::sync::atomic::Ordering::SeqCst); // 2026-05-02 14:30:00 UTC
    let ann = {
        let again = server.anon().login("ann@example.org", "secret1").expect(200).json();
        drop(ann);
        server.anon().with_token(again["token"].as_str().unwrap())
    };
    ann.chat("hi");
    let caps = ann.get("/api/user").expect(200).json()["caps"].clone();
    assert_eq!(caps["day"], json!({"used": 12, "limit": 12, "resets": 1_777_766_400}));
    assert_eq!(caps["month"], json!({"used": 12, "limit": 1000, "resets": 1_780_272_000}));
    let over = ann.post("/api/chat", &json!({"message": "hi"}));
    assert_eq!(over.header("retry-after"), Some("34200"));
    over.fails(429, "cap_reached");
    server.pass(34_200);
    ann.chat("a new day");
}

#[test]
fn a26_a_change_touches_what_it_names() {
    let server = Server::start();
    let (ann, bob) = (server.user("ann"), server.user("bob"));
    let before = bob.get("/api/user").json();
    let more = json!({
        "name": " Bob 鲍勃 ", "id": 1, "role": "admin", "email": "ann@example.org", "api_key": "sk-x", "avatar": "/x.png",
        "created_at": "1999", "disabled_at": 1, "cap_day": 0, "password": "hacked1", "user_id": 1,
    });
    let changed = bob.patch("/api/user", &more).expect(200).json();
    let mut wanted = before;
    wanted["name"] = json!("Bob 鲍勃");
    assert_eq!(changed, wanted);
    assert_eq!(ann.get("/api/user").json()["name"], "Ann");
    server.anon().login("bob@example.org", "secret1").expect(200);

    let all = json!({"locale": "zh-CN", "default_model": "openai/gpt-4o", "system_prompt": "Be brief."});
    let changed = bob.patch("/api/user", &all).expect(200).json();
    for (name, value) in all.as_object().unwrap() {
        assert_eq!(&changed[name], value);
    }
    let emptied = bob.patch("/api/user", &json!({"locale": null, "system_prompt": null})).expect(200).json();
    assert_eq!((&emptied["locale"], &emptied["system_prompt"]), (&json!(null), &json!(null)));
    assert_eq!(emptied["default_model"], "openai/gpt-4o");
}

#[test]
fn each_faulty_change_is_named_and_nothing_is_changed() {
    let server = Server::start();
    let ann = server.user("ann");
    let before = ann.get("/api/user").json();
    for (body, named) in [
        (json!({"name": ""}), vec!["name"]),
        (json!({"name": "n".repeat(256)}), vec!["name"]),
        (json!({"name": "a\u{7}b", "locale": "en"}), vec!["name"]),
        (json!({"locale": "fr"}), vec!["locale"]),
        (json!({"default_model": "a b"}), vec!["default_model"]),
        (json!({"default_model": "../../x"}), vec!["default_model"]),
        (json!({"default_model": "模型"}), vec!["default_model"]),
        (json!({"system_prompt": "x".repeat(32_001)}), vec!["system_prompt"]),
        (json!({"system_prompt": "a\u{0}b"}), vec!["system_prompt"]),
        (json!({"name": "", "locale": "fr"}), vec!["locale", "name"]),
    ] {
        ann.patch("/api/user", &body).names(&named);
    }
    assert_eq!(ann.get("/api/user").json(), before);
    let edge =
        ann.patch("/api/user", &json!({"name": "名".repeat(255), "system_prompt": "🙂".repeat(32_000)}));
    assert_eq!(edge.expect(200).json()["name"], "名".repeat(255));
}

#[test]
fn i15_names_are_kept_as_they_were_written() {
    let server = Server::start();
    let ann = server.user("ann");
    for name in [
        "مرحبا",
        "é e\u{301}",
        "<b>&amp;</b>",
        "a\u{202E}b",
        "👩‍👩‍👧",
        "'; DROP TABLE users; --",
        "${HOME} {{api_key}}",
    ] {
        assert_eq!(ann.patch("/api/user", &json!({"name": name})).expect(200).json()["name"], name);
        assert_eq!(ann.get("/api/user").expect(200).json()["name"], name);
    }
}

#[test]
fn an_account_goes_with_everything_it_owns() {
    let server = Server::start();
    let (admin, bob) = (server.user("admin"), server.user("bob"));
    bob.post("/api/user/api-key", &json!({"api_key": "sk-of-bob-0000000000000000"})).expect(200);
    bob.chat("zebras of bob");
    delete(&bob, &json!({})).names(&["password"]);
    delete(&bob, &json!({"password": "wrong"})).names(&["password"]);
    bob.get("/api/user").expect(200);
    delete(&bob, &json!({"password": "secret1"})).expect(200);
    bob.get("/api/user").fails(401, "unauthenticated");
    server.anon().login("bob@example.org", "secret1").fails(401, "invalid_credentials");
    let again = server.user("bob");
    assert_eq!(again.get("/api/chat/history").expect(200).json(), json!([]));
    assert_eq!(again.get("/api/stat/token-usage").expect(200).json()["total"], 0);
    assert_eq!(again.get("/api/search?q=zebras").expect(200).json()["results"], json!([]));
    assert_eq!(admin.get("/api/user").json()["role"], "admin");
}

#[test]
fn z5_the_last_administrator_stays_and_what_he_runs_goes_on() {
    let server = Server::start();
    let (admin, bob) = (server.user("admin"), server.user("bob"));
    let gate = crate::support::upstream::Gate::default();
    let events = crate::support::upstream::stream_of(&[crate::support::upstream::delta("so far")]);
    let rest = [crate::support::upstream::stop(), crate::support::upstream::done()].concat().into_bytes();
    server.upstream.script(vec![Step::Send(events), Step::Wait(gate.clone()), Step::Send(rest)]);
    let mut stream = admin.stream(&json!({"message": "hi"}));
    stream.until("delta");
    delete(&admin, &json!({"password": "secret1"})).fails(400, "last_admin");
    gate.open();
    assert_eq!(stream.until("done").data["status"], "complete");
    delete(&bob, &json!({"password": "secret1"})).expect(200);
    delete(&admin, &json!({"password": "secret1"})).expect(200);
    assert_eq!(server.user("next").get("/api/user").json()["role"], "admin", "the server is empty again");
}
