//! What an administrator sees: accounts with their use, invitations, sizes. Never what people wrote or their keys.

use super::usage::{SLOT, slots};
use super::users::{self, User};
use super::{Store, optional};
use crate::calendar::Span;
use crate::error::{Error, Result};
use crate::model::UserId;
use rusqlite::params;

/// An account with its use of this month.
pub struct Person {
    /// The account.
    pub user: User,
    /// Tokens of the shared key.
    pub tokens: i64,
}

/// What is used by whom or of what, on one day.
pub struct UsageRow {
    /// The first second of the slot.
    pub begins: i64,
    /// The person.
    pub user: UserId,
    /// As the person wants to be called.
    pub name: String,
    /// The model.
    pub model: String,
    /// Whose key paid.
    pub paid_by: String,
    /// Prompt and completion together.
    pub tokens: i64,
    /// Of these, those that are a guess.
    pub estimated: i64,
    /// Answers.
    pub requests: i64,
}

/// An invitation, without its code, which is known only as a hash.
pub struct Invite {
    /// Its number.
    pub id: i64,
    /// Whom it is for.
    pub note: String,
    /// How often it can still be used.
    pub uses_left: i64,
    /// Unix seconds.
    pub expires: i64,
    /// Unix seconds.
    pub created: i64,
}

impl Store {
    /// Accounts with `words` in name or e-mail, oldest first, behind `after`; and whether there are more.
    pub fn people(
        &self,
        words: Option<&str>,
        after: i64,
        month: Span,
        limit: usize,
    ) -> Result<(Vec<Person>, bool)> {
        self.read(|c| {
            let sql = format!(
                "SELECT {}, (SELECT coalesce(sum(prompt_tokens + completion_tokens), 0) FROM usage_slots \
                 WHERE user_id = users.id AND paid_by = 'shared' AND slot >= ?3 AND slot < ?4) \
                 FROM users WHERE id > ?1 AND (?2 IS NULL OR email LIKE ?2 ESCAPE '\\' OR name LIKE ?2 ESCAPE '\\') \
                 ORDER BY id LIMIT ?5",
                users::COLUMNS
            );
            let like = words.map(super::search::like_pattern);
            let mut query = c.prepare_cached(&sql)?;
            let (from, until) = slots(month);
            let values = params![after, like, from, until, limit + 1];
            let rows = query.query_map(values, |row| {
                Ok(Person { user: users::user(row)?, tokens: row.get(users::COLUMN_COUNT)? })
            })?;
            let mut found = rows.collect::<rusqlite::Result<Vec<_>>>()?;
            let more = found.len() > limit;
            found.truncate(limit);
            Ok((found, more))
        })
    }

    /// All use of everybody in `span`, by slot, person, model and key.
    pub fn usage_of_all(&self, span: Span) -> Result<Vec<UsageRow>> {
        self.read(|c| {
            let sql = "SELECT slot, user_id, name, model, paid_by, prompt_tokens + completion_tokens, estimated, \
                 requests FROM usage_slots JOIN users ON users.id = user_id WHERE slot >= ? AND slot < ? \
                 ORDER BY slot, user_id, model, paid_by";
            let mut query = c.prepare_cached(sql)?;
            let (from, until) = slots(span);
            let rows = query.query_map([from, until], |row| {
                Ok(UsageRow {
                    begins: row.get::<_, i64>(0)? * SLOT,
                    user: UserId(row.get(1)?),
                    name: row.get(2)?,
                    model: row.get(3)?,
                    paid_by: row.get(4)?,
                    tokens: row.get(5)?,
                    estimated: row.get(6)?,
                    requests: row.get(7)?,
                })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// How many accounts and turns there are, and how many bytes the database has.
    pub fn sizes(&self) -> Result<(i64, i64, i64)> {
        self.read(|c| {
            let number = |sql: &str| c.query_row(sql, [], |row| row.get::<_, i64>(0));
            let bytes = number("PRAGMA page_count")? * number("PRAGMA page_size")?;
            Ok((number("SELECT count(*) FROM users")?, number("SELECT count(*) FROM turns")?, bytes))
        })
    }

    /// Makes an invitation.
    pub fn create_invite(
        &self,
        code_hash: String,
        note: String,
        uses: i64,
        now: i64,
        expires: i64,
    ) -> Result<i64> {
        self.writer.run(move |c| {
            c.execute("DELETE FROM invites WHERE expires_at <= ? OR uses_left = 0", [now])?;
            let sql = "INSERT INTO invites(code_hash, note, created_at, expires_at, uses_left) \
                 VALUES(?, ?, ?, ?, ?) RETURNING id";
            Ok(c.query_row(sql, params![code_hash, note, now, expires, uses], |row| row.get(0))?)
        })
    }

    /// Invitations that can still be used, newest first.
    pub fn invites(&self, now: i64) -> Result<Vec<Invite>> {
        self.read(|c| {
            let sql = "SELECT id, note, uses_left, expires_at, created_at FROM invites \
                 WHERE expires_at > ? AND uses_left > 0 ORDER BY id DESC";
            let mut query = c.prepare_cached(sql)?;
            let rows = query.query_map([now], |row| {
                Ok(Invite {
                    id: row.get(0)?,
                    note: row.get(1)?,
                    uses_left: row.get(2)?,
                    expires: row.get(3)?,
                    created: row.get(4)?,
                })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Ends an invitation.
    pub fn revoke_invite(&self, id: i64) -> Result<()> {
        self.writer.run(move |c| match c.execute("DELETE FROM invites WHERE id = ?", [id])? {
            1 => Ok(()),
            _ => Err(Error::NotFound),
        })
    }

    /// The account of an id, for administrators.
    pub fn find_user(&self, id: UserId) -> Result<User> {
        self.read(|c| {
            let sql = format!("SELECT {} FROM users WHERE id = ?", users::COLUMNS);
            optional(c.prepare_cached(&sql)?.query_row([id.0], users::user))?.ok_or(Error::NotFound)
        })
    }
}
