//! Replies: JSON, what its reader takes piece by piece, and the one place where an error becomes a status.

use super::route::Response;
use crate::app::App;
use crate::error::{Error, Result, UpstreamKind};
use crate::limits::Place;
use crate::model::UserId;
use bytes::Bytes;
use http::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, OnceLock};
use warp::Reply;

/// What is larger goes to the line in pieces of this size, and counts as unread until the last one does.
const PIECE: usize = 64 << 10;

/// Bytes of a reply that wait for their reader, and where their place is put for as long.
#[derive(Clone)]
struct Unread(usize, Arc<OnceLock<Place>>);

/// The body of every error.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ErrorBody {
    /// A sentence for a person.
    pub error: String,
    /// A stable word.
    pub code: String,
    /// The request's number, for the log.
    pub request_id: String,
    /// What is wrong with which parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fields: Option<BTreeMap<String, String>>,
    /// Of a chat that failed: its turn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
    /// Of a chat that failed: its conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<i64>,
}

/// Nothing but a sentence.
#[derive(Debug, Serialize, JsonSchema)]
pub struct MessageReply {
    /// What was done.
    pub message: &'static str,
}

/// JSON.
pub fn json<T: Serialize>(value: &T) -> Result<Response> {
    let mut response = bytes(serde_json::to_vec(value).map_err(Error::internal)?);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// Bytes as they are.
pub fn bytes(all: Vec<u8>) -> Response {
    let size = all.len();
    if size <= PIECE {
        return Response::new(all.into());
    }
    let unread = Unread(size, Arc::default());
    let rest = (Bytes::from(all), unread.clone());
    let pieces = futures_util::stream::unfold(rest, |(mut rest, unread)| async move {
        let piece = rest.split_to(PIECE.min(rest.len()));
        (!piece.is_empty()).then_some((Ok::<_, Infallible>(piece), (rest, unread)))
    });
    let mut response = warp::reply::stream(pieces).into_response();
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(size));
    response.extensions_mut().insert(unread);
    response
}

/// Counts what a reply holds as unread by `user`, until it is gone.
pub fn count_unread(app: &App, user: UserId, response: &Response) {
    if let Some(Unread(size, place)) = response.extensions().get() {
        place.get_or_init(|| app.limits.hold(user, *size));
    }
}

/// The same for a piece that is made while its reply goes out; small ones are not worth counting.
pub fn hold(app: &App, user: UserId, size: usize) -> Option<Place> {
    (size > PIECE).then(|| app.limits.hold(user, size))
}

/// `{"message": …}`.
pub fn message(message: &'static str) -> Result<Response> {
    json(&MessageReply { message })
}

/// The status of an error.
pub fn status(error: &Error) -> StatusCode {
    match error {
        Error::Invalid(_) | Error::Malformed(_) | Error::Refused(..) => StatusCode::BAD_REQUEST,
        Error::Unauthenticated | Error::Credentials(..) => StatusCode::UNAUTHORIZED,
        Error::Forbidden(..) => StatusCode::FORBIDDEN,
        Error::NotFound | Error::Unavailable(..) => StatusCode::NOT_FOUND,
        Error::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
        Error::Slow => StatusCode::REQUEST_TIMEOUT,
        Error::TooLarge(..) => StatusCode::PAYLOAD_TOO_LARGE,
        Error::MediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Error::Limited(..) => StatusCode::TOO_MANY_REQUESTS,
        Error::Upstream(fault) => upstream_status(fault.kind),
        Error::Overloaded | Error::Draining | Error::Storage(_) => StatusCode::SERVICE_UNAVAILABLE,
        Error::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn upstream_status(kind: UpstreamKind) -> StatusCode {
    match kind {
        UpstreamKind::KeyRejected
        | UpstreamKind::Quota
        | UpstreamKind::Refused
        | UpstreamKind::Rejected
        | UpstreamKind::ModelNotFound
        | UpstreamKind::ContextTooLong
        | UpstreamKind::InputRejected => StatusCode::BAD_REQUEST,
        UpstreamKind::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        UpstreamKind::Unreachable
        | UpstreamKind::Tls
        | UpstreamKind::Redirect
        | UpstreamKind::BadResponse
        | UpstreamKind::BrokeOff
        | UpstreamKind::Failed
        | UpstreamKind::Storage => StatusCode::BAD_GATEWAY,
        UpstreamKind::Timeout => StatusCode::GATEWAY_TIMEOUT,
    }
}

/// The reply to an error; `about` names the turn and conversation of a chat that failed.
pub fn error(error: &Error, request_id: &str, about: Option<(i64, i64)>) -> Response {
    let status = status(error);
    if let Error::Internal(cause) | Error::Storage(cause) = error {
        tracing::error!(request_id, code = error.code(), cause, "a request failed");
    }
    let fields = match error {
        Error::Invalid(fields) => {
            Some(fields.iter().map(|(name, why)| (name.to_string(), why.to_string())).collect())
        }
        _ => None,
    };
    let body = ErrorBody {
        error: error.to_string(),
        code: error.code().to_owned(),
        request_id: request_id.to_owned(),
        fields,
        id: about.map(|(turn, _)| turn),
        conversation_id: about.map(|(_, conversation)| conversation),
    };
    let mut response = json(&body).unwrap_or_default();
    *response.status_mut() = status;
    let headers = response.headers_mut();
    match error {
        Error::Unauthenticated | Error::Credentials(..) => {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        Error::Method(allowed) => {
            headers.extend(HeaderValue::from_str(allowed).map(|allowed| (ALLOW, allowed)));
        }
        _ => {}
    }
    let wait = match error {
        Error::Limited(_, _, seconds) => Some(*seconds),
        Error::Upstream(fault) if fault.kind == UpstreamKind::RateLimited => {
            Some(fault.retry_after.unwrap_or(5))
        }
        Error::Overloaded => Some(1),
        Error::Draining | Error::Storage(_) => Some(5),
        _ => None,
    };
    headers.extend(wait.map(|seconds| (RETRY_AFTER, HeaderValue::from(seconds))));
    response
}
