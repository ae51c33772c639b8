//! The real executable, in a folder of its own: run to its end, or serving.

use super::Client;
use super::upstream::PATIENCE;
use rustix::process::{Pid, Signal, kill_process};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, mpsc};
use tempfile::TempDir;

/// A folder to run the program in, with what it is told there.
pub struct Place {
    folder: TempDir,
    pub environment: Vec<(String, String)>,
    /// A shell line before the program, such as `umask 000;`.
    pub before: String,
}

/// How a run ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// A running server. Dropping it kills it.
pub struct Serving {
    child: Child,
    pub base: String,
    /// All that it wrote to standard output so far.
    stdout: Arc<Text>,
    stderr: Arc<Text>,
}

/// Text that grows, and whether its writer is gone.
#[derive(Default)]
struct Text(Mutex<(String, bool)>, Condvar);

impl Text {
    fn follow(mut from: impl Read + Send + 'static) -> Arc<Text> {
        let text = Arc::new(Text::default());
        let writer = text.clone();
        std::thread::spawn(move || {
            let mut piece = [0; 4096];
            loop {
                let count = from.read(&mut piece).unwrap_or(0);
                let mut state = writer.0.lock().unwrap();
                state.0.push_str(&String::from_utf8_lossy(&piece[..count]));
                state.1 = count == 0;
                writer.1.notify_all();
                if count == 0 {
                    return;
                }
            }
        });
        text
    }

    fn now(&self) -> String {
        self.0.lock().unwrap().0.clone()
    }

    /// Waits until it holds `wanted`, or ends.
    fn wait_for(&self, wanted: impl Fn(&str) -> bool) -> String {
        let state = self.0.lock().unwrap();
        let (state, _) =
            self.1.wait_timeout_while(state, PATIENCE, |state| !state.1 && !wanted(&state.0)).unwrap();
        state.0.clone()
    }
}

impl Place {
    pub fn new() -> Place {
        Place { folder: tempfile::tempdir().unwrap(), environment: Vec::new(), before: String::new() }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    /// Writes a file here and gives its path.
    pub fn write(&self, name: &str, text: &str) -> String {
        let path = self.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    pub fn set(&mut self, key: &str, value: &str) {
        let name = format!("GPT_ASSISTANT_{}", key.replacen('.', "__", 1).to_ascii_uppercase());
        self.environment.push((name, value.to_owned()));
    }

    /// The program with these arguments, not started yet.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let program = env!("CARGO_BIN_EXE_gpt-assistant");
        let mut command = if self.before.is_empty() {
            Command::new(program)
        } else {
            let mut shell = Command::new("/bin/sh");
            shell.arg("-c").arg(format!("{} exec \"$0\" \"$@\"", self.before)).arg(program);
            shell
        };
        command.args(arguments).current_dir(self.path()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.envs(self.environment.iter().cloned());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs it to its end.
    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> Ended {
        self.run_with(arguments, "")
    }

    /// Runs it to its end with that on its standard input.
    #[track_caller]
    pub fn run_with(&self, arguments: &[&str], stdin: &str) -> Ended {
        let mut child = self.command(arguments).spawn().unwrap();
        // One that ends at once does not read.
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        let stdout = Text::follow(child.stdout.take().unwrap());
        let stderr = Text::follow(child.stderr.take().unwrap());
        let code = end_of(&mut child);
        Ended { code, stdout: stdout.wait_for(|_| false), stderr: stderr.wait_for(|_| false) }
    }

    /// Starts a server on port 0 and waits until it is ready.
    #[track_caller]
    pub fn serve(&self, arguments: &[&str]) -> Serving {
        self.try_serve(arguments).unwrap_or_else(|ended| panic!("not ready: {ended:?}"))
    }

    /// The same for one that may end before it is ready.
    pub fn try_serve(&self, arguments: &[&str]) -> Result<Serving, Ended> {
        let mut all = vec!["--listen", "127.0.0.1:0"];
        if arguments.contains(&"--listen") {
            all.clear();
        }
        all.extend(arguments);
        let mut child = self.command(&all).spawn().unwrap();
        let stderr = Text::follow(child.stderr.take().unwrap());
        let stdout = Text::follow(child.stdout.take().unwrap());
        let line = stdout.wait_for(|text| text.contains('\n'));
        let Some((_, address)) = line.trim_end().split_once(" listening on ") else {
            let code = end_of(&mut child);
            return Err(Ended { code, stdout: line, stderr: stderr.wait_for(|_| false) });
        };
        let address = address.replace("0.0.0.0", "127.0.0.1").replace("[::]", "127.0.0.1");
        Ok(Serving { child, base: address, stdout, stderr })
    }
}

/// Waits for the end, for a while.
#[track_caller]
fn end_of(child: &mut Child) -> Option<i32> {
    let pid = Pid::from_child(child);
    let (over, ended) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            if ended.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
                let _ = kill_process(pid, Signal::KILL);
            }
        });
        let status = child.wait().unwrap();
        drop(over);
        status.code()
    })
}

impl Serving {
    pub fn client(&self) -> Client {
        Client::new(&self.base)
    }

    /// Somebody who has just registered.
    #[track_caller]
    pub fn user(&self, name: &str) -> Client {
        let reply = self.client().register(&format!("{name}@example.org")).expect(200).json();
        self.client().with_token(reply["token"].as_str().unwrap())
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// What it wrote to standard error so far.
    pub fn log(&self) -> String {
        self.stderr.now()
    }

    /// Waits until its log holds that text.
    #[track_caller]
    pub fn wait_for_log(&self, wanted: &str) -> String {
        let log = self.stderr.wait_for(|text| text.contains(wanted));
        assert!(log.contains(wanted), "no {wanted:?} in {log}");
        log
    }

    /// A line of `/proc/PID/status`, in KiB.
    pub fn memory(&self, line: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let found = status.lines().find(|l| l.starts_with(line)).unwrap();
        found.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// Waits for its end.
    pub fn end(mut self) -> Ended {
        let code = end_of(&mut self.child);
        Ended { code, stdout: self.stdout.wait_for(|_| false), stderr: self.stderr.wait_for(|_| false) }
    }

    /// Asks it to stop and waits for its end.
    pub fn stop(self) -> Ended {
        self.signal(Signal::TERM);
        self.end()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until `condition` holds: for what no event tells.
#[track_caller]
pub fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    super::eventually(what, || condition().then_some(()));
}
