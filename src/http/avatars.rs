//! Avatars: uploaded through us, or straight to the bucket by a form that we sign.

use super::endpoint::{blocking, calling};
use super::reply;
use super::request::Call;
use super::route::{Access, Query, Response, Route, Run, Size, Upload, Verb, Waiting};
use crate::error::{Error, Result};
use crate::{avatars, keys, oss};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The rows of this noun.
pub const ROUTES: &[Route] = &[
    Route::new::<AvatarReply>(Verb::Post, "/api/user/avatar", Access::User, Run::Waiting(upload))
        .takes_file(Upload { field: "avatar", largest: avatars::LARGEST, too_large: avatars::too_large })
        .about("Takes a picture (PNG, JPEG, WebP or GIF of at most 10 MiB) and keeps its middle as a square PNG.")
        .also(&[502]),
    Route::new::<SignatureReply>(Verb::Get, "/api/oss-signature", Access::User, Run::Blocking(signature))
        .query(&[Query { name: "type", kind: "string", about: "Media type of the picture; image/png when left out." }])
        .about("A signed form to upload one picture straight to the bucket (Aliyun OSS PostObject)."),
    Route::new::<AvatarReply>(Verb::Post, "/api/user/avatar-url", Access::User, Run::Blocking(set_url))
        .takes::<UrlForm>(Size::Small)
        .about("Takes the address of a picture that was uploaded by a form signed for this account."),
];

#[derive(Deserialize, JsonSchema)]
struct UrlForm {
    url: Option<String>,
}

/// The address of the avatar.
#[derive(Serialize, JsonSchema)]
struct AvatarReply {
    avatar: String,
}

/// The fields of the form; the file comes after them.
#[derive(Serialize, JsonSchema)]
struct SignatureReply {
    accessid: String,
    host: String,
    policy: String,
    signature: String,
    /// Unix seconds.
    expire: i64,
    key: String,
    content_types: Vec<&'static str>,
    /// Bytes.
    max_size: u64,
    success_action_status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    signature_version: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x_oss_credential: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x_oss_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x_oss_security_token: Option<String>,
}

fn upload(call: Call) -> Waiting {
    Box::pin(async move {
        let (app, user, body) = (call.app.clone(), call.identity()?.user, call.body.clone());
        let png = blocking(move || avatars::prepare(&body)).await?;
        let keep = move || avatars::keep(&app, user, &png);
        let avatar = match avatars::bucket(&call.app) {
            Some(_) => calling(&call.app, keep).await?,
            None => blocking(keep).await?,
        };
        reply::json(&AvatarReply { avatar: avatars::address(&call.app, &avatar) })
    })
}

fn signature(call: &Call) -> Result<Response> {
    let not_configured = Error::Unavailable("oss_not_configured", "This server has no bucket for pictures.");
    let oss = call.app.oss.as_ref().ok_or(not_configured)?;
    let wanted = call.param("type").unwrap_or("image/png");
    let ending = oss::TYPES.iter().find(|(mime, _)| *mime == wanted).map(|(_, ending)| *ending);
    let ending = ending.ok_or_else(|| {
        Error::field("type", "Pictures are image/png, image/jpeg, image/webp or image/gif.")
    })?;
    let random = keys::random_hex(16).map_err(Error::internal)?;
    let form = oss.form(call.identity()?.user, ending, &random, call.app.clock.now());
    let signature_version = form.version();
    let (x_oss_credential, x_oss_date) = form.v4.unzip();
    reply::json(&SignatureReply {
        accessid: form.access_key_id,
        host: form.host,
        policy: form.policy,
        signature: form.signature,
        expire: form.expire,
        key: form.key,
        content_types: oss::TYPES.iter().map(|(mime, _)| *mime).collect(),
        max_size: oss::MAX_SIZE,
        success_action_status: "200",
        signature_version,
        x_oss_credential,
        x_oss_date,
        x_oss_security_token: form.security_token,
    })
}

fn set_url(call: &Call) -> Result<Response> {
    let form: UrlForm = call.json()?;
    let url = form.url.unwrap_or_default();
    let avatar = avatars::set_url(&call.app, call.identity()?.user, &url)?;
    reply::json(&AvatarReply { avatar: avatars::address(&call.app, &avatar) })
}
