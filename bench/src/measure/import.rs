//! The way in: how fast old conversations arrive, and what memory a gigabyte of them takes.
use super::search::{TURN_BYTES, Words, conversation, end_of, import};
use crate::client::Caller;
use crate::lab::{Lab, Server};
use crate::report::{Figure, Goal, thousands};
use crate::stats::{Spread, ms_between, now_ns};
use anyhow::{Context, Result, ensure};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Of a small conversation.
const SMALL_TURNS: usize = 2;
/// Of one in the large file, with things around its text that nobody reads: as in real exports, most of it.
const LARGE_TURNS: usize = 10;
const AROUND: usize = 80 << 10;

/// Small conversations a second, and memory above idle for a large file.
pub fn measure(lab: &Lab) -> Result<Vec<Figure>> {
    let conversations = lab.effort.conversations;
    let mut rates = Vec::new();
    for round in 0..lab.effort.rounds {
        let server = Server::start(lab, &lab.home(&format!("import-{round}"))?)?;
        let token = server.register()?;
        let mut words = Words::new();
        let mut file = String::from("[");
        for at in 0..conversations {
            if at > 0 {
                file.push(',');
            }
            conversation(&mut file, &mut words, at * SMALL_TURNS, (at + 1) * SMALL_TURNS, "");
        }
        file.push(']');
        rates.push(conversations as f64 * 1000.0 / import(&server, &token, &file)?);
    }
    let all = thousands(conversations as i64);
    let (above, rate) = large(lab)?;
    let size = lab.effort.import_megabytes;
    Ok(vec![
        Figure::new(format!("{all} small conversations, a second"), "/s", Spread::of(rates))
            .goal(Goal::AtLeast(2000.0)),
        Figure::new(format!("A file of {size} MB: memory above rest"), "MB", above).goal(Goal::AtMost(64.0)),
        Figure::new(format!("A file of {size} MB: read and stored"), "MB/s", rate),
    ])
}

/// The most memory above what the server takes at rest, and megabytes a second.
fn large(lab: &Lab) -> Result<(f64, f64)> {
    let server = Server::start(lab, &lab.home("import-large")?)?;
    let token = server.register()?;
    std::thread::sleep(Duration::from_secs(1));
    let memory = || server.tree().memory().rss * 1024.0 / 1e6;
    let rest = memory();
    let around = format!(r#","more":"{}""#, "x".repeat(AROUND));
    let mut words = Words::new();
    let mut piece = |at: usize| {
        let mut text = String::from(if at == 0 { "[" } else { "," });
        conversation(&mut text, &mut words, at * LARGE_TURNS, (at + 1) * LARGE_TURNS, &around);
        text
    };
    let wanted = lab.effort.import_megabytes * 1_000_000 / (AROUND + LARGE_TURNS * TURN_BYTES);
    let start = now_ns();
    let mut stream = TcpStream::connect(server.addr)?;
    write!(
        stream,
        "POST /api/import HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\nTransfer-Encoding: chunked\r\n\r\n"
    )?;
    let (mut most, mut sent) = (rest, 0);
    for at in 0..wanted.max(1) {
        let text = piece(at);
        write!(stream, "{:x}\r\n{text}\r\n", text.len())?;
        sent += text.len();
        if at % 100 == 0 {
            most = most.max(memory());
        }
    }
    write!(stream, "1\r\n]\r\n0\r\n\r\n")?;
    let id = begun(&mut BufReader::new(stream))?;
    let mut caller = Caller::new(server.addr);
    let state = end_of(&mut caller, server.addr, &token, &id, || most = most.max(memory()))?;
    ensure!(state["imported"] == wanted.max(1), "{state}");
    let rate = sent as f64 / 1000.0 / ms_between(start, now_ns());
    Ok((most - rest, rate))
}

/// The number of the import, from the reply's body.
fn begun(reply: &mut impl BufRead) -> Result<String> {
    let (mut line, mut length) = (String::new(), 0);
    reply.read_line(&mut line)?;
    ensure!(line.starts_with("HTTP/1.1 20"), "{line}");
    while line != "\r\n" {
        line.clear();
        reply.read_line(&mut line)?;
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse()?;
        }
    }
    let mut body = vec![0; length];
    reply.read_exact(&mut body)?;
    let body: serde_json::Value = serde_json::from_slice(&body).context("the answer is not JSON")?;
    Ok(body["id"].to_string())
}
