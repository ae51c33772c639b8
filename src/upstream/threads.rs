//! Threads for blocking upstream calls: as many as there are running answers, the warmest first.
//!
//! A new thread is started only for a job that would otherwise wait: none is idle, and either no job has ended
//! within the last `PATIENCE` (the threads hold long answers) or this job has waited that long. With an upstream that
//! answers at once a dozen threads then serve everybody, and a queue costs less than a wake-up.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;
use std::time::{Duration, Instant};

/// Threads that are started without hesitation.
const EAGER: usize = 8;
const PATIENCE: Duration = Duration::from_millis(5);
/// An idle thread ends after that.
const IDLE: Duration = Duration::from_secs(10);
/// A whole call over TLS needs 128 KiB in a debug build, and JSON nested to serde_json's limit another 256.
const STACK: usize = 512 << 10;

type Job = Box<dyn FnOnce() + Send>;

/// The pool. Clones are the same pool.
#[derive(Clone)]
pub struct Threads(Arc<Inner>);

struct Inner {
    cap: usize,
    state: Mutex<State>,
    waiting: Condvar,
}

struct State {
    /// A stack: the coldest thread, at the bottom, is the one that ages out.
    idle: Vec<Arc<Seat>>,
    queue: VecDeque<Job>,
    threads: usize,
    running: usize,
    /// Jobs ever taken off the queue: tells the watcher which of them have waited.
    taken: usize,
    ended: Instant,
    watched: bool,
}

/// Where an idle thread sits until it is handed a job.
#[derive(Default)]
struct Seat {
    job: Mutex<Option<Job>>,
    wake: Condvar,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Threads {
    /// `cap` is how many jobs may run or wait at once.
    pub fn new(cap: usize) -> Threads {
        let state = State {
            idle: Vec::new(),
            queue: VecDeque::new(),
            threads: 0,
            running: 0,
            taken: 0,
            ended: Instant::now(),
            watched: false,
        };
        Threads(Arc::new(Inner { cap, state: Mutex::new(state), waiting: Condvar::new() }))
    }

    /// Runs `job` soon. False: there are too many, or the system gives no thread at all; then it is dropped unrun.
    pub fn submit(&self, job: impl FnOnce() + Send + 'static) -> bool {
        let mut state = lock(&self.0.state);
        if state.running + state.queue.len() >= self.0.cap {
            return false;
        }
        if let Some(seat) = state.idle.pop() {
            state.running += 1;
            drop(state);
            *lock(&seat.job) = Some(Box::new(job));
            seat.wake.notify_one();
            return true;
        }
        state.queue.push_back(Box::new(job));
        if state.threads < EAGER || state.ended.elapsed() >= PATIENCE {
            self.grow(&mut state, 1);
        } else {
            self.watch(&mut state);
        }
        state.threads > 0 || state.queue.pop_back().is_none()
    }

    fn grow(&self, state: &mut State, wanted: usize) {
        let unserved = (state.running + state.queue.len()).saturating_sub(state.threads);
        for _ in 0..wanted.min(unserved) {
            let pool = self.clone();
            match Builder::new().name("upstream".into()).stack_size(STACK).spawn(move || pool.work()) {
                Ok(_) => state.threads += 1,
                // The queue is then served by the threads there are.
                Err(_) => return,
            }
        }
    }

    /// Has somebody look after the queue once `PATIENCE` is over.
    fn watch(&self, state: &mut State) {
        if std::mem::replace(&mut state.watched, true) {
            self.0.waiting.notify_one();
            return;
        }
        let pool = self.clone();
        if Builder::new().name("upstream-watch".into()).spawn(move || pool.watcher()).is_err() {
            state.watched = false;
            self.grow(state, 1);
        }
    }

    fn watcher(&self) {
        let mut state = lock(&self.0.state);
        loop {
            while state.queue.is_empty() {
                state = self.0.waiting.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            let last = state.taken + state.queue.len();
            drop(state);
            std::thread::sleep(PATIENCE);
            state = lock(&self.0.state);
            let waited = last.saturating_sub(state.taken);
            self.grow(&mut state, waited);
        }
    }

    fn work(&self) {
        let seat = Arc::new(Seat::default());
        let mut state = lock(&self.0.state);
        loop {
            let job = if let Some(job) = state.queue.pop_front() {
                state.taken += 1;
                state.running += 1;
                drop(state);
                job
            } else {
                state.idle.push(seat.clone());
                drop(state);
                let Some(job) = self.wait(&seat) else { return };
                job
            };
            // A panic was reported by the hook; whoever waits for this job sees its channel close.
            let _ = catch_unwind(AssertUnwindSafe(job));
            state = lock(&self.0.state);
            state.running -= 1;
            state.ended = Instant::now();
        }
    }

    /// `None`: idle for too long, and nobody has this thread in hand any more.
    fn wait(&self, seat: &Arc<Seat>) -> Option<Job> {
        let mut job = lock(&seat.job);
        loop {
            if let Some(job) = job.take() {
                return Some(job);
            }
            let (guard, time) = seat.wake.wait_timeout(job, IDLE).unwrap_or_else(PoisonError::into_inner);
            job = guard;
            if time.timed_out() && job.is_none() {
                // The order of locks is state, then seat.
                drop(job);
                let mut state = lock(&self.0.state);
                if let Some(i) = state.idle.iter().position(|other| Arc::ptr_eq(other, seat)) {
                    state.idle.remove(i);
                    state.threads -= 1;
                    return None;
                }
                // Taken off the stack a moment ago: its job is on the way.
                drop(state);
                job = lock(&seat.job);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    use std::sync::mpsc::channel;

    #[test]
    fn every_job_runs_even_beside_panics() {
        let threads = Threads::new(usize::MAX);
        let ran = Arc::new(AtomicUsize::new(0));
        let (done, all) = channel::<()>();
        for i in 0..2000 {
            let (ran, done) = (ran.clone(), done.clone());
            assert!(threads.submit(move || {
                ran.fetch_add(1, SeqCst);
                drop(done);
                assert!(i % 500 != 0, "on purpose");
            }));
        }
        drop(done);
        assert!(all.recv().is_err());
        assert_eq!(ran.load(SeqCst), 2000);
    }

    #[test]
    fn long_jobs_all_run_at_once_up_to_the_cap() {
        let threads = Threads::new(40);
        let (started, wait) = channel();
        let release = Arc::new((Mutex::new(false), Condvar::new()));
        let taken = (0..50)
            .filter(|_| {
                let (started, release) = (started.clone(), release.clone());
                threads.submit(move || {
                    started.send(()).unwrap();
                    let mut go = lock(&release.0);
                    while !*go {
                        go = release.1.wait(go).unwrap();
                    }
                })
            })
            .count();
        assert_eq!(taken, 40);
        for _ in 0..40 {
            wait.recv_timeout(Duration::from_secs(10)).unwrap();
        }
        *lock(&release.0) = true;
        release.1.notify_all();
    }
}
