//! What became of an import: kept in the database while it goes on, and told to whoever asks.

use super::{Format, tree};
use crate::store::Outcome;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Problems that are named; the others are counted.
const MOST_PROBLEMS: usize = 200;

/// Where an import stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It is at work.
    #[default]
    Running,
    /// It has gone through the whole file.
    Done,
    /// It has ended before: a problem says why. What it had brought stays.
    Failed,
}

/// What was not taken in, or left alone, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// Of the conversation, else the name of the file it is in.
    pub title: String,
    /// A sentence.
    pub reason: String,
}

/// See the module. The numbers are of conversations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Where it stands.
    pub status: State,
    /// Whose export it is: a word of `Format`.
    pub format: String,
    /// Seen so far: the sum of the following four.
    pub total: u64,
    /// New here.
    pub imported: u64,
    /// Known, with something new.
    pub updated: u64,
    /// Known with nothing new, empty, or in the trash.
    pub skipped: u64,
    /// That could not be read or stored.
    pub failed: u64,
    /// Pictures and files that came with conversations.
    #[serde(default)]
    pub files: u64,
    /// How much of the file is done, in percent.
    pub progress: u8,
    /// Some of them; the last may stand for all that follow.
    pub problems: Vec<Problem>,
    /// How many there are.
    problem_count: u64,
    /// How often it was begun.
    pub attempts: u32,
}

impl Report {
    /// Of an import that begins.
    pub fn new(format: Format) -> Report {
        Report { format: format.as_str().to_owned(), attempts: 1, ..Report::default() }
    }

    /// As it is kept.
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// From how it is kept.
    pub fn from_text(text: &str) -> Report {
        serde_json::from_str(text).unwrap_or_default()
    }

    /// Counts a conversation that was stored.
    pub fn count(&mut self, outcome: Outcome, title: &str) {
        self.total += 1;
        match outcome {
            Outcome::Added => self.imported += 1,
            Outcome::Updated => self.updated += 1,
            Outcome::Known => self.skipped += 1,
            Outcome::InTrash => {
                self.skipped += 1;
                self.problem(title, "It is in the trash here, and was left there.");
            }
        }
    }

    /// Counts one that holds nothing.
    pub fn count_empty(&mut self, title: &str, reason: &str) {
        self.total += 1;
        self.skipped += 1;
        self.problem(title, reason);
    }

    /// Counts one that could not be taken in.
    pub fn count_failed(&mut self, title: &str, reason: &str) {
        self.total += 1;
        self.failed += 1;
        self.problem(title, reason);
    }

    /// It cannot go on. That is the first of all problems, and never one of those that are only counted.
    pub fn fail(&mut self, reason: &str) {
        self.status = State::Failed;
        self.name(0, Problem { title: String::new(), reason: reason.to_owned() });
    }

    /// Names a problem. Titles are of strangers: one line, and not long.
    pub fn problem(&mut self, title: &str, reason: &str) {
        let title = tree::title(Some(title), &[]);
        self.name(self.problems.len(), Problem { title, reason: reason.to_owned() });
    }

    fn name(&mut self, at: usize, problem: Problem) {
        self.problem_count += 1;
        self.problems.insert(at, problem);
        let more = self.problem_count.saturating_sub(MOST_PROBLEMS as u64);
        if more > 0 {
            self.problems.truncate(MOST_PROBLEMS - 1);
            let reason = format!("{} more problems are not named.", more + 1);
            self.problems.push(Problem { title: String::new(), reason });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_adds_up_and_stays_short() {
        let mut report = Report::new(Format::Claude);
        for outcome in [Outcome::Added, Outcome::Updated, Outcome::Known, Outcome::InTrash] {
            report.count(outcome, "t");
        }
        report.count_empty("t", "r");
        (0..1000).for_each(|_| report.count_failed(&"x\n".repeat(5000), "r"));
        let sum = report.imported + report.updated + report.skipped + report.failed;
        assert_eq!((report.total, sum, report.skipped), (1005, 1005, 3));
        assert_eq!(report.problems.len(), MOST_PROBLEMS);
        assert_eq!(report.problems[MOST_PROBLEMS - 1].reason, "803 more problems are not named.");
        report.fail("why it ended");
        assert_eq!(
            (report.problems[0].reason.as_str(), report.problems.len()),
            ("why it ended", MOST_PROBLEMS)
        );
        assert!(report.to_text().len() < 200 << 10);
        assert_eq!(Report::from_text(&report.to_text()), report);
        assert_eq!(Report::from_text("{"), Report::default());
    }
}
