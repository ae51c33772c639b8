//! What every measurement finds ready: the fake upstream, nginx before it, and a way to start the
//! server on a data folder of its own.
use crate::client::{Caller, Shot};
use crate::guard;
use crate::http::request;
use crate::nginx::{self, Nginx};
use crate::proc::{Child, Tree};
use crate::script::Script;
use crate::stats::{ms_between, now_ns};
use crate::upstream::Upstream;
use anyhow::{Context, Result, bail};
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;
use tempfile::TempDir;

/// How much is done.
#[derive(Clone, Copy)]
pub struct Effort {
    /// rounds of which the median is taken
    pub rounds: usize,
    /// requests in a row for a latency
    pub requests: usize,
    /// seconds of a closed loop
    pub seconds: f64,
    /// turns stored before the history is read
    pub turns: usize,
    /// turns stored before they are searched
    pub search_turns: usize,
    /// small conversations that are imported
    pub conversations: usize,
    /// a large file that is imported
    pub import_megabytes: usize,
    /// streams at once: some, and many
    pub streams: (usize, usize),
    /// tokens of each: of some, and of many
    pub tokens: (u64, u64),
    /// what there is more and more of, to see what its costs do
    pub growth: Growth,
}

/// The sizes of a growing work, each a line of a table.
#[derive(Clone, Copy)]
pub struct Growth {
    /// streams at once
    pub streams: &'static [usize],
    /// turns of one account
    pub turns: &'static [usize],
    /// accounts
    pub users: &'static [usize],
}

impl Effort {
    /// For README's table.
    pub const FULL: Effort = Effort {
        rounds: 3,
        requests: 500,
        seconds: 3.0,
        turns: 10_000,
        search_turns: 500_000,
        conversations: 10_000,
        import_megabytes: 1000,
        streams: (200, 1000),
        tokens: (100, 30),
        growth: Growth {
            streams: &[1, 10, 100, 1000],
            turns: &[10, 100, 1000, 10_000, 100_000, 1_000_000],
            users: &[1, 10, 100, 1000, 10_000],
        },
    };

    /// Only to see that everything works: its figures mean little.
    pub const QUICK: Effort = Effort {
        rounds: 1,
        requests: 50,
        seconds: 0.5,
        turns: 500,
        search_turns: 2_000,
        conversations: 200,
        import_megabytes: 10,
        streams: (20, 50),
        tokens: (10, 5),
        growth: Growth { streams: &[1, 10], turns: &[10, 1000], users: &[1, 10] },
    };
}

/// See the module.
pub struct Lab {
    /// the fake upstream
    pub upstream: Upstream,
    /// nginx, where it is installed
    pub nginx: Option<Nginx>,
    /// how much to do
    pub effort: Effort,
    /// the server's executable
    pub executable: PathBuf,
    folder: TempDir,
}

impl Lab {
    /// Starts upstream and nginx; all files lie in a new folder inside `work`, removed at the end.
    pub fn open(executable: &Path, work: &Path, effort: Effort) -> Result<Lab> {
        let executable = executable.canonicalize().with_context(|| {
            let path = executable.display();
            format!("{path} is not there: build it first (cargo build --release)")
        })?;
        fs::create_dir_all(work)?;
        let folder = tempfile::Builder::new().prefix("bench-").tempdir_in(work)?;
        guard::add_folder(folder.path());
        let upstream = Upstream::start(([127, 0, 0, 1], 0).into(), Script::AT_ONCE)?;
        let nginx = match nginx::version() {
            Some(_) => Some(Nginx::start(upstream.addr, &folder.path().canonicalize()?)?),
            None => None,
        };
        Ok(Lab { upstream, nginx, effort, executable, folder })
    }

    /// An empty folder for a server's data.
    pub fn home(&self, name: &str) -> Result<PathBuf> {
        let home = self.folder.path().canonicalize()?.join(name);
        fs::create_dir(&home)?;
        Ok(home)
    }

    /// A fresh nginx, where it is installed.
    pub fn another_nginx(&self, name: &str) -> Result<Option<Nginx>> {
        let start = |_| Nginx::start(self.upstream.addr, &self.home(name)?);
        self.nginx.as_ref().map(start).transpose()
    }

    /// A chat as a client without the server would have it: asked of the upstream directly, or of
    /// nginx before it. A plain one gets a plain answer, which is the least work for nginx; that the
    /// server takes its own answers as events is part of what it adds.
    pub fn completion(&self, addr: SocketAddr, stream: bool) -> Shot {
        self.asked(addr, &format!("\"{MESSAGE}\""), stream)
    }

    /// As [`Lab::completion`], with that content (as JSON) for a message.
    pub fn asked(&self, addr: SocketAddr, content: &str, stream: bool) -> Shot {
        let form = match stream {
            true => r#","stream":true,"stream_options":{"include_usage":true}"#,
            false => "",
        };
        let body = format!(
            r#"{{"model":"gpt-4o-mini","messages":[{{"role":"system","content":"You are a helpful assistant."}},{{"role":"user","content":{content}}}]{form}}}"#
        );
        Shot::post(addr, "/v1/chat/completions", "sk-bench", &body)
    }
}

