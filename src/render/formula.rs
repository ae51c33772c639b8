//! Finds the formulas of a paragraph before the parser does, and hides every dollar sign and `\(` that is none.
//!
//! The parser has its own rule for `$…$`, which takes prices for formulas, looks into code spans for the closing sign, and searches
//! the rest of the paragraph anew for each `\(` that never closes. What is left for it to see after this pass are pairs that stand
//! side by side, so its search is short and its result is ours.

use super::ahead::{Ahead, TickRuns};
use super::currency::{has_tex, is_formula, is_prose};
use super::lines::{marker, run};
use super::stand_in::INLINE;

/// A line of a chunk.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    /// The offset of its first byte in the chunk.
    pub start: usize,
    /// The offset of its content, behind blanks and markers.
    pub content: usize,
    /// How many quotation marks it begins with.
    pub quotes: usize,
    /// Whether it begins a paragraph of its own, being a list item, a row, a heading or the like.
    pub leaf: bool,
}

/// Looks through `chunk`, which is `lines` without a blank one between them, and appends the offsets of the bytes to hide to
/// `hidden`. With `growing` the chunk is the end of a text that goes on: a display formula that is still open there keeps the rest.
pub(super) fn mark(chunk: &str, lines: &[Line], growing: bool, hidden: &mut Vec<usize>) {
    let mut scan = Scan {
        text: chunk,
        bytes: chunk.as_bytes(),
        lines,
        leaves: lines.iter().filter(|line| line.leaf).map(|line| line.start).collect(),
        growing,
        hidden,
        ticks: TickRuns::of(chunk),
        tick: Ahead::new("`"),
        dollars: Ahead::new("$$"),
        round: Ahead::new("\\)"),
        square: Ahead::new("\\]"),
    };
    let mut at = 0;
    while let Some(step) = scan.bytes[at..].iter().position(|b| matches!(b, b'\\' | b'`' | b'$')) {
        at = scan.construct(at + step);
    }
}

struct Scan<'a> {
    text: &'a str,
    bytes: &'a [u8],
    lines: &'a [Line],
    leaves: Vec<usize>,
    growing: bool,
    hidden: &'a mut Vec<usize>,
    ticks: TickRuns,
    tick: Ahead,
    dollars: Ahead,
    round: Ahead,
    square: Ahead,
}

