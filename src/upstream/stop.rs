//! `Stop` ends one upstream call from another thread, at once, whatever that call is doing: looking up a name,
//! connecting, shaking hands, sending, waiting, reading.
//!
//! ureq has no handle for one call, so the token travels beside it. `Stop::run` names the token of the call that
//! this thread makes; our transport, which ureq asks for every byte, ties the token to the socket before the first
//! byte and unties it when ureq asks `is_open` (its last question before a connection goes back to its pool). Both
//! happen under the token's lock, so a late stop can never hit the next call on the same connection.

use socket2::Socket;
use std::cell::RefCell;
use std::io;
use std::net::Shutdown;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Why a call was ended from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Its owner stopped it.
    Person,
    /// No first byte in time.
    FirstByte,
    /// Silent for too long within the answer.
    Idle,
    /// It has run for as long as any may.
    Total,
    /// The answer had ended; the upstream just did not close.
    Lingering,
    /// The server is about to stop.
    Draining,
    /// The account was disabled or deleted.
    AccountEnded,
    /// The turn's row could not be written.
    NotStored,
}

/// A handle that ends one call. Clones are the same handle.
#[derive(Clone, Default, Debug)]
pub struct Stop(Arc<Mutex<State>>);

#[derive(Default, Debug)]
struct State {
    reason: Option<Reason>,
    /// Weak: a connection that is dropped closes at once, token or not.
    socket: Weak<Socket>,
}

thread_local!(static CURRENT: RefCell<Option<Stop>> = const { RefCell::new(None) });

impl Stop {
    /// Ends the call. The first reason is the one that counts.
    pub fn stop(&self, reason: Reason) {
        let mut state = self.lock();
        state.reason.get_or_insert(reason);
        if let Some(socket) = state.socket.upgrade() {
            // Wakes connect (on Linux), read and write alike. Its fault says that the socket is closed already.
            let _ = socket.shutdown(Shutdown::Both);
        }
    }

    /// Why the call was ended, if it was.
    pub fn reason(&self) -> Option<Reason> {
        self.lock().reason
    }

    /// The call made inside `f`, on this thread, belongs to this token.
    pub fn run<T>(&self, f: impl FnOnce() -> T) -> T {
        struct Reset(Option<Stop>);
        impl Drop for Reset {
            fn drop(&mut self) {
                CURRENT.set(self.0.take());
            }
        }
        let _reset = Reset(CURRENT.replace(Some(self.clone())));
        f()
    }

    /// The token of the call that this thread makes.
    pub(super) fn current() -> Option<Stop> {
        CURRENT.with_borrow(Clone::clone)
    }

    /// Ends the call's next step when it was stopped.
    pub(super) fn check(&self) -> io::Result<()> {
        // `Other` on purpose: ureq takes ConnectionAborted, ConnectionReset and UnexpectedEof within a body for its
        // end, and tries again on Interrupted.
        if self.reason().is_some() { Err(io::Error::other("stopped")) } else { Ok(()) }
    }

    /// Ties the token to a socket, unless the call was stopped already.
    pub(super) fn attach(&self, socket: &Arc<Socket>) -> io::Result<()> {
        let mut state = self.lock();
        if state.reason.is_some() {
            return Err(io::Error::other("stopped"));
        }
        state.socket = Arc::downgrade(socket);
        Ok(())
    }

    pub(super) fn detach(&self) {
        self.lock().socket = Weak::new();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
