//! The way in: conversations from exports of other services, and from our own.
//!
//! `upload` opens the file, `split` cuts it into conversations, each format's file reads one of them into messages, `tree`
//! makes turns of these, and `work` stores them and keeps the report.

mod chatgpt;
mod claude;
mod enclosed;
mod json;
mod librechat;
mod nextchat;
mod openwebui;
mod own;
mod prose;
mod report;
mod running;
mod split;
mod tree;
mod upload;
mod work;

use crate::app::App;
use crate::error::{Error, Result};
use crate::model::{ImportId, UserId};
use crate::store::Imported;
use enclosed::Placed;
use json::Object;
use std::fs::File;
use std::thread::Builder;
use upload::Upload;
use work::Stop;

pub use report::{Problem, Report, State};
pub use running::{Draft, Imports, Place, begin, enter, resume};

/// Of the thread that reads: conversations may be nested as deep as `split::DEEPEST`.
const STACK: usize = 32 << 20;

/// Whose export it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// ChatGPT's.
    ChatGpt,
    /// Claude's.
    Claude,
    /// Open WebUI's.
    OpenWebUi,
    /// LibreChat's.
    LibreChat,
    /// NextChat's.
    NextChat,
    /// Our own, in JSON.
    Own,
}

impl Format {
    /// The word for it, in the database and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Format::ChatGpt => "chatgpt",
            Format::Claude => "claude",
            Format::OpenWebUi => "openwebui",
            Format::LibreChat => "librechat",
            Format::NextChat => "nextchat",
            Format::Own => "gpt-assistant",
        }
    }

    /// Told by what a conversation holds.
    fn of(object: &Object<'_>) -> Option<Format> {
        let is = |key: &str, first: char| object.raw(key).is_some_and(|raw| raw.starts_with(first));
        let messages = is("messages", '[') || is("messagesTree", '[');
        if is("mapping", '{') {
            Some(Format::ChatGpt)
        } else if is("chat_messages", '[') {
            Some(Format::Claude)
        } else if object.text(&["format"]).as_deref() == Some(own::FORMAT) {
            Some(Format::Own)
        } else if object.has("conversationId") && messages {
            Some(Format::LibreChat)
        } else if is("chat", '{') || is("history", '{') || (is("models", '[') && messages) {
            Some(Format::OpenWebUi)
        } else if is("messages", '[') {
            Some(Format::NextChat)
        } else {
            None
        }
    }
}

/// The report of an import of the user.
pub fn report(app: &App, user: UserId, id: ImportId) -> Result<Report> {
    Ok(Report::from_text(&app.store.import(user, id)?))
}

/// Imports a file on this machine, from its beginning to its end; `tell` is told whenever something is stored.
pub fn file(app: &App, user: UserId, file: File, tell: &mut (dyn FnMut(&Report) + Send)) -> Result<Report> {
    let unreadable = |reason: &'static str| Error::Refused("import_unreadable", reason.into());
    let work = || {
        let mut upload = Upload::open(file).map_err(unreadable)?;
        let mut report = Report::new(work::examine(app, &mut upload)?);
        match work::run(app, user, &mut upload, &mut report, tell) {
            Ok(()) => report.status = State::Done,
            Err(Stop::Failed(reason)) => report.fail(reason),
            Err(Stop::Draining) => report.fail("It was stopped."),
        }
        Ok(report)
    };
    std::thread::scope(|scope| {
        let thread = Builder::new().stack_size(STACK).spawn_scoped(scope, work).map_err(Error::internal)?;
        thread.join().unwrap_or_else(|_| Err(Error::internal("an import panicked")))
    })
}

/// A conversation that cannot be taken in.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Refused {
    /// Its title, where it has one.
    title: Option<String>,
    /// A sentence.
    reason: &'static str,
    /// The text is good JSON, and no conversation.
    foreign: bool,
}

/// A conversation of an export.
struct Read {
    format: Format,
    conversation: Imported,
    /// What is still to be fetched for it.
    files: Vec<Placed>,
}

