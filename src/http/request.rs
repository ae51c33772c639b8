//! A request as a handler sees it, and what it can take out of it. Faults are sentences with the field's name.

use crate::accounts::Origin;
use crate::app::App;
use crate::calendar::{self, Zone};
use crate::error::{Error, Fields, Result};
use crate::model::TurnId;
use crate::store::Identity;
use bytes::Bytes;
use http::HeaderMap;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// A request whose path, method, login and body have been seen to.
pub struct Call {
    /// Everything there is.
    pub app: Arc<App>,
    /// Its number, in every reply and log line.
    pub id: Arc<str>,
    /// Where it comes from.
    pub origin: Origin,
    /// Who makes it; always there on routes that are not public.
    pub identity: Option<Identity>,
    /// The varying parts of its path.
    pub captures: Vec<String>,
    /// Its query, decoded, in order.
    pub query: Vec<(String, String)>,
    /// The time zone that it asks for with `tz`, else the configured one. Read before any handler runs, so that a
    /// request with one that does not exist changes nothing.
    pub zone: Zone,
    /// It asks for rendered text, with `render=html`.
    pub html: bool,
    /// Its headers.
    pub headers: HeaderMap,
    /// What the client calls the file in its form.
    pub file_name: Option<String>,
    /// Its body, whole and within the route's limit; of a form, the file.
    pub body: Bytes,
}

impl Call {
    /// Who makes it.
    pub fn identity(&self) -> Result<&Identity> {
        self.identity.as_ref().ok_or(Error::Unauthenticated)
    }

    /// A number in the path. Whatever is no number is no such thing.
    pub fn id_at<T>(&self, index: usize, make: fn(i64) -> T) -> Result<T> {
        let text = self.captures.get(index).map_or("", String::as_str);
        number(text).map(make).ok_or(Error::NotFound)
    }

    /// The body as JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        json(&self.body)
    }

    /// The first value of a parameter in the query; an empty one is as good as none.
    pub fn param(&self, name: &str) -> Option<&str> {
        param(&self.query, name)
    }

    /// A whole number in the query.
    pub fn number_param(&self, name: &'static str, range: RangeInclusive<u32>, default: u32) -> Result<u32> {
        let Some(text) = self.param(name) else {
            return Ok(default);
        };
        let number = text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten();
        number.filter(|n| range.contains(n)).ok_or_else(|| {
            Error::field(name, format!("This must be a number from {} to {}.", range.start(), range.end()))
        })
    }

    /// A number of a turn or conversation in the query.
    pub fn id_param<T>(&self, name: &'static str, make: fn(i64) -> T) -> Result<Option<T>> {
        match self.param(name) {
            None => Ok(None),
            Some(text) => {
                number(text).map(make).map(Some).ok_or_else(|| Error::field(name, "This is not a number."))
            }
        }
    }

    /// The last turn of the page before, which lists give back as `next`.
    pub fn before(&self) -> Result<Option<TurnId>> {
        self.id_param("before", TurnId)
    }

    /// `true` or `false` in the query.
    pub fn flag_param(&self, name: &'static str) -> Result<bool> {
        match self.param(name) {
            None | Some("false" | "0") => Ok(false),
            Some("true" | "1") => Ok(true),
            Some(_) => Err(Error::field(name, "This must be true or false.")),
        }
    }
}

fn param<'a>(query: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = query.iter().find(|(key, _)| key == name);
    found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
}

/// Whether a query asks for rendered text.
pub fn wants_html(query: &[(String, String)]) -> Result<bool> {
    match param(query, "render") {
        None => Ok(false),
        Some("html") => Ok(true),
        Some(_) => Err(Error::field("render", "This can only be html.")),
    }
}

/// The time zone that a query asks for, else the configured one.
pub fn zone(app: &App, query: &[(String, String)]) -> Result<Zone> {
    match param(query, "tz") {
        None => Ok(app.zone.clone()),
        Some(name) => calendar::zone(name).ok_or_else(|| Error::field("tz", "There is no such time zone.")),
    }
}

/// Plain digits that fit, with no sign, blank or zero in front.
fn number(text: &str) -> Option<i64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    plain.then(|| text.parse().ok()).flatten()
}

