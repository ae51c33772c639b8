//! Colours for languages made of words, strings, numbers and comments.

use std::collections::HashMap;

use super::{Class, Painter};

/// How a language is written. All lists of words are separated by blanks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Language {
    /// What it is called in an info string.
    pub names: &'static str,
    pub keywords: &'static str,
    /// Types and values that come with the language.
    pub types: &'static str,
    /// What begins a comment to the end of the line.
    pub comments: &'static [&'static str],
    /// What begins and ends a comment of many lines.
    pub blocks: &'static [(&'static str, &'static str)],
    pub quotes: &'static [Quote],
    /// Signs that belong to the word behind them, and what they make of it.
    pub sigils: &'static [(u8, Class)],
    /// Signs that may stand inside a word, beside letters, digits and `_`.
    pub inside: &'static [u8],
    /// What stands behind a key: `:` in JSON, `=` in TOML.
    pub key: &'static [u8],
    pub habits: Habits,
}

/// What else is particular about a language.
#[derive(Debug, Clone, Copy)]
pub(super) struct Habits {
    /// Words mean the same in capitals.
    pub fold_case: bool,
    /// Words that begin with a capital are types.
    pub capital_types: bool,
    /// A word before `(` is a function.
    pub calls: bool,
    /// Comments of many lines nest.
    pub nested: bool,
    /// A comment begins only at a word's beginning.
    pub spaced_comments: bool,
}

/// How a string is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quote {
    pub open: &'static str,
    pub close: &'static str,
    /// Whether a backslash takes the next character with it.
    pub escapes: bool,
    /// Whether it may hold line ends.
    pub long: bool,
    /// Whether it holds one character at most, as where `'` has other uses.
    pub one: bool,
}

/// Words of a language with what they are.
pub(super) struct Known {
    pub language: &'static Language,
    words: HashMap<&'static str, Class>,
}

impl Known {
    pub fn new(language: &'static Language) -> Known {
        let types = language.types.split_whitespace().map(|word| (word, Class::Type));
        let keywords = language.keywords.split_whitespace().map(|word| (word, Class::Keyword));
        Known { language, words: types.chain(keywords).collect() }
    }

    fn class(&self, word: &str) -> Option<Class> {
        if self.language.habits.fold_case {
            self.words.get(word.to_ascii_lowercase().as_str()).copied()
        } else {
            self.words.get(word).copied()
        }
    }
}

/// Writes `code` in the colours of a language.
pub(super) fn paint(painter: &mut Painter<'_>, known: &Known, code: &str) {
    let mut scan = Scan { known, language: known.language, code, at: 0, expected: None };
    while scan.at < code.len() {
        let (class, end) = scan.token();
        painter.push(class, &code[scan.at..end]);
        scan.at = end;
    }
}

struct Scan<'a> {
    known: &'a Known,
    language: &'static Language,
    code: &'a str,
    at: usize,
    /// What the next word is, going by the one before: behind `fn` comes a function.
    expected: Option<Class>,
}

