//! Finds what one wrote or got, and shows where the words stand.

use crate::app::App;
use crate::error::{Error, Result};
use crate::model::{ConversationId, Turn, TurnId, UserId};
use crate::store::MOST_WORDS;
use crate::text::{beginning, folded, without_markdown};
use unicode_segmentation::UnicodeSegmentation;

const LONGEST_QUERY: usize = 1000;
/// Of a snippet, in grapheme clusters: before the first word that was found, and in all.
const BEFORE: usize = 30;
const SNIPPET: usize = 160;
/// Of a text, in bytes, that is looked through for the words; where they stand behind it, its beginning is shown.
const LOOKED_THROUGH: usize = 256 << 10;

/// Which of a turn's two texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// What the person wrote.
    Prompt,
    /// What the model answered.
    Response,
}

/// A place that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The turn.
    pub turn: TurnId,
    /// Its conversation.
    pub conversation: ConversationId,
    /// Its conversation's title.
    pub title: String,
    /// Where in the turn.
    pub field: Field,
    /// The words with what is around them, on one line.
    pub snippet: String,
    /// Where the words are in the snippet: ranges of UTF-16 units, as JavaScript counts.
    pub marks: Vec<[usize; 2]>,
    /// When the turn was made.
    pub created: i64,
}

/// What was found, newest first, and whether there is more.
pub fn search(
    app: &App,
    user: UserId,
    query: &str,
    before: Option<TurnId>,
    limit: usize,
) -> Result<(Vec<Hit>, bool)> {
    if query.chars().count() > LONGEST_QUERY {
        return Err(Error::field("q", "The query is too long."));
    }
    let (found, more) = app.store.search(user, query, before, limit)?;
    let words = words(query);
    let mut hits = Vec::with_capacity(found.len());
    // Never two of them in memory: an import may bring turns of megabytes.
    for (id, title) in found {
        match app.store.turn(user, id) {
            Ok(turn) => hits.push(hit(&turn, title, &words)),
            // It was deleted a moment ago.
            Err(Error::NotFound) => {}
            Err(error) => return Err(error),
        }
    }
    Ok((hits, more))
}

fn hit(turn: &Turn, title: String, words: &[String]) -> Hit {
    let (field, text, at) = match (first(&turn.prompt, words), first(&turn.response, words)) {
        (Some(at), _) => (Field::Prompt, &turn.prompt, at),
        (None, Some(at)) => (Field::Response, &turn.response, at),
        (None, None) => (Field::Prompt, &turn.prompt, 0),
    };
    let (snippet, marks) = snippet(text, at, words, field);
    Hit {
        turn: turn.id,
        conversation: turn.conversation,
        title,
        field,
        snippet,
        marks,
        created: turn.created,
    }
}

/// What is looked for, folded.
fn words(query: &str) -> Vec<String> {
    query
        .split_whitespace()
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()).chars().flat_map(folded).collect())
        .filter(|word: &String| !word.is_empty())
        .take(MOST_WORDS)
        .collect()
}

/// Ranges of bytes in `text` at which one of `words` stands, in order, without overlaps.
fn places(text: &str, words: &[String]) -> Vec<(usize, usize)> {
    // What is folded may be longer or shorter than what it is made of, so each character remembers where it came from.
    let (mut lower, mut origin) = (String::with_capacity(text.len()), Vec::with_capacity(text.len() + 1));
    for (at, c) in text.char_indices() {
        for small in folded(c) {
            lower.push(small);
            origin.extend(std::iter::repeat_n(at, small.len_utf8()));
        }
    }
    origin.push(text.len());
    // Marks that follow a letter are folded away, and belong to it: the next letter's place is the end.
    let mut found: Vec<(usize, usize)> = words
        .iter()
        .flat_map(|word| {
            lower.match_indices(word.as_str()).map(|(at, word)| (origin[at], origin[at + word.len()]))
        })
        .filter(|(from, until)| from < until)
        .collect();
    found.sort_unstable();
    let mut last = 0;
    found.retain(|(from, until)| {
        let apart = *from >= last;
        if apart {
            last = *until;
        }
        apart
    });
    found
}

