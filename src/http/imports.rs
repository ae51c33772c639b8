//! Imports: a file is sent, and its report is asked for.

use super::body::{self, Incoming};
use super::endpoint::blocking;
use super::reply;
use super::request::Call;
use super::route::{Access, Response, Route, Run, Verb, Waiting};
use crate::error::{Error, Result};
use crate::import::{self, Draft, Problem, State};
use crate::model::ImportId;
use http::StatusCode;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HeaderName};
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::Arc;

/// The rows of this noun.
pub const ROUTES: &[Route] = &[
    Route::new::<BegunReply>(Verb::Post, "/api/import", Access::User, Run::Taking(begin))
        .takes_whole()
        .begins()
        .about("Takes conversations from another service's export: ZIP or JSON, as the body. One at a time."),
    Route::new::<ReportReply>(Verb::Get, "/api/import/{id}", Access::User, Run::Blocking(report))
        .about("What became of an import so far."),
];

/// An import that goes on.
#[derive(Serialize, JsonSchema)]
struct BegunReply {
    id: ImportId,
    status: State,
}

/// What became of an import so far. The numbers are of conversations; `total` is the sum of `imported`,
/// `updated`, `skipped` and `failed`.
#[derive(Serialize, JsonSchema)]
struct ReportReply {
    id: ImportId,
    status: State,
    /// chatgpt, claude, openwebui, librechat, nextchat, or gpt-assistant for this program's own.
    format: String,
    total: u64,
    imported: u64,
    updated: u64,
    skipped: u64,
    failed: u64,
    /// Pictures and files that came with conversations.
    files: u64,
    /// How much of the file is done, in percent.
    progress: u8,
    problems: Vec<Problem>,
}

fn begin(call: Call, incoming: Incoming) -> Waiting {
    Box::pin(async move {
        let limit = call.app.config.limits.import_bytes;
        let entered = admit(&call, limit);
        let place = match entered {
            Ok(place) => place,
            Err(error) => {
                // Who asks first whether to send the file is told by the answer itself.
                if !call.headers.contains_key(EXPECT) {
                    body::discard_file(incoming).await;
                }
                return Err(error);
            }
        };
        let (app, id) = (call.app.clone(), call.id.clone());
        let draft = Arc::new(blocking(move || Draft::new(&app, &id)).await?);
        let writing = draft.clone();
        body::pieces(incoming, limit, move |piece| writing.write(piece)).await?;
        let draft = Arc::into_inner(draft).ok_or_else(|| Error::internal("a file is still being written"))?;
        let id = blocking(move || import::begin(place, draft)).await?;
        let mut response = reply::json(&BegunReply { id, status: State::Running })?;
        *response.status_mut() = StatusCode::ACCEPTED;
        Ok(response)
    })
}

fn admit(call: &Call, limit: u64) -> Result<import::Place> {
    let text =
        |name: HeaderName| call.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if text(CONTENT_TYPE).to_ascii_lowercase().starts_with("multipart/") {
        return Err(Error::MediaType("This address takes the file itself, not a form with it."));
    }
    if text(CONTENT_LENGTH).parse::<u64>().is_ok_and(|length| length > limit) {
        return Err(Error::TooLarge("too_large", "The file is larger than this server takes.".into()));
    }
    import::enter(&call.app, call.identity()?.user)
}

fn report(call: &Call) -> Result<Response> {
    let id = call.id_at(0, ImportId)?;
    let report = import::report(&call.app, call.identity()?.user, id)?;
    reply::json(&ReportReply {
        id,
        status: report.status,
        format: report.format,
        total: report.total,
        imported: report.imported,
        updated: report.updated,
        skipped: report.skipped,
        failed: report.failed,
        files: report.files,
        progress: report.progress,
        problems: report.problems,
    })
}
