//! Reads an answer: a stream of events, a whole answer in one piece, or something that is neither.

use super::deadlines::Watch;
use super::faults;
use super::reasoning::{Part, Splitter};
use super::sse::{Event, Events};
use super::wire::{Choice, Chunk, Said};
use crate::error::UpstreamError;
use crate::secret::Secret;
use flate2::bufread::GzDecoder;
use std::io::{self, BufRead, BufReader, Read};
use std::time::Duration;
use ureq::Body;
use ureq::http::Response;

/// How long after the finish reason the usage may take, and how long the end of the body after that.
const AFTER_FINISH: Duration = Duration::from_secs(3);
const AFTER_ALL: Duration = Duration::from_millis(500);
/// JSON may write one byte as six ("\u00e9"), and has names and brackets around.
const ESCAPED: usize = 6;
const AROUND: usize = 1 << 20;
/// Some events; ureq's own buffer is behind it.
const LINE_BUFFER: usize = 1 << 10;
/// What may follow an answer in its body.
const REST: u64 = 4 << 10;

/// A piece of what comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard<'a> {
    /// Of the answer.
    Text(&'a str),
    /// Of the thoughts before it.
    Thought(&'a str),
    /// All of the answer so far was thought.
    AllThought,
}

/// What is known when an answer has ended.
#[derive(Default)]
pub struct Answer {
    /// The model's word for why it ended; `None`: it broke off.
    pub finish: Option<String>,
    /// It reached the length limit of this server and was cut there.
    pub cut: bool,
    /// The model wanted a tool, though it was offered none.
    pub tool_call: bool,
    /// Tokens of the prompt, of the answer, and of these the cached and those spent on reasoning: the last good
    /// number of each.
    pub prompt_tokens: Option<i64>,
    /// See `prompt_tokens`.
    pub completion_tokens: Option<i64>,
    /// See `prompt_tokens`.
    pub cached_tokens: Option<i64>,
    /// See `prompt_tokens`.
    pub reasoning_tokens: Option<i64>,
    rest: Option<Rest>,
}

/// What is left of the body when the answer in it has ended.
struct Rest {
    reader: Box<dyn BufRead>,
    watch: Watch,
}

impl Answer {
    /// Reads the body to its end, so that its connection can be used again. Waits half a second at most. Never inlined:
    /// copying has 8 KiB on the stack, which the whole call would stand on.
    #[inline(never)]
    pub fn finish_reading(&mut self) {
        if let Some(rest) = self.rest.take() {
            rest.watch.let_go_after(AFTER_ALL);
            // Whatever follows an answer is of no use to anybody; a fault only costs the connection.
            let _ = io::copy(&mut rest.reader.take(REST), &mut io::sink());
        }
    }
}

/// Tells the watch of everything that comes: a comment or a blank line is a sign of life as much as an answer.
struct Listening<R> {
    body: R,
    watch: Watch,
}

impl<R: Read> Read for Listening<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.body.read(buffer)?;
        if count > 0 {
            self.watch.heard();
        }
        Ok(count)
    }
}

