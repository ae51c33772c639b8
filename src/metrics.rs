//! Figures for whoever watches the server: instruments that cost an atomic addition, and OpenMetrics text.
//!
//! Our own, not a crate's: what is counted is a closed list, every label is a word of the program (never of a person, a
//! model or an address), and the text format is forty lines. So the number of series is bounded by construction.
//! <https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md>

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// From what a cached page needs to what a queueing model needs, in seconds.
const BOUNDS: [f64; 16] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0];

/// What the whole program counts. What one part alone knows, that part tells itself.
#[derive(Default)]
pub struct Metrics {
    /// Replies, by method, route and status.
    pub requests: Counts<(&'static str, &'static str, u16)>,
    /// How long requests took that wait for no model.
    pub request_seconds: Histogram,
    /// Open connections.
    pub connections: AtomicI64,
    /// Connections that were refused because there were too many.
    pub connections_refused: AtomicU64,
    /// Unix seconds until which the server's own certificate is good; 0 where it has none.
    pub certificate_expires: AtomicI64,
    /// Answers that have ended, by how.
    pub answers: Counts<&'static str>,
    /// Calls to the model service that failed, by the code of the fault.
    pub upstream_errors: Counts<&'static str>,
    /// From the call to the first word.
    pub first_token_seconds: Histogram,
    /// Tokens, by kind.
    pub tokens: Counts<&'static str>,
}

/// Counts by a label, or some. The labels must be few.
pub struct Counts<L>(Mutex<BTreeMap<L, u64>>);

impl<L> Default for Counts<L> {
    fn default() -> Counts<L> {
        Counts(Mutex::default())
    }
}

impl<L: Ord + Copy> Counts<L> {
    /// One more.
    pub fn add(&self, label: L, count: u64) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(label).or_default() += count;
    }

    /// All of them.
    pub fn all(&self) -> Vec<(L, u64)> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().map(|(label, count)| (*label, *count)).collect()
    }
}

/// How long things take.
#[derive(Default)]
pub struct Histogram {
    /// One for each bound, and one beyond the last.
    counts: [AtomicU64; BOUNDS.len() + 1],
    micros: AtomicU64,
}

impl Histogram {
    /// One more that took so long.
    pub fn record(&self, time: Duration) {
        let seconds = time.as_secs_f64();
        let at = BOUNDS.iter().position(|bound| seconds <= *bound).unwrap_or(BOUNDS.len());
        self.counts[at].fetch_add(1, Relaxed);
        self.micros.fetch_add(u64::try_from(time.as_micros()).unwrap_or(u64::MAX), Relaxed);
    }
}

/// Text as it is written, a family of samples after another.
#[derive(Default)]
pub struct Text(String);

/// Names and values of a sample's labels.
pub type Labels<'a> = &'a [(&'a str, &'a str)];

impl Text {
    fn family(&mut self, name: &str, kind: &str, about: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "# TYPE {name} {kind}");
        // The unit of a family is the last part of its name.
        if let Some(unit) = ["seconds", "bytes"].into_iter().find(|unit| name.ends_with(&format!("_{unit}")))
        {
            let _ = writeln!(self.0, "# UNIT {name} {unit}");
        }
        let _ = writeln!(self.0, "# HELP {name} {about}");
    }

    fn sample(&mut self, name: &str, labels: Labels<'_>, value: impl std::fmt::Display) {
        let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
        let braced = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.0, "{name}{braced} {value}");
    }

    /// A value that goes up and down.
    pub fn gauge(&mut self, name: &str, about: &str, value: impl std::fmt::Display) {
        self.family(name, "gauge", about);
        self.sample(name, &[], value);
    }

    /// A value that only grows.
    pub fn counter(&mut self, name: &str, about: &str, value: impl std::fmt::Display) {
        self.family(name, "counter", about);
        self.sample(&format!("{name}_total"), &[], value);
    }

    /// Several, by the values of one label.
    pub fn counters(&mut self, name: &str, about: &str, label: &str, counts: &[(&'static str, u64)]) {
        self.family(name, "counter", about);
        for (value, count) in counts {
            self.sample(&format!("{name}_total"), &[(label, value)], count);
        }
    }

    /// Replies, by method, route and status.
    pub fn requests(&mut self, name: &str, about: &str, metrics: &Metrics) {
        self.family(name, "counter", about);
        for ((method, route, status), count) in metrics.requests.all() {
            let labels: Labels<'_> = &[("method", method), ("route", route), ("status", &status.to_string())];
            self.sample(&format!("{name}_total"), labels, count);
        }
    }

    /// How long things took.
    pub fn histogram(&mut self, name: &str, about: &str, histogram: &Histogram) {
        self.family(name, "histogram", about);
        let mut count = 0;
        for (at, bound) in BOUNDS.iter().map(|bound| format!("{bound:?}")).chain(["+Inf".into()]).enumerate()
        {
            count += histogram.counts[at].load(Relaxed);
            self.sample(&format!("{name}_bucket"), &[("le", &bound)], count);
        }
        self.sample(&format!("{name}_sum"), &[], histogram.micros.load(Relaxed) as f64 / 1e6);
        self.sample(&format!("{name}_count"), &[], count);
    }

    /// What does not change while the program runs.
    pub fn info(&mut self, name: &str, about: &str, labels: Labels<'_>) {
        self.family(name, "info", about);
        self.sample(&format!("{name}_info"), labels, 1);
    }

    /// All of it.
    pub fn finish(mut self) -> String {
        self.0.push_str("# EOF\n");
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_counts_up() {
        let histogram = Histogram::default();
        for ms in [0, 1, 2, 700, 1_000_000] {
            histogram.record(Duration::from_millis(ms));
        }
        let mut text = Text::default();
        text.histogram("x_seconds", "Of x.", &histogram);
        let text = text.finish();
        for line in [
            "# TYPE x_seconds histogram",
            "# UNIT x_seconds seconds",
            "x_seconds_bucket{le=\"0.0005\"} 1",
            "x_seconds_bucket{le=\"0.001\"} 2",
            "x_seconds_bucket{le=\"1.0\"} 4",
            "x_seconds_bucket{le=\"120.0\"} 4",
            "x_seconds_bucket{le=\"+Inf\"} 5",
            "x_seconds_sum 1000.703",
            "x_seconds_count 5",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} in {text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }
}
