//! Turns as they are read: where a message goes, what the model is told of, pages of history. How they are written stands in
//! `answers`.

use super::{Store, bad_word, conversations, files, optional, pages, search, users};
use crate::error::{Error, Result};
use crate::model::{
    Attachment, ConversationId, Fault, PaidBy, Status, Turn, TurnId, Usage, UsageSource, UserId,
};
use crate::text::estimate_tokens;
use rusqlite::{Connection, Row, ToSql, params};

/// Where a message shall go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Below the conversation's current turn.
    Current,
    /// A new root.
    Root,
    /// Below that turn.
    Below(TurnId),
}

/// What a message meets: its place, and what person and conversation say about it.
pub struct Target {
    /// `None`: a new one.
    pub conversation: Option<super::Conversation>,
    /// `None`: a root.
    pub parent: Option<TurnId>,
    /// The person.
    pub user: super::User,
    /// The person's sealed API key.
    pub key: Option<Vec<u8>>,
}

/// What was said in a turn.
#[derive(Debug, PartialEq, Eq)]
pub struct Exchange {
    /// By the person.
    pub prompt: String,
    /// The files with it.
    pub attachments: Vec<Attachment>,
    /// By the model.
    pub response: String,
}

/// What goes upstream before the message: the path from the root, oldest first.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// Each turn of it.
    pub turns: Vec<Exchange>,
    /// How many older ones did not fit.
    pub dropped: usize,
}

/// What a turn is read from.
pub(super) const COLUMNS: &str = "id, conversation_id, parent_id, client_id, prompt, response, reasoning, model, params, \
     status, finish_reason, error, error_code, prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens, \
     usage_source, paid_by, created_at, finished_at, reset_at";

/// A row of these.
pub(super) fn turn(row: &Row<'_>) -> rusqlite::Result<Turn> {
    let word = |column: usize| row.get::<_, String>(column);
    let (status, source, paid_by) = (word(9)?, word(17)?, word(18)?);
    let (message, code): (Option<String>, Option<String>) = (row.get(11)?, row.get(12)?);
    let status = Status::parse(&status).ok_or_else(|| bad_word(9, &status))?;
    let usage = Usage {
        prompt: row.get(13)?,
        completion: row.get(14)?,
        cached: row.get(15)?,
        reasoning: row.get(16)?,
        source: UsageSource::parse(&source).ok_or_else(|| bad_word(17, &source))?,
    };
    Ok(Turn {
        id: TurnId(row.get(0)?),
        conversation: ConversationId(row.get(1)?),
        parent: row.get::<_, Option<i64>>(2)?.map(TurnId),
        client_id: row.get(3)?,
        prompt: row.get(4)?,
        attachments: Vec::new(),
        response: row.get(5)?,
        reasoning: row.get(6)?,
        reset_at: row.get(21)?,
        model: row.get(7)?,
        params: serde_json::from_str(&word(8)?).unwrap_or_default(),
        status,
        finish_reason: row.get(10)?,
        fault: code.zip(message).map(|(code, message)| Fault { code, message }),
        // Nothing is counted before the end: until then there is only what recovery would need.
        usage: if status == Status::Streaming { Usage::default() } else { usage },
        paid_by: PaidBy::parse(&paid_by).ok_or_else(|| bad_word(18, &paid_by))?,
        created: row.get(19)?,
        finished: row.get(20)?,
    })
}

