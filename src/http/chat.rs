//! Messages and their answers: sent, followed, stopped, asked again, deleted.

use super::endpoint::blocking;
use super::events::{self, Follow};
use super::reply;
use super::request::{Call, nullable};
use super::route::{Access, Query, Response, Route, Run, Size, Verb, Waiting};
use super::wire::{self, TurnReply, UsageReply};
use crate::accounts::is_model_name;
use crate::chat::{self, Answering, Ended, Generation, Message, Sent};
use crate::error::{Error, Fields, Result, UpstreamError, UpstreamKind};
use crate::model::{ConversationId, Fault, PaidBy, Params, Status, Turn, TurnId};
use crate::store::Start;
use http::HeaderValue;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const LONGEST_CLIENT_ID: usize = 64;
const EFFORTS: [&str; 7] = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];
const EVENTS: &str = "text/event-stream";

const ABOUT_AFTER: Query = Query {
    name: "after",
    kind: "string",
    about: "Where to go on: bytes of the response, or of response and reasoning with a point between, as in the events' id.",
};
const ABOUT_LIMIT: Query = Query { name: "limit", kind: "integer", about: "1 to 200; 50 when left out." };
const ABOUT_BEFORE: Query =
    Query { name: "before", kind: "integer", about: "Only turns older than this one." };
const ABOUT_TZ: Query =
    Query { name: "tz", kind: "string", about: "Time zone of written times, such as Asia/Shanghai." };

/// The rows of this noun. The most used one comes first: it is found first.
pub const ROUTES: &[Route] = &[
    Route::new::<ChatReply>(Verb::Post, "/api/chat", Access::User, Run::Waiting(send))
        .takes::<ChatForm>(Size::Messages)
        .query(&[wire::ABOUT_RENDER])
        .about("Sends a message and answers with the reply, or with a stream of events when `stream` is true.")
        .also(&[404, 502, 503, 504]),
    Route::new::<Vec<HistoryReply>>(Verb::Get, "/api/chat/history", Access::User, Run::Blocking(history))
        .query(&[
            ABOUT_LIMIT,
            ABOUT_BEFORE,
            Query { name: "conversation_id", kind: "integer", about: "Only turns of this conversation." },
            Query { name: "q", kind: "string", about: "Only turns with these words." },
            ABOUT_TZ,
        ])
        .about("What was asked and answered, newest first. Failed turns are left out."),
    Route::new::<TurnReply>(Verb::Get, "/api/chat/{id}", Access::User, Run::Blocking(turn))
        .query(&[wire::ABOUT_RENDER, ABOUT_TZ])
        .about("A turn."),
    Route::new::<reply::MessageReply>(Verb::Delete, "/api/chat/{id}", Access::User, Run::Waiting(delete))
        .about("Deletes a turn and what follows it, for good. What runs is stopped first."),
    Route::new::<()>(Verb::Get, "/api/chat/{id}/events", Access::User, Run::Waiting(follow))
        .gives_other(EVENTS)
        .query(&[ABOUT_AFTER, wire::ABOUT_RENDER])
        .about("Follows an answer from an offset (`Last-Event-ID` or `after`), also after it has ended."),
    Route::new::<TurnReply>(Verb::Post, "/api/chat/{id}/stop", Access::User, Run::Waiting(stop))
        .about("Stops an answer and keeps what came. On one that has ended nothing changes."),
    Route::new::<ChatReply>(Verb::Post, "/api/chat/{id}/retry", Access::User, Run::Waiting(retry))
        .takes::<RetryForm>(Size::Messages)
        .query(&[wire::ABOUT_RENDER])
        .about("Asks again what was asked in a turn: a sibling with the same prompt. What is left out stays as it was.")
        .also(&[502, 503, 504]),
];

#[derive(Clone, Deserialize, Serialize, JsonSchema)]
struct ChatForm {
    /// What the person says.
    message: Option<String>,
    /// What the model is told first, for this message alone.
    system_prompt: Option<String>,
    model: Option<String>,
    /// Left out: a new one.
    conversation_id: Option<i64>,
    /// Left out: below the current turn. Null: a new root.
    #[serde(default, deserialize_with = "nullable")]
    parent_id: Option<Option<i64>>,
    /// The client's own name for this send (1 to 64 characters): sent again with it, it answers with the same turn.
    client_id: Option<String>,
    /// Answer with events.
    stream: Option<bool>,
    /// 0 to 2.
    temperature: Option<f64>,
    /// 0 to 1.
    top_p: Option<f64>,
    /// Longest answer in tokens.
    max_tokens: Option<i64>,
    /// How hard a reasoning model thinks: none, minimal, low, medium, high, xhigh or max.
    reasoning_effort: Option<String>,
    /// Numbers of files to go with the message.
    attachments: Option<Vec<i64>>,
}

