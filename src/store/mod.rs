//! The database: SQLite with one writing thread and a small pool of readers. Functions are whole operations in
//! the words of the product; they take the owner's id, and no connection or library error leaves this folder.

mod admin;
mod answers;
mod conversations;
mod copy;
mod files;
mod imports;
mod inspect;
mod migrate;
mod pages;
mod prompts;
mod recovery;
mod search;
mod sessions;
mod settings;
mod subtrees;
mod turns;
mod two_factor;
mod usage;
mod users;
mod writer;

use crate::error::{Error, Result};
use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

pub use admin::{Invite, Person, UsageRow};
pub use answers::{Begun, Chunk, ChunkKind, Finish, NewTurn};
pub use conversations::{Conversation, ConversationChange, Listing};
pub use copy::{check_copy, forget_keys};
pub use imports::{Imported, ImportedTurn, Outcome, Unfinished};
pub use inspect::{Inspection, inspect};
pub use migrate::Change;
pub use prompts::Prompt;
pub use search::MOST_WORDS;
pub use sessions::Identity;
pub use settings::Setting;
pub use turns::{Context, Exchange, Start, Target};
pub use two_factor::TwoFactor;
pub use usage::{ModelUsage, Slot, UsageTotals};
pub use users::{AccountChange, NewUser, SealedKey, User, UserChange};
pub use writer::{Haste, Writes};

/// The database's name in the data folder.
pub const FILE: &str = "gpt-assistant.db";
const READERS: u32 = 4;
const READER_WAIT: Duration = Duration::from_secs(3);
/// No connection is ever used by two threads at once: SQLite need not guard each call.
const NO_MUTEX: OpenFlags = OpenFlags::SQLITE_OPEN_NO_MUTEX;
/// How long to wait for another process (the command line beside a server) before giving up.
const BUSY: Duration = Duration::from_secs(5);

/// Why a database cannot be opened.
#[derive(Debug)]
pub enum OpenError {
    /// It is damaged, foreign, a symbolic link or of a newer version; nothing was touched.
    Damaged(String),
    /// The file system does not let us.
    Refused(String),
}

/// The open database.
pub struct Store {
    readers: r2d2::Pool<SqliteConnectionManager>,
    /// For the one look-up that every request makes, so that it never waits behind a long read.
    sessions: Mutex<Connection>,
    /// Closed last: only a connection that may write folds the log into the database, and only the last one of all.
    writer: writer::Writer,
}

impl Store {
    /// Opens the database in `data_dir`, making or upgrading it where `change` allows.
    pub fn open(data_dir: &Path, change: Change) -> Result<Store, OpenError> {
        let path = data_dir.join(FILE);
        if std::fs::symlink_metadata(&path).is_ok_and(|m| !m.is_file()) {
            return Err(OpenError::Damaged(format!("{} is not a plain file", path.display())));
        }
        let mut connection =
            connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | NO_MUTEX)
                .map_err(|e| open_error(&path, &e))?;
        // Until it is known to be ours and whole, nothing of it is changed, the log beside it included.
        let fold_in_on_close = |c: &Connection, fold: bool| {
            c.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, !fold)
                .map_err(|e| open_error(&path, &e))
        };
        fold_in_on_close(&connection, false)?;
        if let Some(said) = damage(&connection).map_err(|e| open_error(&path, &e))? {
            let said = said.replace('\n', " ");
            return Err(OpenError::Damaged(format!("{} is damaged: {said}", path.display())));
        }
        migrate::recognise(&connection, &path)?;
        connection.pragma_update(None, "journal_mode", "WAL").map_err(|e| open_error(&path, &e))?;
        migrate::migrate(&mut connection, &path, change)?;
        fold_in_on_close(&connection, true)?;

        let read_only = OpenFlags::SQLITE_OPEN_READ_ONLY | NO_MUTEX;
        let manager = SqliteConnectionManager::file(&path).with_flags(read_only).with_init(prepare);
        let readers = r2d2::Pool::builder()
            .max_size(READERS)
            .min_idle(Some(1))
            .test_on_check_out(false)
            .connection_timeout(READER_WAIT)
            .build(manager)
            .map_err(|e| OpenError::Refused(format!("{}: {e}", path.display())))?;
        let sessions = connect(&path, read_only).map_err(|e| open_error(&path, &e))?;
        let writer = writer::Writer::start(connection)?;
        Ok(Store { readers, sessions: Mutex::new(sessions), writer })
    }

    /// Reads with a pooled connection; the connection goes back when `work` returns.
    fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let connection = self.readers.get().map_err(|_| Error::Overloaded)?;
        work(&connection)
    }

    /// The quick look-up connection.
    fn look_up<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        work(&self.sessions.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// How writing goes.
    pub fn writes(&self) -> &Writes {
        &self.writer.writes
    }

    /// A single value of `meta`.
    pub fn meta(&self, name: &'static str) -> Result<Option<String>> {
        self.read(|c| {
            optional(c.query_row("SELECT value FROM meta WHERE name = ?", [name], |row| row.get(0)))
        })
    }

    /// Sets a single value of `meta`.
    pub fn set_meta(&self, name: &'static str, value: String) -> Result<()> {
        self.writer.run(move |c| {
            let sql = "INSERT INTO meta(name, value) VALUES(?, ?) ON CONFLICT(name) DO UPDATE SET value = excluded.value";
            c.execute(sql, [name, value.as_str()])?;
            Ok(())
        })
    }
}

