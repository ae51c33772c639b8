//! Messages and their answers.

mod context;
mod generation;
mod news;
mod rendering;
mod run;
mod running;

use crate::app::App;
use crate::error::{Error, Result};
use crate::keys;
use crate::limits::{Action, Who};
use crate::model::{Attachment, ConversationId, FileId, Params, ROW, Status, Turn, TurnId, UserId};
use crate::store::{Begun, Haste, NewTurn, Start, Target};
use crate::upstream::Reason;
use crate::{billing, text};
use run::Worker;
use std::sync::Arc;

pub use generation::{Generation, Path, Place};
pub use news::{Ended, News, Position, is_outdated};
pub use rendering::Seen;
pub use running::Answers;

/// What a person sends.
#[derive(Clone, Debug)]
pub struct Message {
    /// The number of the request that brought it, for the log.
    pub request: Arc<str>,
    /// The message.
    pub text: String,
    /// Files that go with it.
    pub attachments: Vec<FileId>,
    /// `None`: a new one.
    pub conversation: Option<ConversationId>,
    /// Where in it.
    pub start: Start,
    /// The client's name for this send, and the hash of what it sends.
    pub client: Option<(String, String)>,
    /// `None`: the conversation's, the person's or the configured one.
    pub model: Option<String>,
    /// `None`: the conversation's, the person's or the configured one.
    pub system_prompt: Option<String>,
    /// What else is asked for.
    pub params: Params,
}

/// What answers a message.
pub enum Answering {
    /// It runs.
    Running(Arc<Generation>),
    /// It has ended long ago: this send was made before.
    Ended(TurnId),
}

/// An answer, and whether it is that of an earlier, equal send.
pub struct Sent {
    /// The answer.
    pub answering: Answering,
    /// It is not new.
    pub again: bool,
}

/// When who sends a message hears of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hears {
    /// Once the answer's row is durable, to follow it.
    Begin,
    /// Once its end is, or cannot be written: to be woken once is enough for who wants no more than the whole.
    End,
}

/// How a send goes on.
enum Prepared {
    /// It was made before.
    Known(Sent),
    /// Its answer can begin.
    New(Worker, Box<(NewTurn, run::Question)>),
}

/// What became of an answer that would begin.
enum Taken {
    /// It may.
    New(Worker),
    /// The same send was made before.
    Known(Sent),
}

/// Answers a message; blocks until the upstream has said all. `tell` hears of it when `hears` says, or why there is no
/// answer. It may run on the thread that writes, and shall wake somebody and no more.
pub fn send(
    app: Arc<App>,
    user: UserId,
    message: Message,
    hears: Hears,
    tell: impl FnOnce(Result<Sent>) + Send + 'static,
) {
    match prepare(&app, user, message) {
        Err(error) => tell(Err(error)),
        Ok(Prepared::Known(sent)) => tell(Ok(sent)),
        Ok(Prepared::New(worker, both)) => {
            // The worker lets go of it as soon as the end is written.
            drop(app);
            let (new, question) = *both;
            // The row is written while the upstream is called; nobody sees the answer before the row is durable.
            let (written, begun) = (worker.generation.clone(), worker.generation.clone());
            let written = move |turn| written.written(turn);
            // Nobody waits for the row of an answer that is only heard of when it has ended.
            let haste = if hears == Hears::End { Haste::WithNext } else { Haste::Now };
            worker.app.store.begin_turn(haste, new, written, move |outcome| match begin(&begun, outcome) {
                Ok(sent) if hears == Hears::End && !sent.again => {
                    begun.when_ended(Box::new(move || tell(Ok(sent))));
                }
                sent => tell(sent),
            });
            worker.run(question);
        }
    }
}

fn prepare(app: &Arc<App>, user: UserId, message: Message) -> Result<Prepared> {
    if app.is_draining() {
        return Err(Error::Draining);
    }
    if let Some(client) = &message.client
        && let Some(before) = sent_before(app, user, client)?
    {
        return Ok(Prepared::Known(before));
    }
    app.limits.take(Action::Chat, Who::User(user))?;
    let target = app.store.target(user, message.conversation, message.start)?;
    let (key, paid_by) = billing::key_for(app, &target)?;
    billing::within_caps(app, &target.user, paid_by)?;

    let model = model_for(app, &message, &target)?;
    let attachments = app.store.files(user, &message.attachments)?;
    let system_prompt = system_prompt_for(app, &message, &target);
    // The turn, and maybe a conversation.
    let size = message.text.len() + system_prompt.len() + 2 * ROW;
    app.limits.keep_text(user, size, || app.store.text_of(user))?;
    let params = params_for(&message, &target);
    let before = |parent| {
        let window = app.models.window(&app.config.upstream, &model);
        let budget = context::budget(window, &params, &system_prompt, &message.text, &attachments);
        app.store.context(user, parent, budget)
    };
    let context = target.parent.map(before).transpose()?.unwrap_or_default();
    let path = Path { turns: context.turns.len(), dropped: context.dropped };
    let client = message.client.clone();
    let generation = Generation::new(user, model.clone(), paid_by, client, target.parent, path);
    let worker = match take_in(app, generation)? {
        Taken::New(worker) => worker,
        Taken::Known(sent) => return Ok(Prepared::Known(sent)),
    };
    let text = message.text.clone();
    let question = run::Question {
        request: message.request,
        user,
        key,
        system_prompt: system_prompt.clone(),
        context,
        message: run::Said { text: message.text, attachments },
        params: params.clone(),
    };
    let new = NewTurn {
        user,
        conversation: target.conversation.as_ref().map(|conversation| conversation.id),
        title: title(&text, &question.message.attachments),
        parent: target.parent,
        client: message.client,
        run: app.run.clone(),
        prompt: text,
        attachments: message.attachments,
        system_prompt,
        model,
        params,
        paid_by,
        asked: context::estimate(&question),
        now: app.clock.now(),
    };
    Ok(Prepared::New(worker, Box::new((new, question))))
}

