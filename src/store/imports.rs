//! Imports: how far each is, and the conversations that they bring.

use super::{Haste, Store, files, optional, search};
use crate::error::{Error, Result};
use crate::model::{
    ConversationId, Fault, FileId, ImportId, PaidBy, Params, ROW, Status, TurnId, Usage, UserId,
};
use rusqlite::{Connection, params};
use std::collections::{HashMap, HashSet};
use std::sync::mpsc::sync_channel;

/// Reports that are kept of one account.
const KEPT: usize = 20;

/// A conversation that comes from elsewhere.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// Where from.
    pub source: &'static str,
    /// Its name there.
    pub source_id: String,
    /// Of one that this program wrote: its number then, and when it was made. It may still be here.
    pub written_here: Option<(ConversationId, i64)>,
    /// One line.
    pub title: String,
    /// Its person gave it that title, and no later export changes it.
    pub titled_by_person: bool,
    /// For its next turns.
    pub model: Option<String>,
    /// For its next turns.
    pub system_prompt: Option<String>,
    /// For its next turns.
    pub params: Params,
    /// Kept on top of the list.
    pub pinned: bool,
    /// Out of the list.
    pub archived: bool,
    /// Unix seconds.
    pub created: i64,
    /// Unix seconds.
    pub updated: i64,
    /// In the trash since.
    pub deleted: Option<i64>,
    /// Each after its parent.
    pub turns: Vec<ImportedTurn>,
    /// Which of them is the current one.
    pub current: Option<usize>,
}

impl Imported {
    /// About how many bytes it takes here.
    pub fn size(&self) -> usize {
        let prompt = self.system_prompt.as_ref().map_or(0, String::len);
        ROW + self.title.len() + prompt + self.turns.iter().map(ImportedTurn::size).sum::<usize>()
    }
}

/// A turn of it.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportedTurn {
    /// Its name where it comes from, the same in every export.
    pub source_id: String,
    /// Which of the turns it follows.
    pub parent: Option<usize>,
    /// What the person wrote.
    pub prompt: String,
    /// Files that go with it, kept before.
    pub attachments: Vec<FileId>,
    /// What the model answered.
    pub response: String,
    /// What it thought before.
    pub reasoning: String,
    /// The model; empty when nobody knows.
    pub model: String,
    /// What else was asked for.
    pub params: Params,
    /// Any but `Streaming`.
    pub status: Status,
    /// The model's word for why it ended.
    pub finish_reason: Option<String>,
    /// What went wrong.
    pub fault: Option<Fault>,
    /// What it once cost: shown beside the turn, counted nowhere.
    pub usage: Usage,
    /// Whose key paid for that.
    pub paid_by: PaidBy,
    /// Unix seconds.
    pub created: i64,
    /// Unix seconds.
    pub finished: i64,
}

impl ImportedTurn {
    /// About how many bytes it takes here.
    pub fn size(&self) -> usize {
        ROW + self.prompt.len() + self.response.len() + self.reasoning.len()
    }
}

/// What became of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is new here.
    Added,
    /// It was here, and something of it was new.
    Updated,
    /// It was here, and nothing was new.
    Known,
    /// It is in the trash, where it was left alone.
    InTrash,
}

/// An import that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfinished {
    /// Its number.
    pub id: ImportId,
    /// Whose.
    pub user: UserId,
    /// Its report so far.
    pub report: String,
}

/// A conversation that is here already.
struct Here {
    id: i64,
    /// The export was made of it here: its turns go by their numbers.
    by_number: bool,
    title: String,
    titled_by_person: bool,
    /// Its current turn was written here.
    went_on: bool,
    deleted: bool,
    updated: i64,
}

impl Store {
    /// Notes that the process `run` begins an import.
    pub fn begin_import(&self, user: UserId, run: String, report: String, now: i64) -> Result<ImportId> {
        self.writer.run(move |c| {
            let sql = "INSERT INTO imports(user_id, run, created_at, report) VALUES(?, ?, ?, ?) RETURNING id";
            let id = c.query_row(sql, params![user.0, run, now, report], |row| row.get(0))?;
            let sql = "DELETE FROM imports WHERE user_id = ?1 AND run = '' AND id NOT IN \
                 (SELECT id FROM imports WHERE user_id = ?1 ORDER BY id DESC LIMIT ?2)";
            c.execute(sql, params![user.0, KEPT])?;
            Ok(ImportId(id))
        })
    }

    /// Keeps how far an import is; an empty `run` ends it.
    pub fn keep_import(&self, id: ImportId, run: String, report: String) -> Result<()> {
        self.writer.run(move |c| {
            let sql = "UPDATE imports SET run = ?, report = ? WHERE id = ?";
            c.prepare_cached(sql)?.execute(params![run, report, id.0])?;
            Ok(())
        })
    }

