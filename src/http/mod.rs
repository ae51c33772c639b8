//! HTTP: the only place that speaks it. `routes` is the one table; `service` is what the accept loop calls.

mod accounts;
mod admin;
mod assets;
mod avatars;
mod body;
mod chat;
mod chat_form;
mod conversations;
pub mod edge;
mod endpoint;
mod events;
mod exports;
mod files;
mod imports;
mod metrics;
mod openapi;
mod page;
mod prompts;
mod reply;
pub mod request;
pub mod route;
mod server;
mod two_factor;
mod usage;
mod wire;

use crate::app::App;
use crate::error::Error;
pub use edge::refuse;
pub use endpoint::blocking;

use endpoint::Raw;
use http::{HeaderMap, Method};
use page::Document;
use route::{Response, Route};
use std::net::IpAddr;
use std::sync::Arc;
use warp::Filter;
use warp::filters::BoxedFilter;

/// What the accept loop knows about a request.
#[derive(Clone)]
pub struct Arrival {
    /// The client's address.
    pub address: IpAddr,
    /// The request's number.
    pub id: Arc<str>,
}

/// The reply to a request that failed where no handler could see to it.
pub fn failed(error: &Error, id: &str) -> Response {
    reply::error(error, id, None)
}

/// Every route below `/api`.
pub fn routes() -> impl Iterator<Item = &'static Route> {
    let nouns: [&'static [Route]; 12] = [
        chat::ROUTES,
        accounts::ROUTES,
        two_factor::ROUTES,
        avatars::ROUTES,
        conversations::ROUTES,
        exports::ROUTES,
        files::ROUTES,
        imports::ROUTES,
        prompts::ROUTES,
        usage::ROUTES,
        server::ROUTES,
        admin::ROUTES,
    ];
    nouns.into_iter().flatten()
}

/// Answers every request.
pub fn service(app: Arc<App>) -> BoxedFilter<(Response,)> {
    let document = Arc::new(Document::new(&app));
    every(app, move |app, raw| {
        let document = document.clone();
        async move { answer(app, &document, raw).await }
    })
}

/// Answers on the address that is for metrics alone.
pub fn metrics_service(app: Arc<App>) -> BoxedFilter<(Response,)> {
    every(app, |app, raw| async move {
        match raw.path.as_str() {
            metrics::PATH => metrics::answer(app, &raw).await,
            _ => reply::error(&Error::NotFound, &raw.id, None),
        }
    })
}

/// The one filter, in front of `answer`. Nothing in it rejects: a rejection would make warp try another route, and what a
/// request is refused for would come out as another one's refusal.
fn every<F: Future<Output = Response> + Send + 'static>(
    app: Arc<App>,
    answer: impl Fn(Arc<App>, Raw) -> F + Clone + Send + Sync + 'static,
) -> BoxedFilter<(Response,)> {
    let query = warp::query::raw().or(warp::any().map(String::new)).unify();
    warp::method()
        .and(warp::path::full())
        .and(query)
        .and(warp::header::headers_cloned())
        .and(warp::ext::optional::<Arrival>())
        .and(warp::body::stream().map(body::incoming))
        .then(
            move |method,
                  path: warp::path::FullPath,
                  query,
                  headers: HeaderMap,
                  arrival: Option<Arrival>,
                  body| {
                let arrival = arrival
                    .unwrap_or_else(|| Arrival { address: [127, 0, 0, 1].into(), id: edge::next_id(&app) });
                let (path, id) = (path.as_str().to_owned(), arrival.id);
                let raw = Raw { id, address: arrival.address, method, path, query, headers, body };
                answer(app.clone(), raw)
            },
        )
        .boxed()
}

/// By the first part of the path: the API, compiled-in files, pictures, the page.
async fn answer(app: Arc<App>, document: &Document, mut raw: Raw) -> Response {
    let not_found = |id: &str| reply::error(&Error::NotFound, id, None);
    let base = app.config.server.base_path.clone();
    let below = match raw.path.strip_prefix(&base) {
        Some("") => "/".to_owned(),
        Some(below) if below.starts_with('/') => below.to_owned(),
        _ => return not_found(&raw.id),
    };
    raw.path = below;
    if raw.path == "/api" || raw.path.starts_with("/api/") {
        if raw.method == Method::OPTIONS {
            let options = edge::options(&app, &raw.path, raw.headers.get(http::header::ORIGIN));
            return options.unwrap_or_else(|| not_found(&raw.id));
        }
        return endpoint::answer(app, raw).await;
    }
    if raw.path == metrics::PATH && app.config.metrics.shares_address() {
        return metrics::answer(app, &raw).await;
    }
    let (label, found) = if raw.path.starts_with("/avatars/") {
        ("/avatars", page::avatar(&app, &raw).await)
    } else if raw.path.starts_with("/assets/") {
        ("/assets", assets::serve(&raw.path, &raw.headers))
    } else {
        ("page", page::serve(document, &raw))
    };
    match found {
        None => not_found(&raw.id),
        Some(_) if !edge::reads(&raw.method) => {
            reply::error(&Error::Method("GET, HEAD".into()), &raw.id, None)
        }
        Some(mut response) => {
            edge::label(&mut response, label);
            response
        }
    }
}
