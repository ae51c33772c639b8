//! What a server that is killed leaves of an answer.

use crate::support::Upstream;
use crate::support::program::{Place, eventually};
use crate::support::upstream::{Step, delta, stream_head};
use serde_json::json;

/// Bytes of running answers that are in the database.
#[expect(clippy::disallowed_methods, reason = "a look into the database of a server that runs")]
fn saved(place: &Place) -> i64 {
    let connection = rusqlite::Connection::open(place.data().join("gpt-assistant.db")).unwrap();
    let sql = "SELECT coalesce(sum(octet_length(text)), 0) FROM turn_chunks";
    connection.query_row(sql, [], |row| row.get(0)).unwrap()
}

#[test]
fn an_answer_of_a_killed_server_is_counted_as_one_that_broke_off() {
    let upstream = Upstream::start();
    let mut place = Place::new();
    place.set("upstream.base_url", &upstream.url());
    place.set("upstream.api_key", "sk-shared");
    let server = place.serve(&[]);
    let ann = server.user("ann");
    upstream.says(&"What was said before. ".repeat(40));
    let before = ann.chat("Tell me something.");
    let mut question = json!({"message": "And now?", "conversation_id": before["conversation_id"],
        "parent_id": before["id"], "system_prompt": "Be brief."});
    upstream.events(&[delta("Hello there")]);
    let broken = ann.post("/api/chat", &question).expect(200).json();
    question["stream"] = json!(true);
    upstream.script(vec![Step::Send(stream_head()), Step::Send(delta("Hello there").into()), Step::Hold]);
    let mut stream = ann.stream(&question);
    let turn = stream.until("turn").data["id"].clone();
    stream.until("delta");
    assert_eq!(ann.get(&format!("/api/chat/{turn}")).expect(200).json()["tokens"], 0, "not before its end");
    eventually("what came is saved", || saved(&place) == 11);
    drop(server); // killed
    let server = place.serve(&[]);
    let left = server.client().with_token(ann.token.as_deref().unwrap()).get(&format!("/api/chat/{turn}"));
    let left = left.expect(200).json();
    assert_eq!((&left["status"], &left["response"]), (&json!("interrupted"), &json!("Hello there")));
    assert_eq!(left["usage"], broken["usage"]);
    // System prompt, both messages and the answer before.
    let asked = [9, 18, 22 * 40, 8].map(|bytes: i64| bytes.div_euclid(4) + i64::from(bytes % 4 > 0));
    assert_eq!(left["usage"]["prompt_tokens"], asked.iter().sum::<i64>());
}