#[derive(Clone, Deserialize, Serialize, JsonSchema)]
struct RetryForm {
    system_prompt: Option<String>,
    model: Option<String>,
    client_id: Option<String>,
    stream: Option<bool>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    max_tokens: Option<i64>,
    reasoning_effort: Option<String>,
}

/// The reply to a message.
#[derive(Serialize, JsonSchema)]
struct ChatReply {
    reply: String,
    usage: UsageReply,
    id: TurnId,
    conversation_id: ConversationId,
    parent_id: Option<TurnId>,
    model: String,
    status: Status,
    finish_reason: Option<String>,
    reasoning: String,
    /// What of the conversation went upstream; null when the send was answered before.
    context: Option<ContextReply>,
    paid_by: PaidBy,
    /// What a person should know: why the answer is not whole, or is empty.
    notice: Option<NoticeReply>,
}

/// How much of the conversation went upstream.
#[derive(Serialize, JsonSchema)]
struct ContextReply {
    /// Turns that did.
    turns: usize,
    /// Older ones that did not fit.
    dropped: usize,
}

/// A sentence and its stable word.
#[derive(Serialize, JsonSchema)]
struct NoticeReply {
    code: String,
    error: String,
}

/// A turn in the owner's form.
#[derive(Serialize, JsonSchema)]
struct HistoryReply {
    id: TurnId,
    prompt: String,
    response: String,
    created_at: String,
    created: i64,
    model: String,
    tokens: i64,
    usage: UsageReply,
    conversation_id: ConversationId,
    status: Status,
}

/// Checks what a form says beside the message.
fn params(form: &ChatForm, faults: &mut Fields) -> Params {
    let mut check = |name: &'static str, good: bool, sentence: &'static str| {
        if !good {
            faults.push((name.into(), sentence.into()));
        }
    };
    let within = |value: Option<f64>, most: f64| value.is_none_or(|v| (0.0..=most).contains(&v));
    check("temperature", within(form.temperature, 2.0), "This must be a number from 0 to 2.");
    check("top_p", within(form.top_p, 1.0), "This must be a number from 0 to 1.");
    let tokens = form.max_tokens.map(|n| u32::try_from(n).ok().filter(|n| *n > 0 && *n <= 10_000_000));
    check("max_tokens", tokens != Some(None), "This must be a whole number from 1 to 10000000.");
    let effort = form.reasoning_effort.as_deref();
    let known = effort.is_none_or(|effort| EFFORTS.contains(&effort));
    check("reasoning_effort", known, "This must be none, minimal, low, medium, high, xhigh or max.");
    check("model", form.model.as_deref().is_none_or(is_model_name), "This is not the name of a model.");
    let good_id = |id: &String| {
        let length = id.chars().count();
        (1..=LONGEST_CLIENT_ID).contains(&length) && !id.chars().any(char::is_control)
    };
    check("client_id", form.client_id.as_ref().is_none_or(good_id), "This must have 1 to 64 characters.");
    let none = form.attachments.as_ref().is_none_or(Vec::is_empty);
    check("attachments", none, "This server takes no files yet.");
    Params {
        temperature: form.temperature,
        top_p: form.top_p,
        max_tokens: tokens.flatten(),
        reasoning_effort: form.reasoning_effort.clone(),
    }
}

/// What a form says, checked.
fn message(form: ChatForm, call: &Call) -> Result<Message> {
    let longest = call.app.config.chat.max_message_chars;
    let mut faults = Fields::new();
    let params = params(&form, &mut faults);
    let text = form.message.as_deref().unwrap_or_default();
    let too_long = |text: &str| text.len() > longest && text.chars().count() > longest;
    if text.trim().is_empty() {
        faults.push(("message".into(), "A message is needed.".into()));
    } else if too_long(text) {
        faults.push(("message".into(), format!("A message has at most {longest} characters.").into()));
    } else if text.contains('\0') {
        faults
            .push(("message".into(), "The message holds a character that cannot be stored (U+0000).".into()));
    }
    if form.system_prompt.as_deref().is_some_and(|prompt| too_long(prompt) || prompt.contains('\0')) {
        faults.push((
            "system_prompt".into(),
            format!("A system prompt has at most {longest} characters.").into(),
        ));
    }
    if !faults.is_empty() {
        return Err(Error::Invalid(faults));
    }
    let client = client(&form)?;
    Ok(Message {
        request: call.id.clone(),
        conversation: form.conversation_id.map(ConversationId),
        start: match form.parent_id {
            None => Start::Current,
            Some(None) => Start::Root,
            Some(Some(parent)) => Start::Below(TurnId(parent)),
        },
        client,
        model: form.model,
        system_prompt: form.system_prompt,
        params,
        text: form.message.unwrap_or_default(),
    })
}