impl Scan<'_> {
    fn rest(&self) -> &str {
        &self.code[self.at..]
    }

    /// What begins here, and where it ends; never an empty piece.
    fn token(&mut self) -> (Option<Class>, usize) {
        let first = self.rest().chars().next().unwrap_or(' ');
        if first.is_whitespace() {
            return (None, self.at + first.len_utf8());
        }
        if let Some(end) = self.comment() {
            return (Some(Class::Comment), end);
        }
        if let Some(end) = self.string() {
            let class = if self.is_key(end) { Class::Type } else { Class::String };
            return (Some(class), end);
        }
        if first.is_ascii_digit() {
            return (Some(Class::Number), self.number());
        }
        if is_word(first) {
            return self.word();
        }
        let sigil = self.language.sigils.iter().find(|(sign, _)| first == char::from(*sign));
        if let Some((_, class)) = sigil {
            let end = self.word_end(self.at + 1);
            if end > self.at + 1 {
                return (Some(*class), end);
            }
        }
        self.expected = None;
        (None, self.at + first.len_utf8())
    }

    fn comment(&self) -> Option<usize> {
        let rest = self.rest();
        if self.language.habits.spaced_comments
            && self.code[..self.at].ends_with(|c: char| !c.is_whitespace() && c != ';' && c != '(')
        {
            return None;
        }
        for (open, close) in self.language.blocks {
            if rest.starts_with(open) {
                return Some(
                    self.at
                        + if self.language.habits.nested {
                            nested(rest, open, close)
                        } else {
                            till(rest, open.len(), close)
                        },
                );
            }
        }
        let begins = self.language.comments.iter().any(|open| rest.starts_with(open));
        begins.then(|| self.at + rest.find('\n').unwrap_or(rest.len()))
    }

    fn string(&self) -> Option<usize> {
        let quotes = self.language.quotes.iter().filter(|quote| self.rest().starts_with(quote.open));
        quotes.filter_map(|quote| quote.end(self.rest())).next().map(|length| self.at + length)
    }

    /// Letters belong to it (`0x1F`, `10px`, `1e9`), and points between digits.
    fn number(&self) -> usize {
        let bytes = self.code.as_bytes();
        let mut end = self.at;
        while let Some(&b) = bytes.get(end) {
            let sign = matches!(b, b'+' | b'-')
                && matches!(bytes[end - 1], b'e' | b'E')
                && !self.rest().starts_with("0x");
            let point = b == b'.' && bytes.get(end + 1).is_some_and(u8::is_ascii_digit);
            if !(b.is_ascii_alphanumeric()
                || b == b'_'
                || b == b'%' && !self.language.key.is_empty()
                || sign
                || point)
            {
                break;
            }
            end += 1;
        }
        end
    }

    fn word_end(&self, from: usize) -> usize {
        let inside = |c: char| {
            is_word(c)
                || c.is_ascii_digit()
                || u8::try_from(c).is_ok_and(|b| self.language.inside.contains(&b))
        };
        self.code[from..].find(|c| !inside(c)).map_or(self.code.len(), |length| from + length)
    }

    fn word(&mut self) -> (Option<Class>, usize) {
        let end = self.word_end(self.at);
        let word = &self.code[self.at..end];
        let expected = self.expected.take();
        let habits = self.language.habits;
        let class = if self.is_key(end) {
            Some(Class::Type)
        } else if let Some(class) = self.known.class(word) {
            self.expected = introduces(word);
            Some(class)
        } else if expected.is_some() {
            expected
        } else if let Some(end) = self.prefixed(word, end) {
            return (Some(Class::String), end);
        } else if habits.calls
            && ["(", "!(", "![", "!{"].iter().any(|call| self.code[end..].starts_with(call))
        {
            Some(Class::Function)
        } else {
            // A word all in capitals is a constant.
            let is_type = habits.capital_types
                && word.starts_with(char::is_uppercase)
                && (word.len() == 1 || word.contains(char::is_lowercase));
            is_type.then_some(Class::Type)
        };
        (class, end)
    }

    /// The end of the string that `word` is the prefix of, as in `f"…"` and `L'…'`.
    fn prefixed(&self, word: &str, end: usize) -> Option<usize> {
        let prefix = word.len() <= 2 && word.is_ascii();
        let inner = Scan { at: end, expected: None, ..*self };
        inner.string().filter(|_| prefix)
    }

    /// Whether what ends at `end` is a key.
    fn is_key(&self, end: usize) -> bool {
        let keys = self.language.key;
        !keys.is_empty()
            && self.code[end..].trim_start_matches(' ').bytes().next().is_some_and(|b| keys.contains(&b))
    }
}

impl Quote {
    /// The length of the string that `rest` begins with; `None` if it does not end where it must.
    fn end(&self, rest: &str) -> Option<usize> {
        let bytes = rest.as_bytes();
        let mut at = self.open.len();
        while at < bytes.len() {
            if bytes[at..].starts_with(self.close.as_bytes()) {
                let inside = &rest[self.open.len()..at];
                let fits = !self.one || inside.starts_with('\\') || inside.chars().count() == 1;
                return fits.then_some(at + self.close.len());
            }
            match bytes[at] {
                b'\n' if !self.long => return None,
                b'\\' if self.escapes => at += 1,
                _ => {}
            }
            at += 1;
            if self.one && at > 14 {
                return None;
            }
        }
        self.long.then_some(bytes.len())
    }
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphabetic()
}

fn introduces(keyword: &str) -> Option<Class> {
    match keyword {
        "fn" | "def" | "func" | "function" | "fun" | "sub" | "proc" | "defp" => Some(Class::Function),
        "class" | "struct" | "enum" | "interface" | "trait" | "type" | "protocol" | "record" | "extends"
        | "implements" | "new" => Some(Class::Type),
        _ => None,
    }
}

/// The length of what `rest` begins with, to behind the first `close` from `from` on, or all of it.
fn till(rest: &str, from: usize, close: &str) -> usize {
    rest[from..].find(close).map_or(rest.len(), |length| from + length + close.len())
}

/// The same for what may hold itself.
fn nested(rest: &str, open: &str, close: &str) -> usize {
    let (mut depth, mut at) = (0usize, 0);
    while at < rest.len() {
        let here = &rest.as_bytes()[at..];
        if here.starts_with(open.as_bytes()) {
            depth += 1;
            at += open.len();
        } else if here.starts_with(close.as_bytes()) {
            at += close.len();
            depth -= 1;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}
