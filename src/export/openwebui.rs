//! The shape that Open WebUI exports and imports: messages in a map, each with its parent and children. A turn becomes a
//! message of the person and one of the model.

use super::{Files, Inline};
use crate::model::{Attachment, AttachmentKind, Turn, TurnId};
use crate::store::Conversation;
use serde::Serialize;
use std::collections::BTreeMap;

/// A chat as Open WebUI lists it.
#[derive(Serialize)]
pub struct Chat<'a> {
    id: String,
    title: &'a str,
    chat: Inner<'a>,
    meta: Meta,
    pinned: bool,
    archived: bool,
    folder_id: Option<()>,
    created_at: i64,
    updated_at: i64,
}

#[derive(Serialize)]
struct Inner<'a> {
    title: &'a str,
    models: Vec<&'a str>,
    system: Option<&'a str>,
    history: History<'a>,
}

#[derive(Serialize)]
struct Meta {
    tags: [(); 0],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct History<'a> {
    current_id: Option<String>,
    messages: BTreeMap<String, Message<'a>>,
}

#[derive(Serialize)]
#[serde(tag = "role", rename_all = "lowercase", rename_all_fields = "camelCase")]
enum Message<'a> {
    User {
        id: String,
        parent_id: Option<String>,
        children_ids: Vec<String>,
        content: &'a str,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        files: Vec<File<'a>>,
        timestamp: i64,
        models: [&'a str; 1],
    },
    Assistant {
        id: String,
        parent_id: String,
        children_ids: Vec<String>,
        content: String,
        model: &'a str,
        timestamp: i64,
        done: bool,
    },
}

#[derive(Serialize)]
struct File<'a> {
    /// `image` or `file`.
    r#type: &'static str,
    name: &'a str,
    url: Inline<'a>,
}

/// A conversation with all its branches.
pub fn chat<'a>(conversation: &'a Conversation, turns: &'a [Turn], files: Files<'a>) -> Chat<'a> {
    let mut children: BTreeMap<Option<TurnId>, Vec<String>> = BTreeMap::new();
    for turn in turns {
        children.entry(turn.parent).or_default().push(asked(turn.id));
    }
    let mut messages = BTreeMap::new();
    for turn in turns {
        let file = |file: &'a Attachment| File {
            r#type: if file.kind == AttachmentKind::Image { "image" } else { "file" },
            name: &file.name,
            url: Inline { files, file },
        };
        let question = Message::User {
            id: asked(turn.id),
            parent_id: turn.parent.map(answered),
            children_ids: vec![answered(turn.id)],
            content: &turn.prompt,
            files: turn.attachments.iter().map(file).collect(),
            timestamp: turn.created,
            models: [&turn.model],
        };
        let answer = Message::Assistant {
            id: answered(turn.id),
            parent_id: asked(turn.id),
            children_ids: children.remove(&Some(turn.id)).unwrap_or_default(),
            content: content(turn),
            model: &turn.model,
            timestamp: turn.finished.unwrap_or(turn.created),
            done: true,
        };
        messages.insert(asked(turn.id), question);
        messages.insert(answered(turn.id), answer);
    }
    Chat {
        id: format!("gpt-assistant-{}", conversation.id.0),
        title: &conversation.title,
        chat: Inner {
            title: &conversation.title,
            models: turns.last().map(|turn| turn.model.as_str()).into_iter().collect(),
            system: conversation.system_prompt.as_deref(),
            history: History { current_id: conversation.current.map(answered), messages },
        },
        meta: Meta { tags: [] },
        pinned: conversation.pinned,
        archived: conversation.archived,
        folder_id: None,
        created_at: conversation.created,
        updated_at: conversation.updated,
    }
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
