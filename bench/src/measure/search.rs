//! Full-text search in a large account. The turns come in through the import, as a ChatGPT export:
//! the one public way to store half a million of them, and the one that needs no knowledge of tables.
use super::p50_of;
use crate::client::{Caller, Shot};
use crate::lab::{Lab, Server};
use crate::report::{Figure, Goal, thousands};
use crate::stats::{Spread, ms_between, now_ns};
use anyhow::{Context, Result, bail, ensure};
use std::fmt::Write;
use std::net::SocketAddr;
use std::time::Duration;

const TURNS_A_CONVERSATION: usize = 50;
/// Of one import: a file of about 10 MB.
const TURNS_A_FILE: usize = 10_000;
/// In every 25,000th turn, and in no other word's beginning.
pub const RARE: &str = "zyzzyva";

/// A rare and a common word.
pub fn measure(lab: &Lab) -> Result<Vec<Figure>> {
    let server = Server::start(lab, &lab.home("search")?)?;
    let token = server.register()?;
    let turns = lab.effort.search_turns;
    let took_ms = fill(&server, &token, turns)?;
    let p50 = |word: &str| search_p50(lab, &server, &token, word);
    let all = thousands(turns as i64);
    Ok(vec![
        Figure::new("Import, turns a second", "/s", turns as f64 * 1000.0 / took_ms),
        Figure::new(format!("Search in {all} turns, rare word, p50"), "ms", p50(RARE)?)
            .goal(Goal::AtMost(5.0)),
        Figure::new(format!("Search in {all} turns, a word of nearly all, p50"), "ms", p50(&common())?)
            .goal(Goal::AtMost(20.0)),
    ])
}

/// Stores that many turns in an account that has none; the milliseconds that took.
pub fn fill(server: &Server, token: &str, turns: usize) -> Result<f64> {
    let mut words = Words::new();
    let mut took_ms = 0.0;
    for first in (0..turns).step_by(TURNS_A_FILE) {
        let file = export(&mut words, first, TURNS_A_FILE.min(turns - first));
        took_ms += import(server, token, &file)?;
    }
    Ok(took_ms)
}

/// The time of a search for a word that is there.
pub fn search_p50(lab: &Lab, server: &Server, token: &str, word: &str) -> Result<Spread> {
    let shot = Shot::get(server.addr, &format!("/api/search?q={word}"), token);
    let answer = Caller::new(shot.addr).json(&shot.bytes)?;
    let hits = answer["results"].as_array().map_or(0, Vec::len);
    ensure!(hits > 0, "{word} is not found");
    p50_of(shot.addr, &shot.bytes, lab.effort.rounds, lab.effort.requests / 5)
}

/// Sends one export and waits until it is stored; the milliseconds that took.
pub fn import(server: &Server, token: &str, file: &str) -> Result<f64> {
    let mut caller = Caller::new(server.addr);
    let shot = Shot::post(server.addr, "/api/import", token, file);
    let start = now_ns();
    let begun = caller.json(&shot.bytes).context("import")?;
    let state = end_of(&mut caller, server.addr, token, &begun["id"].to_string(), || ())?;
    let (total, imported) = (&state["total"], &state["imported"]);
    ensure!(total == imported, "{imported} of {total} imported: {state}");
    Ok(ms_between(start, now_ns()))
}

/// Waits for the end of an import, with a look at something else in between; gives its report.
pub fn end_of(
    caller: &mut Caller,
    addr: SocketAddr,
    token: &str,
    id: &str,
    mut meanwhile: impl FnMut(),
) -> Result<serde_json::Value> {
    let look = Shot::get(addr, &format!("/api/import/{}", id.trim_matches('"')), token);
    let start = now_ns();
    loop {
        let state = caller.json(&look.bytes)?;
        match state["status"].as_str() {
            Some("running") if ms_between(start, now_ns()) < 600_000.0 => {
                meanwhile();
                std::thread::sleep(Duration::from_millis(10));
            }
            Some("done") => return Ok(state),
            _ => bail!("the import does not come to an end: {state}"),
        }
    }
}

/// A ChatGPT export of turns with that many before them.
fn export(words: &mut Words, before: usize, turns: usize) -> String {
    let mut out = String::with_capacity(turns * 1100);
    out.push('[');
    for start in (before..before + turns).step_by(TURNS_A_CONVERSATION) {
        if start > before {
            out.push(',');
        }
        let end = (before + turns).min(start + TURNS_A_CONVERSATION);
        conversation(&mut out, words, start, end, "");
    }
    out.push(']');
    out
}

