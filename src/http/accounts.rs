//! Accounts: register, sign in and out, the person's own settings, the API key.

use super::endpoint::{blocking, to_its_end};
use super::request::{Call, nullable};
use super::route::{Access, Response, Route, Run, Size, Verb, Waiting};
use super::{reply, wire};
use crate::accounts::{self, Registering, SignedIn};
use crate::error::Result;
use crate::model::{PaidBy, Role, UserId};
use crate::secret::Secret;
use crate::store::{User, UserChange};
use crate::{avatars, billing, chat};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The rows of this noun.
pub const ROUTES: &[Route] = &[
    Route::new::<SignedInReply>(Verb::Post, "/api/register", Access::Public, Run::Blocking(register))
        .takes::<RegisterForm>(Size::Small)
        .about("Makes an account and signs it in. The first account is the administrator.")
        .also(&[403]),
    Route::new::<SignedInReply>(Verb::Post, "/api/login", Access::Public, Run::Blocking(login))
        .takes::<LoginForm>(Size::Small)
        .about("Signs in.")
        .also(&[401, 403]),
    Route::new::<reply::MessageReply>(Verb::Post, "/api/logout", Access::User, Run::Blocking(logout))
        .about("Ends this login."),
    Route::new::<reply::MessageReply>(Verb::Post, "/api/logout-all", Access::User, Run::Blocking(logout_all))
        .about("Ends every login of the account."),
    Route::new::<UserReply>(Verb::Get, "/api/user", Access::User, Run::Blocking(user)).about("The account."),
    Route::new::<UserReply>(Verb::Patch, "/api/user", Access::User, Run::Blocking(update))
        .takes::<UpdateForm>(Size::Messages)
        .about("Changes name, language and defaults; null empties, what is left out stays."),
    Route::new::<reply::MessageReply>(Verb::Delete, "/api/user", Access::User, Run::Waiting(delete))
        .takes::<DeleteForm>(Size::Small)
        .about("Deletes the account with everything it owns."),
    Route::new::<SignedInReply>(Verb::Post, "/api/user/password", Access::User, Run::Blocking(password))
        .takes::<PasswordForm>(Size::Small)
        .about("Changes the password, ends every login and gives a fresh one."),
    Route::new::<reply::MessageReply>(Verb::Post, "/api/user/api-key", Access::User, Run::Blocking(set_key))
        .takes::<KeyForm>(Size::Small)
        .about("Keeps the API key, sealed. It never leaves the server again."),
    Route::new::<reply::MessageReply>(
        Verb::Delete,
        "/api/user/api-key",
        Access::User,
        Run::Blocking(remove_key),
    )
    .about("Removes the API key."),
];

#[derive(Deserialize, JsonSchema)]
struct RegisterForm {
    name: Option<String>,
    email: Option<String>,
    #[schemars(with = "Option<String>")]
    password: Option<Secret>,
    #[schemars(with = "Option<String>")]
    password_confirmation: Option<Secret>,
    /// The code of an invitation, or the set-up code.
    #[schemars(with = "Option<String>")]
    invite: Option<Secret>,
}

