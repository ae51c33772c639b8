//! The model service: any server that speaks the OpenAI chat API. Answers are always asked for as a stream, so that
//! they can be saved, followed and stopped; what comes is judged by its bytes, not by what was asked for.

mod answer;
mod deadlines;
mod faults;
mod models;
mod reasoning;
mod resolve;
mod sse;
mod stop;
mod threads;
mod transport;
mod wire;

use crate::clock::Clock;
use crate::config;
use crate::error::UpstreamError;
use crate::model::Params;
use crate::secret::Secret;
use deadlines::{Deadlines, Limits, Watch};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;
use ureq::http::{Response, StatusCode};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig};
use ureq::unversioned::transport::{ConnectProxyConnector, Connector, RustlsConnector};
use ureq::{Agent, Body, Proxy};

pub use answer::{Answer, Heard};
pub use models::{LONGEST_NAME as LONGEST_MODEL_NAME, Model, Probe};
pub use stop::{Reason, Stop};
pub use threads::Threads;
pub use wire::{Content, ImageUrl, Message, Part};

/// Calls beside the answers, and sends that are not answers yet.
const BESIDE: usize = 64;
/// ureq keeps and walks all of them at every call, so more is not better.
const IDLE_CONNECTIONS: usize = 128;
/// Clear of the five seconds after which most servers close an idle connection.
const IDLE_AGE: Duration = Duration::from_millis(3500);
/// Of each connection. An answer's pieces are far smaller, and the head of a reply must fit in.
const BUFFER_IN: usize = 8 << 10;
/// The head of a request must fit in.
const BUFFER_OUT: usize = 4 << 10;
const WRITE: Duration = Duration::from_secs(30);
/// Of a body that says why a request was refused.
const LONGEST_REFUSAL: u64 = 64 << 10;
const LONGEST_ID: usize = 128;

/// What is asked.
pub struct Ask<'a> {
    /// Sent to the upstream and nowhere else.
    pub key: &'a Secret,
    /// Its name as the upstream knows it.
    pub model: &'a str,
    /// Gives the system prompt, the path, the message. Called for each request that is made, so that pictures take
    /// memory only while they are sent.
    pub messages: &'a dyn Fn() -> Vec<Message<'a>>,
    /// What else was asked for.
    pub params: &'a Params,
    /// Filled with the upstream's own number for the call, where it names one.
    pub theirs: &'a OnceLock<String>,
}

/// Makes calls. All of them block: run them on `threads`.
pub struct Client {
    /// The threads for it.
    pub threads: Threads,
    agent: Agent,
    chat_url: String,
    models_url: String,
    deadlines: Deadlines,
    max_reply: usize,
    clock: Clock,
    quirks: Mutex<Quirks>,
}

/// What this upstream was found not to take.
#[derive(Clone, Copy)]
struct Quirks {
    stream_options: bool,
    /// `max_completion_tokens` in place of `max_tokens`.
    new_limit_name: bool,
}

/// What one call has tried already: an upstream that refuses everything must not be asked for ever.
#[derive(Default)]
struct Learnt {
    stream_options: bool,
    limit_name: bool,
}

impl Client {
    /// A client for the configured upstream; the fault is a sentence about the configuration.
    pub fn new(config: &config::Upstream, clock: Clock) -> Result<Client, String> {
        let host = config.base_url.host();
        let new_limit_name = host == "api.openai.com" || host.ends_with(".openai.azure.com");
        Ok(Client {
            threads: Threads::new(config.max_concurrent + BESIDE),
            agent: agent(config)?,
            chat_url: config.base_url.join("/chat/completions"),
            models_url: config.base_url.join("/models"),
            deadlines: Deadlines::new(Limits {
                first_byte: config.first_byte_timeout,
                idle: config.idle_timeout,
                total: config.total_timeout,
            }),
            max_reply: config.max_reply_bytes,
            clock,
            quirks: Mutex::new(Quirks { stream_options: true, new_limit_name }),
        })
    }

    /// The very address that chats are sent to.
    pub fn chat_url(&self) -> &str {
        &self.chat_url
    }

