//! Code fences: where they open, and which of the lines behind are code.

use super::lines::{Prefix, is_blank, run};

/// A code fence that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fence {
    /// `` ` `` or `~`.
    pub byte: u8,
    /// How many of them opened it: three or more.
    pub length: usize,
}

impl Fence {
    /// The fence that `content`, a line without its prefix, opens.
    pub fn opened_by(content: &str) -> Option<Fence> {
        let byte = *content.as_bytes().first().filter(|b| matches!(b, b'`' | b'~'))?;
        let length = run(content.as_bytes(), byte);
        let plain_info = byte == b'~' || !content.as_bytes()[length..].contains(&b'`');
        (length >= 3 && plain_info).then_some(Fence { byte, length })
    }

    /// Whether `line`, without the prefix of the fence's containers, closes it.
    pub fn closed_by(self, line: &str) -> bool {
        let content = line.trim_start_matches(' ');
        let length = run(content.as_bytes(), self.byte);
        line.len() - content.len() < 4 && length >= self.length && is_blank(&content[length..])
    }
}

/// A code fence that is open, and what it stands in.
pub(super) struct Fenced {
    pub fence: Fence,
    pub quotes: usize,
    pub column: usize,
}

/// What a line is to an open fence.
pub(super) enum Reading {
    Code,
    End,
    /// The fence ended before it, with what it stood in.
    Left,
}

impl Fenced {
    /// What `line` is to the fence.
    pub fn read(&self, line: &str) -> Reading {
        let mut rest = line;
        for _ in 0..self.quotes {
            match rest.trim_start_matches([' ', '\t']).strip_prefix('>') {
                Some(inner) => rest = inner.strip_prefix(' ').unwrap_or(inner),
                None => return Reading::Left,
            }
        }
        let prefix = Prefix::of(rest);
        if prefix.margin < self.column && !is_blank(rest) {
            return Reading::Left;
        }
        // A tab may be part of the indentation and part of the line; then the fence is taken to begin behind it.
        let inner = rest.get(self.column..).filter(|_| rest.bytes().take(self.column).all(|b| b == b' '));
        if self.fence.closed_by(inner.unwrap_or(rest.trim_start_matches([' ', '\t']))) {
            Reading::End
        } else {
            Reading::Code
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fences_open_and_close() {
        let fence = Fence::opened_by("```rust\n").unwrap();
        assert_eq!(fence, Fence { byte: b'`', length: 3 });
        assert!(fence.closed_by("````  \n") && fence.closed_by("   ```") && !fence.closed_by("    ```"));
        assert!(!fence.closed_by("``` rust\n") && !fence.closed_by("~~~\n") && !fence.closed_by("``\n"));
        assert_eq!(Fence::opened_by("``` a`b"), None);
        assert_eq!(Fence::opened_by("``"), None);
        assert!(Fence::opened_by("~~~~ a`b").is_some());
    }
}
