//! What the fake upstream says, byte by byte.
use crate::http::response;
use anyhow::{Result, bail};
use std::fmt::Write;

/// How the upstream answers.
#[derive(Clone, Copy, Debug)]
pub struct Script {
    /// timed tokens of a streamed answer; 0: the whole answer in one write
    pub tokens: u64,
    /// from the request to the first token
    pub first_ms: u64,
    /// from token to token
    pub gap_ms: u64,
    /// wait before an answer that is given in one write
    pub delay_ms: u64,
    /// bytes of such an answer's text
    pub reply_bytes: usize,
    /// into how many events its text is cut when streamed
    pub pieces: usize,
    /// send the usage chunk even unasked
    pub usage: bool,
}

impl Script {
    /// Answers at once, in one write.
    pub const AT_ONCE: Script =
        Script { tokens: 0, first_ms: 0, gap_ms: 0, delay_ms: 0, reply_bytes: 400, pieces: 1, usage: false };

    /// Streams that many tokens, as a real model does.
    pub fn timed(tokens: u64, gap_ms: u64) -> Script {
        Script { tokens, first_ms: 200, gap_ms, ..Script::AT_ONCE }
    }

    /// One setting by its name.
    pub fn set(&mut self, name: &str, value: &str) -> Result<()> {
        let number: u64 = value.parse()?;
        match name {
            "tokens" => self.tokens = number,
            "first_ms" => self.first_ms = number,
            "gap_ms" => self.gap_ms = number,
            "delay_ms" => self.delay_ms = number,
            "reply_bytes" => self.reply_bytes = usize::try_from(number)?,
            "pieces" => self.pieces = usize::try_from(number)?.max(1),
            "usage" => self.usage = number != 0,
            _ => bail!("no setting {name}"),
        }
        Ok(())
    }
}

/// The answers of a script that need no timing, made once.
pub struct Ready {
    /// made from it
    pub script: Script,
    /// as one JSON object
    pub plain: Vec<u8>,
    /// as events
    pub events: Vec<u8>,
    /// as events, usage among them
    pub events_usage: Vec<u8>,
}

impl Ready {
    /// Of that script.
    pub fn new(script: Script) -> Ready {
        let words = "The quick brown fox jumps over the lazy dog. ";
        let text: String = words.chars().cycle().take(script.reply_bytes).collect();
        let body = format!(
            r#"{{"id":"chatcmpl-bench","object":"chat.completion","created":1750000000,"model":"bench","choices":[{{"index":0,"message":{{"role":"assistant","content":"{text}"}},"finish_reason":"stop"}}],"usage":{}}}"#,
            usage(90)
        );
        Ready {
            script,
            plain: response("200 OK", "application/json", &body),
            events: at_once(&text, script.pieces, false),
            events_usage: at_once(&text, script.pieces, true),
        }
    }
}

/// Before the events.
pub const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n";
const CHUNK: &str = r#"{"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1750000000,"model":"bench","choices":["#;

fn at_once(text: &str, pieces: usize, with_usage: bool) -> Vec<u8> {
    let mut out = HEAD.to_owned();
    let size = text.len().div_ceil(pieces).max(1);
    for start in (0..text.len()).step_by(size) {
        let piece = &text[start..text.len().min(start + size)];
        push_delta(&mut out, &format!(r#"{{"content":"{piece}"}}"#));
    }
    push_end(&mut out, with_usage.then_some(90));
    out.into_bytes()
}

/// One event, as one chunk of the transfer.
fn push_event(out: &mut String, data: &str) {
    let length = data.len() + 8;
    // writing into a String cannot fail
    let _ = write!(out, "{length:x}\r\ndata: {data}\n\n\r\n");
}

/// One delta of the answer.
pub fn push_delta(out: &mut String, delta: &str) {
    let choice = r#"{"index":0,"delta":"#;
    push_event(out, &format!(r#"{CHUNK}{choice}{delta},"finish_reason":null}}]}}"#));
}

/// The end, with that many tokens of usage where it was asked for.
pub fn push_end(out: &mut String, usage_of: Option<u64>) {
    let choice = r#"{"index":0,"delta":{},"finish_reason":"stop"}"#;
    push_event(out, &format!("{CHUNK}{choice}]}}"));
    if let Some(tokens) = usage_of {
        push_event(out, &format!(r#"{CHUNK}],"usage":{}}}"#, usage(tokens)));
    }
    push_event(out, "[DONE]");
    out.push_str("0\r\n\r\n");
}

fn usage(tokens: u64) -> String {
    let total = tokens + 12;
    format!(r#"{{"prompt_tokens":12,"completion_tokens":{tokens},"total_tokens":{total}}}"#)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Message;

    #[test]
    fn a_ready_answer_is_one_whole_message_with_all_its_text() {
        for pieces in [1, 3, 400, 1000] {
            let script = Script { pieces, ..Script::AT_ONCE };
            let ready = Ready::new(script);
            let mut message = Message::response();
            message.push(&ready.events_usage).unwrap();
            assert!(message.whole);
            let body = String::from_utf8(message.body).unwrap();
            let text: usize = body
                .lines()
                .filter_map(|l| l.strip_prefix("data: {"))
                .filter_map(|l| l.split_once(r#""content":""#)?.1.split_once('"'))
                .map(|(text, _)| text.len())
                .sum();
            assert_eq!(text, 400);
            assert!(body.contains(r#""total_tokens":102"#) && body.ends_with("data: [DONE]\n\n"));
        }
    }
}
