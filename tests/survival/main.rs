//! What the server survives: an end without warning at any write, disks that fail or are full, power that goes, locks
//! that others hold, crowds. The real executable under `strace`, which makes the n-th call of a thread fail or its last.
//!
//! As `cargo test` runs it, each loop tries a few points of the whole range; with `SOAK=1` it tries every one of them,
//! and `tools/soak` prints what came of it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that cannot go on has failed, and a long one says how far it is"
)]

#[path = "../support/mod.rs"]
mod support;

mod commands;
mod crowd;
mod disk;
mod fault;
mod ledger;
mod power;
mod server;
mod size;
mod soak;
