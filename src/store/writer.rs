//! One thread writes. Jobs are closures, and whatever waits when a transaction opens shares its fsync (group
//! commit). A reply goes out after COMMIT only. A job that fails or panics undoes itself and nothing else. Jobs are
//! done in the order in which they came.

use super::storage_fault;
use crate::error::{Error, Result};
use crate::metrics::Histogram;
use rusqlite::Connection;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

/// Jobs that share one transaction at most: beyond it nothing is gained and the last waits too long.
const BATCH: usize = 256;
/// How long a job that nobody waits for waits for one that somebody does, to share its transaction.
const COMPANY: Duration = Duration::from_millis(10);

/// Jobs that wait or are under way, beyond which nothing is added that can be left out.
const MANY: i64 = 64;

/// Does the work, says whether to keep it, and gives what tells the caller once its fate is known. Without a
/// connection there is no transaction, and the work has failed.
type Job = Box<dyn FnOnce(Option<&Connection>) -> (bool, Reply) + Send>;
/// Given the fault when the whole transaction came to nothing.
type Reply = Box<dyn FnOnce(Option<&str>)>;

/// When a job is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Haste {
    /// At once.
    Now,
    /// With the next that is written at once, within some milliseconds: for what nobody waits for.
    WithNext,
}

/// How writing goes.
#[derive(Default)]
pub struct Writes {
    /// Jobs that wait or are under way.
    pub waiting: AtomicI64,
    /// From the beginning of a transaction until it was durable.
    pub commit_seconds: Histogram,
    /// Transactions that came to nothing.
    pub failed: AtomicU64,
}

/// Hands work to the writing thread.
pub struct Writer {
    /// How it goes.
    pub writes: Arc<Writes>,
    jobs: Option<Sender<(Haste, Job)>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Takes over `connection`.
    pub fn start(connection: Connection) -> std::io::Result<Writer> {
        let (jobs, queue) = channel();
        let writes = Arc::new(Writes::default());
        let told = writes.clone();
        let thread = Builder::new().name("writer".into()).spawn(move || {
            // A writer that dies must end the process: a server that answers 503 for ever helps nobody.
            if catch_unwind(AssertUnwindSafe(|| serve(&connection, &queue, &told))).is_err() {
                std::process::abort();
            }
        })?;
        Ok(Writer { writes, jobs: Some(jobs), thread: Some(thread) })
    }

    /// Returns at once. `then` hears the result once what `work` wrote is durable, or has failed and left nothing
    /// behind. It runs on the writing thread, which everybody waits for: it shall wake somebody and no more.
    ///
    /// The queue has no limit of its own, because whoever submits has one: a running answer its two jobs, and of these
    /// there are `upstream.max_concurrent`; an import its 64 conversations, of four imports; whoever waits in `run` is a
    /// thread, of which there are so many. What nobody waits for goes through `offer`. A job that was taken is thus never
    /// refused, and no answer is lost because the queue is long.
    pub fn submit<T: 'static>(
        &self,
        haste: Haste,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
        then: impl FnOnce(Result<T>) + Send + 'static,
    ) {
        let job: Job = Box::new(move |connection| {
            let result = match connection {
                None => Err(Error::Storage("the writer did not take the job".into())),
                Some(connection) => catch_unwind(AssertUnwindSafe(|| work(connection)))
                    .unwrap_or_else(|_| Err(Error::internal("a write panicked"))),
            };
            let keep = result.is_ok();
            let tell = move |fault: Option<&str>| match fault {
                Some(fault) => then(Err(Error::Storage(fault.to_owned()))),
                None => then(result),
            };
            (keep, Box::new(tell))
        });
        self.writes.waiting.fetch_add(1, Relaxed);
        let refused = match &self.jobs {
            Some(jobs) => jobs.send((haste, job)).err().map(|error| error.0.1),
            None => Some(job),
        };
        if let Some(job) = refused {
            self.writes.waiting.fetch_sub(1, Relaxed);
            job(None).1(None);
        }
    }

    /// The same for what may as well be left undone, and is while others wait.
    pub fn offer(&self, work: impl FnOnce(&Connection) -> Result<()> + Send + 'static) {
        if self.writes.waiting.load(Relaxed) < MANY {
            self.submit(Haste::WithNext, work, drop);
        }
    }

    /// Submits and waits.
    pub fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (tell, told) = sync_channel(1);
        self.submit(Haste::Now, work, move |result| drop(tell.send(result)));
        told.recv().unwrap_or_else(|_| Err(Error::Storage("the writer is gone".into())))
    }
}

