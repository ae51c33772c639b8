//! Files that go with messages.

use super::request::Call;
use super::route::{Access, Response, Route, Run, Upload, Verb};
use super::wire::FileReply;
use super::{exports, reply};
use crate::error::Result;
use crate::files;
use crate::model::{AttachmentKind, FileId};
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, VARY};

/// The rows of this noun.
pub const ROUTES: &[Route] = &[
    Route::new::<FileReply>(Verb::Post, "/api/files", Access::User, Run::Blocking(upload))
        .takes_file(Upload { field: "file", largest: files::LARGEST, too_large: files::too_large })
        .about("Takes a picture (at most 10 MiB, made to fit 2048 pixels) or a text (at most 256 KiB) to go with a message."),
    Route::new::<()>(Verb::Get, "/api/files/{id}", Access::User, Run::Blocking(download))
        .gives_other(&["image/png", "image/jpeg", "text/plain"])
        .about("A file of one's own: the picture, or the text as a download."),
];

fn upload(call: &Call) -> Result<Response> {
    let name = call.file_name.as_deref().unwrap_or_default();
    let file = files::keep(&call.app, call.identity()?.user, name, &call.body)?;
    reply::json(&FileReply::from(file))
}

fn download(call: &Call) -> Result<Response> {
    let id = call.id_at(0, FileId)?;
    let (file, bytes) = files::open(&call.app, call.identity()?.user, id)?;
    let mut response = reply::bytes(bytes);
    match file.kind {
        AttachmentKind::Text => exports::name(&mut response, &file.name, "text/plain; charset=utf-8"),
        AttachmentKind::Image => {
            let mime = if file.mime == "image/jpeg" { "image/jpeg" } else { "image/png" };
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(mime));
        }
    }
    // It never changes, and is nobody else's: another login in the same browser must not get it.
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, max-age=86400, immutable"));
    headers.append(VARY, HeaderValue::from_static("authorization"));
    Ok(response)
}
