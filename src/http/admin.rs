//! Administration: people, invitations, settings, figures of the server. Nothing here shows what somebody wrote or a key.

use super::endpoint::{blocking, to_its_end};
use super::request::{Call, nullable};
use super::route::{Access, Query, Response, Route, Run, Size, Verb, Waiting};
use super::{exports, reply, wire};
use crate::error::{Error, Result};
use crate::export::Document;
use crate::model::{PaidBy, Role, UserId};
use crate::secret::Secret;
use crate::settings::{self, Change};
use crate::store::{AccountChange, Person, User};
use crate::{accounts, admin, billing, chat, invites};
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The rows of this noun.
pub const ROUTES: &[Route] = &[
    Route::new::<PeopleReply>(Verb::Get, "/api/admin/users", Access::Admin, Run::Blocking(people))
        .query(&[
            Query { name: "q", kind: "string", about: "Only those with this in name or e-mail." },
            Query { name: "limit", kind: "integer", about: "1 to 200; 50 when left out." },
            Query { name: "before", kind: "string", about: "The `next` of the page before." },
        ])
        .about("Accounts, oldest first, with their share of the shared key."),
    Route::new::<PersonReply>(
        Verb::Patch,
        "/api/admin/users/{id}",
        Access::Admin,
        Run::Waiting(change_person),
    )
    .takes::<PersonForm>(Size::Small)
    .about("Changes role, state or caps; effects are immediate."),
    Route::new::<PasswordReply>(
        Verb::Post,
        "/api/admin/users/{id}/password",
        Access::Admin,
        Run::Blocking(new_password),
    )
    .about("Gives the account a new password, which is shown once, and ends its logins."),
    Route::new::<reply::MessageReply>(
        Verb::Delete,
        "/api/admin/users/{id}",
        Access::Admin,
        Run::Waiting(delete_person),
    )
    .about("Deletes an account with everything it owns."),
    Route::new::<InvitesReply>(Verb::Get, "/api/admin/invites", Access::Admin, Run::Blocking(list_invites))
        .about("Invitations that can still be used, newest first."),
    Route::new::<NewInviteReply>(Verb::Post, "/api/admin/invites", Access::Admin, Run::Blocking(invite))
        .takes::<InviteForm>(Size::Small)
        .about("Makes an invitation. Its code is shown once."),
    Route::new::<reply::MessageReply>(
        Verb::Delete,
        "/api/admin/invites/{id}",
        Access::Admin,
        Run::Blocking(revoke),
    )
    .about("Ends an invitation."),
    Route::new::<UseReply>(Verb::Get, "/api/admin/usage", Access::Admin, Run::Blocking(usage))
        .query(&[
            Query { name: "days", kind: "integer", about: "Calendar days, 1 to 366; 30 when left out." },
            Query { name: "by", kind: "user|model", about: "user when left out." },
            Query { name: "format", kind: "json|csv", about: "json when left out." },
            Query { name: "tz", kind: "string", about: "Time zone of the days." },
        ])
        .or_gives(&["text/csv"])
        .about("Tokens by day and person or model."),
    Route::new::<SettingsReply>(
        Verb::Get,
        "/api/admin/settings",
        Access::Admin,
        Run::Blocking(show_settings),
    )
    .about("What can be set at run time; what is in `locked` is fixed by the configuration."),
    Route::new::<SettingsReply>(
        Verb::Patch,
        "/api/admin/settings",
        Access::Admin,
        Run::Blocking(change_settings),
    )
    .takes::<SettingsForm>(Size::Messages)
    .about("Changes settings, in force at once."),
    Route::new::<ServerReply>(Verb::Get, "/api/admin/server", Access::Admin, Run::Blocking(server))
        .about("The server's own figures."),
    Route::new::<()>(Verb::Get, "/api/admin/backup", Access::Admin, Run::Waiting(backup))
        .gives_other(&["application/zip"])
        .about("A backup of the whole server, without keys."),
];

#[derive(Deserialize, JsonSchema)]
struct PersonForm {
    /// admin or user.
    role: Option<String>,
    disabled: Option<bool>,
    /// Tokens of the shared key a day; null: as configured, 0: no cap.
    #[serde(default, deserialize_with = "nullable")]
    cap_day: Option<Option<i64>>,
    /// The same a month.
    #[serde(default, deserialize_with = "nullable")]
    cap_month: Option<Option<i64>>,
}

