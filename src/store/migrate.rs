//! Brings a database to the current schema, or refuses to touch it.

use super::OpenError;
use rusqlite::{Connection, TransactionBehavior};
use std::path::{Path, PathBuf};

/// Marks a file as ours ("GPTa" in ASCII), SQLite's `application_id`.
const APPLICATION: i32 = 0x4750_5461;

/// The current schema whole, and the steps that lead to it.
struct Plan {
    schema: &'static str,
    /// Step n makes version n. The first makes what `schema.sql` was at the first release.
    steps: &'static [&'static str],
}

const PLAN: Plan = Plan {
    schema: include_str!("../../schema.sql"),
    steps: &[include_str!("../../migrations/0001_begin.sql")],
};

/// Whether a database may be changed on opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Make or upgrade it.
    Allowed,
    /// Another process has it: it must be current already.
    Forbidden,
}

/// Makes, checks or upgrades the database at `path`, which `connection` has open.
pub fn migrate(connection: &mut Connection, path: &Path, change: Change) -> Result<(), OpenError> {
    follow(&PLAN, connection, path, change)
}

/// Fails unless the database at `path` is empty, or ours and of a version that this program knows. Changes nothing.
pub fn recognise(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    version(&PLAN, connection, path).map(drop)
}

/// The schema of the database at `path` (`None`: it is empty) and the newest one that this program knows.
pub fn schemas(connection: &Connection, path: &Path) -> Result<(Option<usize>, usize), OpenError> {
    Ok((version(&PLAN, connection, path)?, PLAN.steps.len()))
}

/// Checks that this program can open the database, and changes nothing.
pub fn check(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    match version(&PLAN, connection, path)? {
        None => Err(OpenError::Damaged(format!("{} is empty", path.display()))),
        Some(_) => Ok(()),
    }
}

fn follow(plan: &Plan, connection: &mut Connection, path: &Path, change: Change) -> Result<(), OpenError> {
    match (version(plan, connection, path)?, change) {
        (None, Change::Allowed) => create(plan, connection),
        (None, Change::Forbidden) => Err(OpenError::Damaged(format!("{} is empty", path.display()))),
        (Some(version), _) if version == plan.steps.len() => Ok(()),
        (Some(version), Change::Allowed) => upgrade(plan, connection, path, version),
        (Some(_), Change::Forbidden) => {
            Err(OpenError::Damaged("start the server once to upgrade the database".into()))
        }
    }
}

/// The schema's number; `None` for a database with nothing in it. A foreign or newer one is refused.
fn version(plan: &Plan, connection: &Connection, path: &Path) -> Result<Option<usize>, OpenError> {
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    let (version, application) = (number("PRAGMA user_version")?, number("PRAGMA application_id")?);
    if version == 0 && number("SELECT count(*) FROM sqlite_schema")? == 0 {
        return Ok(None);
    }
    if application != i64::from(APPLICATION) {
        return Err(OpenError::Damaged(format!(
            "{} is not a database of gpt-assistant; nothing was changed",
            path.display()
        )));
    }
    let newest = plan.steps.len();
    match usize::try_from(version) {
        Ok(version) if version <= newest => Ok(Some(version)),
        _ => Err(OpenError::Damaged(format!(
            "{} was written by a newer gpt-assistant (schema {version}, this one knows {newest}); nothing was \
             changed. Start the newer version, or {}",
            path.display(),
            way_back(path, newest)
        ))),
    }
}

/// What a program can say that knows no more than schema `newest`.
fn way_back(path: &Path, newest: usize) -> String {
    let copy = copy_path(path, newest);
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if copy.is_file() {
        let (ours, copy) = (name(path), name(&copy));
        format!("go back to what it was: move {ours}* away, rename {copy} to {ours} and start")
    } else {
        "restore a backup from before the upgrade into an empty folder".to_owned()
    }
}

fn create(plan: &Plan, connection: &mut Connection) -> Result<(), OpenError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(plan.schema)?;
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", plan.steps.len())?;
    Ok(transaction.commit()?)
}

/// A copy first, then one transaction a step: killed at any point, the next start goes on where this ended. The copy is
/// made even where there is one: that may be of an earlier upgrade, from which somebody went back.
fn upgrade(plan: &Plan, connection: &mut Connection, path: &Path, from: usize) -> Result<(), OpenError> {
    let copy = copy_path(path, from);
    let draft = copy.with_extension("part");
    let _ = std::fs::remove_file(&draft);
    connection.execute("VACUUM INTO ?", [draft.to_string_lossy()])?;
    std::fs::File::open(&draft).and_then(|file| file.sync_all())?;
    std::fs::rename(&draft, &copy)?;
    tracing::info!(from, to = plan.steps.len(), copy = %copy.display(), "upgrading the database");
    for (step, version) in plan.steps.iter().zip(1..).filter(|(_, version)| *version > from) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()?;
    }
    Ok(())
}

