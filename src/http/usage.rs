//! Statistics and search.

use super::reply;
use super::request::Call;
use super::route::{Access, Query, Response, Route, Run, Verb};
use crate::error::{Error, Result};
use crate::model::{ConversationId, TurnId};
use crate::search::{self, Field};
use crate::{usage, usage::Day};
use schemars::JsonSchema;
use serde::Serialize;

const ABOUT_TZ: Query = Query { name: "tz", kind: "string", about: "Time zone, such as Asia/Shanghai." };

/// The rows of these nouns.
pub const ROUTES: &[Route] = &[
    Route::new::<UsageReport>(Verb::Get, "/api/stat/token-usage", Access::User, Run::Blocking(token_usage))
        .query(&[
            Query { name: "days", kind: "integer", about: "Calendar days, 1 to 366; 30 when left out." },
            Query { name: "by", kind: "string", about: "`model` adds the models." },
            ABOUT_TZ,
        ])
        .about("Tokens by day, for days that have usage, ascending; `total` is of all time."),
    Route::new::<SearchReply>(Verb::Get, "/api/search", Access::User, Run::Blocking(find))
        .query(&[
            Query {
                name: "q",
                kind: "string",
                about: "Words; all must be there. Chinese from one character on.",
            },
            Query { name: "limit", kind: "integer", about: "1 to 100; 20 when left out." },
            Query { name: "before", kind: "string", about: "The `next` of the page before." },
            ABOUT_TZ,
        ])
        .about("Finds what one wrote or got, newest first."),
];

/// What was used.
#[derive(Serialize, JsonSchema)]
struct UsageReport {
    days: Vec<DayReply>,
    /// Tokens of all time.
    total: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    models: Option<Vec<ModelUseReply>>,
}

/// A day on which something was used.
#[derive(Serialize, JsonSchema)]
struct DayReply {
    day: String,
    total_tokens: i64,
    prompt_tokens: i64,
    completion_tokens: i64,
    requests: i64,
    /// Of the tokens, those that are a guess.
    estimated_tokens: i64,
    /// Of the tokens, those on the person's own key.
    own_tokens: i64,
}

/// What was used of a model.
#[derive(Serialize, JsonSchema)]
struct ModelUseReply {
    model: String,
    total_tokens: i64,
    prompt_tokens: i64,
    completion_tokens: i64,
    requests: i64,
}

/// What was found.
#[derive(Serialize, JsonSchema)]
struct SearchReply {
    results: Vec<HitReply>,
    next: Option<String>,
}

/// A place that was found. Text and ranges, no HTML.
#[derive(Serialize, JsonSchema)]
struct HitReply {
    turn_id: TurnId,
    conversation_id: ConversationId,
    title: String,
    /// `prompt` or `response`.
    field: &'static str,
    snippet: String,
    /// Ranges of UTF-16 units in the snippet, as JavaScript counts.
    marks: Vec<[usize; 2]>,
    created_at: String,
    created: i64,
}

fn day_reply(day: Day) -> DayReply {
    DayReply {
        day: day.day,
        total_tokens: day.totals.total(),
        prompt_tokens: day.totals.prompt,
        completion_tokens: day.totals.completion,
        requests: day.totals.requests,
        estimated_tokens: day.totals.estimated,
        own_tokens: day.totals.own,
    }
}

fn token_usage(call: &Call) -> Result<Response> {
    let days = call.number_param("days", 1..=366, 30)?;
    let by_model = match call.param("by") {
        None => false,
        Some("model") => true,
        Some(_) => return Err(Error::field("by", "This can only be model.")),
    };
    let report = usage::report(&call.app, call.identity()?.user, &call.zone, days, by_model)?;
    reply::json(&UsageReport {
        days: report.days.into_iter().map(day_reply).collect(),
        total: report.total,
        models: report.models.map(|models| {
            let reply = |used: crate::store::ModelUsage| ModelUseReply {
                total_tokens: used.totals.total(),
                prompt_tokens: used.totals.prompt,
                completion_tokens: used.totals.completion,
                requests: used.totals.requests,
                model: used.model,
            };
            models.into_iter().map(reply).collect()
        }),
    })
}

fn find(call: &Call) -> Result<Response> {
    let limit = call.number_param("limit", 1..=100, 20)? as usize;
    let (zone, user) = (&call.zone, call.identity()?.user);
    let query = call.param("q").unwrap_or_default();
    let (hits, more) = search::search(&call.app, user, query, call.before()?, limit)?;
    let next = hits.last().map(|hit| hit.turn.to_string()).filter(|_| more);
    let results = hits
        .into_iter()
        .map(|hit| HitReply {
            turn_id: hit.turn,
            conversation_id: hit.conversation,
            title: hit.title,
            field: match hit.field {
                Field::Prompt => "prompt",
                Field::Response => "response",
            },
            snippet: hit.snippet,
            marks: hit.marks,
            created_at: zone.stamp(hit.created),
            created: hit.created,
        })
        .collect();
    reply::json(&SearchReply { results, next })
}
