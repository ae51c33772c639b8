//! `serve`: the process around the server.

use super::{Failure, Places};
use crate::app::{App, Refusal};
use crate::clock::Clock;
use crate::config::{Config, LogLevel, Registration};
use crate::server::{self, Doors, Tls};
use crate::{avatars, export, files, render};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

/// Of database and hashing; measured best.
const BLOCKING_THREADS: usize = 32;
/// For threads that are still waiting for an upstream when everything else has ended.
const LEFT_BEHIND: Duration = Duration::from_millis(500);

/// Serves until a signal.
pub fn run(places: &Places) -> Result<(), Failure> {
    quiet_rendering();
    raise_limits();
    let config = places.load()?;
    start_log(&config);
    let app = App::serve(config, Clock::system())?;
    let runtime = runtime()?;
    runtime.block_on(async {
        let people = bind("server.listen", app.config.server.listen).await?;
        let metrics = match app.config.metrics.listen {
            Some(listen) => Some(bind("metrics.listen", listen).await?),
            None => None,
        };
        let tls = Tls::open(&app).map_err(Refusal::Refused)?;
        // Before anybody is told that the server is there: whoever is told may ask it to stop.
        let shutdown = stop_signal(&app, tls.clone())?;
        announce(&app, &people)?;
        server::serve(app.clone(), Doors { people, tls, metrics }, shutdown).await;
        Ok::<_, Failure>(())
    })?;
    runtime.shutdown_timeout(LEFT_BEHIND);
    close(&app);
    Ok(())
}

/// Whoever lets go of the App last closes the database, which folds the log into it. That must be this thread: when it
/// returns, the process ends, whatever others are doing.
fn close(app: &Arc<App>) {
    let deadline = Instant::now() + LEFT_BEHIND;
    while Arc::strong_count(app) > 1 && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(1));
    }
}

async fn bind(key: &str, address: SocketAddr) -> Result<TcpListener, Refusal> {
    TcpListener::bind(address).await.map_err(|error| {
        Refusal::Refused(format!("{key} {address} cannot be used: {error}; choose another address or port"))
    })
}

/// The renderer catches panics of what it rests on. Their messages can hold a piece of an answer, which is never logged.
fn quiet_rendering() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !render::is_guarded() {
            usual(panic);
        }
    }));
}

/// An answer takes two descriptors.
fn raise_limits() {
    // A system that refuses is none the worse for the try.
    let most = getrlimit(Resource::Nofile).maximum;
    let _ = setrlimit(Resource::Nofile, Rlimit { current: most, maximum: most });
}

fn runtime() -> Result<Runtime, Failure> {
    Ok(Builder::new_multi_thread().enable_all().max_blocking_threads(BLOCKING_THREADS).build()?)
}

/// To standard error. Libraries are heard from `warn` on, whatever the level: at `debug` some of them write headers.
fn start_log(config: &Config) {
    let level = match config.log.level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let targets =
        Targets::new().with_default(level.min(LevelFilter::WARN)).with_target("gpt_assistant", level);
    let layer = fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    let layer = if config.log.json { layer.json().flatten_event(true).boxed() } else { layer.boxed() };
    // A second logger in one process is refused; then the first one goes on.
    let _ = tracing_subscriber::registry().with(layer.with_filter(targets)).try_init();
}

/// The one line on standard output, and what an administrator should know.
fn announce(app: &Arc<App>, listener: &TcpListener) -> Result<(), Failure> {
    let config = &app.config;
    let outside = config.reachable_from_outside();
    let settings = app.settings();
    let metrics = &config.metrics;
    if metrics.token.is_empty() && metrics.listen.is_some_and(|listen| !listen.ip().is_loopback()) {
        tracing::warn!("anybody who can reach metrics.listen may read the metrics (metrics.token)");
    }
    if outside && settings.registration == Registration::Open {
        tracing::warn!("anybody who can reach this server may register (auth.registration is \"open\")");
        let uncapped = settings.tokens_per_day == 0 && settings.tokens_per_month == 0;
        if uncapped && !settings.shared_key.is_empty() {
            tracing::warn!("everybody may use the shared key without a cap (limits.shared_tokens_per_day)");
        }
    }
    if let Some(code) = app.setup_code() {
        tracing::info!("registering the first account, the administrator, needs this set-up code:");
        // Alone on its line, whatever the log's format is. That nobody reads it is no reason not to serve.
        let _ = writeln!(std::io::stderr(), "{}", code.reveal());
    }
    export::sweep(app);
    if let Err(error) = avatars::sweep(app).and_then(|()| files::sweep(app)) {
        tracing::warn!(%error, "left-over pictures could not be removed");
    }
    let address = listener.local_addr()?;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), %address, "serving");
    let scheme = config.scheme();
    let mut out = std::io::stdout().lock();
    // A closed standard output is no reason not to serve.
    let _ = writeln!(out, "gpt-assistant {} listening on {scheme}://{address}", env!("CARGO_PKG_VERSION"));
    let _ = out.flush();
    Ok(())
}

/// Ends at the first SIGTERM or SIGINT; the second one ends the process at once. SIGHUP never does: it has the certificate
/// read again, where there is one.
fn stop_signal(app: &Arc<App>, tls: Option<Arc<Tls>>) -> Result<impl Future<Output = ()> + use<>, Failure> {
    let (mut term, mut int, mut hup) =
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?, signal(SignalKind::hangup())?);
    let (first, stopped) = tokio::sync::oneshot::channel();
    let app = Arc::downgrade(app);
    tokio::spawn(async move {
        let mut first = Some(first);
        loop {
            tokio::select! {
                _ = hup.recv() => {
                    if let (Some(tls), Some(app)) = (&tls, app.upgrade()) {
                        tls.reload(&app);
                    }
                    continue;
                }
                _ = term.recv() => {}
                _ = int.recv() => {}
            }
            match first.take() {
                // The receiver lives for as long as the server does.
                Some(first) => drop(first.send(())),
                // What was saved is at most a quarter of a second old; the next start marks what was running.
                None => std::process::exit(0),
            }
        }
    });
    Ok(async {
        let _ = stopped.await;
    })
}
