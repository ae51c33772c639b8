//! The answers that are running, and the thread that looks after them: it saves what they have so far, stops those of
//! accounts that have ended, and tries again to write the end of those that could not be written.

use super::generation::Generation;
use super::news::Ended;
use crate::app::App;
use crate::error::{Error, Result};
use crate::model::{TurnId, UserId};
use crate::store::{Finish, Store};
use crate::upstream::Reason;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Unsaved text is never older than 250 ms: this, and the time to write it.
const SAVE: Duration = Duration::from_millis(150);
const TRIM: Duration = Duration::from_secs(1);
/// How soon an ended account, or storage that works again, is noticed.
const CHECK: Duration = Duration::from_secs(1);

/// All running answers. There are a thousand at most, so they are simply looked through.
pub struct Answers {
    state: Mutex<State>,
    added: Condvar,
    count: watch::Sender<usize>,
}

#[derive(Default)]
struct State {
    running: Vec<Arc<Generation>>,
    /// Of these, those that have ended, but whose end could not be written yet.
    unwritten: Vec<(Arc<Generation>, Arc<Finish>, Ended)>,
    closing: bool,
}

impl State {
    fn of_client(&self, user: UserId, client: &(String, String)) -> Result<Option<Arc<Generation>>> {
        let named = |other: &&Arc<Generation>| {
            other.user == user && other.client.as_ref().is_some_and(|c| c.0 == client.0)
        };
        match self.running.iter().find(named) {
            Some(other) if other.client.as_ref() == Some(client) => Ok(Some(other.clone())),
            Some(_) => Err(client_id_reused()),
            None => Ok(None),
        }
    }
}

impl Default for Answers {
    fn default() -> Answers {
        Answers { state: Mutex::default(), added: Condvar::new(), count: watch::Sender::new(0) }
    }
}

impl Answers {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in an answer that is about to run, where its person has less than `most_own` and everybody less than
    /// `most`. When the same send is running already, that one is given back.
    pub fn add(
        &self,
        generation: &Arc<Generation>,
        most_own: usize,
        most: usize,
    ) -> Result<Option<Arc<Generation>>> {
        let mut state = self.lock();
        // Who asked whether the server drains may have done so a moment before it began to.
        if state.closing {
            return Err(Error::Draining);
        }
        if let Some(client) = &generation.client
            && let Some(same) = state.of_client(generation.user, client)?
        {
            return Ok(Some(same));
        }
        let own = state.running.iter().filter(|other| other.user == generation.user).count();
        if own >= most_own {
            let sentence = format!("{own} answers are running already. Wait for one to end, or stop one.");
            return Err(Error::Limited("rate_limited", sentence.into(), 5));
        }
        if state.running.len() >= most {
            return Err(Error::Overloaded);
        }
        state.running.push(generation.clone());
        self.count.send_replace(state.running.len());
        // The thread waits for the first, and for no other.
        if state.running.len() == 1 {
            self.added.notify_one();
        }
        Ok(None)
    }

    /// The answer has ended, and its end is written or nobody will ever ask for it.
    pub fn remove(&self, generation: &Arc<Generation>) {
        let mut state = self.lock();
        if let Some(at) = state.running.iter().position(|other| Arc::ptr_eq(other, generation)) {
            state.running.swap_remove(at);
        }
        self.count.send_replace(state.running.len());
    }

    /// The running answer of a send of that name; with another body that is a fault.
    pub fn of_client(&self, user: UserId, client: &(String, String)) -> Result<Option<Arc<Generation>>> {
        self.lock().of_client(user, client)
    }

    /// The running answer of a turn of `user`.
    pub fn find(&self, user: UserId, turn: TurnId) -> Option<Arc<Generation>> {
        let running = self.of(user);
        running.into_iter().find(|generation| generation.turn() == Some(turn))
    }

    /// All running answers of `user`.
    pub fn of(&self, user: UserId) -> Vec<Arc<Generation>> {
        self.lock().running.iter().filter(|generation| generation.user == user).cloned().collect()
    }

    /// How many run, and its changes.
    pub fn count(&self) -> watch::Receiver<usize> {
        self.count.subscribe()
    }

    /// Stops all of them.
    pub fn stop_all(&self, reason: Reason) {
        for generation in &self.lock().running {
            generation.stop.stop(reason);
        }
    }

