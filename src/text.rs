//! Small questions about text: where to cut it, how long it is, what it costs.

use std::fmt::Write;
use unicode_normalization::char::{decompose_canonical, is_combining_mark};
use unicode_segmentation::UnicodeSegmentation;

/// Bytes of a grapheme cluster on average: a family of four has 25, and a stranger's may have a million.
const CLUSTER: usize = 32;

/// The beginning of `text` that has at most `limit` grapheme clusters and 32 times as many bytes.
pub fn beginning(text: &str, limit: usize) -> &str {
    let within = &text[..text.floor_char_boundary(limit.saturating_mul(CLUSTER))];
    within.grapheme_indices(true).nth(limit).map_or(within, |(end, _)| &within[..end])
}

/// At most `limit` grapheme clusters and 32 times as many bytes; where something was cut off, the last is an ellipsis.
pub fn cut(text: &str, limit: usize) -> String {
    let within = &text[..text.floor_char_boundary(limit.saturating_mul(CLUSTER))];
    let mut clusters = within.grapheme_indices(true).skip(limit.saturating_sub(1));
    let end = match (clusters.next(), clusters.next()) {
        (Some((end, _)), Some(_)) => end,
        _ if within.len() == text.len() => return text.to_owned(),
        // The last one may go on beyond it.
        _ => within.grapheme_indices(true).next_back().map_or(0, |(end, _)| end),
    };
    format!("{}…", text[..end].trim_end())
}

/// A conversation's title until the person gives one: the prompt's first line that says something, at most 60
/// grapheme clusters.
pub fn title(prompt: &str) -> String {
    let line = prompt.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    cut(line, 60)
}

