//! A turn and all below it.

use super::turns::forget;
use super::{Store, bad_word, optional};
use crate::error::{Error, Result};
use crate::model::{Status, TurnId, UserId};

/// The turn and all below it.
const SUBTREE: &str = "id IN (WITH RECURSIVE tree(id) AS (SELECT ?1 UNION ALL \
     SELECT turns.id FROM turns JOIN tree ON turns.parent_id = tree.id) SELECT id FROM tree)";

impl Store {
    /// The turn and all below it, with the status of each.
    pub fn subtree(&self, user: UserId, id: TurnId) -> Result<Vec<(TurnId, Status)>> {
        self.read(|c| {
            let sql = format!("SELECT id, status FROM turns WHERE user_id = ?2 AND {SUBTREE} ORDER BY id");
            let mut query = c.prepare_cached(&sql)?;
            let rows = query.query_map([id.0, user.0], |row| {
                let status: String = row.get(1)?;
                Ok((TurnId(row.get(0)?), Status::parse(&status).ok_or_else(|| bad_word(1, &status))?))
            })?;
            let found = rows.collect::<rusqlite::Result<Vec<_>>>()?;
            if found.is_empty() { Err(Error::NotFound) } else { Ok(found) }
        })
    }

    /// Deletes the turn and all below it for good. The conversation's current turn becomes the newest leaf of what
    /// is left beside or above.
    pub fn delete_turn(&self, user: UserId, id: TurnId) -> Result<()> {
        self.writer.run(move |c| {
            let sql = "SELECT conversation_id FROM turns WHERE id = ? AND user_id = ?";
            let conversation: i64 =
                optional(c.query_row(sql, [id.0, user.0], |row| row.get(0)))?.ok_or(Error::NotFound)?;
            forget(c, SUBTREE, id.0)?;
            c.execute(&format!("DELETE FROM turns WHERE {SUBTREE}"), [id.0])?;
            let repair = "UPDATE conversations SET current_turn_id = \
                 (SELECT max(id) FROM turns WHERE conversation_id = ?1) \
                 WHERE id = ?1 AND NOT EXISTS(SELECT 1 FROM turns WHERE id = current_turn_id)";
            c.execute(repair, [conversation])?;
            Ok(())
        })
    }
}
