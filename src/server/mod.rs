//! The accept loop: our own, over `warp::service`, because warp's sets no time limit on a head, takes any number of
//! connections and waits for ever when it is asked to stop.

mod connection;
mod crowd;

use crate::app::App;
use crate::http;
use crate::import;
use crate::upkeep;
use crate::upstream::Reason;
use crowd::Crowd;
use hyper_util::server::graceful::GracefulShutdown;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::time::{interval, sleep, timeout};

/// After a fault such as too many open files: the loop must not spin.
const AFTER_FAULT: Duration = Duration::from_millis(200);
/// For answers that were stopped at the end of the drain to be written, and their last events to be sent.
const LAST_WORDS: Duration = Duration::from_secs(5);
const BETWEEN_LOOKS: Duration = Duration::from_millis(10);
const UPKEEP: Duration = Duration::from_secs(60);

/// Serves until `shutdown` ends, then lets running answers finish for as long as the configuration says.
pub async fn serve(app: Arc<App>, listener: TcpListener, shutdown: impl Future<Output = ()>) {
    let service = http::service(app.clone());
    let crowd = Crowd::new(&app.config.server);
    let graceful = GracefulShutdown::new();
    let upkeep = tokio::spawn(keep_up(app.clone()));
    let resuming = app.clone();
    if let Err(error) = http::blocking(move || import::resume(&resuming)).await {
        tracing::warn!(%error, "imports that were cut off could not be gone on with");
    }
    let mut shutdown = pin!(shutdown);
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    sleep(AFTER_FAULT).await;
                    continue;
                }
            },
            () = &mut shutdown => break,
        };
        // One too many is closed at once: who waits in a queue cannot tell it from a server that is down.
        if let Some(place) = crowd.enter(peer.ip()) {
            connection::serve(&app, &service, &graceful, stream, peer.ip(), place);
        }
    }
    drop(listener);
    drain(&app, graceful).await;
    upkeep.abort();
}

/// New answers are refused; those that run may finish until the deadline, and are then stopped with their text kept.
/// Imports stop where they are, and the next start goes on.
async fn drain(app: &App, graceful: GracefulShutdown) {
    finish_answers(app, graceful).await;
    let stopped = async {
        while app.imports.working() > 0 {
            sleep(BETWEEN_LOOKS).await;
        }
    };
    let _ = timeout(LAST_WORDS, stopped).await;
}

async fn finish_answers(app: &App, graceful: GracefulShutdown) {
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
