//! Searches that do not read the same text twice.

use super::lines::run;

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
        Ahead { needle, from: 1, found: 0 }
    }

    /// The first place of the needle in `text`, always the same one, at or behind `at`.
    pub fn next(&mut self, text: &str, at: usize) -> Option<usize> {
        if !(self.from..=self.found).contains(&at) {
            self.from = at;
            self.found =
                text.get(at..).and_then(|rest| rest.find(self.needle)).map_or(usize::MAX, |step| at + step);
        }
        (self.found != usize::MAX).then_some(self.found)
    }
}

/// The runs of backticks of a text, by length.
pub(super) struct TickRuns(Vec<(usize, usize)>);

impl TickRuns {
    pub fn of(text: &str) -> TickRuns {
        let bytes = text.as_bytes();
        let (mut runs, mut at) = (Vec::new(), 0);
        while let Some(step) = bytes[at..].iter().position(|&b| b == b'`') {
            let length = run(&bytes[at + step..], b'`');
            runs.push((length, at + step));
            at += step + length;
        }
        runs.sort_unstable();
        TickRuns(runs)
    }

    /// The first run of exactly `length` at or behind `at`.
    pub fn next(&self, length: usize, at: usize) -> Option<usize> {
        let found = self.0.get(self.0.partition_point(|&run| run < (length, at)))?;
        (found.0 == length).then_some(found.1)
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
        let plain: Vec<_> = (0..9).map(|at| text[at.min(8)..].find("--").map(|step| at + step)).collect();
        assert_eq!(found, plain);
        assert_eq!(ahead.next(text, 0), Some(1), "also backwards");
    }

    #[test]
    fn finds_runs_of_a_length() {
        let ticks = TickRuns::of("` `` ``` ``");
        assert_eq!(ticks.next(2, 0), Some(2));
        assert_eq!(ticks.next(2, 3), Some(9));
        assert_eq!(ticks.next(1, 1), None);
        assert_eq!(ticks.next(4, 0), None);
    }
}