#[derive(Deserialize, JsonSchema)]
struct LoginForm {
    email: Option<String>,
    #[schemars(with = "Option<String>")]
    password: Option<Secret>,
    /// With two-factor login: six digits, or a recovery code.
    code: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
struct UpdateForm {
    name: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    locale: Option<Option<String>>,
    #[serde(default, deserialize_with = "nullable")]
    default_model: Option<Option<String>>,
    #[serde(default, deserialize_with = "nullable")]
    system_prompt: Option<Option<String>>,
}

#[derive(Deserialize, JsonSchema)]
struct DeleteForm {
    #[schemars(with = "Option<String>")]
    password: Option<Secret>,
}

#[derive(Deserialize, JsonSchema)]
struct PasswordForm {
    #[schemars(with = "Option<String>")]
    current_password: Option<Secret>,
    #[schemars(with = "Option<String>")]
    password: Option<Secret>,
    #[schemars(with = "Option<String>")]
    password_confirmation: Option<Secret>,
}

#[derive(Deserialize, JsonSchema)]
struct KeyForm {
    #[schemars(with = "Option<String>")]
    api_key: Option<Secret>,
}

/// An account and the token of a new login.
#[derive(Serialize, JsonSchema)]
struct SignedInReply {
    /// For `Authorization: Bearer`.
    token: String,
    user: UserReply,
    message: &'static str,
}

/// The account.
#[derive(Serialize, JsonSchema)]
struct UserReply {
    id: UserId,
    name: String,
    email: String,
    /// The masked form of the key, or null.
    api_key: Option<String>,
    has_api_key: bool,
    avatar: Option<String>,
    role: Role,
    locale: Option<String>,
    default_model: Option<String>,
    system_prompt: Option<String>,
    created_at: String,
    created: i64,
    caps: CapsReply,
    /// Two-factor login is on.
    totp: bool,
    /// What an administrator says to everybody; may be empty.
    announcement: String,
}

/// What of the shared key the person may use.
#[derive(Serialize, JsonSchema)]
struct CapsReply {
    /// Whose key would pay now; null when there is none.
    paid_by: Option<PaidBy>,
    day: Option<CapReply>,
    month: Option<CapReply>,
}

/// Tokens of the shared key in a day or month.
#[derive(Serialize, JsonSchema)]
struct CapReply {
    used: i64,
    limit: i64,
    /// Unix seconds.
    resets: i64,
}

fn user_reply(call: &Call, user: &User) -> Result<UserReply> {
    let caps = billing::caps(&call.app, user)?;
    let cap = |cap: Option<billing::Cap>| {
        cap.map(|cap| CapReply { used: cap.used, limit: cap.limit, resets: cap.resets })
    };
    let key = billing::key_hint(&call.app, user);
    Ok(UserReply {
        id: user.id,
        name: user.name.clone(),
        email: user.email.clone(),
        api_key: key.map(str::to_owned),
        has_api_key: key.is_some(),
        avatar: user.avatar.as_deref().map(|avatar| avatars::address(&call.app, avatar)),
        role: user.role,
        locale: user.locale.clone(),
        default_model: user.default_model.clone(),
        system_prompt: user.system_prompt.clone(),
        created_at: call.zone.stamp(user.created),
        created: user.created,
        caps: CapsReply { paid_by: caps.paid_by, day: cap(caps.day), month: cap(caps.month) },
        totp: user.totp,
        announcement: call.app.settings().announcement.clone(),
    })
}

fn signed_in(call: &Call, signed_in: &SignedIn, message: &'static str) -> Result<Response> {
    let user = user_reply(call, &signed_in.user)?;
    reply::json(&SignedInReply { token: signed_in.token.reveal().to_owned(), user, message })
}

fn register(call: &Call) -> Result<Response> {
    let form: RegisterForm = call.json()?;
    let registering = Registering {
        name: form.name,
        email: form.email,
        password: form.password,
        confirmation: form.password_confirmation,
        invite: form.invite,
    };
    let account = accounts::register(&call.app, &call.origin, &registering)?;
    signed_in(call, &account, "Registered successfully")
}

fn login(call: &Call) -> Result<Response> {
    let form: LoginForm = call.json()?;
    let (email, password) = wire::both_needed(("email", form.email), ("password", form.password))?;
    let account = accounts::login(&call.app, &call.origin, &email, &password, form.code.as_deref())?;
    signed_in(call, &account, "Signed in successfully")
}

fn logout(call: &Call) -> Result<Response> {
    let identity = call.identity()?;
    call.app.store.end_session(identity.user, identity.session.clone())?;
    reply::message("Signed out")
}

fn logout_all(call: &Call) -> Result<Response> {
    call.app.store.end_sessions(call.identity()?.user)?;
    reply::message("Signed out everywhere")
}

fn user(call: &Call) -> Result<Response> {
    let user = call.app.store.user(call.identity()?.user)?;
    reply::json(&user_reply(call, &user)?)
}

fn update(call: &Call) -> Result<Response> {
    let form: UpdateForm = call.json()?;
    let change = UserChange {
        name: form.name,
        locale: form.locale.map(wire::none_if_empty),
        default_model: form.default_model.map(wire::none_if_empty),
        system_prompt: form.system_prompt,
    };
    let user = accounts::update(&call.app, call.identity()?.user, change)?;
    reply::json(&user_reply(call, &user)?)
}

fn delete(call: Call) -> Waiting {
    Box::pin(to_its_end(async move {
        let form: DeleteForm = call.json()?;
        let user = call.identity()?.user;
        let app = call.app.clone();
        let running = blocking(move || {
            accounts::confirm_deletion(&app, user, &wire::needed("password", form.password)?)?;
            Ok(chat::stop_user(&app, user))
        })
        .await?;
        wire::wait_for_all(&running).await;
        let app = call.app.clone();
        blocking(move || accounts::delete(&app, user)).await?;
        reply::message("Account deleted")
    }))
}

fn password(call: &Call) -> Result<Response> {
    let form: PasswordForm = call.json()?;
    let (current, new) =
        wire::both_needed(("current_password", form.current_password), ("password", form.password))?;
    let user = call.identity()?.user;
    let account = accounts::change_password(
        &call.app,
        user,
        &call.origin.agent,
        &current,
        &new,
        form.password_confirmation.as_ref(),
    )?;
    signed_in(call, &account, "Password changed")
}

fn set_key(call: &Call) -> Result<Response> {
    let form: KeyForm = call.json()?;
    let key = form.api_key.unwrap_or_default();
    accounts::set_key(&call.app, call.identity()?.user, &key)?;
    reply::message("API key updated successfully")
}

fn remove_key(call: &Call) -> Result<Response> {
    call.app.store.set_key(call.identity()?.user, None)?;
    reply::message("API key removed")
}
