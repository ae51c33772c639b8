//! What a follower of an answer reads, and from where.

use crate::model::{Fault, Status, Usage};

/// Of the text that one event carries, in bytes.
const LONGEST_PIECE: usize = 64 << 10;

/// How it ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    /// Any but `Streaming`.
    pub status: Status,
    /// The model's word for why.
    pub finish_reason: Option<String>,
    /// What went wrong, or what a person should know about an empty answer.
    pub fault: Option<Fault>,
    /// Seconds after which a new try may succeed.
    pub retry_after: Option<u64>,
    /// What it cost.
    pub usage: Usage,
}

/// Where a follower is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Bytes of the response that it has.
    pub response: usize,
    /// Bytes of the reasoning that it has.
    pub reasoning: usize,
    /// The resets it has seen.
    pub resets: u32,
}

/// What a follower reads.
#[derive(Debug, Default)]
pub struct News {
    /// Everything comes again from 0.
    pub reset: bool,
    /// New thoughts.
    pub reasoning: String,
    /// New text of the answer.
    pub response: String,
    /// It has ended; there is nothing behind this.
    pub ended: Option<Ended>,
}

impl News {
    /// Takes what is new since `position`, thoughts first, and moves it on. True when there is nothing behind that. A
    /// piece has a limit: a reader that takes nothing keeps one in memory, not the whole answer.
    pub fn take(&mut self, reasoning: &str, response: &str, position: &mut Position) -> bool {
        let piece = |text: &str, at: &mut usize| {
            let from = text.ceil_char_boundary(*at);
            *at = text.floor_char_boundary(from + LONGEST_PIECE);
            text[from..*at].to_owned()
        };
        self.reasoning = piece(reasoning, &mut position.reasoning);
        if position.reasoning < reasoning.len() {
            return false;
        }
        self.response = piece(response, &mut position.response);
        position.response == response.len()
    }
}

/// True for offsets that were named before the response began anew. Thoughts are always sent before the words that
/// follow them: who has any of the new response has all the thoughts there were when it began.
pub fn is_outdated(response: usize, reasoning: usize, reset_at: usize) -> bool {
    response > 0 && reasoning < reset_at
}
