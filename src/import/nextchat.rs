//! NextChat's backup, whose chats are in `chat-next-web-store`, and its export of one chat: a bare list of messages, which
//! has neither names nor times. Its chats are lines without branches.

use super::json::{self, Object, id, text, time, value};
use super::prose;
use super::tree::{self, Chat, Message, Role};
use serde_json::Value;

/// Reads a chat.
pub fn read(object: &Object<'_>) -> Option<Chat> {
    let mut messages: Vec<Message> =
        json::elements(object.raw("messages")?).into_iter().map(message).collect();
    tree::line_up(&mut messages);
    let model = object.value("mask")["modelConfig"]["model"].as_str().map(str::to_owned);
    Some(Chat {
        id: id(&object.value("id")),
        title: object.text(&["topic", "sessionTitle", "title", "name"]),
        model: model.or_else(|| text(&object.value("model")["id"]).map(str::to_owned)),
        updated: object.time(&["lastUpdate"]),
        messages,
        ..Chat::default()
    })
}

fn message(raw: &str) -> Message {
    let Some(message) = value(raw) else {
        return Message { role: Role::Model, text: prose::raw(raw), ..Message::default() };
    };
    let (said, files) = match &message["content"] {
        Value::Array(parts) => prose::parts(parts),
        other => (prose::unknown(other), Vec::new()),
    };
    let lifted =
        prose::lift_thoughts(&said).map(|(thoughts, answer)| (thoughts.to_owned(), answer.to_owned()));
    let (thought, said) = lifted.unwrap_or((String::new(), said));
    Message {
        id: id(&message["id"]).unwrap_or_default(),
        parent: None,
        role: Role::of(text(&message["role"])),
        text: said,
        files,
        reasoning: thought,
        model: text(&message["model"]).map(str::to_owned),
        time: time(&message["date"]),
    }
}

#[cfg(test)]
mod tests {
    use crate::import::Format;
    use crate::import::tests::{taken, turns};
    use serde_json::json;

    #[test]
    fn a_chat_of_a_backup() {
        let export = json!({"id": "s1", "topic": "T", "memoryPrompt": "", "lastUpdate": 1_700_000_060_000_i64, "stat": {},
        "mask": {"modelConfig": {"model": "gpt-4o"}, "context": [{"role": "system", "content": "secret"}]},
        "messages": [
            {"id": "1", "date": "11/14/2023, 10:13:20 PM", "role": "user", "content": "q"},
            {"id": "2", "date": "2023/11/14 22:13:30", "role": "assistant", "content": "<think>hm</think>\na", "model": "gpt-4"},
            {"id": "3", "date": "", "role": "user", "content": [{"type": "text", "text": "look"}, {"type": "image_url", "image_url": {"url": "data:"}}]},
        ]});
        let imported = taken(Format::NextChat, &export);
        assert_eq!(turns(&imported), ["q > a", "look\n\n*[picture]* > "]);
        assert_eq!(
            (imported.created, imported.updated, imported.turns[0].finished),
            (1_700_000_000, 1_700_000_060, 1_700_000_010)
        );
        assert_eq!(
            (
                imported.turns[0].reasoning.as_str(),
                imported.turns[0].model.as_str(),
                imported.turns[1].model.as_str()
            ),
            ("hm", "gpt-4", "gpt-4o")
        );
        assert_eq!((imported.source_id.as_str(), imported.turns[0].source_id.as_str()), ("s1", "1"));
    }

    #[test]
    fn without_names_and_times() {
        let export = |answer: &str| {
            json!({"messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "hi"},
            {"role": "assistant", "content": answer}, {"role": "user", "content": "hi"}, {"role": "tool", "content": 5}, null]})
        };
        let (first, again, other) = (export("ho"), export("ho"), export("hello"));
        let read = |export| taken(Format::NextChat, export);
        assert_eq!(read(&first), read(&again));
        assert_ne!(read(&first).source_id, read(&other).source_id);
        assert_eq!(turns(&read(&first)), ["hi > ho", "hi > ```json\n5\n```"]);
        let numbers = json!({"id": 1_681_000_000, "topic": "T", "messages": [{"id": 1, "role": "user", "content": "q"}]});
        assert_eq!(read(&numbers).source_id, "1681000000");
    }
}
