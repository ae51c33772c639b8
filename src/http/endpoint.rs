//! From a request to a reply: route, login, limits, body, handler. The one place that hands work to the blocking pool.

use super::body::{self, Incoming};
use super::request::{self, Call};
use super::route::{Access, Body, Response, Route, Run};
use super::{edge, reply, routes};
use crate::accounts::{self, Origin};
use crate::app::App;
use crate::calendar::Zone;
use crate::error::{Error, Result};
use crate::limits::{Action, Transfer, Who};
use crate::store::Identity;
use http::header::{AUTHORIZATION, CONTENT_TYPE, EXPECT, USER_AGENT};
use http::{HeaderMap, Method};
use std::net::IpAddr;
use std::sync::Arc;
use tokio::sync::oneshot::Sender;
use tokio::sync::{Semaphore, oneshot};

/// Files that are on their way at once, of all people: each may take 10 MiB of memory, and two minutes.
static FILES: Semaphore = Semaphore::const_new(32);

/// A request before anything is known about it.
pub struct Raw {
    /// Its number.
    pub id: Arc<str>,
    /// The client's address.
    pub address: IpAddr,
    /// Its method.
    pub method: Method,
    /// Its path below the base path, undecoded.
    pub path: String,
    /// Its query, undecoded.
    pub query: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, not read yet.
    pub body: Incoming,
}

/// A request that may be answered, before its body is read.
struct Admitted {
    route: &'static Route,
    captures: Vec<String>,
    identity: Option<Identity>,
    query: Vec<(String, String)>,
    zone: Zone,
    html: bool,
}

/// Answers a request below `/api`.
pub async fn answer(app: Arc<App>, raw: Raw) -> Response {
    let (id, found) = (raw.id.clone(), find(&raw.method, &raw.path));
    let route = found.as_ref().ok().map(|(route, _)| *route);
    let mut user = None;
    let answered = match found.and_then(|found| admit(&app, &raw, found)) {
        Ok(admitted) => {
            user = admitted.identity.as_ref().map(|identity| identity.user);
            run(app.clone(), raw, admitted).await
        }
        Err(error) => {
            // Who asks first whether to send a body is told by the answer itself.
            if !raw.headers.contains_key(EXPECT) {
                body::discard(raw.body).await;
            }
            Err(error)
        }
    };
    let mut response = answered.unwrap_or_else(|error| reply::error(&error, &id, None));
    if let Some(route) = route {
        edge::label_route(&mut response, route, user);
    }
    if let Some(user) = user {
        reply::count_unread(&app, user, &response);
    }
    response
}

/// All that can be said without the body: what comes later has no reason to fail for these.
fn admit(app: &App, raw: &Raw, found: (&'static Route, Vec<String>)) -> Result<Admitted> {
    let (route, captures) = found;
    let identity = identify(app, route, raw)?;
    let query: Vec<(String, String)> = form_urlencoded::parse(raw.query.as_bytes()).into_owned().collect();
    let (zone, html) = (request::zone(app, &query)?, request::wants_html(&query)?);
    if let Body::Json(..) = route.body {
        must_be_json(content_type(&raw.headers))?;
    }
    Ok(Admitted { route, captures, identity, query, zone, html })
}

async fn run(app: Arc<App>, raw: Raw, admitted: Admitted) -> Result<Response> {
    let route = admitted.route;
    let _places = match (route.body, &admitted.identity) {
        (Body::File(..), Some(identity)) => {
            let own = app.limits.begin(identity.user, Transfer::Upload)?;
            Some((own, FILES.try_acquire().map_err(|_| Error::Overloaded)?))
        }
        (Body::File(..), None) => return Err(Error::Unauthenticated),
        _ => None,
    };
    let mut incoming = None;
    let mut file_name = None;
    let body = match route.body {
        Body::None => {
            body::discard(raw.body).await;
            bytes::Bytes::new()
        }
        Body::Whole => {
            incoming = Some(raw.body);
            bytes::Bytes::new()
        }
        Body::Json(_, size) => body::json(raw.body, body::limit(&app, size)).await?,
        Body::File(upload) => {
            let (name, bytes) = body::file(raw.body, content_type(&raw.headers), upload).await?;
            file_name = name;
            bytes
        }
    };
    let agent = raw.headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let call = Call {
        app,
        id: raw.id,
        origin: Origin { address: raw.address, agent: agent.to_owned() },
        identity: admitted.identity,
        captures: admitted.captures,
        query: admitted.query,
        zone: admitted.zone,
        html: admitted.html,
        headers: raw.headers,
        file_name,
        body,
    };
    match route.run {
        Run::Blocking(handler) => blocking(move || handler(&call)).await,
        Run::Waiting(handler) => handler(call).await,
        Run::Taking(handler) => {
            handler(call, incoming.unwrap_or_else(|| Box::pin(futures_util::stream::empty()))).await
        }
    }
}

fn content_type(headers: &HeaderMap) -> Option<&str> {
    headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok())
}

/// The route, or 404, or 405 with the methods that there are.
fn find(method: &Method, path: &str) -> Result<(&'static Route, Vec<String>)> {
    let mut allowed: Vec<&str> = Vec::new();
    for route in routes() {
        if let Some(captures) = route.captures(path) {
            if route.verb.answers(method) {
                return Ok((route, captures.into_iter().map(str::to_owned).collect()));
            }
            allowed.push(route.verb.as_str());
        }
    }
    if allowed.is_empty() { Err(Error::NotFound) } else { Err(Error::Method(allow(&allowed))) }
}

