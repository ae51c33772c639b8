//! Logins: a row each, looked up at every request.

use super::{Store, bad_word, optional};
use crate::error::{Error, Result};
use crate::model::{Role, UserId};
use rusqlite::params;

/// Who makes a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The account.
    pub user: UserId,
    /// What it may do.
    pub role: Role,
    /// The login.
    pub session: String,
    /// When it was last noted that the account is in use.
    pub last_seen: Option<i64>,
}

impl Store {
    /// Makes a login of an account that is not disabled.
    pub fn begin_session(
        &self,
        user: UserId,
        id: String,
        agent: String,
        now: i64,
        expires: i64,
    ) -> Result<()> {
        self.writer.run(move |c| {
            c.execute("DELETE FROM sessions WHERE user_id = ? AND expires_at <= ?", [user.0, now])?;
            let sql = "INSERT INTO sessions(id, user_id, created_at, expires_at, agent) \
                 SELECT ?, id, ?, ?, ? FROM users WHERE id = ? AND disabled_at IS NULL";
            match c.execute(sql, params![id, now, expires, agent, user.0])? {
                1 => Ok(()),
                _ => Err(Error::Unauthenticated),
            }
        })
    }

    /// How many logins are good.
    pub fn session_count(&self, now: i64) -> Result<i64> {
        self.read(|c| {
            let sql = "SELECT count(*) FROM sessions WHERE expires_at > ?";
            Ok(c.prepare_cached(sql)?.query_row([now], |row| row.get(0))?)
        })
    }

    /// The account behind a login that is good now: it has not ended, and its account is not disabled.
    pub fn identity(&self, user: UserId, session: &str, now: i64) -> Result<Option<Identity>> {
        self.look_up(|c| {
            let sql = "SELECT u.role, u.last_seen FROM sessions s JOIN users u ON u.id = s.user_id \
                 WHERE s.id = ? AND s.user_id = ? AND s.expires_at > ? AND u.disabled_at IS NULL";
            let row = c.prepare_cached(sql)?.query_row(params![session, user.0, now], |row| {
                let role: String = row.get(0)?;
                Ok(Identity {
                    user,
                    role: Role::parse(&role).ok_or_else(|| bad_word(0, &role))?,
                    session: session.to_owned(),
                    last_seen: row.get(1)?,
                })
            });
            optional(row)
        })
    }

    /// Ends one login.
    pub fn end_session(&self, user: UserId, session: String) -> Result<()> {
        self.writer.run(move |c| {
            c.execute("DELETE FROM sessions WHERE id = ? AND user_id = ?", params![session, user.0])?;
            Ok(())
        })
    }

    /// Ends all logins of an account.
    pub fn end_sessions(&self, user: UserId) -> Result<()> {
        self.writer.run(move |c| {
            c.execute("DELETE FROM sessions WHERE user_id = ?", [user.0])?;
            Ok(())
        })
    }

    /// Ends every login there is: their tokens were signed with a key that is gone.
    pub fn end_all_sessions(&self) -> Result<()> {
        self.writer.run(|c| {
            c.execute("DELETE FROM sessions", [])?;
            Ok(())
        })
    }
}
