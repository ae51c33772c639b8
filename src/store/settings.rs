//! What an administrator has set at run time.

use super::Store;
use crate::error::Result;
use rusqlite::{Connection, params};

/// A setting as it is kept: plain, or sealed.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Its name.
    pub name: String,
    /// Its value; of a sealed one, its masked form.
    pub value: String,
    /// The sealed value.
    pub sealed: Option<Vec<u8>>,
}

impl Store {
    /// All that are set.
    pub fn settings(&self) -> Result<Vec<Setting>> {
        self.read(|c| Ok(all(c)?))
    }

    /// Sets some and unsets others, all or none.
    pub fn change_settings(&self, set: Vec<Setting>, unset: Vec<String>, now: i64) -> Result<()> {
        self.writer.run(move |c| {
            for setting in &set {
                let sql = "INSERT INTO settings(name, value, sealed, changed_at) VALUES(?, ?, ?, ?) \
                     ON CONFLICT(name) DO UPDATE SET value = excluded.value, sealed = excluded.sealed, \
                     changed_at = excluded.changed_at";
                c.execute(sql, params![setting.name, setting.value, setting.sealed, now])?;
            }
            for name in &unset {
                c.execute("DELETE FROM settings WHERE name = ?", [name])?;
            }
            Ok(())
        })
    }
}

/// All that are set, by a connection of whatever kind.
pub(super) fn all(c: &Connection) -> rusqlite::Result<Vec<Setting>> {
    let mut all = c.prepare_cached("SELECT name, value, sealed FROM settings")?;
    let rows =
        all.query_map([], |row| Ok(Setting { name: row.get(0)?, value: row.get(1)?, sealed: row.get(2)? }))?;
    rows.collect()
}
