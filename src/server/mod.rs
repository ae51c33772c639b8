//! The accept loop: our own, over `warp::service`, because warp's sets no time limit on a head, takes any number of
//! connections and waits for ever when it is asked to stop.

mod connection;
mod crowd;

use crate::app::App;
use crate::http;
use crate::http::route::Response;
use crate::upkeep;
use crate::upstream::Reason;
use crowd::Crowd;
use hyper_util::server::graceful::GracefulShutdown;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::time::{interval, sleep, timeout};
use warp::filters::BoxedFilter;

/// After a fault such as too many open files: the loop must not spin.
const AFTER_FAULT: Duration = Duration::from_millis(200);
/// For answers that were stopped at the end of the drain to be written, and their last events to be sent.
const LAST_WORDS: Duration = Duration::from_secs(5);
const UPKEEP: Duration = Duration::from_secs(60);
/// Of those who watch: one or two are usual.
const METRICS_CONNECTIONS: usize = 16;

/// Where connections come in.
pub struct Doors {
    /// For people.
    pub people: TcpListener,
    /// For metrics alone.
    pub metrics: Option<TcpListener>,
}

impl From<TcpListener> for Doors {
    fn from(people: TcpListener) -> Doors {
        Doors { people, metrics: None }
    }
}

/// Serves until `shutdown` ends, then lets running answers finish for as long as the configuration says.
pub async fn serve(app: Arc<App>, doors: impl Into<Doors>, shutdown: impl Future<Output = ()>) {
    let doors = doors.into();
    let upkeep = tokio::spawn(keep_up(app.clone()));
    // Whoever watches wants to see the drain as well.
    let metrics = doors.metrics.map(|listener| tokio::spawn(serve_metrics(app.clone(), listener)));
    let (graceful, service) = (GracefulShutdown::new(), http::service(app.clone()));
    let most = app.config.server.max_connections;
    tokio::select! {
        () = accept(&app, doors.people, &service, &graceful, most) => {}
        () = shutdown => {}
    }
    drain(&app, graceful).await;
    metrics.into_iter().for_each(|task| task.abort());
    upkeep.abort();
}

async fn serve_metrics(app: Arc<App>, listener: TcpListener) {
    let service = http::metrics_service(app.clone());
    accept(&app, listener, &service, &GracefulShutdown::new(), METRICS_CONNECTIONS).await;
}

/// Takes connections for ever.
async fn accept(
    app: &Arc<App>,
    listener: TcpListener,
    service: &BoxedFilter<(Response,)>,
    graceful: &GracefulShutdown,
    most: usize,
) {
    let crowd = Crowd::new(&app.config.server, most);
    loop {
        match listener.accept().await {
            // One too many is closed at once: who waits in a queue cannot tell it from a server that is down.
            Ok((stream, peer)) => match crowd.enter(peer.ip()) {
                Some(place) => connection::serve(app, service, graceful, stream, peer.ip(), place),
                None => drop(app.metrics.connections_refused.fetch_add(1, Relaxed)),
            },
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(AFTER_FAULT).await;
            }
        }
    }
}

/// New answers are refused; those that run may finish until the deadline, and are then stopped with their text kept.
async fn drain(app: &App, graceful: GracefulShutdown) {
    app.drain();
    let mut running = app.answers.count();
    tracing::info!(running = *running.borrow(), "stopping");
    let mut closed = pin!(graceful.shutdown());
    let finished = async {
        let _ = running.wait_for(|count| *count == 0).await;
        (&mut closed).await;
    };
    if timeout(app.config.server.drain_timeout, finished).await.is_ok() {
        return;
    }
    app.answers.stop_all(Reason::Draining);
    // What does not end now either, such as a browser that reads nothing, ends with the process.
    let ended = async {
        let _ = running.wait_for(|count| *count == 0).await;
        closed.await;
    };
    let _ = timeout(LAST_WORDS, ended).await;
}

async fn keep_up(app: Arc<App>) {
    let mut minutes = interval(UPKEEP);
    loop {
        minutes.tick().await;
        let app = app.clone();
        if let Err(error) = http::blocking(move || upkeep::run(&app)).await {
            tracing::warn!(%error, "upkeep failed; it is tried again in a minute");
        }
    }
}