/// The client's name for a send, with the hash of all that makes it the same send.
fn client(form: &ChatForm) -> Result<Option<(String, String)>> {
    let Some(id) = form.client_id.clone() else {
        return Ok(None);
    };
    let same = ChatForm { client_id: None, stream: None, ..form.clone() };
    let body = serde_json::to_vec(&same).map_err(Error::internal)?;
    Ok(Some((id, chat::fingerprint(&body))))
}

fn send(call: Call) -> Waiting {
    Box::pin(async move {
        let form: ChatForm = call.json()?;
        let stream = form.stream.unwrap_or(false);
        let message = message(form, &call)?;
        let (app, user) = (call.app.clone(), call.identity()?.user);
        let sent = blocking(move || chat::send(&app, user, message)).await?;
        answer(call, sent, stream).await
    })
}

fn retry(call: Call) -> Waiting {
    Box::pin(async move {
        let form: RetryForm = if call.body.is_empty() {
            serde_json::from_str("{}").map_err(Error::internal)?
        } else {
            call.json()?
        };
        let turn = call.id_at(0, TurnId)?;
        let stream = form.stream.unwrap_or(false);
        let as_chat = ChatForm {
            // The turn's own message is used; this one only has to pass, and tells retries of other turns apart.
            message: Some(format!("retry {turn}")),
            system_prompt: form.system_prompt,
            model: form.model,
            conversation_id: None,
            parent_id: None,
            client_id: form.client_id,
            stream: None,
            temperature: form.temperature,
            top_p: form.top_p,
            max_tokens: form.max_tokens,
            reasoning_effort: form.reasoning_effort,
            attachments: None,
        };
        let with = message(as_chat, &call)?;
        let (app, user) = (call.app.clone(), call.identity()?.user);
        let sent = blocking(move || chat::retry(&app, user, turn, with)).await?;
        answer(call, sent, stream).await
    })
}

