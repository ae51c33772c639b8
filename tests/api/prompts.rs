//! Prompts of one's own: kept by name, and not without end.

use crate::support::{Client, Server};
use serde_json::{Value, json};

fn all(client: &Client) -> Vec<Value> {
    client.get("/api/prompts").expect(200).json()["prompts"].as_array().unwrap().clone()
}

#[test]
fn kept_changed_and_deleted_by_name() {
    let server = Server::start();
    let (ann, bob) = (server.user("ann"), server.user("bob"));
    let make = |name: &str, text: &str| ann.post("/api/prompts", &json!({"name": name, "text": text}));
    let second = make(" 翻译 ", "Translate: {{text}}").expect(200).json();
    let first = make("Brief", "Be brief.").expect(200).json();
    assert_eq!(second["name"], "翻译", "blanks around it are taken off");
    assert_eq!(all(&ann), [first.clone(), second.clone()]);
    make("Brief", "Another.").names(&["name"]);
    make("", " ").names(&["name", "text"]);
    make("two\nlines", "x").names(&["name"]);
    let path = format!("/api/prompts/{}", first["id"]);
    ann.patch(&path, &json!({"name": "翻译"})).names(&["name"]);
    let changed = ann.patch(&path, &json!({"text": "Be very brief."})).expect(200).json();
    assert_eq!((&changed["name"], &changed["text"]), (&json!("Brief"), &json!("Be very brief.")));
    assert!(all(&bob).is_empty());
    bob.patch(&path, &json!({"text": "mine"})).fails(404, "not_found");
    ann.delete(&path).expect(200);
    ann.delete(&path).fails(404, "not_found");
    assert_eq!(all(&ann), [second]);
}

#[test]
fn there_is_an_end_to_their_number_and_to_their_text() {
    let server = Server::start();
    let (ann, bob) = (server.user("ann"), server.user("bob"));
    let make = |who: &Client, at: usize, text: &str| {
        who.post("/api/prompts", &json!({"name": format!("p{at}"), "text": text}))
    };
    (0..500).for_each(|at| drop(make(&ann, at, "x").expect(200)));
    make(&ann, 500, "x").fails(400, "too_many_prompts");
    assert_eq!(all(&ann).len(), 500);
    // As long as one may be: 32 of them are just below four mebibytes.
    let long = "🙂".repeat(32_000);
    (0..32).for_each(|at| drop(make(&bob, at, &long).expect(200)));
    make(&bob, 32, &long).fails(400, "too_many_prompts");
    let short = make(&bob, 32, "short").expect(200).json();
    let path = format!("/api/prompts/{}", short["id"]);
    bob.patch(&path, &json!({"text": long})).fails(400, "too_many_prompts");
    assert!(all(&bob).contains(&short), "a change that is refused changes nothing");
}
