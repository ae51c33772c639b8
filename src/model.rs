//! The words of the product as plain data.

use crate::text::estimate_tokens;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// An account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct UserId(pub i64);

/// A conversation, the tree that turns hang in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct ConversationId(pub i64);

/// A turn: one prompt and its response. Greater than its parent's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct TurnId(pub i64);

/// An import of conversations from elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct ImportId(pub i64);

/// A file that somebody sent with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct FileId(pub i64);

/// About what a turn or a conversation takes on the disk besides its text, in bytes. It counts as text does: of those that
/// say next to nothing there could be any number.
pub const ROW: usize = 256;

impl fmt::Display for TurnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Gives an enum of plain words its `as_str` and `parse`, which database and wire share.
macro_rules! words {
    ($name:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        impl $name {
            /// The word for it in the database and on the wire.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }

            /// The variant that `word` stands for.
            pub fn parse(word: &str) -> Option<$name> {
                match word { $($word => Some($name::$variant),)+ _ => None }
            }
        }
    };
}

/// What somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Looks after the server.
    Admin,
    /// Everybody else.
    User,
}

words!(Role { Admin = "admin", User = "user" });

/// Where a turn stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// The answer is running.
    Streaming,
    /// The model finished.
    Complete,
    /// Its owner stopped it.
    Stopped,
    /// A limit of this server cut it.
    Truncated,
    /// The upstream broke off, or this server ended; the text up to then is kept.
    Interrupted,
    /// Nothing came.
    Failed,
}

words!(Status {
    Streaming = "streaming",
    Complete = "complete",
    Stopped = "stopped",
    Truncated = "truncated",
    Interrupted = "interrupted",
    Failed = "failed",
});

/// What a file is to a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AttachmentKind {
    /// Looked at.
    Image,
    /// Read as part of the message.
    Text,
}

words!(AttachmentKind { Image = "image", Text = "text" });

/// A file that somebody sent with a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Its number.
    pub id: FileId,
    /// SHA-256 of its bytes, in hexadecimal: its name on the disk.
    pub sha256: String,
    /// What it is to a model.
    pub kind: AttachmentKind,
    /// As the person named it.
    pub name: String,
    /// Its media type.
    pub mime: String,
    /// Its size.
    pub bytes: i64,
    /// In pixels; 0 for text.
    pub width: u32,
    /// In pixels; 0 for text.
    pub height: u32,
    /// What it costs to send, estimated.
    pub tokens: i64,
}

/// Whose key paid for a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PaidBy {
    /// The person's own.
    Own,
    /// The server's.
    Shared,
}

words!(PaidBy { Own = "own", Shared = "shared" });

/// How the token counts came about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum UsageSource {
    /// The upstream counted.
    Measured,
    /// At least one number is our guess.
    Estimated,
    /// Nothing was used.
    #[default]
    None,
}

words!(UsageSource { Measured = "measured", Estimated = "estimated", None = "none" });

/// Tokens of a turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Of the whole prompt, context included.
    pub prompt: i64,
    /// Of the answer, reasoning included.
    pub completion: i64,
    /// Of the prompt, those the upstream had cached.
    pub cached: i64,
    /// Of the completion, those spent on reasoning.
    pub reasoning: i64,
    /// Measured or estimated.
    pub source: UsageSource,
}

impl Usage {
    /// Where nobody has measured: by what was sent, estimated before, and what came.
    pub fn estimated(prompt: i64, response: &str, reasoning: &str) -> Usage {
        let completion = estimate_tokens(response) + estimate_tokens(reasoning);
        Usage { prompt, completion, source: UsageSource::Estimated, ..Usage::default() }
    }

    /// Prompt and completion together.
    pub fn total(&self) -> i64 {
        self.prompt.saturating_add(self.completion)
    }
}

/// Why a turn has no whole answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// A stable word.
    pub code: String,
    /// A sentence for a person.
    pub message: String,
}

/// Settings of a request that are passed on to the model; what is `None` is not sent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Params {
    /// 0 to 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// Longest answer in tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    /// How hard a reasoning model thinks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning_effort: Option<String>,
}

/// Words for how hard a reasoning model thinks, of all services together.
const EFFORTS: [&str; 7] = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];

impl Params {
    /// What is out of its range: the field, and a sentence.
    pub fn faults(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let within = |value: Option<f64>, most: f64| value.is_none_or(|v| (0.0..=most).contains(&v));
        let tokens = self.max_tokens.is_none_or(|n| (1..=10_000_000).contains(&n));
        let effort = self.reasoning_effort.as_deref().is_none_or(|effort| EFFORTS.contains(&effort));
        [
            ("temperature", within(self.temperature, 2.0), "This must be a number from 0 to 2."),
            ("top_p", within(self.top_p, 1.0), "This must be a number from 0 to 1."),
            ("max_tokens", tokens, "This must be a whole number from 1 to 10000000."),
            ("reasoning_effort", effort, "This must be none, minimal, low, medium, high, xhigh or max."),
        ]
        .into_iter()
        .filter_map(|(field, good, sentence)| (!good).then_some((field, sentence)))
    }
}

/// A turn as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    /// Its number.
    pub id: TurnId,
    /// The conversation it is in.
    pub conversation: ConversationId,
    /// The turn it follows; `None` for a first one.
    pub parent: Option<TurnId>,
    /// The client's own name for the send.
    pub client_id: Option<String>,
    /// What the person wrote.
    pub prompt: String,
    /// The files with it. Lists that do not show them leave them out.
    pub attachments: Vec<Attachment>,
    /// What the model answered, in Markdown.
    pub response: String,
    /// What the model thought before it answered.
    pub reasoning: String,
    /// Bytes of reasoning when the response last began anew; 0: it never did.
    pub reset_at: usize,
    /// The model that was asked for.
    pub model: String,
    /// What else was asked for.
    pub params: Params,
    /// Where it stands.
    pub status: Status,
    /// The model's own word for why it ended.
    pub finish_reason: Option<String>,
    /// What went wrong, where something did.
    pub fault: Option<Fault>,
    /// Tokens.
    pub usage: Usage,
    /// Whose key paid.
    pub paid_by: PaidBy,
    /// Unix seconds.
    pub created: i64,
    /// Unix seconds; `None` while it runs.
    pub finished: Option<i64>,
}
