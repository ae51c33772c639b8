//! One thread writes. Jobs are closures, and whatever waits when a transaction opens shares its fsync (group
//! commit). A reply goes out after COMMIT only. A job that fails or panics undoes itself and nothing else. Jobs are
//! done in the order in which they came.
//!
//! Jobs share a transaction without savepoints: at each one SQLite would write the words of the search index to its
//! tables, and copy each page before it changes. (It takes one of its own for a statement that returns rows of what it
//! changed, so what is written often does without RETURNING.) Only when a job fails after it has written something is all undone,
//! and done once more with a savepoint for each. So a job may be done twice, and changes nothing but the database.

use super::storage_fault;
use crate::error::{Error, Result};
use crate::metrics::Histogram;
use rusqlite::Connection;
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

/// One piece of work, and who hears of it.
type Job = Box<dyn FnMut(Step<'_>) -> bool + Send>;

/// What is asked of a job.
enum Step<'a> {
    /// To do its work, and to say whether it is to be kept. Asked again after everything was undone.
    Do(&'a Connection),
    /// To tell the caller how the last time went, or the fault for which nothing of it was kept. Asked once.
    Tell(Option<&'a str>),
}

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
    /// behind. Both run on the writing thread, which everybody waits for: `work` maybe twice, and `then` shall wake
    /// somebody and no more.
    ///
    /// The queue has no limit of its own, because whoever submits has one: a running answer its two jobs, and of these
    /// there are `upstream.max_concurrent`; an import its 64 conversations, of four imports; whoever waits in `run` is a
    /// thread, of which there are so many. What nobody waits for goes through `offer`. A job that was taken is thus never
    /// refused, and no answer is lost because the queue is long.
    pub fn submit<T: Send + 'static>(
        &self,
        haste: Haste,
        mut work: impl FnMut(&Connection) -> Result<T> + Send + 'static,
        then: impl FnOnce(Result<T>) + Send + 'static,
    ) {
        let (mut result, mut then) = (None, Some(then));
        let job: Job = Box::new(move |step| match step {
            Step::Do(connection) => {
                let done = catch_unwind(AssertUnwindSafe(|| work(connection)));
                result = Some(done.unwrap_or_else(|_| Err(Error::internal("a write panicked"))));
                matches!(result, Some(Ok(_)))
            }
            Step::Tell(fault) => {
                let result = match (fault, result.take()) {
                    (None, Some(result)) => result,
                    (fault, _) => {
                        Err(Error::Storage(fault.unwrap_or("the writer did not take the job").to_owned()))
                    }
                };
                then.take().is_some_and(|then| {
                    then(result);
                    true
                })
            }
        });
        self.writes.waiting.fetch_add(1, Relaxed);
        let refused = match &self.jobs {
            Some(jobs) => jobs.send((haste, job)).err().map(|error| error.0.1),
            None => Some(job),
        };
        if let Some(mut job) = refused {
            self.writes.waiting.fetch_sub(1, Relaxed);
            job(Step::Tell(None));
        }
    }

    /// The same for what may as well be left undone, and is while others wait.
    pub fn offer(&self, work: impl FnMut(&Connection) -> Result<()> + Send + 'static) {
        if self.writes.waiting.load(Relaxed) < MANY {
            self.submit(Haste::WithNext, work, drop);
        }
    }

    /// Submits and waits.
    pub fn run<T: Send + 'static>(
        &self,
        work: impl FnMut(&Connection) -> Result<T> + Send + 'static,
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
    while let Some(mut jobs) = gather(queue) {
        let began = Instant::now();
        let fate = together(connection, &mut jobs, queue).and_then(|kept| match kept {
            true => Ok(()),
            false => one_by_one(connection, &mut jobs),
        });
        if fate.is_err() && !connection.is_autocommit() {
            let _ = connection.execute_batch("ROLLBACK");
        }
        writes.commit_seconds.record(began.elapsed());
        writes.waiting.fetch_sub(i64::try_from(jobs.len()).unwrap_or(i64::MAX), Relaxed);
        let fault = fate.err().map(|error| error.to_string());
        if let Some(fault) = &fault {
            writes.failed.fetch_add(1, Relaxed);
            tracing::error!(fault, jobs = jobs.len(), "a transaction failed");
        }
        for mut job in jobs {
            job(Step::Tell(fault.as_deref()));
        }
    }
}