fn connect(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let mut connection = Connection::open_with_flags(path, flags)?;
    prepare(&mut connection)?;
    Ok(connection)
}

/// What is wrong with pages and rows, if anything is. Table by table, because a check of the whole would read every word's
/// list in the search index, which takes six times as long as all else; backups and `doctor` do that.
fn damage(connection: &Connection) -> rusqlite::Result<Option<String>> {
    let sql = "SELECT quick_check FROM sqlite_schema AS tables, pragma_quick_check(tables.name) \
         WHERE type = 'table' AND rootpage > 0 AND quick_check <> 'ok' LIMIT 1";
    connection.query_row(sql, [], |row| row.get(0)).optional()
}

/// What every connection is set to.
fn prepare(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // Four times SQLite's default: a page that is written again and again goes into the database once, and few of
    // those who wait for a commit wait for a checkpoint too. The log stays below 17 MB.
    connection.pragma_update(None, "wal_autocheckpoint", 4000)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}

fn open_error(path: &Path, error: &rusqlite::Error) -> OpenError {
    let said = format!("{}: {error}", path.display());
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => OpenError::Damaged(said),
        _ => OpenError::Refused(said),
    }
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> OpenError {
        open_error(Path::new(FILE), &error)
    }
}

impl From<std::io::Error> for OpenError {
    fn from(error: std::io::Error) -> OpenError {
        OpenError::Refused(error.to_string())
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Error {
        match error.sqlite_error_code() {
            Some(
                ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::ReadOnly
                | ErrorCode::CannotOpen
                | ErrorCode::DatabaseCorrupt
                | ErrorCode::OutOfMemory,
            ) => Error::Storage(error.to_string()),
            _ => Error::Internal(error.to_string()),
        }
    }
}

/// The fault of a transaction that SQLite has rolled back by itself.
fn storage_fault() -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_FULL), None)
}

/// A row, or none.
fn optional<T>(result: rusqlite::Result<T>) -> Result<Option<T>> {
    match result {
        Ok(row) => Ok(Some(row)),
        Err(rusqlite::Error::QueryReturnedNoRows) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// True for a UNIQUE or PRIMARY KEY that was broken.
fn is_duplicate(error: &rusqlite::Error) -> bool {
    use rusqlite::ffi::{SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE};
    matches!(error, rusqlite::Error::SqliteFailure(e, _)
        if [SQLITE_CONSTRAINT_UNIQUE, SQLITE_CONSTRAINT_PRIMARYKEY].contains(&e.extended_code))
}

/// A stored word that is none of ours: the row was written by another program.
fn bad_word(column: usize, word: &str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(
        column,
        rusqlite::types::Type::Text,
        format!("unknown word {word}").into(),
    )
}
