//! Accounts: made, entered, changed and ended.

use crate::app::App;
use crate::auth::password::{Check, LONGEST};
use crate::config::Registration;
use crate::error::{Error, Fields, Result};
use crate::limits::{Action, Who};
use crate::model::{Role, UserId};
use crate::secret::Secret;
use crate::store::{Identity, NewUser, SealedKey, User, UserChange};
use crate::{avatars, billing, files, keys, text, two_factor};
use email_address::{EmailAddress, Options};
use std::net::IpAddr;

const LONGEST_NAME: usize = 255;
const LONGEST_EMAIL: usize = 254;
const LONGEST_KEY: usize = 300;
const LONGEST_AGENT: usize = 200;
/// How often it is noted that an account is in use, in seconds.
const SEEN_EVERY: i64 = 600;

/// What a registration says.
pub struct Registering {
    /// As the person wants to be called.
    pub name: Option<String>,
    /// Compared without regard to case.
    pub email: Option<String>,
    /// Kept as a hash.
    pub password: Option<Secret>,
    /// The same once more.
    pub confirmation: Option<Secret>,
    /// The code of an invitation, or the set-up code.
    pub invite: Option<Secret>,
}

/// Where a request comes from.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The client's address.
    pub address: IpAddr,
    /// What its browser calls itself.
    pub agent: String,
}

/// A login, with the token that shows it.
pub struct SignedIn {
    /// Whose.
    pub user: User,
    /// The only copy.
    pub token: Secret,
}

/// Makes an account and signs it in.
pub fn register(app: &App, origin: &Origin, form: &Registering) -> Result<SignedIn> {
    app.limits.take(Action::Register, Who::address(origin.address))?;
    let (name, email, password) = check_form(app, form)?;
    let first = app.store.is_empty()?;
    let invite = form.invite.as_ref().map(|code| code.reveal().trim()).filter(|code| !code.is_empty());
    let closed = Error::Forbidden("registration_closed", "This server takes no new accounts.");
    let mut only_first = false;
    let invite = match (first, app.settings().registration) {
        (true, registration) => {
            // There may be none left to show: the account that it was for was deleted. A new start makes a new one.
            let right = |given: &str| app.setup_code().is_some_and(|code| same(given, code.reveal()));
            if app.config.needs_setup_code() && !invite.is_some_and(right) {
                return Err(Error::Forbidden(
                    "setup_code_required",
                    "The first account needs the set-up code that the server prints when it starts.",
                ));
            }
            only_first = registration != Registration::Open || app.config.needs_setup_code();
            None
        }
        (false, Registration::Closed) => return Err(closed),
        (false, Registration::Open) if invite.is_none() => None,
        (false, _) => {
            let code = invite
                .ok_or(Error::Forbidden("invite_invalid", "An invitation is needed to register here."))?;
            Some(keys::digest(code.as_bytes()))
        }
    };
    let password = app.passwords.hash(&password)?;
    let new = NewUser { email, name, password, role: Role::User, invite, only_first, now: app.clock.now() };
    let user = app.store.create_user(new)?;
    app.use_up_setup_code();
    begin_session(app, user, &origin.agent)
}

/// Makes an account without a form: for the command line, which nobody else can reach.
pub fn add(app: &App, email: &str, name: Option<&str>, password: &Secret, role: Role) -> Result<User> {
    let email = check_email(email).map_err(|sentence| Error::field("email", sentence))?;
    let name = name.map_or_else(|| email.split('@').next().unwrap_or(&email).to_owned(), str::to_owned);
    let name = check_name(&name).map_err(|sentence| Error::field("name", sentence))?;
    check_password(app, password).map_err(|sentence| Error::field("password", sentence))?;
    let password = app.passwords.hash(password)?;
    app.store.create_user(NewUser {
        email,
        name,
        password,
        role,
        invite: None,
        only_first: false,
        now: app.clock.now(),
    })
}

/// Signs in. An unknown e-mail and a wrong password are told apart neither by words nor by time.
pub fn login(
    app: &App,
    origin: &Origin,
    email: &str,
    password: &Secret,
    code: Option<&str>,
) -> Result<SignedIn> {
    app.limits.take(Action::Login, Who::address(origin.address))?;
    let found = match check_email(email) {
        Ok(email) => app.store.user_by_email(&email)?,
        Err(_) => None,
    };
    let check = app.passwords.check(password, found.as_ref().map(|(_, hash)| hash.as_str()))?;
    let (Some((user, hash)), Check::Right | Check::Rehash(_)) = (found, &check) else {
        // Without the e-mail: people type passwords there.
        tracing::info!(address = %origin.address, "a login failed");
        return Err(wrong_password());
    };
    if user.disabled.is_some() {
        return Err(Error::Forbidden("account_disabled", "This account is disabled."));
    }
    two_factor::check_login(app, user.id, code)?;
    if let Check::Rehash(new) = check {
        app.store.rehash(user.id, hash, new)?;
    }
    begin_session(app, user, &origin.agent)
}

