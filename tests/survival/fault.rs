//! Faults at chosen calls of the operating system, by strace's injection.

use crate::support::program::{Ended, Place};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

/// What happens at which call.
#[derive(Clone, Debug)]
pub struct Fault {
    /// The system call, or some of them with commas.
    pub call: &'static str,
    /// In strace's words: `signal=KILL`, `error=EIO`.
    pub what: &'static str,
    /// The n-th of each thread, in strace's words: `7`, `7..9`, `7+`, `7+100`.
    pub when: String,
}

impl Fault {
    pub fn at(call: &'static str, what: &'static str, when: &str) -> Fault {
        Fault { call, what, when: when.to_owned() }
    }

    /// What is run in this place from now on meets it.
    pub fn arm(&self, place: &mut Place) {
        self.arm_and_note(place, self.call, "/dev/null");
    }

    /// The same, and these calls are noted in a file.
    pub fn arm_and_note(&self, place: &mut Place, calls: &str, file: &str) {
        let Fault { call, what, when } = self;
        place.before = format!(
            "exec strace -D -f -qqq -y -s 0 -o {file} -e trace={calls} -e inject={call}:{what}:when={when} \"$0\" \"$@\";"
        );
    }
}

/// True for a loop over every point.
pub fn is_soak() -> bool {
    std::env::var_os("SOAK").is_some()
}

/// The points to try: all up to `last`, or as many as are `few`, closer together at the beginning.
pub fn points(few: usize, last: usize) -> Vec<usize> {
    if is_soak() {
        return (1..=last).collect();
    }
    let share = |i: usize| (i as f64 / few as f64).powi(2);
    let mut points: Vec<usize> = (1..=few).map(|i| (share(i) * last as f64).ceil() as usize).collect();
    points.dedup();
    points
}

/// Tries all points, two at a time, and says how many were met: SQLite makes up for some by itself, as for a log that could
/// not be folded in, and the last ones may lie behind the end.
pub fn try_all(name: &str, points: &[usize], attempt: impl Fn(usize) -> bool + Sync) {
    let (next, met) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(point) = points.get(next.fetch_add(1, SeqCst)) {
                    met.fetch_add(usize::from(attempt(*point)), SeqCst);
                }
            });
        }
    });
    let met = met.load(SeqCst);
    eprintln!("{name}: {} points tried, {met} met", points.len());
    assert!(met > 0, "{name}: no fault was ever met");
}

/// It ended by itself, not by a panic.
#[track_caller]
pub fn is_clean(ended: &Ended) {
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
}
