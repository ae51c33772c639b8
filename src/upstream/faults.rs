//! What an upstream's refusal means, and which sentence of it may be shown. An upstream's status never becomes ours
//! by accident: its 401 is a bad key, not an ended login.

use super::wire::{Chunk, List};
use crate::error::{UpstreamError, UpstreamKind};
use crate::secret::Secret;
use crate::text;
use std::io;

/// Longest sentence of a provider that is passed on, in grapheme clusters.
const LONGEST_SENTENCE: usize = 300;

/// An answer that is not 200.
pub struct Refusal<'a> {
    pub status: u16,
    pub body: &'a [u8],
    pub retry_after: Option<u64>,
    /// There were pictures in what was asked.
    pub pictures: bool,
}

/// What kind of refusal it is; `docs/API.md` lists what each becomes.
pub fn refusal(refusal: &Refusal<'_>, key: &Secret) -> UpstreamError {
    let said = Said::read(refusal.body);
    let kind = match refusal.status {
        300..=399 => UpstreamKind::Redirect,
        401 => UpstreamKind::KeyRejected,
        402 => UpstreamKind::Quota,
        403 => UpstreamKind::Refused,
        429 if said.is("insufficient_quota") => UpstreamKind::Quota,
        429 => UpstreamKind::RateLimited,
        408 => UpstreamKind::Timeout,
        400 | 404 | 413 | 422 if said.means_context() => UpstreamKind::ContextTooLong,
        400..=599 if refusal.pictures && said.means_pictures() => UpstreamKind::InputRejected,
        400 | 404 | 422 if said.means_model() => UpstreamKind::ModelNotFound,
        400..=499 if refusal.pictures => UpstreamKind::InputRejected,
        400 | 404 | 413 | 422 => UpstreamKind::Rejected,
        _ if said.web_page.is_some() => UpstreamKind::BadResponse,
        _ => UpstreamKind::Failed,
    };
    let message = match (kind, &said.web_page) {
        (UpstreamKind::Redirect, _) => {
            "The model service answered with a redirect, which is not followed. Check upstream.base_url."
                .into()
        }
        (_, Some(title)) => web_page(refusal.status, title),
        _ => {
            let sentence = said.sentence(key);
            match kind {
                UpstreamKind::InputRejected if !sentence.is_empty() => {
                    format!("{} It said: {sentence}", usual(kind, refusal.status))
                }
                _ if sentence.is_empty() => usual(kind, refusal.status),
                _ => sentence,
            }
        }
    };
    UpstreamError {
        kind,
        message,
        retry_after: refusal.retry_after.filter(|_| kind == UpstreamKind::RateLimited),
    }
}

/// An error that came inside an answer with status 200.
pub fn inside(said: &Chunk<'_>, key: &Secret) -> UpstreamError {
    let sentence = Said::of(said).sentence(key);
    let kind = UpstreamKind::Failed;
    UpstreamError::new(kind, if sentence.is_empty() { usual(kind, 200) } else { sentence })
}

/// A 200 that holds a web page where an answer should be.
pub fn page(status: u16, body: &[u8]) -> UpstreamError {
    let title = title(&String::from_utf8_lossy(body)).unwrap_or_default();
    UpstreamError::new(UpstreamKind::BadResponse, web_page(status, &title))
}

/// A 200 that is nothing we know.
pub fn gibberish() -> UpstreamError {
    UpstreamError::new(UpstreamKind::BadResponse, "The model service sent something that is not an answer.")
}

/// The line was never opened, or broke.
pub fn network(error: &ureq::Error) -> UpstreamError {
    match error {
        ureq::Error::Timeout(ureq::Timeout::Resolve) | ureq::Error::Timeout(ureq::Timeout::Connect) => {
            UpstreamError::new(UpstreamKind::Timeout, "The model service could not be reached in time.")
        }
        ureq::Error::Timeout(_) => timeout(),
        ureq::Error::Rustls(_) | ureq::Error::Tls(_) => tls(""),
        // Whatever rustls finds wrong arrives as invalid data; what is wrong with HTTP has errors of its own.
        ureq::Error::Io(error) if error.kind() == io::ErrorKind::InvalidData => tls(&error.to_string()),
        ureq::Error::Io(error) => io_fault(error),
        ureq::Error::HostNotFound => {
            UpstreamError::new(UpstreamKind::Unreachable, "The name of the model service cannot be found.")
        }
        ureq::Error::Protocol(_)
        | ureq::Error::BodyExceedsLimit(_)
        | ureq::Error::LargeResponseHeader(..) => gibberish(),
        _ => unreachable(),
    }
}

