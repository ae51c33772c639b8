//! The HTML of a running answer: rendered once, however many follow it. Each follower takes what has changed since it last
//! looked, so one that comes late or reads slowly gets the present state and no history.

use crate::render::{self, Change};
use std::time::{Duration, Instant};

/// At most so often.
const EVERY: Duration = Duration::from_millis(100);
/// Never for more than a twentieth of a core.
const SHARE: u32 = 20;

/// The rendering of one answer.
pub struct Rendering {
    stream: render::Stream,
    blocks: Vec<Block>,
    /// Counts changes; each block knows its last one.
    version: u64,
    /// The byte of the text up to which blocks show it.
    shown: usize,
    /// Not to be rendered again before.
    due: Instant,
    /// The answer's resets that are in it.
    resets: u32,
}

struct Block {
    html: String,
    open: bool,
    version: u64,
}

/// What a follower has of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    version: u64,
    blocks: usize,
}

impl Seen {
    /// The page has thrown everything away.
    pub fn forget_blocks(&mut self) {
        self.blocks = 0;
    }
}

impl Default for Rendering {
    fn default() -> Rendering {
        Rendering {
            stream: render::Stream::new(),
            blocks: Vec::new(),
            version: 0,
            shown: 0,
            due: Instant::now(),
            resets: 0,
        }
    }
}

impl Rendering {
    /// Whether it may be rendered again.
    pub fn is_due(&self) -> bool {
        Instant::now() >= self.due
    }

    /// Renders the text so far; `ended` says that nothing comes any more.
    pub fn update(&mut self, text: &str, resets: u32, ended: bool) {
        let began = Instant::now();
        if self.resets != resets {
            *self = Rendering { version: self.version + 1, resets, ..Rendering::default() };
        }
        let changes = if ended { self.stream.finish(text) } else { self.stream.update(text) };
        for change in changes {
            self.apply(change);
        }
        if ended {
            self.shown = text.len();
        }
        self.due = Instant::now() + EVERY.max(began.elapsed() * SHARE);
    }

    fn apply(&mut self, change: Change) {
        self.version += 1;
        self.shown = change.end;
        match change.html {
            None => self.blocks.truncate(change.index),
            Some(html) => {
                let block = Block { html, open: change.open, version: self.version };
                if change.index < self.blocks.len() {
                    self.blocks[change.index] = block;
                } else {
                    self.blocks.push(block);
                }
            }
        }
    }

    /// What has changed since `seen`, which is moved on.
    pub fn news(&self, seen: &mut Seen) -> Vec<Change> {
        let end = self.shown;
        let changed = self.blocks.iter().enumerate().filter(|(_, block)| block.version > seen.version);
        let mut news: Vec<Change> = changed
            .map(|(index, block)| Change { index, end, html: Some(block.html.clone()), open: block.open })
            .collect();
        if self.blocks.len() < seen.blocks {
            news.push(Change { index: self.blocks.len(), end, html: None, open: false });
        }
        *seen = Seen { version: self.version, blocks: self.blocks.len() };
        news
    }

    /// The resets that it has seen.
    pub fn resets(&self) -> u32 {
        self.resets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "# Title\n\nOne [a] two.\n\n```rust\nfn a() {}\n```\n\n- x\n- y\n\n[a]: https://example.org\n";

    /// A page that makes the changes it is told.
    fn apply(page: &mut Vec<String>, changes: Vec<Change>) {
        for change in changes {
            match change.html {
                None => page.truncate(change.index),
                Some(html) if change.index < page.len() => page[change.index] = html,
                Some(html) => {
                    assert_eq!(change.index, page.len());
                    page.push(html);
                }
            }
        }
    }

    #[test]
    fn followers_who_look_seldom_or_come_late_end_with_the_same_page() {
        for step in [1, 3, 7, 20] {
            let mut rendering = Rendering::default();
            let mut pages: Vec<(Seen, Vec<String>)> = vec![Default::default(); 3];
            for (count, at) in (0..TEXT.len()).step_by(step).enumerate() {
                rendering.update(&TEXT[..at], 0, false);
                for (every, (seen, page)) in [1, 4, usize::MAX].iter().zip(&mut pages) {
                    if count % every == every - 1 {
                        apply(page, rendering.news(seen));
                    }
                }
            }
            rendering.update(TEXT, 0, true);
            for (seen, page) in &mut pages {
                apply(page, rendering.news(seen));
                assert_eq!(*page, render::blocks(TEXT), "step {step}");
                assert!(rendering.news(seen).is_empty());
            }
        }
    }

    #[test]
    fn a_reset_begins_anew() {
        let mut rendering = Rendering::default();
        let mut seen = Seen::default();
        rendering.update("one\n\ntwo\n\nthree\n\n", 0, false);
        assert!(rendering.news(&mut seen).len() > 1);
        rendering.update("four\n", 1, true);
        let mut page = Vec::new();
        apply(&mut page, rendering.news(&mut Seen::default()));
        assert_eq!(page, render::blocks("four\n"));
        assert_eq!(rendering.resets(), 1);
    }
}
