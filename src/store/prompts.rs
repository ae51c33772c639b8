//! A person's own prompts.

use super::{Store, is_duplicate};
use crate::error::{Error, Result};
use crate::model::UserId;
use rusqlite::{Connection, params};

/// Prompts of one person, and bytes of their texts: all of them are given at once.
const MOST: usize = 500;
const MOST_TEXT: usize = 4 << 20;

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

    /// Keeps a new one.
    pub fn create_prompt(&self, user: UserId, name: String, text: String) -> Result<Prompt> {
        self.writer.run(move |c| {
            let sql = "INSERT INTO prompts(user_id, name, text) VALUES(?, ?, ?) RETURNING id";
            let id = named(c.query_row(sql, params![user.0, name, text], |row| row.get(0)))?;
            check_room(c, user)?;
            Ok(Prompt { id, name: name.clone(), text: text.clone() })
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
            let changed = named(c.query_row(sql, params![name, text, id, user.0], |row| {
                Ok(Prompt { id, name: row.get(0)?, text: row.get(1)? })
            }))?;
            check_room(c, user)?;
            Ok(changed)
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

/// What became of giving a prompt its name.
fn named<T>(row: rusqlite::Result<T>) -> Result<T> {
    match row {
        Err(rusqlite::Error::QueryReturnedNoRows) => Err(Error::NotFound),
        Err(error) if is_duplicate(&error) => Err(Error::field("name", "A prompt has this name already.")),
        row => Ok(row?),
    }
}

/// Fails when there are more than there may be; what was just written is then undone.
fn check_room(c: &Connection, user: UserId) -> Result<()> {
    let sql = "SELECT count(*), coalesce(sum(octet_length(text)), 0) FROM prompts WHERE user_id = ?";
    let (count, bytes): (usize, usize) = c.query_row(sql, [user.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let sentence = if count > MOST {
        format!("There can be {MOST} prompts at most.")
    } else if bytes > MOST_TEXT {
        "Your prompts have no room for more text. Delete some, or make them shorter.".to_owned()
    } else {
        return Ok(());
    };
    Err(Error::Refused("too_many_prompts", sentence.into()))
}