fn wrong_password() -> Error {
    Error::Credentials("invalid_credentials", "Email or password is not right.")
}

fn begin_session(app: &App, user: User, agent: &str) -> Result<SignedIn> {
    let session = keys::random_hex(16).map_err(Error::internal)?;
    let now = app.clock.now();
    let ttl = i64::try_from(app.config.auth.token_ttl.as_secs()).unwrap_or(i64::MAX);
    let agent: String = agent.chars().filter(|c| !c.is_control()).take(LONGEST_AGENT).collect();
    app.store.begin_session(user.id, session.clone(), agent, now, now.saturating_add(ttl))?;
    let token = Secret::new(app.tokens.issue(user.id, &session, ttl));
    Ok(SignedIn { user, token })
}

/// Who shows `token`: a login of ours that has not ended, of an account that is not disabled.
pub fn authenticate(app: &App, token: &str) -> Result<Identity> {
    let login = app.tokens.verify(token).ok_or(Error::Unauthenticated)?;
    let now = app.clock.now();
    let identity = app.store.identity(login.user, &login.session, now)?.ok_or(Error::Unauthenticated)?;
    if identity.last_seen.is_none_or(|seen| now - seen > SEEN_EVERY) {
        app.store.seen(identity.user, now);
    }
    Ok(identity)
}

/// True while the login that `identity` came from is good.
pub fn is_signed_in(app: &App, identity: &Identity) -> Result<bool> {
    Ok(app.store.identity(identity.user, &identity.session, app.clock.now())?.is_some())
}

/// Fails unless `password` is the user's. Counts as a try to sign in.
pub fn confirm_password(app: &App, user: UserId, password: &Secret) -> Result<()> {
    confirm(app, user, password).map(drop).map_err(|error| match error {
        Error::Invalid(_) => Error::field("password", "The password is not right."),
        other => other,
    })
}

fn confirm(app: &App, user: UserId, password: &Secret) -> Result<String> {
    app.limits.take(Action::Login, Who::User(user))?;
    let hash = app.store.password_hash(user)?;
    match app.passwords.check(password, Some(&hash))? {
        Check::Wrong => Err(Error::field("current_password", "The password is not right.")),
        Check::Right | Check::Rehash(_) => Ok(hash),
    }
}

/// Changes the password, ends every login and begins a new one.
pub fn change_password(
    app: &App,
    user: UserId,
    agent: &str,
    current: &Secret,
    new: &Secret,
    confirmation: Option<&Secret>,
) -> Result<SignedIn> {
    let faults = check_passwords(app, new, confirmation);
    if !faults.is_empty() {
        return Err(Error::Invalid(faults));
    }
    let old = confirm(app, user, current)?;
    let hash = app.passwords.hash(new)?;
    if !app.store.change_password(user, Some(old), hash)? {
        return Err(Error::field("current_password", "The password is not right."));
    }
    begin_session(app, app.store.user(user)?, agent)
}

/// Sets a new password and ends every login: for administrators and the command line.
pub fn reset_password(app: &App, user: UserId, new: &Secret) -> Result<()> {
    check_password(app, new).map_err(|sentence| Error::field("password", sentence))?;
    let hash = app.passwords.hash(new)?;
    app.store.change_password(user, None, hash).map(drop)
}

/// One that nobody has used: 20 letters and digits that cannot be taken for one another.
pub fn random_password() -> Result<Secret> {
    Ok(Secret::new(keys::random_hex(10).map_err(Error::internal)?))
}

/// Fails unless `password` is the user's and the account may be deleted.
pub fn confirm_deletion(app: &App, user: UserId, password: &Secret) -> Result<()> {
    confirm_password(app, user, password)?;
    app.store.check_deletion(user)
}

/// Removes the account with everything it owns. Its running answers have been stopped.
pub fn delete(app: &App, user: UserId) -> Result<()> {
    let avatar = app.store.delete_user(user)?;
    avatars::remove(app, avatar.as_deref());
    files::remove_all(app, user);
    Ok(())
}

