//! The worker of one answer: asks the upstream, and writes how it ended.

use super::context;
use super::generation::{Generation, Path};
use super::news::Ended;
use crate::app::App;
use crate::error::{UpstreamError, UpstreamKind};
use crate::files;
use crate::model::{Attachment, Fault, Params, Status, TurnId, Usage, UsageSource, UserId};
use crate::secret::Secret;
use crate::store::{Context, Finish};
use crate::upstream::{Answer, Ask, Reason};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// A message and the files with it.
pub struct Said {
    /// What the person wrote.
    pub text: String,
    /// What goes with it.
    pub attachments: Vec<Attachment>,
}

/// What the upstream is asked.
pub struct Question {
    /// The number of the request, for the log.
    pub request: Arc<str>,
    /// Whose files they are.
    pub user: UserId,
    /// Sent to the upstream and nowhere else.
    pub key: Secret,
    /// What the model is told first; may be empty.
    pub system_prompt: String,
    /// The path before the message.
    pub context: Context,
    /// What the person wrote.
    pub message: Said,
    /// What else was asked for.
    pub params: Params,
}

/// An answer in the hands of who runs it. It ends when it is let go of, however that comes about: a panic leaves nobody
/// waiting for what nobody works on.
pub struct Worker {
    /// Its server.
    pub app: Arc<App>,
    /// The answer.
    pub generation: Arc<Generation>,
    /// What the question costs, estimated, once its row is asked for. `None`: there will be no row.
    asked: Option<i64>,
    /// How it ended, once that is known.
    ended: Option<Ended>,
}

impl Worker {
    /// Has an answer that has not begun.
    pub fn new(app: Arc<App>, generation: Arc<Generation>) -> Worker {
        Worker { app, generation, asked: None, ended: None }
    }

