//! Conversations: listed, opened, changed, thrown away.

use super::endpoint::{blocking, to_its_end};
use super::reply;
use super::request::{Call, nullable};
use super::route::{Access, Query, Response, Route, Run, Size, Verb, Waiting};
use super::wire::{self, ParamsReply, TurnReply};
use crate::error::{Error, Result};
use crate::model::{ConversationId, Params, TurnId};
use crate::store::{Conversation, ConversationChange, Listing};
use crate::{chat, conversations};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const ABOUT_BEFORE: Query = Query { name: "before", kind: "string", about: "The `next` of the page before." };

/// The rows of this noun.
pub const ROUTES: &[Route] = &[
    Route::new::<ListReply>(Verb::Get, "/api/conversations", Access::User, Run::Blocking(list))
        .query(&[
            Query { name: "limit", kind: "integer", about: "1 to 200; 50 when left out." },
            ABOUT_BEFORE,
            Query { name: "archived", kind: "boolean", about: "The archived ones instead." },
            Query { name: "trash", kind: "boolean", about: "Those in the trash instead." },
            Query { name: "q", kind: "string", about: "Only those with these words in title or turns." },
        ])
        .about("Pinned first, then newest change first."),
    Route::new::<ConversationReply>(Verb::Post, "/api/conversations", Access::User, Run::Blocking(create))
        .takes::<ConversationForm>(Size::Messages)
        .about("Makes a conversation without turns."),
    Route::new::<OpenReply>(Verb::Get, "/api/conversations/{id}", Access::User, Run::Blocking(open))
        .query(&[
            wire::ABOUT_RENDER,
            ABOUT_BEFORE,
            Query { name: "tz", kind: "string", about: "Time zone of written times." },
        ])
        .about("A conversation with its newest 200 turns, ascending; older ones with `before`."),
    Route::new::<ConversationReply>(
        Verb::Patch,
        "/api/conversations/{id}",
        Access::User,
        Run::Blocking(update),
    )
    .takes::<ConversationForm>(Size::Messages)
    .about("Changes a conversation; null empties, what is left out stays."),
    Route::new::<reply::MessageReply>(
        Verb::Delete,
        "/api/conversations/{id}",
        Access::User,
        Run::Waiting(delete),
    )
    .query(&[Query { name: "permanent", kind: "boolean", about: "For good, instead of to the trash." }])
    .about("Puts a conversation in the trash; a running answer goes on. For good: it is stopped first."),
    Route::new::<ConversationReply>(
        Verb::Post,
        "/api/conversations/{id}/restore",
        Access::User,
        Run::Blocking(restore),
    )
    .about("Takes a conversation out of the trash."),
];

#[derive(Deserialize, JsonSchema)]
struct ConversationForm {
    title: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    model: Option<Option<String>>,
    #[serde(default, deserialize_with = "nullable")]
    system_prompt: Option<Option<String>>,
    /// Temperature and the like for its next turns.
    params: Option<ParamsForm>,
    pinned: Option<bool>,
    archived: Option<bool>,
    /// Where the next message goes.
    current_turn_id: Option<i64>,
}

#[derive(Deserialize, JsonSchema)]
struct ParamsForm {
    temperature: Option<f64>,
    top_p: Option<f64>,
    max_tokens: Option<u32>,
    reasoning_effort: Option<String>,
}

/// A page of conversations.
#[derive(Serialize, JsonSchema)]
struct ListReply {
    conversations: Vec<ConversationReply>,
    next: Option<String>,
}

/// A conversation without its turns.
#[derive(Serialize, JsonSchema)]
struct ConversationReply {
    id: ConversationId,
    title: String,
    model: Option<String>,
    system_prompt: Option<String>,
    params: ParamsReply,
    current_turn_id: Option<TurnId>,
    pinned: bool,
    archived: bool,
    /// An answer of it is running.
    running: bool,
    created_at: String,
    created: i64,
    updated_at: String,
    updated: i64,
    /// In the trash since then, in Unix seconds.
    deleted: Option<i64>,
}

/// A conversation with turns.
#[derive(Serialize, JsonSchema)]
struct OpenReply {
    #[serde(flatten)]
    conversation: ConversationReply,
    turns: Vec<TurnReply>,
    next: Option<String>,
}

