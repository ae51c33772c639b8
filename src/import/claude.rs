//! Claude's export: `conversations.json`, conversations with `chat_messages`. A message has blocks: text, thoughts, calls
//! of tools and what they gave.

use super::json::{self, Object, text, time, value};
use super::prose;
use super::tree::{self, Chat, Message, Role};
use serde_json::Value;

/// What a first message follows.
const ROOT: &str = "00000000-0000-4000-8000-000000000000";
/// Tools whose calls and results nobody reads.
const BEHIND_THE_SCENES: [&str; 9] = [
    "web_search",
    "web_fetch",
    "conversation_search",
    "recent_chats",
    "project_knowledge_search",
    "google_drive_search",
    "google_drive_fetch",
    "launch_extended_search_task",
    "view",
];

/// Reads a conversation.
pub fn read(object: &Object<'_>) -> Option<Chat> {
    let list = object.raw("chat_messages")?;
    let mut messages: Vec<Message> = json::elements(list).into_iter().map(message).collect();
    // Older exports have one line of messages, newer ones name what each follows.
    if messages.iter().all(|message| message.parent.is_none()) {
        tree::line_up(&mut messages);
    }
    Some(Chat {
        id: object.text(&["uuid"]),
        title: object.text(&["name"]),
        model: object.text(&["model"]),
        system_prompt: None,
        pinned: object.flag("is_starred"),
        archived: object.flag("is_archived"),
        created: object.time(&["created_at"]),
        updated: object.time(&["updated_at"]),
        current: object.text(&["current_leaf_message_uuid"]),
        messages,
    })
}

fn message(raw: &str) -> Message {
    let Some(message) = value(raw) else {
        let object = Object::parse(raw).ok();
        let field = |key: &str| object.as_ref().and_then(|object| object.text(&[key]));
        return Message {
            id: field("uuid").unwrap_or_default(),
            parent: field("parent_message_uuid"),
            role: Role::of(field("sender").as_deref()),
            text: prose::raw(raw),
            ..Message::default()
        };
    };
    let (mut said, mut thought) = (String::new(), String::new());
    for block in message["content"].as_array().into_iter().flatten() {
        if block["type"] == "thinking" {
            prose::add(&mut thought, text(&block["thinking"]).unwrap_or_default());
        } else {
            prose::add(&mut said, &self::block(block));
        }
    }
    if said.is_empty() && thought.is_empty() {
        said = text(&message["text"]).or(text(&message["content"])).unwrap_or_default().to_owned();
    }
    for file in message["attachments"].as_array().into_iter().flatten() {
        let name = text(&file["file_name"]).unwrap_or("file");
        let whole = text(&file["extracted_content"]);
        prose::add(
            &mut said,
            &whole.map_or_else(|| prose::named_file(name), |text| prose::text_file(name, text)),
        );
    }
    for file in ["files", "files_v2"].iter().find_map(|key| message[key].as_array()).into_iter().flatten() {
        prose::add(&mut said, &prose::named_file(text(&file["file_name"]).unwrap_or("file")));
    }
    Message {
        id: text(&message["uuid"]).unwrap_or_default().to_owned(),
        parent: text(&message["parent_message_uuid"]).filter(|parent| *parent != ROOT).map(str::to_owned),
        role: Role::of(text(&message["sender"])),
        text: said,
        files: Vec::new(),
        reasoning: thought,
        model: text(&message["model"]).map(str::to_owned),
        time: time(&message["created_at"]),
    }
}

fn block(block: &Value) -> String {
    let name = text(&block["name"]).unwrap_or_default();
    match block["type"].as_str() {
        Some("text") => text(&block["text"]).unwrap_or_default().to_owned(),
        Some("tool_use" | "tool_result") if BEHIND_THE_SCENES.contains(&name) => String::new(),
        Some("tool_use") => call(name, &block["input"]),
        // What a document's tool gives back is "OK".
        Some("tool_result") if ["artifacts", "create_file", "str_replace"].contains(&name) => String::new(),
        Some("tool_result") => result(&block["content"]),
        Some("token_budget" | "flag") => String::new(),
        _ => text(&block["text"]).map_or_else(|| prose::unknown(block), str::to_owned),
    }
}

/// A call of a tool; of one that writes a document, the document.
fn call(name: &str, input: &Value) -> String {
    let content = ["content", "file_text", "code"].iter().find_map(|key| text(&input[key]));
    let title = ["title", "path", "filename", "id"].iter().find_map(|key| text(&input[key]));
    match content {
        Some(content) => prose::text_file(title.unwrap_or(name), content),
        None if input.is_null() => String::new(),
        None => format!("{}\n\n{}", prose::named_file(name), prose::unknown(input)),
    }
}

