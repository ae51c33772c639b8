//! Server-sent events of an answer (WHATWG HTML, section 9.2). A follower reads the running answer from its offset
//! whenever it is woken and the line takes more: a slow reader merges pieces, and costs no memory.

use super::endpoint::blocking;
use super::reply;
use super::request::Call;
use super::route::Response;
use super::wire::UsageReply;
use crate::accounts;
use crate::app::App;
use crate::chat::{Ended, Generation, News, Path, Position, Seen, is_outdated};
use crate::error::{Error, Result};
use crate::limits::Place;
use crate::model::{ConversationId, Fault, PaidBy, Status, Turn, TurnId};
use crate::render::{self, Change};
use crate::store::Identity;
use bytes::Bytes;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName};
use serde::Serialize;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};
use warp::Reply;

/// A comment is sent at least that often.
const BEAT: Duration = Duration::from_secs(15);
/// How long a finished line waits to be rendered when the model falls silent behind it.
const OWED: Duration = Duration::from_millis(110);
/// How often it is looked whether the login is still good: its followers end within five seconds.
const CHECK: Duration = Duration::from_secs(4);

/// One client that follows one answer.
pub struct Follow {
    app: Arc<App>,
    identity: Identity,
    source: Source,
    head: Head,
    position: Position,
    /// What it has of the HTML, if it wants that.
    html: Option<Seen>,
    begun: bool,
    over: bool,
    beat: Instant,
    check: Instant,
    /// Of the copy that a follower of a stored answer has, and of the last bytes.
    held: [Option<Place>; 2],
}

/// Where the text comes from.
enum Source {
    Running(Arc<Generation>, watch::Receiver<()>),
    /// With its HTML, if that is wanted.
    Stored(Box<Turn>, Vec<Change>),
}

/// What is said first.
#[derive(Serialize)]
struct Head {
    id: TurnId,
    conversation_id: ConversationId,
    parent_id: Option<TurnId>,
    model: String,
    paid_by: PaidBy,
    context: Context,
}

#[derive(Serialize)]
struct Context {
    turns: usize,
    dropped: usize,
}

#[derive(Serialize)]
struct Piece<'a> {
    text: &'a str,
}

#[derive(Serialize)]
struct Html<'a> {
    index: usize,
    end: usize,
    html: Option<&'a str>,
    open: bool,
}

#[derive(Serialize)]
struct Fate<'a> {
    error: &'a str,
    code: &'a str,
}

#[derive(Serialize)]
struct Done<'a> {
    id: TurnId,
    status: Status,
    reply: &'a str,
    usage: UsageReply,
    finish_reason: Option<&'a str>,
}

/// The offsets a client names, of response and reasoning: `Last-Event-ID`, else `after`, else the beginning.
pub fn offsets(call: &Call) -> Result<(usize, usize)> {
    let header = call.headers.get("last-event-id").map(|value| value.to_str().unwrap_or("?"));
    let Some(text) = header.or_else(|| call.param("after")) else {
        return Ok((0, 0));
    };
    let digits = |text: &str| {
        let plain = !text.is_empty() && text.len() < 16 && text.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| text.parse().ok()).flatten()
    };
    let (response, reasoning) = text.split_once('.').unwrap_or((text, "0"));
    digits(response).zip(digits(reasoning)).ok_or_else(bad_offset)
}

fn bad_offset() -> Error {
    Error::field("after", "This is not an offset that an event named.")
}

impl Follow {
    /// Follows a running answer.
    pub async fn running(call: Call, generation: Arc<Generation>, after: (usize, usize)) -> Result<Follow> {
        if call.html {
            let rendered = generation.clone();
            blocking(move || {
                rendered.want_html();
                Ok(())
            })
            .await?;
        }
        let place = generation.place().ok_or(Error::NotFound)?;
        let position = generation.position(after.0, after.1).ok_or_else(bad_offset)?;
        let head = Head {
            id: place.turn,
            conversation_id: place.conversation,
            parent_id: place.parent,
            model: generation.model.clone(),
            paid_by: generation.paid_by,
            context: Context::from(place.path),
        };
        let changes = generation.changes();
        Follow::new(call, Source::Running(generation, changes), head, position)
    }

