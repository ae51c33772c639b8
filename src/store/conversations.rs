//! Conversations: listed, changed, put in the trash and purged. Their turns are in `turns`.

use super::{Store, files, optional, pages, search, turns};
use crate::error::{Error, Result};
use crate::model::{ConversationId, Params, ROW, Turn, TurnId, UserId};
use rusqlite::{Connection, Row, params};

/// A conversation as it is kept, without its turns.
#[derive(Clone, Debug, PartialEq)]
pub struct Conversation {
    /// Its number.
    pub id: ConversationId,
    /// One line.
    pub title: String,
    /// Its person gave it that title.
    pub titled_by_person: bool,
    /// For its next turns.
    pub model: Option<String>,
    /// For its next turns.
    pub system_prompt: Option<String>,
    /// For its next turns.
    pub params: Params,
    /// Where a message goes that names no parent.
    pub current: Option<TurnId>,
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
}

/// What to list.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// At most so many.
    pub limit: usize,
    /// What comes after this one: pinned, time of change, number.
    pub before: Option<(bool, i64, i64)>,
    /// The archived ones instead of the others.
    pub archived: bool,
    /// Those in the trash instead.
    pub trash: bool,
    /// Only those with these words in the title or in a turn.
    pub words: Option<String>,
}

/// What the person may change; `None` leaves it, `Some(None)` empties it.
#[derive(Clone, Debug, Default)]
pub struct ConversationChange {
    /// A title given by the person.
    pub title: Option<String>,
    /// For its next turns.
    pub model: Option<Option<String>>,
    /// For its next turns.
    pub system_prompt: Option<Option<String>>,
    /// For its next turns.
    pub params: Option<Params>,
    /// Keep it on top.
    pub pinned: Option<bool>,
    /// Take it out of the list.
    pub archived: Option<bool>,
    /// Where the next message goes.
    pub current: Option<TurnId>,
}

const COLUMNS: &str = "id, title, model, system_prompt, params, current_turn_id, pinned, archived, created_at, \
     updated_at, deleted_at, titled_by";

fn conversation(row: &Row<'_>) -> rusqlite::Result<Conversation> {
    let params: String = row.get(4)?;
    Ok(Conversation {
        id: ConversationId(row.get(0)?),
        title: row.get(1)?,
        model: row.get(2)?,
        system_prompt: row.get(3)?,
        params: serde_json::from_str(&params).unwrap_or_default(),
        current: row.get::<_, Option<i64>>(5)?.map(TurnId),
        pinned: row.get(6)?,
        archived: row.get(7)?,
        created: row.get(8)?,
        updated: row.get(9)?,
        deleted: row.get(10)?,
        titled_by_person: row.get::<_, String>(11)? == "user",
    })
}

pub(super) fn get(c: &Connection, user: UserId, id: ConversationId) -> Result<Conversation> {
    let sql = format!("SELECT {COLUMNS} FROM conversations WHERE id = ? AND user_id = ?");
    optional(c.prepare_cached(&sql)?.query_row([id.0, user.0], conversation))?.ok_or(Error::NotFound)
}

/// Makes an empty conversation.
pub(super) fn insert(
    c: &Connection,
    user: UserId,
    title: &str,
    model: Option<&str>,
    now: i64,
) -> Result<ConversationId> {
    let sql = "INSERT INTO conversations(user_id, title, titled_by, model, created_at, updated_at) \
         VALUES(?1, ?2, 'prompt', ?3, ?4, ?4)";
    Ok(ConversationId(c.prepare_cached(sql)?.insert(params![user.0, title, model, now])?))
}

fn purge(c: &Connection, id: ConversationId) -> Result<()> {
    turns::forget(c, "conversation_id = ?1", id.0)?;
    c.execute("DELETE FROM conversations WHERE id = ?", [id.0])?;
    Ok(())
}

impl Store {
    /// The conversation, in the trash or not.
    pub fn conversation(&self, user: UserId, id: ConversationId) -> Result<Conversation> {
        self.read(|c| get(c, user, id))
    }

    /// The newest `limit` turns of a conversation below `before`, or as many as a page holds, ascending, and whether there
    /// are older ones.
    pub fn conversation_turns(
        &self,
        user: UserId,
        id: ConversationId,
        before: Option<TurnId>,
        limit: usize,
    ) -> Result<(Vec<Turn>, bool)> {
        self.read(|c| {
            let below = before.map_or(i64::MAX, |turn| turn.0);
            let condition = "conversation_id = ?1 AND user_id = ?2 AND id < ?3 ORDER BY id DESC LIMIT ?4";
            let values = params![id.0, user.0, below, limit + 1];
            let (mut found, more) = pages::of_turns(c, condition, values, limit)?;
            found.reverse();
            files::fill(c, &mut found)?;
            Ok((found, more))
        })
    }

    /// All turns of a conversation, ascending: for exports.
    pub fn all_turns(&self, user: UserId, id: ConversationId) -> Result<Vec<Turn>> {
        self.read(|c| {
            let condition = "conversation_id = ?1 AND user_id = ?2 ORDER BY id";
            let mut found = turns::select(c, condition, params![id.0, user.0])?;
            files::fill(c, &mut found)?;
            Ok(found)
        })
    }

