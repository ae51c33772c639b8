//! Messages and their answers: sent, followed, stopped, asked again, deleted.

use super::chat_form::{ChatForm, RetryForm};
use super::endpoint::{blocking, to_its_end, told};
use super::events::{self, Follow};
use super::reply;
use super::request::Call;
use super::route::{Access, Query, Response, Route, Run, Size, Verb, Waiting};
use super::wire::{self, TurnReply, UsageReply};
use crate::chat::{self, Answering, Ended, Found, Generation, Hears, Sent};
use crate::error::{Error, Result, UpstreamError, UpstreamKind};
use crate::model::{ConversationId, Fault, PaidBy, Status, Turn, TurnId};
use http::HeaderValue;
use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::oneshot::Sender;

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
        .or_gives(&[EVENTS])
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
        .gives_other(&[EVENTS])
        .query(&[ABOUT_AFTER, wire::ABOUT_RENDER])
        .about("Follows an answer from an offset (`Last-Event-ID` or `after`), also after it has ended."),
    Route::new::<TurnReply>(Verb::Post, "/api/chat/{id}/stop", Access::User, Run::Waiting(stop))
        .query(&[wire::ABOUT_RENDER, ABOUT_TZ])
        .about("Stops an answer and keeps what came. On one that has ended nothing changes."),
    Route::new::<ChatReply>(Verb::Post, "/api/chat/{id}/retry", Access::User, Run::Waiting(retry))
        .takes::<RetryForm>(Size::Messages)
        .query(&[wire::ABOUT_RENDER])
        .or_gives(&[EVENTS])
        .about("Asks again what was asked in a turn: a sibling with the same prompt. What is left out stays as it was.")
        .also(&[502, 503, 504]),
];

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

fn send(call: Call) -> Waiting {
    Box::pin(async move {
        let form: ChatForm = call.json()?;
        let stream = form.stream.unwrap_or(false);
        let message = form.message(&call)?;
        let (app, user) = (call.app.clone(), call.identity()?.user);
        let work = move |tell: Sender<_>| {
            chat::send(app, user, message, hears(stream), move |sent| drop(tell.send(sent)));
        };
        let sent = told(&call.app, work).await?;
        answer(call, sent, stream).await
    })
}

fn retry(call: Call) -> Waiting {
    Box::pin(async move {
        let form: RetryForm = if call.body.is_empty() { RetryForm::default() } else { call.json()? };
        let turn = call.id_at(0, TurnId)?;
        let stream = form.stream.unwrap_or(false);
        let with = form.message(turn, &call)?;
        let (app, user) = (call.app.clone(), call.identity()?.user);
        let work = move |tell: Sender<_>| {
            chat::retry(app, user, turn, with, hears(stream), move |sent| drop(tell.send(sent)));
        };
        let sent = told(&call.app, work).await?;
        answer(call, sent, stream).await
    })
}

fn hears(stream: bool) -> Hears {
    if stream { Hears::Begin } else { Hears::End }
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
        let follow = match blocking(move || chat::find(&app, user, id)).await? {
            Found::Running(generation) => Follow::running(call, generation, after).await?,
            Found::Ended(turn) => Follow::ended(call, *turn, after).await?,
        };
        Ok(events::reply(follow))
    })
}

fn stop(call: Call) -> Waiting {
    Box::pin(async move {
        let id = call.id_at(0, TurnId)?;
        let (app, user) = (call.app.clone(), call.identity()?.user);
        if let Some(generation) = blocking(move || chat::stop(&app, user, id)).await? {
            generation.wait_for_end().await;
        }
        blocking(move || turn(&call)).await
    })
}

fn delete(call: Call) -> Waiting {
    Box::pin(to_its_end(async move {
        let id = call.id_at(0, TurnId)?;
        let (app, user) = (call.app.clone(), call.identity()?.user);
        let running = blocking(move || chat::stop_subtree(&app, user, id)).await?;
        wire::wait_for_all(&running).await;
        let app = call.app.clone();
        blocking(move || app.store.delete_turn(user, id)).await?;
        reply::message("Deleted")
    }))
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
