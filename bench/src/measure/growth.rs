//! What costs do as work grows: streams at once, turns of one account, accounts. A table each, a
//! line for each size. Not part of the everyday run: a million turns take their time.
use super::chat::added;
use super::login::login;
use super::search::{RARE, common, fill, search_p50};
use super::{p50_of, streams};
use crate::client::{Caller, Shot};
use crate::lab::{Lab, PASSWORD, Server, register};
use crate::report::{Table, thousands};
use crate::script::Script;
use crate::stats::{Spread, ms_between, now_ns, percentile, sorted};
use anyhow::{Result, anyhow, ensure};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

const HISTORY: &str = "/api/chat/history";

/// All three.
pub fn measure(lab: &Lab) -> Result<Vec<Table>> {
    Ok(vec![of_streams(lab)?, of_turns(lab)?, of_users(lab)?])
}

fn of_streams(lab: &Lab) -> Result<Table> {
    let head = ["processor time a token, µs", "memory a stream (PSS), KiB", "first token, added, p99, ms"];
    let mut table = Table::new("Streams at once", &head);
    for &size in lab.effort.growth.streams {
        eprintln!("bench: {size} streams …");
        table.row(thousands(size as i64), streams::cost(lab, size)?);
    }
    Ok(table)
}

/// Each size on a server of its own. Chats come last, because they add turns.
fn of_turns(lab: &Lab) -> Result<Table> {
    let head = [
        "start to first answer, ms",
        "history page, p50, ms",
        "search, rare word, p50, ms",
        "search, a word of nearly all, p50, ms",
        "chat, added, p50, ms",
    ];
    let mut table = Table::new("Turns of one account", &head);
    lab.upstream.play(Script::AT_ONCE);
    for &size in lab.effort.growth.turns {
        eprintln!("bench: {size} turns …");
        let home = lab.home(&format!("grow-turns-{size}"))?;
        let mut server = Server::start(lab, &home)?;
        let token = server.register()?;
        fill(&server, &token, size)?;
        let page = Caller::new(server.addr).json(&Shot::get(server.addr, HISTORY, &token).bytes)?;
        let rows = page.as_array().map_or(0, Vec::len);
        ensure!(rows == size.min(50), "{rows} turns in the history");
        let mut starts = Vec::new();
        for _ in 0..lab.effort.rounds {
            drop(server);
            server = Server::start(lab, &home)?;
            starts.push(server.start_ms);
        }
        let history = get_p50(lab, &Shot::get(server.addr, HISTORY, &token))?;
        let rare = search_p50(lab, &server, &token, RARE)?;
        let common = search_p50(lab, &server, &token, &common())?;
        table.row(
            thousands(size as i64),
            [Spread::of(starts), history, rare, common, chat_added(lab, &server, &token)?],
        );
    }
    Ok(table)
}

/// One server on which ever more people register; everybody has chatted once.
fn of_users(lab: &Lab) -> Result<Table> {
    let head = ["login without argon2, p50, ms", "chat, added, p50, ms", "token usage, p50, ms"];
    let mut table = Table::new("Accounts", &head);
    lab.upstream.play(Script::AT_ONCE);
    let server = Server::start(lab, &lab.home("grow-users")?)?;
    let token = server.register()?;
    let mut there = 1;
    for &size in lab.effort.growth.users {
        eprintln!("bench: {size} accounts …");
        populate(&server, there, size)?;
        there = size;
        let usage = Shot::get(server.addr, "/api/stat/token-usage", &token);
        let row =
            [login_without_argon2(lab, &server)?, chat_added(lab, &server, &token)?, get_p50(lab, &usage)?];
        table.row(thousands(size as i64), row);
    }
    Ok(table)
}

fn get_p50(lab: &Lab, shot: &Shot) -> Result<Spread> {
    p50_of(shot.addr, &shot.bytes, lab.effort.rounds, lab.effort.requests)
}

fn chat_added(lab: &Lab, server: &Server, token: &str) -> Result<Spread> {
    let targets = [lab.completion(lab.upstream.addr, false), server.chat(token, false)];
    Ok(added(&targets, lab.effort.rounds, lab.effort.requests / 2)?[1].0)
}

/// Registers people until there are so many, on four connections; each chats once.
fn populate(server: &Server, there: usize, wanted: usize) -> Result<()> {
    let next = AtomicUsize::new(there);
    let some_of_them = || -> Result<()> {
        let mut caller = Caller::new(server.addr);
        loop {
            let number = next.fetch_add(1, Relaxed);
            if number >= wanted {
                return Ok(());
            }
            let token = register(&mut caller, &format!("person-{number}@example.com"))?;
            caller.timed(&server.chat(&token, false).bytes)?;
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4).map(|_| scope.spawn(some_of_them)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().map_err(|_| anyhow!("a worker failed"))?)
    })
}

/// A login, less the same hash computed here right after it.
fn login_without_argon2(lab: &Lab, server: &Server) -> Result<Spread> {
    let shot = login(server);
    let mut caller = Caller::new(shot.addr);
    let mut hash = Hash::new()?;
    let mut rounds = Vec::new();
    for _ in 0..lab.effort.rounds {
        let mut differences = Vec::new();
        for _ in 0..lab.effort.requests / 10 {
            differences.push(caller.timed(&shot.bytes)? - hash.time_ms()?);
        }
        rounds.push(percentile(&sorted(differences), 0.5));
    }
    Ok(Spread::of(rounds))
}

/// The hash of a login, with the server's parameters (`src/auth/password.rs`), in memory that is kept as there.
struct Hash {
    argon: Argon2<'static>,
    memory: Vec<Block>,
}

impl Hash {
    fn new() -> Result<Hash> {
        let params = Params::new(19 * 1024, 2, 1, None).map_err(|fault| anyhow!("argon2: {fault}"))?;
        let memory = vec![Block::default(); params.block_count()];
        Ok(Hash { argon: Argon2::new(Algorithm::Argon2id, Version::V0x13, params), memory })
    }

    fn time_ms(&mut self) -> Result<f64> {
        let mut out = [0; Params::DEFAULT_OUTPUT_LEN];
        let start = now_ns();
        self.argon
            .hash_password_into_with_memory(
                PASSWORD.as_bytes(),
                b"sixteen bytes it",
                &mut out,
                &mut self.memory,
            )
            .map_err(|fault| anyhow!("argon2: {fault}"))?;
        Ok(ms_between(start, now_ns()))
    }
}