/// Changes name, language and defaults.
pub fn update(app: &App, user: UserId, mut change: UserChange) -> Result<User> {
    let mut faults = Fields::new();
    if let Some(name) = change.name.take() {
        match check_name(&name) {
            Ok(name) => change.name = Some(name),
            Err(sentence) => faults.push(("name".into(), sentence.into())),
        }
    }
    if let Some(Some(locale)) = &change.locale
        && !["en", "zh-CN"].contains(&locale.as_str())
    {
        faults.push(("locale".into(), "The languages are en and zh-CN.".into()));
    }
    if let Some(Some(model)) = &change.default_model
        && !is_model_name(model)
    {
        faults.push(("default_model".into(), "This is not the name of a model.".into()));
    }
    if let Some(Some(prompt)) = &change.system_prompt
        && (prompt.chars().count() > app.config.chat.max_message_chars || prompt.contains('\0'))
    {
        faults.push(("system_prompt".into(), "The system prompt is too long.".into()));
    }
    if faults.is_empty() { app.store.update_user(user, change) } else { Err(Error::Invalid(faults)) }
}

/// Keeps an API key, sealed for this user and the configured upstream.
pub fn set_key(app: &App, user: UserId, given: &Secret) -> Result<()> {
    let key = check_key(given).map_err(|sentence| Error::field("api_key", sentence))?;
    let origin = app.config.upstream.base_url.origin();
    let sealed = app.master.seal(&key, &billing::seal_name(user, origin)).map_err(Error::internal)?;
    let hint = mask(key.reveal());
    app.store.set_key(user, Some(SealedKey { sealed, hint, origin: origin.to_owned() }))
}

/// What is shown of a key: four characters only when they are few among many.
pub fn mask(key: &str) -> String {
    let shown = if key.len() >= 20 { &key[key.len() - 4..] } else { "" };
    format!("sk-****{shown}")
}

/// A key as people paste it: with blanks, quotes or `Bearer` around it.
pub fn check_key(given: &Secret) -> Result<Secret, &'static str> {
    let blank = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '\u{201C}' | '\u{201D}' | '`');
    let mut key = given.reveal().trim_matches(blank);
    let (scheme, rest) = key.split_once(char::is_whitespace).unwrap_or((key, ""));
    if scheme.eq_ignore_ascii_case("bearer") {
        key = rest.trim_matches(blank);
    }
    if key.is_empty() {
        return Err("The API key is missing.");
    }
    if key.len() > LONGEST_KEY {
        return Err("The API key is too long.");
    }
    if !key.bytes().all(|b| b.is_ascii_graphic()) {
        return Err("The API key holds characters that no key has.");
    }
    if key.starts_with("sk-****") {
        return Err("This is the masked form of a key, not the key.");
    }
    Ok(Secret::new(key))
}

/// Names of models are passed on byte for byte; they may hold slashes and colons.
pub fn is_model_name(name: &str) -> bool {
    (1..=crate::upstream::LONGEST_MODEL_NAME).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_graphic())
        && !name.split('/').any(|part| part == "..")
}

fn check_form(app: &App, form: &Registering) -> Result<(String, String, Secret)> {
    let mut faults = Fields::new();
    let mut take = |field: &'static str, value: Result<String, &'static str>| match value {
        Ok(value) => value,
        Err(sentence) => {
            faults.push((field.into(), sentence.into()));
            String::new()
        }
    };
    let name = take("name", check_name(form.name.as_deref().unwrap_or_default()));
    let email = take("email", check_email(form.email.as_deref().unwrap_or_default()));
    let password = form.password.clone().unwrap_or_default();
    faults.extend(check_passwords(app, &password, form.confirmation.as_ref()));
    if faults.is_empty() { Ok((name, email, password)) } else { Err(Error::Invalid(faults)) }
}

fn check_name(name: &str) -> Result<String, &'static str> {
    let name = name.trim();
    if name.is_empty() {
        return Err("A name is needed.");
    }
    if name.chars().count() > LONGEST_NAME {
        return Err("The name is too long.");
    }
    if name.chars().any(char::is_control) {
        return Err("The name holds control characters.");
    }
    Ok(name.to_owned())
}

