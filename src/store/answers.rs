//! The way of an answer into the database: its turn begins before it, pieces are saved while it grows, and its end is
//! written in one transaction.

use super::{Haste, Store, conversations, files, optional, search, usage};
use crate::error::{Error, Result};
use crate::model::{
    ConversationId, Fault, FileId, PaidBy, Params, Status, TurnId, Usage, UsageSource, UserId,
};
use rusqlite::{Connection, params};
use std::sync::Arc;

/// A turn whose answer is about to run.
pub struct NewTurn {
    /// Whose.
    pub user: UserId,
    /// `None` makes a conversation.
    pub conversation: Option<ConversationId>,
    /// Title of a new conversation, or of one that has none.
    pub title: String,
    /// `None` for a root.
    pub parent: Option<TurnId>,
    /// The client's name for the send, with the hash of its body.
    pub client: Option<(String, String)>,
    /// The process that runs the answer.
    pub run: String,
    /// What the person wrote.
    pub prompt: String,
    /// The files with it.
    pub attachments: Vec<FileId>,
    /// What the model is told first.
    pub system_prompt: String,
    /// The model.
    pub model: String,
    /// What else is asked for.
    pub params: Params,
    /// Whose key pays.
    pub paid_by: PaidBy,
    /// Tokens of the question with its context, estimated: for who ends the answer of a process that is gone.
    pub asked: i64,
    /// Unix seconds.
    pub now: i64,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    /// The row is there.
    New(TurnId, ConversationId),
    /// The same send was made before: this is its turn.
    Again(TurnId),
}

/// Which of a turn's two texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChunkKind {
    /// The answer.
    Response,
    /// The thoughts before it.
    Reasoning,
}

/// A piece of a running answer.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// Of which turn.
    pub turn: TurnId,
    /// Of which text.
    pub kind: ChunkKind,
    /// Where in it, in bytes. 0 begins it anew.
    pub start: usize,
    /// The piece.
    pub text: String,
}

/// How an answer ended.
#[derive(Clone, Debug)]
pub struct Finish {
    /// Whose.
    pub user: UserId,
    /// The whole answer.
    pub response: String,
    /// The thoughts before it.
    pub reasoning: String,
    /// Bytes of these when the answer last began anew.
    pub reset_at: usize,
    /// Any but `Streaming`.
    pub status: Status,
    /// The model's word for why.
    pub finish_reason: Option<String>,
    /// What went wrong.
    pub fault: Option<Fault>,
    /// What it cost.
    pub usage: Usage,
    /// Unix seconds.
    pub now: i64,
}

impl Store {
    /// The turn of an earlier send with the same `client_id`; with another body that is a fault.
    pub fn turn_of_client(
        &self,
        user: UserId,
        client_id: &str,
        request_hash: &str,
    ) -> Result<Option<TurnId>> {
        self.read(|c| turn_of_client(c, user, client_id, request_hash))
    }

    /// Writes the row of a turn whose answer is about to run, and makes it the current one. `written` hears the row's
    /// number within the transaction, for jobs that follow it, each time anew; `then` once the row is durable. Both run on
    /// the writing thread.
    pub fn begin_turn(
        &self,
        haste: Haste,
        new: NewTurn,
        written: impl Fn(Option<TurnId>) + Send + 'static,
        then: impl FnOnce(Result<Begun>) + Send + 'static,
    ) {
        let work = move |c: &Connection| {
            let begun = begin(c, &new);
            written(match begun {
                Ok(Begun::New(turn, _)) => Some(turn),
                _ => None,
            });
            begun
        };
        self.writer.submit(haste, work, then);
    }

    /// Appends pieces of running answers.
    pub fn append(&self, chunks: Vec<Chunk>) -> Result<()> {
        self.writer.run(move |c| {
            let sql = "INSERT INTO turn_chunks(turn_id, kind, start, text) VALUES(?, ?, ?, ?)";
            let mut insert = c.prepare_cached(sql)?;
            for chunk in &chunks {
                let kind = match chunk.kind {
                    ChunkKind::Response => "response",
                    ChunkKind::Reasoning => "reasoning",
                };
                insert.execute(params![chunk.turn.0, kind, chunk.start, chunk.text])?;
            }
            Ok(())
        })
    }

    /// Cuts off the saved pieces that lie before the first one of any turn in `running`.
    pub fn trim_chunks(&self, running: Vec<TurnId>) -> Result<()> {
        self.writer.run(move |c| {
            let oldest = running.iter().map(|turn| turn.0).min().unwrap_or(i64::MAX);
            // Pieces are written in order of time, so those before the first of a turn that still runs are of turns
            // that have ended. A turn's first piece cannot be older than its row: its number is enough to look for.
            let sql = "DELETE FROM turn_chunks WHERE id < \
                 coalesce((SELECT min(id) FROM turn_chunks WHERE turn_id >= ?1), (SELECT max(id) + 1 FROM turn_chunks))";
            c.prepare_cached(sql)?.execute([oldest])?;
            Ok(())
        })
    }

