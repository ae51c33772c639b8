//! A real server in this process: on port 0, in a folder of its own, with a scripted upstream and a clock to set.

use super::upstream::PATIENCE;
use super::{Client, Upstream};
use gpt_assistant::app::{App, Refusal};
use gpt_assistant::clock::Clock;
use gpt_assistant::config::{BaseUrl, Config};
use gpt_assistant::secret::Secret;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::SeqCst};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::sync::oneshot;

/// A running server. Dropping it stops it, and fails the test if it had to report a fault of its own.
pub struct Server {
    pub base: String,
    pub upstream: Upstream,
    pub config: Config,
    /// Unix seconds that the server's clock shows.
    pub now: Arc<AtomicI64>,
    folder: Option<TempDir>,
    shutdown: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    app: std::sync::Weak<App>,
}

impl Server {
    /// With a shared key, no limits on frequency, and otherwise as configured by default.
    pub fn start() -> Server {
        Server::with(|_| ())
    }

    /// With a configuration of its own.
    pub fn with(change: impl FnOnce(&mut Config)) -> Server {
        let folder = tempfile::tempdir().unwrap();
        let upstream = Upstream::start();
        let mut config = Config::default();
        config.server.listen = "127.0.0.1:0".parse().unwrap();
        config.server.data_dir = folder.path().join("data");
        config.server.drain_timeout = Duration::from_millis(500);
        config.upstream.base_url = BaseUrl::parse_api(&upstream.url()).unwrap();
        config.upstream.api_key = Secret::new("sk-shared-canary-000000000000");
        let limits = &mut config.limits;
        (limits.chat_per_minute, limits.api_per_minute) = (0, 0);
        (limits.login_per_minute, limits.register_per_hour) = (0, 0);
        change(&mut config);
        let now = Arc::new(AtomicI64::new(Clock::system().now()));
        let mut server = Server {
            base: String::new(),
            upstream,
            config,
            now,
            folder: Some(folder),
            shutdown: None,
            thread: None,
            app: std::sync::Weak::new(),
        };
        server.run();
        server
    }

    fn run(&mut self) {
        let app = self.open();
        self.app = Arc::downgrade(&app);
        let (shutdown, stopped) = oneshot::channel();
        let (tell, told) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || serve(app, stopped, &tell));
        let address: std::net::SocketAddr = told.recv().unwrap();
        self.base = format!("http://{address}");
        (self.shutdown, self.thread) = (Some(shutdown), Some(thread));
    }

    /// A process that a test has just started may hold the folder's lock until its own program begins, so a lock is
    /// waited for.
    fn open(&self) -> Arc<App> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match App::serve(self.config.clone(), Clock::set_by(self.now.clone())) {
                Err(Refusal::Locked(_)) if Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                served => return served.expect("the server starts"),
            }
        }
    }

    /// Asks it to stop.
    pub fn ask_to_stop(&mut self) {
        drop(self.shutdown.take());
    }

    /// Asks it to stop and waits until it has.
    pub fn stop(&mut self) {
        drop(self.shutdown.take());
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the server ended well");
        }
        // The thread that saves running answers may be at work for a moment longer, and with it the folder's lock.
        let deadline = Instant::now() + PATIENCE;
        while self.app.strong_count() > 0 && Instant::now() < deadline {
            std::thread::yield_now();
        }
    }

    /// Stops it and starts another one on the same folder.
    pub fn restart(&mut self, change: impl FnOnce(&mut Config)) {
        self.stop();
        change(&mut self.config);
        self.run();
    }

    /// The code that the first account needs now, which `serve` prints at its start.
    pub fn setup_code(&self) -> Option<String> {
        self.app.upgrade()?.setup_code().map(|code| code.reveal().to_owned())
    }

    /// Does now what is otherwise done once a minute.
    pub fn upkeep(&self) {
        gpt_assistant::upkeep::run(&self.app.upgrade().expect("it runs")).unwrap();
    }

    pub fn data_dir(&self) -> &Path {
        &self.config.server.data_dir
    }

    /// The same client, talking to the process that runs now.
    pub fn again(&self, client: &Client) -> Client {
        self.anon().with_token(client.token.as_deref().unwrap_or_default())
    }

    /// The command line beside the running server: another opening of its database.
    pub fn beside(&self) -> App {
        App::command(self.config.clone(), Clock::set_by(self.now.clone())).expect("it can be opened beside")
    }

    /// Moves the server's clock.
    pub fn pass(&self, seconds: i64) {
        self.now.fetch_add(seconds, SeqCst);
    }

    /// Somebody without an account.
    pub fn anon(&self) -> Client {
        Client::new(&self.base)
    }

    /// Somebody who has just registered. The first one is the administrator.
    pub fn user(&self, name: &str) -> Client {
        let reply = self.anon().register(&format!("{name}@example.org")).expect(200).json();
        self.anon().with_token(reply["token"].as_str().unwrap())
    }

    /// G1 and G6: whatever a test has done, the shared key lies nowhere in the clear, and the database is whole.
    #[expect(clippy::disallowed_methods, reason = "what the store would say of itself is not asked here")]
    fn invariants(&self) {
        for (path, bytes) in self.bytes_on_disk() {
            assert!(
                !bytes.windows(16).any(|w| w == b"sk-shared-canary"),
                "G1: the shared key lies in {path}"
            );
        }
        let connection = rusqlite::Connection::open(self.data_dir().join("gpt-assistant.db")).unwrap();
        let said: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(said, "ok", "G6");
    }

    /// Every byte in the data folder, by file.
    pub fn bytes_on_disk(&self) -> Vec<(String, Vec<u8>)> {
        fn walk(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
            for entry in std::fs::read_dir(folder).unwrap().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    walk(&path, found);
                } else if let Ok(bytes) = std::fs::read(&path) {
                    // One that has just gone, as a log that is folded in, is no loss.
                    found.push((path.display().to_string(), bytes));
                }
            }
        }
        let mut found = Vec::new();
        walk(self.data_dir(), &mut found);
        found
    }
}

fn serve(
    app: Arc<App>,
    stopped: oneshot::Receiver<()>,
    tell: &std::sync::mpsc::Sender<std::net::SocketAddr>,
) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        // Fewer than the program has, so that what holds them up shows sooner.
        .max_blocking_threads(20)
        .build()
        .unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(app.config.server.listen).await.unwrap();
        tell.send(listener.local_addr().unwrap()).unwrap();
        gpt_assistant::server::serve(app, listener, async {
            let _ = stopped.await;
        })
        .await;
    });
    runtime.shutdown_timeout(Duration::from_secs(5));
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
        if std::thread::panicking() {
            // Left for whoever looks into the failure.
            drop(self.folder.take().map(TempDir::keep));
        } else {
            self.invariants();
        }
    }
}
