//! What a process leaves behind when it ends without warning: answers that were running. Their saved pieces are
//! put together and they become `interrupted`, with their text.

use super::answers::{Finish, end};
use super::{Store, optional};
use crate::error::Result;
use crate::model::{Fault, Status, TurnId, Usage, UserId};
use rusqlite::Connection;
use std::collections::HashMap;

/// The turn of an answer that was running.
struct Leftover {
    user: UserId,
    /// Tokens, estimated when it began.
    asked: i64,
    response: String,
    reasoning: String,
    /// The response began anew at least once.
    reset: bool,
}

impl Store {
    /// Ends the answers of this process's predecessor and takes its place under the name `run`. Returns how many
    /// there were. All in one transaction: killed in the middle, the next start does it again.
    pub fn take_over(&self, run: String, now: i64) -> Result<usize> {
        self.writer.run(move |c| {
            let before: Option<String> =
                optional(c.query_row("SELECT value FROM meta WHERE name = 'run'", [], |row| row.get(0)))?;
            let mut leftovers = leftovers(c, before.as_deref().unwrap_or_default())?;
            if !leftovers.is_empty() {
                add_pieces(c, &mut leftovers)?;
            }
            let count = leftovers.len();
            for (turn, leftover) in leftovers {
                end(c, turn, &interrupted(leftover, now))?;
            }
            c.execute("DELETE FROM turn_chunks", [])?;
            let sql = "INSERT INTO meta(name, value) VALUES('run', ?) \
                 ON CONFLICT(name) DO UPDATE SET value = excluded.value";
            c.execute(sql, [&run])?;
            Ok(count)
        })
    }
}

fn leftovers(c: &Connection, run: &str) -> Result<HashMap<TurnId, Leftover>> {
    let sql = "SELECT id, user_id, prompt_tokens FROM turns WHERE status = 'streaming' AND run = ?";
    let mut query = c.prepare(sql)?;
    let rows = query.query_map([run], |row| {
        let leftover = Leftover {
            user: UserId(row.get(1)?),
            asked: row.get(2)?,
            response: String::new(),
            reasoning: String::new(),
            reset: false,
        };
        Ok((TurnId(row.get(0)?), leftover))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// One scan in the order of writing. A piece that begins where the text already was begins that text anew.
fn add_pieces(c: &Connection, leftovers: &mut HashMap<TurnId, Leftover>) -> Result<()> {
    let mut query = c.prepare("SELECT turn_id, kind, start, text FROM turn_chunks ORDER BY id")?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let Some(leftover) = leftovers.get_mut(&TurnId(row.get(0)?)) else {
            continue;
        };
        let start: usize = row.get(2)?;
        let text = match row.get_ref(1)?.as_str() {
            Ok("reasoning") => &mut leftover.reasoning,
            _ => {
                leftover.reset |= start < leftover.response.len();
                &mut leftover.response
            }
        };
        text.truncate(text.floor_char_boundary(start));
        text.push_str(row.get_ref(3)?.as_str().unwrap_or_default());
    }
    Ok(())
}

fn interrupted(leftover: Leftover, now: i64) -> Finish {
    let nothing = leftover.response.is_empty() && leftover.reasoning.is_empty();
    Finish {
        user: leftover.user,
        status: if nothing { Status::Failed } else { Status::Interrupted },
        finish_reason: None,
        fault: Some(Fault {
            code: "server_ended".into(),
            message: "The server ended while this answer was running.".into(),
        }),
        usage: if nothing {
            Usage::default()
        } else {
            Usage::estimated(leftover.asked, &leftover.response, &leftover.reasoning)
        },
        // Where exactly is not known any more; an offset of the response that is taken for one from before it only makes
        // everything come again.
        reset_at: if leftover.reset { leftover.reasoning.len() } else { 0 },
        response: leftover.response,
        reasoning: leftover.reasoning,
        now,
    }
}
