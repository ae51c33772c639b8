//! How people reach the server: the address it listens on, the proxy in front of it, its public address.

use super::{Tell, Visit, fail, health, ok, own_base, warn};
use crate::config::{BaseUrl, Registration};
use crate::tls;
use std::os::unix::fs::PermissionsExt;

const DAY: i64 = 24 * 3600;
/// Days before the end of a certificate at which its renewal should have happened.
const SOON: i64 = 14;

/// What follows from the address and the proxies alone.
pub fn listening(visit: &Visit, registration: Registration, tell: Tell<'_>) {
    let config = &visit.config;
    let server = &config.server;
    let local = server.listen.ip().is_loopback();
    let https = server.public_url.as_ref().is_some_and(BaseUrl::is_https);
    tell(ok("address", format!("listens on {}{}", server.listen, server.base_path)));
    certificate(visit, tell);
    if !local && !https && !config.tls.is_on() {
        tell(warn(
            "address",
            "others reach it without encryption: passwords can be read on the way",
            "set tls.certificate, or put a proxy with TLS in front of it and set server.public_url (docs/OPERATIONS.md)",
        ));
    }
    let metrics = &config.metrics;
    if metrics.token.is_empty() && metrics.listen.is_some_and(|listen| !listen.ip().is_loopback()) {
        tell(warn(
            "metrics",
            "anybody who can reach metrics.listen may read the metrics",
            "set metrics.token, or listen on loopback",
        ));
    }
    let everybody = |net: &&ipnet::IpNet| net.prefix_len() == 0;
    if let Some(net) = server.trusted_proxies.iter().find(everybody) {
        tell(fail(
            "proxy",
            format!("server.trusted_proxies holds {net}: anybody can pretend to come from any address"),
            "name the proxy's own address there",
        ));
    } else if local && https && !config.tls.is_on() && server.trusted_proxies.is_empty() {
        tell(warn(
            "proxy",
            "people come through a proxy that is not trusted: all of them share one address and its limits",
            "server.trusted_proxies = [\"127.0.0.1\"], and let the proxy set X-Forwarded-For",
        ));
    } else if !server.trusted_proxies.is_empty() && server.public_url.is_none() {
        tell(warn(
            "proxy",
            "a proxy is trusted, but server.public_url is not set: links to pictures lack their host",
            "set server.public_url to the address that people type",
        ));
    }
    if config.reachable_from_outside() && registration == Registration::Open {
        tell(warn(
            "registration",
            "anybody who can reach this server may make an account",
            "auth.registration = \"invite\", or leave it if that is meant",
        ));
    }
}

/// The server's own certificate, if it has one.
fn certificate(visit: &Visit, tell: Tell<'_>) {
    let config = &visit.config.tls;
    let identity = match tls::read(config) {
        Ok(None) => return,
        Ok(Some(identity)) => identity,
        Err(said) => {
            tell(fail("certificate", said, "put good files there; a running server keeps the ones it has"));
            return;
        }
    };
    let left = identity.expires.map(|expires| (expires - visit.clock.now()).div_euclid(DAY));
    let renew = "renew it, and have the server read it: systemctl reload gpt-assistant";
    match left {
        None => tell(ok("certificate", "read; its end is not known")),
        Some(..0) => tell(fail("certificate", "it has expired", renew)),
        Some(days @ ..SOON) => tell(warn("certificate", format!("it ends in {days} days"), renew)),
        Some(days) => tell(ok("certificate", format!("good for {days} days"))),
    }
    let open = |path: &std::path::PathBuf| {
        std::fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o004 != 0)
    };
    if let Some(path) = config.key.as_ref().filter(|path| open(path)) {
        let said = format!("every account of this machine may read {}", path.display());
        tell(fail("certificate", said, format!("chmod 640 {}", path.display())));
    }
}

/// Whether the server that has the folder answers, and is of this version.
pub fn server(visit: &Visit, running: bool, tell: Tell<'_>) {
    if !running {
        return;
    }
    let server = &visit.config.server;
    // Port 0 is another one at every start.
    if server.listen.port() == 0 {
        return;
    }
    let base = own_base(&visit.config);
    let this = env!("CARGO_PKG_VERSION");
    match health(&base, true) {
        Ok(health) if health.version == this => tell(ok("server", format!("{base} answers, version {this}"))),
        Ok(health) => tell(warn(
            "server",
            format!("{base} answers with version {}, this executable is {this}", health.version),
            "restart the server when it suits",
        )),
        Err(why) => tell(fail(
            "server",
            format!("{base} {why}"),
            "check server.listen and the log; in a container, run this inside of it",
        )),
    }
}

/// Whether the public address leads here.
pub fn public_url(visit: &Visit, running: bool, tell: Tell<'_>) {
    let server = &visit.config.server;
    let Some(public) = &server.public_url else { return };
    if !server.base_path.is_empty() && public.path().ends_with(&server.base_path) {
        tell(warn(
            "public_url",
            format!(
                "server.public_url ends with server.base_path ({}), which is added to it",
                server.base_path
            ),
            format!("server.public_url = \"{}\"", public.origin()),
        ));
    }
    if !running {
        return;
    }
    let base = format!("{public}{}", server.base_path);
    match health(&base, false) {
        Ok(_) => tell(ok("public_url", format!("{base} leads to a gpt-assistant"))),
        // From inside, a router may well refuse what works from outside.
        Err(why) => tell(warn(
            "public_url",
            format!("{base} {why}, seen from this machine"),
            "check name, certificate and proxy; the proxy passes the path on unchanged",
        )),
    }
}