/// Reads one conversation.
fn conversation(bytes: &[u8], now: i64) -> Result<Read, Refused> {
    let text = String::from_utf8_lossy(bytes);
    let damaged = |_| Refused { title: None, reason: "This conversation is damaged.", foreign: false };
    let object = match Object::parse(&text) {
        Ok(object) => object,
        Err(_) if serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok() => {
            return Err(Refused { title: None, reason: FOREIGN, foreign: true });
        }
        Err(error) => return Err(damaged(error)),
    };
    let refused = |reason, foreign| {
        let title = object.text(&["title", "name", "topic"]);
        Refused { title: title.map(|title| tree::title(Some(&title), &[])), reason, foreign }
    };
    let format = Format::of(&object).ok_or_else(|| refused(FOREIGN, true))?;
    let chat = match format {
        Format::ChatGpt => chatgpt::read(&object),
        Format::Claude => claude::read(&object),
        Format::OpenWebUi => openwebui::read(&object),
        Format::LibreChat => librechat::read(&object),
        Format::NextChat => nextchat::read(&object),
        Format::Own => {
            return own::read(&object, now)
                .map(|(conversation, files)| Read { format, conversation, files })
                .map_err(|why| refused(why, false));
        }
    };
    let chat = chat.ok_or_else(|| refused("Its messages cannot be read.", false))?;
    let (mut conversation, files) =
        tree::build(format.as_str(), chat, now).map_err(|why| refused(why, false))?;
    if format == Format::OpenWebUi {
        openwebui::recognise(&mut conversation);
    }
    Ok(Read { format, conversation, files })
}

const FOREIGN: &str = "This is no conversation of a kind that is known here.";

