//! What is done once a minute, beside all requests.

use crate::app::App;
use crate::error::Result;
use crate::files;
use std::time::Duration;

const DAY: i64 = 24 * 3600;

/// Forgets idle addresses, and removes what has been in the trash for long enough and files that nothing refers to: a
/// little at a time, so that nobody waits for it.
pub fn run(app: &App) -> Result<()> {
    app.limits.forget_idle();
    let before = app.clock.now() - i64::from(app.config.chat.trash_days) * DAY;
    while app.store.purge_trash(before)? {
        std::thread::sleep(Duration::from_millis(50));
    }
    files::forget_orphans(app)
}
