//! Lets a few in at a time, and few wait: for work that takes a core or much memory.

use crate::error::{Error, Result};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// A gate with so many places inside, and so many in the queue.
pub struct Gate {
    places: usize,
    queue: usize,
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Default)]
struct State {
    inside: usize,
    waiting: usize,
}

/// A place inside. Dropping it frees it.
pub struct Pass<'a>(&'a Gate);

impl Gate {
    /// `places` inside at a time, `queue` waiting.
    pub fn new(places: usize, queue: usize) -> Gate {
        Gate { places, queue, state: Mutex::default(), freed: Condvar::new() }
    }

    /// Waits for a place; fails with `Overloaded` when the queue is full.
    pub fn enter(&self) -> Result<Pass<'_>> {
        let mut state = self.lock();
        if state.inside >= self.places {
            if state.waiting >= self.queue {
                return Err(Error::Overloaded);
            }
            state.waiting += 1;
            while state.inside >= self.places {
                state = self.freed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            state.waiting -= 1;
        }
        state.inside += 1;
        Ok(Pass(self))
    }

    /// True when nobody is inside.
    pub fn is_empty(&self) -> bool {
        self.lock().inside == 0
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.0.lock().inside -= 1;
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    #[test]
    fn no_more_inside_than_places_and_no_more_waiting_than_the_queue() {
        let gate = Gate::new(2, 3);
        let held: Vec<_> = (0..2).map(|_| gate.enter().unwrap()).collect();
        let (inside, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let _pass = gate.enter().unwrap();
                    most.fetch_max(inside.fetch_add(1, SeqCst) + 1, SeqCst);
                    std::thread::yield_now();
                    inside.fetch_sub(1, SeqCst);
                });
            }
            while gate.lock().waiting < 3 {
                std::thread::yield_now();
            }
            assert!(matches!(gate.enter(), Err(Error::Overloaded)));
            drop(held);
        });
        assert!(most.load(SeqCst) <= 2);
        assert!(gate.enter().is_ok());
    }
}
