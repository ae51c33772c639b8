//! A person's own prompts.

use super::{Store, is_duplicate};
use crate::error::{Error, Result};
use crate::model::UserId;
use rusqlite::params;

/// A prompt to use again.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// Its number.
    pub id: i64,
    /// Unique among the person's.
    pub name: String,
    /// May hold `{{variables}}`, which the page fills in.
    pub text: String,
}

impl Store {
    /// All of a person's, by name.
    pub fn prompts(&self, user: UserId) -> Result<Vec<Prompt>> {
        self.read(|c| {
            let mut query =
                c.prepare_cached("SELECT id, name, text FROM prompts WHERE user_id = ? ORDER BY name")?;
            let rows = query.query_map([user.0], |row| {
                Ok(Prompt { id: row.get(0)?, name: row.get(1)?, text: row.get(2)? })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Keeps a new one; `most` is how many a person may have.
    pub fn create_prompt(&self, user: UserId, name: String, text: String, most: usize) -> Result<Prompt> {
        self.writer.run(move |c| {
            let sql = "INSERT INTO prompts(user_id, name, text) SELECT ?1, ?2, ?3 \
                 WHERE (SELECT count(*) FROM prompts WHERE user_id = ?1) < ?4 RETURNING id";
            match c.query_row(sql, params![user.0, name, text, most], |row| row.get(0)) {
                Ok(id) => Ok(Prompt { id, name, text }),
                Err(rusqlite::Error::QueryReturnedNoRows) => Err(Error::Refused(
                    "too_many_prompts",
                    format!("There can be {most} prompts at most.").into(),
                )),
                Err(error) if is_duplicate(&error) => {
                    Err(Error::field("name", "A prompt has this name already."))
                }
                Err(error) => Err(error.into()),
            }
        })
    }

    /// Changes one; `None` leaves it.
    pub fn change_prompt(
        &self,
        user: UserId,
        id: i64,
        name: Option<String>,
        text: Option<String>,
    ) -> Result<Prompt> {
        self.writer.run(move |c| {
            let sql = "UPDATE prompts SET name = coalesce(?, name), text = coalesce(?, text) \
                 WHERE id = ? AND user_id = ? RETURNING name, text";
            let row = c.query_row(sql, params![name, text, id, user.0], |row| {
                Ok(Prompt { id, name: row.get(0)?, text: row.get(1)? })
            });
            match row {
                Err(rusqlite::Error::QueryReturnedNoRows) => Err(Error::NotFound),
                Err(error) if is_duplicate(&error) => {
                    Err(Error::field("name", "A prompt has this name already."))
                }
                row => Ok(row?),
            }
        })
    }

    /// Deletes one.
    pub fn delete_prompt(&self, user: UserId, id: i64) -> Result<()> {
        self.writer.run(move |c| {
            match c.execute("DELETE FROM prompts WHERE id = ? AND user_id = ?", [id, user.0])? {
                1 => Ok(()),
                _ => Err(Error::NotFound),
            }
        })
    }
}
