//! Reading back: the newest turns and the statistics of an account that has many.
use super::p50_of;
use crate::client::{Caller, Shot, Until, closed_loop};
use crate::lab::{Lab, Server};
use crate::report::{Figure, Goal, thousands};
use crate::script::Script;
use anyhow::{Result, ensure};

/// The history's first page and the token usage.
pub fn measure(lab: &Lab) -> Result<Vec<Figure>> {
    lab.upstream.play(Script::AT_ONCE);
    let server = Server::start(lab, &lab.home("history")?)?;
    let token = server.register()?;
    let turns = lab.effort.turns;
    // stored by chatting: then they lie there as a user's do
    let chat = server.chat(&token, false);
    closed_loop(&chat, 64, Until::Answers(turns), &server.tree())?;

    let history = Shot::get(server.addr, "/api/chat/history", &token);
    let page = Caller::new(server.addr).json(&history.bytes)?;
    let rows = page.as_array().map_or(0, Vec::len);
    ensure!(rows == 50, "{rows} turns in the history");
    let usage = Shot::get(server.addr, "/api/stat/token-usage", &token);
    let sums = Caller::new(server.addr).json(&usage.bytes)?;
    let wanted = 102 * turns as u64;
    ensure!(sums["total"] == wanted, "{} tokens, not {wanted}", sums["total"]);

    let effort = lab.effort;
    let p50 = |shot: &Shot| p50_of(shot.addr, &shot.bytes, effort.rounds, effort.requests);
    let stored = thousands(turns as i64);
    Ok(vec![
        Figure::new(format!("History, 50 of {stored} turns, p50"), "ms", p50(&history)?)
            .goal(Goal::AtMost(0.15)),
        Figure::new(format!("Token usage after {stored} turns, p50"), "ms", p50(&usage)?)
            .goal(Goal::AtMost(0.2)),
    ])
}
