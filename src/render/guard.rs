//! Code of others runs over hostile text here, and may panic.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is rendering behind a net, so that a panic now is caught and nobody's fault to report.
///
/// The process's panic hook must stay silent while this is true: the message of such a panic can hold a piece of an answer.
/// The hook belongs to the binary, since a library has no business replacing it.
pub fn is_guarded() -> bool {
    GUARDED.with(Cell::get)
}

/// Runs `work`; `None` if it panicked.
pub(super) fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    let outer = GUARDED.replace(true);
    // Whatever `work` was building is dropped with it, so nothing half-built is seen afterwards.
    let result = catch_unwind(AssertUnwindSafe(work));
    GUARDED.set(outer);
    result.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_ends_at_the_net() {
        assert_eq!(guarded(|| 1), Some(1));
        assert!(!is_guarded());
        assert_eq!(guarded(|| guarded(is_guarded)), Some(Some(true)));
        assert!(guarded(|| std::panic::resume_unwind(Box::new(()))).is_none());
        assert!(!is_guarded());
    }
}
