//! What can go wrong, in the words of the product. Only `http::reply` knows HTTP statuses.

use std::borrow::Cow;
use std::fmt;

/// A result whose error can be told to a person.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Faulty parameters and what is wrong with each: a sentence for a person.
pub type Fields = Vec<(Cow<'static, str>, Cow<'static, str>)>;

/// Each variant says its status and its code.
#[derive(Debug)]
pub enum Error {
    /// 400 `invalid_parameter`: with the faulty fields.
    Invalid(Fields),
    /// 400 `invalid_request`: the body cannot be read at all.
    Malformed(&'static str),
    /// 400 with the code given: what was asked is understood and cannot be done.
    Refused(&'static str, Cow<'static, str>),
    /// 401 `unauthenticated`: no login, or one that has ended.
    Unauthenticated,
    /// 401 with the code given: e-mail, password or code is not right.
    Credentials(&'static str, &'static str),
    /// 403 with the code given.
    Forbidden(&'static str, &'static str),
    /// 404 `not_found`: also for what belongs to somebody else.
    NotFound,
    /// 404 with the code given: this server has not got that.
    Unavailable(&'static str, &'static str),
    /// 405 `method_not_allowed`: with the methods that are.
    Method(String),
    /// 408 `request_timeout`: the body did not come in time.
    Slow,
    /// 413 with the code given.
    TooLarge(&'static str, Cow<'static, str>),
    /// 415 `unsupported_media_type`: with what is wanted.
    MediaType(&'static str),
    /// 429 with the code given, and the seconds to wait.
    Limited(&'static str, Cow<'static, str>, u64),
    /// Of the model service, with a status by its kind.
    Upstream(UpstreamError),
    /// 503 `overloaded`: too much at once.
    Overloaded,
    /// 503 `draining`: the server is about to stop.
    Draining,
    /// 503 `storage_error`: the disk is full or faulty. The cause is for the log.
    Storage(String),
    /// 500 `internal`: a fault of this program. The cause is for the log.
    Internal(String),
}

/// What the model service did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamError {
    /// What kind of fault.
    pub kind: UpstreamKind,
    /// A sentence for a person: the provider's own, cleaned, or ours.
    pub message: String,
    /// Seconds after which a new try may succeed, where the upstream said so.
    pub retry_after: Option<u64>,
}

/// Kinds of upstream faults, each with its code and status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpstreamKind {
    /// 400 `upstream_key_rejected`.
    KeyRejected,
    /// 400 `upstream_quota`: the account behind the key is empty.
    Quota,
    /// 400 `upstream_refused`.
    Refused,
    /// 400 `upstream_rejected`.
    Rejected,
    /// 400 `model_not_found`.
    ModelNotFound,
    /// 400 `context_too_long`.
    ContextTooLong,
    /// 400 `model_rejected_input`: the model does not take pictures or files.
    InputRejected,
    /// 429 `upstream_rate_limited`.
    RateLimited,
    /// 502 `upstream_unreachable`.
    Unreachable,
    /// 502 `upstream_tls`: its certificate is not good.
    Tls,
    /// 502 `upstream_redirect`.
    Redirect,
    /// 502 `upstream_bad_response`: what came is not an answer.
    BadResponse,
    /// 502 `upstream_broke_off`: it ended before it had said that it was done.
    BrokeOff,
    /// 502 `upstream_error`: it says itself that it failed.
    Failed,
    /// 504 `upstream_timeout`.
    Timeout,
    /// 502 `avatar_store_failed`: the bucket for pictures did not take one.
    Storage,
}

