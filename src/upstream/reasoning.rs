//! Tells thoughts from answer where a model writes both into one text: `<think>…</think>` before the answer, with
//! the tags cut anywhere by the stream. Only a tag that opens the answer counts, so that an answer may speak of it.
//!
//! Some models' templates open the tag on the model's behalf, so that only `</think>` ever comes, alone on its line.
//! Then all that was sent as the answer was thought.

const NAMES: [&str; 4] = ["think", "thinking", "thought", "reasoning"];
/// Blanks that are held back because they may belong to a tag, in bytes. More are what they look like: a model that
/// sends nothing else must not fill the memory.
const MOST_BLANKS: usize = 256;

/// What a piece of text turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// Of the answer.
    Answer(&'a str),
    /// Of the thoughts.
    Thought(&'a str),
    /// All of the answer so far was thought.
    AllThought,
}

/// Splits one answer.
#[derive(Debug)]
pub struct Splitter {
    state: State,
    /// What may yet become a tag.
    held: String,
    /// The answer so far ends with a line break, or is empty.
    line_start: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing but blanks came so far.
    Start,
    /// Right behind an opening tag, that number in `NAMES`: line breaks are not part of the thoughts.
    Opened(usize),
    /// Within it.
    Thinking(usize),
    /// Right behind a closing tag: blanks are not part of the answer.
    Closed,
    /// The answer, with no tag before it.
    Untagged,
    /// The answer: no tag counts any more.
    Answering,
}

impl Default for Splitter {
    fn default() -> Splitter {
        Splitter { state: State::Start, held: String::new(), line_start: true }
    }
}

impl Splitter {
    /// Splits the next piece.
    pub fn push(&mut self, piece: &str, out: &mut dyn FnMut(Part<'_>)) {
        if self.state == State::Answering && self.held.is_empty() {
            return out(Part::Answer(piece));
        }
        let mut text = std::mem::take(&mut self.held);
        text.push_str(piece);
        let rest = self.split(&text, out);
        self.held = rest.to_owned();
    }

    /// The stream has ended: what was held back is what it looks like.
    pub fn finish(&mut self, out: &mut dyn FnMut(Part<'_>)) {
        let held = std::mem::take(&mut self.held);
        match self.state {
            State::Thinking(_) => out(Part::Thought(&held)),
            State::Untagged if held.trim_end() == "</think>" && self.line_start => {
                out(Part::AllThought);
            }
            State::Start | State::Opened(_) | State::Closed if held.trim().is_empty() => {}
            _ => out(Part::Answer(&held)),
        }
    }

    /// Gives out what is certain and returns the rest.
    fn split<'a>(&mut self, mut text: &'a str, out: &mut dyn FnMut(Part<'_>)) -> &'a str {
        loop {
            let (state, rest) = match self.state {
                State::Start => start(text),
                State::Opened(name) => match text.trim_start_matches('\n') {
                    "" => return "",
                    rest => (Some(State::Thinking(name)), rest),
                },
                State::Thinking(name) => thinking(name, text, out),
                State::Closed => match text.trim_start() {
                    "" => return "",
                    rest => (Some(State::Answering), rest),
                },
                State::Untagged => self.untagged(text, out),
                State::Answering => {
                    if !text.is_empty() {
                        out(Part::Answer(text));
                    }
                    return "";
                }
            };
            match state {
                Some(state) => (self.state, text) = (state, rest),
                None => return rest,
            }
        }
    }

    /// Looks for a closing tag alone on its line.
    fn untagged<'a>(&mut self, text: &'a str, out: &mut dyn FnMut(Part<'_>)) -> (Option<State>, &'a str) {
        const TAG: &str = "</think>";
        let mut from = 0;
        while let Some(at) = text[from..].find('<').map(|i| i + from) {
            let line_start = if at == 0 { self.line_start } else { text[..at].ends_with('\n') };
            let rest = &text[at..];
            if line_start && rest.starts_with(TAG) {
                let behind = &rest[TAG.len()..];
                let blank = behind.trim_start_matches([' ', '\t', '\r']);
                let few = behind.len() - blank.len() <= MOST_BLANKS;
                if few && blank.starts_with('\n') {
                    if at > 0 {
                        out(Part::Answer(&text[..at]));
                    }
                    out(Part::AllThought);
                    return (Some(State::Closed), behind);
                }
                if few && blank.is_empty() {
                    return self.hold(text, at, out);
                }
            } else if line_start && TAG.starts_with(rest) {
                return self.hold(text, at, out);
            }
            from = at + 1;
        }
        self.hold(text, text.len(), out)
    }

    /// Gives out what is before `at` and keeps the rest.
    fn hold<'a>(
        &mut self,
        text: &'a str,
        at: usize,
        out: &mut dyn FnMut(Part<'_>),
    ) -> (Option<State>, &'a str) {
        if at > 0 {
            out(Part::Answer(&text[..at]));
            self.line_start = text[..at].ends_with('\n');
        }
        (None, &text[at..])
    }
}

fn start(text: &str) -> (Option<State>, &str) {
    let trimmed = text.trim_start();
    if text.len() - trimmed.len() > MOST_BLANKS {
        return (Some(State::Untagged), text);
    }
    for (i, name) in NAMES.iter().enumerate() {
        let tag = format!("<{name}>");
        if let Some(rest) = trimmed.strip_prefix(tag.as_str()) {
            return (Some(State::Opened(i)), rest);
        }
        if tag.starts_with(trimmed) {
            return (None, text);
        }
    }
    (Some(State::Untagged), text)
}

fn thinking<'a>(name: usize, text: &'a str, out: &mut dyn FnMut(Part<'_>)) -> (Option<State>, &'a str) {
    let tag = format!("</{}>", NAMES[name]);
    if let Some(at) = text.find(&tag) {
        let thought = without_breaks(&text[..at]);
        if !thought.is_empty() {
            out(Part::Thought(thought));
        }
        return (Some(State::Closed), &text[at + tag.len()..]);
    }
    // A tail that may be the beginning of the tag waits, with all line breaks before it.
    let tail = (1..tag.len()).rev().find(|n| text.ends_with(&tag[..*n])).unwrap_or(0);
    let at = without_breaks(&text[..text.len() - tail]).len();
    if at > 0 {
        out(Part::Thought(&text[..at]));
    }
    (None, &text[at..])
}

/// Without the line breaks at its end, `MOST_BLANKS` of them at most.
fn without_breaks(text: &str) -> &str {
    let breaks = text.len() - text.trim_end_matches('\n').len();
    &text[..text.len() - breaks.min(MOST_BLANKS)]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Thoughts and answer after all pieces.
    fn split(pieces: &[&str]) -> (String, String) {
        let (mut splitter, mut thought, mut answer) = (Splitter::default(), String::new(), String::new());
        let mut take = |part: Part<'_>| match part {
            Part::Answer(text) => answer.push_str(text),
            Part::Thought(text) => thought.push_str(text),
            Part::AllThought => thought.push_str(&std::mem::take(&mut answer)),
        };
        for piece in pieces {
            splitter.push(piece, &mut take);
        }
        splitter.finish(&mut take);
        (thought, answer)
    }

    #[test]
    fn c11_the_tag_in_every_cut() {
        for (text, thought, answer) in [
            ("<think>plan</think>\n\nGood question: 3 < 5", "plan", "Good question: 3 < 5"),
            ("\n<think>\nplan\n</think>\nyes", "plan", "yes"),
            ("<thinking>a < b</thinking>c", "a < b", "c"),
            ("Write `<think>` first.", "", "Write `<think>` first."),
            ("Write\n</think> in the middle", "", "Write\n</think> in the middle"),
            ("Close it with `</think>`.\n", "", "Close it with `</think>`.\n"),
            ("<think>never closed", "never closed", ""),
            ("<think", "", "<think"),
            ("<p>html</p>", "", "<p>html</p>"),
            ("no opening\n</think>\n\nanswer", "no opening\n", "answer"),
            ("no opening\n</think>", "no opening\n", ""),
            ("</think>\n\nanswer", "", "answer"),
            ("<think></think>answer </think>\n", "", "answer </think>\n"),
            ("<think>a</think>b<think>c</think>", "a", "b<think>c</think>"),
            ("  indented", "", "  indented"),
            ("<think>a\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n</think>b", "a", "b"),
            ("<think>你好\n\n</think>世界", "你好", "世界"),
            ("", "", ""),
        ] {
            let want = (thought.to_owned(), answer.to_owned());
            assert_eq!(split(&[text]), want, "{text:?} whole");
            let each: Vec<String> = text.chars().map(String::from).collect();
            assert_eq!(
                split(&each.iter().map(String::as_str).collect::<Vec<_>>()),
                want,
                "{text:?} by character"
            );
            for (at, _) in text.char_indices() {
                assert_eq!(split(&[&text[..at], &text[at..]]), want, "{text:?} cut at {at}");
            }
        }
    }
}
