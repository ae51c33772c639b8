//! A conversation for people: title, then question and answer in turn, as they stand on the page.

use super::{current_path, is_whole};
use crate::calendar::Zone;
use crate::model::Turn;
use crate::store::Conversation;
use std::fmt::Write;

/// Writes the current path. A question is quoted, so that no Markdown in it can be taken for structure.
pub fn write(conversation: &Conversation, turns: &[Turn], zone: &Zone) -> String {
    let mut out = String::new();
    let title = if conversation.title.is_empty() { "Conversation" } else { &conversation.title };
    // Writing to a String cannot fail.
    let _ = writeln!(out, "# {title}\n\n{}", zone.stamp(conversation.created));
    for turn in current_path(conversation, turns) {
        let _ = writeln!(out, "\n---\n");
        for line in turn.prompt.lines() {
            let _ = writeln!(out, "> {line}");
        }
        let _ = writeln!(out, "\n{}", turn.response.trim_end());
        if !is_whole(turn) {
            let _ = writeln!(out, "\n*({})*", turn.status.as_str());
        }
        let _ = writeln!(out, "\n<sub>{} · {}</sub>", turn.model, zone.stamp(turn.created));
    }
    out
}