impl Scan<'_> {
    /// Reads the construct at `at`; returns where to go on.
    fn construct(&mut self, at: usize) -> usize {
        match (self.bytes[at], self.bytes.get(at + 1)) {
            (b'`', _) => self.code(at),
            (b'$', _) => self.dollar(at),
            (_, Some(b'(')) => self.bracket(at, false),
            (_, Some(b'[')) => self.bracket(at, true),
            (_, Some(escaped)) if escaped.is_ascii_punctuation() => at + 2,
            _ => at + 1,
        }
    }

    /// A code span binds tighter than a formula: no dollar in it opens or closes anything.
    fn code(&mut self, at: usize) -> usize {
        let length = run(&self.bytes[at..], b'`');
        let limit = self.leaf_end(at);
        match self.ticks.next(length, at + length).filter(|&close| close < limit) {
            Some(close) => {
                self.hide_inside(at, close);
                close + length
            }
            None => at + length,
        }
    }

    /// `\(…\)` stays in its paragraph; `\[…\]` may fill many lines.
    fn bracket(&mut self, at: usize, display: bool) -> usize {
        let limit = if display { self.text.len() } else { self.leaf_end(at) };
        let ahead = if display { &mut self.square } else { &mut self.round };
        let close = ahead.next(self.text, at + 2).filter(|&close| close < limit);
        match close {
            Some(close)
                if close > at + 2 && self.tick.next(self.text, at).is_none_or(|tick| tick > close) =>
            {
                self.hide_inside(at + 2, close);
                self.guard_lines(at, close);
                close + 2
            }
            None if display && self.growing && (self.begins_line(at) || self.ends_line(at + 2)) => {
                self.unfinished(at)
            }
            _ => {
                self.hidden.push(at);
                at + 2
            }
        }
    }

    fn dollar(&mut self, at: usize) -> usize {
        let length = run(&self.bytes[at..], b'$');
        let end = match length {
            1 => self.inline(at),
            2 => self.display(at),
            _ => None, // three and more are a price range in a restaurant guide
        };
        end.unwrap_or_else(|| {
            self.hidden.extend(at..at + length);
            at + length
        })
    }

    /// The end of the formula that the single dollar at `at` opens.
    fn inline(&mut self, at: usize) -> Option<usize> {
        let limit = self.leaf_end(at);
        let close = (at + 1..limit).find(|&i| self.bytes[i] == b'$' && self.bytes[i - 1] != b'\\')?;
        let body = &self.text[at + 1..close];
        let touches = |b: u8| !matches!(b, b' ' | b'\t' | b'\n' | b'\r' | 0x0B | 0x0C);
        let closes = close > at + 1
            && touches(self.bytes[at + 1])
            && touches(self.bytes[close - 1])
            && self.bytes.get(close + 1) != Some(&b'$');
        let in_one_cell = !(body.contains('|') && self.in_row(at));
        let alone = self.tick.next(self.text, at).is_none_or(|tick| tick > close);
        let formula = closes
            && in_one_cell
            && alone
            && is_formula(self.text[..at].chars().next_back(), body, self.text[close + 1..].chars().next());
        formula.then_some(close + 1)
    }

    /// The end of the formula that the two dollars at `at` open, or of the chunk if the formula is still being written.
    fn display(&mut self, at: usize) -> Option<usize> {
        let begins_line = self.begins_line(at);
        let Some(close) = self.dollars.next(self.text, at + 2) else {
            return (self.growing && begins_line).then(|| self.unfinished(at));
        };
        let body = &self.text[at + 2..close];
        let pair =
            run(&self.bytes[close..], b'$') == 2 && self.bytes[close - 1] != b'\\' && !body.trim().is_empty();
        if !pair || self.tick.next(self.text, at).is_some_and(|tick| tick < close) {
            return None;
        }
        let rest = self.text[close + 2..].trim_start_matches([' ', '\t', '.', ',', ';', '。', '，', '；']);
        let formula = if begins_line && (rest.is_empty() || rest.starts_with(['\n', '\r'])) {
            true
        } else if body.contains(['\n', '\r']) {
            has_tex(body)
        } else {
            !is_prose(body)
        };
        if formula {
            self.guard_lines(at, close);
        }
        formula.then_some(close + 2)
    }

    /// A display formula whose end has not come yet: nothing in it is read, so that no `- b` of it becomes a list meanwhile.
    fn unfinished(&mut self, at: usize) -> usize {
        let end = self.bytes.len();
        self.hidden.extend((at..end).filter(|&i| INLINE.contains(&self.bytes[i])));
        self.guard_lines(at, end);
        end
    }

    /// Hides what could open a formula between `from` and `to`, for the case that the parser ends the paragraph before `to`.
    fn hide_inside(&mut self, from: usize, to: usize) {
        let bytes = self.bytes;
        let opens = |&i: &usize| {
            bytes[i] == b'$' || bytes[i] == b'\\' && matches!(bytes.get(i + 1), Some(b'(' | b'['))
        };
        self.hidden.extend((from..to).filter(opens));
    }

    /// Keeps the lines of a formula from being taken for list items, headings, quotes and so on.
    fn guard_lines(&mut self, from: usize, to: usize) {
        let quotes = self.line(from).quotes;
        let next = self.lines.partition_point(|line| line.start <= from);
        for line in self.lines[next..].iter().take_while(|line| line.start < to) {
            let mut content = line.start + blanks(&self.bytes[line.start..to]);
            for _ in 0..quotes {
                if self.bytes.get(content) == Some(&b'>') {
                    content += 1 + blanks(&self.bytes[content + 1..]);
                }
            }
            if self.bytes.get(content).is_some_and(|b| b"-+*#>=_~<|`[".contains(b)) {
                self.hidden.push(content);
            } else if let Some((_, hide)) = marker(self.bytes, content) {
                self.hidden.push(content + hide);
            }
        }
    }

    fn leaf_end(&self, at: usize) -> usize {
        let next = self.leaves.partition_point(|&leaf| leaf <= at);
        self.leaves.get(next).copied().unwrap_or(self.text.len())
    }

    /// The line that `at` is in.
    fn line(&self, at: usize) -> Line {
        let next = self.lines.partition_point(|line| line.start <= at);
        self.lines.get(next.wrapping_sub(1)).copied().unwrap_or(Line {
            start: 0,
            content: 0,
            quotes: 0,
            leaf: true,
        })
    }

    fn begins_line(&self, at: usize) -> bool {
        self.line(at).content == at
    }

    /// Whether nothing but blanks is left of the line at `at`.
    fn ends_line(&self, at: usize) -> bool {
        let rest = at + blanks(&self.bytes[at..]);
        matches!(self.bytes.get(rest), None | Some(b'\n' | b'\r'))
    }

    /// Whether `at` is in a line that looks like a row of a table.
    fn in_row(&self, at: usize) -> bool {
        self.bytes.get(self.line(at).content) == Some(&b'|')
    }
}

