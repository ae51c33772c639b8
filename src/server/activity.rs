//! Whether an HTTP/2 connection is of any use: one that asks for nothing, or takes nothing of what it asked for, is let go.
//! On HTTP/1 the head's deadline and the system's time-out for unacknowledged bytes do the same.

use bytes::Bytes;
use hyper::Response;
use hyper::body::{Body, Frame, SizeHint};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// What goes on in one connection.
pub struct Activity {
    begun: Instant,
    /// Requests that have no reply yet.
    requests: AtomicUsize,
    /// When a reply, or a piece of one, was last taken to be sent: milliseconds since `begun`.
    last: AtomicU64,
}

impl Activity {
    pub fn new() -> Arc<Activity> {
        Arc::new(Activity { begun: Instant::now(), requests: AtomicUsize::new(0), last: AtomicU64::new(0) })
    }

    /// How long nothing has been sent; zero while a request is being answered. A stream of events sends something every
    /// 15 seconds, unless its reader takes nothing.
    pub fn rest(&self) -> Duration {
        if self.requests.load(Relaxed) > 0 {
            return Duration::ZERO;
        }
        self.begun.elapsed().saturating_sub(Duration::from_millis(self.last.load(Relaxed)))
    }

    /// Watches over a request and the sending of its reply.
    pub async fn watch<B>(
        self: Arc<Activity>,
        answer: impl Future<Output = Response<B>>,
    ) -> Response<Watched<B>> {
        self.requests.fetch_add(1, Relaxed);
        let answering = Answering(self.clone());
        let response = answer.await;
        drop(answering);
        response.map(|inner| Watched { inner, activity: self })
    }

    fn note(&self) {
        self.last.store(self.begun.elapsed().as_millis() as u64, Relaxed);
    }
}

/// A request that is being answered. A client that takes it back drops it.
struct Answering(Arc<Activity>);

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.requests.fetch_sub(1, Relaxed);
        self.0.note();
    }
}

/// A body whose sending is noted.
pub struct Watched<B> {
    inner: B,
    activity: Arc<Activity>,
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
            self.activity.note();
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
        drop(response);
        // A request that was taken back has ended as well.
        drop(activity.clone().watch(std::future::pending::<Response<()>>()));
        std::thread::sleep(Duration::from_millis(5));
        assert!(activity.rest() > Duration::ZERO);
    }
}