/// Bytes of a turn in an export, about.
pub const TURN_BYTES: usize = 1100;

/// One conversation, with `around` among its fields. Writing into a String cannot fail, so its results are let go.
pub fn conversation(out: &mut String, words: &mut Words, start: usize, end: usize, around: &str) {
    let time = 1_600_000_000 + start * 60;
    let _ = write!(
        out,
        r#"{{"id":"bench-{start}","conversation_id":"bench-{start}","title":"Conversation {start}","create_time":{time}.0,"update_time":{time}.0{around},"current_node":"a{}","mapping":{{"root":{{"id":"root","message":null,"parent":null,"children":["u{start}"]}}"#,
        end - 1
    );
    let mut parent = "root".to_owned();
    for turn in start..end {
        let time = 1_600_000_000 + turn * 60;
        let rare = if turn % 25_000 == 7 { RARE } else { "" };
        let (prompt, reply) = (words.text(8), words.text(40));
        let (prompt_id, reply_id) = (format!("u{turn}"), format!("a{turn}"));
        let child = format!("\"{reply_id}\"");
        node(out, &prompt_id, "user", time, &prompt, &parent, &child);
        let child = match turn + 1 {
            next if next < end => format!("\"u{next}\""),
            _ => String::new(),
        };
        let reply = format!("{reply}{rare}");
        node(out, &reply_id, "assistant", time + 5, &reply, &prompt_id, &child);
        parent = reply_id;
    }
    out.push_str("}}");
}

fn node(out: &mut String, id: &str, role: &str, time: usize, text: &str, parent: &str, child: &str) {
    let _ = write!(
        out,
        r#","{id}":{{"id":"{id}","message":{{"id":"{id}","author":{{"role":"{role}","metadata":{{}}}},"create_time":{time}.0,"content":{{"content_type":"text","parts":["{text}"]}},"status":"finished_successfully","metadata":{{"model_slug":"gpt-4o"}},"recipient":"all"}},"parent":"{parent}","children":[{child}]}}"#
    );
}

/// Words by chance, the same in every run, frequent and rare as in a language: the n-th most
/// frequent is chosen with a probability of about 1/n.
pub struct Words {
    state: u64,
}

impl Words {
    /// From the beginning.
    pub fn new() -> Words {
        Words { state: 88_172_645 }
    }

    fn text(&mut self, count: usize) -> String {
        let mut out = String::with_capacity(count * 7);
        for _ in 0..count {
            self.state ^= self.state << 13;
            self.state ^= self.state >> 7;
            self.state ^= self.state << 17;
            let chance = (self.state >> 11) as f64 / (1u64 << 53) as f64;
            let rank = (20_000f64.ln() * chance).exp() as usize;
            out.push_str(&word(rank));
            out.push(' ');
        }
        out
    }
}

/// The word that is in nearly every turn.
pub fn common() -> String {
    word(1)
}

/// Three syllables for each rank below 21,952: all of one length, so that none begins another.
fn word(rank: usize) -> String {
    let syllable = |n: usize| {
        let (consonant, vowel) = (b"bdgklmn"[n % 7], b"aeio"[n / 7 % 4]);
        [char::from(consonant), char::from(vowel)]
    };
    let parts = [rank % 28, rank / 28 % 28, rank / 784 % 28];
    parts.into_iter().flat_map(syllable).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_export_is_a_chain_from_the_root_to_the_current_node() {
        let mut words = Words::new();
        let text = export(&mut words, 100, 120);
        let parsed: serde_json::Value = serde_json::from_str(&text).unwrap();
        let all = parsed.as_array().unwrap();
        let mut turns = 0;
        for conversation in all {
            let mut id = conversation["current_node"].as_str().unwrap();
            while id != "root" {
                let node = &conversation["mapping"][id];
                let parent = node["parent"].as_str().unwrap();
                let siblings = &conversation["mapping"][parent]["children"];
                assert_eq!(siblings[0], id);
                turns += usize::from(node["message"]["author"]["role"] == "user");
                id = parent;
            }
        }
        assert_eq!((all.len(), turns), (3, 120));
    }

    #[test]
    fn the_first_word_is_in_nearly_every_turn() {
        let mut words = Words::new();
        let with = (0..1000).filter(|_| words.text(48).contains(&word(1)));
        assert!((900..1000).contains(&with.count()));
    }
}
