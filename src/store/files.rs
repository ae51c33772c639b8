//! Files that people send with their messages. The bytes lie in the data folder, named by their sum; here stands what
//! they are, and which turns they belong to.

use super::{Store, bad_word, optional};
use crate::error::{Error, Result};
use crate::model::{Attachment, AttachmentKind, FileId, Turn, TurnId, UserId};
use rusqlite::{Connection, Row, params};

const COLUMNS: &str = "files.id, sha256, kind, name, mime, bytes, width, height, tokens";

fn attachment(row: &Row<'_>) -> rusqlite::Result<Attachment> {
    let kind: String = row.get(2)?;
    Ok(Attachment {
        id: FileId(row.get(0)?),
        sha256: row.get(1)?,
        kind: AttachmentKind::parse(&kind).ok_or_else(|| bad_word(2, &kind))?,
        name: row.get(3)?,
        mime: row.get(4)?,
        bytes: row.get(5)?,
        width: row.get(6)?,
        height: row.get(7)?,
        tokens: row.get(8)?,
    })
}

/// Says which files go with a turn. One that is not the user's is a fault.
pub(super) fn attach(c: &Connection, user: UserId, turn: TurnId, files: &[FileId]) -> Result<()> {
    let sql = "INSERT INTO turn_files(turn_id, position, file_id) \
         SELECT ?1, ?2, id FROM files WHERE id = ?3 AND user_id = ?4";
    for (position, file) in files.iter().enumerate() {
        if c.prepare_cached(sql)?.execute(params![turn.0, position, file.0, user.0])? != 1 {
            return Err(no_such_file());
        }
    }
    Ok(())
}

fn no_such_file() -> Error {
    Error::field("attachments", "There is no such file. It may have been removed; add it once more.")
}

/// The files of a turn, in order.
pub(super) fn of_turn(c: &Connection, turn: TurnId) -> Result<Vec<Attachment>> {
    of_each(c)?(turn)
}

/// Puts into each turn which files belong to it.
pub(super) fn fill(c: &Connection, turns: &mut [Turn]) -> Result<()> {
    // Prepared once: a page of history asks for every turn, and few have files.
    let mut files = of_each(c)?;
    for turn in turns {
        turn.attachments = files(turn.id)?;
    }
    Ok(())
}

fn of_each(c: &Connection) -> Result<impl FnMut(TurnId) -> Result<Vec<Attachment>>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM turn_files JOIN files ON files.id = file_id WHERE turn_id = ? ORDER BY position"
    );
    let mut query = c.prepare_cached(&sql)?;
    Ok(move |turn: TurnId| Ok(query.query_map([turn.0], attachment)?.collect::<rusqlite::Result<_>>()?))
}

impl Store {
    /// Notes a file whose bytes are in their place, and gives its number. The same file under the same name is one; it
    /// counts as new once more. More than `most` bytes in all is a fault.
    pub fn keep_file(&self, user: UserId, file: Attachment, most: u64, now: i64) -> Result<Attachment> {
        self.writer.run(move |c| {
            let again = "UPDATE files SET created_at = ?4 WHERE user_id = ?1 AND sha256 = ?2 AND name = ?3 RETURNING id";
            let found = c.query_row(again, params![user.0, file.sha256, file.name, now], |row| row.get(0));
            if let Some(id) = optional(found)? {
                return Ok(Attachment { id: FileId(id), ..file.clone() });
            }
            room(c, user, file.bytes, most)?;
            let sql = "INSERT INTO files(user_id, sha256, kind, name, mime, bytes, width, height, tokens, created_at) \
                 VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id";
            let values = params![
                user.0,
                file.sha256,
                file.kind.as_str(),
                file.name,
                file.mime,
                file.bytes,
                file.width,
                file.height,
                file.tokens,
                now
            ];
            let id = c.query_row(sql, values, |row| row.get(0))?;
            Ok(Attachment { id: FileId(id), ..file.clone() })
        })
    }

    /// Fails where `keep_file` would: to be asked before the bytes are put in their place.
    pub fn check_room(&self, user: UserId, file: &Attachment, most: u64) -> Result<()> {
        self.read(|c| {
            let again = "SELECT 1 FROM files WHERE user_id = ?1 AND sha256 = ?2 AND name = ?3";
            let found = c.query_row(again, params![user.0, file.sha256, file.name], |_| Ok(()));
            if optional(found)?.is_some() { Ok(()) } else { room(c, user, file.bytes, most) }
        })
    }

    /// A file of the user.
    pub fn file(&self, user: UserId, id: FileId) -> Result<Attachment> {
        self.read(|c| own(c, user, id)?.ok_or(Error::NotFound))
    }

    /// Files of the user, in the order of `ids`.
    pub fn files(&self, user: UserId, ids: &[FileId]) -> Result<Vec<Attachment>> {
        self.read(|c| ids.iter().map(|id| own(c, user, *id)?.ok_or_else(no_such_file)).collect())
    }

    /// Forgets files that no turn has referred to since `before`, a few at a time. Returns the owner and the sum of each
    /// whose bytes nothing refers to any more.
    pub fn forget_orphans(&self, before: i64) -> Result<Vec<(UserId, String)>> {
        self.writer.run(move |c| {
            let sql = "DELETE FROM files WHERE id IN (SELECT id FROM files WHERE created_at < ? \
                 AND NOT EXISTS(SELECT 1 FROM turn_files WHERE file_id = files.id) LIMIT 100) \
                 RETURNING user_id, sha256";
            let mut query = c.prepare_cached(sql)?;
            let rows =
                query.query_map([before], |row| Ok((UserId(row.get(0)?), row.get::<_, String>(1)?)))?;
            let mut gone = rows.collect::<rusqlite::Result<Vec<_>>>()?;
            let sql = "SELECT EXISTS(SELECT 1 FROM files WHERE user_id = ? AND sha256 = ?)";
            let mut still = c.prepare_cached(sql)?;
            let mut fault = None;
            gone.retain(|(user, sum)| {
                let found = still.query_row(params![user.0, sum], |row| row.get::<_, bool>(0));
                !found.unwrap_or_else(|error| {
                    fault = Some(error);
                    true
                })
            });
            fault.map_or(Ok(gone), |error| Err(error.into()))
        })
    }

    /// Owner and sum of every file.
    pub fn all_files(&self) -> Result<Vec<(UserId, String)>> {
        self.read(|c| {
            let mut query = c.prepare("SELECT DISTINCT user_id, sha256 FROM files")?;
            let rows = query.query_map([], |row| Ok((UserId(row.get(0)?), row.get(1)?)))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }
}

fn own(c: &Connection, user: UserId, id: FileId) -> Result<Option<Attachment>> {
    let sql = format!("SELECT {COLUMNS} FROM files WHERE id = ? AND user_id = ?");
    optional(c.prepare_cached(&sql)?.query_row([id.0, user.0], attachment))
}

/// Fails when the user has no room for so many bytes more.
fn room(c: &Connection, user: UserId, bytes: i64, most: u64) -> Result<()> {
    let sql = "SELECT coalesce(sum(bytes), 0) FROM files WHERE user_id = ?";
    let used: i64 = c.query_row(sql, [user.0], |row| row.get(0))?;
    if used.saturating_add(bytes) <= i64::try_from(most).unwrap_or(i64::MAX) {
        return Ok(());
    }
    let sentence = "Your room for pictures and files is used up. Delete conversations with files that you no longer need.";
    Err(Error::TooLarge("storage_full", sentence.into()))
}
