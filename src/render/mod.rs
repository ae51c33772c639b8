//! Turns what a model wrote, Markdown that may be hostile, into HTML that is safe to put in a page: whole, and while it grows.
//!
//! ```text
//! text --prepare--> text with hidden bytes --comrak--> tree --blocks, inlines, code, math--> Html
//! ```
//!
//! - `prepare` (with `lines`, `fences`, `formula`, `currency`, `tables`, `addresses`, `stand_in`) hides from the parser what it would misread or choke on.
//! - `document` runs the parser, behind `guard` and with a budget of steps; what is too much is shown as text.
//! - `blocks`, `inlines`, `link`, `code`, `math` write the tree through `html`, the one place where markup is made: names of
//!   elements and attributes are `&'static str`, everything else is escaped. No sanitiser follows, and none is needed.
//! - `stream` renders a growing text again from its last block on.
//!
//! All limits are of bytes, lines, depth and steps, never of time: the same text always renders the same.

mod addresses;
mod ahead;
mod blocks;
mod code;
mod currency;
mod document;
mod fences;
mod formula;
mod guard;
mod html;
mod inlines;
mod lines;
mod link;
mod math;
mod prepare;
mod script;
mod stand_in;
mod stream;
mod tables;

pub use guard::is_guarded;
pub use stream::{Change, Stream};

/// The HTML of each top-level block of `markdown`, in order. A block is exactly one element.
pub fn blocks(markdown: &str) -> Vec<String> {
    document::blocks(markdown, false).into_iter().map(|block| block.html).collect()
}

/// The whole HTML of `markdown`: its blocks, and nothing between them, so that a page gets the same nodes as from a `Stream`.
pub fn html(markdown: &str) -> String {
    blocks(markdown).concat()
}
