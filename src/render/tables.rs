//! Looks after tables before the parser does, which drops the cells that a row has too many and makes up those it has too few.

use super::formula::Line;
use super::lines::run;

/// Columns of a table.
const MAX_COLUMNS: usize = 64;
/// Cells that the rows of a table may leave out.
const MAX_MISSING_CELLS: usize = 4 << 10;

/// Appends to `hidden` the offsets of the bytes of `text` to hide. `lines` have no blank one between them and end at `end`.
pub(super) fn mark(text: &str, lines: &[Line], end: usize, hidden: &mut Vec<usize>) {
    let content = |i: usize| {
        let next = lines.get(i + 1).map_or(end, |next| next.start);
        &text[lines[i].content..next]
    };
    let mut i = 1;
    while i < lines.len() {
        let delimiters = content(i);
        if !is_delimiter_row(delimiters) {
            i += 1;
            continue;
        }
        let columns = pipes(delimiters).len() + 1;
        let size = end - lines[i].content;
        if columns > MAX_COLUMNS || columns * (lines.len() - i) > size + MAX_MISSING_CELLS {
            hidden.extend(delimiters.find('-').map(|at| lines[i].content + at));
        } else if pipes(content(i - 1)).len() + 1 == columns {
            let is_row = |line: &Line| !line.leaf || text[line.content..].starts_with('|');
            while i + 1 < lines.len() && is_row(&lines[i + 1]) {
                i += 1;
                let row = content(i);
                hidden.extend(excess(row, columns).iter().map(|at| lines[i].content + at));
            }
        }
        i += 1;
    }
}

fn is_delimiter_row(row: &str) -> bool {
    row.contains('-') && row.bytes().all(|b| b"|:- \t\r\n".contains(&b))
}

/// The offsets of the pipes between the cells of `row`.
fn pipes(row: &str) -> Vec<usize> {
    let bytes = row.as_bytes();
    let (mut pipes, mut escaped) = (Vec::new(), false);
    for (at, &b) in bytes.iter().enumerate() {
        if b == b'|' && !escaped {
            pipes.push(at);
        }
        escaped = b == b'\\' && !escaped;
    }
    let inner = row.trim();
    if inner.starts_with('|') && !pipes.is_empty() {
        pipes.remove(0);
    }
    if pipes.last().is_some_and(|&last| last + 1 == row.trim_end().len()) {
        pipes.pop();
    }
    pipes
}

/// The pipes to hide so that `row` has no more than `columns` cells: first those in code, which were hardly meant to end a cell,
/// then the last ones.
fn excess(row: &str, columns: usize) -> Vec<usize> {
    let all = pipes(row);
    if all.len() < columns {
        return Vec::new();
    }
    let (mut hidden, kept): (Vec<usize>, Vec<usize>) = if row.contains('`') {
        let code = code_spans(row);
        all.iter().partition(|&at| code.iter().any(|span| span.contains(at)))
    } else {
        (Vec::new(), all)
    };
    hidden.extend(kept.iter().skip(columns - 1));
    hidden
}

/// Where the code spans of a row are.
fn code_spans(row: &str) -> Vec<std::ops::Range<usize>> {
    let bytes = row.as_bytes();
    let (mut spans, mut open, mut at) = (Vec::new(), None, 0);
    while at < bytes.len() {
        let length = run(&bytes[at..], b'`');
        match open {
            None if length > 0 => open = Some((at, length)),
            Some((start, opening)) if length == opening => {
                spans.push(start..at);
                open = None;
            }
            _ => {}
        }
        at += length.max(1);
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(text: &str) -> Vec<usize> {
        let mut lines = Vec::new();
        for (start, line) in super::super::lines::lines(text) {
            lines.push(Line { start, content: start, quotes: 0, leaf: line.starts_with('|') });
        }
        let mut hidden = Vec::new();
        mark(text, &lines, text.len(), &mut hidden);
        hidden
    }

    #[test]
    fn cells_too_many_stay_text() {
        assert!(hidden("| a | b |\n|---|---|\n| 1 | 2 |\n| 1 \\| 2 |\n").is_empty());
        let text = "| a | b |\n|---|---|\n| 1 | 2 | 3 | 4 |\nx|y|z";
        let shown: String =
            text.char_indices().map(|(i, c)| if hidden(text).contains(&i) { '·' } else { c }).collect();
        assert_eq!(shown, "| a | b |\n|---|---|\n| 1 | 2 · 3 · 4 |\nx|y·z");
    }

    #[test]
    fn a_pipe_in_code_ends_no_cell() {
        let text = "| a | b |\n|---|---|\n| `x | y` | `a` ||\n| `x|y` | 2 |\n";
        let shown: String =
            text.char_indices().map(|(i, c)| if hidden(text).contains(&i) { '·' } else { c }).collect();
        assert_eq!(shown, "| a | b |\n|---|---|\n| `x · y` | `a` ·|\n| `x·y` | 2 |\n");
    }

    #[test]
    fn i13_a_table_of_made_up_cells_is_none() {
        let wide = format!("{}\n{}\n", "|a".repeat(100), "|-".repeat(100));
        assert_eq!(hidden(&wide).len(), 1);
        let short = format!("{}\n{}\n{}", "|a".repeat(60), "|-".repeat(60), "a\n".repeat(1000));
        assert_eq!(hidden(&short).len(), 1);
    }
}