/// A fault of reading or writing.
pub fn io_fault(error: &io::Error) -> UpstreamError {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<ureq::Error>());
    match (inner, error.kind()) {
        (Some(inner), _) => network(inner),
        (_, io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock) => timeout(),
        (_, io::ErrorKind::InvalidData) => gibberish(),
        _ => unreachable(),
    }
}

/// It took too long.
pub fn timeout() -> UpstreamError {
    UpstreamError::new(UpstreamKind::Timeout, "The model service did not answer in time.")
}

fn tls(said: &str) -> UpstreamError {
    let message = if said.contains("certificate") {
        "The certificate of the model service is not valid, so nothing was sent to it."
    } else {
        "The model service does not speak TLS as it should. Check upstream.base_url."
    };
    UpstreamError::new(UpstreamKind::Tls, message)
}

fn unreachable() -> UpstreamError {
    UpstreamError::new(UpstreamKind::Unreachable, "The model service cannot be reached.")
}

fn web_page(status: u16, title: &str) -> String {
    let named = if title.is_empty() { String::new() } else { format!(", titled \u{201C}{title}\u{201D}") };
    format!(
        "The address of the model service answered with a web page (status {status}{named}), not with the API. \
         Check upstream.base_url."
    )
}

/// For refusals that say nothing themselves.
fn usual(kind: UpstreamKind, status: u16) -> String {
    match kind {
        UpstreamKind::KeyRejected => "The model service did not accept the API key.".into(),
        UpstreamKind::Quota => "The account behind the API key has nothing left.".into(),
        UpstreamKind::Refused => "The model service refused this request.".into(),
        UpstreamKind::RateLimited => "The model service takes no more requests right now.".into(),
        UpstreamKind::ModelNotFound => "The model service does not have this model.".into(),
        UpstreamKind::InputRejected => {
            "The model did not take the picture. Choose a model that can see pictures, or send the message without it.".into()
        }
        UpstreamKind::ContextTooLong => "The conversation is too long for this model.".into(),
        UpstreamKind::Timeout => "The model service did not answer in time.".into(),
        _ => format!("The model service failed (status {status})."),
    }
}

/// What a body says about an error.
#[derive(Default)]
struct Said {
    message: String,
    kind: String,
    code: String,
    /// The title of a web page that came instead.
    web_page: Option<String>,
}

