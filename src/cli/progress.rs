//! How far long work is: a bar in a terminal, plain lines where standard error is none.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// Between plain lines.
const EVERY: Duration = Duration::from_secs(2);

/// Shows progress until it is dropped.
pub struct Progress {
    bar: Option<ProgressBar>,
    what: &'static str,
    /// When a plain line was last written.
    told: Instant,
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Bytes,
    Conversations,
    Percent,
}

impl Progress {
    pub fn new(what: &'static str, unit: Unit) -> Progress {
        let template = match unit {
            Unit::Bytes => "{msg} {wide_bar} {bytes}/{total_bytes} {eta}",
            Unit::Conversations => "{msg} {wide_bar} {pos}/{len} {eta}",
            Unit::Percent => "{msg} {wide_bar} {pos} % {eta}",
        };
        let bar = std::io::stderr().is_terminal().then(|| {
            let style =
                ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new(0).with_style(style).with_message(what)
        });
        Progress { bar, what, told: Instant::now() }
    }

    /// `done` of `total`.
    #[expect(clippy::print_stderr, reason = "progress is for whoever watches, not for the output")]
    pub fn tell(&mut self, done: u64, total: u64) {
        if let Some(bar) = &self.bar {
            bar.set_length(total);
            bar.set_position(done);
            return;
        }
        // Work that is over in a moment needs no lines.
        if self.told.elapsed() >= EVERY {
            self.told = Instant::now();
            eprintln!("{}: {} %", self.what, done.saturating_mul(100).checked_div(total).unwrap_or(100));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
