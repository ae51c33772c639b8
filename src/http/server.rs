//! What the server says of itself: health, reference, models.

use super::assets::ASSETS;
use super::request::Call;
use super::route::{Access, Response, Route, Run, Size, Verb, Waiting};
use super::{openapi, reply};
use crate::accounts::check_key;
use crate::app::App;
use crate::billing;
use crate::error::{Error, Result};
use crate::keys;
use crate::secret::Secret;
use crate::settings;
use crate::store::Start;
use crate::upstream::Model;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The rows of these nouns.
pub const ROUTES: &[Route] = &[
    Route::new::<HealthReply>(Verb::Get, "/api/health", Access::Public, Run::Blocking(health))
        .about("Says that the server is there."),
    Route::new::<EntranceReply>(Verb::Get, "/api/entrance", Access::Public, Run::Blocking(entrance))
        .about("What one has to know before signing in."),
    Route::new::<serde_json::Value>(Verb::Get, "/api/openapi.json", Access::Public, Run::Blocking(reference))
        .about("This document."),
    Route::new::<ModelsReply>(Verb::Get, "/api/models", Access::User, Run::Waiting(models)).about(
        "Which models there are; `stale` when the upstream does not answer and the list is an earlier one.",
    ),
    Route::new::<CheckReply>(Verb::Post, "/api/user/api-key/check", Access::User, Run::Waiting(check))
        .takes::<CheckForm>(Size::Small)
        .about("Tries an API key (the one that would pay when left out) on the upstream; nothing is stored."),
];

/// The server is there.
#[derive(Serialize, JsonSchema)]
struct HealthReply {
    status: &'static str,
    version: &'static str,
    /// The build of the page that this server has: another one than an open page's means that it is to be loaded anew.
    build: &'static str,
}

/// What one has to know before signing in.
#[derive(Serialize, JsonSchema)]
struct EntranceReply {
    /// Who may register: open, invite or closed.
    registration: &'static str,
    /// There is no account yet; the next one is the administrator's.
    first_account: bool,
    /// That first account needs the set-up code.
    setup_code: bool,
}

/// Which models there are.
#[derive(Serialize, JsonSchema)]
struct ModelsReply {
    models: Vec<ModelReply>,
    default: String,
    /// The upstream did not answer; this is an earlier list, or none.
    stale: bool,
}

/// A model.
#[derive(Serialize, JsonSchema)]
struct ModelReply {
    id: String,
    /// Size of its context window in tokens, where the upstream says so.
    context: Option<i64>,
    /// Whether it takes pictures; null where nobody knows.
    images: Option<bool>,
}

#[derive(Deserialize, JsonSchema)]
struct CheckForm {
    #[schemars(with = "Option<String>")]
    api_key: Option<Secret>,
}

/// What became of the try.
#[derive(Serialize, JsonSchema)]
struct CheckReply {
    ok: bool,
    code: Option<String>,
    error: Option<String>,
}

fn health(_: &Call) -> Result<Response> {
    reply::json(&HealthReply { status: "ok", version: env!("CARGO_PKG_VERSION"), build: &ASSETS.hash })
}

fn entrance(call: &Call) -> Result<Response> {
    reply::json(&EntranceReply {
        registration: settings::registration_word(call.app.settings().registration),
        first_account: call.app.store.is_empty()?,
        setup_code: call.app.config.needs_setup_code(),
    })
}

fn reference(call: &Call) -> Result<Response> {
    reply::json(&openapi::document(&call.app.config.server.base_path))
}

/// Asks the upstream for its models.
async fn ask(app: Arc<App>, key: Secret) -> Result<Vec<Model>> {
    let asking = app.clone();
    super::endpoint::calling(&app, move || Ok(asking.upstream.models(&key)?)).await
}

fn models(call: Call) -> Waiting {
    Box::pin(async move {
        let (app, user) = (call.app.clone(), call.identity()?.user);
        let key = super::endpoint::blocking(move || {
            let target = app.store.target(user, None, Start::Current)?;
            Ok(billing::key_for(&app, &target).ok().map(|(key, _)| (key, target.user.default_model)))
        })
        .await?;
        let settings = call.app.settings();
        let Some((key, preferred)) = key else {
            return list(&call, &[], settings.default_model.clone(), true);
        };
        let name = keys::digest(key.reveal().as_bytes());
        let (found, stale) = match call.app.models.get(&name) {
            Some((found, true)) => (found, false),
            kept => match ask(call.app.clone(), key).await {
                Ok(found) => {
                    call.app.models.put(name, found.clone());
                    (found, false)
                }
                Err(_) => (kept.map(|(found, _)| found).unwrap_or_default(), true),
            },
        };
        let default = preferred.unwrap_or_else(|| settings.default_model.clone());
        list(&call, &found, default, stale)
    })
}

/// Those that may be used: the allow-list where there is one, else what the upstream has, with the default among them.
fn list(call: &Call, found: &[Model], default: String, stale: bool) -> Result<Response> {
    let settings = call.app.settings();
    let allowed = &settings.models;
    let context = |id: &str| found.iter().find(|m| m.id == id).and_then(|m| m.context);
    let reply = |id: &str| ModelReply { id: id.to_owned(), context: context(id), images: None };
    let mut models: Vec<ModelReply> = if allowed.is_empty() {
        found.iter().map(|model| reply(&model.id)).collect()
    } else {
        allowed.iter().map(|id| reply(id)).collect()
    };
    let default = if models.is_empty() || models.iter().any(|model| model.id == default) {
        default
    } else {
        // The configured default may be none of this upstream's: its first one is a better choice than a refusal.
        models[0].id.clone()
    };
    if models.is_empty() {
        models.push(reply(&default));
    }
    reply::json(&ModelsReply { models, default, stale })
}

fn check(call: Call) -> Waiting {
    Box::pin(async move {
        let form: CheckForm = call.json()?;
        let key = match form.api_key {
            Some(key) => check_key(&key).map_err(|sentence| Error::field("api_key", sentence))?,
            None => {
                let (app, user) = (call.app.clone(), call.identity()?.user);
                super::endpoint::blocking(move || {
                    let target = app.store.target(user, None, Start::Current)?;
                    billing::key_for(&app, &target).map(|(key, _)| key)
                })
                .await?
            }
        };
        let (ok, fault) = match ask(call.app.clone(), key).await {
            Ok(_) => (true, None),
            Err(fault @ (Error::Overloaded | Error::Internal(_))) => return Err(fault),
            Err(fault) => (false, Some((fault.code().to_owned(), fault.to_string()))),
        };
        let (code, error) = fault.unzip();
        reply::json(&CheckReply { ok, code, error })
    })
}
