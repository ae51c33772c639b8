//! Two-factor login.

use super::request::Call;
use super::route::{Access, Response, Route, Run, Size, Verb};
use super::{reply, wire};
use crate::error::Result;
use crate::secret::Secret;
use crate::two_factor;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The rows of this noun.
pub const ROUTES: &[Route] = &[
    Route::new::<SetupReply>(Verb::Post, "/api/user/totp", Access::User, Run::Blocking(begin))
        .takes::<BeginForm>(Size::Small)
        .about("Begins to set up two-factor login; nothing is asked for until a code was confirmed."),
    Route::new::<ConfirmReply>(Verb::Post, "/api/user/totp/confirm", Access::User, Run::Blocking(confirm))
        .takes::<ConfirmForm>(Size::Small)
        .about("Turns two-factor login on by a first code; the recovery codes are shown once."),
    Route::new::<reply::MessageReply>(Verb::Delete, "/api/user/totp", Access::User, Run::Blocking(turn_off))
        .takes::<OffForm>(Size::Small)
        .about("Turns two-factor login off."),
];

#[derive(Deserialize, JsonSchema)]
struct BeginForm {
    #[schemars(with = "Option<String>")]
    password: Option<Secret>,
}

#[derive(Deserialize, JsonSchema)]
struct ConfirmForm {
    code: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
struct OffForm {
    #[schemars(with = "Option<String>")]
    password: Option<Secret>,
    code: Option<String>,
}

/// What an authenticator app needs.
#[derive(Serialize, JsonSchema)]
struct SetupReply {
    secret: String,
    uri: String,
    /// An SVG.
    qr: String,
}

/// Each is good once.
#[derive(Serialize, JsonSchema)]
struct ConfirmReply {
    recovery_codes: Vec<String>,
}

fn begin(call: &Call) -> Result<Response> {
    let form: BeginForm = call.json()?;
    let password = wire::needed("password", form.password)?;
    let setup = two_factor::begin(&call.app, call.identity()?.user, &password)?;
    reply::json(&SetupReply { secret: setup.secret.reveal().to_owned(), uri: setup.uri, qr: setup.qr })
}

fn confirm(call: &Call) -> Result<Response> {
    let form: ConfirmForm = call.json()?;
    let code = wire::needed("code", form.code)?;
    let recovery_codes = two_factor::confirm(&call.app, call.identity()?.user, &code)?;
    reply::json(&ConfirmReply { recovery_codes })
}

fn turn_off(call: &Call) -> Result<Response> {
    let form: OffForm = call.json()?;
    let (password, code) = wire::both_needed(("password", form.password), ("code", form.code))?;
    two_factor::turn_off(&call.app, call.identity()?.user, &password, &code)?;
    reply::message("Two-factor login is off")
}
