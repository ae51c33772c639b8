//! Tokens by quarter hours.

use super::Store;
use crate::calendar::Span;
use crate::error::Result;
use crate::model::{PaidBy, Usage, UsageSource, UserId};
use rusqlite::{Connection, params};

/// Seconds of a slot.
pub(super) const SLOT: i64 = 900;

/// The slots of `span`: the first, and the first behind it.
pub(super) fn slots(span: Span) -> (i64, i64) {
    (span.from.div_euclid(SLOT), span.until.div_euclid(SLOT))
}

/// What was used in one quarter hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slot {
    /// Its first second.
    pub begins: i64,
    /// What was used in it.
    pub totals: UsageTotals,
}

/// Sums of tokens and answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UsageTotals {
    /// Of prompts.
    pub prompt: i64,
    /// Of answers.
    pub completion: i64,
    /// Answers that cost something.
    pub requests: i64,
    /// Of all the tokens, those that are estimated.
    pub estimated: i64,
    /// Of all the tokens, those on the person's own key.
    pub own: i64,
}

impl UsageTotals {
    /// Prompt and completion together.
    pub fn total(&self) -> i64 {
        self.prompt.saturating_add(self.completion)
    }

    /// Adds `other` to it.
    pub fn add(&mut self, other: &UsageTotals) {
        self.prompt = self.prompt.saturating_add(other.prompt);
        self.completion = self.completion.saturating_add(other.completion);
        self.requests = self.requests.saturating_add(other.requests);
        self.estimated = self.estimated.saturating_add(other.estimated);
        self.own = self.own.saturating_add(other.own);
    }
}

/// What was used of one model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelUsage {
    /// Its name.
    pub model: String,
    /// What was used of it.
    pub totals: UsageTotals,
}

/// Counts an answer.
pub(super) fn add(
    c: &Connection,
    user: UserId,
    model: &str,
    paid_by: &str,
    usage: &Usage,
    now: i64,
) -> Result<()> {
    let estimated = if usage.source == UsageSource::Estimated { usage.total() } else { 0 };
    let sql = "INSERT INTO usage_slots(user_id, slot, paid_by, model, prompt_tokens, completion_tokens, requests, \
         estimated) VALUES(?, ?, ?, ?, ?, ?, 1, ?) ON CONFLICT(user_id, slot, paid_by, model) DO UPDATE SET \
         prompt_tokens = prompt_tokens + excluded.prompt_tokens, \
         completion_tokens = completion_tokens + excluded.completion_tokens, \
         requests = requests + 1, estimated = estimated + excluded.estimated";
    let slot = now.div_euclid(SLOT);
    c.prepare_cached(sql)?.execute(params![
        user.0,
        slot,
        paid_by,
        model,
        usage.prompt,
        usage.completion,
        estimated
    ])?;
    let sql = "UPDATE users SET tokens_total = tokens_total + ? WHERE id = ?";
    c.prepare_cached(sql)?.execute(params![usage.total(), user.0])?;
    Ok(())
}

const SUMS: &str = "sum(prompt_tokens), sum(completion_tokens), sum(requests), sum(estimated), \
     sum(CASE WHEN paid_by = 'own' THEN prompt_tokens + completion_tokens ELSE 0 END)";

fn totals(row: &rusqlite::Row<'_>, first: usize) -> rusqlite::Result<UsageTotals> {
    Ok(UsageTotals {
        prompt: row.get(first)?,
        completion: row.get(first + 1)?,
        requests: row.get(first + 2)?,
        estimated: row.get(first + 3)?,
        own: row.get(first + 4)?,
    })
}

impl Store {
    /// The slots of `span` in which something was used, ascending.
    pub fn usage_slots(&self, user: UserId, span: Span) -> Result<Vec<Slot>> {
        self.read(|c| {
            let sql = format!(
                "SELECT slot, {SUMS} FROM usage_slots WHERE user_id = ? AND slot >= ? AND slot < ? GROUP BY slot"
            );
            let mut query = c.prepare_cached(&sql)?;
            let (from, until) = slots(span);
            let rows = query.query_map([user.0, from, until], |row| {
                Ok(Slot { begins: row.get::<_, i64>(0)? * SLOT, totals: totals(row, 1)? })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// What was used of each model in `span`, most first.
    pub fn usage_by_model(&self, user: UserId, span: Span) -> Result<Vec<ModelUsage>> {
        self.read(|c| {
            let sql = format!(
                "SELECT model, {SUMS} FROM usage_slots WHERE user_id = ? AND slot >= ? AND slot < ? GROUP BY model \
                 ORDER BY sum(prompt_tokens) + sum(completion_tokens) DESC, model"
            );
            let mut query = c.prepare_cached(&sql)?;
            let (from, until) = slots(span);
            let rows = query.query_map([user.0, from, until], |row| {
                Ok(ModelUsage { model: row.get(0)?, totals: totals(row, 1)? })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Tokens that `user` used of a key in `span`.
    pub fn tokens_used(&self, user: UserId, paid_by: PaidBy, span: Span) -> Result<i64> {
        self.read(|c| {
            let sql = "SELECT coalesce(sum(prompt_tokens + completion_tokens), 0) FROM usage_slots \
                 WHERE user_id = ? AND paid_by = ? AND slot >= ? AND slot < ?";
            let (from, until) = slots(span);
            let values = params![user.0, paid_by.as_str(), from, until];
            Ok(c.prepare_cached(sql)?.query_row(values, |row| row.get(0))?)
        })
    }
}
