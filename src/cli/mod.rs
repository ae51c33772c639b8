//! The command line.

mod archives;
mod checks;
mod invites;
mod progress;
mod serve;
mod users;

use crate::app::{App, Refusal};
use crate::clock::Clock;
use crate::config::{self, Config, Flags};
use anyhow::Result;
use clap::{Args, CommandFactory, Parser, Subcommand};
use rustix::fs::Mode;
use rustix::process::{Resource, Rlimit, setrlimit, umask};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// What a user said on the command line.
#[derive(Debug, Parser)]
#[command(name = "gpt-assistant", version, about = "A multi-user GPT chat server in one executable")]
#[command(after_help = "With no command it serves. The others, restore apart, work beside a running server.")]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    places: Places,
}

/// Where things are. Each overrides the environment, which overrides the file.
#[derive(Clone, Debug, Args)]
struct Places {
    /// Configuration file; else ./config.toml where that exists, else the built-in defaults
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// Address and port to listen on, such as 127.0.0.1:8080
    #[arg(long, value_name = "ADDR:PORT", global = true)]
    listen: Option<String>,
    /// Folder of database, keys, pictures and files
    #[arg(long, value_name = "DIR", global = true)]
    data_dir: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the server (also without a command)
    Serve,
    /// The configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Accounts
    #[command(subcommand)]
    User(users::UserCommand),
    /// Invitations
    #[command(subcommand)]
    Invite(invites::InviteCommand),
    /// Write one consistent archive of database, pictures and files; the server may run meanwhile
    Backup {
        file: PathBuf,
        /// Include the master key, so that API keys survive a restore
        #[arg(long)]
        with_keys: bool,
    },
    /// Put a backup back into an empty data folder
    Restore { file: PathBuf },
    /// Write everything of one account as a ZIP archive
    Export {
        /// E-mail of the account
        user: String,
        file: PathBuf,
        #[arg(long, value_enum, default_value = "json")]
        format: archives::FormatName,
    },
    /// Take in conversations from another service's export, or from our own: a ZIP archive or JSON
    Import {
        file: PathBuf,
        /// E-mail of the account
        #[arg(long, value_name = "EMAIL")]
        user: String,
    },
    /// Look at everything that may be wrong, and say what to do; nothing is changed
    Doctor {
        /// Leave out all that goes over the network, and the one short question to the model
        #[arg(long)]
        offline: bool,
    },
    /// Exit 0 when a running server answers
    Healthcheck {
        /// Address of the server; else that of the configuration
        #[arg(long, value_name = "URL")]
        url: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Print the commented default file
    Default,
    /// Report every fault of the configuration at once
    Check,
}

impl Places {
    /// The configuration file that is read, if any.
    fn file(&self) -> Option<PathBuf> {
        config::file(self.config.as_deref())
    }

    fn load(&self) -> Result<Config, config::Faults> {
        let mut set = Vec::new();
        set.extend(self.listen.clone().map(|listen| ("server.listen", listen)));
        set.extend(self.data_dir.as_ref().map(|dir| ("server.data_dir", dir.to_string_lossy().into_owned())));
        let environment =
            std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)));
        config::load(&Flags { config: self.config.clone(), set }, environment)
    }

    /// The App, for a command beside a running server or without one.
    fn app(&self) -> Result<App, Failure> {
        Ok(App::command(self.load()?, Clock::system())?)
    }
}

/// Why the program ends with another status than 0.
#[derive(Debug)]
pub enum Failure {
    /// 1: what was asked failed, or a check found something.
    Failed(anyhow::Error),
    /// 2, 3 or 4: there is no server to be had from this configuration or data folder.
    Refused(Refusal),
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Failure {
        Failure::Refused(refusal)
    }
}

impl From<config::Faults> for Failure {
    fn from(faults: config::Faults) -> Failure {
        Failure::Refused(Refusal::Refused(faults.to_string()))
    }
}

impl From<crate::error::Error> for Failure {
    fn from(error: crate::error::Error) -> Failure {
        Failure::Failed(error.into())
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Failure {
        Failure::Failed(error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Failure {
        Failure::Failed(error.into())
    }
}

/// Files of ours are nobody else's, whichever command makes them; and a core file would hold keys.
fn harden() {
    umask(Mode::from_bits_truncate(0o077));
    // A system that refuses is none the worse for the try.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
}

/// What may be said on the command line: for the manual and the completions of shells.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs what the command line says.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    harden();
    let done = match cli.command {
        None | Some(Command::Serve) => serve::run(&cli.places),
        Some(Command::Config(ConfigCommand::Default)) => checks::print_default(),
        Some(Command::Config(ConfigCommand::Check)) => checks::config(&cli.places),
        Some(Command::User(command)) => users::run(&cli.places, command),
        Some(Command::Invite(command)) => invites::run(&cli.places, command),
        Some(Command::Backup { file, with_keys }) => archives::backup(&cli.places, &file, with_keys),
        Some(Command::Restore { file }) => archives::restore(&cli.places, &file),
        Some(Command::Export { user, file, format }) => archives::export(&cli.places, &user, &file, format),
        Some(Command::Import { file, user }) => archives::import(&cli.places, &user, &file),
        Some(Command::Doctor { offline }) => checks::doctor(&cli.places, offline),
        Some(Command::Healthcheck { url }) => checks::health(&cli.places, url),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => report(&failure),
    }
}

fn report(failure: &Failure) -> ExitCode {
    let (said, status) = match failure {
        Failure::Failed(error) => (format!("{error:#}"), 1),
        Failure::Refused(Refusal::Refused(said)) => (said.clone(), 2),
        Failure::Refused(Refusal::Damaged(said)) => (said.clone(), 3),
        Failure::Refused(Refusal::Locked(said)) => (said.clone(), 4),
    };
    for line in said.lines() {
        // Where nobody hears them, the status still tells.
        let _ = writeln!(std::io::stderr(), "gpt-assistant: {line}");
    }
    ExitCode::from(status)
}
