//! Logins: nearly all of it is argon2id, which is meant to be slow, so the goal is what the
//! processor allows.
use crate::client::{Shot, Until, closed_loop};
use crate::http::request;
use crate::lab::{EMAIL, Lab, PASSWORD, Server};
use crate::report::{Figure, Goal};
use crate::stats::Spread;
use anyhow::Result;

/// Logins a second at two and four connections.
pub fn measure(lab: &Lab) -> Result<Vec<Figure>> {
    let server = Server::start(lab, &lab.home("login")?)?;
    server.register()?;
    let shot = login(&server);
    let until = Until::Seconds(lab.effort.seconds);
    let mut rates = [const { Vec::new() }; 2];
    for _ in 0..lab.effort.rounds {
        for (connections, rates) in [2, 4].into_iter().zip(&mut rates) {
            rates.push(closed_loop(&shot, connections, until, &server.tree())?.rate);
        }
    }
    let [two, four] = rates.map(Spread::of);
    let line = |name, rate| Figure::new(name, "/s", rate).goal(Goal::AtLeast(110.0));
    Ok(vec![
        line("Logins a second (argon2id), 2 connections", two),
        line("Logins a second (argon2id), 4 connections", four),
    ])
}

/// A login of the bench's account.
pub fn login(server: &Server) -> Shot {
    let body = format!(r#"{{"email":"{EMAIL}","password":"{PASSWORD}"}}"#);
    Shot { addr: server.addr, bytes: request("POST", "/api/login", None, Some(&body)) }
}
