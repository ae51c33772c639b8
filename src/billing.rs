//! Whose key pays, and how much of the shared one a person may use.

use crate::app::App;
use crate::calendar::Span;
use crate::error::{Error, Result};
use crate::model::{PaidBy, UserId};
use crate::secret::Secret;
use crate::store::{Target, User};

/// What a person may use of the shared key in a span, and has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cap {
    /// Tokens used in it.
    pub used: i64,
    /// Tokens allowed in it.
    pub limit: i64,
    /// When it begins anew, in Unix seconds.
    pub resets: i64,
}

/// A person's caps, and which key would pay now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// `None`: there is no key at all.
    pub paid_by: Option<PaidBy>,
    /// `None`: no cap.
    pub day: Option<Cap>,
    /// `None`: no cap.
    pub month: Option<Cap>,
}

/// What a sealed API key is bound to.
pub fn seal_name(user: UserId, origin: &str) -> String {
    format!("api key of user {user} for {origin}", user = user.0)
}

/// The key that pays: the person's own, else the shared one.
pub fn key_for(app: &App, target: &Target) -> Result<(Secret, PaidBy)> {
    let own = target.key.as_deref().and_then(|sealed| open(app, &target.user, sealed));
    let shared = || Some(app.settings().shared_key.clone()).filter(|key| !key.is_empty());
    own.map(|key| (key, PaidBy::Own))
        .or_else(|| shared().map(|key| (key, PaidBy::Shared)))
        .ok_or_else(key_missing)
}

/// There is no key at all.
pub fn key_missing() -> Error {
    Error::Refused(
        "api_key_missing",
        "To answer, a key for the model service is needed. Add yours in the settings.".into(),
    )
}

/// Opens a person's key, if it was saved for the origin that is configured now.
fn open(app: &App, user: &User, sealed: &[u8]) -> Option<Secret> {
    let origin = app.config.upstream.base_url.origin();
    let (_, saved_for) = user.key.as_ref()?;
    (saved_for == origin).then(|| app.master.open(sealed, &seal_name(user.id, origin)))?
}

/// The masked form of the person's key, if it can be used now.
pub fn key_hint<'a>(app: &App, user: &'a User) -> Option<&'a str> {
    let (hint, origin) = user.key.as_ref()?;
    (origin == app.config.upstream.base_url.origin()).then_some(hint.as_str())
}

/// The person's caps.
pub fn caps(app: &App, user: &User) -> Result<Caps> {
    let own = key_hint(app, user).map(|_| PaidBy::Own);
    let settings = app.settings();
    let shared = (!settings.shared_key.is_empty()).then_some(PaidBy::Shared);
    let now = app.clock.now();
    let cap = |own: Option<i64>, configured: i64, span: Span| -> Result<Option<Cap>> {
        let limit = own.unwrap_or(configured);
        if limit <= 0 {
            return Ok(None);
        }
        let used = app.store.tokens_used(user.id, PaidBy::Shared, span)?;
        Ok(Some(Cap { used, limit, resets: span.until }))
    };
    Ok(Caps {
        paid_by: own.or(shared),
        day: cap(user.caps.0, settings.tokens_per_day, app.zone.day_span(now))?,
        month: cap(user.caps.1, settings.tokens_per_month, app.zone.month_span(now))?,
    })
}

/// Fails when the shared key would pay and the person's share of it is used up.
pub fn within_caps(app: &App, user: &User, paid_by: PaidBy) -> Result<()> {
    if paid_by == PaidBy::Own {
        return Ok(());
    }
    let caps = caps(app, user)?;
    for cap in [caps.month, caps.day].into_iter().flatten() {
        if cap.used >= cap.limit {
            let wait = u64::try_from(cap.resets - app.clock.now()).unwrap_or(1).max(1);
            let sentence = format!(
                "Your share of the shared key is used up until {}. A key of your own still works.",
                app.zone.stamp(cap.resets)
            );
            return Err(Error::Limited("cap_reached", sentence.into(), wait));
        }
    }
    Ok(())
}