/// Has the answer among those that run, unless the same send was made before.
fn take_in(app: &Arc<App>, generation: Generation) -> Result<Taken> {
    // Before others can see it: from then on they may wait for it.
    let worker = Worker::new(app.clone(), Arc::new(generation));
    let (most_own, most) = (app.config.limits.streams_per_user, app.config.upstream.max_concurrent);
    if let Some(running) = app.answers.add(&worker.generation, most_own, most)? {
        return follow(running).map(Taken::Known);
    }
    // Nobody else can begin this send from here on; but it may have begun and ended since it was looked for.
    if let Some((id, hash)) = &worker.generation.client
        && let Some(turn) = app.store.turn_of_client(worker.generation.user, id, hash)?
    {
        return Ok(Taken::Known(Sent { answering: Answering::Ended(turn), again: true }));
    }
    Ok(Taken::New(worker))
}

/// What answers an earlier, equal send: an answer that runs, else what is left of it. In this order, since one that
/// ends in between has its row.
fn sent_before(app: &App, user: UserId, client: &(String, String)) -> Result<Option<Sent>> {
    if let Some(running) = app.answers.of_client(user, client)? {
        return follow(running).map(Some);
    }
    let turn = app.store.turn_of_client(user, &client.0, &client.1)?;
    Ok(turn.map(|turn| Sent { answering: Answering::Ended(turn), again: true }))
}

/// Another send's answer, once its row is durable.
fn follow(running: Arc<Generation>) -> Result<Sent> {
    match running.wait_for_row() {
        Some(_) => Ok(Sent { answering: Answering::Running(running), again: true }),
        None => Err(Error::Storage("the row of the same send could not be written".into())),
    }
}

fn begin(generation: &Arc<Generation>, outcome: Result<Begun>) -> Result<Sent> {
    if let Ok(Begun::New(turn, conversation)) = outcome {
        generation.begin(turn, conversation);
        return Ok(Sent { answering: Answering::Running(generation.clone()), again: false });
    }
    generation.stop.stop(Reason::NotStored);
    generation.lose();
    outcome.map(|begun| match begun {
        Begun::Again(turn) | Begun::New(turn, _) => Sent { answering: Answering::Ended(turn), again: true },
    })
}

/// Answers what was asked in `turn` once more, in a sibling with the same prompt. What `with` leaves out is as it was.
pub fn retry(
    app: Arc<App>,
    user: UserId,
    turn: TurnId,
    with: Message,
    hears: Hears,
    tell: impl FnOnce(Result<Sent>) + Send + 'static,
) {
    match asked_again(&app, user, turn, with) {
        Ok(message) => send(app, user, message, hears, tell),
        Err(error) => tell(Err(error)),
    }
}

fn asked_again(app: &App, user: UserId, turn: TurnId, with: Message) -> Result<Message> {
    let before = app.store.turn(user, turn)?;
    if before.status == Status::Streaming {
        return Err(Error::Refused("turn_running", "That answer is still running.".into()));
    }
    // An imported turn was asked elsewhere: its model may not be here, and its system prompt is not known.
    let asked_with = app.store.system_prompt_of(user, turn)?;
    let model = asked_with.is_some().then_some(before.model);
    let params = over(with.params, before.params);
    Ok(Message {
        text: before.prompt,
        request: with.request,
        attachments: before.attachments.iter().map(|file| file.id).collect(),
        conversation: Some(before.conversation),
        start: before.parent.map_or(Start::Root, Start::Below),
        client: with.client,
        model: with.model.or(model),
        system_prompt: with.system_prompt.or(asked_with),
        params,
    })
}

/// A turn, with its answer if that runs.
pub enum Found {
    /// It runs.
    Running(Arc<Generation>),
    /// It has ended.
    Ended(Box<Turn>),
}

/// Finds a turn of the user. Its answer is looked for first: one that ends in between is found in its row. A row can be
/// seen a moment before its own answer hears that it is written, so the second look waits for that.
pub fn find(app: &App, user: UserId, id: TurnId) -> Result<Found> {
    if let Some(generation) = app.answers.find(user, id) {
        return Ok(Found::Running(generation));
    }
    let mut turn = app.store.turn(user, id)?;
    if turn.status == Status::Streaming {
        let mut running = app.answers.of(user).into_iter();
        if let Some(generation) = running.find(|generation| generation.wait_for_row() == Some(id)) {
            return Ok(Found::Running(generation));
        }
        turn = app.store.turn(user, id)?;
    }
    Ok(Found::Ended(Box::new(turn)))
}

