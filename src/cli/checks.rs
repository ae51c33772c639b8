//! `config` and `healthcheck`: questions with a yes or a no.

use super::{Failure, Places};
use crate::config::{BaseUrl, DEFAULT_FILE};
use anyhow::{Context, anyhow};
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(5);

/// Prints the commented default file.
pub fn print_default() -> Result<(), Failure> {
    Ok(std::io::stdout().write_all(DEFAULT_FILE.as_bytes())?)
}

/// Reports every fault at once.
pub fn config(places: &Places) -> Result<(), Failure> {
    let config = places.load().map_err(|faults| anyhow!("{faults}"))?;
    crate::upstream::Client::new(&config.upstream).map_err(|fault| anyhow!(fault))?;
    Ok(writeln!(std::io::stdout(), "The configuration is good.")?)
}

/// Asks a running server whether it is there.
pub fn health(places: &Places, url: Option<String>) -> Result<(), Failure> {
    let base = match url {
        Some(url) => BaseUrl::parse(&url).map_err(|fault| anyhow!("--url {fault}"))?.to_string(),
        None => {
            let config = places.load().map_err(|faults| anyhow!("{faults}"))?;
            format!("http://{}{}", reachable(config.server.listen), config.server.base_path)
        }
    };
    let agent = ureq::Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .proxy(None)
        .max_redirects(0)
        .build()
        .new_agent();
    let answer = agent.get(format!("{base}/api/health")).call();
    let answer = answer.with_context(|| format!("no server answers at {base}"))?;
    if answer.status() == 200 {
        return Ok(writeln!(std::io::stdout(), "ok")?);
    }
    Err(anyhow!("the server at {base} answers with status {}", answer.status().as_u16()).into())
}

/// Where a server that listens on all addresses can be asked.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let address = match listen.ip() {
        IpAddr::V4(address) if address.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(address) if address.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        address => address,
    };
    SocketAddr::new(address, listen.port())
}
