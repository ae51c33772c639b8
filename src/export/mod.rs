//! The way out: conversations in forms that people and other programs can read.

mod json;
mod markdown;
mod openwebui;

use crate::app::App;
use crate::archive::Writing;
use crate::error::{Error, Result};
use crate::model::{Attachment, ConversationId, Status, Turn, TurnId, UserId};
use crate::store::{Conversation, Listing, User};
use crate::{disk, files, keys, text};
use serde::{Serialize, Serializer};
use std::fs;
use std::io::{Seek, Write};
use std::path::PathBuf;

/// Conversations that are listed at once.
const PAGE: usize = 100;
/// What the names of files begin with that are written to be sent, in the data folder.
const DRAFT: &str = "download-";

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

/// A conversation as a file.
pub struct Document {
    /// Its name, with characters of any language.
    pub name: String,
    /// Its media type.
    pub media_type: &'static str,
}

/// Where to write what is to be sent; `id` is the request's number.
pub fn draft(app: &App, id: &str) -> PathBuf {
    app.config.server.data_dir.join(format!("{DRAFT}{id}.part"))
}

/// Removes what an end without warning left while it was written.
pub fn sweep(app: &App) {
    let folder = &app.config.server.data_dir;
    for name in disk::names(folder).iter().filter(|name| name.starts_with(DRAFT)) {
        let _ = fs::remove_file(folder.join(name));
    }
}

/// Writes one conversation, whole, and says what it is.
pub fn conversation(
    app: &App,
    user: UserId,
    id: ConversationId,
    format: Format,
    out: &mut dyn Write,
) -> Result<Document> {
    let conversation = app.store.conversation(user, id)?;
    write(app, user, &conversation, format, out)?;
    let media_type = match format {
        Format::Markdown => "text/markdown; charset=utf-8",
        Format::Json | Format::OpenWebUi => "application/json",
    };
    Ok(Document { name: file_name(&conversation.title, format.ending()), media_type })
}

/// Writes everything of an account as a ZIP archive; `progress` is told how many conversations of how many are written.
pub fn account<W: Write + Seek + 'static>(
    app: &App,
    user: &User,
    format: Format,
    out: W,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<W> {
    let mut archive = Writing::new(out);
    let about = serde_json::to_vec_pretty(&json::account(user, app.clock.now())).map_err(Error::internal)?;
    archive.add("account.json", &mut about.as_slice()).map_err(|error| fault(&error))?;
    let all = all_conversations(app, user.id)?;
    for (done, id) in all.iter().enumerate() {
        progress(done, all.len());
        let conversation = match app.store.conversation(user.id, *id) {
            // It was purged a moment ago.
            Err(Error::NotFound) => continue,
            found => found?,
        };
        let folder = if conversation.deleted.is_some() { "trash" } else { "conversations" };
        let name = file_name(&conversation.title, format.ending());
        let out = archive
            .begin(&format!("{folder}/{:06} {name}", conversation.id.0))
            .map_err(|error| fault(&error))?;
        write(app, user.id, &conversation, format, out)?;
    }
    progress(all.len(), all.len());
    archive.finish().map_err(|error| fault(&error))
}

fn fault(error: &std::io::Error) -> Error {
    Error::Storage(error.to_string())
}

/// Files are read one at a time, as they are written.
fn write(
    app: &App,
    user: UserId,
    conversation: &Conversation,
    format: Format,
    out: &mut dyn Write,
) -> Result<()> {
    let turns = app.store.all_turns(user, conversation.id)?;
    let files = Files { app, user };
    let out = std::io::BufWriter::new(out);
    match format {
        Format::Markdown => {
            return markdown::write(conversation, &turns, &app.zone, out).map_err(|error| fault(&error));
        }
        Format::OpenWebUi => {
            serde_json::to_writer_pretty(out, &[openwebui::chat(conversation, &turns, files)])
        }
        Format::Json => serde_json::to_writer_pretty(out, &json::conversation(conversation, &turns, files)),
    }
    .map_err(|error| fault(&error.into()))
}

/// Where the files of turns are.
#[derive(Clone, Copy)]
struct Files<'a> {
    app: &'a App,
    user: UserId,
}

/// The content of a file as an address that holds it, read when it is written; null when it is gone.
struct Inline<'a> {
    files: Files<'a>,
    file: &'a Attachment,
}

impl Serialize for Inline<'_> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        match files::read(self.files.app, self.files.user, self.file) {
            Some(bytes) => out.serialize_str(&keys::data_url(&self.file.mime, &bytes)),
            None => out.serialize_none(),
        }
    }
}

/// The numbers of all of them: listed, archived and in the trash.
fn all_conversations(app: &App, user: UserId) -> Result<Vec<ConversationId>> {
    let mut all = Vec::new();
    for (archived, trash) in [(false, false), (true, false), (false, true)] {
        let mut listing = Listing { limit: PAGE, archived, trash, ..Listing::default() };
        loop {
            let (found, more) = app.store.conversations(user, &listing)?;
            listing.before = found.last().map(|c| (c.pinned, c.updated, c.id.0));
            all.extend(found.iter().map(|conversation| conversation.id));
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
