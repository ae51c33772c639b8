//! Exports of other services, made up: archives, and conversations as ChatGPT writes them.

use super::{Client, Reply, upstream::PATIENCE};
use serde_json::{Value, json};
use std::io::{Cursor, Write};
use std::time::{Duration, Instant};
use zip::write::SimpleFileOptions;

/// A ZIP archive of these files.
pub fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A node of a ChatGPT conversation.
pub fn node(parent: &str, role: &str, time: i64, text: &str) -> Value {
    json!({"parent": parent, "children": [], "message": {"author": {"role": role}, "create_time": time,
        "content": {"content_type": "text", "parts": [text]}, "metadata": {"model_slug": "gpt-4o"}}})
}

/// A ChatGPT conversation without branches: question, answer, question, …
pub fn chatgpt(id: &str, title: &str, texts: &[&str]) -> Value {
    let mut mapping = json!({"root": {"id": "root", "message": null, "parent": null}});
    let mut parent = "root".to_owned();
    for (at, text) in texts.iter().enumerate() {
        let (name, role) = (format!("{id}-{at}"), if at % 2 == 0 { "user" } else { "assistant" });
        mapping[&name] = node(&parent, role, 1_600_000_000 + at as i64, text);
        parent = name;
    }
    json!({"id": id, "conversation_id": id, "title": title, "create_time": 1_600_000_000.5, "update_time": 1_600_000_100.5,
        "current_node": parent, "mapping": mapping})
}

/// Sends a file.
pub fn send(client: &Client, file: &[u8]) -> Reply {
    client.send("POST", "/api/import", Some("application/octet-stream"), file)
}

/// Sends a file and waits for its end.
#[track_caller]
pub fn import(client: &Client, file: &[u8]) -> Value {
    let begun = send(client, file).expect(202).json();
    assert_eq!(begun["status"], "running", "{begun}");
    end_of(client, begun["id"].as_i64().unwrap())
}

/// Waits for the end of an import.
#[track_caller]
pub fn end_of(client: &Client, id: i64) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let report = client.get(&format!("/api/import/{id}")).expect(200).json();
        let sum: i64 = ["imported", "updated", "skipped", "failed"]
            .iter()
            .map(|key| report[key].as_i64().unwrap())
            .sum();
        assert_eq!(report["total"], sum, "{report}");
        if report["status"] != "running" {
            return report;
        }
        assert!(Instant::now() < deadline, "never: {report}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Imported, updated, skipped, failed.
pub fn counts(report: &Value) -> [i64; 4] {
    ["imported", "updated", "skipped", "failed"].map(|key| report[key].as_i64().unwrap())
}

/// All conversations in the list, by title.
pub fn titles(client: &Client) -> Vec<String> {
    let list = client.get("/api/conversations?limit=200").expect(200).json();
    let all = list["conversations"].as_array().unwrap().iter();
    let mut titles: Vec<String> = all.map(|c| c["title"].as_str().unwrap().to_owned()).collect();
    titles.sort();
    titles
}

/// The only conversation with that title, opened.
#[track_caller]
pub fn titled(client: &Client, title: &str) -> Value {
    let list = client.get("/api/conversations?limit=200").expect(200).json();
    let mut found = list["conversations"].as_array().unwrap().iter().filter(|c| c["title"] == title);
    let id = found.next().unwrap_or_else(|| panic!("no {title} in {list}"))["id"].as_i64().unwrap();
    assert!(found.next().is_none(), "{title} twice");
    client.get(&format!("/api/conversations/{id}")).expect(200).json()
}

/// Its turns as `prompt > response`.
pub fn turns(conversation: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let all = conversation["turns"].as_array().unwrap().iter();
    all.map(|turn| format!("{} > {}", text(&turn["prompt"]), text(&turn["response"]))).collect()
}
