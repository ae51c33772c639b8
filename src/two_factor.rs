//! Two-factor login, off until a person turns it on: a code by time, or one of ten recovery codes, each good once.

use crate::accounts;
use crate::app::App;
use crate::auth::totp;
use crate::error::{Error, Result};
use crate::keys;
use crate::limits::{Action, Who};
use crate::model::UserId;
use crate::secret::Secret;

const RECOVERY_CODES: usize = 10;
/// Of a recovery code: 80 bits in hexadecimal.
const RECOVERY_BYTES: usize = 10;

/// What an authenticator app needs.
pub struct Setup {
    /// In base32, to type in.
    pub secret: Secret,
    /// To open on a phone.
    pub uri: String,
    /// To photograph: an SVG.
    pub qr: String,
}

/// Begins to set it up. Nothing is asked for until a code was confirmed.
pub fn begin(app: &App, user: UserId, password: &Secret) -> Result<Setup> {
    accounts::confirm_password(app, user, password)?;
    let secret = totp::new_secret()?;
    let sealed = app.master.seal(&secret, &seal_name(user)).map_err(Error::internal)?;
    if !app.store.prepare_two_factor(user, sealed)? {
        return Err(Error::Refused("totp_on", "Two-factor login is on already. Turn it off first.".into()));
    }
    let uri = totp::uri(&secret, &app.store.user(user)?.email);
    let qr = totp::qr(&uri)?;
    Ok(Setup { secret, uri, qr })
}

/// Turns it on by a first code, and gives the recovery codes, which are shown once.
pub fn confirm(app: &App, user: UserId, code: &str) -> Result<Vec<String>> {
    app.limits.take(Action::Login, Who::User(user))?;
    let kept = app.store.two_factor(user)?;
    let secret =
        kept.sealed.filter(|_| !kept.on).and_then(|sealed| app.master.open(&sealed, &seal_name(user)));
    let secret =
        secret.ok_or(Error::Refused("totp_not_begun", "Begin to set up two-factor login first.".into()))?;
    let step = totp::step(&secret, code, app.clock.now()).ok_or_else(wrong)?;
    let codes =
        (0..RECOVERY_CODES).map(|_| keys::random_hex(RECOVERY_BYTES)).collect::<std::io::Result<Vec<_>>>();
    let codes = codes.map_err(Error::internal)?;
    let hashes = codes.iter().map(|code| keys::digest(code.as_bytes())).collect();
    if app.store.turn_on_two_factor(user, step, hashes)? { Ok(codes) } else { Err(wrong()) }
}

/// Turns it off.
pub fn turn_off(app: &App, user: UserId, password: &Secret, code: &str) -> Result<()> {
    accounts::confirm_password(app, user, password)?;
    if app.store.two_factor(user)?.on && !is_right(app, user, code)? {
        return Err(wrong());
    }
    app.store.clear_two_factor(user)
}

/// For a login whose password was right.
pub fn check_login(app: &App, user: UserId, code: Option<&str>) -> Result<()> {
    if !app.store.two_factor(user)?.on {
        return Ok(());
    }
    match code {
        None => Err(Error::Credentials("totp_required", "The code of your authenticator app is needed.")),
        Some(code) => {
            // By account, too: six digits are few for somebody who knows the password and has many addresses.
            app.limits.take(Action::Login, Who::User(user))?;
            if is_right(app, user, code)? {
                Ok(())
            } else {
                Err(Error::Credentials("code_invalid", "This code is not right, or was used before."))
            }
        }
    }
}

/// Whether a code is right; it is then used up.
fn is_right(app: &App, user: UserId, code: &str) -> Result<bool> {
    let kept = app.store.two_factor(user)?;
    let secret = kept.sealed.and_then(|sealed| app.master.open(&sealed, &seal_name(user)));
    match secret.and_then(|secret| totp::step(&secret, code, app.clock.now())) {
        Some(step) => app.store.use_step(user, step),
        None => {
            let plain: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
            app.store.use_recovery_code(user, keys::digest(plain.to_ascii_lowercase().as_bytes()))
        }
    }
}

fn wrong() -> Error {
    Error::Refused("code_invalid", "This code is not right, or was used before.".into())
}

fn seal_name(user: UserId) -> String {
    format!("two-factor secret of user {}", user.0)
}
