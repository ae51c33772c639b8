//! What is no plain text, as text that a person can read.

use super::enclosed::Enclosed;
use super::json::{self, text};
use serde_json::Value;

/// Longest piece of raw JSON that is shown.
const LONGEST_RAW: usize = 64 << 10;

/// Text as it stands, between fences that nothing in it can close.
pub fn fence(language: &str, text: &str) -> String {
    let marks = crate::text::fence(text);
    let language: String =
        language.chars().filter(|c| c.is_ascii_alphanumeric() || "+-#.".contains(*c)).collect();
    format!("{marks}{language}\n{}\n{marks}", text.trim_end_matches('\n'))
}

/// A value of an unknown kind.
pub fn unknown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => fence("json", &json::readable(other)),
    }
}

/// Content in parts: its text, and the pictures in it that are there themselves.
pub fn parts(list: &[Value]) -> (String, Vec<Enclosed>) {
    let (mut said, mut pictures) = (String::new(), Vec::new());
    for part in list {
        if part["image_url"].is_null() {
            add(&mut said, &text(&part["text"]).map_or_else(|| unknown(part), str::to_owned));
        } else {
            add(&mut said, PICTURE);
            let url = text(&part["image_url"]["url"]).unwrap_or_default();
            pictures.extend(Enclosed::inside(url, None, PICTURE.into()));
        }
    }
    (said, pictures)
}

/// A message that cannot be read at all.
pub fn raw(text: &str) -> String {
    fence("json", &text[..text.floor_char_boundary(LONGEST_RAW)])
}

/// What stands where a picture was.
pub const PICTURE: &str = "*[picture]*";

/// A file that is named, and not in the export.
pub fn named_file(name: &str) -> String {
    let name: String =
        name.chars().map(|c| if c.is_control() || "[]`*".contains(c) { ' ' } else { c }).collect();
    format!("*[{}]*", name.trim())
}

/// A file whose text is in the export.
pub fn text_file(name: &str, text: &str) -> String {
    format!("{}\n\n{}", named_file(name), fence("", text))
}

/// Adds a paragraph.
pub fn add(to: &mut String, paragraph: &str) {
    let paragraph = paragraph.trim_matches('\n');
    if !paragraph.is_empty() {
        if !to.is_empty() {
            to.push_str("\n\n");
        }
        to.push_str(paragraph);
    }
}

/// Takes thoughts that stand in tags at the beginning of an answer out of it: the thoughts, and the answer.
pub fn lift_thoughts(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    let tags = [("<think>", "</think>"), ("<thinking>", "</thinking>"), (":::thinking", ":::")];
    let (rest, end) = tags.iter().find_map(|(begin, end)| Some((text.strip_prefix(begin)?, end)))?;
    let (thoughts, answer) = rest.split_once(end)?;
    Some((thoughts.trim(), answer.trim_start()))
}

/// The text without the marks that ChatGPT sets for its sources, which mean nothing outside of it.
pub fn without_marks(text: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, after)) = rest.split_once('\u{E200}') {
        out.push_str(before);
        let Some((_, after)) = after.split_once('\u{E201}') else {
            // No mark is closed any more.
            out.extend(after.chars().filter(|c| *c != '\u{E200}'));
            return out;
        };
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_fence_holds_whatever_is_in_it() {
        assert_eq!(fence("py\n<", "a\n"), "```py\na\n```");
        assert_eq!(fence("", "a ```` b"), "`````\na ```` b\n`````");
        assert_eq!(unknown(&json!({"a": 1})), "```json\n{\n  \"a\": 1\n}\n```");
        assert!(raw(&"é".repeat(LONGEST_RAW)).len() < LONGEST_RAW + 20);
    }

    #[test]
    fn i17_a_value_is_not_made_much_more_of_than_it_is() {
        let deep = format!("{}{}0{}", "[".repeat(100), "0,".repeat(10_000), "]".repeat(100));
        let value: Value = serde_json::from_str(&deep).unwrap();
        assert!(unknown(&value).len() < 5 * deep.len());
        assert!(unknown(&value).contains("[[[["));
    }

    #[test]
    fn thoughts_are_lifted_from_the_beginning_alone() {
        assert_eq!(lift_thoughts(" <think>\nplan\n</think>\n\nDone"), Some(("plan", "Done")));
        assert_eq!(lift_thoughts("Write <think>x</think>"), None);
        assert_eq!(lift_thoughts("<think>never closed"), None);
        assert_eq!(without_marks("a\u{E200}cite\u{E202}turn1\u{E201}b\u{E200}c\u{E200}"), "abc");
        assert_eq!(without_marks(&"\u{E200}".repeat(1 << 20)), "");
    }
}
