//! `config`, `doctor` and `healthcheck`: questions with a yes or a no.

use super::{Failure, Places};
use crate::clock::Clock;
use crate::config::{BaseUrl, DEFAULT_FILE, Faults};
use crate::doctor::{self, Finding, Level, Visit};
use anyhow::anyhow;
use std::io::Write;

/// Prints the commented default file.
pub fn print_default() -> Result<(), Failure> {
    Ok(std::io::stdout().write_all(DEFAULT_FILE.as_bytes())?)
}

/// Reports every fault at once.
pub fn config(places: &Places) -> Result<(), Failure> {
    let config = places.load().map_err(|faults| anyhow!("{faults}"))?;
    // What its files hold is not seen by reading it.
    let upstream = crate::upstream::Client::new(&config.upstream, Clock::system()).err();
    let faults: Vec<String> = upstream.into_iter().chain(crate::tls::read(&config.tls).err()).collect();
    if !faults.is_empty() {
        return Err(anyhow!("{}", faults.join("\n")).into());
    }
    Ok(writeln!(std::io::stdout(), "The configuration is good.")?)
}

/// Looks at everything that may be wrong, a line each and what to do. Fails when something is.
pub fn doctor(places: &Places, offline: bool) -> Result<(), Failure> {
    let mut counts = [0_usize; 3];
    let mut tell = |finding: Finding| {
        counts[finding.level as usize] += 1;
        // Who reads no further still gets the status.
        let _ = print(&finding);
    };
    match places.load() {
        Ok(config) => {
            let visit = Visit { config, file: places.file(), clock: Clock::system(), offline };
            doctor::examine(&visit, &mut tell);
        }
        Err(Faults(faults)) => doctor::faulty(&faults, &mut tell),
    }
    let [good, warnings, faults] = counts;
    writeln!(std::io::stdout(), "\n{good} good, {warnings} to know, {faults} wrong")?;
    if faults > 0 { Err(anyhow!("something is wrong").into()) } else { Ok(()) }
}

fn print(finding: &Finding) -> std::io::Result<()> {
    let level = match finding.level {
        Level::Ok => "ok",
        Level::Warn => "warn",
        Level::Fail => "FAIL",
    };
    let mut out = std::io::stdout().lock();
    writeln!(out, "{level:<6}{:<15}{}", finding.about, finding.said)?;
    if !finding.todo.is_empty() {
        writeln!(out, "{:<21}-> {}", "", finding.todo)?;
    }
    out.flush()
}

/// Asks a running server whether it is there.
pub fn health(places: &Places, url: Option<String>) -> Result<(), Failure> {
    let (base, itself) = match url {
        Some(url) => (BaseUrl::parse(&url).map_err(|fault| anyhow!("--url {fault}"))?.to_string(), false),
        None => (doctor::own_base(&places.load().map_err(|faults| anyhow!("{faults}"))?), true),
    };
    doctor::health(&base, itself).map_err(|why| anyhow!("the server at {base} {why}"))?;
    Ok(writeln!(std::io::stdout(), "ok")?)
}
