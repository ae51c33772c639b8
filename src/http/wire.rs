//! Shapes that several nouns share on the wire.

use super::route::Query;
use crate::calendar::Zone;
use crate::chat::Generation;
use crate::error::{Error, Fields, Result};
use crate::model::{
    self, Attachment, AttachmentKind, ConversationId, FileId, PaidBy, Params, Status, Turn, TurnId,
    UsageSource,
};
use crate::render;
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::Arc;

const MISSING: &str = "This is needed.";

/// For routes that give turns.
pub const ABOUT_RENDER: Query = Query { name: "render", kind: "string", about: "`html` adds rendered text." };

/// A value that must be there.
pub fn needed<T>(name: &'static str, value: Option<T>) -> Result<T> {
    value.ok_or_else(|| Error::field(name, MISSING))
}

/// Two values that must be there; both are named when both are missing.
pub fn both_needed<A, B>(a: (&'static str, Option<A>), b: (&'static str, Option<B>)) -> Result<(A, B)> {
    match (a.1, b.1) {
        (Some(a), Some(b)) => Ok((a, b)),
        (left, right) => {
            let missing = [(a.0, left.is_none()), (b.0, right.is_none())];
            let fields = missing.into_iter().filter(|(_, missing)| *missing);
            Err(Error::Invalid(fields.map(|(name, _)| (name.into(), MISSING.into())).collect::<Fields>()))
        }
    }
}

/// An empty text is as good as none.
pub fn none_if_empty(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty())
}

/// Waits for answers that were stopped.
pub async fn wait_for_all(running: &[Arc<Generation>]) {
    for generation in running {
        generation.wait_for_end().await;
    }
}

/// Tokens of an answer.
#[derive(Serialize, JsonSchema)]
pub struct UsageReply {
    prompt_tokens: i64,
    completion_tokens: i64,
    total_tokens: i64,
    /// Of the prompt, those the upstream had cached.
    cached_tokens: i64,
    /// Of the completion, those spent on reasoning.
    reasoning_tokens: i64,
    source: UsageSource,
}

impl From<&model::Usage> for UsageReply {
    fn from(usage: &model::Usage) -> UsageReply {
        UsageReply {
            prompt_tokens: usage.prompt,
            completion_tokens: usage.completion,
            total_tokens: usage.total(),
            cached_tokens: usage.cached,
            reasoning_tokens: usage.reasoning,
            source: usage.source,
        }
    }
}

/// What the model is asked for beside the words.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct ParamsReply {
    temperature: Option<f64>,
    top_p: Option<f64>,
    max_tokens: Option<u32>,
    reasoning_effort: Option<String>,
}

impl From<&Params> for ParamsReply {
    fn from(params: &Params) -> ParamsReply {
        ParamsReply {
            temperature: params.temperature,
            top_p: params.top_p,
            max_tokens: params.max_tokens,
            reasoning_effort: params.reasoning_effort.clone(),
        }
    }
}

/// A file that goes with a message.
#[derive(Serialize, JsonSchema)]
pub struct FileReply {
    id: FileId,
    kind: AttachmentKind,
    name: String,
    mime: String,
    /// In pixels; null for text.
    width: Option<u32>,
    /// In pixels; null for text.
    height: Option<u32>,
    bytes: i64,
    /// What it costs to send, estimated.
    tokens: i64,
}

impl From<Attachment> for FileReply {
    fn from(file: Attachment) -> FileReply {
        let pixels = |side: u32| (file.kind == AttachmentKind::Image).then_some(side);
        FileReply {
            id: file.id,
            kind: file.kind,
            width: pixels(file.width),
            height: pixels(file.height),
            name: file.name,
            mime: file.mime,
            bytes: file.bytes,
            tokens: file.tokens,
        }
    }
}

/// A turn: one prompt and its response.
#[derive(Serialize, JsonSchema)]
pub struct TurnReply {
    id: TurnId,
    conversation_id: ConversationId,
    parent_id: Option<TurnId>,
    prompt: String,
    /// Markdown; while the answer runs, what has come so far.
    response: String,
    reasoning: String,
    /// Only with `render=html`.
    #[serde(skip_serializing_if = "Option::is_none")]
    response_html: Option<String>,
    /// Only with `render=html`.
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_html: Option<String>,
    model: String,
    params: ParamsReply,
    status: Status,
    finish_reason: Option<String>,
    /// What went wrong, or what a person should know about an empty answer.
    error: Option<String>,
    /// The stable word for `error`.
    error_code: Option<String>,
    usage: UsageReply,
    /// Prompt and completion together.
    tokens: i64,
    paid_by: PaidBy,
    /// The files with the prompt.
    attachments: Vec<FileReply>,
    client_id: Option<String>,
    created_at: String,
    created: i64,
    /// Unix seconds; null while the answer runs.
    finished: Option<i64>,
}

impl TurnReply {
    /// With times written in `zone`, and rendered text if that is wanted.
    pub fn new(turn: Turn, zone: &Zone, html: bool) -> TurnReply {
        let (error, error_code) = turn.fault.map(|fault| (fault.message, fault.code)).unzip();
        TurnReply {
            id: turn.id,
            conversation_id: turn.conversation,
            parent_id: turn.parent,
            prompt: turn.prompt,
            response_html: html.then(|| render::html(&turn.response)),
            reasoning_html: html.then(|| render::html(&turn.reasoning)),
            response: turn.response,
            reasoning: turn.reasoning,
            model: turn.model,
            params: ParamsReply::from(&turn.params),
            status: turn.status,
            finish_reason: turn.finish_reason,
            error,
            error_code,
            tokens: turn.usage.total(),
            usage: UsageReply::from(&turn.usage),
            paid_by: turn.paid_by,
            attachments: turn.attachments.into_iter().map(FileReply::from).collect(),
            client_id: turn.client_id,
            created_at: zone.stamp(turn.created),
            created: turn.created,
            finished: turn.finished,
        }
    }
}
