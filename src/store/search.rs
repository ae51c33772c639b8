//! Full text, in SQLite's FTS5. Each word of the index begins with its owner (`u42x`), so that a search, one for the
//! beginning of a word too, goes through that person's words alone: what others wrote is never touched, and never felt
//! in the time. Every Chinese character is a word of its own, and a word of the query is a phrase.

use super::Store;
use crate::error::Result;
use crate::model::{TurnId, UserId};
use crate::text::{folded, is_cjk, is_mark};
use rusqlite::{Connection, params};

/// Longest query that is looked at, in words; what comes after them narrows nothing.
pub const MOST_WORDS: usize = 32;
/// Of a word's beginning, in characters: a shorter one would go through much of the index.
const SHORTEST_BEGINNING: usize = 3;

/// Adds a turn's words.
pub(super) fn index(c: &Connection, user: UserId, turn: TurnId, prompt: &str, response: &str) -> Result<()> {
    let mut text = String::with_capacity((prompt.len() + response.len()) * 2);
    add_words(&mut text, user, prompt);
    add_words(&mut text, user, response);
    let sql = "INSERT INTO search(rowid, text) VALUES(?, ?)";
    c.prepare_cached(sql)?.execute(params![turn.0, text])?;
    Ok(())
}

/// Adds the words of `text` as they are indexed, each after a blank. Where words begin and which are the same is said
/// here alone, not by the tables of SQLite's tokenizers: nothing can begin that does not begin with its owner.
fn add_words(out: &mut String, user: UserId, text: &str) {
    let owner = format!(" u{}x", user.0);
    let mut inside = false;
    for c in text.chars().filter(|c| !is_mark(*c)) {
        let (word, alone) = (c.is_alphanumeric(), is_cjk(c));
        if word && (alone || !inside) {
            out.push_str(&owner);
        }
        if word {
            out.extend(folded(c));
        }
        inside = word && !alone;
    }
}

/// How the last word of a query is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Last {
    /// It is the whole word.
    Whole,
    /// A word may go on after it.
    Begun,
}

/// The FTS5 expression for all of `words` in what `user` wrote or got; `None` where there is no word in it.
pub(super) fn expression(user: UserId, words: &str, last: Last) -> Option<String> {
    let mut phrases: Vec<String> = words
        .split(|c: char| c.is_whitespace() || c == '\0')
        .filter(|word| word.chars().any(char::is_alphanumeric))
        .take(MOST_WORDS)
        .map(|word| {
            let mut phrase = String::new();
            add_words(&mut phrase, user, word);
            format!("\"{}\"", phrase.trim_start())
        })
        .collect();
    let open = |c: char| c.is_alphanumeric() && !is_cjk(c);
    let length = words.trim_end_matches(|c: char| c.is_whitespace()).chars().rev().take_while(|c| open(*c));
    if last == Last::Begun && length.count() >= SHORTEST_BEGINNING {
        phrases.last_mut()?.push('*');
    }
    (!phrases.is_empty()).then(|| phrases.join(" AND "))
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
        let (Some(whole), Some(begun)) =
            (expression(user, words, Last::Whole), expression(user, words, Last::Begun))
        else {
            return Ok((Vec::new(), false));
        };
        self.read(|c| {
            let sql = "SELECT turns.id, conversations.title FROM search \
                 JOIN turns ON turns.id = search.rowid AND turns.user_id = ?2 \
                 JOIN conversations ON conversations.id = turns.conversation_id AND conversations.deleted_at IS NULL \
                 WHERE search MATCH ?1 AND search.rowid < ?3 ORDER BY search.rowid DESC LIMIT ?4";
            let below = before.map_or(i64::MAX, |turn| turn.0);
            let mut query = c.prepare_cached(sql)?;
            let mut look = |expression: &str| {
                let rows = query.query_map(params![expression, user.0, below, limit + 1], |row| {
                    Ok((TurnId(row.get(0)?), row.get(1)?))
                })?;
                rows.collect::<rusqlite::Result<Vec<_>>>()
            };
            // FTS5 puts all places of a word's beginning together before it gives the first. So words that go on are
            // looked for only where the whole word does not fill the page.
            let mut hits = look(&whole)?;
            if hits.len() <= limit && begun != whole {
                hits = look(&begun)?;
            }
            let more = hits.len() > limit;
            hits.truncate(limit);
            Ok((hits, more))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn memory() -> Connection {
        let c = Connection::open_in_memory().unwrap();
        let schema = include_str!("../../schema.sql");
        let at = schema.find("CREATE VIRTUAL TABLE search").unwrap();
        c.execute_batch(&schema[at..]).unwrap();
        c
    }

    proptest! {
        /// Whatever somebody writes, no word of theirs is found among another person's.
        #[test]
        fn every_word_begins_with_its_owner(text in any::<String>()) {
            let c = memory();
            index(&c, UserId(7), TurnId(1), &text, "a").unwrap();
            c.execute_batch("CREATE VIRTUAL TABLE terms USING fts5vocab(search, row)").unwrap();
            let strange: Vec<String> = {
                let mut query = c.prepare("SELECT term FROM terms WHERE term NOT LIKE 'u7x%'").unwrap();
                query.query_map([], |row| row.get(0)).unwrap().collect::<rusqlite::Result<_>>().unwrap()
            };
            prop_assert_eq!(strange, Vec::<String>::new());
        }
    }

    #[test]
    fn any_text_is_a_valid_expression() {
        let c = memory();
        index(&c, UserId(1), TurnId(1), "会话里的记忆断裂问题 in SQLite", "say \"hello\" AND go").unwrap();
        index(&c, UserId(2), TurnId(2), "会话里的记忆断裂问题 in SQLite", "").unwrap();
        let hits = |words: &str| -> Option<i64> {
            let expression = expression(UserId(1), words, Last::Begun)?;
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
            ("sq", Some(0)),
            ("in-sqli", Some(1)),
            ("qlite", Some(0)),
            ("\"hello\"", Some(1)),
            ("and", Some(1)),
            ("NOT go", Some(0)),
            ("u2", Some(0)),
            ("u2xhello", Some(0)),
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
