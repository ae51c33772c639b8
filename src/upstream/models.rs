//! Which models an upstream has, from its `GET /models` in all the forms there are.

use super::answer::unpacked;
use super::wire::{List, ModelEntry, Object};
use super::{Client, faults};
use crate::error::UpstreamError;
use crate::secret::Secret;
use serde::Deserialize;
use std::collections::HashSet;
use std::time::Duration;
use ureq::http::StatusCode;

/// How long a list may take. A person waits for it with nothing to look at, and there is an earlier one.
const LIST: Duration = Duration::from_secs(10);
/// Longest list that is read.
const LONGEST: u64 = 8 << 20;
/// Longest name of a model in characters.
pub const LONGEST_NAME: usize = 200;

/// A model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// Its name, byte for byte as the upstream writes it.
    pub id: String,
    /// Size of its context window in tokens, where the upstream says so.
    pub context: Option<i64>,
}

#[derive(Default, Deserialize)]
struct Answer<'a> {
    #[serde(borrow, default)]
    data: List<ModelEntry<'a>>,
}

/// An upstream as it shows itself.
pub struct Probe {
    /// Which models it has.
    pub models: Result<Vec<Model>, UpstreamError>,
    /// The Unix seconds of its clock, where it says so.
    pub date: Option<i64>,
}

impl Client {
    /// Asks the upstream. Blocks: run it on `threads`.
    pub fn models(&self, key: &Secret) -> Result<Vec<Model>, UpstreamError> {
        self.probe(key).models
    }

    /// The same, with what else its answer tells.
    pub fn probe(&self, key: &Secret) -> Probe {
        let mut date = None;
        let models = self.list(key, &mut date);
        Probe { models, date }
    }

    fn list(&self, key: &Secret, date: &mut Option<i64>) -> Result<Vec<Model>, UpstreamError> {
        let stop = super::Stop::default();
        let watch = self.deadlines.watch(&stop);
        watch.let_go_after(LIST);
        let outcome = stop.run(|| {
            let mut response = self
                .agent
                .get(&self.models_url)
                .header("Authorization", format!("Bearer {}", key.reveal()))
                .header("Accept", "application/json")
                .call()
                .map_err(|e| faults::network(&e))?;
            watch.heard();
            let said = response.headers().get("date").and_then(|value| value.to_str().ok());
            let parsed = said.and_then(|said| jiff::fmt::rfc2822::parse(said).ok());
            *date = parsed.map(|date| date.timestamp().as_second());
            let status = response.status();
            let body = response.body_mut().with_config().limit(LONGEST).read_to_vec();
            let body = unpacked(body.map_err(|e| faults::network(&e))?, LONGEST);
            if status != StatusCode::OK {
                let refusal = faults::Refusal {
                    status: status.as_u16(),
                    body: &body,
                    retry_after: None,
                    pictures: false,
                };
                return Err(faults::refusal(&refusal, key));
            }
            parse(&body)
        });
        if outcome.is_err() && stop.reason().is_some() { Err(faults::timeout()) } else { outcome }
    }
}

/// Every usable name once, in the upstream's order. What is no list is no models.
fn parse(body: &[u8]) -> Result<Vec<Model>, UpstreamError> {
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start_matches('\u{FEFF}').trim_start();
    let entries = match text.bytes().next() {
        Some(b'<') => return Err(faults::page(200, text.as_bytes())),
        Some(b'[') => serde_json::from_str::<List<ModelEntry<'_>>>(text).map_err(|_| faults::gibberish())?,
        _ => serde_json::from_str::<Object<Answer<'_>>>(text).map_err(|_| faults::gibberish())?.0.data,
    };
    let mut seen = HashSet::new();
    let usable =
        |id: &str| !id.is_empty() && id.chars().count() <= LONGEST_NAME && !id.chars().any(char::is_control);
    Ok(entries
        .0
        .iter()
        .filter(|entry| usable(&entry.id.0) && seen.insert(entry.id.0.to_string()))
        .map(|entry| Model {
            id: entry.id.0.to_string(),
            context: [entry.meta.0.n_ctx, entry.context_length, entry.context_window, entry.max_model_len]
                .into_iter()
                .find_map(|number| number.0.filter(|n| *n > 0)),
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(body: &str) -> Vec<String> {
        parse(body.as_bytes()).unwrap_or_else(|e| panic!("{body}: {e:?}")).into_iter().map(|m| m.id).collect()
    }

    #[test]
    fn c29_every_form_of_a_list() {
        let odd = r#"{"data":[{"id":"openai/gpt-4o-mini","name":"x","pricing":{}},{"id":"/my/llms/Qwen3"},
            {"id":"aaa/llava:13b"},{"id":"aaa/llava:13b"},{"id":""},{"id":7},null,[],"x"]}"#;
        assert_eq!(names(odd), ["openai/gpt-4o-mini", "/my/llms/Qwen3", "aaa/llava:13b"]);
        assert_eq!(names(r#"[{"id":"a"}]"#), ["a"]);
        for empty in [r#"{"object":"list","data":null}"#, r#"{"models":[]}"#, r#""oops""#, "{}", "[]"] {
            assert!(names(empty).is_empty(), "{empty}");
        }
        let many: Vec<String> = (0..3000).map(|i| format!("{{\"id\":\"m{i}\"}}")).collect();
        assert_eq!(names(&format!("{{\"data\":[{}]}}", many.join(","))).len(), 3000);
        assert!(parse(b"<html>").is_err() && parse(b"").is_err());
    }

    #[test]
    fn context_sizes_by_any_name() {
        let body = br#"{"data":[{"id":"a","meta":{"n_ctx":4096}},{"id":"b","context_length":8192},{"id":"c","meta":null},
            {"id":"d","max_model_len":1.5}]}"#;
        let sizes: Vec<_> = parse(body).unwrap().into_iter().map(|m| m.context).collect();
        assert_eq!(sizes, [Some(4096), Some(8192), None, None]);
    }
}