impl Drop for Writer {
    /// What is queued is still written.
    fn drop(&mut self) {
        drop(self.jobs.take());
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn serve(connection: &Connection, queue: &Receiver<(Haste, Job)>, writes: &Writes) {
    let mut first = VecDeque::new();
    while gather(queue, &mut first) {
        let mut replies = Vec::with_capacity(16);
        let began = Instant::now();
        let fate = transaction(connection, &mut first, queue, &mut replies);
        if fate.is_err() && !connection.is_autocommit() {
            let _ = connection.execute_batch("ROLLBACK");
        }
        writes.commit_seconds.record(began.elapsed());
        let taken = i64::try_from(replies.len()).unwrap_or(i64::MAX);
        writes.waiting.fetch_sub(taken, Relaxed);
        let fault = fate.err().map(|error| error.to_string());
        if let Some(fault) = &fault {
            writes.failed.fetch_add(1, Relaxed);
            tracing::error!(fault, jobs = replies.len(), "a transaction failed");
        }
        for reply in replies {
            reply(fault.as_deref());
        }
    }
}

/// Waits for something to write; `false` when there will be no more.
fn gather(queue: &Receiver<(Haste, Job)>, jobs: &mut VecDeque<Job>) -> bool {
    if !jobs.is_empty() {
        return true;
    }
    let Ok((mut haste, job)) = queue.recv() else { return false };
    jobs.push_back(job);
    let until = Instant::now() + COMPANY;
    while haste == Haste::WithNext && jobs.len() < BATCH {
        match queue.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok((next, job)) => {
                haste = next;
                jobs.push_back(job);
            }
            Err(_) => break,
        }
    }
    true
}

/// Does the jobs of `first` and what else waits; what it leaves there is for the next one. Each job but the first runs in
/// its own savepoint; the first has nothing before it to protect.
fn transaction(
    connection: &Connection,
    first: &mut VecDeque<Job>,
    queue: &Receiver<(Haste, Job)>,
    replies: &mut Vec<Reply>,
) -> rusqlite::Result<()> {
    let exec = |sql| connection.prepare_cached(sql)?.execute([]).map(drop);
    if let Err(error) = exec("BEGIN IMMEDIATE") {
        // Whoever came meanwhile would wait as long again, one behind the other.
        let meanwhile = queue.try_iter().take(BATCH).map(|(_, job)| job);
        replies.extend(first.drain(..).chain(meanwhile).map(|job| job(None).1));
        return Err(error);
    }
    let mut waiting = || first.pop_front().or_else(|| queue.try_recv().ok().map(|(_, job)| job));
    let mut next = waiting();
    while let Some(job) = next {
        let alone = replies.is_empty();
        if !alone {
            exec("SAVEPOINT job")?;
        }
        let (keep, reply) = job(Some(connection));
        replies.push(reply);
        // After a full disk or an I/O fault SQLite has rolled back everything, the neighbours too.
        if connection.is_autocommit() {
            return Err(storage_fault());
        }
        match (keep, alone) {
            (true, true) => {}
            (true, false) => exec("RELEASE job")?,
            (false, true) => {
                exec("ROLLBACK")?;
                exec("BEGIN IMMEDIATE")?;
            }
            (false, false) => {
                exec("ROLLBACK TO job")?;
                exec("RELEASE job")?;
            }
        }
        next = if replies.len() < BATCH { waiting() } else { None };
    }
    exec("COMMIT")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn writer() -> (tempfile::TempDir, Writer) {
        let dir = tempfile::tempdir().unwrap();
        #[expect(clippy::disallowed_methods, reason = "a bare database is what this test needs")]
        let connection = Connection::open(dir.path().join("x.db")).unwrap();
        connection.execute_batch("CREATE TABLE t(x INTEGER PRIMARY KEY) STRICT").unwrap();
        (dir, Writer::start(connection).unwrap())
    }

    fn insert(x: i64) -> impl FnOnce(&Connection) -> Result<()> + Send + 'static {
        move |c| Ok(c.execute("INSERT INTO t VALUES(?)", [x]).map(drop)?)
    }

