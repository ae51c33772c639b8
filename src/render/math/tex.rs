//! Rewrites TeX, as models write it, into the part of it that the converter reads well.
//!
//! Arguments that are commands with arguments of their own get braces, which keeps the converter from recursing; what it does not
//! know but is common becomes what it does know; what defines or counts is refused.

use super::super::stand_in::stand_in;

/// Groups within groups.
const MAX_DEPTH: usize = 24;
/// Stands at the beginning of a group that gets a box; a noncharacter, which no source holds.
pub(super) const BOX: char = '\u{FDEF}';

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

/// Commands with one argument that is a formula.
const ONE: &[&str] = &[
    "acute",
    "bar",
    "breve",
    "check",
    "ddot",
    "dot",
    "grave",
    "hat",
    "mathring",
    "tilde",
    "vec",
    "widecheck",
    "widehat",
    "wideparen",
    "widetilde",
    "overbrace",
    "overbracket",
    "overgroup",
    "overleftarrow",
    "overleftharpoon",
    "overleftrightarrow",
    "overline",
    "overparen",
    "overrightarrow",
    "overrightharpoon",
    "Overrightarrow",
    "underbar",
    "underbrace",
    "underbracket",
    "undergroup",
    "underleftarrow",
    "underleftrightarrow",
    "underline",
    "underparen",
    "underrightarrow",
    "boldsymbol",
    "cancel",
    "not",
    "pmod",
    "substack",
    "mathbb",
    "mathbf",
    "mathcal",
    "mathfrak",
    "mathit",
    "mathnormal",
    "mathrm",
    "mathsf",
    "mathtt",
    "mathup",
    "mathord",
    "mathbin",
    "mathrel",
    "mathopen",
    "mathclose",
    "mathpunct",
    "mathinner",
    "bf",
    "cal",
    "it",
    "rm",
    "sf",
    "tt",
    "symbf",
    "symcal",
    "symrm",
    "symsf",
    "symbb",
    "symfrak",
    "symit",
    "symnormal",
    "symtt",
    "symup",
    "mathbbit",
    "mathbfcal",
    "mathbffrak",
    "mathbfit",
    "mathbfsfit",
    "mathbfsfup",
    "mathbfup",
    "mathsfit",
    "mathsfup",
    "symbbit",
    "symbfcal",
    "symbffrak",
    "symbfit",
    "symbfsfit",
    "symbfsfup",
    "symbfup",
    "symsfit",
    "symsfup",
];
/// Commands with two.
const TWO: &[&str] = &[
    "frac", "dfrac", "tfrac", "cfrac", "binom", "dbinom", "tbinom", "overset", "underset",
    "stackrel",
];
/// Commands with an optional argument in brackets before their one.
const BRACKETED: &[&str] = &["sqrt", "xleftarrow", "xrightarrow"];
/// Commands with words for an argument.
const WORDS: &[&str] = &[
    "text",
    "textrm",
    "textbf",
    "textit",
    "textsf",
    "texttt",
    "mbox",
    "hbox",
    "textnormal",
    "textup",
    "emph",
];
/// Commands before a delimiter.
const SIZES: &[&str] = &[
    "left", "right", "middle", "big", "bigl", "bigr", "bigm", "Big", "Bigl", "Bigr", "Bigm",
    "bigg", "biggl", "biggr", "biggm", "Bigg", "Biggl", "Biggr", "Biggm",
];
/// What the converter calls otherwise.
const ALIASES: &[(&str, &str)] = &[
    ("bm", "boldsymbol"),
    ("pmb", "boldsymbol"),
    ("mathscr", "mathcal"),
    ("mathds", "mathbb"),
    ("mathbbm", "mathbb"),
    ("bold", "mathbf"),
    ("Bbb", "mathbb"),
    ("smash", "mathord"),
    ("mathstrut", "!"),
    ("dotsb", "cdots"),
    ("lvert", "vert"),
    ("rvert", "vert"),
    ("lVert", "Vert"),
    ("rVert", "Vert"),
];
/// What is written without its operator's name.
const OPERATORS: &[(&str, &str)] = &[
    ("argmax", "arg max"),
    ("argmin", "arg min"),
    ("softmax", "softmax"),
    ("Var", "Var"),
    ("Cov", "Cov"),
    ("tr", "tr"),
    ("rank", "rank"),
    ("sign", "sign"),
    ("diag", "diag"),
];
/// What defines, counts or nests by other means than braces.
const REFUSED: &[&str] = &[
    "def",
    "let",
    "futurelet",
    "newcommand",
    "renewcommand",
    "providecommand",
    "char",
    "relax",
    "begingroup",
    "endgroup",
    "buildrel",
    "genfrac",
    "sideset",
    "hskip",
    "kern",
    "mkern",
    "mskip",
];