    /// Writes the end of an answer, and tells it once it is durable. One that cannot be written is kept, to try again.
    pub fn write_end(
        self: &Arc<Self>,
        store: &Store,
        generation: Arc<Generation>,
        finish: Arc<Finish>,
        ended: Ended,
    ) {
        let (answers, of) = (self.clone(), generation.clone());
        store.finish_turn(
            move || of.number(),
            finish.clone(),
            move |written| match written {
                _ if generation.is_lost() => answers.remove(&generation),
                Ok(()) => {
                    // In this order: who is told of the end may send the next message at once.
                    answers.remove(&generation);
                    generation.end(ended);
                }
                Err(_) => {
                    generation.mark_unwritten();
                    answers.lock().unwritten.push((generation, finish, ended));
                }
            },
        );
    }

    /// All that run; where nothing is to be done, after a wait.
    fn wait_for_some(&self) -> (Vec<Arc<Generation>>, bool) {
        let mut state = self.lock();
        if state.running.is_empty() && !state.closing {
            state = self.added.wait_timeout(state, CHECK).unwrap_or_else(PoisonError::into_inner).0;
        }
        (state.running.clone(), state.closing)
    }

    /// No more come: the thread that looks after them ends with the last one.
    pub fn close(&self) {
        self.lock().closing = true;
        self.added.notify_all();
    }

    /// Starts the thread that looks after the answers of `app`, for as long as there is one.
    pub fn keep(app: &Arc<App>) -> std::io::Result<()> {
        let app = Arc::downgrade(app);
        let keep = move || {
            // As with the writer: a server that saves nothing any more, and does not know it, helps nobody.
            if catch_unwind(AssertUnwindSafe(|| keep(&app))).is_err() {
                std::process::abort();
            }
        };
        std::thread::Builder::new().name("answers".into()).spawn(keep).map(drop)
    }
}

/// The same name for another message.
pub fn client_id_reused() -> Error {
    Error::Refused("client_id_reused", "This client_id was used for another message.".into())
}

fn keep(app: &Weak<App>) {
    let (mut trimmed, mut checked) = (Instant::now(), Instant::now());
    while let Some(app) = app.upgrade() {
        let (running, closing) = app.answers.wait_for_some();
        if running.is_empty() {
            if closing {
                return;
            }
            continue;
        }
        let began = Instant::now();
        save(&app, &running);
        if trimmed.elapsed() >= TRIM {
            trimmed = Instant::now();
            let turns = running.iter().filter_map(|generation| generation.turn()).collect();
            // A failure only leaves more to cut off the next time.
            let _ = app.store.trim_chunks(turns);
        }
        if checked.elapsed() >= CHECK {
            checked = Instant::now();
            stop_orphans(&app, &running);
            write_ends(&app);
        }
        drop(app);
        std::thread::sleep(SAVE.saturating_sub(began.elapsed()));
    }
}

fn save(app: &App, running: &[Arc<Generation>]) {
    let (mut chunks, mut marks) = (Vec::new(), Vec::new());
    for generation in running {
        let (unsaved, mark) = generation.unsaved();
        if !unsaved.is_empty() {
            chunks.extend(unsaved);
            marks.push((generation, mark));
        }
    }
    // What could not be saved is unsaved still, and comes again at the next look.
    if !chunks.is_empty() && app.store.append(chunks).is_ok() {
        for (generation, mark) in marks {
            generation.mark_saved(mark);
        }
    }
}

/// Accounts may be disabled or deleted by a command beside the server.
fn stop_orphans(app: &App, running: &[Arc<Generation>]) {
    let mut users: Vec<UserId> = running.iter().map(|generation| generation.user).collect();
    users.sort_unstable();
    users.dedup();
    let Ok(inactive) = app.store.inactive(&users) else {
        return;
    };
    for generation in running.iter().filter(|generation| inactive.contains(&generation.user)) {
        generation.stop.stop(Reason::AccountEnded);
    }
}

fn write_ends(app: &App) {
    let unwritten = std::mem::take(&mut app.answers.lock().unwritten);
    for (generation, finish, ended) in unwritten {
        app.answers.write_end(&app.store, generation, finish, ended);
    }
}

#[cfg(test)]
mod tests {
    use super::super::generation::Path;
    use super::*;
    use crate::model::PaidBy;

    #[test]
    fn nothing_begins_once_the_answers_are_closed() {
        let answers = Answers::default();
        let new =
            || Arc::new(Generation::new(UserId(1), "m".into(), PaidBy::Own, None, None, Path::default()));
        assert!(answers.add(&new(), 8, 8).unwrap().is_none());
        answers.close();
        assert!(matches!(answers.add(&new(), 8, 8), Err(Error::Draining)));
        assert_eq!(*answers.count().borrow(), 1);
    }
}
