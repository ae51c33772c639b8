//! Runs the parser over a text and writes the blocks it finds.

use std::cell::Cell;

use comrak::nodes::{Node, NodeValue};
use comrak::{Arena, Options, try_parse_document};

use super::blocks as writer;
use super::fences::Fence;
use super::guard::guarded;
use super::html::Html;
use super::lines::{is_blank, lines};
use super::prepare::{Prepared, Seam, prepare};

/// Bytes after which a text is cut at the next clean place, and the parts parsed by themselves: this bounds what the parser holds
/// at once. References and footnotes are found within a part.
const PART: usize = 128 << 10;
/// Bytes after which a text is cut at the next blank line, clean or not.
const LONG_PART: usize = 512 << 10;
/// Steps of the parser (a line, a node) for each byte. Prose takes less than one, the densest formatting four.
const STEPS: usize = 6;

/// A block at the top of a text.
#[derive(Debug)]
pub(super) struct Block {
    pub html: String,
    /// The byte of the text at which its first line begins.
    pub start: usize,
    /// What more lines could do to it.
    pub end: End,
}

/// How a block at the end of a growing text can go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// It may yet become anything.
    Open,
    /// It is a code block whose fence has not closed; `empty` if no line of code has come.
    Fence { fence: Fence, empty: bool },
    /// Nothing belongs to it any more.
    Closed,
}

/// The blocks of `text`. With `growing` more will follow.
pub(super) fn blocks(text: &str, growing: bool) -> Vec<Block> {
    let prepared = prepare(text, growing);
    let mut all = Vec::new();
    let mut from = 0;
    for to in part_ends(text.len(), &prepared.seams) {
        if !part(text, &prepared, from, to, &mut all) {
            piecemeal(text, &prepared, from, to, &mut all);
        }
        from = to;
    }
    all
}

/// Where the parts of a text of `length` bytes end.
fn part_ends(length: usize, seams: &[Seam]) -> Vec<usize> {
    let (mut ends, mut from) = (Vec::new(), 0);
    for seam in seams {
        let size = seam.at - from;
        if size >= LONG_PART || seam.clean && size >= PART {
            ends.push(seam.at);
            from = seam.at;
        }
    }
    ends.push(length);
    ends
}

/// Appends the blocks of the text from `from` to `to`; `false`, and none, if the parser gave up on them.
fn part(text: &str, prepared: &Prepared<'_>, from: usize, to: usize, all: &mut Vec<Block>) -> bool {
    let source = prepared.part(from, to);
    let Some(Some(found)) = guarded(|| parse(&source)) else {
        return false;
    };
    let starts: Vec<usize> = lines(&text[from..to]).map(|(start, _)| from + start).collect();
    for (html, line, end) in found {
        let start = starts.get(line.saturating_sub(1)).copied().unwrap_or(from);
        all.push(Block { html, start, end });
    }
    true
}

/// Parses a part that was too much paragraph by paragraph, and shows as text what still is.
fn piecemeal(text: &str, prepared: &Prepared<'_>, from: usize, to: usize, all: &mut Vec<Block>) {
    let inside = prepared.seams.iter().map(|seam| seam.at).filter(|&at| at > from && at < to);
    let mut start = from;
    for end in inside.chain([to]) {
        if !part(text, prepared, start, end, all) && !is_blank(&text[start..end]) {
            let mut html = Html::default();
            html.open("p", &[("dir", Some("auto"))]);
            html.lines(&prepared.part(start, end));
            html.close("p");
            all.push(Block { html: html.into_string(), start, end: End::Open });
        }
        start = end;
    }
}

/// The HTML of each block of `source`, the number of its first line (from 1), and how it can go on. `None`: too many steps.
fn parse(source: &str) -> Option<Vec<(String, usize, End)>> {
    let asked = Cell::new(0);
    // The parser asks every 256 steps.
    let budget = (20_000 + STEPS * source.len()) / 256;
    let exhausted = || {
        asked.set(asked.get() + 1);
        asked.get() > budget
    };
    let arena = Arena::new();
    let root = try_parse_document(&arena, source, &options(), &exhausted).ok()?;
    let mut found = Vec::new();
    for node in root.children() {
        let mut html = Html::default();
        writer::write(&mut html, node);
        found.push((html.into_string(), node.data().sourcepos.start.line, end(node)));
    }
    Some(found)
}

fn end(node: Node<'_>) -> End {
    match &node.data().value {
        NodeValue::CodeBlock(code) if code.fenced && code.closed => End::Closed,
        NodeValue::CodeBlock(code) if code.fenced => {
            let fence = Fence { byte: code.fence_char, length: code.fence_length };
            End::Fence { fence, empty: code.literal.is_empty() }
        }
        NodeValue::Heading(_) | NodeValue::ThematicBreak => End::Closed,
        _ => End::Open,
    }
}

fn options() -> Options<'static> {
    let mut options = Options::default();
    let extension = &mut options.extension;
    extension.strikethrough = true;
    extension.table = true;
    extension.autolink = true;
    extension.tasklist = true;
    extension.footnotes = true;
    extension.alerts = true;
    extension.math_dollars = true;
    extension.math_latex = true;
    extension.cjk_friendly_emphasis = true;
    // A footnote that moved to the end, or vanished because nothing refers to it, would not be where the text has it.
    options.parse.leave_footnote_definitions = true;
    options
}
