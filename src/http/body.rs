//! Reads a body: counted, timed, chunked or not. What is too large is read a little further and thrown away, so that
//! the client gets our answer instead of a broken line.

use super::endpoint::blocking;
use super::route::{Size, Upload};
use crate::app::App;
use crate::error::{Error, Result};
use bytes::{Buf, Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// A body on its way in.
pub type Incoming = Pin<Box<dyn Stream<Item = Result<Bytes, warp::Error>> + Send + Sync>>;

/// Of names, passwords and switches.
const SMALL: usize = 16 << 10;
/// Around a message and a system prompt.
const AROUND: usize = 64 << 10;
/// The longest way to write a character in JSON: two escapes of six bytes.
const ESCAPED: usize = 12;
/// How far a body that is too large is read and thrown away.
const THROW_AWAY: usize = 1 << 20;
const THROW_AWAY_FILE: usize = 64 << 20;
/// Of a body that nobody wants.
const DISCARD: usize = 64 << 10;
const DISCARD_TIME: Duration = Duration::from_secs(1);
const DISCARD_FILE_TIME: Duration = Duration::from_secs(20);
const JSON_TIME: Duration = Duration::from_secs(30);
const FILE_TIME: Duration = Duration::from_secs(120);
/// Of a large file: longest pause, and the slowest that it may come on the whole, in bytes a second, after a while.
const PAUSE: Duration = Duration::from_secs(30);
const SLOWEST: u64 = 16 << 10;
const WHILE: Duration = Duration::from_secs(60);
/// Handed on at once.
const PIECE: usize = 256 << 10;
/// Marks around the file in a form.
const FRAMING: usize = 64 << 10;
/// Fields of a form that are looked at.
const MOST_FIELDS: usize = 16;

/// Turns warp's stream of buffers into one of bytes.
pub fn incoming<B: Buf>(
    stream: impl Stream<Item = Result<B, warp::Error>> + Send + Sync + 'static,
) -> Incoming {
    Box::pin(stream.map(|chunk| chunk.map(|mut buffer| buffer.copy_to_bytes(buffer.remaining()))))
}

/// The largest JSON body of a kind.
pub fn limit(app: &App, size: Size) -> usize {
    match size {
        Size::Small => SMALL,
        Size::Messages => AROUND + 2 * ESCAPED * app.config.chat.max_message_chars,
    }
}

/// Reads and throws away a body that nobody wants, if it is short: with bytes left on the line, the connection could not be
/// used again, and the client's next request would break.
pub async fn discard(stream: Incoming) {
    throw_away(stream, DISCARD, DISCARD_TIME).await;
}

/// The same for a large file: many clients send all of it before they read the answer.
pub async fn discard_file(stream: Incoming) {
    throw_away(stream, THROW_AWAY_FILE, DISCARD_FILE_TIME).await;
}

async fn throw_away(mut stream: Incoming, most: usize, time: Duration) {
    let deadline = Instant::now() + time;
    let mut thrown = 0;
    while thrown <= most {
        match timeout_at(deadline, stream.next()).await {
            Ok(Some(Ok(chunk))) => thrown += chunk.len(),
            _ => return,
        }
    }
}

/// A JSON body.
pub async fn json(stream: Incoming, limit: usize) -> Result<Bytes> {
    let too_large = || Error::TooLarge("too_large", "The request is too large.".into());
    read(stream, limit, THROW_AWAY, JSON_TIME, too_large).await
}

/// The file in a form's field, and what the client calls it. Other fields are passed over.
pub async fn file(
    stream: Incoming,
    content_type: Option<&str>,
    upload: Upload,
) -> Result<(Option<String>, Bytes)> {
    let Upload { field, largest, too_large } = upload;
    let kind = content_type.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("multipart/form-data") {
        discard(stream).await;
        return Err(Error::MediaType("This address takes a form (multipart/form-data)."));
    }
    let Some(boundary) = content_type.and_then(|value| multer::parse_boundary(value).ok()) else {
        discard(stream).await;
        return Err(Error::Malformed("The form does not say what separates its parts."));
    };
    let whole = read(stream, largest + FRAMING, THROW_AWAY_FILE, FILE_TIME, too_large).await?;
    let pieces = futures_util::stream::iter([Ok::<_, std::convert::Infallible>(whole)]);
    let mut form = multer::Multipart::new(pieces, boundary);
    let missing = || Error::field(field, "A file is needed in this field.");
    for _ in 0..MOST_FIELDS {
        match form.next_field().await.map_err(|_| Error::Malformed("The form cannot be read."))? {
            None => return Err(missing()),
            Some(part) if part.name() == Some(field) => {
                let name = part.file_name().map(str::to_owned);
                let bytes = part.bytes().await.map_err(|_| Error::Malformed("The form cannot be read."))?;
                return if bytes.len() > largest {
                    Err(too_large())
                } else if bytes.is_empty() {
                    Err(missing())
                } else {
                    Ok((name, bytes))
                };
            }
            Some(_) => {}
        }
    }
    Err(missing())
}

/// A large file, handed on piece by piece to `write`, which may block. At most `limit` bytes; how long it takes is not
/// limited, as long as it goes on.
pub async fn pieces<W>(mut stream: Incoming, limit: u64, write: W) -> Result<()>
where
    W: Fn(&[u8]) -> Result<()> + Send + Sync + 'static,
{
    let (began, write) = (Instant::now(), Arc::new(write));
    let (mut gathered, mut received) = (BytesMut::new(), 0);
    loop {
        let deadline = began + WHILE + Duration::from_secs(received / SLOWEST);
        let next = next_within(&mut stream, PAUSE, deadline).await?;
        let over = next.is_none();
        if let Some(chunk) = next {
            received += chunk.len() as u64;
            gathered.extend_from_slice(&chunk);
        }
        if received > limit {
            discard_file(stream).await;
            return Err(Error::TooLarge("too_large", "The file is larger than this server takes.".into()));
        }
        if gathered.len() >= PIECE || over {
            let (piece, write) = (gathered.split().freeze(), write.clone());
            blocking(move || write(&piece)).await?;
        }
        if over {
            return Ok(());
        }
    }
}

/// The next chunk, if it comes after no longer a pause and before the deadline.
async fn next_within(stream: &mut Incoming, pause: Duration, deadline: Instant) -> Result<Option<Bytes>> {
    let next = timeout_at(deadline.min(Instant::now() + pause), stream.next()).await;
    let next = next.map_err(|_| Error::Slow)?.transpose();
    next.map_err(|_| Error::Malformed("The body did not arrive whole."))
}

async fn read(
    mut stream: Incoming,
    limit: usize,
    throw_away: usize,
    time: Duration,
    too_large: impl Fn() -> Error,
) -> Result<Bytes> {
    let deadline = Instant::now() + time;
    let (mut kept, mut thrown) = (BytesMut::new(), 0);
    loop {
        let next = timeout_at(deadline, stream.next()).await.map_err(|_| Error::Slow)?;
        let Some(chunk) = next else { break };
        let chunk = chunk.map_err(|_| Error::Malformed("The body did not arrive whole."))?;
        if thrown == 0 && kept.len() + chunk.len() <= limit {
            kept.extend_from_slice(&chunk);
        } else {
            thrown += kept.len() + chunk.len();
            kept = BytesMut::new();
            if thrown > limit + throw_away {
                break;
            }
        }
    }
    if thrown > 0 { Err(too_large()) } else { Ok(kept.freeze()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunks(sizes: &[usize]) -> Incoming {
        let all: Vec<_> = sizes.iter().map(|n| Ok(Bytes::from(vec![b'x'; *n]))).collect();
        Box::pin(futures_util::stream::iter(all))
    }

    #[tokio::test]
    async fn i4_a_body_is_counted_as_it_comes() {
        assert_eq!(json(chunks(&[4, 4, 2]), 10).await.unwrap().len(), 10);
        assert!(matches!(json(chunks(&[4, 4, 3]), 10).await, Err(Error::TooLarge(..))));
        assert!(matches!(json(chunks(&[11]), 10).await, Err(Error::TooLarge(..))));
        assert!(json(chunks(&[]), 10).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn i4_a_large_file_is_counted_too_and_arrives_in_order() {
        let seen = Arc::new(std::sync::Mutex::new(0));
        let write = |seen: &Arc<std::sync::Mutex<usize>>| {
            let seen = seen.clone();
            move |piece: &[u8]| {
                *seen.lock().unwrap() += piece.len();
                Ok(())
            }
        };
        let sizes = [PIECE - 1, 2, 7, 3 * PIECE];
        let total = sizes.iter().sum::<usize>();
        pieces(chunks(&sizes), total as u64, write(&seen)).await.unwrap();
        assert_eq!(*seen.lock().unwrap(), total);
        let short = pieces(chunks(&sizes), total as u64 - 1, write(&seen)).await;
        assert!(matches!(short, Err(Error::TooLarge("too_large", _))));
        let full = |_: &[u8]| Err(Error::Storage("full".into()));
        assert!(matches!(pieces(chunks(&[1]), 1, full).await, Err(Error::Storage(_))));
    }

    #[tokio::test]
    async fn h1_a_large_file_may_take_long_and_must_go_on() {
        let (soon, late) = (Duration::from_millis(10), Duration::from_secs(60));
        let never = || -> Incoming { Box::pin(futures_util::stream::pending()) };
        let now = Instant::now();
        assert!(matches!(next_within(&mut never(), soon, now + late).await, Err(Error::Slow)));
        assert!(matches!(next_within(&mut never(), late, now + soon).await, Err(Error::Slow)));
        assert_eq!(next_within(&mut chunks(&[3]), soon, now + late).await.unwrap().unwrap().len(), 3);
        assert!(next_within(&mut chunks(&[]), soon, now + late).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn h1_a_body_that_never_ends_is_given_up() {
        let never: Incoming = Box::pin(futures_util::stream::pending());
        let time = Duration::from_millis(10);
        assert!(matches!(read(never, 10, 10, time, || Error::NotFound).await, Err(Error::Slow)));
    }
}