/// What tests share: a conversation as it is taken in, each turn as `prompt > response`.
#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    pub const NOW: i64 = 1_800_000_000;

    pub fn taken(format: Format, export: &Value) -> Imported {
        let Ok(read) = conversation(export.to_string().as_bytes(), NOW) else { panic!("{export}") };
        assert_eq!(read.format, format);
        read.conversation
    }

    pub fn turns(imported: &Imported) -> Vec<String> {
        imported.turns.iter().map(|turn| format!("{} > {}", turn.prompt, turn.response)).collect()
    }

    #[test]
    fn c22_what_is_no_conversation_says_so() {
        for (text, title, reason, foreign) in [
            ("{\"a\":1}", None, FOREIGN, true),
            ("null", None, FOREIGN, true),
            ("[1,2]", None, FOREIGN, true),
            ("\"x\"", None, FOREIGN, true),
            ("{\"id\":\"c\",\"title\":\"Broken\",\"create_time\":1}", Some("Broken"), FOREIGN, true),
            ("{\"title\":\"E\",\"mapping\":{}}", Some("E"), tree::NOTHING, false),
            ("{\"name\":\"E\",\"chat_messages\":[]}", Some("E"), tree::NOTHING, false),
            ("{\"messages\":[]}", None, tree::NOTHING, false),
            ("{\"mapping\":{\"a\":}}", None, "This conversation is damaged.", false),
            ("{\"a\":1,}", None, "This conversation is damaged.", false),
            ("", None, "This conversation is damaged.", false),
            ("<html>", None, "This conversation is damaged.", false),
        ] {
            let want = Refused { title: title.map(str::to_owned), reason, foreign };
            assert_eq!(conversation(text.as_bytes(), NOW).err(), Some(want), "{text}");
        }
    }

    #[test]
    fn any_bytes_do_no_harm() {
        let bad = b"{\"messages\":[{\"role\":\"user\",\"content\":\"a\xFF\"}]}";
        let Ok(read) = conversation(bad, NOW) else { panic!() };
        assert_eq!(turns(&read.conversation), ["a\u{FFFD} > "]);
    }

    /// A conversation of every format with a little of everything.
    fn examples() -> Vec<Value> {
        let text = |role: &str, text: &str| json!({"author": {"role": role}, "content": {"content_type": "text", "parts": [text]}});
        vec![
            json!({"id": "c", "title": "T", "create_time": 1.5, "current_node": "a", "mapping": {"u": {"parent": null, "message": text("user", "q")},
                "a": {"parent": "u", "children": ["b"], "message": text("assistant", "a\u{E200}x\u{E201}")}, "b": {"parent": "u", "message": text("tool", "b")}}}),
            json!({"uuid": "c", "name": "T", "chat_messages": [{"uuid": "1", "sender": "human", "content": [{"type": "text", "text": "q"}]},
                {"uuid": "2", "parent_message_uuid": "1", "content": [{"type": "tool_use", "name": "n", "input": {"content": "x"}}]}]}),
            json!({"id": "gpt-assistant-1", "chat": {"history": {"currentId": "turn-1-user", "messages": {"turn-1-user": {"role": "user", "content": "q"},
                "turn-1-assistant": {"parentId": "turn-1-user", "content": "<details type=\"reasoning\">\n<summary>x</summary>\n> y\n</details>z"}}}}}),
            json!({"conversationId": "c", "messagesTree": [{"messageId": "1", "isCreatedByUser": true, "text": "q", "children": [{"messageId": "2",
                "content": [{"type": "think", "think": "t"}, {"type": "text", "text": {"value": "v"}}], "children": []}]}]}),
            json!({"id": 5, "topic": "T", "lastUpdate": 1_700_000_000_000_i64, "messages": [{"role": "user", "content": "q", "date": "2023/1/1 1:1:1"},
                {"role": "assistant", "content": [{"type": "text", "text": "<think>x</think>y"}]}]}),
            json!({"format": own::FORMAT, "conversation": {"id": 1, "created": 5, "params": {"top_p": 0.5}, "current_turn_id": 2}, "turns": [{"id": 1, "prompt": "q"},
                {"id": 2, "parent_id": 1, "prompt": "q", "response": "r", "status": "streaming", "usage": {"prompt_tokens": -5}}]}),
        ]
    }

    /// Puts `new` somewhere into `value`.
    fn disturb(value: &mut Value, random: &mut impl FnMut(usize) -> usize, new: Value) {
        let inside: Vec<&mut Value> = match value {
            Value::Object(map) => map.values_mut().collect(),
            Value::Array(list) => list.iter_mut().collect(),
            _ => Vec::new(),
        };
        let count = inside.len();
        match inside.into_iter().nth(random(count + 1)) {
            Some(inner) => disturb(inner, random, new),
            None => *value = new,
        }
    }

    #[test]
    fn i17_no_value_in_any_place_does_harm() {
        let mut seed = 0x9E37_79B9_7F4A_7C15_u64;
        let mut random = move |below: usize| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            usize::try_from(seed % below as u64).unwrap()
        };
        let odd = [
            json!(null),
            json!([]),
            json!({}),
            json!(-1e300),
            json!("c"),
            json!([[{"text": 5}]]),
            json!(true),
            json!("u\0\n`"),
        ];
        let mut taken_in = 0;
        for round in 0..12_000 {
            let mut export = examples().swap_remove(round % 6);
            for _ in 0..=random(4) {
                let new = odd[random(odd.len())].clone();
                disturb(&mut export, &mut random, new);
            }
            let mut text = export.to_string().into_bytes();
            if round % 3 == 0 && !text.is_empty() {
                let at = random(text.len());
                text[at] = u8::try_from(random(256)).unwrap();
            }
            let Ok(Read { conversation: imported, files, .. }) = conversation(&text, NOW) else { continue };
            taken_in += 1;
            assert!(files.iter().flat_map(|file| &file.turns).all(|at| *at < imported.turns.len()));
            assert!(imported.current.is_none_or(|current| current < imported.turns.len()));
            assert!(
                (1..=NOW).contains(&imported.created) && imported.created <= imported.updated,
                "{export}"
            );
            for (at, turn) in imported.turns.iter().enumerate() {
                assert!(turn.parent.is_none_or(|parent| parent < at) && turn.finished <= NOW, "{export}");
                assert!(
                    !turn.prompt.contains('\0')
                        && !turn.response.contains('\0')
                        && !turn.source_id.is_empty()
                );
            }
        }
        assert!(taken_in > 2000, "{taken_in}");
    }
}
