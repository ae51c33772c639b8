//! Asks a server of ours whether it is there.

use crate::config::Config;
use serde::Deserialize;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(5);
/// Of an answer.
const LONGEST: u64 = 64 << 10;

/// What it says of itself.
#[derive(Debug, Deserialize)]
pub struct Health {
    /// `ok`.
    pub status: String,
    /// Of the program.
    pub version: String,
}

/// Asks the server at `base` (without a slash at its end). The fault is the end of a sentence about that address. A
/// certificate is for the name that people type, so it does not fit an address of this machine itself.
pub fn health(base: &str, itself: bool) -> Result<Health, String> {
    let agent = ureq::Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .tls_config(ureq::tls::TlsConfig::builder().disable_verification(itself).build())
        .proxy(None)
        .max_redirects(0)
        .http_status_as_error(false)
        .build()
        .new_agent();
    let mut answer =
        agent.get(format!("{base}/api/health")).call().map_err(|e| format!("cannot be reached: {e}"))?;
    let status = answer.status().as_u16();
    if status != 200 {
        return Err(format!("answers with status {status}"));
    }
    let body = answer.body_mut().with_config().limit(LONGEST).read_to_vec().unwrap_or_default();
    let health: Option<Health> = serde_json::from_slice(&body).ok();
    health
        .filter(|health| health.status == "ok")
        .ok_or_else(|| "answers, but with something that is not gpt-assistant".into())
}

/// The base of the server that this configuration makes, seen from this machine.
pub fn own_base(config: &Config) -> String {
    let listen = config.server.listen;
    let address = match listen.ip() {
        IpAddr::V4(address) if address.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(address) if address.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        address => address,
    };
    let address = SocketAddr::new(address, listen.port());
    format!("{}://{address}{}", config.scheme(), config.server.base_path)
}
