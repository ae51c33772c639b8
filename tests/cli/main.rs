//! The command line, from outside: the real executable in a folder of its own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

#[path = "../support/mod.rs"]
mod support;

mod config;
mod data;
mod doctor;
mod http2;
mod import;
mod kill;
mod load;
mod metrics;
mod secrets;
mod secure;
mod start;
mod tls;
mod upgrade;
mod users;