/// The answer, whole or as events. Both follow the same running answer.
async fn answer(call: Call, sent: Sent, stream: bool) -> Result<Response> {
    let again = sent.again;
    let mut response = match (sent.answering, stream) {
        (Answering::Running(generation), true) => {
            events::reply(Follow::running(call, generation, (0, 0)).await?)
        }
        (Answering::Running(generation), false) => whole(&call, &generation).await?,
        (Answering::Ended(turn), stream) => {
            let (app, user) = (call.app.clone(), call.identity()?.user);
            let turn = blocking(move || chat::turn(&app, user, turn)).await?;
            if stream {
                events::reply(Follow::ended(call, turn, (0, 0)).await?)
            } else {
                stored(&call, turn)?
            }
        }
    };
    if again {
        response.headers_mut().insert("idempotent-replay", HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// Waits for the end. Where nothing came, the reply is the fault, with turn and conversation named.
async fn whole(call: &Call, generation: &Generation) -> Result<Response> {
    let ended = generation.wait_for_end().await;
    let (Some(ended), Some(place)) = (ended, generation.place()) else {
        let error = Error::Storage("the end of the answer could not be written yet".into());
        let about = generation.place().map(|place| (place.turn.0, place.conversation.0));
        return Ok(reply::error(&error, &call.id, about));
    };
    let about = (place.turn.0, place.conversation.0);
    if ended.status == Status::Failed {
        return Ok(reply::error(&failure(&ended), &call.id, Some(about)));
    }
    let (reply, reasoning) = generation.texts();
    reply::json(&ChatReply {
        reply,
        usage: UsageReply::from(&ended.usage),
        id: place.turn,
        conversation_id: place.conversation,
        parent_id: place.parent,
        model: generation.model.clone(),
        status: ended.status,
        finish_reason: ended.finish_reason,
        reasoning,
        context: Some(ContextReply { turns: place.path.turns, dropped: place.path.dropped }),
        paid_by: generation.paid_by,
        notice: ended.fault.map(notice),
    })
}

/// The reply to a send that was answered before.
fn stored(call: &Call, turn: Turn) -> Result<Response> {
    if turn.status == Status::Failed {
        let ended = Ended {
            status: turn.status,
            finish_reason: None,
            fault: turn.fault,
            retry_after: None,
            usage: turn.usage,
        };
        return Ok(reply::error(&failure(&ended), &call.id, Some((turn.id.0, turn.conversation.0))));
    }
    reply::json(&ChatReply {
        reply: turn.response,
        usage: UsageReply::from(&turn.usage),
        id: turn.id,
        conversation_id: turn.conversation,
        parent_id: turn.parent,
        model: turn.model,
        status: turn.status,
        finish_reason: turn.finish_reason,
        reasoning: turn.reasoning,
        context: None,
        paid_by: turn.paid_by,
        notice: turn.fault.map(notice),
    })
}

fn notice(fault: Fault) -> NoticeReply {
    NoticeReply { code: fault.code, error: fault.message }
}

/// The error of an answer of which nothing came.
fn failure(ended: &Ended) -> Error {
    let (code, message) =
        ended.fault.as_ref().map_or(("", ""), |fault| (fault.code.as_str(), fault.message.as_str()));
    match code {
        "server_stopping" => Error::Draining,
        "account_ended" => Error::Unauthenticated,
        code => {
            let kind = UpstreamKind::parse(code).unwrap_or(UpstreamKind::BadResponse);
            Error::Upstream(UpstreamError {
                kind,
                message: message.to_owned(),
                retry_after: ended.retry_after,
            })
        }
    }
}

fn follow(call: Call) -> Waiting {
    Box::pin(async move {
        let id = call.id_at(0, TurnId)?;
        let after = events::offsets(&call)?;
        let (app, user) = (call.app.clone(), call.identity()?.user);
        // Looked for before the row is read: an answer that ends in between is found in the row.
        if let Some(generation) = app.answers.find(user, id) {
            return Ok(events::reply(Follow::running(call, generation, after).await?));
        }
        let turn = blocking(move || app.store.turn(user, id)).await?;
        Ok(events::reply(Follow::ended(call, turn, after).await?))
    })
}

fn stop(call: Call) -> Waiting {
    Box::pin(async move {
        let id = call.id_at(0, TurnId)?;
        let (app, user) = (call.app.clone(), call.identity()?.user);
        if let Some(generation) = blocking(move || chat::stop(&app, user, id)).await? {
            generation.wait_for_end().await;
        }
        let app = call.app.clone();
        let turn = blocking(move || chat::turn(&app, user, id)).await?;
        reply::json(&TurnReply::new(turn, &call.zone, call.html))
    })
}

fn delete(call: Call) -> Waiting {
    Box::pin(async move {
        let id = call.id_at(0, TurnId)?;
        let (app, user) = (call.app.clone(), call.identity()?.user);
        let running = blocking(move || chat::stop_subtree(&app, user, id)).await?;
        wire::wait_for_all(&running).await;
        let app = call.app.clone();
        blocking(move || app.store.delete_turn(user, id)).await?;
        reply::message("Deleted")
    })
}

fn turn(call: &Call) -> Result<Response> {
    let turn = chat::turn(&call.app, call.identity()?.user, call.id_at(0, TurnId)?)?;
    reply::json(&TurnReply::new(turn, &call.zone, call.html))
}

fn history(call: &Call) -> Result<Response> {
    let limit = call.number_param("limit", 1..=200, 50)?;
    let conversation = call.id_param("conversation_id", ConversationId)?;
    let (zone, user) = (&call.zone, call.identity()?.user);
    let mut turns =
        call.app.store.history(user, call.before()?, conversation, call.param("q"), limit as usize)?;
    chat::fill_running(&call.app, user, &mut turns);
    let all: Vec<HistoryReply> = turns
        .into_iter()
        .map(|turn| HistoryReply {
            id: turn.id,
            created_at: zone.stamp(turn.created),
            created: turn.created,
            tokens: turn.usage.total(),
            usage: UsageReply::from(&turn.usage),
            prompt: turn.prompt,
            response: turn.response,
            model: turn.model,
            conversation_id: turn.conversation,
            status: turn.status,
        })
        .collect();
    reply::json(&all)
}