    /// Ends an answer: text, search words and usage, all or nothing. The job may wait behind the one that writes the
    /// turn's row, and asks for its number only when it is its turn; without one there is nothing to end. `then` hears
    /// of it once that is durable. Both run on the writing thread.
    pub fn finish_turn(
        &self,
        turn: impl Fn() -> Option<TurnId> + Send + 'static,
        finish: Arc<Finish>,
        then: impl FnOnce(Result<()>) + Send + 'static,
    ) {
        self.writer.submit(Haste::Now, move |c| turn().map_or(Ok(()), |turn| end(c, turn, &finish)), then);
    }
}

fn turn_of_client(
    c: &Connection,
    user: UserId,
    client_id: &str,
    request_hash: &str,
) -> Result<Option<TurnId>> {
    let sql = "SELECT id, request_hash FROM turns WHERE user_id = ? AND client_id = ?";
    let row = c
        .prepare_cached(sql)?
        .query_row(params![user.0, client_id], |row| Ok((row.get(0)?, row.get::<_, Option<String>>(1)?)));
    match optional(row)? {
        None => Ok(None),
        Some((id, hash)) if hash.as_deref() == Some(request_hash) => Ok(Some(TurnId(id))),
        Some(_) => {
            Err(Error::Refused("client_id_reused", "This client_id was used for another message.".into()))
        }
    }
}

fn begin(c: &Connection, new: &NewTurn) -> Result<Begun> {
    // Before anything is written: a send that was made already leaves no empty conversation.
    if let Some((client_id, hash)) = &new.client
        && let Some(turn) = turn_of_client(c, new.user, client_id, hash)?
    {
        return Ok(Begun::Again(turn));
    }
    let conversation = match new.conversation {
        Some(id) => id,
        None => conversations::insert(c, new.user, &new.title, Some(&new.model), new.now)?,
    };
    let sql = "INSERT INTO turns(user_id, conversation_id, parent_id, client_id, request_hash, run, prompt, \
         system_prompt, model, params, status, prompt_tokens, usage_source, paid_by, created_at) \
         VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'streaming', ?, 'none', ?, ?)";
    let (client_id, request_hash) = new.client.as_ref().map(|(id, hash)| (id, hash)).unzip();
    let values = params![
        new.user.0,
        conversation.0,
        new.parent.map(|turn| turn.0),
        client_id,
        request_hash,
        new.run,
        new.prompt,
        new.system_prompt,
        new.model,
        serde_json::to_string(&new.params).map_err(Error::internal)?,
        new.asked,
        new.paid_by.as_str(),
        new.now,
    ];
    let id = match c.prepare_cached(sql)?.insert(values) {
        Ok(id) => TurnId(id),
        // The conversation or the parent was deleted a moment ago.
        Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation) => {
            return Err(Error::NotFound);
        }
        Err(error) => return Err(error.into()),
    };
    let sql = "UPDATE conversations SET current_turn_id = ?1, updated_at = ?2, \
         title = CASE WHEN title = '' THEN ?3 ELSE title END WHERE id = ?4";
    c.prepare_cached(sql)?.execute(params![id.0, new.now, new.title, conversation.0])?;
    files::attach(c, new.user, id, &new.attachments)?;
    Ok(Begun::New(id, conversation))
}

/// Also used for what an earlier process left behind.
pub(super) fn end(c: &Connection, turn: TurnId, finish: &Finish) -> Result<()> {
    let sql = "SELECT prompt, model, paid_by FROM turns WHERE id = ? AND status = 'streaming'";
    let row = c.prepare_cached(sql)?.query_row([turn.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    // No row: it was deleted while it ran, or this is a second try of an end that did take.
    let Some((prompt, model, paid_by)): Option<(String, String, String)> = optional(row)? else {
        return Ok(());
    };
    let sql = "UPDATE turns SET response = ?, reasoning = ?, reset_at = ?, status = ?, finish_reason = ?, error = ?, \
         error_code = ?, prompt_tokens = ?, completion_tokens = ?, cached_tokens = ?, reasoning_tokens = ?, \
         usage_source = ?, finished_at = ?, run = NULL WHERE id = ?";
    let values = params![
        finish.response,
        finish.reasoning,
        finish.reset_at,
        finish.status.as_str(),
        finish.finish_reason,
        finish.fault.as_ref().map(|fault| &fault.message),
        finish.fault.as_ref().map(|fault| &fault.code),
        finish.usage.prompt,
        finish.usage.completion,
        finish.usage.cached,
        finish.usage.reasoning,
        finish.usage.source.as_str(),
        finish.now,
        turn.0,
    ];
    c.prepare_cached(sql)?.execute(values)?;
    search::index(c, finish.user, turn, &prompt, &finish.response)?;
    if finish.usage.source != UsageSource::None {
        usage::add(c, finish.user, &model, &paid_by, &finish.usage, finish.now)?;
    }
    Ok(())
}
