//! `user`: account work without a mail server. What it changes, a running server sees at its next request.

use super::{Failure, Places};
use crate::app::App;
use crate::model::Role;
use crate::secret::Secret;
use crate::store::{AccountChange, User};
use crate::{accounts, admin};
use anyhow::{Context, anyhow};
use clap::Subcommand;
use std::io::{BufRead, IsTerminal, Write};

#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// List all accounts
    List,
    /// Make an account; the password is asked for, or read from standard input
    Add {
        /// Address to sign in with
        email: String,
        /// Name; else what stands before the @
        #[arg(long)]
        name: Option<String>,
        /// Make it an administrator (the first account is one anyway)
        #[arg(long)]
        admin: bool,
    },
    /// Set a new password and end every login
    ResetPassword { email: String },
    /// Turn two-factor login off, for somebody who lost the phone and the recovery codes
    ResetTotp { email: String },
    /// Disable an account: it can no longer sign in, and what it runs is stopped
    Disable { email: String },
    /// Enable a disabled account
    Enable { email: String },
    /// Make an account an administrator
    Promote { email: String },
    /// Make an administrator an ordinary account
    Demote { email: String },
    /// Delete an account with everything it owns
    Delete {
        email: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

/// Runs one of them.
pub fn run(places: &Places, command: UserCommand) -> Result<(), Failure> {
    let app = places.app()?;
    match command {
        UserCommand::List => list(&app),
        UserCommand::Add { email, name, admin } => {
            let role = if admin { Role::Admin } else { Role::User };
            let user = accounts::add(&app, &email, name.as_deref(), &ask_password()?, role)?;
            say(&format!("{} was added ({})", user.email, user.role.as_str()))
        }
        UserCommand::ResetPassword { email } => {
            let user = find(&app, &email)?;
            accounts::reset_password(&app, user.id, &ask_password()?)?;
            say(&format!("{} has a new password; every login has ended", user.email))
        }
        UserCommand::ResetTotp { email } => {
            let user = find(&app, &email)?;
            app.store.clear_two_factor(user.id)?;
            say(&format!("{} signs in with the password alone", user.email))
        }
        UserCommand::Disable { email } => {
            let user = find(&app, &email)?;
            change(
                &app,
                &user,
                AccountChange { disabled: Some(Some(app.clock.now())), ..Default::default() },
            )?;
            say(&format!("{} is disabled", user.email))
        }
        UserCommand::Enable { email } => {
            let user = find(&app, &email)?;
            change(&app, &user, AccountChange { disabled: Some(None), ..Default::default() })?;
            say(&format!("{} is enabled", user.email))
        }
        UserCommand::Promote { email } => set_role(&app, &email, Role::Admin),
        UserCommand::Demote { email } => set_role(&app, &email, Role::User),
        UserCommand::Delete { email, yes } => delete(&app, &email, yes),
    }
}

/// The account of an e-mail.
pub fn find(app: &App, email: &str) -> Result<User, Failure> {
    let plain = accounts::check_email(email).map_err(|sentence| anyhow!("{email}: {sentence}"))?;
    let found = app.store.user_by_email(&plain)?;
    Ok(found.map(|(user, _)| user).with_context(|| format!("there is no account {plain}"))?)
}

fn list(app: &App) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    for user in app.store.users()? {
        let state = if user.disabled.is_some() { "disabled" } else { "enabled" };
        let (role, created) = (user.role.as_str(), app.zone.stamp(user.created));
        writeln!(out, "{}\t{}\t{role}\t{state}\t{created}\t{}", user.id.0, user.email, user.name)?;
    }
    Ok(())
}

fn set_role(app: &App, email: &str, role: Role) -> Result<(), Failure> {
    let user = find(app, email)?;
    change(app, &user, AccountChange { role: Some(role), ..Default::default() })?;
    say(&format!("{} is now {}", user.email, role.as_str()))
}

fn change(app: &App, user: &User, change: AccountChange) -> Result<(), Failure> {
    Ok(admin::change(app, user.id, change).map(drop)?)
}

fn delete(app: &App, email: &str, yes: bool) -> Result<(), Failure> {
    let user = find(app, email)?;
    if !yes {
        let mut out = std::io::stderr().lock();
        write!(out, "Delete {} with all conversations, for good? Type the address again: ", user.email)?;
        out.flush()?;
        if read_line()?.trim() != user.email {
            return Err(anyhow!("nothing was deleted").into());
        }
    }
    accounts::delete(app, user.id)?;
    say(&format!("{} was deleted", user.email))
}

/// From the terminal without showing it, or one line of standard input; never from an argument, which others can see.
fn ask_password() -> Result<Secret, Failure> {
    if !std::io::stdin().is_terminal() {
        return Ok(Secret::new(read_line()?));
    }
    let password = Secret::new(rpassword::prompt_password("Password: ")?);
    let again = Secret::new(rpassword::prompt_password("Once more: ")?);
    if password == again { Ok(password) } else { Err(anyhow!("the two passwords differ").into()) }
}

fn read_line() -> Result<String, Failure> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn say(said: &str) -> Result<(), Failure> {
    Ok(writeln!(std::io::stdout(), "{said}")?)
}
