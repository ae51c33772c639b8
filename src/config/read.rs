//! Reads one value, from TOML or from the text of a variable or flag, as the type its key wants.

use std::ops::RangeInclusive;
use std::time::Duration;
use toml::de::DeValue;

/// A value as it was given.
#[derive(Clone, Copy)]
pub enum Value<'a> {
    /// From the file.
    Toml(&'a DeValue<'a>),
    /// From the environment or a flag.
    Text(&'a str),
}

/// The fault is the end of a sentence that begins with the key: "must be ...".
pub type Read<T> = Result<T, String>;

impl<'a> Value<'a> {
    /// Text, as it stands.
    pub fn text(self) -> Read<&'a str> {
        match self {
            Value::Toml(value) => value.as_str().ok_or_else(|| "must be text in quotes".into()),
            Value::Text(text) => Ok(text),
        }
    }

    /// Text that may not be empty.
    pub fn some_text(self) -> Read<String> {
        let text = self.text()?.trim();
        if text.is_empty() { Err("must not be empty".into()) } else { Ok(text.to_owned()) }
    }

    /// Text through `parse`; empty text is `None`.
    pub fn optional<T>(self, parse: impl FnOnce(&str) -> Read<T>) -> Read<Option<T>> {
        let text = self.text()?.trim();
        if text.is_empty() { Ok(None) } else { parse(text).map(Some) }
    }

    /// A whole number within `range`.
    pub fn number<T: TryFrom<u64>>(self, range: RangeInclusive<u64>) -> Read<T> {
        let number = match self {
            Value::Toml(value) => {
                value.as_integer().and_then(|i| u64::from_str_radix(i.as_str(), i.radix()).ok())
            }
            Value::Text(text) => text.trim().parse().ok(),
        };
        let fault = || format!("must be a whole number from {} to {}", range.start(), range.end());
        number.filter(|n| range.contains(n)).and_then(|n| T::try_from(n).ok()).ok_or_else(fault)
    }

    /// A duration with its unit, within `range`.
    pub fn duration(self, range: RangeInclusive<Duration>) -> Read<Duration> {
        const UNITS: [(&str, u64); 5] =
            [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
        let shape = || "must be a duration such as \"500ms\", \"10s\", \"5m\", \"12h\" or \"7d\"".to_owned();
        let found = with_unit(self.text()?, &UNITS).map(Duration::from_millis).ok_or_else(shape)?;
        if range.contains(&found) {
            Ok(found)
        } else {
            Err(format!("must be from {:?} to {:?}", range.start(), range.end()))
        }
    }

    /// A size in bytes with its unit, within `range`.
    pub fn size(self, range: RangeInclusive<u64>) -> Read<u64> {
        const UNITS: [(&str, u64); 4] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("B", 1)];
        let shape = || "must be a size such as \"512KiB\", \"10MiB\" or \"2GiB\"".to_owned();
        let found = with_unit(self.text()?, &UNITS).ok_or_else(shape)?;
        if range.contains(&found) {
            Ok(found)
        } else {
            Err(format!("must be from {} to {} bytes", range.start(), range.end()))
        }
    }

    /// A list of texts; in a variable they are separated by commas.
    pub fn list<T>(self, parse: impl Fn(&str) -> Read<T>) -> Read<Vec<T>> {
        let shape = || "must be a list of texts such as [\"a\", \"b\"]".to_owned();
        match self {
            Value::Toml(value) => {
                let items = value.as_array().ok_or_else(shape)?;
                items.iter().map(|i| parse(i.get_ref().as_str().ok_or_else(shape)?.trim())).collect()
            }
            Value::Text(text) => {
                text.split(',').map(str::trim).filter(|s| !s.is_empty()).map(parse).collect()
            }
        }
    }

    /// One of a few words.
    pub fn choice<T: Copy>(self, words: &[(&str, T)]) -> Read<T> {
        let text = self.text()?.trim();
        words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value).ok_or_else(|| {
            let words: Vec<_> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
            format!("must be one of {}", words.join(", "))
        })
    }
}

fn with_unit(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let text = text.trim();
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let factor = units.iter().find(|(name, _)| *name == unit.trim())?.1;
    number.parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes() {
        let any = Duration::ZERO..=Duration::MAX;
        for (text, ms) in [
            ("500ms", 500),
            ("10s", 10_000),
            ("5m", 300_000),
            ("12h", 43_200_000),
            ("7d", 604_800_000),
            ("1 s", 1000),
        ] {
            assert_eq!(Value::Text(text).duration(any.clone()), Ok(Duration::from_millis(ms)));
        }
        for text in ["", "10", "s", "-1s", "1.5s", "99999999999999999999s", "1w"] {
            assert!(Value::Text(text).duration(any.clone()).is_err(), "{text}");
        }
        assert_eq!(Value::Text("2GiB").size(0..=u64::MAX), Ok(2 << 30));
        assert!(Value::Text("2GB").size(0..=u64::MAX).is_err());
    }
}
