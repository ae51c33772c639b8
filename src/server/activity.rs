//! Whether an HTTP/2 connection is of any use: one that asks for nothing, or takes nothing of what it asked for, is let go.
//! On HTTP/1 the head's deadline and the system's time-out for unacknowledged bytes do the same.

use bytes::Bytes;
use hyper::Response;
use hyper::body::{Body, Frame, SizeHint};
use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// What goes on in one connection.
pub struct Activity(Mutex<State>);

struct State {
    /// Requests that have no reply yet.
    requests: usize,
    /// Replies that are being sent, and when a piece of each was last taken.
    replies: HashMap<u64, Instant>,
    next: u64,
    /// When a request or a reply last ended.
    last: Instant,
}

impl Activity {
    pub fn new() -> Arc<Activity> {
        let state = State { requests: 0, replies: HashMap::new(), next: 0, last: Instant::now() };
        Arc::new(Activity(Mutex::new(state)))
    }

    /// How long the connection has been of no use: since a piece of the reply that rests longest was taken, or since
    /// anything ended; zero while it waits for us alone. A stream of events sends something every 15 seconds, unless its
    /// reader takes nothing, and what one reply does is no excuse for another.
    pub fn rest(&self) -> Duration {
        let state = self.lock();
        match (state.replies.values().min(), state.requests) {
            (Some(longest), _) => longest.elapsed(),
            (None, 0) => state.last.elapsed(),
            (None, _) => Duration::ZERO,
        }
    }

    /// Watches over a request and the sending of its reply.
    pub async fn watch<B>(
        self: Arc<Activity>,
        answer: impl Future<Output = Response<B>>,
    ) -> Response<Watched<B>> {
        self.lock().requests += 1;
        let answering = Answering(self.clone());
        let response = answer.await;
        drop(answering);
        let number = {
            let mut state = self.lock();
            state.next += 1;
            let number = state.next;
            state.replies.insert(number, Instant::now());
            number
        };
        response.map(|inner| Watched { inner, reply: Reply { number, activity: self } })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that is being answered. A client that takes it back drops it.
struct Answering(Arc<Activity>);

impl Drop for Answering {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.requests -= 1;
        state.last = Instant::now();
    }
}

/// A reply that is being sent, until it is dropped.
struct Reply {
    number: u64,
    activity: Arc<Activity>,
}

impl Drop for Reply {
    fn drop(&mut self) {
        let mut state = self.activity.lock();
        state.replies.remove(&self.number);
        state.last = Instant::now();
    }
}

/// A body whose sending is noted.
pub struct Watched<B> {
    inner: B,
    reply: Reply,
}

impl<B: Body<Data = Bytes> + Unpin> Body for Watched<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(cx);
        if polled.is_ready() {
            self.reply.activity.lock().replies.insert(self.reply.number, Instant::now());
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_rests_unless_it_answers_or_sends() {
        let activity = Activity::new();
        std::thread::sleep(Duration::from_millis(20));
        assert!(activity.rest() >= Duration::from_millis(20));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (watched, other, began) = (activity.clone(), activity.clone(), Instant::now());
        let response = runtime.block_on(watched.watch(async move {
            std::thread::sleep(Duration::from_millis(20));
            assert_eq!(other.rest(), Duration::ZERO);
            Response::new(())
        }));
        assert!(activity.rest() < began.elapsed(), "the end of answering counts, not its beginning");
        // A reply that rests is not hidden by one that moves.
        let moving = runtime.block_on(activity.clone().watch(async { Response::new(()) }));
        std::thread::sleep(Duration::from_millis(20));
        activity.lock().replies.insert(moving.body().reply.number, Instant::now());
        assert!(activity.rest() >= Duration::from_millis(20));
        drop(response);
        assert!(activity.rest() < began.elapsed() - Duration::from_millis(20));
        drop(moving);
        // A request that was taken back has ended as well.
        drop(activity.clone().watch(std::future::pending::<Response<()>>()));
        std::thread::sleep(Duration::from_millis(5));
        assert!(activity.rest() > Duration::ZERO);
    }
}
