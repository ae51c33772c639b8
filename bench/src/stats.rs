//! Time and the few statistics the report needs.
use rustix::time::{ClockId, clock_gettime};

/// The monotonic clock in nanoseconds: the same in every process of a machine, so that a moment
/// written into a token by the fake upstream can be subtracted from one read by the client.
pub fn now_ns() -> u64 {
    let t = clock_gettime(ClockId::Monotonic);
    t.tv_sec.unsigned_abs() * 1_000_000_000 + t.tv_nsec.unsigned_abs()
}

/// Milliseconds between two moments; 0 when they lie the wrong way round.
pub fn ms_between(from_ns: u64, to_ns: u64) -> f64 {
    to_ns.saturating_sub(from_ns) as f64 / 1e6
}

/// Sorts, for [`percentile`].
pub fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

/// The nearest-rank percentile (`share` from 0 to 1) of sorted values; NaN when there are none.
pub fn percentile(sorted: &[f64], share: f64) -> f64 {
    if sorted.is_empty() {
        return f64::NAN;
    }
    sorted[((sorted.len() - 1) as f64 * share).round() as usize]
}

/// What the rounds of one measurement gave: their median, least and greatest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// median over the rounds
    pub mid: f64,
    /// the least
    pub low: f64,
    /// the greatest
    pub high: f64,
}

impl Spread {
    /// Of one value per round.
    pub fn of(rounds: impl IntoIterator<Item = f64>) -> Spread {
        let all = sorted(rounds.into_iter().filter(|v| v.is_finite()).collect());
        Spread { mid: percentile(&all, 0.5), low: percentile(&all, 0.0), high: percentile(&all, 1.0) }
    }
}

impl From<f64> for Spread {
    fn from(value: f64) -> Spread {
        Spread { mid: value, low: value, high: value }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_members_of_the_set() {
        let values = sorted(vec![5.0, 1.0, 4.0, 2.0, 3.0]);
        assert_eq!(percentile(&values, 0.5), 3.0);
        assert_eq!(percentile(&values, 0.99), 5.0);
        assert!(percentile(&[], 0.5).is_nan());
        let spread = Spread::of([2.0, f64::NAN, 9.0, 4.0]);
        assert_eq!((spread.mid, spread.low, spread.high), (4.0, 2.0, 9.0));
    }
}
