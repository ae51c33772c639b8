//! Full text, in SQLite's FTS5. Its tokenizer takes a run of Chinese for one word, so every such character is
//! set apart by blanks when it is indexed and when it is looked for, and a word of the query is a phrase. Who
//! wrote it is a word of the index as well: what others wrote is never touched, and never felt in the time.

use super::Store;
use crate::error::Result;
use crate::model::{TurnId, UserId};
use crate::text::is_cjk;
use rusqlite::{Connection, params};
use std::borrow::Cow;

/// Longest query that is looked at, in words; what comes after them narrows nothing.
pub const MOST_WORDS: usize = 32;

/// Adds a turn's words.
pub(super) fn index(c: &Connection, user: UserId, turn: TurnId, prompt: &str, response: &str) -> Result<()> {
    let text = format!("{}\n{}", spaced(prompt), spaced(response));
    let sql = "INSERT INTO search(rowid, owner, text) VALUES(?, ?, ?)";
    c.prepare_cached(sql)?.execute(params![turn.0, owner(user), text])?;
    Ok(())
}

/// The FTS5 expression for all of `words` in what `user` wrote or got; `None` where there is no word in it.
pub(super) fn expression(user: UserId, words: &str) -> Option<String> {
    let words: Vec<&str> = words
        .split(|c: char| c.is_whitespace() || c == '\0')
        .filter(|word| word.chars().any(char::is_alphanumeric))
        .take(MOST_WORDS)
        .collect();
    let last = words.len().checked_sub(1)?;
    let phrases: Vec<String> = words
        .iter()
        .enumerate()
        .map(|(i, word)| {
            let begun =
                i == last && word.chars().next_back().is_some_and(|c| c.is_alphanumeric() && !is_cjk(c));
            format!("\"{}\"{}", spaced(word).replace('"', "\"\""), if begun { "*" } else { "" })
        })
        .collect();
    Some(format!("owner : \"{}\" AND text : ({})", owner(user), phrases.join(" AND ")))
}

/// A LIKE pattern for text that contains `words` as they stand.
pub(super) fn like_pattern(words: &str) -> String {
    let mut pattern = String::from("%");
    for c in words.trim().chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

fn owner(user: UserId) -> String {
    format!("u{}", user.0)
}

fn spaced(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + text.len() / 2);
    for c in text.chars() {
        if is_cjk(c) {
            out.extend([' ', c, ' ']);
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

impl Store {
    /// Numbers of turns with all of `words`, newest first, each with its conversation's title; and whether there are more.
    /// What is in the trash is not found.
    pub fn search(
        &self,
        user: UserId,
        words: &str,
        before: Option<TurnId>,
        limit: usize,
    ) -> Result<(Vec<(TurnId, String)>, bool)> {
        let Some(expression) = expression(user, words) else {
            return Ok((Vec::new(), false));
        };
        self.read(|c| {
            let sql = "SELECT turns.id, conversations.title FROM search \
                 JOIN turns ON turns.id = search.rowid AND turns.user_id = ?2 \
                 JOIN conversations ON conversations.id = turns.conversation_id AND conversations.deleted_at IS NULL \
                 WHERE search MATCH ?1 AND search.rowid < ?3 ORDER BY search.rowid DESC LIMIT ?4";
            let below = before.map_or(i64::MAX, |turn| turn.0);
            let mut query = c.prepare_cached(sql)?;
            let rows = query.query_map(params![expression, user.0, below, limit + 1], |row| {
                Ok((TurnId(row.get(0)?), row.get(1)?))
            })?;
            let mut hits = rows.collect::<rusqlite::Result<Vec<_>>>()?;
            let more = hits.len() > limit;
            hits.truncate(limit);
            Ok((hits, more))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_is_a_valid_expression() {
        let c = Connection::open_in_memory().unwrap();
        c.execute_batch(
            "CREATE VIRTUAL TABLE search USING fts5(owner, text, content='', contentless_delete=1, tokenize='unicode61')",
        )
        .unwrap();
        index(&c, UserId(1), TurnId(1), "会话里的记忆断裂问题 in SQLite", "say \"hello\" AND go").unwrap();
        index(&c, UserId(2), TurnId(2), "会话里的记忆断裂问题 in SQLite", "").unwrap();
        let hits = |words: &str| -> Option<i64> {
            let expression = expression(UserId(1), words)?;
            let count = "SELECT count(*) FROM search WHERE search MATCH ?";
            Some(
                c.query_row(count, [&expression], |r| r.get(0))
                    .unwrap_or_else(|e| panic!("{expression}: {e}")),
            )
        };
        for (words, want) in [
            ("记忆断裂", Some(1)),
            ("裂", Some(1)),
            ("断裂 记忆", Some(1)),
            ("忆记", Some(0)),
            ("sqli", Some(1)),
            ("qlite", Some(0)),
            ("\"hello\"", Some(1)),
            ("and", Some(1)),
            ("NOT go", Some(0)),
            ("u2", Some(0)),
            ("owner:u2", Some(0)),
            ("a\" OR owner : \"u2", Some(0)),
            (")(*^:-{}", None),
            ("  ", None),
            ("\0", None),
            ("***", None),
        ] {
            assert_eq!(hits(words), want, "{words}");
        }
    }
}