    /// Runs the answer, whose row was asked for, to its end. Blocks until the upstream has said all.
    pub fn run(mut self, mut question: Question) {
        self.asked = Some(context::estimate(&question));
        let (began, theirs) = (Instant::now(), OnceLock::new());
        let mut outcome = ask(&self.app, &self.generation, &mut question, &theirs);
        let took = began.elapsed();
        self.generation.finish_rendering();
        let ended = ended(&self.generation, &outcome, context::estimate(&question));
        let generation = self.generation.clone();
        self.ended = Some(ended.clone());
        drop(self);
        tell(&generation, &question.request, &ended, theirs.get(), took);
        // What is left to read is nobody's business any more, and no reason to keep a server from ending.
        if let Ok(answer) = &mut outcome {
            generation.stop.run(|| answer.finish_reading());
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let Some(asked) = self.asked else {
            self.generation.lose();
            return self.app.answers.remove(&self.generation);
        };
        let ended = self.ended.take().unwrap_or_else(|| {
            let sentence = "Something went wrong on the server while the answer was running.";
            let panicked = Err(UpstreamError::new(UpstreamKind::BadResponse, sentence));
            ended(&self.generation, &panicked, asked)
        });
        finish(&self.app, &self.generation, ended);
    }
}

/// A conversation that is too long for the model is tried once more with half of it.
fn ask(
    app: &App,
    generation: &Generation,
    question: &mut Question,
    theirs: &OnceLock<String>,
) -> Result<Answer, UpstreamError> {
    let mut shortened = false;
    loop {
        let messages = || context::messages(question, &|file| files::read(app, question.user, file));
        let ask = Ask {
            key: &question.key,
            model: &generation.model,
            messages: &messages,
            params: &question.params,
            theirs,
        };
        let mut began = Some(Instant::now());
        let outcome = app.upstream.ask(&ask, &generation.stop, &mut |heard| {
            if let Some(began) = began.take() {
                app.metrics.first_token_seconds.record(began.elapsed());
            }
            generation.hear(&heard);
        });
        // What a person, a deadline of theirs or our own end has stopped is no fault of the service.
        if let (Err(fault), None | Some(Reason::FirstByte | Reason::Idle | Reason::Total)) =
            (&outcome, generation.stop.reason())
        {
            app.metrics.upstream_errors.add(fault.kind.code(), 1);
        }
        match &outcome {
            Err(fault)
                if fault.kind == UpstreamKind::ContextTooLong && !shortened && generation.is_silent() =>
            {
                shortened = true;
                if !context::halve(&mut question.context) {
                    return outcome;
                }
                let path = Path { turns: question.context.turns.len(), dropped: question.context.dropped };
                generation.shorten_path(path);
            }
            _ => return outcome,
        }
    }
}

/// One line for each answer: what joins our log to the model service's. A fault is told by its code alone, because the
/// service's sentence may quote what a person wrote.
fn tell(generation: &Generation, request_id: &str, ended: &Ended, theirs: Option<&String>, took: Duration) {
    // To wait for the row costs a chat two changes of thread, which are worth something only when the line is written.
    if ended.fault.is_none() && !tracing::enabled!(tracing::Level::DEBUG) {
        return;
    }
    // A fault may be quicker than the row; and without one there is no answer to speak of.
    let Some(TurnId(turn)) = generation.wait_for_row() else { return };
    let (user, status, ms) = (generation.user.0, ended.status.as_str(), took.as_millis() as u64);
    let upstream_id = theirs.map_or("", String::as_str);
    match &ended.fault {
        Some(fault) if UpstreamKind::parse(&fault.code).is_some() => {
            let code = fault.code.as_str();
            tracing::warn!(request_id, upstream_id, user, turn, status, code, ms, "the model service failed");
        }
        _ => tracing::debug!(request_id, upstream_id, user, turn, status, ms, "an answer has ended"),
    }
}

/// Has the end written, and only then told. It may overtake nothing: the job waits behind that of the row.
fn finish(app: &App, generation: &Arc<Generation>, ended: Ended) {
    if !generation.is_lost() {
        app.metrics.answers.add(ended.status.as_str(), 1);
        for (kind, count) in [("prompt", ended.usage.prompt), ("completion", ended.usage.completion)] {
            app.metrics.tokens.add(kind, u64::try_from(count).unwrap_or(0));
        }
    }
    let (response, reasoning) = generation.texts();
    app.limits.text_came(generation.user, response.len() + reasoning.len());
    let finish = Finish {
        user: generation.user,
        response,
        reasoning,
        reset_at: generation.reset_at(),
        status: ended.status,
        finish_reason: ended.finish_reason.clone(),
        fault: ended.fault.clone(),
        usage: ended.usage,
        now: app.clock.now(),
    };
    app.answers.write_end(&app.store, generation.clone(), Arc::new(finish), ended);
}

/// What became of it: who ended it counts first, then what the upstream said.
fn ended(generation: &Generation, outcome: &Result<Answer, UpstreamError>, asked: i64) -> Ended {
    let (response, reasoning) = generation.texts();
    let came = !response.is_empty() || !reasoning.is_empty();
    let (status, fault) = verdict(generation.stop.reason(), outcome, came, response.is_empty());
    let answer = outcome.as_ref().ok();
    Ended {
        status,
        finish_reason: answer.and_then(|answer| answer.finish.clone()),
        fault,
        retry_after: outcome.as_ref().err().and_then(|fault| fault.retry_after),
        usage: match status {
            Status::Failed => Usage::default(),
            _ => usage(answer, asked, &response, &reasoning),
        },
    }
}

fn verdict(
    stopped: Option<Reason>,
    outcome: &Result<Answer, UpstreamError>,
    came: bool,
    no_answer: bool,
) -> (Status, Option<Fault>) {
    let fault = |code: &str, message: &str| Some(Fault { code: code.into(), message: message.into() });
    let broken = if came { Status::Interrupted } else { Status::Failed };
    match (stopped, outcome) {
        (_, Ok(answer)) if answer.cut => (
            Status::Truncated,
            fault("reply_too_long", "The answer reached the length limit of this server."),
        ),
        (_, Ok(answer)) if answer.finish.is_some() || (answer.tool_call && !came) => {
            let notice = match (no_answer, answer.tool_call, came) {
                (false, ..) => None,
                (_, true, _) => {
                    fault("tool_call", "The model asked for a tool that this server does not have.")
                }
                (_, _, true) => fault("no_answer", "The model thought, but gave no answer."),
                _ => fault("no_answer", "The model gave an empty answer."),
            };
            (Status::Complete, notice)
        }
        (Some(Reason::Person), _) => (Status::Stopped, None),
        (Some(Reason::Draining), _) => {
            (broken, fault("server_stopping", "The server was stopped while this answer was running."))
        }
        (Some(Reason::AccountEnded), _) => {
            (broken, fault("account_ended", "The account was disabled while this answer was running."))
        }
        (Some(Reason::Total), _) if came => {
            (Status::Truncated, fault("reply_too_slow", "The answer reached the time limit of this server."))
        }
        (_, Err(error)) => (broken, fault(error.kind.code(), &error.message)),
        (_, Ok(_)) => (broken, fault(UpstreamKind::BrokeOff.code(), "The model service broke off.")),
    }
}

/// The upstream's numbers; what it does not say is estimated.
fn usage(answer: Option<&Answer>, asked: i64, response: &str, reasoning: &str) -> Usage {
    let said = |number: fn(&Answer) -> Option<i64>| answer.and_then(number);
    let (prompt, completion) = (said(|a| a.prompt_tokens), said(|a| a.completion_tokens));
    let measured = prompt.is_some() && completion.is_some();
    let estimated = Usage::estimated(asked, response, reasoning);
    Usage {
        prompt: prompt.unwrap_or(estimated.prompt),
        completion: completion.unwrap_or(estimated.completion),
        cached: said(|a| a.cached_tokens).unwrap_or(0),
        reasoning: said(|a| a.reasoning_tokens).unwrap_or(0),
        source: if measured { UsageSource::Measured } else { UsageSource::Estimated },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::config::Config;
    use crate::model::{PaidBy, Role};
    use crate::store::{Begun, Haste, NewTurn, NewUser};
    use crate::upstream::Heard;
    use std::sync::mpsc::sync_channel;

    /// A server with one account, and a worker whose answer is taken in.
    fn worker() -> (tempfile::TempDir, Worker) {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.server.data_dir = folder.path().join("data");
        let app = App::serve(config, Clock::system()).unwrap();
        let new = NewUser {
            email: "a@example.org".into(),
            name: "a".into(),
            password: String::new(),
            role: Role::User,
            invite: None,
            only_first: false,
            now: 0,
        };
        let user = app.store.create_user(new).unwrap().id;
        let generation = Generation::new(user, "m".into(), PaidBy::Own, None, None, Path::default());
        let worker = Worker::new(app, Arc::new(generation));
        assert!(worker.app.answers.add(&worker.generation, 1, 1).unwrap().is_none());
        (folder, worker)
    }

    fn row(user: UserId) -> NewTurn {
        NewTurn {
            user,
            conversation: None,
            title: "t".into(),
            parent: None,
            client: None,
            run: String::new(),
            prompt: "p".into(),
            attachments: Vec::new(),
            system_prompt: String::new(),
            model: "m".into(),
            params: Params::default(),
            paid_by: PaidBy::Own,
            asked: 0,
            now: 0,
        }
    }

    /// What is left when whoever has the worker panics.
    fn after_panic(worker: Worker) -> (Arc<App>, Arc<Generation>) {
        let (app, generation) = (worker.app.clone(), worker.generation.clone());
        let thread = std::thread::spawn(move || {
            let _worker = worker;
            panic!("on purpose");
        });
        assert!(thread.join().is_err());
        (app, generation)
    }

    fn wait_for_end(generation: &Generation) -> Option<Ended> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let patience = Duration::from_secs(10);
        runtime.block_on(async { tokio::time::timeout(patience, generation.wait_for_end()).await.unwrap() })
    }

    #[test]
    fn a_panic_before_the_row_leaves_nobody_waiting() {
        let (_folder, worker) = worker();
        // As the same send would, that came a second time.
        let (waiting, (tell, told)) = (worker.generation.clone(), sync_channel(1));
        std::thread::spawn(move || tell.send(waiting.wait_for_row()));
        let (app, generation) = after_panic(worker);
        assert_eq!(told.recv_timeout(Duration::from_secs(10)).unwrap(), None);
        assert_eq!((wait_for_end(&generation), *app.answers.count().borrow()), (None, 0));
    }

    #[test]
    fn a_panic_behind_the_row_ends_the_answer_with_what_came() {
        let (_folder, mut worker) = worker();
        let (begun, (tell, told)) = (worker.generation.clone(), sync_channel(1));
        worker.app.store.begin_turn(
            Haste::Now,
            row(worker.generation.user),
            |_| (),
            move |outcome| {
                let Ok(Begun::New(turn, conversation)) = outcome else { panic!("{outcome:?}") };
                begun.begin(turn, conversation);
                tell.send(turn).unwrap();
            },
        );
        let turn = told.recv().unwrap();
        worker.asked = Some(7);
        worker.generation.hear(&Heard::Text("half a word"));
        let (app, generation) = after_panic(worker);
        let ended = wait_for_end(&generation).unwrap();
        assert_eq!((ended.status, ended.usage.prompt), (Status::Interrupted, 7));
        assert_eq!(*app.answers.count().borrow(), 0);
        let turn = app.store.turn(generation.user, turn).unwrap();
        assert_eq!((turn.status, turn.response.as_str()), (Status::Interrupted, "half a word"));
        assert_eq!(turn.fault, ended.fault);
    }
}
