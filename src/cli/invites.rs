//! `invite`: a way in for others.

use super::{Failure, Places};
use crate::invites;
use clap::Subcommand;
use std::io::Write;

#[derive(Debug, Subcommand)]
pub enum InviteCommand {
    /// Make an invitation and print its code and link, once
    Add {
        /// How often it can be used
        #[arg(long, default_value_t = 1)]
        uses: i64,
        /// Days until it ends
        #[arg(long, default_value_t = 7)]
        days: i64,
        /// Whom it is for
        #[arg(long, default_value = "")]
        note: String,
    },
    /// List invitations that can still be used
    List,
    /// End an invitation
    Revoke { id: i64 },
}

pub fn run(places: &Places, command: InviteCommand) -> Result<(), Failure> {
    let app = places.app()?;
    let mut out = std::io::stdout().lock();
    match command {
        InviteCommand::Add { uses, days, note } => {
            let made = invites::create(&app, uses, days, &note)?;
            writeln!(out, "{}\t{}", made.code.reveal(), made.url)?;
        }
        InviteCommand::List => {
            for invite in app.store.invites(app.clock.now())? {
                let until = app.zone.stamp(invite.expires);
                writeln!(out, "{}\t{} left\tuntil {until}\t{}", invite.id, invite.uses_left, invite.note)?;
            }
        }
        InviteCommand::Revoke { id } => {
            app.store.revoke_invite(id)?;
            writeln!(out, "invitation {id} has ended")?;
        }
    }
    Ok(())
}