fn first(text: &str, words: &[String]) -> Option<usize> {
    let text = &text[..text.floor_char_boundary(LOOKED_THROUGH)];
    places(text, words).first().map(|(from, _)| *from)
}

/// The part of `text` around `at`, on one line, with the words in it marked. An answer is Markdown, of which the words are shown.
fn snippet(text: &str, at: usize, words: &[String], field: Field) -> (String, Vec<[usize; 2]>) {
    let from = text[..at].grapheme_indices(true).rev().nth(BEFORE).map_or(0, |(i, g)| i + g.len());
    let part = beginning(&text[from..], SNIPPET);
    let plain = (field == Field::Response).then(|| without_markdown(part));
    // What was found may be part of the signs: of the address of a link, say.
    let plain = plain.filter(|plain| first(plain, words).is_some());
    let line: Vec<&str> = plain.as_deref().unwrap_or(part).split_whitespace().collect();
    let [before, after] =
        [from > 0, from + part.len() < text.len()].map(|is_cut| if is_cut { "…" } else { "" });
    let shown = format!("{before}{}{after}", line.join(" "));
    let units = |until: usize| shown[..until].encode_utf16().count();
    let marks = places(&shown, words).into_iter().map(|(from, until)| [units(from), units(until)]).collect();
    (shown, marks)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(text: &str, query: &str) -> Vec<String> {
        let words = words(query);
        let (shown, marks) = snippet(text, first(text, &words).unwrap_or(0), &words, Field::Prompt);
        let units: Vec<u16> = shown.encode_utf16().collect();
        marks.iter().map(|[from, until]| String::from_utf16(&units[*from..*until]).unwrap()).collect()
    }

    #[test]
    fn marks_stand_on_the_words() {
        assert_eq!(marked("会话里的记忆断裂问题", "断裂 记忆"), ["记忆", "断裂"]);
        assert_eq!(marked("小化妆包 Ipad 包", "ipad"), ["Ipad"]);
        assert_eq!(marked("🌍 İstanbul and ISTANBUL", "istanbul"), ["İstanbul", "ISTANBUL"]);
        assert_eq!(marked("a\n\n  b", "a b"), ["a", "b"]);
        assert_eq!(marked("un café, CAFE\u{301}S", "cafe"), ["café", "CAFE\u{301}"]);
        assert_eq!(marked("tiếng Việt 각", "Viet tieng 가"), ["tiếng", "Việt"]);
        assert!(marked("nothing", "zzz").is_empty());
    }

    #[test]
    fn c19_a_snippet_is_short_whatever_an_answer_is_made_of() {
        let words = words("word");
        for hostile in ["\u{301}", "[", "*", "](", "> ", "\\", "\u{1F1E6}", "👩\u{200D}"] {
            let text = format!("word {}", hostile.repeat(1_000_000));
            let (shown, _) = snippet(&text, first(&text, &words).unwrap(), &words, Field::Response);
            assert!(shown.starts_with("word") && shown.len() < 6000, "{hostile:?}: {} bytes", shown.len());
        }
    }

    #[test]
    fn a_snippet_is_cut_around_the_first_word() {
        let text = format!("{}needle{}", "x ".repeat(200), " y".repeat(200));
        let words = words("needle");
        let (shown, marks) = snippet(&text, first(&text, &words).unwrap(), &words, Field::Prompt);
        assert!(shown.starts_with('…') && shown.ends_with('…') && shown.chars().count() <= SNIPPET + 2);
        assert_eq!(marks.len(), 1);
    }

    #[test]
    fn an_answer_is_shown_without_its_signs_and_what_was_found_is_marked() {
        let text = "## Plan\n\n- **Feed** the `cat`, see [it](https://example.com/whiskers)\n";
        let show = |query: &str, field| {
            let words = words(query);
            snippet(text, first(text, &words).unwrap(), &words, field)
        };
        assert_eq!(
            show("feed cat", Field::Response),
            ("Plan Feed the cat, see it".to_owned(), vec![[5, 9], [14, 17]])
        );
        assert!(
            show("feed", Field::Prompt).0.contains("- **Feed** the `cat`"),
            "what a person wrote stands as it was typed"
        );
        let (shown, marks) = show("whiskers", Field::Response);
        assert!(shown.contains("whiskers") && marks.len() == 1, "{shown}");
    }
}
