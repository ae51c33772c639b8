//! One connection: HTTP/1 with limits on time and size, and a reply to every request, whatever happens to it.

use super::crowd::Place;
use crate::app::App;
use crate::error::Error;
use crate::http::route::Response;
use crate::http::{self, Arrival, edge};
use futures_util::FutureExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use std::convert::Infallible;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tower_service::Service;
use warp::filters::BoxedFilter;

/// For a whole head; also how long an idle connection is kept.
const HEAD: Duration = Duration::from_secs(15);
const MOST_HEADERS: usize = 64;
/// Of a head, and of what is written at once.
const BUFFER: usize = 64 << 10;
/// A peer that takes nothing for so long is gone, or means harm.
const STALLED: Duration = Duration::from_secs(60);

/// Serves a connection in a task of its own.
pub fn serve(
    app: &Arc<App>,
    service: &BoxedFilter<(Response,)>,
    graceful: &GracefulShutdown,
    stream: TcpStream,
    peer: IpAddr,
    place: Place,
) {
    // Faults here mean that the connection is gone already, which the next read will tell.
    let _ = stream.set_nodelay(true);
    let _ = socket2::SockRef::from(&stream).set_tcp_user_timeout(Some(STALLED));
    let (counted, app, service) = (app.clone(), app.clone(), warp::service(service.clone()));
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
    let connection = graceful.watch(connection);
    tokio::spawn(async move {
        let _place = place;
        counted.metrics.connections.fetch_add(1, Relaxed);
        if let Err(error) = connection.await {
            tracing::debug!(%peer, %error, "a connection broke");
        }
        counted.metrics.connections.fetch_sub(1, Relaxed);
    });
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
