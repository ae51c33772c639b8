//! Accounts.

use super::{Store, bad_word, is_duplicate, optional};
use crate::error::{Error, Result};
use crate::model::{Role, UserId};
use rusqlite::{Connection, OptionalExtension, Row, params};

/// An account as it is kept, without its password.
#[derive(Clone, Debug)]
pub struct User {
    /// Its number.
    pub id: UserId,
    /// In lower case.
    pub email: String,
    /// As the person wants to be called.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Unix seconds; `None` when it is not disabled.
    pub disabled: Option<i64>,
    /// Unix seconds.
    pub created: i64,
    /// Unix seconds, to within some minutes.
    pub last_seen: Option<i64>,
    /// A path of ours, or an address on the OSS host.
    pub avatar: Option<String>,
    /// The API key's masked form, and the origin it belongs to.
    pub key: Option<(String, String)>,
    /// Language of the page.
    pub locale: Option<String>,
    /// The model of new conversations.
    pub default_model: Option<String>,
    /// The system prompt of conversations that have none.
    pub system_prompt: Option<String>,
    /// Tokens of the shared key a day and a month; `None` as configured, 0 no cap.
    pub caps: (Option<i64>, Option<i64>),
    /// Tokens of all time.
    pub tokens_total: i64,
    /// Two-factor login is on.
    pub totp: bool,
}

/// What a new account needs.
pub struct NewUser {
    /// In lower case.
    pub email: String,
    /// As the person wants to be called.
    pub name: String,
    /// The password's hash.
    pub password: String,
    /// Wanted role; the first account is an administrator whatever this says.
    pub role: Role,
    /// The hash of an invitation's code, which this account uses up.
    pub invite: Option<String>,
    /// Refuse unless this is the first account.
    pub only_first: bool,
    /// Unix seconds.
    pub now: i64,
}

/// An API key, sealed.
pub struct SealedKey {
    /// The sealed key.
    pub sealed: Vec<u8>,
    /// Its masked form.
    pub hint: String,
    /// Where it may be sent.
    pub origin: String,
}

/// What the person may change of the account; `None` leaves it, `Some(None)` empties it.
#[derive(Debug, Default)]
pub struct UserChange {
    /// As the person wants to be called.
    pub name: Option<String>,
    /// Language of the page.
    pub locale: Option<Option<String>>,
    /// The model of new conversations.
    pub default_model: Option<Option<String>>,
    /// The system prompt of conversations that have none.
    pub system_prompt: Option<Option<String>>,
}

/// What only an administrator may change; `None` leaves it.
#[derive(Clone, Copy, Debug, Default)]
pub struct AccountChange {
    /// What it may do.
    pub role: Option<Role>,
    /// `Some(Some(time))` disables it, `Some(None)` enables it.
    pub disabled: Option<Option<i64>>,
    /// Tokens of the shared key a day; `Some(None)`: as configured, 0: no cap.
    pub cap_day: Option<Option<i64>>,
    /// The same a month.
    pub cap_month: Option<Option<i64>>,
}

/// Of a user's row, for `user`.
pub(super) const COLUMNS: &str = "id, email, name, role, disabled_at, created_at, last_seen, avatar, key_hint, key_origin, \
     locale, default_model, system_prompt, cap_day, cap_month, tokens_total, totp_on";

/// How many these are.
pub(super) const COLUMN_COUNT: usize = 17;

pub(super) fn user(row: &Row<'_>) -> rusqlite::Result<User> {
    let role: String = row.get(3)?;
    let hint: Option<String> = row.get(8)?;
    let origin: Option<String> = row.get(9)?;
    Ok(User {
        id: UserId(row.get(0)?),
        email: row.get(1)?,
        name: row.get(2)?,
        role: Role::parse(&role).ok_or_else(|| bad_word(3, &role))?,
        disabled: row.get(4)?,
        created: row.get(5)?,
        last_seen: row.get(6)?,
        avatar: row.get(7)?,
        key: hint.zip(origin),
        locale: row.get(10)?,
        default_model: row.get(11)?,
        system_prompt: row.get(12)?,
        caps: (row.get(13)?, row.get(14)?),
        tokens_total: row.get(15)?,
        totp: row.get(16)?,
    })
}

/// The user of that id; the caller has shown a login of theirs, so absence is a fault.
pub(super) fn get(c: &Connection, id: UserId) -> Result<User> {
    let sql = format!("SELECT {COLUMNS} FROM users WHERE id = ?");
    optional(c.prepare_cached(&sql)?.query_row([id.0], user))?.ok_or(Error::Unauthenticated)
}