/// Ends a running answer. `None`: it has ended already. The caller waits for the end of what is given back.
pub fn stop(app: &App, user: UserId, turn: TurnId) -> Result<Option<Arc<Generation>>> {
    match find(app, user, turn)? {
        Found::Running(generation) => {
            generation.stop.stop(Reason::Person);
            Ok(Some(generation))
        }
        Found::Ended(_) => Ok(None),
    }
}

/// Stops whatever runs in the turn and below it. The caller waits for these to end, and then deletes.
pub fn stop_subtree(app: &App, user: UserId, turn: TurnId) -> Result<Vec<Arc<Generation>>> {
    let subtree = app.store.subtree(user, turn)?;
    let running = app.answers.of(user).into_iter().filter(|generation| {
        generation.wait_for_row().is_some_and(|turn| subtree.iter().any(|(id, _)| *id == turn))
    });
    let running: Vec<_> = running.collect();
    running.iter().for_each(|generation| generation.stop.stop(Reason::Person));
    Ok(running)
}

/// Stops whatever runs in a conversation.
pub fn stop_conversation(app: &App, user: UserId, conversation: ConversationId) -> Vec<Arc<Generation>> {
    let running = app.answers.of(user).into_iter().filter(|generation| {
        generation.wait_for_row();
        generation.place().is_some_and(|place| place.conversation == conversation)
    });
    let running: Vec<_> = running.collect();
    running.iter().for_each(|generation| generation.stop.stop(Reason::Person));
    running
}

/// Stops whatever runs for an account that ends.
pub fn stop_user(app: &App, user: UserId) -> Vec<Arc<Generation>> {
    let running = app.answers.of(user);
    running.iter().for_each(|generation| generation.stop.stop(Reason::AccountEnded));
    running
}

/// A turn of the user. While its answer runs, its text is what has come so far.
pub fn turn(app: &App, user: UserId, id: TurnId) -> Result<Turn> {
    let running = app.answers.find(user, id);
    let mut turn = app.store.turn(user, id)?;
    if let Some(generation) = running
        && turn.status == Status::Streaming
    {
        (turn.response, turn.reasoning) = generation.texts();
    }
    Ok(turn)
}

/// The same for each of `turns`.
pub fn fill_running(app: &App, user: UserId, turns: &mut [Turn]) {
    if turns.iter().any(|turn| turn.status == Status::Streaming) {
        let running = app.answers.of(user);
        for turn in turns.iter_mut().filter(|turn| turn.status == Status::Streaming) {
            if let Some(generation) = running.iter().find(|generation| generation.turn() == Some(turn.id)) {
                (turn.response, turn.reasoning) = generation.texts();
            }
        }
    }
}

/// The hash that tells whether two sends are the same.
pub fn fingerprint(body: &[u8]) -> String {
    keys::digest(body)
}

/// Of a new conversation: what was said first, or the name of what was shown.
fn title(message: &str, attachments: &[Attachment]) -> String {
    let shown = attachments.first().map_or("", |file| file.name.as_str());
    text::title(if message.trim().is_empty() { shown } else { message })
}

fn model_for(app: &App, message: &Message, target: &Target) -> Result<String> {
    let settings = app.settings();
    let allowed = |model: &String| settings.models.is_empty() || settings.models.contains(model);
    if let Some(model) = &message.model {
        if !allowed(model) {
            return Err(Error::Refused("model_not_allowed", "This server does not offer this model.".into()));
        }
        return Ok(model.clone());
    }
    let kept =
        [target.conversation.as_ref().and_then(|c| c.model.as_ref()), target.user.default_model.as_ref()];
    let found = kept.into_iter().flatten().find(|model| allowed(model));
    Ok(found.unwrap_or(&settings.default_model).clone())
}

fn system_prompt_for(app: &App, message: &Message, target: &Target) -> String {
    let kept = [
        message.system_prompt.as_ref(),
        target.conversation.as_ref().and_then(|c| c.system_prompt.as_ref()),
        target.user.system_prompt.as_ref(),
    ];
    kept.into_iter().flatten().next().unwrap_or(&app.config.chat.system_prompt).clone()
}

fn params_for(message: &Message, target: &Target) -> Params {
    let kept = target.conversation.as_ref().map(|conversation| conversation.params.clone());
    over(message.params.clone(), kept.unwrap_or_default())
}

/// `first`, and what it leaves out from `second`.
fn over(first: Params, second: Params) -> Params {
    Params {
        temperature: first.temperature.or(second.temperature),
        top_p: first.top_p.or(second.top_p),
        max_tokens: first.max_tokens.or(second.max_tokens),
        reasoning_effort: first.reasoning_effort.or(second.reasoning_effort),
    }
}