/// What is asked in every chat.
pub const MESSAGE: &str = "How does a quick brown fox jump over a lazy dog?";
/// The bench's account.
pub const EMAIL: &str = "bench@example.com";
/// Its password.
pub const PASSWORD: &str = "correct horse battery";

/// A running gpt-assistant; it is stopped when this goes.
pub struct Server {
    child: Child,
    /// where it listens
    pub addr: SocketAddr,
    /// as it says in its first line
    pub version: String,
    /// from its start to the first answer
    pub start_ms: f64,
    // held open, for a process that writes to a closed one is ended
    _stdout: BufReader<ChildStdout>,
}

impl Server {
    /// Starts it on that data folder and waits for its first answer.
    pub fn start(lab: &Lab, home: &Path) -> Result<Server> {
        let log = home.join("log");
        let mut command = command(lab, home);
        command.stderr(fs::File::create(&log)?);
        let started_at = now_ns();
        let mut child = Child::spawn(&mut command)?;
        let (line, stdout) = first_line(child.stdout().context("no standard output")?)?;
        let fault = || {
            let log = fs::read_to_string(&log).unwrap_or_default();
            format!("the server does not start; it says {line:?} and logs: {log}")
        };
        let (version, addr) = line
            .trim()
            .strip_prefix("gpt-assistant ")
            .and_then(|l| l.split_once(" listening on http://"))
            .with_context(fault)?;
        let (version, addr) = (version.to_owned(), addr.parse()?);
        let health = request("GET", "/api/health", None, None);
        Caller::new(addr).timed(&health).with_context(fault)?;
        Ok(Server { child, addr, version, start_ms: ms_between(started_at, now_ns()), _stdout: stdout })
    }

    /// Makes the bench's account; gives its token.
    pub fn register(&self) -> Result<String> {
        register(&mut Caller::new(self.addr), EMAIL)
    }

    /// A chat's request; without a conversation it begins a new one every time.
    pub fn chat(&self, token: &str, stream: bool) -> Shot {
        let body = format!(r#"{{"message":"{MESSAGE}","stream":{stream}}}"#);
        Shot::post(self.addr, "/api/chat", token, &body)
    }

    /// Its processes.
    pub fn tree(&self) -> Tree {
        self.child.tree()
    }
}

/// Makes an account with the bench's password; gives its token.
pub fn register(caller: &mut Caller, email: &str) -> Result<String> {
    let body = format!(
        r#"{{"name":"Bench","email":"{email}","password":"{PASSWORD}","password_confirmation":"{PASSWORD}"}}"#
    );
    let bytes = request("POST", "/api/register", None, Some(&body));
    let answer = caller.json(&bytes).context("register")?;
    let token = answer["token"].as_str().context("no token")?;
    Ok(token.to_owned())
}

/// All limits are off, for they are not what is measured; everything else is as it comes.
fn command(lab: &Lab, home: &Path) -> Command {
    let mut command = Command::new(&lab.executable);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("GPT_ASSISTANT_") {
            command.env_remove(name);
        }
    }
    let settings = [
        ("SERVER__LISTEN", "127.0.0.1:0"),
        ("UPSTREAM__API_KEY", "sk-bench"),
        ("UPSTREAM__MAX_CONCURRENT", "2000"),
        ("LIMITS__CHAT_PER_MINUTE", "0"),
        ("LIMITS__API_PER_MINUTE", "0"),
        ("LIMITS__LOGIN_PER_MINUTE", "0"),
        ("LIMITS__REGISTER_PER_HOUR", "0"),
        ("LIMITS__STREAMS_PER_USER", "100000"),
    ];
    for (name, value) in settings {
        command.env(format!("GPT_ASSISTANT_{name}"), value);
    }
    let upstream = format!("http://{}/v1", lab.upstream.addr);
    command
        .arg("serve")
        // away from any config.toml
        .current_dir(home)
        .env("GPT_ASSISTANT_SERVER__DATA_DIR", home.join("data"))
        .env("GPT_ASSISTANT_UPSTREAM__BASE_URL", upstream)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    command
}

/// Read on another thread, so that a server that hangs is noticed.
fn first_line(stdout: ChildStdout) -> Result<(String, BufReader<ChildStdout>)> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut reader = BufReader::new(stdout);
        let mut line = String::new();
        let read = reader.by_ref().take(1000).read_line(&mut line);
        let _ = sender.send(read.map(|_| (line, reader)));
    });
    match receiver.recv_timeout(Duration::from_secs(30)) {
        Ok(read) => Ok(read?),
        Err(_) => bail!("the server said nothing within 30 s"),
    }
}
