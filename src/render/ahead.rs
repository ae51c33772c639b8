//! A search that does not read the same text twice.

/// Where a needle comes next, remembered between questions that go forward, so that all of them together read a text once.
pub(super) struct Ahead {
    needle: &'static str,
    /// The last answer holds for every question from here to `found`.
    from: usize,
    /// `usize::MAX`: there is no further one.
    found: usize,
}

impl Ahead {
    pub fn new(needle: &'static str) -> Ahead {
        Ahead {
            needle,
            from: 1,
            found: 0,
        }
    }

    /// The first place of the needle in `text`, always the same one, at or behind `at`.
    pub fn next(&mut self, text: &str, at: usize) -> Option<usize> {
        if !(self.from..=self.found).contains(&at) {
            self.from = at;
            self.found = text
                .get(at..)
                .and_then(|rest| rest.find(self.needle))
                .map_or(usize::MAX, |step| at + step);
        }
        (self.found != usize::MAX).then_some(self.found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_a_plain_search_finds() {
        let text = "a--b-a--";
        let mut ahead = Ahead::new("--");
        let found: Vec<_> = (0..9).map(|at| ahead.next(text, at)).collect();
        let plain: Vec<_> = (0..9)
            .map(|at| text[at.min(8)..].find("--").map(|step| at + step))
            .collect();
        assert_eq!(found, plain);
        assert_eq!(ahead.next(text, 0), Some(1), "also backwards");
    }
}
