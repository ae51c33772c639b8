//! Following one streamed answer: events are cut from the bytes, tokens found in the text, each with
//! the time it took to come here.
use crate::stats::ms_between;
use anyhow::{Result, bail, ensure};
use serde::Deserialize;
use std::borrow::Cow;

/// Whose events these are.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Dialect {
    /// the fake upstream's own, direct or through a proxy that passes them on
    Upstream,
    /// gpt-assistant's
    Ours,
}

/// A streamed answer as far as it has come.
pub struct Follow {
    dialect: Dialect,
    sent_at: u64,
    pending: Vec<u8>,
    text: String,
    scanned: usize,
    /// tokens that have come, in order and none missing
    pub tokens: u64,
    /// from sending the request to the first token's coming, without the upstream's own delay
    pub added_ms: f64,
    /// from each token's writing at the upstream to its coming here
    pub transit_ms: Vec<f64>,
    /// the end was said, and it agrees with what came
    pub ended: bool,
}

#[derive(Deserialize)]
struct Delta<'a> {
    #[serde(borrow)]
    text: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Done<'a> {
    #[serde(borrow)]
    status: Cow<'a, str>,
    #[serde(borrow)]
    reply: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow)]
    choices: Vec<Choice<'a>>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow)]
    delta: Content<'a>,
}

#[derive(Deserialize)]
struct Content<'a> {
    #[serde(borrow)]
    content: Option<Cow<'a, str>>,
}

impl Follow {
    /// The request was sent at that moment.
    pub fn new(dialect: Dialect, sent_at: u64) -> Follow {
        Follow {
            dialect,
            sent_at,
            pending: Vec::new(),
            text: String::new(),
            scanned: 0,
            tokens: 0,
            added_ms: f64::NAN,
            transit_ms: Vec::new(),
            ended: false,
        }
    }

    /// More of the body, which came at that moment.
    pub fn push(&mut self, bytes: &[u8], came_at: u64) -> Result<()> {
        self.pending.extend_from_slice(bytes);
        let pending = std::mem::take(&mut self.pending);
        let mut rest = &pending[..];
        while let Some(end) = memchr::memmem::find(rest, b"\n\n") {
            self.event(std::str::from_utf8(&rest[..end])?)?;
            rest = &rest[end + 2..];
        }
        self.pending = rest.to_vec();
        self.scan(came_at)
    }

    fn event(&mut self, event: &str) -> Result<()> {
        let (mut name, mut data) = ("message", "");
        for line in event.lines() {
            if let Some(value) = line.strip_prefix("event:") {
                name = value.trim();
            } else if let Some(value) = line.strip_prefix("data:") {
                data = value.trim();
            }
        }
        match (self.dialect, name) {
            (Dialect::Ours, "delta") => {
                let delta: Delta = serde_json::from_str(data)?;
                self.text.push_str(&delta.text);
            }
            (Dialect::Ours, "done") => {
                let done: Done = serde_json::from_str(data)?;
                ensure!(done.status == "complete", "it ended {}", done.status);
                ensure!(done.reply == self.text, "done.reply differs from the deltas");
                self.ended = true;
            }
            (Dialect::Ours, "reset" | "error") => bail!("event {name}: {data}"),
            (Dialect::Upstream, _) if data == "[DONE]" => self.ended = true,
            (Dialect::Upstream, _) if !data.is_empty() => {
                let chunk: Chunk = serde_json::from_str(data)?;
                for choice in chunk.choices {
                    self.text.push_str(&choice.delta.content.unwrap_or_default());
                }
            }
            // turn, html, reasoning, comments
            _ => {}
        }
        Ok(())
    }

    /// Finds the tokens that have become whole, in however many deltas they came.
    fn scan(&mut self, came_at: u64) -> Result<()> {
        while let Some(end) = self.text[self.scanned..].find(']') {
            let token = &self.text[self.scanned..self.scanned + end];
            let fields = token.strip_prefix(" t[").unwrap_or_default().split(':');
            let fields: Vec<u64> = fields.filter_map(|f| f.parse().ok()).collect();
            let (number, written_at) = match fields[..] {
                [0, written_at, read_at] => {
                    self.added_ms = ms_between(self.sent_at, read_at) + ms_between(written_at, came_at);
                    (0, written_at)
                }
                [number, written_at] => (number, written_at),
                _ => bail!("{token:?} is no token"),
            };
            ensure!(number == self.tokens, "token {number} in place of {}", self.tokens);
            self.transit_ms.push(ms_between(written_at, came_at));
            self.tokens += 1;
            self.scanned += end + 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merged_and_split_deltas_hold_the_same_tokens() {
        let stream = concat!(
            ": hello\n\nevent: turn\ndata: {\"id\":1}\n\n",
            "event: delta\nid: 9\ndata: {\"text\":\" t[0:2000000:1000000] t[1:30\"}\n\n",
            "event: delta\ndata: {\"text\":\"00000]\"}\n\n",
            "event: done\ndata: {\"id\":1,\"status\":\"complete\",\"reply\":\" t[0:2000000:1000000] t[1:3000000]\"}\n\n",
        );
        for piece in [1, 10, 1000] {
            let mut follow = Follow::new(Dialect::Ours, 500_000);
            for part in stream.as_bytes().chunks(piece) {
                follow.push(part, 4_000_000).unwrap();
            }
            assert!(follow.ended);
            assert_eq!((follow.tokens, follow.added_ms), (2, 2.5));
            assert_eq!(follow.transit_ms, [2.0, 1.0]);
        }
    }

    #[test]
    fn a_lost_token_or_another_reply_is_a_fault() {
        let mut follow = Follow::new(Dialect::Ours, 0);
        let lost = b"event: delta\ndata: {\"text\":\" t[1:5]\"}\n\n";
        assert!(follow.push(lost, 9).is_err());
        let mut follow = Follow::new(Dialect::Ours, 0);
        let other = b"event: done\ndata: {\"status\":\"complete\",\"reply\":\"x\"}\n\n";
        assert!(follow.push(other, 9).is_err());
    }
}
