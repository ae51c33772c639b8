//! JSON of strangers, read leniently: a value that is not what it should be is as good as none, and nothing can be so
//! large or so deep that it costs more than its own text.

use crate::calendar;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// Entries of one object or list. A message has dozens, a conversation some thousand.
const MOST_ENTRIES: usize = 100_000;
/// Values in one message: each takes some 50 bytes of memory, however short its text.
const MOST_VALUES: usize = 200_000;

/// Longest value that is written on lines of its own: a line for a digit deep in brackets takes a hundred times its room.
const LONGEST_PRETTY: usize = 64 << 10;

/// The entries of an object, their values unread.
pub struct Object<'a>(pub Vec<(Cow<'a, str>, &'a RawValue)>);

/// The elements of a list, unread.
struct List<'a>(Vec<&'a RawValue>);

impl<'a> Object<'a> {
    /// Reads `text`, one object.
    pub fn parse(text: &'a str) -> serde_json::Result<Object<'a>> {
        serde_json::from_str(text)
    }

    /// Whether it has that key, with a value.
    pub fn has(&self, key: &str) -> bool {
        self.raw(key).is_some_and(|raw| raw != "null")
    }

    /// The text of a value.
    pub fn raw(&self, key: &str) -> Option<&'a str> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value.get())
    }

    /// A value; null when there is none that can be read.
    pub fn value(&self, key: &str) -> Value {
        self.raw(key).and_then(value).unwrap_or_default()
    }

    /// The first of these keys that has text.
    pub fn text(&self, keys: &[&str]) -> Option<String> {
        keys.iter().find_map(|key| text(&self.value(key)).map(str::to_owned))
    }

    /// The first of these keys that has a time.
    pub fn time(&self, keys: &[&str]) -> Option<i64> {
        keys.iter().find_map(|key| time(&self.value(key)))
    }

    /// Whether it says yes.
    pub fn flag(&self, key: &str) -> bool {
        self.value(key).as_bool() == Some(true)
    }
}

/// The texts of the elements of a list; none where there is no list.
pub fn elements(text: &str) -> Vec<&str> {
    let list = serde_json::from_str::<List<'_>>(text);
    list.map_or_else(|_| Vec::new(), |list| list.0.into_iter().map(RawValue::get).collect())
}

/// Reads a value whole, where that takes a bounded amount of memory.
pub fn value(text: &str) -> Option<Value> {
    if count_values(text) > MOST_VALUES {
        return None;
    }
    serde_json::from_str(text).or_else(|_| serde_json::from_str(&mended(text))).ok()
}

/// Text that is not empty; also a number, which some use for ids.
pub fn text(value: &Value) -> Option<&str> {
    value.as_str().filter(|text| !text.is_empty())
}

/// An id: text or a number.
pub fn id(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => Some(number.to_string()),
        other => text(other).map(str::to_owned),
    }
}

/// Unix seconds of a time in any of the forms that exports have: seconds, also with a fraction, milliseconds and finer, a
/// number in quotes, ISO 8601. Times before 1970 and after 9999 are none.
pub fn time(value: &Value) -> Option<i64> {
    let number = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => match text.trim().parse::<f64>() {
            Ok(number) => number,
            Err(_) => return calendar::instant(text.trim()).filter(|seconds| *seconds > 0),
        },
        _ => return None,
    };
    // Seconds reach 1e11 in the year 5138; milliseconds did so in 1973.
    let seconds = match number {
        n if !n.is_finite() || n <= 0.0 => return None,
        n if n < 1e11 => n,
        n if n < 1e14 => n / 1e3,
        n if n < 1e17 => n / 1e6,
        n => n / 1e9,
    };
    Some(seconds as i64).filter(|seconds| (1..=253_402_300_799).contains(seconds))
}

/// A value as a person can read it: on lines of its own where that does not make much more of it than it is.
pub fn readable(value: &Value) -> String {
    let plain = serde_json::to_string(value).unwrap_or_default();
    if plain.len() > LONGEST_PRETTY {
        return plain;
    }
    let pretty = serde_json::to_string_pretty(value).unwrap_or_default();
    if pretty.len() <= 4 * plain.len() { pretty } else { plain }
}

fn count_values(text: &str) -> usize {
    let (mut count, mut in_string, mut escaped) = (1, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => in_string = !in_string,
            b',' | b'[' | b'{' if !in_string => count += 1,
            _ => {}
        }
    }
    count
}