/// The turns that a condition of ours selects.
pub(super) fn select(c: &Connection, condition: &str, values: &[&dyn ToSql]) -> Result<Vec<Turn>> {
    let mut query = c.prepare_cached(&format!("SELECT {COLUMNS} FROM turns WHERE {condition}"))?;
    let rows = query.query_map(values, turn)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Removes what hangs on turns without a foreign key: search words and saved pieces. The caller deletes the turns.
pub(super) fn forget(c: &Connection, condition: &str, value: i64) -> Result<()> {
    for table in ["search WHERE rowid", "turn_chunks WHERE turn_id"] {
        let sql = format!("DELETE FROM {table} IN (SELECT id FROM turns WHERE {condition})");
        c.prepare_cached(&sql)?.execute([value])?;
    }
    Ok(())
}

/// Finds the turn to hang a message under, and that it has ended.
fn parent_for(c: &Connection, conversation: &super::Conversation, start: Start) -> Result<Option<TurnId>> {
    let sql = "SELECT status = 'streaming', parent_id FROM turns WHERE id = ? AND conversation_id = ?";
    let look = |turn: TurnId| {
        let row = c.prepare_cached(sql)?.query_row([turn.0, conversation.id.0], |row| {
            Ok((row.get::<_, bool>(0)?, row.get::<_, Option<i64>>(1)?.map(TurnId)))
        });
        optional(row)
    };
    match start {
        Start::Root => Ok(None),
        Start::Below(turn) => match look(turn)? {
            None => Err(Error::NotFound),
            Some((true, _)) => Err(Error::Refused("turn_running", "That answer is still running.".into())),
            Some((false, _)) => Ok(Some(turn)),
        },
        // Two sends at once become siblings: who comes second hangs beside the running turn.
        Start::Current => {
            let mut at = conversation.current;
            while let Some(turn) = at {
                match look(turn)? {
                    Some((true, parent)) => at = parent,
                    Some((false, _)) => return Ok(Some(turn)),
                    None => return Ok(None),
                }
            }
            Ok(None)
        }
    }
}

impl Store {
    /// What a message of `user` meets. A conversation in the trash takes none.
    pub fn target(&self, user: UserId, conversation: Option<ConversationId>, start: Start) -> Result<Target> {
        self.read(|c| {
            let sql = "SELECT key_sealed FROM users WHERE id = ?";
            let key = c.prepare_cached(sql)?.query_row([user.0], |row| row.get(0));
            let key = optional(key)?.ok_or(Error::Unauthenticated)?;
            let user = users::get(c, user)?;
            let (conversation, parent) = match (conversation, start) {
                (None, Start::Below(_)) => return Err(Error::NotFound),
                (None, _) => (None, None),
                (Some(id), start) => {
                    let found = conversations::get(c, user.id, id)?;
                    if found.deleted.is_some() {
                        return Err(Error::NotFound);
                    }
                    let parent = parent_for(c, &found, start)?;
                    (Some(found), parent)
                }
            };
            Ok(Target { conversation, parent, user, key })
        })
    }

    /// The path that ends with `parent`, as much of its newest part as `budget` (in estimated tokens) holds.
    pub fn context(&self, user: UserId, parent: TurnId, budget: i64) -> Result<Context> {
        self.read(|c| {
            let sql = "WITH RECURSIVE path(id, depth) AS (SELECT ?1, 0 UNION ALL SELECT turns.parent_id, depth + 1 \
                 FROM turns JOIN path ON turns.id = path.id WHERE turns.parent_id IS NOT NULL) \
                 SELECT turns.id FROM path JOIN turns ON turns.id = path.id \
                 WHERE turns.user_id = ?2 AND octet_length(turns.response) > 0 ORDER BY depth";
            let mut path = c.prepare_cached(sql)?;
            let ids = path.query_map([parent.0, user.0], |row| row.get::<_, i64>(0))?;
            let ids = ids.collect::<rusqlite::Result<Vec<_>>>()?;
            let mut context = Context { turns: Vec::new(), dropped: ids.len() };
            let mut text = c.prepare_cached("SELECT prompt, response FROM turns WHERE id = ?")?;
            let mut left = budget;
            for id in ids {
                let turn = text.query_row([id], |row| {
                    Ok(Exchange { prompt: row.get(0)?, attachments: Vec::new(), response: row.get(1)? })
                })?;
                let turn = Exchange { attachments: files::of_turn(c, TurnId(id))?, ..turn };
                let tokens: i64 = turn.attachments.iter().map(|file| file.tokens).sum();
                left -= estimate_tokens(&turn.prompt) + estimate_tokens(&turn.response) + tokens;
                if left < 0 {
                    break;
                }
                context.turns.push(turn);
                context.dropped -= 1;
            }
            context.turns.reverse();
            Ok(context)
        })
    }

    /// A turn of the user.
    pub fn turn(&self, user: UserId, id: TurnId) -> Result<Turn> {
        self.read(|c| {
            let sql = format!("SELECT {COLUMNS} FROM turns WHERE id = ? AND user_id = ?");
            let found = optional(c.prepare_cached(&sql)?.query_row([id.0, user.0], turn))?;
            let turn = found.ok_or(Error::NotFound)?;
            Ok(Turn { attachments: files::of_turn(c, id)?, ..turn })
        })
    }

    /// The system prompt that a turn was asked with; `None` for an imported one, of which nobody knows.
    pub fn system_prompt_of(&self, user: UserId, id: TurnId) -> Result<Option<String>> {
        self.read(|c| {
            let sql = "SELECT CASE WHEN source_id IS NULL THEN system_prompt END FROM turns WHERE id = ? AND user_id = ?";
            optional(c.query_row(sql, [id.0, user.0], |row| row.get(0)))?.ok_or(Error::NotFound)
        })
    }

    /// The user's turns below `before`, newest first, without failed ones; fewer than `limit` where they are long.
    pub fn history(
        &self,
        user: UserId,
        before: Option<TurnId>,
        conversation: Option<ConversationId>,
        words: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Turn>> {
        self.read(|c| {
            let expression = words.map(|words| search::expression(user, words, search::Last::Begun));
            if expression == Some(None) {
                return Ok(Vec::new());
            }
            let condition = "user_id = ?1 AND id < ?2 AND status <> 'failed' \
                 AND (?3 IS NULL OR conversation_id = ?3) \
                 AND (?4 IS NULL OR id IN (SELECT rowid FROM search WHERE search MATCH ?4)) \
                 ORDER BY id DESC LIMIT ?5";
            let below = before.map_or(i64::MAX, |turn| turn.0);
            let conversation = conversation.map(|id| id.0);
            let values = params![user.0, below, conversation, expression.flatten(), limit];
            pages::of_turns(c, condition, values, limit).map(|(found, _)| found)
        })
    }
}
