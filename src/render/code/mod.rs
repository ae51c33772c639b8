//! Code blocks, and the colours of the code in them.
//!
//! The colours come from small scanners of our own, not from grammars of regular expressions: those backtrack, and a block of two
//! kilobytes can cost them seconds, which nothing but a clock could stop. These read each byte once. They know words, strings,
//! numbers and comments; that is what one looks for in a conversation, and they never fail.

mod families;
mod formats;
mod languages;
mod markup;
mod programs;
mod words;

use super::html::Html;
use super::stand_in::show;

/// Bytes of a block that still gets colours.
const MAX_CODE: usize = 64 << 10;
/// Bytes of a line in such a block: longer ones are data, not something to read.
const MAX_LINE: usize = 1 << 10;
/// Characters of a language's name.
const MAX_NAME: usize = 20;

/// What a piece of code is. The page's style sheet knows these by their classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Keyword,
    String,
    Number,
    Function,
    Type,
    Comment,
    Added,
    Deleted,
}

impl Class {
    fn name(self) -> &'static str {
        match self {
            Class::Keyword => "k",
            Class::String => "s",
            Class::Number => "n",
            Class::Function => "f",
            Class::Type => "t",
            Class::Comment => "c",
            Class::Added => "add",
            Class::Deleted => "del",
        }
    }
}

/// Writes a code block. `info` is what follows its fence. The text of the block is the code without its last line end, always.
pub(super) fn write(html: &mut Html, info: &str, code: &str) {
    let name = language_name(&show(info));
    let code = show(code);
    let code = code.strip_suffix('\n').unwrap_or(&code);
    let code = code.strip_suffix('\r').unwrap_or(code);
    html.open("div", &[("class", Some("code")), ("dir", Some("ltr")), ("data-lang", name.as_deref())]);
    html.open("pre", &[("tabindex", Some("0"))]);
    html.open("code", &[]);
    let mut painter = Painter { html, current: None, blanks: String::new() };
    paint(&mut painter, name.as_deref(), code);
    painter.turn_to(None);
    html.close("code");
    html.close("pre");
    html.close("div");
}

/// The name of the language that an info string begins with, in lower case: `[a-z0-9+#-]{1,20}`.
fn language_name(info: &str) -> Option<String> {
    let first = info.trim_start().trim_start_matches("{.").trim_start_matches('.');
    let name: String = first
        .chars()
        .map(|c| c.to_ascii_lowercase())
        .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '#' | '-'))
        .collect();
    (1..=MAX_NAME).contains(&name.len()).then_some(name)
}

fn paint(painter: &mut Painter<'_>, name: Option<&str>, code: &str) {
    let readable = code.len() <= MAX_CODE && code.lines().all(|line| line.len() <= MAX_LINE);
    match name.filter(|_| readable) {
        Some("diff" | "patch" | "udiff") => diff(painter, code),
        Some(name) if markup::NAMES.contains(&name) => markup::paint(painter, code),
        Some(name) => match languages::find(name) {
            Some(language) => words::paint(painter, language, code),
            None => painter.plain(code),
        },
        None => painter.plain(code),
    }
}

fn diff(painter: &mut Painter<'_>, code: &str) {
    for line in code.split_inclusive('\n') {
        let class = match line.as_bytes() {
            [b'+', b'+', b'+', b' ', ..]
            | [b'-', b'-', b'-', b' ', ..]
            | [b'd', b'i', b'f', b'f', b' ', ..] => Some(Class::Comment),
            [b'@', b'@', ..] => Some(Class::Keyword),
            [b'+', ..] => Some(Class::Added),
            [b'-', ..] => Some(Class::Deleted),
            _ => None,
        };
        let text = line.trim_end_matches('\n');
        painter.push(class, text);
        painter.plain(&line[text.len()..]);
    }
}

/// Writes pieces of code in their colours; neighbours of one colour share an element.
pub(super) struct Painter<'a> {
    html: &'a mut Html,
    current: Option<Class>,
    /// Blanks that have not been written yet: they go into an element only between two pieces of it.
    blanks: String,
}

impl Painter<'_> {
    pub fn push(&mut self, class: Option<Class>, text: &str) {
        if class.is_none() && text.trim().is_empty() {
            self.blanks.push_str(text);
            return;
        }
        self.turn_to(class);
        self.html.text(text);
    }

    pub fn plain(&mut self, text: &str) {
        self.push(None, text);
    }

    fn turn_to(&mut self, class: Option<Class>) {
        let changes = self.current != class;
        if changes && self.current.is_some() {
            self.html.close("span");
        }
        self.html.text(&std::mem::take(&mut self.blanks));
        if let Some(class) = class.filter(|_| changes) {
            self.html.open("span", &[("class", Some(class.name()))]);
        }
        self.current = class;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn painted(info: &str, code: &str) -> String {
        let mut html = Html::default();
        write(&mut html, info, code);
        let html = html.into_string();
        let start = html.find("<code>").unwrap() + 6;
        html[start..html.len() - "</code></pre></div>".len()].to_owned()
    }

    #[test]
    fn c17_the_text_is_the_code_without_its_last_line_end() {
        let mut html = Html::default();
        write(&mut html, "", "\tx\n");
        assert_eq!(
            html.into_string(),
            "<div class=\"code\" dir=\"ltr\"><pre tabindex=\"0\"><code>\tx</code></pre></div>"
        );
        assert_eq!(painted("", "a\n\n"), "a\n");
        assert_eq!(painted("", "a\r\n"), "a");
        assert_eq!(painted("", "\n"), "");
    }

    #[test]
    fn names_are_short_and_plain() {
        let name = |info| language_name(info);
        assert_eq!(name("Rust,ignore").as_deref(), Some("rust"));
        assert_eq!(name("c++ title=\"x\"").as_deref(), Some("c++"));
        assert_eq!(name("{.python .numberLines}").as_deref(), Some("python"));
        assert_eq!(name("js{1,3}").as_deref(), Some("js"));
        assert_eq!(name("objective-c").as_deref(), Some("objective-c"));
        assert_eq!(name("\"><script>"), None);
        assert_eq!(name("你好"), None);
        assert_eq!(name(&"a".repeat(21)), None);
    }

    #[test]
    fn a_diff_has_added_and_deleted_lines() {
        assert_eq!(
            painted("diff", "@@ -1 +1 @@\n-a\n+<b>\n c\n"),
            "<span class=\"k\">@@ -1 +1 @@</span>\n<span class=\"del\">-a</span>\n<span class=\"add\">+&lt;b&gt;</span>\n c"
        );
    }

    #[test]
    fn blocks_and_lines_too_long_are_plain() {
        assert!(!painted("js", &"if\n".repeat(30_000)).contains("span"));
        assert!(!painted("js", &format!("if {}", "a".repeat(1100))).contains("span"));
        assert!(painted("js", "if").contains("span"));
    }
}
