//! The model service, asked as a chat would ask it, and the bucket for pictures.

use super::{Finding, Tell, Visit, fail, ok, warn};
use crate::error::{UpstreamError, UpstreamKind};
use crate::model::Params;
use crate::oss::{Oss, Trial};
use crate::settings::Settings;
use crate::upstream::{Answer, Ask, Client, Content, Message, Model};
use std::time::{Duration, Instant};

/// A person waits for this: shorter than what a chat may take.
const FIRST_BYTE: Duration = Duration::from_secs(60);
const WHOLE: Duration = Duration::from_secs(120);
/// Tokens of the one answer that is asked for.
const SHORT: u32 = 64;
const QUESTION: &str = "Count from one to twenty in words.";
/// An answer that took at least so long shows whether it came bit by bit.
const TELLING: Duration = Duration::from_secs(1);

/// Asks for the list of models, and with a shared key for one short answer. Gives the service's clock and ours.
pub fn look(visit: &Visit, settings: &Settings, tell: Tell<'_>) -> Option<(i64, i64)> {
    let mut config = visit.config.upstream.clone();
    config.first_byte_timeout = config.first_byte_timeout.min(FIRST_BYTE);
    config.total_timeout = config.total_timeout.min(WHOLE);
    let client = match Client::new(&config, visit.clock.clone()) {
        Ok(client) => client,
        Err(said) => {
            tell(fail("model service", said, "correct the configuration"));
            return None;
        }
    };
    tell(ok("model service", format!("chats are sent to {}", client.chat_url())));
    let key = &settings.shared_key;
    let probe = client.probe(key);
    let clocks = probe.date.map(|theirs| (theirs, visit.clock.now()));
    match &probe.models {
        Ok(models) => {
            tell(ok("models", format!("{} are listed", models.len())));
            listed(models, settings, tell);
        }
        Err(fault) if key.is_empty() && fault.kind == UpstreamKind::KeyRejected => {
            tell(ok("models", "the service answers, and wants a key to list them"));
        }
        Err(fault) if no_list(fault) => tell(warn(
            "models",
            format!("the service has no list of them ({})", fault.message),
            "name those that people may choose in upstream.models",
        )),
        Err(fault) => {
            tell(faulty("models", fault));
            return clocks;
        }
    }
    if key.is_empty() {
        tell(ok("answer", "not tried: there is no shared key, and people use their own"));
    } else {
        tell(answer(&client, settings));
    }
    clocks
}

fn no_list(fault: &UpstreamError) -> bool {
    matches!(fault.kind, UpstreamKind::ModelNotFound | UpstreamKind::Rejected | UpstreamKind::Refused)
}

fn listed(models: &[Model], settings: &Settings, tell: Tell<'_>) {
    let known = |name: &String| models.iter().any(|model| model.id == *name);
    let wanted = std::iter::once(&settings.default_model).chain(&settings.models);
    let missing: Vec<&str> = wanted.filter(|name| !known(name)).map(String::as_str).collect();
    if !missing.is_empty() && !models.is_empty() {
        let some: Vec<&str> = models.iter().take(3).map(|model| model.id.as_str()).collect();
        tell(warn(
            "models",
            format!("not listed: {}", missing.join(", ")),
            format!("set upstream.default_model (and upstream.models) to such as {}", some.join(", ")),
        ));
    }
}

/// One short answer, as a chat asks for it. It costs a few tokens.
fn answer(client: &Client, settings: &Settings) -> Finding {
    let messages = || vec![Message { role: "user", content: Content::Text(QUESTION.into()) }];
    let params = Params { max_tokens: Some(SHORT), ..Params::default() };
    let model = settings.default_model.as_str();
    let theirs = Default::default();
    let ask = Ask { key: &settings.shared_key, model, messages: &messages, params: &params, theirs: &theirs };
    let (began, mut first) = (Instant::now(), None);
    let outcome = client.ask(&ask, &Default::default(), &mut |_| {
        first.get_or_insert_with(|| began.elapsed());
    });
    match outcome {
        Err(fault) => faulty("answer", &fault),
        Ok(answer) => came(model, &answer, first, began.elapsed()),
    }
}

fn came(model: &str, answer: &Answer, first: Option<Duration>, whole: Duration) -> Finding {
    let seconds = |time: Duration| format!("{:.1} s", time.as_secs_f64());
    let counted =
        if answer.prompt_tokens.is_some() { "" } else { "; it counts no tokens, so they are estimated" };
    match first {
        None => warn(
            "answer",
            format!("{model} gave an empty answer after {}", seconds(whole)),
            "try another upstream.default_model",
        ),
        // All at once behind a wait: somebody kept it until it was whole.
        Some(first) if whole >= TELLING && whole - first < whole / 20 => warn(
            "answer",
            format!("{model} answered in one piece after {}: people will not see it grow", seconds(whole)),
            "switch off buffering in what stands between this server and the model service",
        ),
        Some(first) => ok(
            "answer",
            format!("{model} began after {} and was done after {}{counted}", seconds(first), seconds(whole)),
        ),
    }
}

fn faulty(about: &'static str, fault: &UpstreamError) -> Finding {
    let todo = match fault.kind {
        UpstreamKind::KeyRejected => {
            "set a good upstream.api_key, or the shared key on the page's administration"
        }
        UpstreamKind::Quota => "see to the account behind the shared key",
        UpstreamKind::Tls => {
            "check upstream.base_url; the authority of a private service goes into upstream.ca_file"
        }
        UpstreamKind::Unreachable | UpstreamKind::Timeout => {
            "check upstream.base_url, name service, firewall and upstream.proxy; try the address with curl -v"
        }
        UpstreamKind::ModelNotFound => "set upstream.default_model to one that the service has",
        UpstreamKind::Redirect | UpstreamKind::BadResponse => {
            "check upstream.base_url: it should end with /v1 or the like"
        }
        UpstreamKind::RateLimited => "wait, and run this again",
        _ => "look into the model service's own log",
    };
    fail(about, &fault.message, todo)
}

/// The bucket refuses an empty picture, but only after it has looked at the signature: nothing is stored.
pub fn bucket(visit: &Visit, tell: Tell<'_>) {
    let Some(oss) = Oss::new(&visit.config.oss) else { return };
    match oss.trial(visit.clock.now()) {
        Trial::Accepted => tell(ok("oss", "the bucket takes our signature")),
        Trial::Unreachable(why) => {
            tell(fail(
                "oss",
                format!("the bucket cannot be reached: {why}"),
                "check oss.bucket, oss.region and oss.endpoint",
            ));
        }
        Trial::Refused(code) => {
            let todo = match code.as_str() {
                "NoSuchBucket" => "check oss.bucket, oss.region and oss.endpoint",
                "RequestTimeTooSkewed" => "set the clock",
                _ => {
                    "check oss.access_key_id, oss.access_key_secret and what the account may do (oss:PutObject)"
                }
            };
            tell(fail("oss", format!("the bucket refused the signature: {code}"), todo));
        }
    }
}
