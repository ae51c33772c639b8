//! What can be learnt of a database without changing it, beside a running server or without one.

use super::settings::{self, Setting};
use super::{BUSY, FILE, OpenError, migrate, open_error, users};
use crate::text::percent_encoded;
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use std::path::Path;

/// A database that is whole and ours.
#[derive(Debug)]
pub struct Inspection {
    /// The number of its schema; `None`: there is nothing in it.
    pub schema: Option<usize>,
    /// The newest schema that this program knows.
    pub newest: usize,
    /// Accounts.
    pub users: i64,
    /// Turns.
    pub turns: i64,
    /// Unix seconds of the newest account or turn; 0 where there is none.
    pub latest: i64,
    /// Something is sealed with the master key.
    pub has_sealed: bool,
    /// Tells which master key it belongs to.
    pub key_check: Option<String>,
    /// Unix seconds of the last backup that was made by this program.
    pub last_backup: Option<i64>,
    /// What was set at run time.
    pub settings: Vec<Setting>,
}

/// Looks through the database in `data_dir`, every page and index of it; `None` where there is none. Readers and the
/// writer of a running server go on meanwhile.
pub fn inspect(data_dir: &Path) -> Result<Option<Inspection>, OpenError> {
    let path = data_dir.join(FILE);
    match std::fs::symlink_metadata(&path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(OpenError::Refused(format!("{}: {e}", path.display()))),
        Ok(meta) if !meta.is_file() => {
            return Err(OpenError::Damaged(format!("{} is not a plain file", path.display())));
        }
        Ok(_) => {}
    }
    let connection = open(&path).map_err(|e| open_error(&path, &e))?;
    look(&connection, &path).map(Some)
}

/// With no log beside it nobody has the database, and it is read as it lies there: opened in the usual way, reading alone
/// would make a log and an index, owned by whoever looks.
fn open(path: &Path) -> rusqlite::Result<Connection> {
    let beside = |ending: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        std::fs::metadata(name).map_or(0, |meta| meta.len())
    };
    let at_rest = beside("-wal") == 0 && beside("-shm") == 0;
    let name = percent_encoded(path.as_os_str().as_encoded_bytes(), b"/.-_");
    let uri = format!("file:{name}?{}", if at_rest { "immutable=1" } else { "mode=ro" });
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(uri, flags)?;
    connection.busy_timeout(BUSY)?;
    Ok(connection)
}

fn look(c: &Connection, path: &Path) -> Result<Inspection, OpenError> {
    let said = |e: rusqlite::Error| open_error(path, &e);
    let (schema, newest) = migrate::schemas(c, path)?;
    let health: String = c.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(said)?;
    if health != "ok" {
        let health = health.replace('\n', " ");
        return Err(OpenError::Damaged(format!("{} is damaged: {health}", path.display())));
    }
    let mut found = Inspection {
        schema,
        newest,
        users: 0,
        turns: 0,
        latest: 0,
        has_sealed: false,
        key_check: None,
        last_backup: None,
        settings: Vec::new(),
    };
    if schema.is_some() {
        fill(c, &mut found).map_err(said)?;
    }
    Ok(found)
}

fn fill(c: &Connection, found: &mut Inspection) -> rusqlite::Result<()> {
    let number = |sql: &str| c.query_row(sql, [], |row| row.get::<_, i64>(0));
    found.users = number("SELECT count(*) FROM users")?;
    found.turns = number("SELECT count(*) FROM turns")?;
    found.latest = number(
        "SELECT max(coalesce((SELECT created_at FROM users ORDER BY id DESC LIMIT 1), 0), \
         coalesce((SELECT created_at FROM turns ORDER BY id DESC LIMIT 1), 0))",
    )?;
    found.has_sealed = c.query_row(users::HAS_SEALED, [], |row| row.get(0))?;
    let meta = |name: &str| {
        let sql = "SELECT value FROM meta WHERE name = ?";
        c.query_row(sql, [name], |row| row.get::<_, String>(0)).optional()
    };
    found.key_check = meta("key_check")?;
    found.last_backup = meta("last_backup")?.and_then(|text| text.parse().ok());
    found.settings = settings::all(c)?;
    Ok(())
}
