//! The measurements, a file each. Every one starts servers of its own on new data, and gives the
//! lines of the table that it stands for.
pub mod chat;
pub mod growth;
pub mod history;
pub mod idle;
pub mod import;
pub mod login;
pub mod picture;
pub mod search;
pub mod streams;

use crate::client::Caller;
use crate::stats::{Spread, percentile, sorted};
use anyhow::Result;
use std::net::SocketAddr;

/// The median time of one request at one connection, in each of some rounds.
fn p50_of(addr: SocketAddr, bytes: &[u8], rounds: usize, count: usize) -> Result<Spread> {
    let mut caller = Caller::new(addr);
    let mut medians = Vec::new();
    for _ in 0..rounds {
        for _ in 0..count / 10 {
            caller.timed(bytes)?;
        }
        let times = (0..count).map(|_| caller.timed(bytes));
        let times = sorted(times.collect::<Result<Vec<f64>>>()?);
        medians.push(percentile(&times, 0.5));
    }
    Ok(Spread::of(medians))
}