    /// Bytes of all that was said in the user's conversations, system prompts included, and what each turn and conversation
    /// takes besides. Reads no text, but a page of every turn.
    pub fn text_of(&self, user: UserId) -> Result<u64> {
        self.read(|c| {
            let sql = "SELECT coalesce(sum(octet_length(prompt) + octet_length(response) + octet_length(reasoning) \
                 + octet_length(system_prompt) + ?2), 0) + (SELECT coalesce(sum(octet_length(title) \
                 + coalesce(octet_length(system_prompt), 0) + ?2), 0) FROM conversations WHERE user_id = ?1) \
                 FROM turns WHERE user_id = ?1";
            Ok(c.query_row(sql, params![user.0, ROW], |row| row.get(0))?)
        })
    }

    /// Pinned first, then newest change first; and whether there are more.
    pub fn conversations(&self, user: UserId, listing: &Listing) -> Result<(Vec<Conversation>, bool)> {
        self.read(|c| {
            let (pinned, updated, id) = listing.before.unwrap_or((true, i64::MAX, i64::MAX));
            let words = listing.words.as_deref().and_then(|words| search::expression(user, words, search::Last::Begun));
            let like = listing.words.as_deref().map(search::like_pattern);
            let sql = format!(
                "SELECT {COLUMNS} FROM conversations \
                 WHERE user_id = ?1 AND (deleted_at IS NOT NULL) = ?2 AND (?2 OR archived = ?3) \
                 AND (pinned, updated_at, id) < (?4, ?5, ?6) \
                 AND (?7 IS NULL OR title LIKE ?7 ESCAPE '\\' OR (?8 IS NOT NULL AND id IN \
                    (SELECT conversation_id FROM turns WHERE id IN (SELECT rowid FROM search WHERE search MATCH ?8)))) \
                 ORDER BY pinned DESC, updated_at DESC, id DESC LIMIT ?9"
            );
            let values = params![
                user.0,
                listing.trash,
                listing.archived,
                pinned,
                updated,
                id,
                like,
                words,
                listing.limit + 1
            ];
            let mut query = c.prepare_cached(&sql)?;
            let rows = query.query_map(values, conversation)?;
            let size = |found: &Conversation| found.system_prompt.as_ref().map_or(0, String::len);
            pages::of(rows, listing.limit, size)
        })
    }

    /// Makes an empty conversation with a title given by the person, if any.
    pub fn create_conversation(
        &self,
        user: UserId,
        change: ConversationChange,
        now: i64,
    ) -> Result<Conversation> {
        self.writer.run(move |c| {
            let id = insert(c, user, "", None, now)?;
            change_row(c, user, id, &change)?;
            get(c, user, id)
        })
    }

    /// Changes a conversation. A new title counts as the person's own from then on.
    pub fn change_conversation(
        &self,
        user: UserId,
        id: ConversationId,
        change: ConversationChange,
    ) -> Result<Conversation> {
        self.writer.run(move |c| {
            change_row(c, user, id, &change)?;
            get(c, user, id)
        })
    }

    /// Puts it in the trash (`Some` time) or takes it out.
    pub fn trash_conversation(&self, user: UserId, id: ConversationId, since: Option<i64>) -> Result<()> {
        self.writer.run(move |c| {
            let sql = "UPDATE conversations SET deleted_at = ? WHERE id = ? AND user_id = ?";
            match c.execute(sql, params![since, id.0, user.0])? {
                1 => Ok(()),
                _ => Err(Error::NotFound),
            }
        })
    }

    /// Deletes it for good, with its turns.
    pub fn purge_conversation(&self, user: UserId, id: ConversationId) -> Result<()> {
        self.writer.run(move |c| {
            get(c, user, id)?;
            purge(c, id)
        })
    }

    /// Deletes for good what has been in the trash since before `time`; at most a few at once. True: there is more.
    pub fn purge_trash(&self, time: i64) -> Result<bool> {
        const AT_ONCE: usize = 20;
        self.writer.run(move |c| {
            let mut old = c.prepare_cached("SELECT id FROM conversations WHERE deleted_at < ? LIMIT ?")?;
            let ids = old.query_map(params![time, AT_ONCE], |row| row.get(0).map(ConversationId))?;
            let ids = ids.collect::<rusqlite::Result<Vec<_>>>()?;
            ids.iter().try_for_each(|id| purge(c, *id))?;
            Ok(ids.len() == AT_ONCE)
        })
    }
}

fn change_row(c: &Connection, user: UserId, id: ConversationId, change: &ConversationChange) -> Result<()> {
    let now = get(c, user, id)?;
    if let Some(turn) = change.current {
        let sql = "SELECT 1 FROM turns WHERE id = ? AND conversation_id = ? AND user_id = ?";
        optional(c.query_row(sql, [turn.0, id.0, user.0], |_| Ok(())))?.ok_or(Error::NotFound)?;
    }
    let sql = "UPDATE conversations SET title = ?1, titled_by = CASE WHEN ?2 THEN 'user' ELSE titled_by END, \
         model = ?3, system_prompt = ?4, params = ?5, pinned = ?6, archived = ?7, current_turn_id = ?8 WHERE id = ?9";
    let wanted = change.params.as_ref().unwrap_or(&now.params);
    let values = params![
        change.title.as_ref().unwrap_or(&now.title),
        change.title.is_some(),
        change.model.as_ref().unwrap_or(&now.model),
        change.system_prompt.as_ref().unwrap_or(&now.system_prompt),
        serde_json::to_string(wanted).map_err(Error::internal)?,
        change.pinned.unwrap_or(now.pinned),
        change.archived.unwrap_or(now.archived),
        change.current.or(now.current).map(|turn| turn.0),
        id.0,
    ];
    c.execute(sql, values)?;
    Ok(())
}
