//! The rendering of an answer while it grows.
//!
//! Blocks are judged on complete lines. All but the last are settled: Markdown never reaches back into a block that another one
//! follows, but for references and footnotes, and those are set right when the answer has ended. So only the text from the last
//! block on is rendered again, and that only when it has grown by a part of itself.

use super::document::{self, End};
use super::fences::Fence;
use super::lines::{Prefix, is_blank, lines};

/// Bytes up to which the last block is rendered at every line.
const SMALL: usize = 2 << 10;
/// A larger one is rendered again when it has grown by one part in so many.
const PARTS: usize = 32;

/// What a page has to do. Changes are to be made in the order in which they come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The top-level block that changes; it is appended if there is none of this number yet.
    pub index: usize,
    /// The byte of the text up to which it is shown by blocks once the change is made. The rest is the plain tail: it stands behind
    /// the last block as text, or, if that is an open code block, in its `<pre>`.
    pub end: usize,
    /// The block's HTML, one element; `None` takes the block away, and all after it.
    pub html: Option<String>,
    /// Whether this is the last block and may change again. A block that another one follows is settled until the end.
    pub open: bool,
}

/// The rendering of one growing answer.
#[derive(Default)]
pub struct Stream {
    /// What the page has.
    sent: Vec<String>,
    /// How many of these are settled; their text ends at byte `start`.
    settled: usize,
    start: usize,
    /// How far the text has been searched for line ends, and where the last complete line ends.
    seen: usize,
    complete: usize,
    /// What `complete` was at the last rendering, and what the page shows by blocks since.
    rendered: usize,
    shown: usize,
    /// The last block is code whose fence is open.
    fence: Option<Fence>,
    ended: bool,
}

impl Stream {
    /// An answer of which nothing has come.
    pub fn new() -> Stream {
        Stream::default()
    }

    /// `text` is the whole answer so far, which only ever grows; if it is taken back, a new `Stream` must begin. To be called
    /// whenever a line has ended or as often as one likes: without a new line end, or inside an open code block, it costs next to
    /// nothing, and otherwise the rendering of the last block, a millisecond for 60 KB. Who has less time calls less often.
    pub fn update(&mut self, text: &str) -> Vec<Change> {
        let Some(new) = text.as_bytes().get(self.seen..).filter(|_| !self.ended) else {
            return Vec::new();
        };
        let line_end = new.iter().rposition(|&b| b == b'\n').map(|at| self.seen + at + 1);
        self.seen = text.len();
        let Some(complete) = line_end else {
            return Vec::new();
        };
        if !text.is_char_boundary(self.start) || !text.is_char_boundary(self.rendered) {
            return Vec::new(); // another text than before
        }
        self.complete = complete;
        let in_fence = self.fence.is_some();
        if !self.is_due(text) {
            return Vec::new();
        }
        self.rendered = self.complete;
        self.render(text, in_fence)
    }

    /// The answer has ended: the changes after which the page has exactly what `blocks(text)` gives.
    pub fn finish(&mut self, text: &str) -> Vec<Change> {
        let whole = super::blocks(text);
        let mut changes: Vec<Change> = Vec::new();
        let change = |index, html| Change { index, end: text.len(), html, open: false };
        for (index, html) in whole.iter().enumerate() {
            if self.sent.get(index) != Some(html) {
                changes.push(change(index, Some(html.clone())));
            }
        }
        if self.sent.len() > whole.len() {
            changes.push(change(whole.len(), None));
        }
        *self = Stream { sent: whole, shown: text.len(), ended: true, ..Stream::default() };
        self.settled = self.sent.len();
        changes
    }

    /// Whether the complete lines are worth a rendering.
    fn is_due(&mut self, text: &str) -> bool {
        let new = &text[self.rendered..self.complete];
        if let Some(fence) = self.fence {
            if !lines(new).any(|(_, line)| fence.closed_by(line)) {
                self.rendered = self.complete;
                return false;
            }
            self.fence = None;
            return true;
        }
        let size = self.complete - self.start;
        size <= SMALL || new.len() * PARTS >= size || ends_block(&text[self.start..self.rendered], new)
    }

    /// Renders the complete lines from the last block on. If that was code `in_fence`, the page has put text into it.
    fn render(&mut self, text: &str, in_fence: bool) -> Vec<Change> {
        let region = self.start;
        let blocks = document::blocks(&text[region..self.complete], true);
        let mut changes = Vec::new();
        let starts: Vec<usize> = blocks.iter().map(|block| region + block.start).collect();
        let first = self.settled;
        let (mut shown, mut end) = (self.complete, End::Open);
        for (i, block) in blocks.into_iter().enumerate() {
            let index = first + i;
            let last = i + 1 == starts.len();
            end = block.end;
            shown = match (starts.get(i + 1), end) {
                (Some(&next), _) => next,
                // The code has no line end after its last line, so the page goes on with that.
                (None, End::Fence { empty: false, .. }) => self.complete - 1,
                (None, _) => self.complete,
            };
            // A block that stays as it is has to be named again only to say that more of the text is in it.
            let known = self.sent.get(index) == Some(&block.html) && !(in_fence && i == 0);
            if !known || last && !is_blank(text.get(self.shown..shown).unwrap_or_default()) {
                changes.push(Change {
                    index,
                    end: shown,
                    html: Some(block.html.clone()),
                    open: last && end != End::Closed,
                });
            }
            if known {
                continue;
            }
            self.sent.truncate(index);
            self.sent.push(block.html);
        }
        if self.sent.len() > first + starts.len() {
            self.sent.truncate(first + starts.len());
            changes.push(Change { index: self.sent.len(), end: shown, html: None, open: false });
        }
        self.shown = shown;
        self.settle(&starts, end);
        changes
    }

    /// Lets go of all blocks but the last, and of that too if it cannot change.
    fn settle(&mut self, starts: &[usize], end: End) {
        let Some(&last) = starts.last() else {
            return;
        };
        if end == End::Closed {
            self.settled += starts.len();
            self.start = self.complete;
        } else {
            self.settled += starts.len() - 1;
            self.start = last;
        }
        if let End::Fence { fence, .. } = end {
            self.fence = Some(fence);
        }
    }
}

/// Whether a line of `new` begins another block than the one that `old` ends with: it stands at the margin behind a blank line.
fn ends_block(old: &str, new: &str) -> bool {
    let mut after_blank = old.ends_with("\n\n") || old.ends_with("\n\r\n");
    lines(new).any(|(_, line)| {
        let begins = after_blank && Prefix::of(line).content == 0 && !is_blank(line);
        after_blank = is_blank(line);
        begins
    })
}