impl Said {
    fn read(body: &[u8]) -> Said {
        let Ok(body) = std::str::from_utf8(body) else {
            return Said::default();
        };
        let body = body.trim_start_matches('\u{FEFF}').trim();
        if body.starts_with('<') {
            return Said { web_page: Some(title(body).unwrap_or_default()), ..Said::default() };
        }
        let json = body.strip_prefix("data:").unwrap_or(body);
        if json.starts_with('[') {
            // Google's compatible endpoint has its errors in a list.
            let all = serde_json::from_str::<List<Chunk<'_>>>(json).unwrap_or_default();
            return all.0.first().map(Said::of).unwrap_or_default();
        }
        match serde_json::from_str::<Chunk<'_>>(json) {
            Ok(chunk) => Said::of(&chunk),
            Err(_) if body.starts_with(['{', '[']) => Said::default(),
            Err(_) => Said { message: body.to_owned(), ..Said::default() },
        }
    }

    fn of(chunk: &Chunk<'_>) -> Said {
        let mut said = Said::default();
        if let Some(error) = &chunk.error {
            said.message.push_str(&error.message);
            said.kind.push_str(&error.kind);
            said.code.push_str(&error.code);
        }
        if said.message.is_empty() {
            said.message = [&chunk.message.0, &chunk.detail.0].into_iter().map(|t| &**t).collect();
        }
        said
    }

    fn is(&self, word: &str) -> bool {
        self.code == word || self.kind == word
    }

    fn means_context(&self) -> bool {
        let message = self.message.to_ascii_lowercase();
        self.is("context_length_exceeded")
            || self.is("exceed_context_size_error")
            || [
                "maximum context length",
                "context length",
                "context window",
                "context size",
                "contextwindowexceeded",
            ]
            .iter()
            .any(|words| message.contains(words))
    }

    fn means_model(&self) -> bool {
        let message = self.message.to_ascii_lowercase();
        self.is("model_not_found")
            || message.contains("invalid model name")
            || (message.contains("model")
                && ["not found", "does not exist", "not exist"].iter().any(|w| message.contains(w)))
    }

    fn means_pictures(&self) -> bool {
        let message = self.message.to_ascii_lowercase();
        ["image", "vision", "multimodal", "mmproj", "picture"].iter().any(|word| message.contains(word))
    }

    /// The provider's sentence, fit to be shown: one line, no key, no trace of its insides.
    fn sentence(&self, key: &Secret) -> String {
        let line = self.message.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
        if line.starts_with("Traceback") || self.message.contains("File \"") {
            return String::new();
        }
        let shown: String = line.chars().filter(|c| !c.is_control()).collect();
        text::cut(&without_keys(&shown, key), LONGEST_SENTENCE)
    }
}

/// Takes out the key that was sent, and whatever looks like one or a part of one.
fn without_keys(sentence: &str, key: &Secret) -> String {
    let key = key.reveal();
    let known = if key.len() >= 8 { sentence.replace(key, "***") } else { sentence.to_owned() };
    let is_part = |word: &str| {
        let bare = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        bare.len() >= 4
            && (bare.starts_with("sk-") || word.contains("**") || (bare.len() >= 8 && key.contains(bare)))
    };
    let mut shown = String::with_capacity(known.len());
    for word in known.split_inclusive(|c: char| !is_of_a_key(c)) {
        let end = word.trim_end_matches(|c: char| !is_of_a_key(c)).len();
        let (word, behind) = word.split_at(end);
        shown.push_str(if is_part(word) { "***" } else { word });
        shown.push_str(behind);
    }
    shown
}

/// What keys are written with, and the marks in place of what was left out of them.
fn is_of_a_key(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '*' | '+' | '/' | '…')
}

