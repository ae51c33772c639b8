//! One thread writes. Jobs are closures, and whatever waits when a transaction opens shares its fsync (group
//! commit). A reply goes out after COMMIT only. A job that fails or panics undoes itself and nothing else.

use super::storage_fault;
use crate::error::{Error, Result};
use crate::metrics::Histogram;
use rusqlite::Connection;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{Builder, JoinHandle};
use std::time::Instant;

/// Jobs that share one transaction at most: beyond it nothing is gained and the last waits too long.
const BATCH: usize = 256;

/// Does the work, says whether to keep it, and gives what tells the caller once its fate is known.
type Job = Box<dyn FnOnce(&Connection) -> (bool, Reply) + Send>;
/// Given the fault when the whole transaction came to nothing.
type Reply = Box<dyn FnOnce(Option<&str>) + Send>;

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
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

/// A write that is under way.
pub struct Pending<T>(Receiver<Result<T>>);

impl<T> Pending<T> {
    /// Blocks until it is durable, or has failed and left nothing behind.
    pub fn wait(self) -> Result<T> {
        // A closed channel: the transaction could not even begin, or the writer is gone.
        self.0.recv().unwrap_or_else(|_| Err(Error::Storage("the writer did not take the job".into())))
    }
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

    /// Returns at once; what `work` wrote is durable when the pending write has been waited for.
    pub fn submit<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Pending<T> {
        let (sender, receiver) = sync_channel(1);
        let job: Job = Box::new(move |connection| {
            let result = catch_unwind(AssertUnwindSafe(|| work(connection)))
                .unwrap_or_else(|_| Err(Error::internal("a write panicked")));
            (result.is_ok(), Box::new(move |fault| reply(&sender, result, fault)))
        });
        if let Some(jobs) = &self.jobs {
            // A failed send drops the job, and with it the channel that `wait` looks at.
            self.writes.waiting.fetch_add(1, Relaxed);
            if jobs.send(job).is_err() {
                self.writes.waiting.fetch_sub(1, Relaxed);
            }
        }
        Pending(receiver)
    }

    /// Submits and waits.
    pub fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.submit(work).wait()
    }
}

impl Drop for Writer {
    /// What is queued is still written.
    fn drop(&mut self) {
        drop(self.jobs.take());
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn reply<T>(sender: &SyncSender<Result<T>>, result: Result<T>, fault: Option<&str>) {
    let _ = sender.send(match fault {
        Some(fault) => Err(Error::Storage(fault.to_owned())),
        None => result,
    });
}

fn serve(connection: &Connection, queue: &Receiver<Job>, writes: &Writes) {
    while let Ok(first) = queue.recv() {
        let mut replies = Vec::with_capacity(16);
        let began = Instant::now();
        let fate = transaction(connection, first, queue, &mut replies);
        if fate.is_err() && !connection.is_autocommit() {
            let _ = connection.execute_batch("ROLLBACK");
        }
        writes.commit_seconds.record(began.elapsed());
        let taken = i64::try_from(replies.len()).unwrap_or(i64::MAX);
        // A transaction that could not begin has dropped its first job, which waits no more.
        writes.waiting.fetch_sub(taken.max(1), Relaxed);
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

/// Each job but the first runs in its own savepoint; the first has nothing before it to protect.
fn transaction(
    connection: &Connection,
    first: Job,
    queue: &Receiver<Job>,
    replies: &mut Vec<Reply>,
) -> rusqlite::Result<()> {
    let exec = |sql| connection.prepare_cached(sql)?.execute([]).map(drop);
    exec("BEGIN IMMEDIATE")?;
    let mut next = Some(first);
    while let Some(job) = next {
        let alone = replies.is_empty();
        if !alone {
            exec("SAVEPOINT job")?;
        }
        let (keep, reply) = job(connection);
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
        next = if replies.len() < BATCH { queue.try_recv().ok() } else { None };
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
        let pending: Vec<_> = (0..600)
            .map(|x| match x % 3 {
                0 => writer.submit(insert(x)),
                1 => writer.submit(move |c| insert(x)(c).and_then(|()| insert(x)(c))),
                _ => writer.submit(move |c| {
                    insert(x)(c)?;
                    panic!("on purpose")
                }),
            })
            .collect();
        for (x, pending) in pending.into_iter().enumerate() {
            assert_eq!(pending.wait().is_ok(), x % 3 == 0, "{x}");
        }
        let kept: i64 = writer
            .run(|c| Ok(c.query_row("SELECT count(*) FROM t WHERE x % 3 = 0", [], |r| r.get(0))?))
            .unwrap();
        let all: i64 = writer.run(|c| Ok(c.query_row("SELECT count(*) FROM t", [], |r| r.get(0))?)).unwrap();
        assert_eq!((kept, all), (200, 200));
    }

    #[test]
    fn what_is_queued_is_written_before_the_end() {
        let (dir, writer) = writer();
        for x in 0..100 {
            drop(writer.submit(insert(x)));
        }
        drop(writer);
        #[expect(clippy::disallowed_methods, reason = "a bare database is what this test needs")]
        let c = Connection::open(dir.path().join("x.db")).unwrap();
        assert_eq!(c.query_row("SELECT count(*) FROM t", [], |r| r.get::<_, i64>(0)).unwrap(), 100);
    }
}
