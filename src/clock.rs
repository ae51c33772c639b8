//! The time of day, by a clock that tests can set.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::time::{SystemTime, UNIX_EPOCH};

/// Tells the time in Unix seconds. Waiting and limits use the monotonic clock instead.
#[derive(Clone, Debug, Default)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    /// The system's clock.
    pub fn system() -> Clock {
        Clock(None)
    }

    /// A clock that stands at whatever `seconds` holds.
    pub fn set_by(seconds: Arc<AtomicI64>) -> Clock {
        Clock(Some(seconds))
    }

    /// Seconds since 1970 in UTC; negative on a machine whose clock stands before that.
    pub fn now(&self) -> i64 {
        match &self.0 {
            Some(seconds) => seconds.load(Relaxed),
            None => system_now(),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that asks the system")]
fn system_now() -> i64 {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_secs()).unwrap_or(i64::MAX),
    }
}
