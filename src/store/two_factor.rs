//! Two-factor login: the sealed secret, the last step that was used, and recovery codes as hashes.

use super::{Store, optional};
use crate::error::{Error, Result};
use crate::model::UserId;
use rusqlite::params;

/// What is kept of it.
pub struct TwoFactor {
    /// The sealed secret; there before it is turned on, while it is being set up.
    pub sealed: Option<Vec<u8>>,
    /// It is asked for.
    pub on: bool,
}

impl Store {
    /// What is kept of an account's.
    pub fn two_factor(&self, id: UserId) -> Result<TwoFactor> {
        self.read(|c| {
            let sql = "SELECT totp_sealed, totp_on FROM users WHERE id = ?";
            let row = c.query_row(sql, [id.0], |row| Ok(TwoFactor { sealed: row.get(0)?, on: row.get(1)? }));
            optional(row)?.ok_or(Error::Unauthenticated)
        })
    }

    /// Keeps a secret that is not asked for yet. False: two-factor login is on already.
    pub fn prepare_two_factor(&self, id: UserId, sealed: Vec<u8>) -> Result<bool> {
        self.writer.run(move |c| {
            let sql = "UPDATE users SET totp_sealed = ?, totp_step = NULL WHERE id = ? AND totp_on = 0";
            Ok(c.execute(sql, params![sealed, id.0])? == 1)
        })
    }

    /// Turns it on, with new recovery codes. False: it was on already.
    pub fn turn_on_two_factor(&self, id: UserId, step: i64, code_hashes: Vec<String>) -> Result<bool> {
        self.writer.run(move |c| {
            let sql = "UPDATE users SET totp_on = 1, totp_step = ? WHERE id = ? AND totp_on = 0 \
                 AND totp_sealed IS NOT NULL";
            if c.execute(sql, [step, id.0])? != 1 {
                return Ok(false);
            }
            c.execute("DELETE FROM recovery_codes WHERE user_id = ?", [id.0])?;
            for hash in &code_hashes {
                c.execute(
                    "INSERT INTO recovery_codes(user_id, code_hash) VALUES(?, ?)",
                    params![id.0, hash],
                )?;
            }
            Ok(true)
        })
    }

    /// Uses a step up. False: it, or a later one, was used before.
    pub fn use_step(&self, id: UserId, step: i64) -> Result<bool> {
        self.writer.run(move |c| {
            let sql = "UPDATE users SET totp_step = ?1 WHERE id = ?2 AND totp_on = 1 \
                 AND (totp_step IS NULL OR totp_step < ?1)";
            Ok(c.execute(sql, [step, id.0])? == 1)
        })
    }

    /// Uses a recovery code up. False: it is none, or was used before.
    pub fn use_recovery_code(&self, id: UserId, hash: String) -> Result<bool> {
        self.writer.run(move |c| {
            let sql = "DELETE FROM recovery_codes WHERE user_id = ? AND code_hash = ?";
            Ok(c.execute(sql, params![id.0, hash])? == 1)
        })
    }

    /// Turns it off and forgets all of it.
    pub fn clear_two_factor(&self, id: UserId) -> Result<()> {
        self.writer.run(move |c| {
            let sql = "UPDATE users SET totp_sealed = NULL, totp_on = 0, totp_step = NULL WHERE id = ?";
            c.execute(sql, [id.0])?;
            c.execute("DELETE FROM recovery_codes WHERE user_id = ?", [id.0])?;
            Ok(())
        })
    }
}