type Tell<'a> = &'a mut dyn FnMut(Heard<'_>);

/// Reads the body of a 200. Never inlined, as the sending is not: the stack that one needs is free again for the other.
#[inline(never)]
pub fn read(
    response: Response<Body>,
    key: &Secret,
    max_reply: usize,
    watch: Watch,
    tell: Tell<'_>,
) -> Result<Answer, UpstreamError> {
    let body = response.into_body().into_with_config().limit(u64::MAX).reader();
    let body = Listening { body, watch: watch.clone() };
    let mut reader: Box<dyn BufRead> = Box::new(BufReader::with_capacity(LINE_BUFFER, body));
    let mut first = first_byte(&mut *reader)?;
    if first == Some(0x1F) {
        reader = unpacking(reader);
        first = first_byte(&mut *reader)?;
    }
    let reading =
        Reading { key, left: max_reply, splitter: Splitter::default(), answer: Answer::default(), tell };
    match first {
        None => Err(faults::gibberish()),
        Some(b'{' | b'[') => reading.whole(reader, max_reply),
        Some(b'<') => {
            let mut page = Vec::new();
            let _ = reader.take(AROUND as u64 / 16).read_to_end(&mut page);
            Err(faults::page(200, &page))
        }
        Some(_) => reading.events(reader, watch),
    }
}

/// Never inlined: the decoder is made on the stack, which would cost each thread 40 KiB for what hardly ever comes.
#[inline(never)]
fn unpacking(reader: Box<dyn BufRead>) -> Box<dyn BufRead> {
    Box::new(BufReader::with_capacity(LINE_BUFFER, GzDecoder::new(reader)))
}

/// A short body as it was before it was packed, judged by its bytes.
#[inline(never)]
pub fn unpacked(body: Vec<u8>, longest: u64) -> Vec<u8> {
    if !body.starts_with(&[0x1F, 0x8B]) {
        return body;
    }
    let mut plain = Vec::new();
    let whole = GzDecoder::new(&body[..]).take(longest).read_to_end(&mut plain);
    if whole.is_ok() { plain } else { body }
}

/// The first byte that is no blank, without taking it.
fn first_byte(reader: &mut dyn BufRead) -> Result<Option<u8>, UpstreamError> {
    loop {
        let available = reader.fill_buf().map_err(|e| faults::io_fault(&e))?;
        let Some(last) = available.len().checked_sub(1) else {
            return Ok(None);
        };
        match available.iter().position(|b| !b.is_ascii_whitespace()) {
            Some(at) => return Ok(Some(available[at])),
            None => reader.consume(last + 1),
        }
    }
}

struct Reading<'a> {
    key: &'a Secret,
    /// Bytes that the answer may still have.
    left: usize,
    splitter: Splitter,
    answer: Answer,
    tell: Tell<'a>,
}