    /// Asks, and tells what comes as it comes. After an error or an end by `stop`, what was told is all there is;
    /// ask the token for the reason.
    pub fn ask(
        &self,
        ask: &Ask<'_>,
        stop: &Stop,
        tell: &mut dyn FnMut(Heard<'_>),
    ) -> Result<Answer, UpstreamError> {
        stop.run(|| {
            let watch = self.deadlines.watch(stop);
            let outcome = self.send(ask, stop, &watch).and_then(|response| {
                watch.heard();
                answer::read(response, ask.key, self.max_reply, watch, tell)
            });
            match stop.reason() {
                Some(Reason::FirstByte | Reason::Idle | Reason::Total) if outcome.is_err() => {
                    Err(faults::timeout())
                }
                _ => outcome,
            }
        })
    }

    /// Sends the request. It is sent again only where the upstream refused it for an optional field, once each.
    #[inline(never)]
    fn send(&self, ask: &Ask<'_>, stop: &Stop, watch: &Watch) -> Result<Response<Body>, UpstreamError> {
        let mut learnt = Learnt::default();
        loop {
            let quirks = self.quirks();
            let (body, pictures) = body(ask, quirks).map_err(|_| faults::gibberish())?;
            let mut response = self.post(&body, ask.key, stop)?;
            if let Some(id) = call_id(&response) {
                let _ = ask.theirs.set(id);
            }
            drop(body);
            if response.status() == StatusCode::OK {
                return Ok(response);
            }
            watch.heard();
            let status = response.status().as_u16();
            let retry_after = retry_after(&response, self.clock.now());
            let reader = response.body_mut().with_config().limit(LONGEST_REFUSAL);
            let body = answer::unpacked(reader.read_to_vec().unwrap_or_default(), LONGEST_REFUSAL);
            let said = String::from_utf8_lossy(&body);
            if [400, 422].contains(&status) && self.learn(&said, ask, quirks, &mut learnt) {
                continue;
            }
            return Err(faults::refusal(
                &faults::Refusal { status, body: &body, retry_after, pictures },
                ask.key,
            ));
        }
    }

    fn post(&self, body: &[u8], key: &Secret, stop: &Stop) -> Result<Response<Body>, UpstreamError> {
        stop.check().map_err(|e| faults::io_fault(&e))?;
        self.agent
            .post(&self.chat_url)
            .header("Authorization", format!("Bearer {}", key.reveal()))
            .header("Content-Type", "application/json")
            .header("Accept", "text/event-stream, application/json")
            .send(body)
            .map_err(|e| faults::network(&e))
    }

    /// True when the refusal names an optional field that can be left out or renamed, and this call has not yet.
    fn learn(&self, refusal: &str, ask: &Ask<'_>, used: Quirks, learnt: &mut Learnt) -> bool {
        let mut quirks = self.quirks.lock().unwrap_or_else(PoisonError::into_inner);
        let limit = if used.new_limit_name { "max_completion_tokens" } else { "max_tokens" };
        if used.stream_options && refusal.contains("stream_options") {
            quirks.stream_options = false;
            return !std::mem::replace(&mut learnt.stream_options, true);
        }
        if ask.params.max_tokens.is_some() && !learnt.limit_name && refuses_name(refusal, limit) {
            quirks.new_limit_name = !used.new_limit_name;
            learnt.limit_name = true;
            return true;
        }
        false
    }

    fn quirks(&self) -> Quirks {
        *self.quirks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// True when a refusal is about the name of the field, not about what it was set to.
fn refuses_name(refusal: &str, field: &str) -> bool {
    const NAME: [&str; 9] = [
        "unsupported",
        "not support",
        "n't support",
        "instead",
        "unrecognized",
        "unknown",
        "unexpected",
        "not permitted",
        "not allowed",
    ];
    const VALUE: [&str; 11] = [
        "too large",
        "too high",
        "too small",
        "must be",
        "at least",
        "at most",
        "exceed",
        "maximum",
        "minimum",
        "less than",
        "greater than",
    ];
    let refusal = refusal.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| refusal.contains(word));
    refusal.contains(field) && (says(&NAME) || !says(&VALUE))
}

/// The request, and whether there are pictures in it.
fn body(ask: &Ask<'_>, quirks: Quirks) -> serde_json::Result<(Vec<u8>, bool)> {
    let limit = ask.params.max_tokens;
    let messages = (ask.messages)();
    let request = wire::Request {
        model: ask.model,
        messages: &messages,
        stream: true,
        stream_options: quirks.stream_options.then_some(wire::StreamOptions { include_usage: true }),
        temperature: ask.params.temperature,
        top_p: ask.params.top_p,
        max_tokens: limit.filter(|_| !quirks.new_limit_name),
        max_completion_tokens: limit.filter(|_| quirks.new_limit_name),
        reasoning_effort: ask.params.reasoning_effort.as_deref(),
    };
    let pictures = messages.iter().any(|message| matches!(message.content, Content::Parts(_)));
    Ok((serde_json::to_vec(&request)?, pictures))
}

fn agent(config: &config::Upstream) -> Result<Agent, String> {
    let mut tls = TlsConfig::builder();
    if let Some(path) = &config.ca_file {
        let pem = std::fs::read(path).map_err(|e| format!("upstream.ca_file {}: {e}", path.display()))?;
        let certificates: Vec<Certificate<'static>> = ureq::tls::parse_pem(&pem)
            .filter_map(|item| match item {
                Ok(PemItem::Certificate(certificate)) => Some(certificate),
                _ => None,
            })
            .collect();
        if certificates.is_empty() {
            return Err(format!("upstream.ca_file {} holds no certificate", path.display()));
        }
        tls = tls.root_certs(RootCerts::new_with_certs(&certificates));
    }
    let proxy = config.proxy.as_deref().map(Proxy::new).transpose();
    let settings = Agent::config_builder()
        .tls_config(tls.build())
        .proxy(proxy.map_err(|e| format!("upstream.proxy: {e}"))?)
        .user_agent(concat!("gpt-assistant/", env!("CARGO_PKG_VERSION")))
        .http_status_as_error(false)
        .max_redirects(0)
        .input_buffer_size(BUFFER_IN)
        .output_buffer_size(BUFFER_OUT)
        // What is larger than the buffer would look like a line that was cut.
        .max_response_header_size(BUFFER_IN - 1)
        .max_idle_connections(IDLE_CONNECTIONS)
        .max_idle_connections_per_host(IDLE_CONNECTIONS)
        .max_idle_age(IDLE_AGE)
        .timeout_resolve(Some(config.connect_timeout))
        .timeout_connect(Some(config.connect_timeout))
        .timeout_per_write(Some(WRITE))
        .build();
    Ok(Agent::with_parts(
        settings,
        ().chain(ConnectProxyConnector::default()).chain(transport::Tcp).chain(RustlsConnector::default()),
        resolve::Cached::default(),
    ))
}

/// How an upstream calls a call: what its own log and its support ask for. Only what is plainly a number or name.
fn call_id(response: &Response<Body>) -> Option<String> {
    let header = |name| response.headers().get(name)?.to_str().ok();
    let id = ["x-request-id", "request-id", "apim-request-id"].into_iter().find_map(header)?;
    let plain =
        id.len() <= LONGEST_ID && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b));
    (plain && !id.is_empty()).then(|| id.to_owned())
}

/// `Retry-After` in seconds or as a date, else `retry-after-ms`, rounded up and kept within an hour.
fn retry_after(response: &Response<Body>, now: i64) -> Option<u64> {
    let header = |name| response.headers().get(name)?.to_str().ok();
    let text = |value: &str| {
        value.trim().parse::<f64>().ok().filter(|s| *s >= 0.0).or_else(|| {
            let at = jiff::fmt::rfc2822::parse(value).ok()?.timestamp().as_second();
            Some(at.saturating_sub(now).max(0) as f64)
        })
    };
    let seconds = header("retry-after").and_then(text).or_else(|| {
        header("retry-after-ms").and_then(|ms| ms.trim().parse::<f64>().ok()).map(|ms| ms / 1000.0)
    })?;
    Some((seconds.ceil() as u64).clamp(1, 3600))
}