/// Trimmed and in lower case. Only ASCII: two addresses that look alike must not be two accounts.
pub fn check_email(email: &str) -> Result<String, &'static str> {
    let email = email.trim();
    if email.is_empty() {
        return Err("An email address is needed.");
    }
    let options = Options::default().without_display_text().without_domain_literal();
    let plain = email.is_ascii() && email.len() <= LONGEST_EMAIL && !email.contains(['"', '(', '\\', ' ']);
    if !plain || EmailAddress::parse_with_options(email, options).is_err() || email.ends_with('.') {
        return Err("This address is not complete.");
    }
    Ok(email.to_ascii_lowercase())
}

/// A new password and its repetition. That two differ is said only of a password that is good otherwise.
fn check_passwords(app: &App, password: &Secret, again: Option<&Secret>) -> Fields {
    let mut faults = Fields::new();
    let good = check_password(app, password);
    match again {
        None => faults.push(("password_confirmation".into(), "The password is needed twice.".into())),
        Some(again) if good.is_ok() && again != password => {
            faults.push(("password_confirmation".into(), "The two passwords differ.".into()));
        }
        Some(_) => {}
    }
    faults.extend(good.err().map(|sentence| ("password".into(), sentence.into())));
    faults
}

fn check_password(app: &App, password: &Secret) -> Result<(), String> {
    let password = password.reveal();
    let least = app.config.auth.password_min_length;
    if password.is_empty() {
        return Err("A password is needed.".into());
    }
    if password.len() > LONGEST {
        return Err("The password is too long.".into());
    }
    if password.chars().count() < least {
        return Err(format!("The password needs at least {least} characters."));
    }
    Ok(())
}

/// Compares codes without telling by the time how much of them is alike.
fn same(a: &str, b: &str) -> bool {
    keys::digest(a.as_bytes()) == keys::digest(b.as_bytes())
}

/// True for text without control characters, which a title or another line may be.
pub fn is_line(line: &str) -> bool {
    !text::has_controls(line) && !line.contains(['\n', '\r', '\t'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a22_c13_addresses() {
        for (given, kept) in [
            ("Example@Example.com", Some("example@example.com")),
            ("  a@b.co\n", Some("a@b.co")),
            ("a+tag@b.co", Some("a+tag@b.co")),
            ("admin@localhost", Some("admin@localhost")),
            ("", None),
            ("a", None),
            ("a@", None),
            ("@b.co", None),
            ("a@b@c", None),
            ("a b@c.co", None),
            ("\"a b\"@c.co", None),
            ("Name <a@b.co>", None),
            ("a@[127.0.0.1]", None),
            ("a@b.co.", None),
            ("аdmin@b.co", None),
            ("a@ｂ.co", None),
            ("İ@b.co", None),
            ("a@b.co\r\nBcc: x@y.z", None),
            ("a\0@b.co", None),
        ] {
            assert_eq!(check_email(given).ok().as_deref(), kept, "{given:?}");
        }
        assert!(check_email(&format!("{}@b.co", "a".repeat(255))).is_err());
    }

    #[test]
    fn keys_as_people_paste_them() {
        let long = "k".repeat(301);
        for (given, kept) in [
            ("sk-1", Some("sk-1")),
            (" \"Bearer sk-1\" ", Some("sk-1")),
            ("bearer  sk-1", Some("sk-1")),
            ("Bearer\tsk-1", Some("sk-1")),
            ("Bearer ", None),
            ("bearer", None),
            ("“sk-1”", Some("sk-1")),
            ("", None),
            ("  ", None),
            ("sk-****wxyz", None),
            ("a b", None),
            ("a\r\nX-Evil: 1", None),
            ("钥匙", None),
            (&long, None),
        ] {
            let found = check_key(&Secret::new(given)).ok();
            assert_eq!(found.as_ref().map(Secret::reveal), kept, "{given:?}");
        }
    }

    #[test]
    fn a27_a_mask_shows_four_of_twenty() {
        assert_eq!(mask("sk-abcdefghijklmnopqrstuvwxyz"), "sk-****wxyz");
        assert_eq!(mask("sk-short"), "sk-****");
    }

    #[test]
    fn i9_c29_names_of_models() {
        for (name, good) in [
            ("gpt-4o-mini", true),
            ("openai/gpt-4o", true),
            ("/my/llms/Qwen3", true),
            ("aaa/llava:13b", true),
            ("", false),
            ("a b", false),
            ("../../x", false),
            ("模型", false),
            ("a\n", false),
            (&"m".repeat(201), false),
        ] {
            assert_eq!(is_model_name(name), good, "{name:?}");
        }
    }
}
