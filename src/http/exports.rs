//! Downloads: one conversation, or everything of the account.

use super::endpoint::blocking;
use super::request::Call;
use super::route::{Access, Query, Response, Route, Run, Verb, Waiting};
use crate::error::{Error, Result};
use crate::export::{self, Document, Format};
use crate::limits::{Place, Transfer};
use crate::model::ConversationId;
use crate::text::percent_encoded;
use bytes::Bytes;
use http::HeaderValue;
use http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Semaphore;
use warp::Reply;

/// Exports that are written at once; more wait. A large one takes a thread of the pool for minutes, and whoever wants to
/// sign in needs one as well.
static WRITING: Semaphore = Semaphore::const_new(8);

/// Read from disk at once.
const PIECE: usize = 256 << 10;
/// Of archives.
pub const ZIP: &str = "application/zip";

/// The rows of this noun.
pub const ROUTES: &[Route] = &[
    Route::new::<()>(Verb::Get, "/api/conversations/{id}/export", Access::User, Run::Waiting(one))
        .gives_other(&["application/json", "text/markdown"])
        .query(&[Query { name: "format", kind: "json|markdown|openwebui", about: "json when left out." }])
        .about("A conversation as a file."),
    Route::new::<()>(Verb::Get, "/api/export", Access::User, Run::Waiting(all))
        .gives_other(&[ZIP])
        .query(&[Query { name: "format", kind: "json|markdown|openwebui", about: "json when left out." }])
        .about("Everything of the account as a ZIP archive."),
];

fn format(call: &Call) -> Result<Format> {
    let name = call.param("format").unwrap_or("json");
    Format::parse(name).ok_or_else(|| Error::field("format", "This must be json, markdown or openwebui."))
}

fn one(call: Call) -> Waiting {
    Box::pin(async move {
        let id = call.id_at(0, ConversationId)?;
        let (format, app, user) = (format(&call)?, call.app.clone(), call.identity()?.user);
        let write = move |path: &Path| export::conversation(&app, user, id, format, &mut create(path)?);
        temporary(&call, write).await
    })
}

fn all(call: Call) -> Waiting {
    Box::pin(async move {
        let (format, app, user) = (format(&call)?, call.app.clone(), call.identity()?.user);
        let write = move |path: &Path| {
            let user = app.store.user(user)?;
            export::account(&app, &user, format, create(path)?, &mut |_, _| ())?;
            Ok(Document { name: "gpt-assistant.zip".into(), media_type: ZIP })
        };
        temporary(&call, write).await
    })
}

fn create(path: &Path) -> Result<File> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.map_err(|error| Error::Storage(error.to_string()))
}

/// A file that `write` makes at a path of ours. It loses its name before it is sent: a slow reader then holds
/// neither the database nor memory, and nothing is left behind.
pub async fn temporary(
    call: &Call,
    write: impl FnOnce(&Path) -> Result<Document> + Send + 'static,
) -> Result<Response> {
    let place = call.app.limits.begin(call.identity()?.user, Transfer::Download)?;
    let turn = WRITING.acquire().await.map_err(Error::internal)?;
    let path = export::draft(&call.app, &call.id);
    let (document, file, size) = blocking(move || {
        let written = write(&path).and_then(|document| {
            let file = File::open(&path).map_err(|error| Error::Storage(error.to_string()))?;
            let size = file.metadata().map_err(|error| Error::Storage(error.to_string()))?.len();
            Ok((document, file, size))
        });
        let _ = fs::remove_file(&path);
        written
    })
    .await?;
    drop(turn);
    let mut response = download(file, place);
    name(&mut response, &document.name, document.media_type);
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(size));
    Ok(response)
}

fn download(file: File, place: Place) -> Response {
    let file = Arc::new(Mutex::new(file));
    let pieces = futures_util::stream::unfold((file, place), |(file, place)| async move {
        let reading = file.clone();
        let read = blocking(move || {
            let mut piece = vec![0; PIECE];
            let mut file = reading.lock().unwrap_or_else(PoisonError::into_inner);
            let count = file.read(&mut piece).map_err(|error| Error::Storage(error.to_string()))?;
            piece.truncate(count);
            Ok(Bytes::from(piece))
        });
        match read.await {
            Ok(piece) if piece.is_empty() => None,
            read => Some((read, (file, place))),
        }
    });
    warp::reply::stream(pieces).into_response()
}

/// Names a download (RFC 6266): in ASCII, and in UTF-8 for who understands that.
pub fn name(response: &mut Response, name: &str, media_type: &'static str) {
    let ascii: String = name
        .chars()
        .map(|c| if c.is_ascii_graphic() && !"\"\\%;".contains(c) || c == ' ' { c } else { '_' })
        .collect();
    let encoded = percent_encoded(name.as_bytes(), b"-._");
    let value = format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{encoded}");
    let headers = response.headers_mut();
    headers.extend(HeaderValue::from_str(&value).map(|value| (CONTENT_DISPOSITION, value)));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_download_is_named_for_every_browser() {
        let mut response = Response::default();
        name(&mut response, "天气 \"x\".md", "text/markdown");
        assert_eq!(
            response.headers()[CONTENT_DISPOSITION],
            "attachment; filename=\"__ _x_.md\"; filename*=UTF-8''%E5%A4%A9%E6%B0%94%20%22x%22.md"
        );
    }
}