/// Waits for something to write; `None` when there will be no more.
fn gather(queue: &Receiver<(Haste, Job)>) -> Option<Vec<Job>> {
    let (mut haste, first) = queue.recv().ok()?;
    let mut jobs = vec![first];
    let until = Instant::now() + COMPANY;
    while haste == Haste::WithNext && jobs.len() < BATCH {
        let Ok((next, job)) = queue.recv_timeout(until.saturating_duration_since(Instant::now())) else {
            break;
        };
        haste = next;
        jobs.push(job);
    }
    Some(jobs)
}

fn execute(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(drop)
}

/// Does `jobs` and what comes meanwhile, which it adds to them. `false`: one has failed halfway, and all are undone.
fn together(
    connection: &Connection,
    jobs: &mut Vec<Job>,
    queue: &Receiver<(Haste, Job)>,
) -> rusqlite::Result<bool> {
    if let Err(error) = execute(connection, "BEGIN IMMEDIATE") {
        // Whoever came meanwhile would wait as long again, one behind the other.
        jobs.extend(queue.try_iter().take(BATCH).map(|(_, job)| job));
        return Err(error);
    }
    let mut done = 0;
    while done < jobs.len() {
        let before = connection.total_changes();
        let keep = jobs[done](Step::Do(connection));
        still_in_transaction(connection)?;
        done += 1;
        if !keep && connection.total_changes() != before {
            execute(connection, "ROLLBACK")?;
            return Ok(false);
        }
        if done == jobs.len() && done < BATCH {
            jobs.extend(queue.try_recv().ok().map(|(_, job)| job));
        }
    }
    execute(connection, "COMMIT").map(|()| true)
}

/// Does `jobs` so that each can be undone alone.
fn one_by_one(connection: &Connection, jobs: &mut [Job]) -> rusqlite::Result<()> {
    execute(connection, "BEGIN IMMEDIATE")?;
    for job in jobs {
        execute(connection, "SAVEPOINT job")?;
        let keep = job(Step::Do(connection));
        still_in_transaction(connection)?;
        if !keep {
            execute(connection, "ROLLBACK TO job")?;
        }
        execute(connection, "RELEASE job")?;
    }
    execute(connection, "COMMIT")
}

