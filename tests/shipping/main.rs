//! What is shipped beside the executable, tried as it is: the examples for proxies and for a continuous copy.
//!
//! `tools/test shipping` installs what these need and runs them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

#[path = "../support/mod.rs"]
mod support;

mod caddy;
mod litestream;
mod nginx;
mod visit;

use std::path::Path;
use std::process::{Child, Command};

/// A program beside the server. Dropping it ends it.
struct Beside(Child);

impl Beside {
    fn start(command: &mut Command) -> Beside {
        Beside(command.spawn().unwrap_or_else(|e| panic!("{command:?}: {e}")))
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        // By a signal that it hears: nginx takes its workers along.
        let pid = rustix::process::Pid::from_child(&self.0);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let _ = self.0.wait();
    }
}

/// A file of `packaging/`, changed only where it names what a test has elsewhere.
fn example(name: &str, changes: &[(&str, &str)]) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging").join(name);
    let mut text = std::fs::read_to_string(path).unwrap();
    for (from, to) in changes {
        assert!(text.contains(from), "{name} does not say {from:?}");
        text = text.replace(from, to);
    }
    text
}

/// A port of this machine that was free a moment ago: these programs cannot tell which one they got.
fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
