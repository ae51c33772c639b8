//! Rewrites TeX, as models write it, into the part of it that the converter reads well.
//!
//! Arguments that are commands with arguments of their own get braces, which keeps the converter from recursing; what it does not
//! know but is common becomes what it does know; what defines or counts is refused.

use super::commands::{Kind, kind};
use super::rewrite;

/// Groups within groups.
const MAX_DEPTH: usize = 24;

/// `source` rewritten, `None` if it is nothing to convert.
pub(super) fn plain(source: &str, display: bool) -> Option<String> {
    let mut reader = Reader {
        rest: source,
        out: String::with_capacity(source.len() * 2),
        depth: 0,
        environments: 0,
        loose_lines: false,
        display,
    };
    reader.until(None)?;
    // Lines and columns without an environment are meant to be aligned.
    Some(if reader.loose_lines {
        format!("\\begin{{aligned}}{}\\end{{aligned}}", reader.out)
    } else {
        reader.out
    })
}

/// Reads a source and writes it anew.
pub(super) struct Reader<'a> {
    pub rest: &'a str,
    pub out: String,
    pub depth: usize,
    /// How many environments are open.
    pub environments: usize,
    /// A line or a column has ended outside of all environments.
    pub loose_lines: bool,
    pub display: bool,
}

impl<'a> Reader<'a> {
    /// Reads to the closing `end`, which is not copied, or to the end of the source.
    fn until(&mut self, end: Option<char>) -> Option<()> {
        loop {
            let Some(c) = self.take() else {
                return end.is_none().then_some(());
            };
            match c {
                _ if Some(c) == end => return Some(()),
                '\\' => self.command()?,
                '{' => self.group()?,
                '}' => return None,
                '%' => self.out.push_str("\\%"),
                '~' => self.out.push_str("\\:"),
                '&' => {
                    self.loose_lines |= self.environments == 0;
                    self.out.push('&');
                }
                '^' | '_' => {
                    self.out.push(c);
                    self.argument()?;
                }
                _ => self.out.push(c),
            }
        }
    }

    pub fn take(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    pub fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }

    /// Reads on to the closing brace, and copies the group.
    fn group(&mut self) -> Option<()> {
        self.nested('{', '}')
    }

    fn nested(&mut self, open: char, close: char) -> Option<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        self.out.push(open);
        self.until(Some(close))?;
        self.out.push(close);
        self.depth -= 1;
        Some(())
    }

    /// Copies an argument; one that is a command with arguments gets braces.
    pub fn argument(&mut self) -> Option<()> {
        self.skip_blanks();
        match self.take()? {
            '{' => self.group(),
            '\\' => {
                self.depth += 1;
                if self.depth > MAX_DEPTH {
                    return None;
                }
                let name = self.name()?;
                let simple = matches!(kind(name), Kind::Plain | Kind::Blank | Kind::Nothing | Kind::Named(_));
                self.out.push_str(if simple { " " } else { "{" });
                rewrite::command(self, name)?;
                self.out.push_str(if simple { " " } else { "}" });
                self.depth -= 1;
                Some(())
            }
            '}' | '^' | '_' | '&' | '%' | ']' => None,
            c => {
                self.out.push(c);
                Some(())
            }
        }
    }

    pub fn optional(&mut self) -> Option<()> {
        self.skip_blanks();
        match self.rest.strip_prefix('[') {
            Some(rest) => {
                self.rest = rest;
                self.nested('[', ']')
            }
            None => Some(()),
        }
    }

    /// The source of an argument in braces, or of the one character that is the argument.
    pub fn raw_argument(&mut self) -> Option<&'a str> {
        self.skip_blanks();
        let Some(inside) = self.rest.strip_prefix('{') else {
            let c = self.rest.chars().next().filter(|c| !"\\{}".contains(*c))?;
            let (argument, rest) = self.rest.split_at(c.len_utf8());
            self.rest = rest;
            return Some(argument);
        };
        let (mut depth, mut escaped) = (0usize, false);
        for (at, c) in inside.char_indices() {
            match c {
                '}' if !escaped && depth == 0 => {
                    self.rest = &inside[at + 1..];
                    return Some(&inside[..at]);
                }
                '{' if !escaped => depth += 1,
                '}' if !escaped => depth -= 1,
                _ => {}
            }
            escaped = c == '\\' && !escaped;
        }
        None
    }

    /// The name behind a backslash: letters, or one other character.
    pub fn name(&mut self) -> Option<&'a str> {
        let letters = self.rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let length = if letters > 0 { letters } else { self.rest.chars().next()?.len_utf8() };
        let (name, rest) = self.rest.split_at(length);
        self.rest = rest;
        Some(name)
    }

    fn command(&mut self) -> Option<()> {
        let name = self.name()?;
        rewrite::command(self, name)
    }
}