impl Reading<'_> {
    /// A whole answer, though events were asked for.
    fn whole(mut self, reader: Box<dyn BufRead>, max_reply: usize) -> Result<Answer, UpstreamError> {
        let limit = max_reply.saturating_mul(ESCAPED).saturating_add(AROUND);
        let mut body = Vec::new();
        reader.take(limit as u64).read_to_end(&mut body).map_err(|e| faults::io_fault(&e))?;
        let text = String::from_utf8_lossy(&body);
        let chunk: Chunk<'_> = serde_json::from_str(&text).map_err(|_| faults::gibberish())?;
        if chunk.error.is_some() || chunk.choices.0.is_empty() {
            return Err(faults::inside(&chunk, self.key));
        }
        self.chunk(&chunk)?;
        self.end();
        Ok(self.answer)
    }

    fn events(mut self, reader: Box<dyn BufRead>, watch: Watch) -> Result<Answer, UpstreamError> {
        let mut events = Events::new(reader);
        let mut event = Event::default();
        loop {
            match events.next(&mut event) {
                Ok(true) => {}
                Ok(false) => break,
                // After the finish reason nothing can go wrong any more: it is let go, breaks off or is garbage.
                Err(_) if self.answer.finish.is_some() => break,
                Err(error) => {
                    self.end();
                    return Err(faults::io_fault(&error));
                }
            }
            if event.data.trim() == "[DONE]" {
                break;
            }
            match self.event(&event) {
                Ok(()) => {}
                Err(_) if self.answer.finish.is_some() => break,
                Err(error) => {
                    self.end();
                    return Err(error);
                }
            }
            if self.answer.cut {
                return Ok(self.answer);
            }
            if self.answer.finish.is_some() {
                watch.let_go_after(AFTER_FINISH);
            }
        }
        self.end();
        self.answer.rest = Some(Rest { reader: events.into_inner(), watch });
        Ok(self.answer)
    }

    fn event(&mut self, event: &Event) -> Result<(), UpstreamError> {
        match serde_json::from_str::<Chunk<'_>>(&event.data) {
            Ok(chunk) if event.name == "error" && chunk.error.is_none() => {
                Err(faults::inside(&chunk, self.key))
            }
            Ok(chunk) => self.chunk(&chunk),
            Err(_) if event.data.trim().is_empty() => Ok(()),
            // Some servers forget the blank line between two events.
            Err(_) if event.data.contains('\n') => {
                for line in event.data.lines().filter(|line| line.trim() != "[DONE]") {
                    let chunk = serde_json::from_str(line).map_err(|_| faults::gibberish())?;
                    self.chunk(&chunk)?;
                }
                Ok(())
            }
            Err(_) => Err(faults::gibberish()),
        }
    }

    fn chunk(&mut self, chunk: &Chunk<'_>) -> Result<(), UpstreamError> {
        let usage = &chunk.usage.0;
        let answer = &mut self.answer;
        answer.prompt_tokens = usage.prompt_tokens.0.or(answer.prompt_tokens);
        answer.completion_tokens = usage.completion_tokens.0.or(answer.completion_tokens);
        answer.cached_tokens = usage.prompt_tokens_details.0.cached_tokens.0.or(answer.cached_tokens);
        answer.reasoning_tokens =
            usage.completion_tokens_details.0.reasoning_tokens.0.or(answer.reasoning_tokens);
        // Only the first choice is asked for; an upstream that sends more gets no say in the text.
        for choice in chunk.choices.0.iter().filter(|c| c.index.0.unwrap_or(0) == 0) {
            self.choice(choice);
        }
        if chunk.error.is_some() { Err(faults::inside(chunk, self.key)) } else { Ok(()) }
    }

    fn choice(&mut self, choice: &Choice<'_>) {
        for said in [&choice.delta.0, &choice.message.0] {
            self.said(said);
        }
        let finish = &choice.finish_reason.0;
        if !finish.is_empty() && finish != "error" {
            self.answer.finish = Some(crate::text::cut(finish, 64));
        }
    }

    fn said(&mut self, said: &Said<'_>) {
        self.answer.tool_call |= said.tool_calls.0 || said.function_call.0;
        let thought = [&said.reasoning_content.0, &said.reasoning.0, &said.thinking.0];
        if let Some(thought) = thought.into_iter().find(|t| !t.is_empty()) {
            self.give(Heard::Thought(thought));
        }
        for text in [&said.content.0, &said.refusal.0] {
            if text.is_empty() {
                continue;
            }
            let mut splitter = std::mem::take(&mut self.splitter);
            splitter.push(text, &mut |part| self.part(&part));
            self.splitter = splitter;
        }
    }

    fn part(&mut self, part: &Part<'_>) {
        match part {
            Part::Answer(text) => self.give(Heard::Text(text)),
            Part::Thought(text) => self.give(Heard::Thought(text)),
            Part::AllThought => (self.tell)(Heard::AllThought),
        }
    }

    /// Passes on what the length limit leaves of a piece.
    fn give(&mut self, heard: Heard<'_>) {
        let text = match heard {
            Heard::Text(text) | Heard::Thought(text) => text,
            Heard::AllThought => return,
        };
        let kept = &text[..text.floor_char_boundary(self.left)];
        self.answer.cut |= kept.len() < text.len();
        self.left = if self.answer.cut { 0 } else { self.left - kept.len() };
        if kept.is_empty() {
            return;
        }
        let clean = if kept.contains('\0') { &kept.replace('\0', "\u{FFFD}") } else { kept };
        (self.tell)(match heard {
            Heard::Thought(_) => Heard::Thought(clean),
            _ => Heard::Text(clean),
        });
    }

    fn end(&mut self) {
        let mut splitter = std::mem::take(&mut self.splitter);
        splitter.finish(&mut |part| self.part(&part));
    }
}
