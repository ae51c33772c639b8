//! Looks after bare addresses, which the parser takes to go on to the next blank.

use super::script::is_east_asian;

/// Bytes without a blank in which addresses are looked for: from every `://` the parser reads on to their end.
const MAX_WORD: usize = 2 << 10;

/// Appends to `hidden` what makes an address of the words of `text` that are longer than any address, with offsets from `start`.
pub(super) fn mark(text: &str, start: usize, hidden: &mut Vec<usize>) {
    if text.len() <= MAX_WORD {
        return;
    }
    let mut at = start;
    for word in text.split([' ', '\t', '\n', '\r']) {
        if word.len() > MAX_WORD {
            let signs = word.match_indices("://").chain(word.match_indices("www."));
            hidden.extend(signs.map(|(i, _)| at + i));
        }
        at += word.len() + 1;
    }
}

/// Appends to `ends` where the bare addresses of `text` end without a blank, with offsets from `start`: Chinese puts none between
/// an address and the words behind it.
pub(super) fn mark_ends(text: &str, start: usize, ends: &mut Vec<usize>) {
    for sign in ["://", "www."] {
        mark_ends_behind(sign, text, start, ends);
    }
}

fn mark_ends_behind(sign: &str, text: &str, start: usize, ends: &mut Vec<usize>) {
    let mut read = 0;
    for (at, _) in text.match_indices(sign) {
        if at < read || is_destination(text, at) {
            continue;
        }
        let from = at + sign.len();
        // An ASCII host ends where Chinese begins; one in Chinese does not.
        let (mut in_host, mut dotted, mut ascii) = (true, false, true);
        let end = text[from..].char_indices().find(|&(_, c)| {
            in_host &= !matches!(c, '/' | '?' | '#');
            let stops = in_host && dotted && ascii && is_east_asian(c);
            dotted |= c == '.';
            ascii &= c.is_ascii();
            stops || c.is_ascii_whitespace() || c == '<' || is_wide_stop(c)
        });
        read = end.map_or(text.len(), |(i, _)| from + i);
        if end.is_some_and(|(_, c)| !c.is_ascii()) {
            ends.push(start + read);
        }
    }
}

/// Whether the address with its `://` at `at` is in a link or a definition, which say themselves where it ends.
fn is_destination(text: &str, at: usize) -> bool {
    let before = text[..at].trim_end_matches(|c: char| c.is_ascii_alphabetic());
    before.ends_with(['<', '"']) || before.ends_with("](") || before.ends_with("]: ")
}

fn is_wide_stop(c: char) -> bool {
    "，。、；：！？（）《》〈〉「」『』【】〔〕“”‘’…—～\u{3000}\u{a0}".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_ends_where_chinese_goes_on() {
        let cut = |text: &str| {
            let mut ends = Vec::new();
            mark_ends(text, 0, &mut ends);
            let mut text = text.to_owned();
            ends.iter().rev().for_each(|&at| text.insert(at, '·'));
            text
        };
        assert_eq!(cut("见https://a.example/b。**重要**"), "见https://a.example/b·。**重要**");
        assert_eq!(
            cut("http://a.example的文档，http://b.example，c"),
            "http://a.example·的文档，http://b.example·，c"
        );
        assert_eq!(cut("见 www.a.example，好"), "见 www.a.example·，好");
        assert_eq!(cut("https://zh.example/摆钟 好"), "https://zh.example/摆钟 好");
        assert_eq!(cut("https://例子.测试/a 好"), "https://例子.测试/a 好");
        assert_eq!(cut("[a](https://a.example/摆钟（乐器）)"), "[a](https://a.example/摆钟（乐器）)");
        assert_eq!(cut("<https://a.example/，>"), "<https://a.example/，>");
    }

    #[test]
    fn i13_a_word_too_long_has_no_address() {
        let mut hidden = Vec::new();
        mark(&format!("http://a {}", "http://a<".repeat(1000)), 10, &mut hidden);
        assert_eq!((hidden.len(), hidden[0]), (1000, 10 + 9 + 4));
    }
}
