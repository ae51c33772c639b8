//! What is done to a text before the parser sees it: every byte is hidden that the parser would take for something it is not,
//! or that would cost it more time than the text is worth. One pass, by lines.

use super::addresses;
use super::ahead::Ahead;
use super::fences::{Fence, Fenced, Reading};
use super::formula;
use super::lines::{Prefix, is_blank, lines};
use super::stand_in::{INLINE, hide};
use super::tables;

/// Bytes of lines without a blank one between them whose formatting is read. What comes behind is shown as it was typed.
const MAX_CHUNK: usize = 64 << 10;

/// A text made ready for the parser.
pub(super) struct Prepared<'a> {
    text: &'a str,
    hidden: Vec<usize>,
    /// Where addresses end.
    ends: Vec<usize>,
    /// Where the text can be parted.
    pub seams: Vec<Seam>,
}

/// The beginning of a line outside code, behind a blank one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seam {
    pub at: usize,
    /// Whether nothing reaches across: what follows stands at the margin and continues no list.
    pub clean: bool,
}

impl Prepared<'_> {
    /// The lines from byte `from` to byte `to` as the parser may see them.
    pub fn part(&self, from: usize, to: usize) -> String {
        let inside = |offsets: &[usize]| -> Vec<usize> {
            let first = offsets.partition_point(|&at| at < from);
            let last = offsets.partition_point(|&at| at < to);
            offsets[first..last].iter().map(|at| at - from).collect()
        };
        hide(&self.text[from..to], &inside(&self.hidden), &inside(&self.ends))
    }
}

/// Looks through `text`. With `growing` more will follow at its end.
pub(super) fn prepare(text: &str, growing: bool) -> Prepared<'_> {
    let mut scan = Scan {
        text,
        hidden: Vec::new(),
        ends: Vec::new(),
        seams: Vec::new(),
        fence: None,
        items: Vec::new(),
        chunk: Vec::new(),
        after_blank: true,
    };
    for (start, line) in lines(text) {
        scan.line(start, line);
    }
    scan.end_chunk(text.len(), growing);
    for offsets in [&mut scan.hidden, &mut scan.ends] {
        offsets.sort_unstable();
        offsets.dedup();
    }
    Prepared { text, hidden: scan.hidden, ends: scan.ends, seams: scan.seams }
}

struct Scan<'a> {
    text: &'a str,
    hidden: Vec<usize>,
    ends: Vec<usize>,
    seams: Vec<Seam>,
    fence: Option<Fenced>,
    /// The columns at which the contents of the open list items stand.
    items: Vec<usize>,
    chunk: Vec<formula::Line>,
    after_blank: bool,
}

impl Scan<'_> {
    fn line(&mut self, start: usize, line: &str) {
        match self.fence.as_ref().map(|fence| fence.read(line)) {
            Some(Reading::Code) => return self.code(start, line),
            Some(Reading::End) => {
                self.fence = None;
                return;
            }
            Some(Reading::Left) => self.fence = None,
            None => {}
        }
        let prefix = Prefix::of(line);
        let content = &line[prefix.content..];
        if is_blank(content) && prefix.item.is_none() {
            self.end_chunk(start, false);
            self.after_blank = true;
            return;
        }
        if std::mem::take(&mut self.after_blank) && self.chunk.is_empty() {
            self.seams.push(Seam { at: start, clean: prefix.content == 0 });
        }
        self.hidden.extend(prefix.too_deep.map(|at| start + at));
        self.place_in_lists(&prefix);
        let indented_code = prefix.indent >= 4 && prefix.quotes == 0 && self.items.is_empty();
        if let Some(fence) = Fence::opened_by(content).filter(|_| !indented_code) {
            self.end_chunk(start, false);
            self.fence = Some(Fenced {
                fence,
                quotes: prefix.quotes,
                column: self.items.last().copied().unwrap_or(0),
            });
        } else {
            let quoted_anew = self.chunk.last().is_none_or(|last| last.quotes != prefix.quotes);
            let leaf = quoted_anew || prefix.item.is_some() || content.starts_with(['#', '|']);
            self.chunk.push(formula::Line {
                start,
                content: start + prefix.content,
                quotes: prefix.quotes,
                leaf,
            });
        }
    }

    fn place_in_lists(&mut self, prefix: &Prefix) {
        if prefix.quotes > 0 {
            self.items.clear();
            return;
        }
        self.items.retain(|&column| column <= prefix.margin);
        self.items.extend(prefix.item);
    }

    /// A line between code fences. That it is code is a guess, so what would be costly in prose is hidden here as well.
    fn code(&mut self, start: usize, line: &str) {
        self.hidden.extend(Prefix::of(line).too_deep.map(|at| start + at));
        let bytes = line.as_bytes();
        let costly = |&i: &usize| {
            bytes[i] == b'$' || bytes[i] == b'\\' && matches!(bytes.get(i + 1), Some(b'(' | b'['))
        };
        self.hidden.extend((0..bytes.len()).filter(costly).map(|i| start + i));
        addresses::mark(line, start, &mut self.hidden);
    }

    /// Looks through the lines before `end` that have gathered.
    fn end_chunk(&mut self, end: usize, growing: bool) {
        let mut lines = std::mem::take(&mut self.chunk);
        let Some(start) = lines.first().map(|line| line.start) else {
            return;
        };
        let limit = start + self.text[start..end].floor_char_boundary(MAX_CHUNK);
        let bytes = self.text.as_bytes();
        self.hidden.extend((limit..end).filter(|&i| INLINE.contains(&bytes[i])));
        addresses::mark(&self.text[start..end], start, &mut self.hidden);
        addresses::mark_ends(&self.text[start..limit], start, &mut self.ends);
        self.entities(start, limit);
        self.open_ended_html(&lines, start, end);
        tables::mark(self.text, &lines, end, &mut self.hidden);
        lines.retain(|line| line.start < limit);
        for line in &mut lines {
            line.start -= start;
            line.content -= start;
        }
        let mut formulas = Vec::new();
        formula::mark(&self.text[start..limit], &lines, growing && limit == end, &mut formulas);
        self.hidden.extend(formulas.iter().map(|at| start + at));
    }

    /// Whoever writes `&lt;` outside code speaks of these four characters; other entities are read.
    fn entities(&mut self, start: usize, end: usize) {
        for (i, _) in self.text[start..end].match_indices('&') {
            let rest = &self.text[start + i + 1..end];
            let name = rest
                .as_bytes()
                .iter()
                .take(10)
                .position(|&b| b == b';')
                .and_then(|length| rest.get(..length));
            if name.is_some_and(is_markup) {
                self.hidden.push(start + i);
            }
        }
    }

    /// The parser lets `<script>`, `<!--` and the like run on to their end, past blank lines. Nothing is HTML here, so what would
    /// not end with its paragraph does not begin.
    fn open_ended_html(&mut self, lines: &[formula::Line], start: usize, end: usize) {
        let chunk = &self.text[start..end];
        if !lines.iter().any(|line| self.text[line.content..end].starts_with('<')) {
            return;
        }
        let lower = chunk.to_ascii_lowercase();
        let mut ends = HTML_BLOCKS.map(|(_, end)| Ahead::new(end));
        for line in lines {
            let at = line.content - start;
            let kind = HTML_BLOCKS.iter().position(|(begin, _)| lower[at..].starts_with(begin));
            if kind.is_some_and(|kind| ends[kind].next(&lower, at).is_none()) {
                self.hidden.push(line.content);
            }
        }
    }
}