/// A JSON object as a `T`. What is wrong with a field is said of that field, without repeating what was sent.
fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    const NOT_JSON: Error = Error::Malformed("The body must be a JSON object.");
    let starts_object = body.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'{');
    if !starts_object {
        return Err(NOT_JSON);
    }
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let field = error.path().to_string();
        let inner = error.inner();
        if !inner.is_data() {
            return NOT_JSON;
        }
        // serde names a field that comes twice in its message, with the path ending at the object around it.
        if let Some(name) =
            inner.to_string().strip_prefix("duplicate field `").and_then(|rest| rest.split('`').next())
        {
            return Error::Invalid(vec![(name.to_owned().into(), "This comes twice.".into())]);
        }
        if field == "." {
            NOT_JSON
        } else {
            Error::Invalid(Fields::from([(field.into(), wrong_type(inner).into())]))
        }
    })?;
    reader.end().map_err(|_| NOT_JSON)?;
    Ok(value)
}

fn wrong_type(error: &serde_json::Error) -> &'static str {
    let said = error.to_string();
    let expected = said.split("expected ").nth(1).unwrap_or_default();
    match expected.split([' ', ',']).next() {
        Some("a") if expected.starts_with("a string") => "This must be text.",
        Some("a") if expected.starts_with("a boolean") => "This must be true or false.",
        Some("f64" | "f32") => "This must be a number.",
        Some("i64" | "u32" | "u64" | "usize") => "This must be a whole number.",
        _ => "This has the wrong type.",
    }
}

/// For fields in which `null` means something else than absence: use with `default` and `deserialize_with`.
pub fn nullable<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only read from JSON")]
    struct Form {
        name: Option<String>,
        #[serde(default, deserialize_with = "nullable")]
        parent: Option<Option<i64>>,
        params: Option<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only read from JSON")]
    struct Inner {
        temperature: Option<f64>,
    }

    fn fault(body: &str) -> String {
        match json::<Form>(body.as_bytes()) {
            Ok(form) => format!("ok {form:?}"),
            Err(Error::Malformed(_)) => "malformed".into(),
            Err(Error::Invalid(fields)) => {
                fields.iter().map(|(name, why)| format!("{name}: {why}")).collect()
            }
            Err(other) => format!("{other:?}"),
        }
    }

    #[test]
    fn i1_i2_i3_i5_what_is_wrong_is_said_of_its_field() {
        for body in [
            "",
            " ",
            "null",
            "[]",
            "[\"a\"]",
            "\"x\"",
            "7",
            "{",
            "{\"name\":}",
            "{,}",
            "\u{FEFF}{}",
            "{} {}",
            "{\"name\":\"\\ud800\"}",
        ] {
            assert_eq!(fault(body), "malformed", "{body:?}");
        }
        assert_eq!(fault(&format!("{{\"x\":{}}}", "[".repeat(100_000))), "malformed");
        assert_eq!(fault("{\"name\":7}"), "name: This must be text.");
        assert_eq!(fault("{\"name\":[\"secret\"]}"), "name: This must be text.");
        assert_eq!(fault("{\"parent\":\"1\"}"), "parent: This must be a whole number.");
        assert_eq!(fault("{\"parent\":1.5}"), "parent: This must be a whole number.");
        assert_eq!(fault("{\"parent\":18446744073709551616}"), "parent: This must be a whole number.");
        assert_eq!(
            fault("{\"params\":{\"temperature\":\"hot\"}}"),
            "params.temperature: This must be a number."
        );
        assert_eq!(fault("{\"name\":\"a\",\"name\":\"b\"}"), "name: This comes twice.");
        assert!(fault("{\"unknown\":{\"deep\":[1]},\"name\":\"a\"}").starts_with("ok"));
    }

    #[test]
    fn null_and_absence_differ_where_they_must() {
        let parent = |body: &str| json::<Form>(body.as_bytes()).unwrap().parent;
        assert_eq!(
            (parent("{}"), parent("{\"parent\":null}"), parent("{\"parent\":7}")),
            (None, Some(None), Some(Some(7)))
        );
    }

    #[test]
    fn z7_numbers_are_plain_digits() {
        for bad in ["", "0", "01", "-1", "+1", "1e3", "0x1", "1.0", " 1", "%00", "9223372036854775808"] {
            assert_eq!(number(bad), None, "{bad}");
        }
        assert_eq!(number("9223372036854775807"), Some(i64::MAX));
    }
}