impl ConversationForm {
    fn change(self) -> Result<ConversationChange> {
        let params = self.params.map(|p| Params {
            temperature: p.temperature,
            top_p: p.top_p,
            max_tokens: p.max_tokens,
            reasoning_effort: p.reasoning_effort,
        });
        Ok(ConversationChange {
            title: self.title,
            model: self.model.map(wire::none_if_empty),
            system_prompt: self.system_prompt,
            params,
            pinned: self.pinned,
            archived: self.archived,
            current: self.current_turn_id.map(TurnId),
        })
    }
}

fn conversation_reply(call: &Call, conversation: Conversation) -> Result<ConversationReply> {
    let zone = &call.zone;
    let running = call.app.answers.of(call.identity()?.user);
    Ok(ConversationReply {
        id: conversation.id,
        model: conversation.model,
        system_prompt: conversation.system_prompt,
        params: ParamsReply::from(&conversation.params),
        current_turn_id: conversation.current,
        pinned: conversation.pinned,
        archived: conversation.archived,
        running: running.iter().any(|g| g.place().is_some_and(|p| p.conversation == conversation.id)),
        created_at: zone.stamp(conversation.created),
        created: conversation.created,
        updated_at: zone.stamp(conversation.updated),
        updated: conversation.updated,
        deleted: conversation.deleted,
        title: conversation.title,
    })
}

/// `next` of the list: pinned, time of change and number of the last one.
fn cursor(call: &Call) -> Result<Option<(bool, i64, i64)>> {
    let Some(text) = call.param("before") else {
        return Ok(None);
    };
    let parts: Vec<Option<i64>> = text.split('.').map(|part| part.parse().ok()).collect();
    match parts[..] {
        [Some(pinned @ 0..=1), Some(updated), Some(id)] => Ok(Some((pinned == 1, updated, id))),
        _ => Err(Error::field("before", "This is not the next of a page.")),
    }
}

fn list(call: &Call) -> Result<Response> {
    let listing = Listing {
        limit: call.number_param("limit", 1..=200, 50)? as usize,
        before: cursor(call)?,
        archived: call.flag_param("archived")?,
        trash: call.flag_param("trash")?,
        words: call.param("q").map(str::to_owned),
    };
    let (found, more) = call.app.store.conversations(call.identity()?.user, &listing)?;
    let last = found.last().map(|c| format!("{}.{}.{}", u8::from(c.pinned), c.updated, c.id.0));
    let conversations = found.into_iter().map(|c| conversation_reply(call, c)).collect::<Result<_>>()?;
    reply::json(&ListReply { conversations, next: last.filter(|_| more) })
}

fn create(call: &Call) -> Result<Response> {
    let form: ConversationForm = call.json()?;
    let made = conversations::create(&call.app, call.identity()?.user, form.change()?)?;
    reply::json(&conversation_reply(call, made)?)
}

fn open(call: &Call) -> Result<Response> {
    let (id, user, zone) = (call.id_at(0, ConversationId)?, call.identity()?.user, &call.zone);
    let (conversation, turns, more) = conversations::get(&call.app, user, id, call.before()?)?;
    let next = turns.first().map(|turn| turn.id.to_string()).filter(|_| more);
    let turns = turns.into_iter().map(|turn| TurnReply::new(turn, zone, call.html)).collect();
    reply::json(&OpenReply { conversation: conversation_reply(call, conversation)?, turns, next })
}

fn update(call: &Call) -> Result<Response> {
    let form: ConversationForm = call.json()?;
    let id = call.id_at(0, ConversationId)?;
    let changed = conversations::update(&call.app, call.identity()?.user, id, form.change()?)?;
    reply::json(&conversation_reply(call, changed)?)
}

fn delete(call: Call) -> Waiting {
    Box::pin(to_its_end(async move {
        let (id, user) = (call.id_at(0, ConversationId)?, call.identity()?.user);
        let (permanent, app) = (call.flag_param("permanent")?, call.app.clone());
        if !permanent {
            blocking(move || app.store.trash_conversation(user, id, Some(app.clock.now()))).await?;
            return reply::message("Moved to the trash");
        }
        let running = blocking(move || {
            app.store.conversation(user, id)?;
            Ok(chat::stop_conversation(&app, user, id))
        })
        .await?;
        wire::wait_for_all(&running).await;
        let app = call.app.clone();
        blocking(move || app.store.purge_conversation(user, id)).await?;
        reply::message("Deleted for good")
    }))
}

fn restore(call: &Call) -> Result<Response> {
    let (id, user) = (call.id_at(0, ConversationId)?, call.identity()?.user);
    call.app.store.trash_conversation(user, id, None)?;
    let conversation = call.app.store.conversation(user, id)?;
    reply::json(&conversation_reply(call, conversation)?)
}
