//! The way out: conversations in forms that people and other programs can read.

mod markdown;
mod openwebui;

use crate::app::App;
use crate::archive::Writing;
use crate::error::{Error, Result};
use crate::model::{ConversationId, Params, Status, Turn, TurnId, UserId};
use crate::store::{Conversation, Listing, User};
use crate::text;
use serde_json::{Value, json};
use std::io::{Seek, Write};

/// Conversations that are listed at once.
const PAGE: usize = 100;

/// How an export is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Everything, for programs.
    Json,
    /// What is on the page, for people: of each conversation the path that is current.
    Markdown,
    /// The shape that Open WebUI takes and gives, with all branches.
    OpenWebUi,
}

impl Format {
    /// By its name.
    pub fn parse(name: &str) -> Option<Format> {
        match name {
            "json" => Some(Format::Json),
            "markdown" => Some(Format::Markdown),
            "openwebui" => Some(Format::OpenWebUi),
            _ => None,
        }
    }

    fn ending(self) -> &'static str {
        match self {
            Format::Markdown => "md",
            Format::Json | Format::OpenWebUi => "json",
        }
    }
}

/// One conversation as a file.
pub struct Document {
    /// Its name, with characters of any language.
    pub name: String,
    /// Its media type.
    pub media_type: &'static str,
    /// Its content.
    pub content: String,
}

/// One conversation, whole.
pub fn conversation(app: &App, user: UserId, id: ConversationId, format: Format) -> Result<Document> {
    let conversation = app.store.conversation(user, id)?;
    let turns = app.store.all_turns(user, id)?;
    let content = content(app, &conversation, &turns, format)?;
    let media_type = match format {
        Format::Markdown => "text/markdown; charset=utf-8",
        Format::Json | Format::OpenWebUi => "application/json",
    };
    Ok(Document { name: file_name(&conversation.title, format.ending()), media_type, content })
}

