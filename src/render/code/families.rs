//! What many languages have in common, to build the others on.

use super::Class;
use super::words::{Habits, Language, Quote};

const TEXT: Quote = Quote { open: "\"", close: "\"", escapes: true, long: false, one: false };

pub(super) const DOUBLE: Quote = TEXT;
pub(super) const SINGLE: Quote = Quote { open: "'", close: "'", ..TEXT };
/// `'a'`, where `'a` alone is something else.
pub(super) const CHARACTER: Quote = Quote { one: true, ..SINGLE };
pub(super) const BACKTICK: Quote = Quote { open: "`", close: "`", long: true, ..TEXT };
pub(super) const RAW_BACKTICK: Quote = Quote { escapes: false, ..BACKTICK };
pub(super) const LONG_DOUBLE: Quote = Quote { long: true, ..DOUBLE };
pub(super) const LONG_SINGLE: Quote = Quote { long: true, ..SINGLE };
pub(super) const TRIPLE_DOUBLE: Quote = Quote { open: "\"\"\"", close: "\"\"\"", long: true, ..TEXT };
pub(super) const TRIPLE_SINGLE: Quote = Quote { open: "'''", close: "'''", long: true, ..TEXT };
/// `"…"` where a backslash is nothing special.
pub(super) const BASIC: Quote = Quote { escapes: false, ..TEXT };
/// A long string in which a backslash is nothing special.
pub(super) const fn raw(open: &'static str, close: &'static str) -> Quote {
    Quote { open, close, escapes: false, long: true, one: false }
}

pub(super) const PLAIN_HABITS: Habits =
    Habits { fold_case: false, capital_types: false, calls: false, nested: false, spaced_comments: false };
/// Capitals make no difference.
pub(super) const FOLDED_HABITS: Habits = Habits { fold_case: true, calls: true, ..PLAIN_HABITS };
pub(super) const SHELL_HABITS: Habits = Habits { spaced_comments: true, ..PLAIN_HABITS };
const CODE_HABITS: Habits = Habits { calls: true, capital_types: true, ..PLAIN_HABITS };

/// A language with comments and blocks as C has them.
pub(super) const C_LIKE: Language = Language {
    names: "",
    keywords: "",
    types: "",
    comments: &["//"],
    blocks: &[("/*", "*/")],
    quotes: &[DOUBLE, SINGLE],
    sigils: &[],
    inside: b"",
    key: b"",
    habits: CODE_HABITS,
};

/// A language with comments as a shell has them.
pub(super) const HASH: Language = Language { comments: &["#"], blocks: &[], ..C_LIKE };

/// A language for data: keys and values.
pub(super) const DATA: Language = Language {
    keywords: "true false null yes no on off",
    inside: b"-./",
    key: b":",
    habits: Habits { spaced_comments: true, ..PLAIN_HABITS },
    ..HASH
};

/// A language written as lists in parentheses.
pub(super) const LISP: Language = Language {
    comments: &[";"],
    blocks: &[("#|", "|#")],
    quotes: &[LONG_DOUBLE],
    sigils: &[(b':', Class::Type)],
    inside: b"-?!*<>=/+",
    habits: PLAIN_HABITS,
    ..C_LIKE
};