/// Fails with `last_admin` when `id` is the only administrator that can sign in.
fn keep_an_admin(c: &Connection, id: UserId) -> Result<()> {
    let sql = "SELECT EXISTS(SELECT 1 FROM users WHERE id = ? AND role = 'admin' AND disabled_at IS NULL) \
         AND NOT EXISTS(SELECT 1 FROM users WHERE id <> ? AND role = 'admin' AND disabled_at IS NULL)";
    if c.query_row(sql, [id.0, id.0], |row| row.get(0))? {
        return Err(Error::Refused("last_admin", "This is the last administrator.".into()));
    }
    Ok(())
}

/// Fails with `last_admin` unless others can do without `id`; true when there are no others.
fn may_go(c: &Connection, id: UserId) -> Result<bool> {
    let alone: bool = c.query_row("SELECT count(*) = 1 FROM users", [], |row| row.get(0))?;
    if !alone {
        keep_an_admin(c, id)?;
    }
    Ok(alone)
}

/// Whether anything is sealed with the master key.
pub(super) const HAS_SEALED: &str = "SELECT EXISTS(SELECT 1 FROM users WHERE key_sealed IS NOT NULL OR totp_sealed IS NOT NULL) \
     OR EXISTS(SELECT 1 FROM settings WHERE sealed IS NOT NULL)";

impl Store {
    /// Makes an account. Who is first becomes administrator; the row in `meta` decides, whoever runs beside.
    pub fn create_user(&self, new: NewUser) -> Result<User> {
        self.writer.run(move |c| {
            let claim = "INSERT INTO meta(name, value) VALUES('first_admin', ?) ON CONFLICT(name) DO NOTHING";
            let first = c.execute(claim, [new.now.to_string()])? == 1;
            if new.only_first && !first {
                return Err(Error::Forbidden("registration_closed", "This server takes no new accounts."));
            }
            if let Some(invite) = new.invite.as_ref().filter(|_| !first) {
                let use_up = "UPDATE invites SET uses_left = uses_left - 1 \
                     WHERE code_hash = ? AND uses_left > 0 AND expires_at > ?";
                if c.execute(use_up, params![invite, new.now])? != 1 {
                    return Err(Error::Forbidden(
                        "invite_invalid",
                        "This invitation is not valid, or has been used up.",
                    ));
                }
            }
            let role = if first { Role::Admin } else { new.role };
            let insert = "INSERT INTO users(email, name, password, role, created_at) VALUES(?, ?, ?, ?, ?) RETURNING id";
            let values = params![new.email, new.name, new.password, role.as_str(), new.now];
            match c.query_row(insert, values, |row| row.get(0)) {
                Ok(id) => get(c, UserId(id)),
                Err(error) if is_duplicate(&error) => {
                    Err(Error::field("email", "This email is already in use."))
                }
                Err(error) => Err(error.into()),
            }
        })
    }

