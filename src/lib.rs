//! gpt-assistant: a multi-user GPT chat server in one executable.
//!
//! From the bottom up; what stands lower never uses what stands higher (`docs/ARCHITECTURE.md` is the map).

// Plain data that knows nobody.
pub mod calendar;
pub mod clock;
pub mod config;
pub mod error;
pub mod gate;
pub mod metrics;
pub mod model;
pub mod secret;
pub mod text;

// The outside world, one library each.
pub mod archive;
pub mod auth;
pub mod disk;
pub mod keys;
pub mod limits;
pub mod oss;
pub mod pictures;
pub mod render;
pub mod store;
pub mod tls;
pub mod upstream;

// What the product does.
pub mod accounts;
pub mod admin;
pub mod app;
pub mod avatars;
pub mod backup;
pub mod billing;
pub mod chat;
pub mod conversations;
pub mod doctor;
pub mod export;
pub mod files;
pub mod import;
pub mod invites;
pub mod models;
pub mod scrape;
pub mod search;
pub mod settings;
pub mod two_factor;
pub mod upkeep;
pub mod usage;

// The only HTTP.
pub mod http;

// The process.
pub mod cli;
pub mod server;
