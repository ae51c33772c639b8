//! Conversations: listed, changed, thrown away.

use crate::accounts::{is_line, is_model_name};
use crate::app::App;
use crate::error::{Error, Fields, Result};
use crate::model::{ConversationId, Params, ROW, Turn, TurnId, UserId};
use crate::store::{Conversation, ConversationChange};
use crate::{chat, text};

const LONGEST_TITLE: usize = 200;
/// Turns of a conversation that are given at once.
pub const TURNS: usize = 200;

/// A conversation with its newest turns below `before`, ascending, and whether there are older ones.
pub fn get(
    app: &App,
    user: UserId,
    id: ConversationId,
    before: Option<TurnId>,
) -> Result<(Conversation, Vec<Turn>, bool)> {
    let conversation = app.store.conversation(user, id)?;
    let (mut turns, more) = app.store.conversation_turns(user, id, before, TURNS)?;
    chat::fill_running(app, user, &mut turns);
    Ok((conversation, turns, more))
}

/// Makes one without turns.
pub fn create(app: &App, user: UserId, change: ConversationChange) -> Result<Conversation> {
    let change = check(app, change)?;
    keep_text(app, user, ROW + change.title.as_ref().map_or(0, String::len) + prompt_size(&change))?;
    app.store.create_conversation(user, change, app.clock.now())
}

/// Changes one.
pub fn update(
    app: &App,
    user: UserId,
    id: ConversationId,
    change: ConversationChange,
) -> Result<Conversation> {
    let change = check(app, change)?;
    // What only gives a title or empties a prompt is no matter of room: it is how one makes order.
    if prompt_size(&change) > 0 {
        keep_text(app, user, prompt_size(&change))?;
    }
    app.store.change_conversation(user, id, change)
}

fn prompt_size(change: &ConversationChange) -> usize {
    change.system_prompt.iter().flatten().map(String::len).sum()
}

fn keep_text(app: &App, user: UserId, bytes: usize) -> Result<()> {
    app.limits.keep_text(user, bytes, || app.store.text_of(user))
}

fn check(app: &App, mut change: ConversationChange) -> Result<ConversationChange> {
    let mut faults = Fields::new();
    if let Some(title) = change.title.take() {
        let title = title.trim();
        if title.is_empty() || !is_line(title) {
            faults.push(("title".into(), "A title is one line of text.".into()));
        }
        change.title = Some(text::cut(title, LONGEST_TITLE));
    }
    if let Some(Some(model)) = &change.model
        && !is_model_name(model)
    {
        faults.push(("model".into(), "This is not the name of a model.".into()));
    }
    if let Some(Some(prompt)) = &change.system_prompt
        && (prompt.chars().count() > app.config.chat.max_message_chars || prompt.contains('\0'))
    {
        faults.push(("system_prompt".into(), "The system prompt is too long.".into()));
    }
    // They are kept with each turn and go upstream, as those of a message do.
    let params = change.params.iter().flat_map(Params::faults);
    faults.extend(params.map(|(name, sentence)| (format!("params.{name}").into(), sentence.into())));
    if !faults.is_empty() {
        return Err(Error::Invalid(faults));
    }
    Ok(change)
}
