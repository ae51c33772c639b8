//! Bytes that the Markdown parser must not see are replaced by stand-ins and put back on output.
//!
//! A stand-in is one of Unicode's noncharacters (U+FDD0 to U+FDEF), which mean nothing to Markdown: to the parser a hidden `$`
//! is a letter. Every writer of text puts the byte back, so hiding can change how text is read but never what is shown, in prose
//! and code alike, and a wrong guess about a byte costs its formatting only. Lines are never added or removed.
//!
//! Where two characters must not be read together, a cut is put between them: a blank, with a vertical tab to tell it from the
//! blanks of the text, since few things are a blank to the parser.

use std::borrow::Cow;

/// What can be hidden: every byte by which Markdown takes up a construct. The position in this list is the stand-in's number.
const HIDEABLE: &[u8; 27] = b"$\\([`*_<&!~:w]>#+-=|.)^\"%{}";
const FIRST: u32 = 0xFDD0;
const LAST: u32 = 0xFDEF;

/// The bytes that mean something inside a paragraph.
pub(super) const INLINE: &[u8] = b"$\\[`*_<&!~:]";

const CUT: &str = " \u{B}";
const CUT_MARK: char = '\u{B}';

/// `text` as the parser may see it: the bytes at the offsets `hidden` are hidden, there are cuts before the offsets `cuts`, and
/// what could be taken for one of these has become U+FFFD. Both lists must ascend; a byte that cannot be hidden is left.
pub(super) fn hide(text: &str, hidden: &[usize], cuts: &[usize]) -> String {
    let mut out = String::with_capacity(text.len() + 2 * hidden.len() + cuts.len());
    let mut cuts = cuts.iter().copied().peekable();
    let mut from = 0;
    let mut copy = |out: &mut String, from: usize, to: usize| {
        let mut from = from;
        while let Some(cut) = cuts.next_if(|&cut| cut <= to) {
            push_clean(out, text.get(from..cut).unwrap_or_default());
            out.push_str(CUT);
            from = cut.max(from);
        }
        push_clean(out, text.get(from..to).unwrap_or_default());
    };
    for &at in hidden {
        if let Some(stand_in) = text.as_bytes().get(at).and_then(|&b| stand_in(b)) {
            copy(&mut out, from, at);
            out.push(stand_in);
            from = at + 1;
        }
    }
    copy(&mut out, from, text.len());
    out
}

/// What stands in `text` for the reader: every hidden byte is back.
pub(super) fn show(text: &str) -> Cow<'_, str> {
    // All stand-ins begin with this byte in UTF-8, and little else that is common does.
    if !text.bytes().any(|b| b == 0xEF || b == CUT_MARK as u8) {
        return Cow::Borrowed(text);
    }
    let whole = text.replace(CUT, "");
    Cow::Owned(whole.chars().filter(|&c| c != CUT_MARK).map(shown).collect())
}

/// The character that `c` stands for, itself unless it is a stand-in.
fn shown(c: char) -> char {
    match u32::from(c) {
        n @ FIRST..=LAST => {
            HIDEABLE.get((n - FIRST) as usize).map_or(char::REPLACEMENT_CHARACTER, |&b| char::from(b))
        }
        _ => c,
    }
}

/// What stands for `byte`, if it can be hidden.
pub(super) fn stand_in(byte: u8) -> Option<char> {
    let number = HIDEABLE.iter().position(|&b| b == byte)?;
    char::from_u32(FIRST + number as u32)
}

fn push_clean(out: &mut String, text: &str) {
    let foreign = |c: char| c == '\0' || c == CUT_MARK || (FIRST..=LAST).contains(&u32::from(c));
    if text.bytes().any(|b| b == 0 || b == CUT_MARK as u8 || b == 0xEF) {
        out.extend(text.chars().map(|c| if foreign(c) { char::REPLACEMENT_CHARACTER } else { c }));
    } else {
        out.push_str(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hidden_is_shown_again() {
        let text = "a $5 \\(b`*_<&!~:w]>#+-=|.)^\" 50% {} 你";
        let all: Vec<usize> = (0..text.len()).collect();
        let hidden = hide(text, &all, &[2, 4]);
        assert!(HIDEABLE.iter().all(|&b| !hidden.as_bytes().contains(&b)));
        assert_eq!(show(&hidden), text);
        assert_eq!(hide(text, &[], &[]), text);
        assert_eq!(hide("abc", &[], &[0, 1, 3]), " \u{b}a \u{b}bc \u{b}");
    }

    #[test]
    fn a_stand_in_in_the_input_is_no_way_to_smuggle() {
        let hidden = hide("\u{fdd7}script\u{fdef}\0\u{b}", &[], &[]);
        assert_eq!(hidden, "\u{fffd}script\u{fffd}\u{fffd}\u{fffd}");
    }

    #[test]
    fn every_inline_byte_can_be_hidden() {
        assert!(INLINE.iter().all(|&b| stand_in(b).is_some()));
    }
}
