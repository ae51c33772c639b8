//! The API, from outside: a real server on port 0 with a scripted upstream. Files mirror the addresses; tests of a
//! catalogued case begin with its id.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

#[path = "../support/mod.rs"]
mod support;

mod access;
mod chain;
mod chat;
mod conversations;
mod history;
mod models;
mod reasoning;
mod repeat;
mod resume;
mod search;
mod stop;
mod stream;
mod transcripts;
mod tree;
mod upstream_body;
mod upstream_network;
mod upstream_request;
mod upstream_status;
mod upstream_tls;
mod usage_counts;