fn blanks(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|b| matches!(b, b' ' | b'\t')).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text with every hidden byte shown as `·`.
    fn marked(chunk: &str, growing: bool) -> String {
        let mut lines = Vec::new();
        for (start, line) in super::super::lines::lines(chunk) {
            let prefix = super::super::lines::Prefix::of(line);
            let content = start + prefix.content;
            let leaf = prefix.item.is_some() || line[prefix.content..].starts_with(['|', '#']);
            lines.push(Line { start, content, quotes: prefix.quotes, leaf });
        }
        let mut hidden = Vec::new();
        mark(chunk, &lines, growing, &mut hidden);
        let byte = |(i, c)| if hidden.contains(&i) { '·' } else { c };
        chunk.char_indices().map(byte).collect()
    }

    #[test]
    fn c15_prices_are_no_formulas() {
        for text in [
            "Loja A (cerca de R$ 12,29/metro), **Loja B** (R$ 15,83/metro) e C (R$ 18,60)",
            "pays **$1.50** a bundle, she makes $1.50 each",
            "**$5** and **$10**",
            "$/PR is down but $/session is up",
            "价格$5到$10元",
            "C# $\"a\" and `$PATH`",
            "between $20 million and US$.",
            "(US$) and (C$)",
            "$5-$10, $5–$10, $5/$10",
            "echo $HOME/$USER:$PATH",
            "$$ – moderate, $$$ – expensive",
            "Cafe A ($$), Cafe B ($$)",
            "- Cheap: $$\n- Mid: $$",
            "| $5 | $6 |\n| a$ | b$ |",
            "美元$和人民币$的汇率",
        ] {
            assert_eq!(marked(text, false), text.replace('$', "·"), "{text}");
        }
    }

    #[test]
    fn c15_formulas_are_found() {
        for text in [
            "$E = mc^2$",
            "\\(x_i\\)",
            "$\\$0.60$",
            "设$x$为实数，$y>0$。",
            "the $n$th of H$_2$O, 10$^{-3}$ m",
            "so $$x^2$$ is",
            "$$ x = 1 $$.",
            "$f(x)$, $(a, b)$ and $\\{1, 2\\}$",
            "a $x$ `c` $y$",
            "| $a$ | $b$ |",
        ] {
            assert_eq!(marked(text, false), text, "{text}");
        }
    }

    #[test]
    fn a_formula_and_a_price_in_one_line() {
        assert_eq!(marked("costs $5 and $x$ is", false), "costs ·5 and $x$ is");
        assert_eq!(marked("`$a` $b$ `$c`", false), "`·a` $b$ `·c`");
        assert_eq!(marked("\\(a `\\)` b", false), "·(a `\\)` b");
    }

    #[test]
    fn lines_of_a_formula_open_no_block() {
        let text = "$$\na\n- b\n+ c\n= d\n1. e\n  > f\n$$";
        assert_eq!(marked(text, false), "$$\na\n· b\n· c\n· d\n1· e\n  · f\n$$");
        assert_eq!(marked("> \\[\n> - b\n> \\]", false), "> \\[\n> · b\n> \\]");
    }

    #[test]
    fn an_open_formula_keeps_the_rest_only_while_the_text_grows() {
        assert_eq!(marked("$$\n- a_1", true), "··\n· a·1");
        assert_eq!(marked("$$\n- a_1", false), "··\n- a_1");
        assert_eq!(marked("  \\[\n- a", true), "  ··\n· a");
    }

    #[test]
    fn i13_openers_without_an_end_are_hidden() {
        let text = "\\(a ".repeat(10_000);
        assert_eq!(marked(&text[..40], false), "·(a ".repeat(10));
        let mut hidden = Vec::new();
        let line = Line { start: 0, content: 0, quotes: 0, leaf: true };
        mark(&text, &[line], false, &mut hidden);
        assert_eq!(hidden.len(), 10_000);
    }
}
