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
mod api_key;
mod attachments;
mod avatar;
mod avatar_bad;
mod chain;
mod chat;
mod conversations;
mod fuzz;
mod headers;
mod history;
mod http_layer;
mod import;
mod import_back;
mod import_bad;
mod import_files;
mod input;
mod limits;
mod login;
mod models;
mod oss;
mod pictures;
mod probes;
mod prompts;
mod reasoning;
mod register;
mod render;
mod repeat;
mod resume;
mod room;
mod search;
mod stop;
mod stream;
mod text;
mod tokens;
mod transcripts;
mod tree;
mod two_factor;
mod unread;
mod upstream_body;
mod upstream_bytes;
mod upstream_network;
mod upstream_request;
mod upstream_status;
mod upstream_tls;
mod usage;
mod usage_counts;
mod user;