fn title(page: &str) -> Option<String> {
    let lower = page.to_ascii_lowercase();
    let from = lower.find("<title")? + lower[lower.find("<title")?..].find('>')? + 1;
    let until = from + lower[from..].find("</title")?;
    let title: String =
        page[from..until].chars().filter(|c| !c.is_control() && !matches!(c, '<' | '>')).collect();
    Some(text::cut(title.trim(), 80))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, body: &str) -> UpstreamError {
        let key = Secret::new("sk-canary-0123456789");
        let refusal = Refusal { status, body: body.as_bytes(), retry_after: Some(7), pictures: false };
        super::refusal(&refusal, &key)
    }

    #[test]
    fn a_model_without_eyes_is_named_as_such() {
        let key = Secret::new("sk-canary-0123456789");
        for (status, body, kind) in [
            (
                500,
                r#"{"error":{"code":500,"message":"image input is not supported - hint: if this is unexpected, you may need to provide the mmproj"}}"#,
                UpstreamKind::InputRejected,
            ),
            (
                404,
                r#"{"error":{"message":"No endpoints found that support image input","code":404}}"#,
                UpstreamKind::InputRejected,
            ),
            (400, r#"{"error":{"message":"Invalid content type."}}"#, UpstreamKind::InputRejected),
            (415, "", UpstreamKind::InputRejected),
            (401, "{}", UpstreamKind::KeyRejected),
            (429, "{}", UpstreamKind::RateLimited),
            (
                404,
                r#"{"error":{"message":"The model `x` does not exist","code":"model_not_found"}}"#,
                UpstreamKind::ModelNotFound,
            ),
            (
                400,
                r#"{"error":{"message":"This model's maximum context length is 4096 tokens."}}"#,
                UpstreamKind::ContextTooLong,
            ),
            (500, "{}", UpstreamKind::Failed),
        ] {
            let refusal = Refusal { status, body: body.as_bytes(), retry_after: None, pictures: true };
            let error = super::refusal(&refusal, &key);
            assert_eq!(error.kind, kind, "{status} {body}");
            assert_eq!(error.message.contains("picture"), kind == UpstreamKind::InputRejected, "{error:?}");
        }
    }

    #[test]
    fn every_status_means_what_it_should() {
        use UpstreamKind::*;
        for (status, body, kind) in [
            (401, r#"{"error":{"message":"Incorrect API key provided: sk-12**45"}}"#, KeyRejected),
            (401, r#"{"detail":"Invalid API key"}"#, KeyRejected),
            (402, "", Quota),
            (403, "{}", Refused),
            (
                429,
                r#"{"error":{"message":"check billing","type":"insufficient_quota","code":"insufficient_quota"}}"#,
                Quota,
            ),
            (429, "slow down", RateLimited),
            (408, "", Timeout),
            (400, r#"{"error":{"message":"bad temperature"}}"#, Rejected),
            (
                404,
                r#"{"error":{"message":"The model `x` does not exist","code":"model_not_found"}}"#,
                ModelNotFound,
            ),
            (404, r#"{"error":{"message":"File Not Found","type":"not_found_error","code":404}}"#, Rejected),
            (
                400,
                r#"{"error":{"code":400,"message":"request (20031 tokens) exceeds the available context size (4096 tokens), try increasing it","type":"exceed_context_size_error"}}"#,
                ContextTooLong,
            ),
            (
                400,
                r#"{"error":{"message":"This model's maximum context length is 4096 tokens."}}"#,
                ContextTooLong,
            ),
            (422, "{}", Rejected),
            (413, "{}", Rejected),
            (302, "", Redirect),
            (307, "<html>", Redirect),
            (418, "", Failed),
            (500, "{\"error\":\"boom\"}", Failed),
            (503, r#"{"error":{"message":"Loading model","type":"unavailable_error","code":503}}"#, Failed),
            (502, "<!DOCTYPE html><title>gw | 502: Bad gateway</title>", BadResponse),
        ] {
            let error = of(status, body);
            assert_eq!(error.kind, kind, "{status} {body}");
            assert!(
                !error.message.is_empty() && error.retry_after.is_some() == (kind == RateLimited),
                "{error:?}"
            );
        }
    }

    #[test]
    fn p4_c14_no_part_of_a_key_is_shown() {
        for body in [
            r#"{"error":{"message":"Incorrect API key provided: sk-12**45. Find yours at https://x"}}"#,
            r#"{"error":{"message":"key sk-canary-0123456789 is bad"}}"#,
            r#"{"error":{"message":"key 'canary-0123' is bad"}}"#,
            r#"{"error":{"message":"key ****6789 is bad"}}"#,
        ] {
            let message = of(401, body).message;
            assert!(
                !message.contains("sk-") && !message.contains("6789") && !message.contains("canary"),
                "{message}"
            );
            assert!(message.contains("key"), "{message}");
        }
    }

    #[test]
    fn c07_a_web_page_is_named_and_not_shown() {
        let message = of(502, "<!DOCTYPE html><html><head><title>gw.example | 502: Bad gateway</title></head><body><h1>Bad</h1></body></html>").message;
        assert!(
            message.contains("web page")
                && message.contains("502: Bad gateway")
                && message.contains("base_url")
        );
        assert!(!message.contains('<'));
    }

    #[test]
    fn a_long_or_revealing_sentence_is_cut() {
        let message = of(400, &format!(r#"{{"error":{{"message":"{}"}}}}"#, "x".repeat(1000))).message;
        assert_eq!(message.chars().count(), 300);
        let message =
            of(500, "Traceback (most recent call last):\n  File \"/usr/lib/x.py\", line 1\n").message;
        assert!(!message.contains("/usr") && !message.contains("Traceback"));
    }
}