#[derive(Deserialize, JsonSchema)]
struct InviteForm {
    /// How often it can be used; 1 when left out.
    uses: Option<i64>,
    /// Days until it ends; 7 when left out.
    days: Option<i64>,
    note: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
struct SettingsForm {
    /// open, invite or closed.
    registration: Option<String>,
    /// An empty text removes it.
    #[schemars(with = "Option<String>")]
    shared_key: Option<Secret>,
    default_model: Option<String>,
    models: Option<Vec<String>>,
    shared_tokens_per_day: Option<i64>,
    shared_tokens_per_month: Option<i64>,
    announcement: Option<String>,
}

/// A page of accounts.
#[derive(Serialize, JsonSchema)]
struct PeopleReply {
    users: Vec<PersonReply>,
    next: Option<String>,
}

/// An account as an administrator sees it.
#[derive(Serialize, JsonSchema)]
struct PersonReply {
    id: UserId,
    name: String,
    email: String,
    role: Role,
    disabled: bool,
    has_api_key: bool,
    /// Tokens of the shared key this month.
    tokens_month: i64,
    cap_day: Option<i64>,
    cap_month: Option<i64>,
    avatar: Option<String>,
    created_at: String,
    created: i64,
    /// Unix seconds, to within some minutes.
    last_seen: Option<i64>,
}

/// A password, shown once.
#[derive(Serialize, JsonSchema)]
struct PasswordReply {
    password: String,
}

/// Invitations.
#[derive(Serialize, JsonSchema)]
struct InvitesReply {
    invites: Vec<InviteReply>,
    next: Option<String>,
}

/// An invitation without its code.
#[derive(Serialize, JsonSchema)]
struct InviteReply {
    id: i64,
    note: String,
    uses_left: i64,
    /// Unix seconds.
    expires: i64,
    created: i64,
}

/// A new invitation; the code is shown once.
#[derive(Serialize, JsonSchema)]
struct NewInviteReply {
    id: i64,
    code: String,
    url: String,
}

/// What was used.
#[derive(Serialize, JsonSchema)]
struct UseReply {
    usage: Vec<admin::UsageLine>,
}

/// The settings in force.
#[derive(Serialize, JsonSchema)]
struct SettingsReply {
    registration: &'static str,
    /// Masked, or null.
    shared_key: Option<String>,
    default_model: String,
    models: Vec<String>,
    shared_tokens_per_day: i64,
    shared_tokens_per_month: i64,
    announcement: String,
    /// Names of those that the configuration has fixed.
    locked: Vec<&'static str>,
}

/// The server's own figures.
#[derive(Serialize, JsonSchema)]
struct ServerReply {
    version: &'static str,
    /// Unix seconds.
    started: i64,
    data_bytes: u64,
    database_bytes: i64,
    files_bytes: u64,
    users: i64,
    turns: i64,
    /// Answers that are running.
    running: usize,
    /// Memory in use; null where the system does not say.
    memory_bytes: Option<u64>,
    /// Unix seconds; null: never.
    last_backup: Option<i64>,
}

fn person_reply(call: &Call, user: &User, tokens_month: i64) -> Result<PersonReply> {
    Ok(PersonReply {
        id: user.id,
        name: user.name.clone(),
        email: user.email.clone(),
        role: user.role,
        disabled: user.disabled.is_some(),
        has_api_key: billing::key_hint(&call.app, user).is_some(),
        tokens_month,
        cap_day: user.caps.0,
        cap_month: user.caps.1,
        avatar: user.avatar.as_deref().map(|avatar| crate::avatars::address(&call.app, avatar)),
        created_at: call.zone.stamp(user.created),
        created: user.created,
        last_seen: user.last_seen,
    })
}

fn people(call: &Call) -> Result<Response> {
    let limit = call.number_param("limit", 1..=200, 50)? as usize;
    let after = call.id_param("before", |id| id)?.unwrap_or(0);
    let month = call.app.zone.month_span(call.app.clock.now());
    let (found, more) = call.app.store.people(call.param("q"), after, month, limit)?;
    let next = found.last().map(|person| person.user.id.0.to_string()).filter(|_| more);
    let reply = |person: &Person| person_reply(call, &person.user, person.tokens);
    reply::json(&PeopleReply { users: found.iter().map(reply).collect::<Result<_>>()?, next })
}

fn change_person(call: Call) -> Waiting {
    Box::pin(async move {
        let (id, form) = (call.id_at(0, UserId)?, call.json::<PersonForm>()?);
        let role = match form.role.as_deref() {
            None => None,
            Some(word) => {
                Some(Role::parse(word).ok_or_else(|| Error::field("role", "This must be admin or user."))?)
            }
        };
        let now = call.app.clock.now();
        let change = AccountChange {
            role,
            disabled: form.disabled.map(|disabled| disabled.then_some(now)),
            cap_day: form.cap_day,
            cap_month: form.cap_month,
        };
        let (app, month) = (call.app.clone(), call.app.zone.month_span(now));
        let (user, tokens) = blocking(move || {
            let user = admin::change(&app, id, change)?;
            Ok((user, app.store.tokens_used(id, PaidBy::Shared, month)?))
        })
        .await?;
        if user.disabled.is_some() {
            wire::wait_for_all(&chat::stop_user(&call.app, id)).await;
        }
        reply::json(&person_reply(&call, &user, tokens)?)
    })
}

fn new_password(call: &Call) -> Result<Response> {
    let user = call.app.store.find_user(call.id_at(0, UserId)?)?;
    let password = accounts::random_password()?;
    accounts::reset_password(&call.app, user.id, &password)?;
    reply::json(&PasswordReply { password: password.reveal().to_owned() })
}

fn delete_person(call: Call) -> Waiting {
    Box::pin(to_its_end(async move {
        let id = call.id_at(0, UserId)?;
        let app = call.app.clone();
        // The account is ended first, so that nothing new begins while what runs is stopped.
        let end = AccountChange { disabled: Some(Some(app.clock.now())), ..AccountChange::default() };
        blocking(move || admin::change(&app, id, end)).await?;
        wire::wait_for_all(&chat::stop_user(&call.app, id)).await;
        let app = call.app.clone();
        blocking(move || accounts::delete(&app, id)).await?;
        reply::message("Account deleted")
    }))
}

fn list_invites(call: &Call) -> Result<Response> {
    let found = call.app.store.invites(call.app.clock.now())?;
    let invites = found.into_iter().map(|invite| InviteReply {
        id: invite.id,
        note: invite.note,
        uses_left: invite.uses_left,
        expires: invite.expires,
        created: invite.created,
    });
    reply::json(&InvitesReply { invites: invites.collect(), next: None })
}

fn invite(call: &Call) -> Result<Response> {
    let form: InviteForm = call.json()?;
    let note = form.note.unwrap_or_default();
    let made = invites::create(&call.app, form.uses.unwrap_or(1), form.days.unwrap_or(7), &note)?;
    reply::json(&NewInviteReply { id: made.id, code: made.code.reveal().to_owned(), url: made.url })
}

fn revoke(call: &Call) -> Result<Response> {
    call.app.store.revoke_invite(call.id_at(0, |id| id)?)?;
    reply::message("Invitation ended")
}

fn usage(call: &Call) -> Result<Response> {
    let days = call.number_param("days", 1..=366, 30)?;
    let by_model = match call.param("by").unwrap_or("user") {
        "user" => false,
        "model" => true,
        _ => return Err(Error::field("by", "This must be user or model.")),
    };
    let csv = match call.param("format").unwrap_or("json") {
        "json" => false,
        "csv" => true,
        _ => return Err(Error::field("format", "This must be json or csv.")),
    };
    let usage = admin::usage(&call.app, &call.zone, days, by_model)?;
    if !csv {
        return reply::json(&UseReply { usage });
    }
    let mut response = reply::bytes(admin::csv(&usage, by_model).into());
    exports::name(&mut response, "usage.csv", "text/csv; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    Ok(response)
}

fn show_settings(call: &Call) -> Result<Response> {
    let settings = call.app.settings();
    let key = Some(settings.shared_key.reveal()).filter(|key| !key.is_empty()).map(accounts::mask);
    reply::json(&SettingsReply {
        registration: settings::registration_word(settings.registration),
        shared_key: key,
        default_model: settings.default_model.clone(),
        models: settings.models.clone(),
        shared_tokens_per_day: settings.tokens_per_day,
        shared_tokens_per_month: settings.tokens_per_month,
        announcement: settings.announcement.clone(),
        locked: settings::locked(&call.app.config),
    })
}

fn change_settings(call: &Call) -> Result<Response> {
    let form: SettingsForm = call.json()?;
    let registration = match form.registration.as_deref() {
        None => None,
        Some(word) => Some(
            settings::registration(word)
                .ok_or_else(|| Error::field("registration", "This must be open, invite or closed."))?,
        ),
    };
    let change = Change {
        registration,
        shared_key: form.shared_key,
        default_model: form.default_model,
        models: form.models,
        tokens_per_day: form.shared_tokens_per_day,
        tokens_per_month: form.shared_tokens_per_month,
        announcement: form.announcement,
    };
    settings::change(&call.app, change)?;
    show_settings(call)
}

fn server(call: &Call) -> Result<Response> {
    let figures = admin::figures(&call.app)?;
    reply::json(&ServerReply {
        version: env!("CARGO_PKG_VERSION"),
        started: call.app.started,
        data_bytes: figures.data_bytes,
        database_bytes: figures.database_bytes,
        files_bytes: figures.files_bytes,
        users: figures.users,
        turns: figures.turns,
        running: *call.app.answers.count().borrow(),
        memory_bytes: figures.memory_bytes,
        last_backup: figures.last_backup,
    })
}

fn backup(call: Call) -> Waiting {
    Box::pin(async move {
        let app = call.app.clone();
        let day = call.app.zone.day(call.app.clock.now());
        let write = move |path: &std::path::Path| {
            crate::backup::write(&app, path, false, &mut |_, _| ())
                .map_err(|e| Error::Storage(format!("{e:#}")))?;
            Ok(Document { name: format!("gpt-assistant-{day}.zip"), media_type: exports::ZIP })
        };
        exports::temporary(&call, write).await
    })
}