impl UpstreamKind {
    const WORDS: [(UpstreamKind, &str); 16] = [
        (UpstreamKind::KeyRejected, "upstream_key_rejected"),
        (UpstreamKind::Quota, "upstream_quota"),
        (UpstreamKind::Refused, "upstream_refused"),
        (UpstreamKind::Rejected, "upstream_rejected"),
        (UpstreamKind::ModelNotFound, "model_not_found"),
        (UpstreamKind::ContextTooLong, "context_too_long"),
        (UpstreamKind::InputRejected, "model_rejected_input"),
        (UpstreamKind::RateLimited, "upstream_rate_limited"),
        (UpstreamKind::Unreachable, "upstream_unreachable"),
        (UpstreamKind::Tls, "upstream_tls"),
        (UpstreamKind::Redirect, "upstream_redirect"),
        (UpstreamKind::BadResponse, "upstream_bad_response"),
        (UpstreamKind::BrokeOff, "upstream_broke_off"),
        (UpstreamKind::Failed, "upstream_error"),
        (UpstreamKind::Timeout, "upstream_timeout"),
        (UpstreamKind::Storage, "avatar_store_failed"),
    ];

    /// The stable word for it.
    pub fn code(self) -> &'static str {
        UpstreamKind::WORDS.iter().find(|(kind, _)| *kind == self).map_or("upstream_error", |(_, word)| word)
    }

    /// The kind that a stable word stands for.
    pub fn parse(code: &str) -> Option<UpstreamKind> {
        UpstreamKind::WORDS.iter().find(|(_, word)| *word == code).map(|(kind, _)| *kind)
    }
}

impl UpstreamError {
    /// A fault with our own sentence.
    pub fn new(kind: UpstreamKind, message: impl Into<String>) -> UpstreamError {
        UpstreamError { kind, message: message.into(), retry_after: None }
    }
}

impl Error {
    /// One faulty parameter.
    pub fn field(name: &'static str, message: impl Into<Cow<'static, str>>) -> Error {
        Error::Invalid(vec![(name.into(), message.into())])
    }

    /// A fault of this program, for the log.
    pub fn internal(cause: impl fmt::Display) -> Error {
        Error::Internal(cause.to_string())
    }

    /// The stable word for it, part of the API.
    pub fn code(&self) -> &'static str {
        match self {
            Error::Invalid(_) => "invalid_parameter",
            Error::Malformed(_) => "invalid_request",
            Error::Refused(code, _)
            | Error::Credentials(code, _)
            | Error::Forbidden(code, _)
            | Error::Unavailable(code, _)
            | Error::TooLarge(code, _)
            | Error::Limited(code, _, _) => code,
            Error::Unauthenticated => "unauthenticated",
            Error::NotFound => "not_found",
            Error::Method(_) => "method_not_allowed",
            Error::Slow => "request_timeout",
            Error::MediaType(_) => "unsupported_media_type",
            Error::Upstream(fault) => fault.kind.code(),
            Error::Overloaded => "overloaded",
            Error::Draining => "draining",
            Error::Storage(_) => "storage_error",
            Error::Internal(_) => "internal",
        }
    }
}

impl fmt::Display for Error {
    /// The sentence for a person; never the cause of a fault of ours.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Invalid(fields) => match fields.as_slice() {
                [(_, sentence)] => f.write_str(sentence),
                _ => f.write_str("Some of the values are not right."),
            },
            Error::Malformed(sentence)
            | Error::Credentials(_, sentence)
            | Error::Forbidden(_, sentence)
            | Error::Unavailable(_, sentence)
            | Error::MediaType(sentence) => f.write_str(sentence),
            Error::Refused(_, sentence) | Error::TooLarge(_, sentence) | Error::Limited(_, sentence, _) => {
                f.write_str(sentence)
            }
            Error::Unauthenticated => f.write_str("Please sign in."),
            Error::NotFound => f.write_str("There is nothing here."),
            Error::Method(allowed) => write!(f, "This address takes {allowed}."),
            Error::Slow => f.write_str("The request took too long to arrive."),
            Error::Upstream(fault) => f.write_str(&fault.message),
            Error::Overloaded => f.write_str("The server is busy. Please try again in a moment."),
            Error::Draining => f.write_str("The server is about to restart. Please try again in a moment."),
            Error::Storage(_) => {
                f.write_str("The server cannot store anything right now. Nothing was changed.")
            }
            Error::Internal(_) => f.write_str("Something went wrong on the server."),
        }
    }
}

impl std::error::Error for Error {}

impl From<UpstreamError> for Error {
    fn from(fault: UpstreamError) -> Error {
        Error::Upstream(fault)
    }
}
