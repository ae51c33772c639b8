//! Invitations: a code that lets so many people register until a day.

use crate::app::App;
use crate::error::{Error, Fields, Result};
use crate::keys;
use crate::secret::Secret;

const DAY: i64 = 24 * 3600;
const LONGEST_NOTE: usize = 200;

/// A new invitation. The code is known only now.
pub struct NewInvite {
    /// Its number.
    pub id: i64,
    /// Lets people register.
    pub code: Secret,
    /// The address of the page with the code filled in; without a host where none is configured.
    pub url: String,
}

/// Makes one that can be used `uses` times within `days` days.
pub fn create(app: &App, uses: i64, days: i64, note: &str) -> Result<NewInvite> {
    let mut faults = Fields::new();
    if !(1..=1000).contains(&uses) {
        faults.push(("uses".into(), "This must be a number from 1 to 1000.".into()));
    }
    if !(1..=365).contains(&days) {
        faults.push(("days".into(), "This must be a number from 1 to 365.".into()));
    }
    if note.chars().count() > LONGEST_NOTE || !crate::accounts::is_line(note) {
        faults.push(("note".into(), "A note is one line of at most 200 characters.".into()));
    }
    if !faults.is_empty() {
        return Err(Error::Invalid(faults));
    }
    let code = keys::random_hex(10).map_err(Error::internal)?;
    let now = app.clock.now();
    let hash = keys::digest(code.as_bytes());
    let id = app.store.create_invite(hash, note.trim().to_owned(), uses, now, now + days * DAY)?;
    let server = &app.config.server;
    let host = server.public_url.as_ref().map(ToString::to_string).unwrap_or_default();
    let url = format!("{host}{}/register?invite={code}", server.base_path);
    Ok(NewInvite { id, code: Secret::new(code), url })
}