    /// The report of an import of the user.
    pub fn import(&self, user: UserId, id: ImportId) -> Result<String> {
        self.read(|c| {
            let sql = "SELECT report FROM imports WHERE id = ? AND user_id = ?";
            optional(c.query_row(sql, [id.0, user.0], |row| row.get(0)))?.ok_or(Error::NotFound)
        })
    }

    /// Imports that another process than `run` has left unfinished.
    pub fn unfinished_imports(&self, run: &str) -> Result<Vec<Unfinished>> {
        self.read(|c| {
            let sql = "SELECT id, user_id, report FROM imports WHERE run NOT IN ('', ?) ORDER BY id";
            let mut query = c.prepare(sql)?;
            let rows = query.query_map([run], |row| {
                Ok(Unfinished { id: ImportId(row.get(0)?), user: UserId(row.get(1)?), report: row.get(2)? })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Names of the turns of a conversation that are here already.
    pub fn turns_of_imported(&self, user: UserId, imported: &Imported) -> Result<HashSet<String>> {
        self.read(|c| match find(c, user, imported)? {
            None => Ok(HashSet::new()),
            Some(here) => Ok(known(c, user, &here)?.into_keys().collect()),
        })
    }

    /// Adds conversations, or what is new of those that are here; each is a transaction of its own, and all share what
    /// makes them durable. Nothing is charged and nothing counted.
    pub fn add_imported(&self, user: UserId, all: Vec<Imported>) -> Vec<Result<Outcome>> {
        let submit = |imported: Imported| {
            let (tell, told) = sync_channel(1);
            self.writer.submit(
                Haste::Now,
                move |c| match find(c, user, &imported)? {
                    None => add(c, user, &imported),
                    Some(here) if here.deleted => Ok(Outcome::InTrash),
                    Some(here) => update(c, user, &here, &imported),
                },
                move |outcome| drop(tell.send(outcome)),
            );
            told
        };
        let all: Vec<_> = all.into_iter().map(submit).collect();
        let gone = |_| Err(Error::Storage("the writer is gone".into()));
        all.into_iter().map(|told| told.recv().unwrap_or_else(gone)).collect()
    }
}

fn find(c: &Connection, user: UserId, imported: &Imported) -> Result<Option<Here>> {
    let here = |row: &rusqlite::Row<'_>| {
        Ok(Here {
            id: row.get(0)?,
            by_number: false,
            title: row.get(1)?,
            titled_by_person: row.get::<_, String>(2)? == "user",
            went_on: row.get(5)?,
            deleted: row.get(3)?,
            updated: row.get(4)?,
        })
    };
    let columns = "SELECT id, title, titled_by, deleted_at IS NOT NULL, updated_at, \
         coalesce((SELECT source_id IS NULL FROM turns WHERE turns.id = current_turn_id), 0) FROM conversations";
    let sql = format!("{columns} WHERE user_id = ? AND source = ? AND source_id = ?");
    let values = params![user.0, imported.source, imported.source_id];
    if let Some(found) = optional(c.prepare_cached(&sql)?.query_row(values, here))? {
        return Ok(Some(found));
    }
    let Some((id, created)) = imported.written_here else {
        return Ok(None);
    };
    let sql = format!("{columns} WHERE user_id = ? AND id = ? AND created_at = ?");
    let found = optional(c.prepare_cached(&sql)?.query_row([user.0, id.0, created], here))?;
    Ok(found.map(|here| Here { by_number: true, ..here }))
}

fn add(c: &Connection, user: UserId, imported: &Imported) -> Result<Outcome> {
    let sql = "INSERT INTO conversations(user_id, title, titled_by, model, system_prompt, params, pinned, archived, \
         created_at, updated_at, deleted_at, source, source_id) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let values = params![
        user.0,
        imported.title,
        if imported.titled_by_person { "user" } else { "prompt" },
        imported.model,
        imported.system_prompt,
        serde_json::to_string(&imported.params).map_err(Error::internal)?,
        imported.pinned,
        imported.archived,
        imported.created,
        imported.updated,
        imported.deleted,
        imported.source,
        imported.source_id,
    ];
    let id = c.prepare_cached(sql)?.insert(values)?;
    let (ids, _) = add_turns(c, user, id, &imported.turns, &HashMap::new())?;
    if let Some(current) = imported.current.and_then(|at| ids.get(at)) {
        let sql = "UPDATE conversations SET current_turn_id = ? WHERE id = ?";
        c.prepare_cached(sql)?.execute([current.0, id])?;
    }
    Ok(Outcome::Added)
}

/// Turns of a known conversation by their name in the export at hand; whether each still waits for its answer, and whether
/// it was imported.
type Known = HashMap<String, (i64, bool, bool)>;

fn known(c: &Connection, user: UserId, here: &Here) -> Result<Known> {
    // Numbers of two servers must not be mixed: one that was written here is no turn of another's export.
    let name = if here.by_number { "'turn-' || id" } else { "source_id" };
    let sql = format!(
        "SELECT {name}, id, response = '' AND status <> 'streaming', source_id IS NOT NULL \
         FROM turns WHERE conversation_id = ? AND user_id = ? AND {name} IS NOT NULL"
    );
    let mut query = c.prepare_cached(&sql)?;
    let rows = query
        .query_map([here.id, user.0], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?, row.get(3)?))))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn update(c: &Connection, user: UserId, here: &Here, imported: &Imported) -> Result<Outcome> {
    let known = known(c, user, here)?;
    let (ids, changed) = add_turns(c, user, here.id, &imported.turns, &known)?;
    let newer = imported.updated >= here.updated && imported.written_here.is_none();
    let retitled = newer && !here.titled_by_person && here.title != imported.title;
    if !changed && !retitled {
        return Ok(Outcome::Known);
    }
    // Who has gone on here stays where that led.
    let current = imported.current.and_then(|at| ids.get(at)).filter(|_| changed && !here.went_on);
    let sql = "UPDATE conversations SET title = ?1, current_turn_id = coalesce(?2, current_turn_id), \
         updated_at = CASE WHEN ?3 THEN max(updated_at, ?4) ELSE updated_at END WHERE id = ?5";
    let title = if retitled { &imported.title } else { &here.title };
    let current = current.map(|turn| turn.0);
    c.prepare_cached(sql)?.execute(params![title, current, changed, imported.updated, here.id])?;
    Ok(Outcome::Updated)
}

/// Adds the turns that are not known, and their answers to those that wait for one. Gives the number of each, and whether
/// anything was new.
fn add_turns(
    c: &Connection,
    user: UserId,
    conversation: i64,
    turns: &[ImportedTurn],
    known: &Known,
) -> Result<(Vec<TurnId>, bool)> {
    let (mut ids, mut changed) = (Vec::with_capacity(turns.len()), false);
    for turn in turns {
        let id = match known.get(&turn.source_id) {
            Some((id, waits, imported)) => {
                if *waits && *imported && !turn.response.is_empty() {
                    answer(c, user, *id, turn)?;
                    changed = true;
                }
                *id
            }
            None => {
                changed = true;
                let parent = turn.parent.and_then(|at| ids.get(at)).map(|parent: &TurnId| parent.0);
                insert(c, user, conversation, parent, turn)?
            }
        };
        ids.push(TurnId(id));
    }
    Ok((ids, changed))
}

fn insert(
    c: &Connection,
    user: UserId,
    conversation: i64,
    parent: Option<i64>,
    turn: &ImportedTurn,
) -> Result<i64> {
    let sql = "INSERT INTO turns(user_id, conversation_id, parent_id, prompt, response, reasoning, system_prompt, model, \
         params, finish_reason, error, error_code, status, prompt_tokens, completion_tokens, cached_tokens, \
         reasoning_tokens, usage_source, paid_by, created_at, finished_at, source_id) \
         VALUES(?, ?, ?, ?, ?, ?, '', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let values = params![
        user.0,
        conversation,
        parent,
        turn.prompt,
        turn.response,
        turn.reasoning,
        turn.model,
        serde_json::to_string(&turn.params).map_err(Error::internal)?,
        turn.finish_reason,
        turn.fault.as_ref().map(|fault| &fault.message),
        turn.fault.as_ref().map(|fault| &fault.code),
        turn.status.as_str(),
        turn.usage.prompt,
        turn.usage.completion,
        turn.usage.cached,
        turn.usage.reasoning,
        turn.usage.source.as_str(),
        turn.paid_by.as_str(),
        turn.created,
        turn.finished,
        turn.source_id,
    ];
    let id = c.prepare_cached(sql)?.insert(values)?;
    search::index(c, user, TurnId(id), &turn.prompt, &turn.response)?;
    files::attach(c, user, TurnId(id), &turn.attachments)?;
    Ok(id)
}

/// Gives a turn that came without an answer the one that has come since.
fn answer(c: &Connection, user: UserId, id: i64, turn: &ImportedTurn) -> Result<()> {
    let sql = "UPDATE turns SET response = ?, reasoning = ?, model = ?, status = ?, finished_at = ? WHERE id = ? \
         RETURNING prompt";
    let values = params![turn.response, turn.reasoning, turn.model, turn.status.as_str(), turn.finished, id];
    let prompt: String = c.prepare_cached(sql)?.query_row(values, |row| row.get(0))?;
    c.prepare_cached("DELETE FROM search WHERE rowid = ?")?.execute([id])?;
    search::index(c, user, TurnId(id), &prompt, &turn.response)
}
