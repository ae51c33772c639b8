//! One connection: HTTP with limits on time and size, encrypted or not, and a reply to every request, whatever happens to
//! it.

use super::Door;
use super::activity::Activity;
use super::crowd::Place;
use crate::app::App;
use crate::error::Error;
use crate::http::route::Response;
use crate::http::{self, Arrival, edge};
use crate::tls;
use futures_util::FutureExt;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{interval, timeout};
use tokio_rustls::server::TlsStream;
use tower_service::Service;

/// For a whole head; also how long an idle connection is kept.
const HEAD: Duration = Duration::from_secs(15);
const MOST_HEADERS: usize = 64;
/// Of a head, and of what is written at once.
const BUFFER: usize = 64 << 10;
/// What the system takes for a peer that reads nothing. By itself it would take 4 MiB, of memory that nobody counts.
const UNSENT: u32 = 128 << 10;
/// A peer that takes nothing for so long is gone, or means harm.
const STALLED: Duration = Duration::from_secs(60);
/// For the whole of it, from the first byte on.
const HANDSHAKE: Duration = Duration::from_secs(10);

// Of HTTP/2. A stream is a request, so these are to one connection what the limits above are to many.
const MOST_STREAMS: u32 = 100;
/// Streams that the peer took back before they were looked at (CVE-2023-44487), and that it made us take back.
const MOST_RESETS: usize = 20;
/// Decoded, over all frames that carry it.
const HEADER_LIST: u32 = 32 << 10;
const STREAM_WINDOW: u32 = 256 << 10;
const WINDOW: u32 = 1 << 20;
/// A peer that does not answer a ping is gone.
const PING: Duration = Duration::from_secs(20);
/// How often it is looked whether a connection is of any use, and what it has to say good-bye when it is not.
const LOOK: Duration = Duration::from_secs(5);

type Fault = Box<dyn std::error::Error + Send + Sync>;

/// Serves a connection in a task of its own.
pub fn serve(app: &Arc<App>, door: &Arc<Door>, stream: TcpStream, peer: IpAddr, place: Place) {
    let (app, door) = (app.clone(), door.clone());
    // Before the task begins: it must not miss the drain.
    let draining = door.draining.subscribe();
    tokio::spawn(async move {
        let _place = place;
        app.metrics.connections.fetch_add(1, Relaxed);
        if let Err(error) = talk(&app, &door, stream, peer, draining).await {
            tracing::debug!(%peer, error, "a connection broke");
        }
        app.metrics.connections.fetch_sub(1, Relaxed);
    });
}

type Draining = watch::Receiver<()>;

async fn talk(
    app: &Arc<App>,
    door: &Door,
    stream: TcpStream,
    peer: IpAddr,
    draining: Draining,
) -> Result<(), Fault> {
    // Faults here mean that the connection is gone already, which the next read will tell.
    let _ = stream.set_nodelay(true);
    let socket = socket2::SockRef::from(&stream);
    let _ = socket.set_tcp_user_timeout(Some(STALLED));
    let _ = socket.set_tcp_notsent_lowat(UNSENT);
    if door.tls.is_none() {
        return serve_http1(app, door, stream, peer, draining).await;
    }
    let Some(stream) = timeout(HANDSHAKE, handshake(door, stream)).await?? else {
        return Ok(());
    };
    if stream.get_ref().1.alpn_protocol() == Some(tls::HTTP2) {
        Box::pin(serve_http2(app, door, stream, peer, draining)).await
    } else {
        serve_http1(app, door, stream, peer, draining).await
    }
}

/// `None`: the peer did not want to encrypt, and was told that it must.
async fn handshake(door: &Door, mut stream: TcpStream) -> std::io::Result<Option<TlsStream<TcpStream>>> {
    const PLAIN: &str = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n\
                         This server speaks HTTPS: write https:// in front of its address.\n";
    let mut first = [0];
    stream.peek(&mut first).await?;
    // A method begins with a letter, a TLS record never does.
    if first[0].is_ascii_uppercase() {
        stream.write_all(PLAIN.as_bytes()).await?;
        return Ok(None);
    }
    match &door.tls {
        Some(tls) => tls.acceptor().accept(stream).await.map(Some),
        None => Ok(None),
    }
}