/// A piece of Markdown as the words that stand in it, as far as a glance tells: without the signs of headings, lists,
/// quotes, code, bold, links and tables. In a time that grows with its length alone.
pub fn without_markdown(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let line = line.trim_start_matches(['>', ' ', '\t']);
        let bare = line.trim_start_matches('#');
        let line = if bare.starts_with(' ') { bare } else { line };
        let bullet = ["- ", "* ", "+ "].iter().find_map(|bullet| line.strip_prefix(bullet)).unwrap_or(line);
        let words = ["[ ] ", "[x] "].iter().find_map(|task| bullet.strip_prefix(task)).unwrap_or(bullet);
        let is_rule = words.chars().all(|c| "|-:=*_ ".contains(c));
        if is_rule { String::new() } else { without_signs(words) }
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn without_signs(line: &str) -> String {
    let is_row = line.starts_with('|');
    let mut words = String::with_capacity(line.len());
    let mut rest = line;
    let last_link = line.rfind("](");
    while let Some(c) = rest.chars().next() {
        let before = words.chars().next_back();
        let whole = rest;
        rest = &rest[c.len_utf8()..];
        match c {
            '`' => {}
            '|' if is_row => words.push(' '),
            '*' | '~' => {
                let behind = whole.trim_start_matches(c);
                let run = &whole[..whole.len() - behind.len()];
                let after = behind.chars().next();
                let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
                let is_gap = |c: Option<char>| c.is_none_or(char::is_whitespace);
                // A product is no emphasis, a single tilde no stroke.
                let alone = is_gap(before) && is_gap(after)
                    || run.len() == 1 && (c == '~' || is_word(before) && is_word(after));
                words.push_str(if alone { run } else { "" });
                rest = behind;
            }
            '[' if last_link.is_some_and(|at| at >= line.len() - rest.len()) => {}
            ']' if rest.starts_with('(') => rest = rest.split_once(')').map_or("", |(_, rest)| rest),
            '\\' if rest.starts_with(|next: char| next.is_ascii_punctuation()) => {
                words.push_str(&rest[..1]);
                rest = &rest[1..];
            }
            _ => words.push(c),
        }
    }
    words
}

/// One token a Chinese, Japanese or Korean character, else a quarter of a token a byte, rounded up.
pub fn estimate_tokens(text: &str) -> i64 {
    let (mut cjk, mut bytes) = (0_i64, 0_i64);
    for c in text.chars() {
        if is_cjk(c) {
            cjk += 1;
        } else {
            bytes += i64::try_from(c.len_utf8()).unwrap_or(4);
        }
    }
    cjk + bytes.div_euclid(4) + i64::from(bytes % 4 != 0)
}

/// Han, kana, Hangul and their punctuation and full-width forms.
pub fn is_cjk(c: char) -> bool {
    matches!(u32::from(c),
        0x1100..=0x11FF | 0x2E80..=0x303F | 0x3040..=0x33FF | 0x3400..=0x4DBF | 0x4E00..=0x9FFF
        | 0xA960..=0xA97F | 0xAC00..=0xD7FF | 0xF900..=0xFAFF | 0xFE30..=0xFE4F | 0xFF00..=0xFFEF
        | 0x1B000..=0x1B16F | 0x20000..=0x3FFFF)
}

/// An accent or another sign that belongs to the letter before it.
pub fn is_mark(c: char) -> bool {
    is_combining_mark(c)
}

/// A character as searches compare it: in lower case, without accents. A mark that stands beside its letter is nothing.
pub fn folded(c: char) -> impl Iterator<Item = char> {
    // One that a mark completes goes down to its letter; one that is made of letters (Hangul) stays.
    let (mut base, mut marked) = (c, true);
    let mut at = 0;
    decompose_canonical(c, |part| {
        if at == 0 {
            base = part;
        } else {
            marked &= is_combining_mark(part);
        }
        at += 1;
    });
    let kept = if marked { base } else { c };
    kept.to_lowercase().filter(|c| !is_combining_mark(*c))
}

/// True when `text` holds a control character other than tab and line breaks.
pub fn has_controls(text: &str) -> bool {
    text.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r'))
}

/// Backticks for a code fence that nothing in `text` can close.
pub fn fence(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    "`".repeat(longest.max(2) + 1)
}

/// Bytes as they stand in an address (RFC 3986, 2.1): ASCII letters, digits and those in `plain` as they are.
pub fn percent_encoded(bytes: &[u8], plain: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || plain.contains(byte) {
            out.push(char::from(*byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// Text in which U+0000, which a database may not take, is replaced.
pub fn without_nul(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{FFFD}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_of_markdown_go_and_words_stay() {
        for (markdown, words) in [
            ("## A **bold** claim", " A bold claim"),
            ("这是**重点**，`代码`", "这是重点，代码"),
            ("- [x] done\n* next\n> said", "done\nnext\nsaid"),
            ("2*3, 2 * 3, a ** b, ~5, *so* and ~~not~~", "2*3, 2 * 3, a ** b, ~5, so and not"),
            ("snake_case, C#, #tag, a[0], [1]", "snake_case, C#, #tag, a[0], [1]"),
            ("see [the page](https://example.com/a_b) and go", "see the page and go"),
            ("[cut](https://exa", "cut"),
            ("| a | b |\n|---|--:|\n| 1 | 2 |", "  a   b  \n\n  1   2  "),
            ("```rust\nlet x = *y;\n```", "rust\nlet x = y;\n"),
            (r"1\. \*plain\* and C:\dir", r"1. *plain* and C:\dir"),
            ("[1] and [a](b) and [2]", "1] and a and [2]"),
            ("", ""),
        ] {
            assert_eq!(without_markdown(markdown), words, "{markdown:?}");
        }
        // Were it more than a look at each character, this would take an hour.
        for sign in ["[", "a", "\u{301}", "`", "*a", "](", "\\!"] {
            assert!(without_markdown(&sign.repeat(1_000_000)).len() <= 2_000_000, "{sign}");
        }
    }

    #[test]
    fn cuts_between_grapheme_clusters() {
        assert_eq!(cut("a👩‍👩‍👧bc", 3), "a👩‍👩‍👧…");
        let long = format!("ab{}", "\u{301}".repeat(1000));
        assert_eq!(cut(&long, 2), "a…");
        assert_eq!(cut(&long[1..], 2), "…");
        assert_eq!(cut("ab", 2), "ab");
        assert_eq!(cut("", 2), "");
        assert_eq!(title("\n  Hello \nworld"), "Hello");
        assert_eq!(title(&"é".repeat(60)), "é".repeat(60));
        assert_eq!(title(&"é".repeat(61)), format!("{}…", "é".repeat(59)));
    }

    #[test]
    fn estimates() {
        for (text, tokens) in
            [("", 0), ("a", 1), ("abcd", 1), ("abcde", 2), ("你好", 2), ("你好 ok", 3), ("。", 1)]
        {
            assert_eq!(estimate_tokens(text), tokens, "{text}");
        }
    }
}
