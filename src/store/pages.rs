//! Pages of lists: so many rows, or as many as so much text holds.

use super::turns::{COLUMNS, turn};
use crate::error::Result;
use crate::model::Turn;
use rusqlite::{Connection, ToSql};

/// Text on one page of a list, in bytes: a page is in memory whole, and an import may bring turns of megabytes.
const PAGE: usize = 4 << 20;

/// Of the turns that a condition of ours selects the first `limit` (at least 1), or as many as a page holds, and whether
/// there are more.
pub(super) fn of_turns(
    c: &Connection,
    condition: &str,
    values: &[&dyn ToSql],
    limit: usize,
) -> Result<(Vec<Turn>, bool)> {
    let mut query = c.prepare_cached(&format!("SELECT {COLUMNS} FROM turns WHERE {condition}"))?;
    let rows = query.query_map(values, turn)?;
    of(rows, limit, |turn| turn.prompt.len() + turn.response.len() + turn.reasoning.len())
}

/// The same of rows of any kind, by the bytes of their texts.
pub(super) fn of<T>(
    rows: impl Iterator<Item = rusqlite::Result<T>>,
    limit: usize,
    size: impl Fn(&T) -> usize,
) -> Result<(Vec<T>, bool)> {
    let (mut found, mut bytes) = (Vec::new(), 0);
    for row in rows {
        let row = row?;
        bytes += size(&row);
        if found.len() == limit || (bytes > PAGE && !found.is_empty()) {
            return Ok((found, true));
        }
        found.push(row);
    }
    Ok((found, false))
}