struct Reader<'a> {
    rest: &'a str,
    out: String,
    depth: usize,
    /// How many environments are open.
    environments: usize,
    /// A line or a column has ended outside of all environments.
    loose_lines: bool,
    display: bool,
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

    fn take(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    fn skip_blanks(&mut self) {
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
    fn argument(&mut self) -> Option<()> {
        self.skip_blanks();
        match self.take()? {
            '{' => self.group(),
            '\\' => {
                self.depth += 1;
                if self.depth > MAX_DEPTH {
                    return None;
                }
                let name = self.name()?;
                let simple = !self.takes_arguments(name);
                self.out.push_str(if simple { " " } else { "{" });
                self.named(name)?;
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

    fn optional(&mut self) -> Option<()> {
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
    fn raw_argument(&mut self) -> Option<&'a str> {
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
    fn name(&mut self) -> Option<&'a str> {
        let letters = self
            .rest
            .bytes()
            .take_while(u8::is_ascii_alphabetic)
            .count();
        let length = if letters > 0 {
            letters
        } else {
            self.rest.chars().next()?.len_utf8()
        };
        let (name, rest) = self.rest.split_at(length);
        self.rest = rest;
        Some(name)
    }

    fn command(&mut self) -> Option<()> {
        let name = self.name()?;
        self.named(name)
    }

    fn takes_arguments(&self, name: &str) -> bool {
        let lists = [ONE, TWO, BRACKETED, WORDS];
        let name = alias(name);
        lists.iter().any(|list| list.contains(&name))
            || [
                "boxed",
                "fbox",
                "operatorname",
                "mathop",
                "color",
                "textcolor",
                "colorbox",
                "fcolorbox",
                "begin",
                "left",
                "tag",
                "label",
            ]
            .contains(&name)
    }

    fn push_name(&mut self, name: &str) {
        self.out.push('\\');
        self.out.push_str(name);
        // A blank behind a name is never seen, and keeps it from the letters that follow.
        if name.as_bytes()[0].is_ascii_alphabetic() {
            self.out.push(' ');
        }
    }

    fn named(&mut self, name: &'a str) -> Option<()> {
        let name = alias(name);
        match name {
            _ if REFUSED.contains(&name) || !name.is_ascii() => return None,
            _ if ONE.contains(&name) => {
                self.push_name(name);
                self.argument()?;
            }
            _ if TWO.contains(&name) => {
                self.push_name(name);
                self.argument()?;
                self.argument()?;
            }
            _ if BRACKETED.contains(&name) => {
                self.push_name(name);
                self.optional()?;
                self.argument()?;
            }
            _ if WORDS.contains(&name) => {
                let words = words(self.raw_argument()?);
                self.push_words(name, &words);
            }
            _ if SIZES.contains(&name) => self.sized(name)?,
            " " | "\n" | "\t" | "nobreakspace" | "space" => self.out.push_str("\\:"),
            "\\" => self.line_end(),
            "begin" | "end" => self.environment(name)?,
            _ => self.rewritten(name)?,
        }
        Some(())
    }

    /// Commands that the converter does not know, or knows badly.
    fn rewritten(&mut self, name: &'a str) -> Option<()> {
        match name {
            "boxed" | "fbox" => {
                self.out.push('{');
                self.out.push(BOX);
                self.argument()?;
                self.out.push('}');
            }
            "operatorname" | "mathop" => {
                let star = self.rest.strip_prefix('*');
                self.rest = star.unwrap_or(self.rest);
                self.operator(name, star.is_some())?;
            }
            "color" => drop(self.raw_argument()?),
            "textcolor" => {
                self.raw_argument()?;
                self.argument()?;
            }
            "colorbox" | "fcolorbox" => {
                for _ in 0..if name == "colorbox" { 1 } else { 2 } {
                    self.raw_argument()?;
                }
                let words = words(self.raw_argument()?);
                self.push_words("text", &words);
            }
            "tag" => {
                self.rest = self.rest.strip_prefix('*').unwrap_or(self.rest);
                let words = format!("({})", words(self.raw_argument()?));
                self.out.push_str("\\qquad ");
                self.push_words("text", &words);
            }
            "label" => drop(self.raw_argument()?),
            "notag" | "nonumber" | "displaylimits" => {}
            _ => match OPERATORS.iter().find(|(short, _)| *short == name) {
                Some((_, full)) => self.push_operator(full, name.starts_with("arg")),
                None => self.push_name(name),
            },
        }
        Some(())
    }

    /// An operator's name is written out by the converter as it is, so nothing but letters gets there.
    fn operator(&mut self, command: &str, star: bool) -> Option<()> {
        let before = self.rest;
        let name = words(self.raw_argument()?);
        let plain = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '.');
        if !name.trim().is_empty() && name.chars().all(plain) {
            self.push_operator(&name, star || command == "mathop");
            return Some(());
        }
        self.rest = before;
        self.argument()?;
        self.rest = self
            .rest
            .trim_start()
            .strip_prefix("\\limits")
            .unwrap_or(self.rest);
        Some(())
    }

    fn push_operator(&mut self, name: &str, limits: bool) {
        self.out.push_str("\\operatorname{");
        self.out.push_str(name.trim());
        self.out.push_str(if limits && self.display {
            "}\\limits "
        } else {
            "}"
        });
    }

    fn push_words(&mut self, command: &str, words: &str) {
        let known = ["textrm", "textbf", "textit", "textsf", "texttt"].contains(&command);
        self.out.push_str(if known { "\\" } else { "\\text{" });
        if known {
            self.out.push_str(command);
            self.out.push('{');
        }
        // What TeX would read in words is hidden from the converter and shown again on output.
        self.out.extend(words.chars().map(|c| {
            if c.is_ascii_punctuation() {
                u8::try_from(c).ok().and_then(stand_in).unwrap_or(c)
            } else {
                c
            }
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
        let space = self
            .rest
            .strip_prefix('[')
            .and_then(|rest| rest.split_once(']'));
        if let Some((_, rest)) = space.filter(|(length, _)| {
            length.len() < 12
                && length
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b".- ".contains(&b))
        }) {
            self.rest = rest;
        }
        self.out.push(' ');
    }

    fn environment(&mut self, command: &str) -> Option<()> {
        let name = self.raw_argument()?;
        if name.len() > 16
            || !name
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b"*BV".contains(&b))
        {
            return None;
        }
        self.out.push_str(&format!("\\{command}{{{name}}}"));
        if command == "end" {
            self.environments = self.environments.checked_sub(1)?;
        } else {
            self.environments += 1;
            if let Some(rest) = self.rest.trim_start().strip_prefix('[') {
                self.rest = rest.split_once(']')?.1;
            }
            if [
                "array",
                "darray",
                "subarray",
                "alignat",
                "alignat*",
                "alignedat",
            ]
            .contains(&name)
            {
                let columns: String = self
                    .raw_argument()?
                    .replace("@{}", "")
                    .split_whitespace()
                    .collect();
                let known = |b: u8| b"clr|:".contains(&b) || b.is_ascii_digit();
                if columns.len() > 64 || !columns.bytes().all(known) {
                    return None;
                }
                self.out.push_str(&format!("{{{columns}}}"));
            }
        }
        Some(())
    }
}

fn alias(name: &str) -> &str {
    ALIASES
        .iter()
        .find(|(alias, _)| *alias == name)
        .map_or(name, |(_, known)| known)
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