async fn serve_http1<S>(
    app: &Arc<App>,
    door: &Door,
    stream: S,
    peer: IpAddr,
    mut draining: Draining,
) -> Result<(), Fault>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (app, service) = (app.clone(), warp::service(door.service.clone()));
    let handler = service_fn(move |request| {
        let (app, service) = (app.clone(), service.clone());
        async move { Ok::<_, Infallible>(answer(&app, service, peer, request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_headers(MOST_HEADERS)
        .max_buf_size(BUFFER)
        .serve_connection(TokioIo::new(stream), handler);
    let mut connection = pin!(connection);
    tokio::select! {
        done = &mut connection => return Ok(done?),
        _ = draining.changed() => connection.as_mut().graceful_shutdown(),
    }
    Ok(connection.await?)
}

async fn serve_http2<S>(
    app: &Arc<App>,
    door: &Door,
    stream: S,
    peer: IpAddr,
    mut draining: Draining,
) -> Result<(), Fault>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (app, service) = (app.clone(), warp::service(door.service.clone()));
    let activity = Activity::new();
    let watching = activity.clone();
    let handler = service_fn(move |request| {
        let (app, service, activity) = (app.clone(), service.clone(), watching.clone());
        async move {
            let answer = answer(&app, service, peer, request);
            Ok::<_, Infallible>(activity.watch(answer).await)
        }
    });
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(MOST_STREAMS)
        .max_pending_accept_reset_streams(MOST_RESETS)
        .max_local_error_reset_streams(MOST_RESETS)
        .max_header_list_size(HEADER_LIST)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(WINDOW)
        .max_send_buf_size(BUFFER)
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING)
        .serve_connection(TokioIo::new(stream), handler);
    let (mut connection, mut looks) = (pin!(connection), interval(LOOK));
    loop {
        tokio::select! {
            done = &mut connection => return Ok(done?),
            _ = draining.changed() => break,
            _ = looks.tick() => if activity.rest() > STALLED {
                connection.as_mut().graceful_shutdown();
                // What is not over then has nothing to wait for.
                return timeout(LOOK, connection).await.map_or(Ok(()), |done| Ok(done?));
            }
        }
    }
    connection.as_mut().graceful_shutdown();
    Ok(connection.await?)
}

async fn answer<S>(app: &App, mut service: S, peer: IpAddr, mut request: Request<Incoming>) -> Response
where
    S: Service<Request<Incoming>, Response = Response, Error = Infallible>,
{
    let began = Instant::now();
    let id = edge::next_id(app);
    let origin = request.headers().get(hyper::header::ORIGIN).cloned();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let https = edge::is_https(app, peer, request.headers());
    let address = edge::client(app, peer, request.headers());
    let refusal = refusal(&request);
    let mut response = match refusal {
        Some((status, sentence)) => http::refuse(status, sentence, &id),
        None => {
            request.extensions_mut().insert(Arrival { address, id: id.clone() });
            let answered = AssertUnwindSafe(service.call(request)).catch_unwind().await;
            answered.map_or_else(
                |_| http::failed(&Error::internal("a request panicked"), &id),
                |Ok(response)| response,
            )
        }
    };
    edge::finish(app, &id, origin.as_ref(), https, &mut response);
    edge::count(app, &method, &response, began.elapsed());
    let (status, ms) = (response.status().as_u16(), began.elapsed().as_millis() as u64);
    let user = edge::user(&response).map_or(0, |user| user.0);
    tracing::debug!(request_id = %id, user, %address, %method, path, status, ms, "answered");
    response
}

/// What is not looked at any further. A CONNECT, or a target without a path, would make warp panic.
fn refusal(request: &Request<Incoming>) -> Option<(StatusCode, &'static str)> {
    let uri = request.uri();
    match uri.path_and_query() {
        Some(target) if request.method() != Method::CONNECT => {
            edge::check(request.version(), target.as_str().len(), request.headers())
        }
        _ => Some((StatusCode::METHOD_NOT_ALLOWED, "This is a server, not a proxy.")),
    }
}
