//! Copies of the database: made while it is in use, and checked before they take its place.

use super::{OpenError, Store, connect, migrate};
use crate::error::{Error, Result};
use rusqlite::OpenFlags;
use std::path::Path;

impl Store {
    /// Writes a consistent, compact copy to `path`, which must not exist. Writers go on meanwhile.
    pub fn snapshot(&self, path: &Path) -> Result<()> {
        self.read(|c| {
            c.execute("VACUUM INTO ?", [path.to_string_lossy()])?;
            Ok(())
        })?;
        std::fs::File::open(path).and_then(|file| file.sync_all()).map_err(|e| Error::Storage(e.to_string()))
    }

    /// The number of the schema, which a backup names.
    pub fn schema(&self) -> Result<i64> {
        self.read(|c| Ok(c.query_row("PRAGMA user_version", [], |row| row.get(0))?))
    }
}

/// Checks a copy through: every page and index, and that this program can open it.
pub fn check_copy(path: &Path) -> Result<(), OpenError> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let health: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if health != "ok" {
        return Err(OpenError::Damaged(format!("the database in the backup is damaged: {health}")));
    }
    migrate::check(&connection, path)
}

/// Makes a copy fit for a new master key: what was sealed with the old one is cleared, and every login ends. Returns how
/// many API keys were cleared.
pub fn forget_keys(path: &Path) -> Result<usize, OpenError> {
    let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.pragma_update(None, "secure_delete", true)?;
    let transaction = connection.transaction()?;
    let cleared = transaction.execute(
        "UPDATE users SET key_sealed = NULL, key_hint = NULL, key_origin = NULL WHERE key_sealed IS NOT NULL",
        [],
    )?;
    transaction.execute_batch(
        "UPDATE users SET totp_sealed = NULL, totp_on = 0 WHERE totp_sealed IS NOT NULL; \
         DELETE FROM settings WHERE sealed IS NOT NULL; DELETE FROM sessions; \
         DELETE FROM meta WHERE name = 'key_check';",
    )?;
    transaction.commit()?;
    Ok(cleared)
}