    /// Tells an answer that has ended.
    pub async fn ended(call: Call, turn: Turn, after: (usize, usize)) -> Result<Follow> {
        let splits = |text: &str, at: usize| at < text.len() && !text.is_char_boundary(at);
        let outdated = is_outdated(after.0, after.1, turn.reset_at);
        if !outdated && (splits(&turn.response, after.0) || splits(&turn.reasoning, after.1)) {
            return Err(bad_offset());
        }
        let position = Position { response: after.0, reasoning: after.1, resets: 0 };
        let head = Head {
            id: turn.id,
            conversation_id: turn.conversation,
            parent_id: turn.parent,
            model: turn.model.clone(),
            paid_by: turn.paid_by,
            context: Context::from(Path::default()),
        };
        let html = if call.html {
            let text = turn.response.clone();
            blocking(move || Ok(whole_html(&text))).await?
        } else {
            Vec::new()
        };
        Follow::new(call, Source::Stored(Box::new(turn), html), head, position)
    }

    fn new(call: Call, source: Source, head: Head, position: Position) -> Result<Follow> {
        let identity = call.identity()?.clone();
        let copied = match &source {
            Source::Running(..) => 0,
            Source::Stored(turn, html) => {
                let html = html.iter().filter_map(|change| change.html.as_ref());
                turn.response.len() + turn.reasoning.len() + html.map(String::len).sum::<usize>()
            }
        };
        let copied = reply::hold(&call.app, identity.user, copied);
        let html = call.html.then(Seen::default);
        let now = Instant::now();
        Ok(Follow {
            app: call.app,
            identity,
            source,
            head,
            position,
            html,
            begun: false,
            over: false,
            beat: now + BEAT,
            check: now + CHECK,
            held: [copied, None],
        })
    }

    /// The next bytes; `None` at the end.
    async fn next(&mut self) -> Option<Bytes> {
        let mut out = Vec::new();
        if self.over {
            return None;
        }
        if !std::mem::replace(&mut self.begun, true) {
            event(&mut out, "turn", None, &self.head);
        }
        loop {
            // Not only while it waits: to a slow reader there is always something to say.
            self.check_login(&mut out);
            if !self.over {
                self.read(&mut out);
            }
            if !out.is_empty() {
                self.beat = Instant::now() + BEAT;
                self.held[1] = reply::hold(&self.app, self.identity.user, out.len());
                return Some(out.into());
            }
            if self.over {
                return None;
            }
            self.wait(&mut out).await;
        }
    }

    /// Ends it when the login has ended. Where that cannot be looked up now, it is looked up again in some seconds.
    fn check_login(&mut self, out: &mut Vec<u8>) {
        let now = Instant::now();
        if now < self.check {
            return;
        }
        self.check = now + CHECK;
        if let Ok(false) = accounts::is_signed_in(&self.app, &self.identity) {
            let fault = Fault { code: "session_ended".into(), message: "This login has ended.".into() };
            event(out, "error", None, &Fate { error: &fault.message, code: &fault.code });
            self.over = true;
        }
    }

    /// Writes what is new.
    fn read(&mut self, out: &mut Vec<u8>) {
        let before = self.position;
        // The HTML is looked at before the text, and sent after it: it is never ahead.
        let (news, html, resets) = match &mut self.source {
            Source::Running(generation, changes) => {
                changes.borrow_and_update();
                let mut read_html =
                    || self.html.as_mut().map(|seen| generation.read_html(seen)).unwrap_or_default();
                let (mut html, resets) = read_html();
                let news = generation.read(&mut self.position);
                if news.ended.is_some() {
                    // It may have ended between the two looks; at the end all text is out, and the last blocks belong to it.
                    html.extend(read_html().0);
                }
                (news, html, resets)
            }
            Source::Stored(turn, html) => (stored(turn, &mut self.position), std::mem::take(html), 0),
        };
        let from = if news.reset { Position::default() } else { before };
        if news.reset {
            event(out, "reset", None, &serde_json::Map::new());
            if let Some(seen) = &mut self.html {
                seen.forget_blocks();
            }
        }
        if !news.reasoning.is_empty() {
            let id = (from.response, self.position.reasoning);
            event(out, "reasoning", Some(id), &Piece { text: &news.reasoning });
        }
        if !news.response.is_empty() {
            let id = (self.position.response, self.position.reasoning);
            event(out, "delta", Some(id), &Piece { text: &news.response });
        }
        for change in html.iter().filter(|_| resets == self.position.resets) {
            let html = change.html.as_deref();
            let data = Html { index: change.index, end: change.end, html, open: change.open };
            event(out, "html", None, &data);
        }
        if let Some(ended) = &news.ended {
            self.end(out, ended);
        }
    }

