//! The shape that Open WebUI exports and imports: messages in a map, each with its parent and children. A turn becomes a
//! message of the person and one of the model.

use crate::model::{Turn, TurnId};
use crate::store::Conversation;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Writes a conversation with all its branches.
pub fn write(conversation: &Conversation, turns: &[Turn]) -> Value {
    let mut children: BTreeMap<Option<TurnId>, Vec<String>> = BTreeMap::new();
    for turn in turns {
        children.entry(turn.parent).or_default().push(asked(turn.id));
    }
    let mut messages = Map::new();
    for turn in turns {
        let below = children.remove(&Some(turn.id)).unwrap_or_default();
        messages.insert(
            asked(turn.id),
            json!({
                "id": asked(turn.id),
                "parentId": turn.parent.map(answered),
                "childrenIds": [answered(turn.id)],
                "role": "user",
                "content": turn.prompt,
                "timestamp": turn.created,
                "models": [turn.model],
            }),
        );
        messages.insert(
            answered(turn.id),
            json!({
                "id": answered(turn.id),
                "parentId": asked(turn.id),
                "childrenIds": below,
                "role": "assistant",
                "content": content(turn),
                "model": turn.model,
                "timestamp": turn.finished.unwrap_or(turn.created),
                "done": true,
            }),
        );
    }
    let models: Vec<&str> = turns.last().map(|turn| turn.model.as_str()).into_iter().collect();
    json!({
        "id": format!("gpt-assistant-{}", conversation.id.0),
        "title": conversation.title,
        "chat": {
            "title": conversation.title,
            "models": models,
            "system": conversation.system_prompt,
            "history": {"currentId": conversation.current.map(answered), "messages": messages},
        },
        "meta": {"tags": []},
        "pinned": conversation.pinned,
        "archived": conversation.archived,
        "folder_id": null,
        "created_at": conversation.created,
        "updated_at": conversation.updated,
    })
}

/// Thoughts stand folded before the answer, as Open WebUI itself writes them.
fn content(turn: &Turn) -> String {
    if turn.reasoning.is_empty() {
        return turn.response.clone();
    }
    let quoted: Vec<String> = turn.reasoning.lines().map(|line| format!("> {line}")).collect();
    format!(
        "<details type=\"reasoning\" done=\"true\">\n<summary>Thought</summary>\n{}\n</details>\n{}",
        quoted.join("\n"),
        turn.response
    )
}

fn asked(turn: TurnId) -> String {
    format!("turn-{turn}-user")
}

fn answered(turn: TurnId) -> String {
    format!("turn-{turn}-assistant")
}
