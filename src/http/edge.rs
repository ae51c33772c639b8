//! What every request meets first and every reply last: a number, the client's address, security headers, CORS.

use super::route::{Response, Route, Run};
use super::{endpoint, reply};
use crate::app::App;
use crate::error::Error;
use crate::model::UserId;
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Method, StatusCode, Version};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// The number of a request, in its reply and in the log.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest path and query together, in bytes (nginx's limit for the request line is the same).
pub const LONGEST_URI: usize = 8 << 10;
/// Addresses in an `X-Forwarded-For` that are looked at.
const MOST_HOPS: usize = 32;

/// The number of the next request: this process's name and a count.
pub fn next_id(app: &App) -> Arc<str> {
    static COUNT: AtomicU64 = AtomicU64::new(1);
    format!("{}-{:x}", &app.run[..8], COUNT.fetch_add(1, Relaxed)).into()
}

/// What HTTP/1.1 wants refused (RFC 9112, 3.2), and what is too long. HTTP/1.0 did not know Host yet.
pub fn check(version: Version, uri_length: usize, headers: &HeaderMap) -> Option<(StatusCode, &'static str)> {
    let hosts = headers.get_all(header::HOST).iter().count();
    if hosts > 1 || (hosts == 0 && version == Version::HTTP_11) {
        return Some((StatusCode::BAD_REQUEST, "A request needs one Host header."));
    }
    (uri_length > LONGEST_URI).then_some((StatusCode::URI_TOO_LONG, "This address is too long."))
}

/// The reply to a request that is refused before it is looked at.
pub fn refuse(status: StatusCode, sentence: &'static str, id: &str) -> Response {
    let mut response = reply::error(&Error::Malformed(sentence), id, None);
    *response.status_mut() = status;
    response
}

/// The client's address: the nearest one in `X-Forwarded-For` that is not a trusted proxy, if the peer is one.
pub fn client(app: &App, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let trusted = |address| is_trusted(app, address);
    let mut client = peer.to_canonical();
    if !trusted(client) {
        return client;
    }
    let forwarded: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(','))
        .collect();
    for hop in forwarded.iter().rev().take(MOST_HOPS) {
        match hop.trim().parse::<IpAddr>() {
            Ok(address) => client = address.to_canonical(),
            Err(_) => break,
        }
        if !trusted(client) {
            break;
        }
    }
    client
}

/// True when the browser's line to us is encrypted, as far as can be known: people's address says so, or the proxy does.
pub fn is_https(app: &App, peer: IpAddr, headers: &HeaderMap) -> bool {
    let server = &app.config.server;
    app.config.tls.is_on()
        || server.public_url.as_ref().is_some_and(crate::config::BaseUrl::is_https)
        || (is_trusted(app, peer)
            && headers.get("x-forwarded-proto").is_some_and(|scheme| scheme.as_bytes() == b"https"))
}

fn is_trusted(app: &App, address: IpAddr) -> bool {
    let address = address.to_canonical();
    app.config.server.trusted_proxies.iter().any(|net| net.contains(&address))
}

/// The headers of every reply. What a reply has set itself stays.
pub fn finish(app: &App, id: &str, origin: Option<&HeaderValue>, https: bool, response: &mut Response) {
    const ALWAYS: [(HeaderName, &str); 5] = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if https {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    headers.extend(HeaderValue::from_str(id).map(|id| (REQUEST_ID, id)));
    if !app.config.server.cors_origins.is_empty() {
        headers.append(header::VARY, HeaderValue::from_static("origin"));
    }
    if let Some(origin) = allowed_origin(app, origin) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        let seen = "x-request-id, retry-after, idempotent-replay, content-disposition";
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(seen));
        headers.insert("cross-origin-resource-policy", HeaderValue::from_static("cross-origin"));
    }
}

/// Which of the program's own words a reply is counted under.
#[derive(Clone, Copy)]
struct Label {
    route: &'static str,
    /// For a model, or for a file on its way: its time says nothing of the server.
    waits: bool,
    user: Option<UserId>,
}

/// Counts a reply under `route`.
pub fn label(response: &mut Response, route: &'static str) {
    response.extensions_mut().insert(Label { route, waits: false, user: None });
}

/// Counts a reply under its row of the table, and says who asked.
pub fn label_route(response: &mut Response, route: &Route, user: Option<UserId>) {
    let waits = !matches!(route.run, Run::Blocking(_));
    response.extensions_mut().insert(Label { route: route.path, waits, user });
}

/// Who asked, where that is known.
pub fn user(response: &Response) -> Option<UserId> {
    response.extensions().get::<Label>().and_then(|label| label.user)
}

/// Counts a reply. What nobody has labelled was refused, or is not there.
pub fn count(app: &App, method: &Method, response: &Response, took: Duration) {
    const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS"];
    let method = METHODS.into_iter().find(|known| *known == method.as_str()).unwrap_or("other");
    let label = response.extensions().get::<Label>().copied();
    let route = label.map_or("other", |label| label.route);
    app.metrics.requests.add((method, route, response.status().as_u16()), 1);
    if label.is_some_and(|label| !label.waits) {
        app.metrics.request_seconds.record(took);
    }
}

fn allowed_origin<'a>(app: &App, origin: Option<&'a HeaderValue>) -> Option<&'a HeaderValue> {
    let text = origin?.to_str().ok()?;
    app.config.server.cors_origins.iter().any(|allowed| allowed == text).then_some(origin)?
}

/// The answer to `OPTIONS`: what the path takes, and for a page of an allowed origin that it may.
pub fn options(app: &App, path: &str, origin: Option<&HeaderValue>) -> Option<Response> {
    let allow = HeaderValue::from_str(&endpoint::allowed(path)?).ok()?;
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    if allowed_origin(app, origin).is_some() {
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, allow.clone());
        let wanted = "authorization, content-type, last-event-id";
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(wanted));
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    }
    headers.insert(header::ALLOW, allow);
    Some(response)
}

/// True for methods that only read.
pub fn reads(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}