/// After a full disk or an I/O fault SQLite has rolled back everything, the neighbours too.
fn still_in_transaction(connection: &Connection) -> rusqlite::Result<()> {
    if connection.is_autocommit() { Err(storage_fault()) } else { Ok(()) }
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

    fn insert(x: i64) -> impl FnMut(&Connection) -> Result<()> + Send + 'static {
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

    /// Writes after which a job fails, each of a kind that SQLite might not count as a change.
    const WRITES: [&str; 6] = [
        "INSERT INTO words(rowid, text) VALUES(1000, 'x')",
        "DELETE FROM words WHERE rowid = 1",
        "DELETE FROM t",
        "DELETE FROM above WHERE x = 1",
        "INSERT INTO t VALUES(1000) RETURNING x",
        "UPDATE t SET x = 1000 WHERE x = 2 RETURNING x",
    ];

    #[test]
    fn nothing_that_a_failing_job_wrote_is_kept_by_its_neighbours() {
        let (_dir, writer) = writer();
        let set_up = |c: &Connection| {
            let sql = "CREATE VIRTUAL TABLE words USING fts5(text, content='', contentless_delete=1); \
                 CREATE TABLE above(x INTEGER PRIMARY KEY) STRICT; INSERT INTO above VALUES(1); \
                 CREATE TABLE below(x INTEGER REFERENCES above ON DELETE CASCADE) STRICT; INSERT INTO below VALUES(1)";
            Ok(c.execute_batch(sql)?)
        };
        writer.submit(Haste::Now, set_up, |result| result.unwrap());
        let add = |x: i64| {
            let work = move |c: &Connection| {
                insert(x)(c)?;
                c.execute("INSERT INTO words(rowid, text) VALUES(?1, 'word w' || ?1)", [x])?;
                Ok(())
            };
            writer.submit(Haste::Now, work, |result| result.unwrap());
        };
        (1..=20).for_each(add);
        for (i, sql) in WRITES.into_iter().enumerate() {
            let go = hold_up(&writer);
            (0..10).for_each(|j| add(100 + 10 * i as i64 + j));
            let fails = move |c: &Connection| {
                let mut statement = c.prepare_cached(sql)?;
                statement.query([])?.next()?;
                Err::<(), _>(Error::NotFound)
            };
            writer.submit(Haste::Now, fails, |result| assert!(matches!(result, Err(Error::NotFound))));
            drop(go);
            // Each kind in a transaction of its own: the first that fails decides for all.
            writer.run(|_| Ok(())).unwrap();
        }
        let found = writer.run(|c| {
            c.execute("INSERT INTO words(words) VALUES('integrity-check')", [])?;
            let sql = "SELECT (SELECT count(*) FROM t WHERE x < 1000), (SELECT max(x) FROM t), (SELECT count(*) FROM below), \
                 (SELECT count(*) FROM words WHERE words MATCH 'word'), (SELECT count(*) FROM words WHERE words MATCH 'w159')";
            let row = c.query_row(sql, [], |r| (0..5).map(|i| r.get(i)).collect::<rusqlite::Result<Vec<i64>>>());
            Ok(row?)
        });
        assert_eq!(found.unwrap(), [80, 159, 1, 80, 1]);
    }

    /// Keeps the writer in a transaction until what is given back is dropped.
    fn hold_up(writer: &Writer) -> Sender<()> {
        let (go, gone) = channel();
        let held = move |_: &Connection| {
            gone.recv().unwrap_or_default();
            Ok(())
        };
        writer.submit(Haste::Now, held, drop);
        go
    }

    /// How often a job is done that shares a transaction with one that fails, after it has written or before.
    fn times_done(writer: &Writer, x: i64, halfway: bool) -> u64 {
        let times = Arc::new(AtomicU64::new(0));
        let go = hold_up(writer);
        let (mut work, count) = (insert(x), times.clone());
        let counted = move |c: &Connection| {
            count.fetch_add(1, Relaxed);
            work(c)
        };
        writer.submit(Haste::Now, counted, |result| assert!(result.is_ok()));
        let fails = move |c: &Connection| {
            if halfway {
                insert(x + 1)(c)?;
            }
            Err::<(), _>(Error::NotFound)
        };
        writer.submit(Haste::Now, fails, |result| assert!(result.is_err()));
        drop(go);
        writer.run(|_| Ok(())).unwrap();
        times.load(Relaxed)
    }

    #[test]
    fn only_what_fails_halfway_has_its_neighbours_done_again() {
        let (_dir, writer) = writer();
        assert_eq!((times_done(&writer, 10, false), times_done(&writer, 20, true)), (1, 2));
        let all =
            writer.run(|c| Ok(c.query_row("SELECT group_concat(x) FROM t", [], |r| r.get::<_, String>(0))?));
        assert_eq!(all.unwrap(), "10,20");
    }

    /// Whether a job that nobody waits for is written together with one that comes a moment later.
    fn shares(writer: &Writer, x: i64) -> bool {
        let told = Arc::new(AtomicU64::new(0));
        let tell = told.clone();
        writer
            .submit(Haste::WithNext, insert(x), move |result| tell.store(u64::from(result.is_ok()), Relaxed));
        std::thread::sleep(COMPANY / 10);
        writer.run(move |_| Ok(told.load(Relaxed) == 0)).unwrap()
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
