//! What becomes of each command.

use super::super::stand_in::stand_in;
use super::commands::{Kind, alias, kind};
use super::tex::Reader;

/// Stands at the beginning of a group that gets a box; a noncharacter, which no source holds.
pub(super) const BOX: char = '\u{FDEF}';

/// The environments that say how their columns are set.
const WITH_COLUMNS: [&str; 6] = ["array", "darray", "subarray", "alignat", "alignat*", "alignedat"];

/// Copies or rewrites the command `name`, which has been read, with its arguments. `None`: the formula is refused.
pub(super) fn command<'a>(reader: &mut Reader<'a>, name: &'a str) -> Option<()> {
    reader.named(name)
}

impl<'a> Reader<'a> {
    fn push_name(&mut self, name: &str) {
        self.out.push('\\');
        self.out.push_str(name);
        // A blank behind a name is never seen, and keeps it from the letters that follow.
        if name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            self.out.push(' ');
        }
    }

    /// Copies or rewrites the command `name` with its arguments.
    fn named(&mut self, name: &'a str) -> Option<()> {
        match kind(name) {
            Kind::One | Kind::Two | Kind::Bracketed => {
                self.push_name(alias(name));
                if kind(name) == Kind::Bracketed {
                    self.optional()?;
                }
                self.argument()?;
                if kind(name) == Kind::Two {
                    self.argument()?;
                }
            }
            Kind::Words => {
                let words = words(self.raw_argument()?);
                self.push_words(name, &words);
            }
            Kind::Size => self.sized(name)?,
            Kind::Environment => self.environment(name)?,
            Kind::Operator => self.operator(name)?,
            Kind::Named(operator) => self.push_operator(operator, name.starts_with("arg")),
            Kind::Boxed => {
                self.out.push('{');
                self.out.push(BOX);
                self.argument()?;
                self.out.push('}');
            }
            Kind::Coloured => {
                self.raw_argument()?;
                self.argument()?;
            }
            Kind::ColouredWords(colours) => {
                for _ in 0..colours {
                    self.raw_argument()?;
                }
                let words = words(self.raw_argument()?);
                self.push_words("text", &words);
            }
            Kind::Dropped => drop(self.raw_argument()?),
            Kind::Nothing => {}
            Kind::Tag => {
                self.star();
                let words = format!("({})", words(self.raw_argument()?));
                self.push_name("qquad");
                self.push_words("text", &words);
            }
            Kind::Blank => self.out.push_str("\\:"),
            Kind::LineEnd => self.line_end(),
            Kind::Plain if name.is_ascii() => self.push_name(alias(name)),
            Kind::Plain | Kind::Refused => return None,
        }
        Some(())
    }

    fn star(&mut self) -> bool {
        let behind = self.rest.strip_prefix('*');
        self.rest = behind.unwrap_or(self.rest);
        behind.is_some()
    }

    /// An operator's name is written out by the converter as it is, so nothing but letters gets there.
    fn operator(&mut self, command: &str) -> Option<()> {
        let star = self.star();
        let before = self.rest;
        let name = words(self.raw_argument()?);
        let plain = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '.');
        if !name.trim().is_empty() && name.chars().all(plain) {
            self.push_operator(&name, star || command == "mathop");
            return Some(());
        }
        self.rest = before;
        self.argument()?;
        self.rest = self.rest.trim_start().strip_prefix("\\limits").unwrap_or(self.rest);
        Some(())
    }

    fn push_operator(&mut self, name: &str, limits: bool) {
        self.out.push_str("\\operatorname{");
        self.out.push_str(name.trim());
        self.out.push_str(if limits && self.display { "}\\limits " } else { "}" });
    }

    fn push_words(&mut self, command: &str, words: &str) {
        let known = ["textrm", "textbf", "textit", "textsf", "texttt"].contains(&command);
        self.out.push('\\');
        self.out.push_str(if known { command } else { "text" });
        self.out.push('{');
        // What TeX would read in words is hidden from the converter and shown again on output.
        self.out.extend(words.chars().map(|c| {
            if c.is_ascii_punctuation() { u8::try_from(c).ok().and_then(stand_in).unwrap_or(c) } else { c }
        }));
        self.out.push('}');
    }

    /// `\left(`, `\big|`: the delimiter is one character or one name.
    fn sized(&mut self, size: &str) -> Option<()> {
        // No blank between them: `\right .` would not be understood.
        self.out.push('\\');
        self.out.push_str(size);
        self.skip_blanks();
        match self.take()? {
            '\\' => {
                let name = self.name().filter(|name| name.is_ascii())?;
                self.push_name(alias(name));
            }
            c if c.is_ascii_alphanumeric() => return None,
            c => self.out.push(c),
        }
        Some(())
    }

    /// `\\`, with the space below it that may follow.
    fn line_end(&mut self) {
        self.loose_lines |= self.environments == 0;
        self.out.push_str("\\\\");
        let space = self.rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        if let Some((_, rest)) = space.filter(|(length, _)| {
            length.len() < 12 && length.bytes().all(|b| b.is_ascii_alphanumeric() || b".- ".contains(&b))
        }) {
            self.rest = rest;
        }
        self.out.push(' ');
    }

    fn environment(&mut self, command: &str) -> Option<()> {
        let name = self.raw_argument()?;
        let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b"*BV".contains(&b));
        if name.len() > 16 || !plain {
            return None;
        }
        self.out.push_str(&format!("\\{command}{{{name}}}"));
        if command == "end" {
            self.environments = self.environments.checked_sub(1)?;
            return Some(());
        }
        self.environments += 1;
        // Where it stands on its line does not matter here.
        if let Some(rest) = self.rest.trim_start().strip_prefix('[') {
            self.rest = rest.split_once(']')?.1;
        }
        if WITH_COLUMNS.contains(&name) {
            let columns = self.raw_argument()?.replace("@{}", "");
            let columns: String = columns.split_whitespace().collect();
            let known = |b: u8| b"clr|:".contains(&b) || b.is_ascii_digit();
            if columns.len() > 64 || !columns.bytes().all(known) {
                return None;
            }
            self.out.push_str(&format!("{{{columns}}}"));
        }
        Some(())
    }
}

/// The words of an argument: commands and braces are left out, escaped characters are themselves.
fn words(argument: &str) -> String {
    let mut words = String::with_capacity(argument.len());
    let mut chars = argument.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '{' | '}' | '$' => {}
            '~' => words.push(' '),
            '\\' => match chars.peek().copied() {
                Some(next) if next.is_ascii_alphabetic() => {
                    while chars.next_if(char::is_ascii_alphabetic).is_some() {}
                }
                Some(',' | ';' | ':' | ' ') => {
                    chars.next();
                    words.push(' ');
                }
                Some('!') => drop(chars.next()),
                Some(escaped) => {
                    chars.next();
                    words.push(escaped);
                }
                None => {}
            },
            c => words.push(c),
        }
    }
    words
}
