//! How a line of Markdown begins: the blanks, quotation marks and list markers before its content.
//!
//! This is a guess at what the parser will make of a line, good enough to find formulas and to keep nesting shallow. Where the
//! guess is wrong, formatting suffers, never text (see `stand_in`).

/// How many markers (`>`, `-`, `1.`, `[^a]:`) one line may begin with; the next one is text.
const MAX_MARKERS: usize = 24;
/// The column beyond which no marker opens anything. Nesting by indentation takes two columns a level, so together with the
/// number above no line can be nested deeper than about seventy, whatever the lines before it did.
const MAX_COLUMN: usize = 96;

/// The lines of a text, each with the offset of its first byte and with its line end, cut where the parser cuts: LF, CRLF, CR.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let start = text.len() - rest.len();
        let bytes = rest.as_bytes();
        let end = match bytes.iter().position(|&b| b == b'\n' || b == b'\r') {
            Some(at) if bytes[at] == b'\r' && bytes.get(at + 1) == Some(&b'\n') => at + 2,
            Some(at) => at + 1,
            None => bytes.len(),
        };
        let (line, after) = rest.split_at(end);
        rest = after;
        Some((start, line))
    })
}

/// What stands before the content of a line.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Prefix {
    /// The byte at which the content begins.
    pub content: usize,
    /// The columns of blanks between the last marker, or the margin, and the content.
    pub indent: usize,
    /// The columns of blanks before the first marker, or before the content.
    pub margin: usize,
    /// How many quotation marks the line begins with.
    pub quotes: usize,
    /// The column at which the content of the list item stands that this line opens.
    pub item: Option<usize>,
    /// The byte to hide so that a marker too deep opens nothing.
    pub too_deep: Option<usize>,
}

impl Prefix {
    /// Reads the beginning of `line`.
    pub fn of(line: &str) -> Prefix {
        let bytes = line.as_bytes();
        let mut prefix = Prefix::default();
        let (mut at, mut column, mut markers) = (0, 0, 0);
        loop {
            let (content, reached) = skip_blanks(bytes, at, column);
            prefix.content = content;
            prefix.indent = reached - column;
            if at == 0 {
                prefix.margin = reached;
            }
            let Some((length, hide)) = marker(bytes, content) else {
                return prefix;
            };
            if markers == MAX_MARKERS || reached > MAX_COLUMN {
                prefix.too_deep = Some(content + hide);
                return prefix;
            }
            markers += 1;
            at = content + length;
            column = reached + length;
            if bytes[content] == b'>' {
                prefix.quotes += 1;
                prefix.item = None;
            } else {
                let blanks = skip_blanks(bytes, at, column).1 - column;
                prefix.item = Some(column + if (1..=4).contains(&blanks) { blanks } else { 1 });
            }
        }
    }
}

/// Whether `line` has nothing but blanks and its end.
pub(super) fn is_blank(line: &str) -> bool {
    line.bytes().all(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r'))
}

/// The byte and the column of the first character that is no blank, from `at`, which is in `column`.
fn skip_blanks(bytes: &[u8], mut at: usize, mut column: usize) -> (usize, usize) {
    loop {
        match bytes.get(at) {
            Some(b' ') => column += 1,
            Some(b'\t') => column += 4 - column % 4,
            _ => return (at, column),
        }
        at += 1;
    }
}

/// The length of the marker at `at`, and which of its bytes to hide to undo it.
pub(super) fn marker(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let ends = |n: usize| matches!(bytes.get(at + n), None | Some(b' ' | b'\t' | b'\n' | b'\r'));
    match bytes.get(at)? {
        b'>' => Some((1, 0)),
        b'-' | b'+' | b'*' if ends(1) => Some((1, 0)),
        b'0'..=b'9' => {
            let digits = bytes[at..].iter().take(10).take_while(|b| b.is_ascii_digit()).count();
            let dot = matches!(bytes.get(at + digits), Some(b'.' | b')'));
            (digits < 10 && dot && ends(digits + 1)).then_some((digits + 1, digits))
        }
        b'[' if bytes.get(at + 1) == Some(&b'^') => {
            let name = bytes[at + 2..]
                .iter()
                .take_while(|b| !matches!(b, b']' | b'[' | b'\n' | b'\r' | b' ' | b'\t'))
                .count();
            let closed = bytes.get(at + name + 2..at + name + 4) == Some(b"]:");
            (name > 0 && closed).then_some((name + 4, 0))
        }
        _ => None,
    }
}

/// How many of `byte` the slice begins with.
pub(super) fn run(bytes: &[u8], byte: u8) -> usize {
    bytes.iter().take_while(|&&b| b == byte).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_where_the_parser_ends_them() {
        let cut: Vec<_> = lines("a\nb\r\nc\rd\n\ne").collect();
        assert_eq!(cut, [(0, "a\n"), (2, "b\r\n"), (5, "c\r"), (7, "d\n"), (9, "\n"), (10, "e")]);
        assert_eq!(lines("").count(), 0);
    }

    #[test]
    fn a_prefix_is_blanks_quotes_and_markers() {
        let of = |line| {
            let p = Prefix::of(line);
            (p.content, p.indent, p.quotes, p.item)
        };
        assert_eq!(of("text"), (0, 0, 0, None));
        assert_eq!(of("  > a"), (4, 1, 1, None));
        assert_eq!(of("- a"), (2, 1, 0, Some(2)));
        assert_eq!(of("  10.  a"), (7, 2, 0, Some(7)));
        assert_eq!(of("> - a"), (4, 1, 1, Some(4)));
        assert_eq!(of("-5 degrees"), (0, 0, 0, None));
        assert_eq!(of("1985. A year"), (6, 1, 0, Some(6)));
        assert_eq!(of("[^n]: note"), (6, 1, 0, Some(6)));
        assert_eq!(of("[n]: url"), (0, 0, 0, None));
        assert_eq!(of("\tcode"), (1, 4, 0, None));
    }

    #[test]
    fn i13_markers_too_deep_are_found() {
        assert_eq!(Prefix::of(&">".repeat(50_000)).too_deep, Some(MAX_MARKERS));
        assert_eq!(Prefix::of(&format!("{}- a", " ".repeat(MAX_COLUMN + 1))).too_deep, Some(MAX_COLUMN + 1));
        assert_eq!(Prefix::of(&format!("{}7. a", " ".repeat(200))).too_deep, Some(201));
        assert_eq!(Prefix::of(&format!("{}a", " ".repeat(200))).too_deep, None);
    }
}
