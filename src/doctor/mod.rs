//! What may be wrong with an installation, and what to do about it. Nothing is changed and nothing is locked: a running
//! server does not notice. No finding holds a secret.

mod data;
mod database;
mod health;
mod model;
mod network;
mod system;

use crate::clock::Clock;
use crate::config::Config;
use std::path::PathBuf;

pub use health::{Health, health, own_base};

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Good.
    Ok,
    /// It works, but somebody should know.
    Warn,
    /// It does not work, or is not safe.
    Fail,
}

/// What one check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad.
    pub level: Level,
    /// What was looked at, in a word or two.
    pub about: &'static str,
    /// What was found.
    pub said: String,
    /// What to do; empty where nothing is to be done.
    pub todo: String,
}

/// What is looked at, and how.
pub struct Visit {
    /// As resolved for a server.
    pub config: Config,
    /// The file it came from, if any.
    pub file: Option<PathBuf>,
    /// The time of day.
    pub clock: Clock,
    /// Leave out all that goes over the network.
    pub offline: bool,
}

/// Told each finding as it is made: some take their time.
pub type Tell<'a> = &'a mut dyn FnMut(Finding);

fn ok(about: &'static str, said: impl Into<String>) -> Finding {
    Finding { level: Level::Ok, about, said: said.into(), todo: String::new() }
}

fn warn(about: &'static str, said: impl Into<String>, todo: impl Into<String>) -> Finding {
    Finding { level: Level::Warn, about, said: said.into(), todo: todo.into() }
}

fn fail(about: &'static str, said: impl Into<String>, todo: impl Into<String>) -> Finding {
    Finding { level: Level::Fail, about, said: said.into(), todo: todo.into() }
}

/// All faults of a configuration that cannot be used.
pub fn faulty(faults: &[String], tell: Tell<'_>) {
    for fault in faults {
        tell(fail("configuration", fault, "correct it; `gpt-assistant config default` shows every key"));
    }
}

/// Looks at everything.
pub fn examine(visit: &Visit, tell: Tell<'_>) {
    system::configuration(visit, tell);
    system::open_files(visit, tell);
    data::folder(visit, tell);
    let running = data::holder(visit, tell);
    let found = database::look(visit, tell);
    network::listening(visit, found.settings.registration, tell);
    network::server(visit, running, tell);
    if visit.offline {
        system::clock(visit, found.latest, None, tell);
        return;
    }
    network::public_url(visit, running, tell);
    let theirs = model::look(visit, &found.settings, tell);
    system::clock(visit, found.latest, theirs, tell);
    model::bucket(visit, tell);
}

/// 1536 → "1.5 KiB".
fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["bytes", "KiB", "MiB", "GiB", "TiB"];
    let mut unit = 0;
    let mut value = bytes as f64;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        (value, unit) = (value / 1024.0, unit + 1);
    }
    if unit == 0 { format!("{bytes} bytes") } else { format!("{value:.1} {}", UNITS[unit]) }
}

/// How long ago, roughly: what a person wants to know of a backup.
fn ago(seconds: i64) -> String {
    match seconds {
        i64::MIN..=-61 => "in the future".into(),
        -60..=5399 => "less than two hours ago".into(),
        5400..=172_799 => format!("{} hours ago", (seconds + 1800) / 3600),
        _ => format!("{} days ago", seconds / 86400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_ages_for_people() {
        for (bytes, text) in [
            (0, "0 bytes"),
            (1023, "1023 bytes"),
            (1536, "1.5 KiB"),
            (5 << 30, "5.0 GiB"),
            (u64::MAX, "16777216.0 TiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
        for (seconds, text) in [
            (-3600, "in the future"),
            (0, "less than two hours ago"),
            (7200, "2 hours ago"),
            (9 * 86400 + 5, "9 days ago"),
        ] {
            assert_eq!(ago(seconds), text);
        }
    }
}
