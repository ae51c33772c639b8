//! A conversation for people: title, then question and answer in turn, as they stand on the page.

use super::{current_path, is_whole};
use crate::calendar::Zone;
use crate::model::Turn;
use crate::store::Conversation;
use std::io::{self, Write};

/// Writes the current path. A question is quoted, so that no Markdown in it can be taken for structure.
pub fn write(
    conversation: &Conversation,
    turns: &[Turn],
    zone: &Zone,
    mut out: impl Write,
) -> io::Result<()> {
    let title = if conversation.title.is_empty() { "Conversation" } else { &conversation.title };
    writeln!(out, "# {title}\n\n{}", zone.stamp(conversation.created))?;
    for turn in current_path(conversation, turns) {
        writeln!(out, "\n---\n")?;
        for line in turn.prompt.lines() {
            writeln!(out, "> {line}")?;
        }
        for file in &turn.attachments {
            writeln!(out, ">\n> [{}]", file.name)?;
        }
        writeln!(out, "\n{}", turn.response.trim_end())?;
        if !is_whole(turn) {
            writeln!(out, "\n*({})*", turn.status.as_str())?;
        }
        writeln!(out, "\n<sub>{} · {}</sub>", turn.model, zone.stamp(turn.created))?;
    }
    out.flush()
}
