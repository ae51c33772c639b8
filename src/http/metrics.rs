//! `/metrics`: on an address of its own, or for whoever has the token.

use super::endpoint::{Raw, bearer, blocking};
use super::route::Response;
use super::{edge, reply};
use crate::app::App;
use crate::error::{Error, Result};
use crate::keys;
use crate::limits::{Action, Who};
use crate::scrape;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method};
use std::sync::Arc;

/// Its path, below the base path where it shares the server's address.
pub const PATH: &str = "/metrics";
const KIND: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

/// Answers one who asks for the figures.
pub async fn answer(app: Arc<App>, raw: &Raw) -> Response {
    let answered = figures(app, raw).await;
    answered.unwrap_or_else(|error| reply::error(&error, &raw.id, None))
}

async fn figures(app: Arc<App>, raw: &Raw) -> Result<Response> {
    app.limits.take(Action::Api, Who::address(raw.address))?;
    let wanted = app.config.metrics.token.reveal();
    if !wanted.is_empty() {
        let given = bearer(&raw.headers).ok_or(Error::Unauthenticated)?;
        // Sums are compared, so that the time tells nothing of the token.
        if keys::digest(given.as_bytes()) != keys::digest(wanted.as_bytes()) {
            return Err(Error::Unauthenticated);
        }
    }
    if ![Method::GET, Method::HEAD].contains(&raw.method) {
        return Err(Error::Method("GET, HEAD".into()));
    }
    let text = blocking(move || scrape::text(&app)).await?;
    let mut response = Response::new(text.into());
    response.headers_mut().insert(CONTENT_TYPE, KIND);
    edge::label(&mut response, PATH);
    Ok(response)
}
