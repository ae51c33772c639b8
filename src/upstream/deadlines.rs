//! How long a call may take: to its first byte, between bytes, in all, and after its answer has ended. One thread
//! looks four times a second while calls run; what is overdue is stopped by its token, which works in every phase.

use super::stop::{Reason, Stop};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

const SWEEP: Duration = Duration::from_millis(250);

/// The longest of each.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub first_byte: Duration,
    pub idle: Duration,
    pub total: Duration,
}

/// Watches over calls.
#[derive(Clone)]
pub struct Deadlines(Arc<Inner>);

struct Inner {
    limits: Limits,
    calls: Mutex<Calls>,
    added: Condvar,
}

#[derive(Default)]
struct Calls {
    running: Vec<Weak<Call>>,
    has_thread: bool,
}

struct Call {
    stop: Stop,
    began: Instant,
    /// Milliseconds after `began`; 0: nothing yet.
    heard: AtomicU64,
    /// Milliseconds after `began` at which it is let go; 0: not set.
    let_go: AtomicU64,
}

/// A call's place among the watched. Dropping the last of its clones ends the watch.
#[derive(Clone)]
pub struct Watch(Arc<Call>);

impl Watch {
    /// Bytes came.
    pub fn heard(&self) {
        self.0.heard.store(self.0.elapsed().max(1), Relaxed);
    }

    /// What may still come has `time` left. A later end than one that was set before is not given.
    pub fn let_go_after(&self, time: Duration) {
        let end = self.0.elapsed() + time.as_millis() as u64;
        let _ = self.0.let_go.fetch_update(Relaxed, Relaxed, |set| (set == 0 || end < set).then_some(end));
    }
}

impl Call {
    fn elapsed(&self) -> u64 {
        self.began.elapsed().as_millis() as u64
    }

    fn overdue(&self, limits: &Limits) -> Option<Reason> {
        let (now, heard, let_go) = (self.elapsed(), self.heard.load(Relaxed), self.let_go.load(Relaxed));
        let past = |since: u64, limit: Duration| now.saturating_sub(since) > limit.as_millis() as u64;
        if let_go > 0 && now >= let_go {
            Some(Reason::Lingering)
        } else if past(0, limits.total) {
            Some(Reason::Total)
        } else if heard == 0 {
            past(0, limits.first_byte).then_some(Reason::FirstByte)
        } else {
            past(heard, limits.idle).then_some(Reason::Idle)
        }
    }
}

impl Deadlines {
    /// With the limits given.
    pub fn new(limits: Limits) -> Deadlines {
        let inner = Inner { limits, calls: Mutex::default(), added: Condvar::new() };
        Deadlines(Arc::new(inner))
    }

    /// Begins to watch a call.
    pub fn watch(&self, stop: &Stop) -> Watch {
        let call = Arc::new(Call {
            stop: stop.clone(),
            began: Instant::now(),
            heard: AtomicU64::new(0),
            let_go: AtomicU64::new(0),
        });
        let mut calls = self.lock();
        calls.running.push(Arc::downgrade(&call));
        if !calls.has_thread {
            let watcher = self.clone();
            let thread = std::thread::Builder::new().name("deadlines".into()).spawn(move || watcher.sweep());
            calls.has_thread = thread.is_ok();
        }
        // The thread waits for the first, and for no other.
        if calls.running.len() == 1 {
            self.0.added.notify_one();
        }
        Watch(call)
    }

    fn sweep(&self) {
        loop {
            let mut calls = self.lock();
            while calls.running.is_empty() {
                calls = self.0.added.wait(calls).unwrap_or_else(PoisonError::into_inner);
            }
            calls.running.retain(|call| {
                let Some(call) = call.upgrade() else {
                    return false;
                };
                match call.overdue(&self.0.limits) {
                    Some(reason) => call.stop.stop(reason),
                    None => return true,
                }
                false
            });
            drop(calls);
            std::thread::sleep(SWEEP);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Calls> {
        self.0.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
