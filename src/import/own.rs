//! Our own export in JSON, which comes back without loss.

use super::enclosed::{Enclosed, Placed};
use super::json::{Object, elements, text, time, value};
use super::tree::{self, NOTHING};
use crate::model::{ConversationId, Fault, PaidBy, Params, Status, Usage, UsageSource};
use crate::store::{Imported, ImportedTurn};
use crate::text::{cut, without_nul};
use serde_json::Value;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// What such a file says of itself.
pub const FORMAT: &str = "gpt-assistant conversation";

/// Longest sentence about what went wrong, in graphemes.
const LONGEST_SENTENCE: usize = 2000;

/// Reads a conversation. `now` is what no time can be later than.
pub fn read(object: &Object<'_>, now: i64) -> Result<(Imported, Vec<Placed>), &'static str> {
    let about = object.raw("conversation").and_then(|about| Object::parse(about).ok());
    let about = about.ok_or("What it says of the conversation cannot be read.")?;
    let at = |key: &str| about.time(&[key]).map(|time| time.min(now));
    let id = about.value("id").as_i64();
    let list = elements(object.raw("turns").unwrap_or_default());
    let mut by_id: HashMap<i64, usize> = HashMap::with_capacity(list.len());
    let mut files = Vec::new();
    let mut turns: Vec<ImportedTurn> = Vec::with_capacity(list.len());
    for raw in list {
        let turn = value(raw).ok_or("One of its turns cannot be read.")?;
        let id = turn["id"].as_i64().ok_or("One of its turns has no number.")?;
        // They stand in the order of their numbers, each after its parent.
        let parent = turn["parent_id"].as_i64().and_then(|parent| by_id.get(&parent).copied());
        if let Entry::Vacant(place) = by_id.entry(id) {
            place.insert(turns.len());
            let enclosed: Vec<Enclosed> = enclosed(&turn["attachments"]).collect();
            if !enclosed.is_empty() {
                files.push(Placed { files: enclosed, turns: vec![turns.len()], in_prompt: true });
            }
            turns.push(self::turn(&turn, id, parent, now));
        }
    }
    if turns.len() > tree::MOST_TURNS {
        return Err(tree::TOO_MANY);
    }
    if turns.iter().map(ImportedTurn::size).sum::<usize>() > tree::MOST_TEXT {
        return Err(tree::TOO_LONG);
    }
    let created = at("created").or(turns.first().map(|turn| turn.created)).unwrap_or(now);
    if turns.is_empty() && about.text(&["title"]).is_none() {
        return Err(NOTHING);
    }
    let imported = Imported {
        source: super::Format::Own.as_str(),
        // Numbers of two servers may be the same, but hardly those that were given in the same second.
        source_id: format!("{}@{created}", id.unwrap_or_default()),
        written_here: id.map(|id| (ConversationId(id), created)),
        title: tree::title(about.text(&["title"]).as_deref(), &turns),
        titled_by_person: about.text(&["titled_by"]).as_deref() == Some("user"),
        model: Some(tree::model_name(about.text(&["model"]).as_deref())).filter(|name| !name.is_empty()),
        system_prompt: about.text(&["system_prompt"]).map(without_nul),
        params: params(&about.value("params")),
        pinned: about.flag("pinned"),
        archived: about.flag("archived"),
        created,
        updated: at("updated").unwrap_or(created),
        // Thrown away just now: it stays there for as long as anything does.
        deleted: at("deleted").map(|_| now),
        current: about.value("current_turn_id").as_i64().and_then(|current| by_id.get(&current).copied()),
        turns,
    };
    Ok((imported, files))
}

fn enclosed(list: &Value) -> impl Iterator<Item = Enclosed> {
    let list = list.as_array().into_iter().flatten();
    list.filter_map(|file| Enclosed::inside(text(&file["url"])?, text(&file["name"]), String::new()))
}

fn turn(turn: &Value, id: i64, parent: Option<usize>, now: i64) -> ImportedTurn {
    let said = |key: &str| without_nul(text(&turn[key]).unwrap_or_default().to_owned());
    let usage = &turn["usage"];
    let tokens = |key: &str| usage[key].as_i64().unwrap_or_default().max(0);
    let created = time(&turn["created"]).unwrap_or(now).min(now);
    // What was running when it was written has ended since.
    let status = text(&turn["status"]).and_then(Status::parse).filter(|status| *status != Status::Streaming);
    let fault = text(&turn["error"]).map(|message| Fault {
        code: sentence(text(&turn["error_code"]).unwrap_or("unknown")),
        message: sentence(message),
    });
    ImportedTurn {
        source_id: format!("turn-{id}"),
        parent,
        prompt: said("prompt"),
        attachments: Vec::new(),
        response: said("response"),
        reasoning: said("reasoning"),
        model: tree::model_name(text(&turn["model"])),
        params: params(&turn["params"]),
        status: status.unwrap_or(Status::Interrupted),
        finish_reason: text(&turn["finish_reason"]).map(sentence),
        fault,
        usage: Usage {
            prompt: tokens("prompt_tokens"),
            completion: tokens("completion_tokens"),
            cached: tokens("cached_tokens"),
            reasoning: tokens("reasoning_tokens"),
            source: text(&usage["source"]).and_then(UsageSource::parse).unwrap_or_default(),
        },
        paid_by: text(&turn["paid_by"]).and_then(PaidBy::parse).unwrap_or(PaidBy::Own),
        created,
        finished: time(&turn["finished"]).unwrap_or(created).min(now),
    }
}

/// Words about a turn: never longer than anything that is written here.
fn sentence(said: &str) -> String {
    without_nul(cut(said, LONGEST_SENTENCE))
}

fn params(value: &Value) -> Params {
    let params: Params = serde_json::from_value(value.clone()).unwrap_or_default();
    if params.faults().next().is_some() { Params::default() } else { params }
}
