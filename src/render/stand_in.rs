//! Bytes that the Markdown parser must not see are replaced by stand-ins and put back on output.
//!
//! A stand-in is one of Unicode's noncharacters (U+FDD0 to U+FDEF), which mean nothing to Markdown: to the parser a hidden `$`
//! is a letter. Every writer of text puts the byte back, so hiding can change how text is read but never what is shown, in prose
//! and code alike, and a wrong guess about a byte costs its formatting only. Lines are never added or removed.

use std::borrow::Cow;

/// What can be hidden: every byte by which Markdown takes up a construct. The position in this list is the stand-in's number.
const HIDEABLE: &[u8; 27] = b"$\\([`*_<&!~:w]>#+-=|.)^\"%{}";
const FIRST: u32 = 0xFDD0;
const LAST: u32 = 0xFDEF;

/// The bytes that mean something inside a paragraph.
pub(super) const INLINE: &[u8] = b"$\\[`*_<&!~:]";

/// `text` as the parser may see it: the bytes at `offsets` are hidden, and what could be taken for a stand-in, or for the end of
/// a C string, has become U+FFFD. `offsets` must be ascending; one that is not at a hideable byte is ignored.
pub(super) fn hide(text: &str, offsets: &[usize]) -> String {
    let mut out = String::with_capacity(text.len() + 2 * offsets.len());
    let mut from = 0;
    for &at in offsets {
        let Some(stand_in) = text.as_bytes().get(at).and_then(|&b| stand_in(b)) else {
            continue;
        };
        if let Some(before) = text.get(from..at) {
            push_clean(&mut out, before);
            out.push(stand_in);
            from = at + 1;
        }
    }
    push_clean(&mut out, &text[from..]);
    out
}

/// What stands in `text` for the reader: every hidden byte is back.
pub(super) fn show(text: &str) -> Cow<'_, str> {
    // All stand-ins begin with this byte in UTF-8, and little else that is common does.
    if !text.as_bytes().contains(&0xEF) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(shown).collect())
}

/// The character that `c` stands for, itself unless it is a stand-in.
fn shown(c: char) -> char {
    match u32::from(c) {
        n @ FIRST..=LAST => HIDEABLE
            .get((n - FIRST) as usize)
            .map_or(char::REPLACEMENT_CHARACTER, |&b| char::from(b)),
        _ => c,
    }
}

pub(super) fn stand_in(byte: u8) -> Option<char> {
    let number = HIDEABLE.iter().position(|&b| b == byte)?;
    char::from_u32(FIRST + number as u32)
}

fn push_clean(out: &mut String, text: &str) {
    let foreign = |c: char| c == '\0' || (FIRST..=LAST).contains(&u32::from(c));
    if text.contains('\0') || text.as_bytes().contains(&0xEF) {
        out.extend(text.chars().map(|c| {
            if foreign(c) {
                char::REPLACEMENT_CHARACTER
            } else {
                c
            }
        }));
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
        let hidden = hide(text, &all);
        assert!(HIDEABLE.iter().all(|&b| !hidden.as_bytes().contains(&b)));
        assert_eq!(show(&hidden), text);
        assert_eq!(hide(text, &[]), text);
    }

    #[test]
    fn a_stand_in_in_the_input_is_no_way_to_smuggle() {
        let hidden = hide("\u{fdd7}script\u{fdef}\0", &[]);
        assert_eq!(hidden, "\u{fffd}script\u{fffd}\u{fffd}");
    }

    #[test]
    fn every_inline_byte_can_be_hidden() {
        assert!(INLINE.iter().all(|&b| stand_in(b).is_some()));
    }
}
