//! How people reach the server: the address it listens on, the proxy in front of it, its public address.

use super::{Tell, Visit, fail, health, ok, own_address, warn};
use crate::config::{BaseUrl, Registration};

/// What follows from the address and the proxies alone.
pub fn listening(visit: &Visit, registration: Registration, tell: Tell<'_>) {
    let config = &visit.config;
    let server = &config.server;
    let local = server.listen.ip().is_loopback();
    let https = server.public_url.as_ref().is_some_and(BaseUrl::is_https);
    tell(ok("address", format!("listens on {}{}", server.listen, server.base_path)));
    if !local && !https {
        tell(warn(
            "address",
            "others reach it without encryption: passwords can be read on the way",
            "put a proxy with TLS in front of it and set server.public_url (docs/OPERATIONS.md)",
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
    } else if local && server.public_url.is_some() && server.trusted_proxies.is_empty() {
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
    let base = format!("http://{}{}", own_address(server.listen), server.base_path);
    let this = env!("CARGO_PKG_VERSION");
    match health(&base) {
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
    match health(&base) {
        Ok(_) => tell(ok("public_url", format!("{base} leads to a gpt-assistant"))),
        // From inside, a router may well refuse what works from outside.
        Err(why) => tell(warn(
            "public_url",
            format!("{base} {why}, seen from this machine"),
            "check name, certificate and proxy; the proxy passes the path on unchanged",
        )),
    }
}
