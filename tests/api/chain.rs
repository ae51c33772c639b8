//! A long conversation, written by the store itself.

use gpt_assistant::model::{ConversationId, PaidBy, Params, Status, TurnId, Usage, UserId};
use gpt_assistant::store::{Begun, Finish, NewTurn, Store};

/// Hangs `count` turns below turn 1 of conversation 1, one below the other, and gives their numbers.
pub fn grow(store: &Store, user: UserId, count: usize) -> Vec<i64> {
    let mut ids = Vec::with_capacity(count);
    let mut pending = Vec::new();
    let mut parent = TurnId(1);
    for i in 0..count {
        let begun = store.begin_turn(NewTurn {
            user,
            conversation: Some(ConversationId(1)),
            title: String::new(),
            parent: Some(parent),
            client: None,
            run: "test".into(),
            prompt: format!("q{i}"),
            system_prompt: String::new(),
            model: "m".into(),
            params: Params::default(),
            paid_by: PaidBy::Shared,
            now: 1_700_000_000,
        });
        let Begun::New(turn, _) = begun.wait().unwrap() else { panic!("it is new") };
        pending.push(store.finish_turn(Finish {
            turn,
            user,
            response: format!("a{i}"),
            reasoning: String::new(),
            reset_at: 0,
            status: Status::Complete,
            finish_reason: Some("stop".into()),
            fault: None,
            usage: Usage::default(),
            now: 1_700_000_000,
        }));
        ids.push(turn.0);
        parent = turn;
    }
    pending.into_iter().for_each(|pending| pending.wait().unwrap());
    ids
}