    #[test]
    fn a_failing_job_undoes_itself_alone() {
        let (_dir, writer) = writer();
        let (tell, told) = channel();
        for x in 0..600 {
            let tell = tell.clone();
            let work = move |c: &Connection| {
                insert(x)(c)?;
                match x % 3 {
                    0 => Ok(()),
                    1 => insert(x)(c),
                    _ => panic!("on purpose"),
                }
            };
            let haste = if x % 2 == 0 { Haste::Now } else { Haste::WithNext };
            writer.submit(haste, work, move |result| tell.send((x, result.is_ok())).unwrap());
        }
        drop(tell);
        let told: Vec<(i64, bool)> = told.into_iter().collect();
        assert_eq!(told, (0..600).map(|x| (x, x % 3 == 0)).collect::<Vec<_>>());
        let kept: i64 = writer
            .run(|c| Ok(c.query_row("SELECT count(*) FROM t WHERE x % 3 = 0", [], |r| r.get(0))?))
            .unwrap();
        let all: i64 = writer.run(|c| Ok(c.query_row("SELECT count(*) FROM t", [], |r| r.get(0))?)).unwrap();
        assert_eq!((kept, all), (200, 200));
    }

    /// Whether a job that nobody waits for is written together with one that comes a moment later.
    fn shares(writer: &Writer, x: i64) -> bool {
        let (told, seen) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let (tell, look) = (told.clone(), told);
        writer
            .submit(Haste::WithNext, insert(x), move |result| tell.store(u64::from(result.is_ok()), Relaxed));
        std::thread::sleep(COMPANY / 10);
        let note = seen.clone();
        writer
            .run(move |_| {
                note.store(look.load(Relaxed), Relaxed);
                Ok(())
            })
            .unwrap();
        seen.load(Relaxed) == 0
    }

    #[test]
    fn what_nobody_waits_for_waits_for_company_but_not_for_ever() {
        let (_dir, writer) = writer();
        // A busy machine may be late for company once, not each time.
        assert!((1..100).any(|x| shares(&writer, x)));
        let (tell, told) = channel();
        writer.submit(Haste::WithNext, insert(0), move |result| tell.send(result.is_ok()).unwrap());
        assert_eq!(told.recv(), Ok(true), "nothing else came");
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a bare database is what this test needs")]
    fn who_waits_for_a_lock_in_vain_waits_once() {
        let dir = tempfile::tempdir().unwrap();
        let open = || Connection::open(dir.path().join("x.db")).unwrap();
        let (own, other) = (open(), open());
        own.busy_timeout(std::time::Duration::from_millis(20)).unwrap();
        own.execute_batch("CREATE TABLE t(x INTEGER PRIMARY KEY) STRICT").unwrap();
        let writer = Writer::start(own).unwrap();
        let ((at, reached), (go_on, gate)) = (channel(), channel::<()>());
        // Behind its transaction, so that the lock is free to take.
        writer.submit(Haste::Now, insert(0), move |_| {
            at.send(()).unwrap();
            gate.recv().unwrap();
        });
        reached.recv().unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let (tell, told) = channel();
        for x in 1..=100 {
            let tell = tell.clone();
            writer.submit(Haste::Now, insert(x), move |result| tell.send(result.is_ok()).unwrap());
        }
        drop(tell);
        go_on.send(()).unwrap();
        assert_eq!(told.into_iter().filter(|ok| !ok).count(), 100);
        assert_eq!(writer.writes.failed.load(Relaxed), 1);
        other.execute_batch("ROLLBACK").unwrap();
        writer.run(insert(1)).unwrap();
        assert_eq!(writer.writes.waiting.load(Relaxed), 0);
    }

    #[test]
    fn what_can_be_left_out_does_not_fill_the_queue() {
        let (_dir, writer) = writer();
        let (open, gate) = channel::<()>();
        writer.submit(Haste::Now, move |_| gate.recv().map_err(Error::internal), drop);
        (0..10_000).for_each(|x| writer.offer(insert(x)));
        assert_eq!(writer.writes.waiting.load(Relaxed), MANY);
        // What somebody waits for is taken all the same.
        writer.submit(Haste::Now, insert(10_000), drop);
        assert_eq!(writer.writes.waiting.load(Relaxed), MANY + 1);
        open.send(()).unwrap();
        let kept = |c: &Connection| {
            Ok(c.query_row("SELECT count(*), max(x) FROM t", [], |r| Ok((r.get(0)?, r.get(1)?)))?)
        };
        assert_eq!(writer.run(kept).unwrap(), (MANY, 10_000));
    }

    #[test]
    fn what_is_queued_is_written_before_the_end() {
        let (dir, writer) = writer();
        for x in 0..100 {
            writer.submit(Haste::WithNext, insert(x), drop);
        }
        drop(writer);
        #[expect(clippy::disallowed_methods, reason = "a bare database is what this test needs")]
        let c = Connection::open(dir.path().join("x.db")).unwrap();
        assert_eq!(c.query_row("SELECT count(*) FROM t", [], |r| r.get::<_, i64>(0)).unwrap(), 100);
    }
}