/// Everything of an account as a ZIP archive; `progress` is told how many conversations of how many are written.
pub fn account<W: Write + Seek>(
    app: &App,
    user: &User,
    format: Format,
    out: W,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<W> {
    let fault = |error: std::io::Error| Error::Storage(error.to_string());
    let mut archive = Writing::new(out);
    let about = serde_json::to_vec_pretty(&about(app, user)).map_err(Error::internal)?;
    archive.add("account.json", &mut about.as_slice()).map_err(fault)?;
    let all = all_conversations(app, user.id)?;
    for (done, conversation) in all.iter().enumerate() {
        progress(done, all.len());
        let turns = app.store.all_turns(user.id, conversation.id)?;
        let content = content(app, conversation, &turns, format)?;
        let folder = if conversation.deleted.is_some() { "trash" } else { "conversations" };
        let name = file_name(&conversation.title, format.ending());
        archive
            .add(&format!("{folder}/{:06} {name}", conversation.id.0), &mut content.as_bytes())
            .map_err(fault)?;
    }
    progress(all.len(), all.len());
    archive.finish().map_err(fault)
}

fn content(app: &App, conversation: &Conversation, turns: &[Turn], format: Format) -> Result<String> {
    let json = match format {
        Format::Markdown => return Ok(markdown::write(conversation, turns, &app.zone)),
        Format::OpenWebUi => json!([openwebui::write(conversation, turns)]),
        Format::Json => json!({
            "format": "gpt-assistant conversation",
            "version": 1,
            "conversation": conversation_json(conversation),
            "turns": turns.iter().map(turn_json).collect::<Vec<_>>(),
        }),
    };
    serde_json::to_string_pretty(&json).map_err(Error::internal)
}

fn about(app: &App, user: &User) -> Value {
    json!({
        "format": "gpt-assistant account",
        "version": 1,
        "program": env!("CARGO_PKG_VERSION"),
        "exported": app.clock.now(),
        "name": user.name,
        "email": user.email,
        "created": user.created,
        "default_model": user.default_model,
        "system_prompt": user.system_prompt,
        "tokens_total": user.tokens_total,
    })
}

fn conversation_json(conversation: &Conversation) -> Value {
    json!({
        "id": conversation.id,
        "title": conversation.title,
        "titled_by": if conversation.titled_by_person { "user" } else { "prompt" },
        "model": conversation.model,
        "system_prompt": conversation.system_prompt,
        "params": params_json(&conversation.params),
        "current_turn_id": conversation.current,
        "pinned": conversation.pinned,
        "archived": conversation.archived,
        "created": conversation.created,
        "updated": conversation.updated,
        "deleted": conversation.deleted,
    })
}

fn turn_json(turn: &Turn) -> Value {
    json!({
        "id": turn.id,
        "parent_id": turn.parent,
        "prompt": turn.prompt,
        "response": turn.response,
        "reasoning": turn.reasoning,
        "model": turn.model,
        "params": params_json(&turn.params),
        "status": turn.status,
        "finish_reason": turn.finish_reason,
        "error": turn.fault.as_ref().map(|fault| &fault.message),
        "error_code": turn.fault.as_ref().map(|fault| &fault.code),
        "usage": {
            "prompt_tokens": turn.usage.prompt,
            "completion_tokens": turn.usage.completion,
            "total_tokens": turn.usage.total(),
            "cached_tokens": turn.usage.cached,
            "reasoning_tokens": turn.usage.reasoning,
            "source": turn.usage.source,
        },
        "created": turn.created,
        "finished": turn.finished,
    })
}

fn params_json(params: &Params) -> Value {
    serde_json::to_value(params).unwrap_or_default()
}

/// All of them: listed, archived and in the trash.
fn all_conversations(app: &App, user: UserId) -> Result<Vec<Conversation>> {
    let mut all = Vec::new();
    for (archived, trash) in [(false, false), (true, false), (false, true)] {
        let mut listing = Listing { limit: PAGE, archived, trash, ..Listing::default() };
        loop {
            let (found, more) = app.store.conversations(user, &listing)?;
            listing.before = found.last().map(|c| (c.pinned, c.updated, c.id.0));
            all.extend(found);
            if !more {
                break;
            }
        }
    }
    Ok(all)
}

/// The turns from the root to the current one.
fn current_path<'a>(conversation: &Conversation, turns: &'a [Turn]) -> Vec<&'a Turn> {
    let find = |id: TurnId| turns.binary_search_by_key(&id, |turn| turn.id).ok().map(|i| &turns[i]);
    let mut path = Vec::new();
    let mut at = conversation.current.and_then(find).or(turns.last());
    while let Some(turn) = at {
        path.push(turn);
        at = turn.parent.and_then(find);
    }
    path.reverse();
    path
}

/// A title as a file name on any system.
fn file_name(title: &str, ending: &str) -> String {
    let plain: String = title
        .chars()
        .map(|c| if c.is_control() || "/\\:*?\"<>|".contains(c) { ' ' } else { c })
        .collect::<String>()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    let plain = plain.trim_matches(['.', ' ']);
    let stem =
        if plain.is_empty() { "conversation".to_owned() } else { text::cut(plain, 60).replace('…', "") };
    format!("{}.{ending}", stem.trim())
}

/// Whether an answer is whole, for those who read it elsewhere.
fn is_whole(turn: &Turn) -> bool {
    matches!(turn.status, Status::Complete)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_are_safe_and_short() {
        for (title, name) in [
            ("Pendulum clock", "Pendulum clock.md"),
            ("../../etc/passwd", "etc passwd.md"),
            ("a\\b:c*d?e\"f<g>h|i", "a b c d e f g h i.md"),
            ("天气如何？", "天气如何？.md"),
            ("\n\0\t", "conversation.md"),
            ("...", "conversation.md"),
            ("CON\r\nX: y", "CON X y.md"),
        ] {
            assert_eq!(file_name(title, "md"), name);
        }
        assert!(file_name(&"🌍".repeat(500), "md").chars().count() < 70);
    }
}
