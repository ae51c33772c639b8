//! The accept loop: our own, over `warp::service`, because warp's sets no time limit on a head, takes any number of
//! connections and waits for ever when it is asked to stop.

mod activity;
mod connection;
mod crowd;
mod tls;

use crate::app::App;
use crate::http;
use crate::http::route::Response;
use crate::import;
use crate::upkeep;
use crate::upstream::Reason;
use crowd::Crowd;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::{interval, sleep, timeout};
use warp::filters::BoxedFilter;

pub use tls::Tls;

/// After a fault such as too many open files: the loop must not spin.
const AFTER_FAULT: Duration = Duration::from_millis(200);
/// For answers that were stopped at the end of the drain to be written, and their last events to be sent.
const LAST_WORDS: Duration = Duration::from_secs(5);
const BETWEEN_LOOKS: Duration = Duration::from_millis(10);
const UPKEEP: Duration = Duration::from_secs(60);
/// Of those who watch: one or two are usual.
const METRICS_CONNECTIONS: usize = 16;

/// Where connections come in.
pub struct Doors {
    /// For people.
    pub people: TcpListener,
    /// Where people's connections are encrypted by ourselves.
    pub tls: Option<Arc<Tls>>,
    /// For metrics alone.
    pub metrics: Option<TcpListener>,
}

impl From<TcpListener> for Doors {
    fn from(people: TcpListener) -> Doors {
        Doors { people, tls: None, metrics: None }
    }
}

/// What all connections through one door have in common.
struct Door {
    service: BoxedFilter<(Response,)>,
    tls: Option<Arc<Tls>>,
    crowd: Arc<Crowd>,
    /// Each connection has a receiver: told when no more requests are wanted, and closed when the last one is gone.
    draining: watch::Sender<()>,
}

impl Door {
    fn new(app: &App, service: BoxedFilter<(Response,)>, tls: Option<Arc<Tls>>, most: usize) -> Arc<Door> {
        let crowd = Crowd::new(&app.config.server, most);
        Arc::new(Door { service, tls, crowd, draining: watch::Sender::new(()) })
    }
}

/// Serves until `shutdown` ends, then lets running answers finish for as long as the configuration says.
pub async fn serve(app: Arc<App>, doors: impl Into<Doors>, shutdown: impl Future<Output = ()>) {
    let doors = doors.into();
    let upkeep = tokio::spawn(keep_up(app.clone()));
    let resuming = app.clone();
    if let Err(error) = http::blocking(move || import::resume(&resuming)).await {
        tracing::warn!(%error, "imports that were cut off could not be gone on with");
    }
    // Whoever watches wants to see the drain as well.
    let metrics = doors.metrics.map(|listener| {
        let app = app.clone();
        let door = Door::new(&app, http::metrics_service(app.clone()), None, METRICS_CONNECTIONS);
        tokio::spawn(async move { accept(&app, &door, listener).await })
    });
    let most = app.config.server.max_connections;
    let door = Door::new(&app, http::service(app.clone()), doors.tls, most);
    tokio::select! {
        () = accept(&app, &door, doors.people) => {}
        () = shutdown => {}
    }
    drain(&app, &door).await;
    metrics.into_iter().for_each(|task| task.abort());
    upkeep.abort();
}

/// Takes connections for ever.
async fn accept(app: &Arc<App>, door: &Arc<Door>, listener: TcpListener) {
    loop {
        match listener.accept().await {
            // One too many is closed at once: who waits in a queue cannot tell it from a server that is down.
            Ok((stream, peer)) => match door.crowd.enter(peer.ip()) {
                Some(place) => connection::serve(app, door, stream, peer.ip(), place),
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
/// Imports stop where they are, and the next start goes on.
async fn drain(app: &App, door: &Door) {
    finish_answers(app, door).await;
    let stopped = async {
        while app.imports.working() > 0 {
            sleep(BETWEEN_LOOKS).await;
        }
    };
    let _ = timeout(LAST_WORDS, stopped).await;
}

async fn finish_answers(app: &App, door: &Door) {
    app.drain();
    let mut running = app.answers.count();
    tracing::info!(running = *running.borrow(), "stopping");
    door.draining.send_replace(());
    let finished = async {
        let _ = running.wait_for(|count| *count == 0).await;
        door.draining.closed().await;
    };
    if timeout(app.config.server.drain_timeout, finished).await.is_ok() {
        return;
    }
    app.answers.stop_all(Reason::Draining);
    // What does not end now either, such as a browser that reads nothing, ends with the process.
    let ended = async {
        let _ = running.wait_for(|count| *count == 0).await;
        door.draining.closed().await;
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