    fn end(&mut self, out: &mut Vec<u8>, ended: &Ended) {
        self.over = true;
        let reply = match &self.source {
            Source::Running(generation, _) => &generation.texts().0,
            Source::Stored(turn, _) => &turn.response,
        };
        if let Some(fault) = &ended.fault {
            event(out, "error", None, &Fate { error: &fault.message, code: &fault.code });
        }
        let done = Done {
            id: self.head.id,
            status: ended.status,
            reply,
            usage: UsageReply::from(&ended.usage),
            finish_reason: ended.finish_reason.as_deref(),
        };
        event(out, "done", None, &done);
    }

    /// Until there may be news, or the login is to be looked at; keeps the line alive meanwhile.
    async fn wait(&mut self, out: &mut Vec<u8>) {
        let Source::Running(generation, changes) = &mut self.source else {
            return;
        };
        let owed = self.html.is_some() && generation.owes_html();
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { self.over = true },
            () = sleep(OWED), if owed => {
                let generation = generation.clone();
                // Where it cannot be done now, it is done with the next line or at the end.
                let _ = blocking(move || {
                    generation.render_owed();
                    Ok(())
                })
                .await;
            }
            () = sleep_until(self.beat.min(self.check)) => {
                if Instant::now() >= self.beat {
                    out.extend_from_slice(b":\n\n");
                }
            }
        }
    }
}

impl From<Path> for Context {
    fn from(path: Path) -> Context {
        Context { turns: path.turns, dropped: path.dropped }
    }
}

/// What a stored turn has behind a position, with its end.
fn stored(turn: &Turn, position: &mut Position) -> News {
    let beyond = position.response > turn.response.len() || position.reasoning > turn.reasoning.len();
    let reset = beyond || is_outdated(position.response, position.reasoning, turn.reset_at);
    if reset {
        *position = Position::default();
    }
    let mut news = News { reset, ..News::default() };
    if news.take(&turn.reasoning, &turn.response, position) {
        news.ended = Some(Ended {
            status: turn.status,
            finish_reason: turn.finish_reason.clone(),
            fault: turn.fault.clone(),
            retry_after: None,
            usage: turn.usage,
        });
    }
    news
}

/// All blocks of a text that does not grow any more.
fn whole_html(text: &str) -> Vec<Change> {
    let block = |(index, html)| Change { index, end: text.len(), html: Some(html), open: false };
    render::blocks(text).into_iter().enumerate().map(block).collect()
}

/// Writes one event. JSON holds no line break, so the data is one line.
fn event<T: Serialize>(out: &mut Vec<u8>, name: &str, id: Option<(usize, usize)>, data: &T) {
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(name.as_bytes());
    if let Some((response, reasoning)) = id {
        let id = if reasoning == 0 {
            format!("\nid: {response}")
        } else {
            format!("\nid: {response}.{reasoning}")
        };
        out.extend_from_slice(id.as_bytes());
    }
    out.extend_from_slice(b"\ndata: ");
    // Our own plain structures always become JSON.
    let _ = serde_json::to_writer(&mut *out, data);
    out.extend_from_slice(b"\n\n");
}

/// The reply that follows: never stored, changed, compressed or held back by what is in between.
pub fn reply(follow: Follow) -> Response {
    let stream = futures_util::stream::unfold(follow, |mut follow| async move {
        follow.next().await.map(|bytes| (Ok::<_, Infallible>(bytes), follow))
    });
    let mut response = warp::reply::stream(stream).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform"));
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response
}
