//! A running answer. The server owns it: a worker thread appends what the model says, and any number of followers read
//! `text[offset..]` whenever they are woken. A slow follower merges pieces instead of filling a queue, one that leaves
//! ends nothing, and one that comes later just begins at another offset.

use super::news::{Ended, News, Position, is_outdated};
use super::rendering::{Rendering, Seen};
use crate::model::{ConversationId, PaidBy, TurnId, UserId};
use crate::render::Change;
use crate::store::{Chunk, ChunkKind};
use crate::upstream::{Heard, Stop};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// A running answer.
pub struct Generation {
    /// Whose.
    pub user: UserId,
    /// The model that was asked.
    pub model: String,
    /// Whose key pays.
    pub paid_by: PaidBy,
    /// The client's name for the send, with the hash of its body.
    pub client: Option<(String, String)>,
    /// Ends the call to the upstream.
    pub stop: Stop,
    state: Mutex<State>,
    /// Told when the row is known.
    row_known: Condvar,
    /// Told whenever there is something new to read.
    changed: watch::Sender<()>,
    /// Its HTML, once somebody wants that. Locked before `state`.
    rendering: Mutex<Option<Rendering>>,
    wants_html: AtomicBool,
    /// A line has ended and is not rendered yet: it came too soon after the last time.
    owes_html: AtomicBool,
}

#[derive(Default)]
struct State {
    row: Row,
    /// How many wait to know the row.
    row_waiters: u32,
    parent: Option<TurnId>,
    path: Path,
    response: String,
    reasoning: String,
    /// How often the response began anew.
    resets: u32,
    /// Bytes of reasoning when it last did.
    reset_at: usize,
    saved: Saved,
    /// Nothing comes any more, though the end is not told yet.
    whole: bool,
    ended: Option<Ended>,
    /// The end could not be written at the first try, and is tried again.
    unwritten: bool,
    /// Who waits for the end and nothing before it.
    when_ended: Option<WhenEnded>,
}

/// Wakes somebody.
type WhenEnded = Box<dyn FnOnce() + Send>;

/// The turn's row in the database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Row {
    #[default]
    Pending,
    /// In a transaction that is not durable yet: nobody is told of it.
    Written(TurnId),
    Known(TurnId, ConversationId),
    Lost,
}

/// How much of the text is in the database.
#[derive(Clone, Copy, Debug, Default)]
pub struct Saved {
    response: usize,
    reasoning: usize,
    resets: u32,
}

/// How much of the conversation went upstream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Path {
    /// Turns that did.
    pub turns: usize,
    /// Older ones that did not fit.
    pub dropped: usize,
}

/// What is known of the turn, once its row is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The turn.
    pub turn: TurnId,
    /// Its conversation.
    pub conversation: ConversationId,
    /// The turn before it.
    pub parent: Option<TurnId>,
    /// What went upstream.
    pub path: Path,
}