fn result(content: &Value) -> String {
    let mut out = String::new();
    for item in content.as_array().into_iter().flatten() {
        prose::add(&mut out, text(&item["text"]).unwrap_or_default());
    }
    let plain = text(content).unwrap_or(&out);
    if plain.is_empty() { String::new() } else { prose::fence("", plain) }
}

#[cfg(test)]
mod tests {
    use crate::import::Format;
    use crate::import::tests::{taken, turns};
    use serde_json::{Value, json};

    fn said(id: &str, sender: &str, text: &str) -> Value {
        json!({"uuid": id, "sender": sender, "text": text, "content": [{"type": "text", "text": text}],
            "created_at": "2023-11-14T22:13:20.423148Z", "attachments": [], "files": []})
    }

    fn export(messages: &[Value]) -> Value {
        json!({"uuid": "c1", "name": "", "created_at": "2023-11-14T22:13:20Z", "updated_at": "2023-11-14T22:14:20+00:00",
            "account": {"uuid": "x"}, "chat_messages": messages})
    }

    #[test]
    fn a_line_of_messages() {
        let imported = taken(
            Format::Claude,
            &export(&[said("1", "human", "hi"), said("2", "assistant", "ho"), said("3", "human", "so?")]),
        );
        assert_eq!(turns(&imported), ["hi > ho", "so? > "]);
        assert_eq!((imported.created, imported.updated), (1_700_000_000, 1_700_000_060));
        assert_eq!(
            (imported.title.as_str(), imported.turns[0].source_id.as_str(), imported.turns[1].parent),
            ("hi", "1", Some(0))
        );
    }

    #[test]
    fn branches_thoughts_tools_and_files() {
        let mut messages = [
            said("1", "human", "q"),
            said("2", "assistant", ""),
            said("3", "assistant", "again"),
            said("4", "human", "old"),
        ];
        for (at, parent) in ["00000000-0000-4000-8000-000000000000", "1", "1", "2"].into_iter().enumerate() {
            messages[at]["parent_message_uuid"] = json!(parent);
        }
        messages[0]["attachments"] =
            json!([{"file_name": "a.txt", "extracted_content": "inside"}, {"file_name": "b.pdf"}]);
        messages[0]["files"] = json!([{"file_name": "cat.png"}]);
        messages[1]["content"] = json!([
            {"type": "thinking", "thinking": "plan"},
            {"type": "tool_use", "name": "web_search", "input": {"query": "x"}},
            {"type": "tool_result", "name": "web_search", "content": [{"text": "a page"}]},
            {"type": "text", "text": "Here:"},
            {"type": "tool_use", "name": "artifacts", "input": {"command": "create", "title": "Code", "content": "x = 1"}},
            {"type": "tool_result", "name": "artifacts", "content": [{"text": "OK"}]},
            {"type": "tool_use", "name": "dice", "input": {"sides": 6}},
            {"type": "tool_result", "name": "dice", "content": [{"type": "text", "text": "4"}]},
            {"type": "hologram", "x": 1},
        ]);
        let mut export = export(&messages);
        export["current_leaf_message_uuid"] = json!("4");
        let imported = taken(Format::Claude, &export);
        assert_eq!(
            imported.turns[0].prompt,
            "q\n\n*[a.txt]*\n\n```\ninside\n```\n\n*[b.pdf]*\n\n*[cat.png]*"
        );
        let response = &imported.turns[0].response;
        assert!(response.starts_with("Here:\n\n*[Code]*\n\n```\nx = 1\n```\n\n*[dice]*"), "{response}");
        assert!(
            response.contains("\"sides\": 6")
                && response.contains("```\n4\n```")
                && response.contains("hologram")
        );
        assert!(!response.contains("a page") && !response.contains("OK"));
        assert_eq!(imported.turns[0].reasoning, "plan");
        assert_eq!((imported.turns[1].response.as_str(), imported.turns[1].parent), ("again", None));
        assert_eq!((imported.turns[2].parent, imported.current), (Some(0), Some(2)));
    }

    #[test]
    fn fields_of_the_wrong_kind() {
        let mut odd = said("1", "human", "only here");
        odd["content"] = json!(null);
        let imported = taken(
            Format::Claude,
            &export(&[odd, json!({"sender": 5, "content": "text"}), json!(7), json!(null)]),
        );
        assert_eq!(turns(&imported), ["only here > text"]);
    }
}