/// How the parser's HTML blocks that blank lines do not end begin and end.
const HTML_BLOCKS: [(&str, &str); 8] = [
    ("<script", "</script>"),
    ("<pre", "</pre>"),
    ("<style", "</style>"),
    ("<textarea", "</textarea>"),
    ("<!--", "-->"),
    ("<?", "?>"),
    ("<![cdata[", "]]>"),
    ("<!", ">"),
];

/// Whether the entity `name` stands for a character of HTML's own syntax.
fn is_markup(name: &str) -> bool {
    let number = match name.strip_prefix('#') {
        Some(digits) => match digits.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok(),
            None => digits.parse().ok(),
        },
        None => None,
    };
    matches!(number, Some(34 | 38 | 39 | 60 | 62))
        || ["lt", "gt", "amp", "quot", "apos"].iter().any(|known| known.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text with every hidden byte shown as `·`.
    fn marked(text: &str) -> String {
        let hidden = prepare(text, false).hidden;
        let byte = |(i, c)| {
            if hidden.binary_search(&i).is_ok() { '·' } else { c }
        };
        text.char_indices().map(byte).collect()
    }

    #[test]
    fn code_is_not_searched_for_formulas() {
        let text = "```sh\necho $A $B\n```\n$x$ ~~~\n- ```\n  $a$\n  ```\n  $y$\n> ```\n> $b$\n$z$";
        let expected = "```sh\necho ·A ·B\n```\n$x$ ~~~\n- ```\n  ·a·\n  ```\n  $y$\n> ```\n> ·b·\n$z$";
        assert_eq!(marked(text), expected);
        assert_eq!(marked("    ```\n$x$ and $5"), "    ```\n$x$ and ·5", "indented code opens no fence");
        assert_eq!(
            marked("- a\n\n      ```\n      $5"),
            "- a\n\n      ```\n      ·5",
            "but in an item it does"
        );
    }

    #[test]
    fn c16_html_that_would_not_end_with_its_paragraph_is_hidden() {
        assert_eq!(marked("<script>\na\n\nb"), "·script>\na\n\nb");
        assert_eq!(marked("<script>\na</SCRIPT>"), "<script>\na</SCRIPT>");
        assert_eq!(marked("- <!-- a"), "- ·!-- a");
        assert_eq!(marked("<!-- a -->\n<div>"), "<!-- a -->\n<div>");
    }

    #[test]
    fn c16_entities_of_markup_are_what_was_typed() {
        assert_eq!(marked("&lt;b&gt; &amp; &#60; &#x3C; &#X3e;"), "·lt;b·gt; ·amp; ·#60; ·#x3C; ·#X3e;");
        assert_eq!(marked("&nbsp; &copy; &#8217; &lt & ;"), "&nbsp; &copy; &#8217; &lt & ;");
    }

    #[test]
    fn i13_what_is_too_long_is_not_read() {
        let text = "*a* ".repeat(20_000);
        let marked = marked(&text);
        assert!(marked.starts_with("*a* *a*") && marked.ends_with("·a· ·a· "));
    }

    #[test]
    fn seams_are_between_blocks() {
        let seams = prepare("a\n\nb\n\n- c\n\n  d\n\n```\n\ne\n```\n\nf", false).seams;
        let clean: Vec<usize> = seams.iter().filter(|seam| seam.clean).map(|seam| seam.at).collect();
        assert_eq!(clean, [0, 3, 16, 28]);
        assert_eq!(seams.len(), 6);
    }
}
