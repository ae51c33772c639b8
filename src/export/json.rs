//! Our own shape, which holds everything and can be imported without loss.

use super::{Files, Inline};
use crate::model::{AttachmentKind, ConversationId, PaidBy, Params, Status, Turn, TurnId, UsageSource};
use crate::store::{Conversation, User};
use serde::Serialize;

/// What an archive of an account says of it.
#[derive(Serialize)]
pub struct Account<'a> {
    format: &'static str,
    version: u32,
    program: &'static str,
    exported: i64,
    name: &'a str,
    email: &'a str,
    created: i64,
    default_model: Option<&'a str>,
    system_prompt: Option<&'a str>,
    tokens_total: i64,
}

/// A conversation and all its turns.
#[derive(Serialize)]
pub struct Document<'a> {
    format: &'static str,
    version: u32,
    conversation: About<'a>,
    turns: Vec<Said<'a>>,
}

#[derive(Serialize)]
struct About<'a> {
    id: ConversationId,
    title: &'a str,
    model: Option<&'a str>,
    system_prompt: Option<&'a str>,
    params: &'a Params,
    current_turn_id: Option<TurnId>,
    pinned: bool,
    archived: bool,
    created: i64,
    updated: i64,
    deleted: Option<i64>,
}

#[derive(Serialize)]
struct Said<'a> {
    id: TurnId,
    parent_id: Option<TurnId>,
    prompt: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attachments: Vec<File<'a>>,
    response: &'a str,
    reasoning: &'a str,
    model: &'a str,
    params: &'a Params,
    status: Status,
    finish_reason: Option<&'a str>,
    error: Option<&'a str>,
    error_code: Option<&'a str>,
    usage: Usage,
    paid_by: PaidBy,
    created: i64,
    finished: Option<i64>,
}

#[derive(Serialize)]
struct File<'a> {
    name: &'a str,
    kind: AttachmentKind,
    mime: &'a str,
    url: Inline<'a>,
}

#[derive(Serialize)]
struct Usage {
    prompt_tokens: i64,
    completion_tokens: i64,
    total_tokens: i64,
    cached_tokens: i64,
    reasoning_tokens: i64,
    source: UsageSource,
}

/// An account at the time `exported`, in Unix seconds.
pub fn account(user: &User, exported: i64) -> Account<'_> {
    Account {
        format: "gpt-assistant account",
        version: 1,
        program: env!("CARGO_PKG_VERSION"),
        exported,
        name: &user.name,
        email: &user.email,
        created: user.created,
        default_model: user.default_model.as_deref(),
        system_prompt: user.system_prompt.as_deref(),
        tokens_total: user.tokens_total,
    }
}

/// A conversation with all its branches.
pub fn conversation<'a>(conversation: &'a Conversation, turns: &'a [Turn], files: Files<'a>) -> Document<'a> {
    Document {
        format: "gpt-assistant conversation",
        version: 1,
        conversation: About {
            id: conversation.id,
            title: &conversation.title,
            model: conversation.model.as_deref(),
            system_prompt: conversation.system_prompt.as_deref(),
            params: &conversation.params,
            current_turn_id: conversation.current,
            pinned: conversation.pinned,
            archived: conversation.archived,
            created: conversation.created,
            updated: conversation.updated,
            deleted: conversation.deleted,
        },
        turns: turns.iter().map(|turn| said(turn, files)).collect(),
    }
}

fn said<'a>(turn: &'a Turn, files: Files<'a>) -> Said<'a> {
    Said {
        id: turn.id,
        parent_id: turn.parent,
        prompt: &turn.prompt,
        attachments: turn
            .attachments
            .iter()
            .map(|file| File {
                name: &file.name,
                kind: file.kind,
                mime: &file.mime,
                url: Inline { files, file },
            })
            .collect(),
        response: &turn.response,
        reasoning: &turn.reasoning,
        model: &turn.model,
        params: &turn.params,
        status: turn.status,
        finish_reason: turn.finish_reason.as_deref(),
        error: turn.fault.as_ref().map(|fault| fault.message.as_str()),
        error_code: turn.fault.as_ref().map(|fault| fault.code.as_str()),
        usage: Usage {
            prompt_tokens: turn.usage.prompt,
            completion_tokens: turn.usage.completion,
            total_tokens: turn.usage.total(),
            cached_tokens: turn.usage.cached,
            reasoning_tokens: turn.usage.reasoning,
            source: turn.usage.source,
        },
        paid_by: turn.paid_by,
        created: turn.created,
        finished: turn.finished,
    }
}