impl Generation {
    /// One that has not begun.
    pub fn new(
        user: UserId,
        model: String,
        paid_by: PaidBy,
        client: Option<(String, String)>,
        parent: Option<TurnId>,
        path: Path,
    ) -> Generation {
        Generation {
            user,
            model,
            paid_by,
            client,
            stop: Stop::default(),
            state: Mutex::new(State { parent, path, ..State::default() }),
            row_known: Condvar::new(),
            changed: watch::Sender::new(()),
            rendering: Mutex::default(),
            wants_html: AtomicBool::new(false),
            owes_html: AtomicBool::new(false),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The row is in a transaction, so that its end can be put behind it; or not there any more.
    pub fn written(&self, turn: Option<TurnId>) {
        self.lock().row = turn.map_or(Row::Pending, Row::Written);
    }

    /// The row is durable: followers may come.
    pub fn begin(&self, turn: TurnId, conversation: ConversationId) {
        self.row_is(Row::Known(turn, conversation));
        self.changed.send_replace(());
    }

    /// The row could not be written: nothing of this shall be seen.
    pub fn lose(&self) {
        self.row_is(Row::Lost);
        self.changed.send_replace(());
    }

    /// To wake who does not wait is a system call all the same, and hardly ever does anybody wait.
    fn row_is(&self, row: Row) {
        let mut state = self.lock();
        state.row = row;
        if state.row_waiters > 0 {
            self.row_known.notify_all();
        }
    }

    /// Blocks until the row's fate is known; `None` when it was lost.
    pub fn wait_for_row(&self) -> Option<TurnId> {
        let mut state = self.lock();
        loop {
            match state.row {
                Row::Known(turn, _) => return Some(turn),
                Row::Lost => return None,
                Row::Pending | Row::Written(_) => {
                    state.row_waiters += 1;
                    state = self.row_known.wait(state).unwrap_or_else(PoisonError::into_inner);
                    state.row_waiters -= 1;
                }
            }
        }
    }

    /// The turn's number as the writing thread knows it, before its row is durable too.
    pub fn number(&self) -> Option<TurnId> {
        match self.lock().row {
            Row::Written(turn) | Row::Known(turn, _) => Some(turn),
            Row::Pending | Row::Lost => None,
        }
    }

    /// The turn, if its row is durable.
    pub fn turn(&self) -> Option<TurnId> {
        self.place().map(|place| place.turn)
    }

    /// Where the turn stands, if its row is durable.
    pub fn place(&self) -> Option<Place> {
        let state = self.lock();
        match state.row {
            Row::Known(turn, conversation) => {
                Some(Place { turn, conversation, parent: state.parent, path: state.path })
            }
            _ => None,
        }
    }

    /// True when the row could not be written.
    pub fn is_lost(&self) -> bool {
        self.lock().row == Row::Lost
    }

    /// Less of the conversation went upstream than was said.
    pub fn shorten_path(&self, path: Path) {
        self.lock().path = path;
    }

    /// The model said something.
    pub fn hear(&self, heard: &Heard<'_>) {
        let mut state = self.lock();
        let line_ended = matches!(heard, Heard::Text(text) if text.contains('\n'));
        match heard {
            Heard::Text(text) => state.response.push_str(text),
            Heard::Thought(text) => state.reasoning.push_str(text),
            Heard::AllThought => {
                let text = std::mem::take(&mut state.response);
                state.reasoning.push_str(&text);
                state.resets += 1;
                state.reset_at = state.reasoning.len();
            }
        }
        drop(state);
        self.changed.send_replace(());
        if self.wants_html.load(Relaxed) && (line_ended || self.owes_html()) {
            self.render();
        }
    }

    /// Whether a line has ended that is not rendered yet.
    pub fn owes_html(&self) -> bool {
        self.owes_html.load(Relaxed)
    }

    /// Renders such a line, though the model says nothing more for now.
    pub fn render_owed(&self) {
        if self.owes_html() {
            self.render();
        }
    }

    /// From now on the answer is rendered as it grows; what there is of it is rendered at once.
    pub fn want_html(&self) {
        if !self.wants_html.swap(true, Relaxed) {
            self.render();
        }
    }

    /// Nothing comes any more: the rest is rendered, now or when somebody wants it. Who asks at this very moment has
    /// either been seen here, or sees under the same lock that the text is whole.
    pub fn finish_rendering(&self) {
        self.lock().whole = true;
        if self.wants_html.load(Relaxed) {
            self.render();
        }
    }

    fn render(&self) {
        let mut rendering = self.rendering.lock().unwrap_or_else(PoisonError::into_inner);
        let rendering = rendering.get_or_insert_default();
        let whole = self.lock().whole;
        let is_now = whole || rendering.is_due();
        self.owes_html.store(!is_now, Relaxed);
        if !is_now {
            return;
        }
        let (text, resets) = {
            let state = self.lock();
            (state.response.clone(), state.resets)
        };
        rendering.update(&text, resets, whole);
        self.changed.send_replace(());
    }

    /// What of the HTML is new since `seen`, which is moved on, and the resets that it has seen. Text read after this
    /// call is never behind it.
    pub fn read_html(&self, seen: &mut Seen) -> (Vec<Change>, u32) {
        let rendering = self.rendering.lock().unwrap_or_else(PoisonError::into_inner);
        rendering.as_ref().map_or((Vec::new(), 0), |rendering| (rendering.news(seen), rendering.resets()))
    }

    /// Response and reasoning so far.
    pub fn texts(&self) -> (String, String) {
        let state = self.lock();
        (state.response.clone(), state.reasoning.clone())
    }

    /// Bytes of reasoning when the response last began anew; 0: it never did.
    pub fn reset_at(&self) -> usize {
        self.lock().reset_at
    }

    /// True while the model has said nothing.
    pub fn is_silent(&self) -> bool {
        let state = self.lock();
        state.response.is_empty() && state.reasoning.is_empty()
    }

    /// The end is in the database, and may be told.
    pub fn end(&self, ended: Ended) {
        self.ends(|state| state.ended = Some(ended));
    }

    /// The end could not be written yet.
    pub fn mark_unwritten(&self) {
        self.ends(|state| state.unwritten = true);
    }

    fn ends(&self, how: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        how(&mut state);
        let waiting = state.when_ended.take();
        drop(state);
        self.changed.send_replace(());
        if let Some(wake) = waiting {
            wake();
        }
    }

    /// Calls `wake` once the end may be told or cannot be written for now, on the writing thread.
    pub fn when_ended(&self, wake: WhenEnded) {
        let mut state = self.lock();
        if state.ended.is_none() && !state.unwritten {
            state.when_ended = Some(wake);
            return;
        }
        drop(state);
        wake();
    }

    /// Wakes whenever there is news.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Waits for the end. `None`: the row was lost, or the end cannot be written for now.
    pub async fn wait_for_end(&self) -> Option<Ended> {
        let mut changes = self.changes();
        loop {
            changes.borrow_and_update();
            let (ended, hopeless) = {
                let state = self.lock();
                (state.ended.clone(), state.row == Row::Lost || state.unwritten)
            };
            if ended.is_some() || hopeless {
                return ended;
            }
            if changes.changed().await.is_err() {
                return None;
            }
        }
    }

    /// What is new since `position`, which is moved on.
    pub fn read(&self, position: &mut Position) -> News {
        let state = self.lock();
        let mut news = News::default();
        let beyond = position.response > state.response.len() || position.reasoning > state.reasoning.len();
        if position.resets != state.resets || beyond {
            *position = Position { resets: state.resets, ..Position::default() };
            news.reset = true;
        }
        if news.take(&state.reasoning, &state.response, position) {
            news.ended = state.ended.clone();
        }
        news
    }

    /// A follower's place by the offsets it names; `None` when one splits a character. Offsets beyond the text, or from
    /// before it began anew, are answered by a reset.
    pub fn position(&self, response: usize, reasoning: usize) -> Option<Position> {
        let state = self.lock();
        if is_outdated(response, reasoning, state.reset_at) {
            return Some(Position { resets: state.resets.wrapping_sub(1), ..Position::default() });
        }
        let splits = |text: &str, at: usize| at < text.len() && !text.is_char_boundary(at);
        if splits(&state.response, response) || splits(&state.reasoning, reasoning) {
            return None;
        }
        Some(Position { response, reasoning, resets: state.resets })
    }

    /// What has come since the last `mark_saved`, and what to mark once it is in the database.
    pub fn unsaved(&self) -> (Vec<Chunk>, Saved) {
        let state = self.lock();
        let mark =
            Saved { response: state.response.len(), reasoning: state.reasoning.len(), resets: state.resets };
        let Row::Known(turn, _) = state.row else {
            return (Vec::new(), state.saved);
        };
        let anew = state.saved.resets != state.resets;
        let from = if anew { 0 } else { state.saved.response };
        let mut chunks = Vec::new();
        let mut add = |kind, text: &str, start: usize| {
            chunks.push(Chunk { turn, kind, start, text: text[start..].to_owned() });
        };
        if anew || state.response.len() > from {
            add(ChunkKind::Response, &state.response, from);
        }
        if state.reasoning.len() > state.saved.reasoning {
            add(ChunkKind::Reasoning, &state.reasoning, state.saved.reasoning);
        }
        (chunks, mark)
    }

    /// What `unsaved` gave is in the database.
    pub fn mark_saved(&self, mark: Saved) {
        self.lock().saved = mark;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Status, Usage};

    fn generation() -> Generation {
        let generation = Generation::new(UserId(1), "m".into(), PaidBy::Own, None, None, Path::default());
        generation.begin(TurnId(1), ConversationId(1));
        generation
    }

    #[test]
    fn a_row_is_told_of_when_it_is_durable_and_never_when_it_is_lost() {
        let fresh = || Generation::new(UserId(1), "m".into(), PaidBy::Own, None, None, Path::default());
        let kept = fresh();
        assert_eq!((kept.number(), kept.turn()), (None, None));
        kept.written(Some(TurnId(7)));
        assert_eq!((kept.number(), kept.turn(), kept.place()), (Some(TurnId(7)), None, None));
        kept.begin(TurnId(7), ConversationId(1));
        assert_eq!((kept.number(), kept.turn()), (Some(TurnId(7)), Some(TurnId(7))));
        // Its number may be given to another turn: nothing may end that one in its name.
        let lost = fresh();
        lost.written(Some(TurnId(7)));
        lost.lose();
        assert_eq!((lost.number(), lost.wait_for_row(), lost.is_lost()), (None, None, true));
    }

    #[test]
    fn who_waits_for_the_end_alone_is_woken_once() {
        let woken = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let wake = || {
            let woken = woken.clone();
            Box::new(move || {
                woken.fetch_add(1, Relaxed);
            })
        };
        let ended = Ended {
            status: Status::Complete,
            finish_reason: None,
            fault: None,
            retry_after: None,
            usage: Usage::default(),
        };
        let one = generation();
        one.when_ended(wake());
        one.hear(&Heard::Text("a"));
        assert_eq!(woken.load(Relaxed), 0, "not by words");
        one.end(ended.clone());
        one.end(ended);
        assert_eq!(woken.load(Relaxed), 1);
        let other = generation();
        other.mark_unwritten();
        other.when_ended(wake());
        assert_eq!(woken.load(Relaxed), 2, "who comes too late is woken at once");
    }

    #[test]
    fn followers_read_from_any_offset() {
        let generation = generation();
        generation.hear(&Heard::Text("你好"));
        generation.hear(&Heard::Thought("hm"));
        for (response, reasoning, want) in [
            (0, 0, Some((false, "hm", "你好"))),
            (3, 1, Some((false, "m", "好"))),
            (6, 2, Some((false, "", ""))),
            (7, 0, Some((true, "hm", "你好"))),
            (0, 99, Some((true, "hm", "你好"))),
            (1, 0, None),
            (4, 0, None),
        ] {
            let found = generation.position(response, reasoning).map(|mut position| {
                let news = generation.read(&mut position);
                assert_eq!((position.response, position.reasoning), (6, 2));
                (news.reset, news.reasoning, news.response)
            });
            let want = want.map(|(reset, a, b)| (reset, a.to_owned(), b.to_owned()));
            assert_eq!(found, want, "{response}.{reasoning}");
        }
    }

    #[test]
    fn a_late_closing_tag_begins_the_answer_anew() {
        let generation = generation();
        let mut position = Position::default();
        generation.hear(&Heard::Text("plan"));
        assert_eq!(generation.read(&mut position).response, "plan");
        generation.hear(&Heard::AllThought);
        generation.hear(&Heard::Text("yes"));
        let news = generation.read(&mut position);
        assert_eq!((news.reset, &*news.reasoning, &*news.response), (true, "plan", "yes"));
        assert!(!generation.read(&mut position).reset);
    }

    #[test]
    fn c32_html_that_is_asked_for_after_the_last_word_is_whole() {
        let generation = generation();
        let text = "**one**\n\n**two**";
        generation.hear(&Heard::Text(text));
        generation.finish_rendering();
        generation.want_html();
        let html = |change: Change| (change.html, change.open);
        let (changes, _) = generation.read_html(&mut Seen::default());
        let whole: Vec<_> = crate::render::blocks(text).into_iter().map(|html| (Some(html), false)).collect();
        assert_eq!(changes.into_iter().map(html).collect::<Vec<_>>(), whole);
    }

    /// The text that recovery would put together from what was saved.
    fn recovered(saved: &[Chunk]) -> (String, String) {
        let (mut response, mut reasoning) = (String::new(), String::new());
        for chunk in saved {
            let text = if chunk.kind == ChunkKind::Response { &mut response } else { &mut reasoning };
            text.truncate(chunk.start);
            text.push_str(&chunk.text);
        }
        (response, reasoning)
    }

    #[test]
    fn what_is_saved_is_what_was_heard() {
        let generation = generation();
        let mut all = Vec::new();
        let save = |all: &mut Vec<Chunk>| {
            let (chunks, mark) = generation.unsaved();
            all.extend(chunks);
            generation.mark_saved(mark);
            assert_eq!(recovered(all), generation.texts());
        };
        for heard in
            [Heard::Text("a"), Heard::Text("b"), Heard::AllThought, Heard::Text("c"), Heard::Thought("d")]
        {
            generation.hear(&heard);
            save(&mut all);
        }
        assert!(generation.unsaved().0.is_empty());
        // A reset between the look and the mark is seen at the next look.
        generation.hear(&Heard::Text("more"));
        let (chunks, mark) = generation.unsaved();
        generation.hear(&Heard::AllThought);
        generation.hear(&Heard::Text("and a longer answer than before"));
        all.extend(chunks);
        generation.mark_saved(mark);
        save(&mut all);
    }
}
