//! A long conversation, written by the store itself.

use gpt_assistant::model::{ConversationId, PaidBy, Params, Status, TurnId, Usage, UserId};
use gpt_assistant::store::{Begun, Finish, Haste, NewTurn, Store};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

/// Hangs `count` turns below turn 1 of conversation 1, one below the other, and gives their numbers.
pub fn grow(store: &Store, user: UserId, count: usize) -> Vec<i64> {
    let mut ids = Vec::with_capacity(count);
    let (tell, told) = channel();
    let mut parent = TurnId(1);
    for i in 0..count {
        let new = NewTurn {
            user,
            conversation: Some(ConversationId(1)),
            title: String::new(),
            parent: Some(parent),
            client: None,
            run: "test".into(),
            prompt: format!("q{i}"),
            attachments: Vec::new(),
            system_prompt: String::new(),
            model: "m".into(),
            params: Params::default(),
            paid_by: PaidBy::Shared,
            asked: 0,
            now: 1_700_000_000,
        };
        let (begun, begins) = channel();
        let number = Arc::new(Mutex::new(None));
        let written = number.clone();
        let note = move |turn| *written.lock().unwrap() = turn;
        store.begin_turn(Haste::Now, new, note, move |outcome| drop(begun.send(outcome)));
        let finish = Finish {
            user,
            response: format!("a{i}"),
            reasoning: String::new(),
            reset_at: 0,
            status: Status::Complete,
            finish_reason: Some("stop".into()),
            fault: None,
            usage: Usage::default(),
            now: 1_700_000_000,
        };
        let tell = tell.clone();
        // Put behind the beginning, as a server does.
        store.finish_turn(
            move || *number.lock().unwrap(),
            Arc::new(finish),
            move |written| drop(tell.send(written)),
        );
        let Begun::New(turn, _) = begins.recv().unwrap().unwrap() else { panic!("it is new") };
        ids.push(turn.0);
        parent = turn;
    }
    drop(tell);
    told.into_iter().for_each(|written| written.unwrap());
    ids
}