    /// True while nobody has an account.
    pub fn is_empty(&self) -> Result<bool> {
        self.read(|c| {
            let sql = "SELECT NOT EXISTS(SELECT 1 FROM meta WHERE name = 'first_admin')";
            Ok(c.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
        })
    }

    /// The account.
    pub fn user(&self, id: UserId) -> Result<User> {
        self.read(|c| get(c, id))
    }

    /// The account of an e-mail in lower case, with its password's hash.
    pub fn user_by_email(&self, email: &str) -> Result<Option<(User, String)>> {
        self.read(|c| {
            let sql = format!("SELECT {COLUMNS}, password FROM users WHERE email = ?");
            let row =
                c.prepare_cached(&sql)?.query_row([email], |row| Ok((user(row)?, row.get(COLUMN_COUNT)?)));
            optional(row)
        })
    }

    /// All accounts, oldest first.
    pub fn users(&self) -> Result<Vec<User>> {
        self.read(|c| {
            let sql = format!("SELECT {COLUMNS} FROM users ORDER BY id");
            let mut all = c.prepare(&sql)?;
            let rows = all.query_map([], user)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// The avatars of all accounts.
    pub fn avatars(&self) -> Result<Vec<String>> {
        self.read(|c| {
            let mut all = c.prepare("SELECT avatar FROM users WHERE avatar IS NOT NULL")?;
            let rows = all.query_map([], |row| row.get(0))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// The hash of the user's password.
    pub fn password_hash(&self, id: UserId) -> Result<String> {
        self.read(|c| {
            let sql = "SELECT password FROM users WHERE id = ?";
            optional(c.query_row(sql, [id.0], |row| row.get(0)))?.ok_or(Error::Unauthenticated)
        })
    }

    /// Renews a password's hash with better parameters, if it is still the old one.
    pub fn rehash(&self, id: UserId, old: String, new: String) -> Result<()> {
        self.writer.run(move |c| {
            c.execute(
                "UPDATE users SET password = ? WHERE id = ? AND password = ?",
                params![new, id.0, old],
            )?;
            Ok(())
        })
    }

    /// Changes the password if its hash is still `old`, and ends all logins. False: it was changed meanwhile.
    pub fn change_password(&self, id: UserId, old: Option<String>, new: String) -> Result<bool> {
        self.writer.run(move |c| {
            let sql = "UPDATE users SET password = ?1 WHERE id = ?2 AND (?3 IS NULL OR password = ?3)";
            let changed = c.execute(sql, params![new, id.0, old])? == 1;
            if changed {
                c.execute("DELETE FROM sessions WHERE user_id = ?", [id.0])?;
            }
            Ok(changed)
        })
    }

    /// Keeps an API key, or removes it.
    pub fn set_key(&self, id: UserId, key: Option<SealedKey>) -> Result<()> {
        self.writer.run(move |c| {
            let sql = "UPDATE users SET key_sealed = ?, key_hint = ?, key_origin = ? WHERE id = ?";
            let (sealed, hint, origin) = match &key {
                Some(key) => (Some(&key.sealed), Some(&key.hint), Some(&key.origin)),
                None => (None, None, None),
            };
            c.execute(sql, params![sealed, hint, origin, id.0])?;
            Ok(())
        })
    }

    /// True when anything is sealed with the master key.
    pub fn has_sealed(&self) -> Result<bool> {
        self.read(|c| Ok(c.query_row(HAS_SEALED, [], |row| row.get(0))?))
    }

    /// Sets the avatar and returns the one before it.
    pub fn set_avatar(&self, id: UserId, avatar: String) -> Result<Option<String>> {
        self.writer.run(move |c| {
            let before = get(c, id)?.avatar;
            c.execute("UPDATE users SET avatar = ? WHERE id = ?", params![avatar, id.0])?;
            Ok(before)
        })
    }

    /// Changes what the person may change.
    pub fn update_user(&self, id: UserId, change: UserChange) -> Result<User> {
        self.writer.run(move |c| {
            let now = get(c, id)?;
            let sql =
                "UPDATE users SET name = ?, locale = ?, default_model = ?, system_prompt = ? WHERE id = ?";
            let values = params![
                change.name.as_ref().unwrap_or(&now.name),
                change.locale.as_ref().unwrap_or(&now.locale),
                change.default_model.as_ref().unwrap_or(&now.default_model),
                change.system_prompt.as_ref().unwrap_or(&now.system_prompt),
                id.0
            ];
            c.execute(sql, values)?;
            get(c, id)
        })
    }

    /// Notes that the account is in use; where much is to be written, the next request will.
    pub fn seen(&self, id: UserId, now: i64) {
        let work = move |c: &Connection| {
            c.execute("UPDATE users SET last_seen = ? WHERE id = ?", [now, id.0])?;
            Ok(())
        };
        self.writer.offer(work);
    }

    /// Changes what only an administrator may, all or nothing. A disabled account loses its logins.
    pub fn change_account(&self, id: UserId, change: AccountChange) -> Result<User> {
        self.writer.run(move |c| {
            let now = get(c, id).map_err(|_| Error::NotFound)?;
            if change.role == Some(Role::User) || matches!(change.disabled, Some(Some(_))) {
                keep_an_admin(c, id)?;
            }
            if matches!(change.disabled, Some(Some(_))) {
                c.execute("DELETE FROM sessions WHERE user_id = ?", [id.0])?;
            }
            let sql = "UPDATE users SET role = ?, disabled_at = ?, cap_day = ?, cap_month = ? WHERE id = ?";
            let values = params![
                change.role.unwrap_or(now.role).as_str(),
                change.disabled.unwrap_or(now.disabled),
                change.cap_day.unwrap_or(now.caps.0),
                change.cap_month.unwrap_or(now.caps.1),
                id.0
            ];
            c.execute(sql, values)?;
            get(c, id)
        })
    }

    /// Fails where `delete_user` would: to be asked before anything is done for it.
    pub fn check_deletion(&self, id: UserId) -> Result<()> {
        self.read(|c| may_go(c, id).map(drop))
    }

    /// Removes an account with everything it owns, and returns its avatar. The last administrator can go only as
    /// the last account; then the next to register is the first again.
    pub fn delete_user(&self, id: UserId) -> Result<Option<String>> {
        self.writer.run(move |c| {
            let avatar = get(c, id)?.avatar;
            if may_go(c, id)? {
                c.execute("DELETE FROM meta WHERE name = 'first_admin'", [])?;
            }
            super::turns::forget(c, "user_id = ?1", id.0)?;
            c.execute("DELETE FROM users WHERE id = ?", [id.0])?;
            Ok(avatar)
        })
    }

    /// Which of `ids` can no longer have running answers: gone, or disabled.
    pub fn inactive(&self, ids: &[UserId]) -> Result<Vec<UserId>> {
        self.read(|c| {
            let mut active = c.prepare_cached("SELECT 1 FROM users WHERE id = ? AND disabled_at IS NULL")?;
            let mut inactive = Vec::new();
            for id in ids {
                if active.query_row([id.0], |_| Ok(())).optional()?.is_none() {
                    inactive.push(*id);
                }
            }
            Ok(inactive)
        })
    }
}