/// The copy made before upgrading from schema `version`.
fn copy_path(path: &Path, version: usize) -> PathBuf {
    path.with_extension(format!("before-upgrade-from-{version}.db"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory() -> Connection {
        Connection::open_in_memory().unwrap()
    }

    /// What makes up a schema: tables with their columns as written, indexes; blanks and comments apart.
    fn shape(connection: &Connection) -> Vec<(String, String)> {
        let mut all =
            connection.prepare("SELECT name, coalesce(sql, '') FROM sqlite_schema ORDER BY name").unwrap();
        let rows = all.query_map([], |r| Ok((r.get(0)?, r.get::<_, String>(1)?))).unwrap();
        rows.map(|row| row.map(|(name, sql)| (name, plain(&sql))).unwrap()).collect()
    }

    fn plain(sql: &str) -> String {
        let lines = sql.lines().map(|line| line.split("--").next().unwrap_or_default());
        lines.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_steps_lead_to_the_schema() {
        let (fresh, stepped) = (memory(), memory());
        fresh.execute_batch(PLAN.schema).unwrap();
        for step in PLAN.steps {
            stepped.execute_batch(step).unwrap();
        }
        assert_eq!(shape(&fresh), shape(&stepped));
        assert!(shape(&fresh).len() > 20);
    }

    #[test]
    fn a_newer_or_foreign_database_is_refused_untouched() {
        for (application, version) in [(APPLICATION, 999), (0, 1), (7, 1)] {
            let mut c = memory();
            c.execute_batch("CREATE TABLE t(x)").unwrap();
            c.pragma_update(None, "application_id", application).unwrap();
            c.pragma_update(None, "user_version", version).unwrap();
            let before = shape(&c);
            let result = migrate(&mut c, Path::new("x.db"), Change::Allowed);
            assert!(matches!(result, Err(OpenError::Damaged(_))), "{application} {version}");
            assert_eq!(shape(&c), before);
        }
    }

    #[test]
    fn a_running_server_has_it_current() {
        let mut c = memory();
        assert!(migrate(&mut c, Path::new("x.db"), Change::Forbidden).is_err());
        migrate(&mut c, Path::new("x.db"), Change::Allowed).unwrap();
        migrate(&mut c, Path::new("x.db"), Change::Forbidden).unwrap();
    }

    const OLD: Plan = Plan { schema: "CREATE TABLE t(a)", steps: &["CREATE TABLE t(a)"] };
    const NEW: Plan = Plan {
        schema: "CREATE TABLE t(a); CREATE TABLE u(b)",
        steps: &["CREATE TABLE t(a)", "CREATE TABLE u(b); INSERT INTO u SELECT a + 1 FROM t"],
    };
    const BROKEN: Plan = Plan {
        schema: "",
        steps: &["CREATE TABLE t(a)", "CREATE TABLE u(b)", "DELETE FROM t; INSERT INTO nowhere VALUES(1)"],
    };

    fn old_database(path: &Path) -> Connection {
        #[expect(clippy::disallowed_methods, reason = "a bare database is what this test needs")]
        let mut c = Connection::open(path).unwrap();
        follow(&OLD, &mut c, path, Change::Allowed).unwrap();
        c.execute("INSERT INTO t VALUES(41)", []).unwrap();
        c
    }

    /// On a schema as it is released, what later ones may do: a column, a table filled from another, a column rewritten.
    const LATER: Plan = Plan {
        schema: "",
        steps: &[
            PLAN.schema,
            "ALTER TABLE users ADD COLUMN colour TEXT NOT NULL DEFAULT 'green';
             CREATE TABLE labels(user_id INTEGER PRIMARY KEY REFERENCES users(id), label TEXT NOT NULL) STRICT;
             INSERT INTO labels SELECT id, name || ' <' || email || '>' FROM users",
            "UPDATE users SET name = upper(name); CREATE INDEX labels_label ON labels(label)",
        ],
    };
    const NOW: Plan = Plan { schema: PLAN.schema, steps: &[PLAN.schema] };
    const PEOPLE: i64 = 100;

    fn open(path: &Path) -> Connection {
        #[expect(clippy::disallowed_methods, reason = "a bare database is what this test needs")]
        let c = Connection::open(path).unwrap();
        c.pragma_update(None, "journal_mode", "WAL").unwrap();
        c.pragma_update(None, "synchronous", "FULL").unwrap();
        c
    }

    fn is_whole(c: &Connection) {
        assert_eq!(c.query_row("PRAGMA integrity_check", [], |r| r.get::<_, String>(0)).unwrap(), "ok");
        assert_eq!(number(c, "SELECT count(*) FROM users"), PEOPLE);
    }

    /// Kills the upgrade at each of its writes in turn, by running this very test again under strace.
    #[test]
    fn s9_an_upgrade_killed_at_any_write_goes_on_at_the_next_start() {
        const MOST_WRITES: usize = 400;
        if let Some(path) = std::env::var_os("UPGRADE_AND_DIE").map(PathBuf::from) {
            return follow(&LATER, &mut open(&path), &path, Change::Allowed).unwrap();
        }
        let dir = tempfile::tempdir().unwrap();
        let (before, path) = (dir.path().join("before.db"), dir.path().join("x.db"));
        let mut c = open(&before);
        follow(&NOW, &mut c, &before, Change::Allowed).unwrap();
        let people = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
            INSERT INTO users(email, name, password, role, created_at)
            SELECT 'p' || i || '@example.org', 'person ' || i, hex(zeroblob(100)), 'user', i FROM n";
        c.execute(people, [PEOPLE]).unwrap();
        drop(c);
        let mut seen = [0; 4];
        for n in (1..MOST_WRITES).step_by(3) {
            for old in std::fs::read_dir(dir.path()).unwrap().flatten().filter(|f| f.path() != before) {
                std::fs::remove_file(old.path()).unwrap();
            }
            std::fs::copy(&before, &path).unwrap();
            let kill =
                format!("inject=pwrite64,fsync,fdatasync,ftruncate,rename,unlink:signal=KILL:when={n}");
            let ended = std::process::Command::new("strace")
                .args(["-f", "-qq", "-o", "/dev/null"])
                .args(["-e", &kill])
                .arg(std::env::current_exe().unwrap())
                .args([
                    "--exact",
                    "store::migrate::tests::s9_an_upgrade_killed_at_any_write_goes_on_at_the_next_start",
                ])
                .env("UPGRADE_AND_DIE", &path)
                .stdout(std::process::Stdio::null())
                .status()
                .unwrap();
            let mut c = open(&path);
            is_whole(&c);
            seen[usize::try_from(number(&c, "PRAGMA user_version")).unwrap()] += 1;
            follow(&LATER, &mut c, &path, Change::Allowed).unwrap();
            is_whole(&c);
            assert_eq!(
                number(
                    &c,
                    "SELECT count(*) FROM labels WHERE label = 'person ' || user_id || ' <p' || user_id || '@example.org>'"
                ),
                PEOPLE,
                "{n}"
            );
            assert_eq!(
                number(&c, "SELECT count(*) FROM users WHERE name = 'PERSON ' || id AND colour = 'green'"),
                PEOPLE,
                "{n}"
            );
            is_whole(&open(&copy_path(&path, 1)));
            if ended.success() {
                assert!(seen[1] > 5 && seen[2] > 0 && seen[3] > 0, "killed in each step: {seen:?}");
                return;
            }
        }
        panic!("it was still not through: {seen:?}");
    }

    fn number(c: &Connection, sql: &str) -> i64 {
        c.query_row(sql, [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn s9_an_upgrade_keeps_the_data_and_a_copy() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.db");
        let mut c = old_database(&path);
        follow(&NEW, &mut c, &path, Change::Allowed).unwrap();
        assert_eq!((number(&c, "SELECT b FROM u"), number(&c, "PRAGMA user_version")), (42, 2));
        #[expect(clippy::disallowed_methods, reason = "a bare database is what this test needs")]
        let copy = Connection::open(copy_path(&path, 1)).unwrap();
        assert_eq!((number(&copy, "SELECT a FROM t"), number(&copy, "PRAGMA user_version")), (41, 1));
        assert!(follow(&OLD, &mut c, &path, Change::Allowed).is_err(), "the older program refuses it");
    }

    #[test]
    fn s9_a_step_that_fails_leaves_what_was_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.db");
        let mut c = old_database(&path);
        assert!(follow(&BROKEN, &mut c, &path, Change::Allowed).is_err());
        assert_eq!((number(&c, "SELECT a FROM t"), number(&c, "PRAGMA user_version")), (41, 2));
        assert_eq!(number(&c, "SELECT count(*) FROM u"), 0);
    }
}