/// The same with every half of a surrogate pair that has lost the other half replaced: what is left of an emoji that was
/// cut in two, which JSON can write and UTF-8 cannot.
fn mended(text: &str) -> String {
    let unit = |at: usize| -> Option<u16> {
        let digits = text.get(at..at + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(digits, 16).ok()
    };
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    while let Some(found) = text[at..].find('\\').map(|found| at + found) {
        let (high, low) = (unit(found), unit(found + 6));
        let length = match (high, low) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => 12,
            (Some(0xD800..=0xDFFF), _) => {
                out.push_str(&text[at..found]);
                out.push('\u{FFFD}');
                at = found + 6;
                continue;
            }
            // The backslash and what it stands before, which may be another backslash.
            _ => 1 + text[found + 1..].chars().next().map_or(0, char::len_utf8),
        };
        out.push_str(&text[at..found + length]);
        at = found + length;
    }
    out.push_str(&text[at..]);
    out
}

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Object<'de>, D::Error> {
        deserializer.deserialize_map(Entries).map(Object)
    }
}

impl<'de> Deserialize<'de> for List<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<List<'de>, D::Error> {
        deserializer.deserialize_seq(Elements).map(List)
    }
}

struct Entries;

impl<'de> Visitor<'de> for Entries {
    type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some((Key(key), value)) = map.next_entry::<Key<'de>, &RawValue>()? {
            if entries.len() == MOST_ENTRIES {
                return Err(A::Error::custom("too many entries"));
            }
            entries.push((key, value));
        }
        Ok(entries)
    }
}

struct Elements;

impl<'de> Visitor<'de> for Elements {
    type Value = Vec<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = list.next_element()? {
            if elements.len() == MOST_ENTRIES {
                return Err(A::Error::custom("too many elements"));
            }
            elements.push(element);
        }
        Ok(elements)
    }
}

/// A key, copied only where it has escapes.
struct Key<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Key<'de>, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Key<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn times_of_every_kind() {
        for (given, want) in [
            (json!(1_700_000_000), Some(1_700_000_000)),
            (json!(1_700_000_000.987), Some(1_700_000_000)),
            (json!(1_700_000_000_123_i64), Some(1_700_000_000)),
            (json!(1_700_000_000_123_456_i64), Some(1_700_000_000)),
            (json!(1_700_000_000_123_456_789_i64), Some(1_700_000_000)),
            (json!("1700000000.5"), Some(1_700_000_000)),
            (json!("2023-11-14T22:13:20.123Z"), Some(1_700_000_000)),
            (json!("2023-11-14T23:13:20+01:00"), Some(1_700_000_000)),
            (json!("2023-11-14T22:13:20.423148+00:00"), Some(1_700_000_000)),
            (json!("2023-11-14 22:13:20"), Some(1_700_000_000)),
            (json!("2023/11/14 22:13:20"), Some(1_700_000_000)),
            (json!("11/14/2023, 10:13:20 PM"), Some(1_700_000_000)),
            (json!("yesterday"), None),
            (json!(""), None),
            (json!(null), None),
            (json!(0), None),
            (json!(-5), None),
            (json!(1e300), None),
            (json!("NaN"), None),
            (json!("inf"), None),
            (json!([1]), None),
        ] {
            assert_eq!(time(&given), want, "{given}");
        }
    }

    #[test]
    fn half_an_emoji_costs_one_character() {
        for (given, want) in [
            (r#""a\ud83d""#, "a\u{FFFD}"),
            (r#""\ude00b""#, "\u{FFFD}b"),
            (r#""\ud83d\ud83d\ude00""#, "\u{FFFD}😀"),
            (r#""\\ud83d \ud83d\n""#, "\\ud83d \u{FFFD}\n"),
            (r#""\ud83d\u00e9""#, "\u{FFFD}é"),
            (r#""ok""#, "ok"),
        ] {
            assert_eq!(value(given), Some(json!(want)), "{given}");
        }
        for bad in [r#""\"#, r#""\u"#, r#""\ud83d"#, "\"é\\", "", "{"] {
            assert_eq!(value(bad), None, "{bad}");
        }
    }

    #[test]
    fn much_in_little_text_is_not_read() {
        let many = |n: usize| format!("[{}0]", "0,".repeat(n));
        assert!(value(&many(1000)).is_some());
        assert!(value(&many(MOST_VALUES)).is_none());
        assert_eq!(elements(&many(1000)).len(), 1001);
        assert!(elements(&many(MOST_ENTRIES)).is_empty());
        let deep = format!("{}{}", "[".repeat(2000), "]".repeat(2000));
        assert!(value(&deep).is_none());
        assert_eq!(elements(&deep).len(), 1, "what is not read may be deep");
        assert!(Object::parse("[]").is_err() && Object::parse("{\"a\":1} x").is_err());
        let object = Object::parse(r#"{"a":"","b":7,"\u0063":"x","d":null,"e":true}"#).unwrap();
        assert_eq!(object.text(&["z", "a", "b", "c"]).as_deref(), Some("x"));
        assert!(object.has("a") && !object.has("d") && object.flag("e") && !object.flag("b"));
    }
}