/// The methods of a path that has some.
pub fn allowed(path: &str) -> Option<String> {
    let verbs: Vec<&str> = routes().filter(|r| r.captures(path).is_some()).map(|r| r.verb.as_str()).collect();
    (!verbs.is_empty()).then(|| allow(&verbs))
}

fn allow(verbs: &[&str]) -> String {
    let head = verbs.contains(&"GET").then_some("HEAD");
    let all: Vec<&str> = verbs.iter().copied().chain(head).chain(["OPTIONS"]).collect();
    all.join(", ")
}

/// Login and limits, before the body is read. The look-up is one row by its key, microseconds on its own connection.
fn identify(app: &App, route: &Route, raw: &Raw) -> Result<Option<Identity>> {
    if route.access == Access::Public {
        app.limits.take(Action::Api, Who::address(raw.address))?;
        return Ok(None);
    }
    let identity =
        match bearer(&raw.headers).map_or(Err(Error::Unauthenticated), |t| accounts::authenticate(app, t)) {
            Ok(identity) => identity,
            Err(error) => {
                app.limits.take(Action::Api, Who::address(raw.address))?;
                return Err(error);
            }
        };
    app.limits.take(Action::Api, Who::User(identity.user))?;
    // Only whether there is any room left: how much the reply takes is known when it is there.
    drop(app.limits.begin(identity.user, Transfer::Reply)?);
    if route.access == Access::Admin && identity.role != crate::model::Role::Admin {
        return Err(Error::Forbidden("forbidden", "Only an administrator may do that."));
    }
    Ok(Some(identity))
}

/// The one token of the one `Authorization` header (RFC 6750, 2.1; the scheme in any case).
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(AUTHORIZATION).iter();
    let (value, more) = (all.next()?.to_str().ok()?, all.next());
    let (scheme, token) = value.split_once(' ')?;
    (more.is_none() && scheme.eq_ignore_ascii_case("bearer")).then(|| token.trim_start_matches(' '))
}

/// JSON in UTF-8, or a body that does not say what it is.
fn must_be_json(content_type: Option<&str>) -> Result<()> {
    let Some(value) = content_type else {
        return Ok(());
    };
    let mut parts = value.split(';').map(str::trim);
    let json = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"));
    let utf8 = parts.all(|part| {
        let part = part.to_ascii_lowercase();
        !part.starts_with("charset=") || part.trim_start_matches("charset=").trim_matches('"') == "utf-8"
    });
    if json && utf8 {
        Ok(())
    } else {
        Err(Error::MediaType("This address takes JSON in UTF-8 (application/json)."))
    }
}

/// Runs `work` where it may block. A panic in it is a fault of ours, and this request's alone.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(Error::internal("a handler panicked")))
}

/// Runs `work` to its end, though its client leaves meanwhile: what is deleted after a wait is not left half deleted.
pub async fn to_its_end<T: Send + 'static>(
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    tokio::spawn(work).await.unwrap_or_else(|_| Err(Error::internal("a handler panicked")))
}

/// Runs `work`, which waits for another server, on a thread for such calls: the pool is for what ends by itself.
pub async fn calling<T: Send + 'static>(
    app: &App,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    told(app, move |tell| drop(tell.send(work()))).await
}

/// The same for work that goes on after its result is told.
pub async fn told<T: Send + 'static>(
    app: &App,
    work: impl FnOnce(Sender<Result<T>>) + Send + 'static,
) -> Result<T> {
    let (tell, told) = oneshot::channel();
    // Nobody listens any more when the client has gone.
    if !app.upstream.threads.submit(move || work(tell)) {
        return Err(Error::Overloaded);
    }
    told.await.map_err(|_| Error::internal("a call to another server panicked"))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn a9_one_bearer_token_in_one_header() {
        for (values, want) in [
            (vec!["Bearer abc"], Some("abc")),
            (vec!["bearer abc"], Some("abc")),
            (vec!["Bearer   abc"], Some("abc")),
            (vec!["Basic abc"], None),
            (vec!["Bearer"], None),
            (vec!["Bearer\tabc"], None),
            (vec!["Bearer abc", "Bearer abc"], None),
            (vec![], None),
        ] {
            let mut headers = HeaderMap::new();
            for value in &values {
                headers.append(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
            }
            assert_eq!(bearer(&headers), want, "{values:?}");
        }
    }

    #[test]
    fn i10_media_types() {
        for (value, good) in [
            (None, true),
            (Some("application/json"), true),
            (Some("Application/JSON; charset=UTF-8"), true),
            (Some("application/json; charset=utf-16"), false),
            (Some("text/plain"), false),
            (Some("multipart/form-data; boundary=x"), false),
            (Some(""), false),
        ] {
            assert_eq!(must_be_json(value).is_ok(), good, "{value:?}");
        }
    }

    #[test]
    fn i11_a_known_path_says_its_methods() {
        assert!(
            matches!(find(&Method::GET, "/api/login"), Err(Error::Method(allowed)) if allowed == "POST, OPTIONS")
        );
        assert_eq!(allowed("/api/user").as_deref(), Some("GET, PATCH, DELETE, HEAD, OPTIONS"));
        assert!(matches!(find(&Method::GET, "/api/nothing"), Err(Error::NotFound)));
        assert!(find(&Method::HEAD, "/api/user").is_ok());
    }
}
