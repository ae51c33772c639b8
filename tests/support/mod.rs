//! What tests share: a real server on port 0 in a folder of its own, a scripted upstream, and clients.
//!
//! A test binary says `#[path = "../support/mod.rs"] mod support;` and uses what it needs.
#![allow(dead_code, unused_imports, reason = "each test binary uses another part of this")]

pub mod client;
pub mod program;
pub mod seen;
pub mod server;
pub mod tls;
pub mod upstream;

/// Looks again and again until there is something: only where nothing tells when.
#[track_caller]
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = std::time::Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < upstream::PATIENCE, "{what} did not come about");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

pub use client::{Client, Reply};
pub use seen::Seen;
pub use server::Server;
pub use upstream::Upstream;
