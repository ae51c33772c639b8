//! Imports of a server: each in a thread of its own, with its file in the data folder until it has ended. What a stop or a
//! crash cuts off, the next start goes on with, once.

use super::STACK;
use super::report::{Report, State};
use super::upload::Upload;
use super::work::{self, Stop, has_room};
use crate::app::App;
use crate::error::{Error, Result};
use crate::model::{ImportId, UserId};
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;
use std::time::Duration;

/// Imports at once, from the first byte that is sent to the end. Each may take `limits.import_bytes` of the disk.
const MOST: usize = 4;
/// An import that has ended a process twice is not begun a third time.
const MOST_ATTEMPTS: u32 = 2;
/// How soon the end of an import is written again where it could not be: its person waits for it.
const AGAIN: Duration = Duration::from_secs(1);
const PREFIX: &str = "import-";
const DRAFT: &str = ".part";

/// Whose imports are going on, and which of them are past being sent.
#[derive(Default)]
pub struct Imports(Mutex<Vec<(UserId, bool)>>);

impl Imports {
    fn lock(&self) -> MutexGuard<'_, Vec<(UserId, bool)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many are at work on a file that was sent.
    pub fn working(&self) -> usize {
        self.lock().iter().filter(|(_, working)| *working).count()
    }
}

/// A place among them. Dropping it frees it.
pub struct Place {
    app: Arc<App>,
    user: UserId,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.app.imports.lock().retain(|(user, _)| *user != self.user);
    }
}

/// Takes a place, before a file is sent.
pub fn enter(app: &Arc<App>, user: UserId) -> Result<Place> {
    if app.is_draining() {
        return Err(Error::Draining);
    }
    let mut all = app.imports.lock();
    if all.iter().any(|(other, _)| *other == user) {
        let sentence = "An import of yours is still going on. Please wait until it has ended.";
        return Err(Error::Limited("import_running", sentence.into(), 10));
    }
    if all.len() >= MOST {
        return Err(Error::Overloaded);
    }
    all.push((user, false));
    drop(all);
    Ok(Place { app: app.clone(), user })
}

/// A file while it is sent: private, under a name of ours. Dropping it removes it.
pub struct Draft {
    path: PathBuf,
    file: File,
}

impl Draft {
    /// Makes an empty one in the data folder; `id` is the request's number.
    pub fn new(app: &App, id: &str) -> Result<Draft> {
        let path = app.config.server.data_dir.join(format!("{PREFIX}{id}{DRAFT}"));
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path);
        Ok(Draft { file: file.map_err(storage)?, path })
    }

    /// Adds to it, as long as there is room on the disk.
    pub fn write(&self, bytes: &[u8]) -> Result<()> {
        if !self.path.parent().is_some_and(has_room) {
            return Err(Error::Storage("an import would fill the disk".into()));
        }
        (&self.file).write_all(bytes).map_err(storage)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

fn storage(error: impl std::fmt::Display) -> Error {
    Error::Storage(error.to_string())
}

fn path(app: &App, id: ImportId) -> PathBuf {
    app.config.server.data_dir.join(format!("{PREFIX}{}", id.0))
}

/// Begins the import of a file that was sent, and waits until it is known what that is.
pub fn begin(place: Place, draft: Draft) -> Result<ImportId> {
    place
        .app
        .imports
        .lock()
        .iter_mut()
        .filter(|(user, _)| *user == place.user)
        .for_each(|(_, working)| *working = true);
    let (tell, told) = sync_channel(1);
    let thread = Builder::new().name("import".into()).stack_size(STACK);
    thread.spawn(move || accept(place, draft, &tell)).map_err(|_| Error::Overloaded)?;
    told.recv().unwrap_or_else(|_| Err(Error::internal("an import panicked")))
}

fn accept(place: Place, draft: Draft, tell: &SyncSender<Result<ImportId>>) {
    let accepted = examine(&place, &draft);
    drop(draft);
    // Who asked may have gone; the import goes on.
    match accepted {
        Err(error) => {
            drop(place);
            drop(tell.send(Err(error)));
        }
        Ok((id, report)) => {
            drop(tell.send(Ok(id)));
            carry_out(place, id, report);
        }
    }
}

fn examine(place: &Place, draft: &Draft) -> Result<(ImportId, Report)> {
    let app = &place.app;
    let unreadable = |reason: &'static str| Error::Refused("import_unreadable", reason.into());
    draft.file.sync_all().map_err(storage)?;
    let mut upload = Upload::open(draft.file.try_clone().map_err(storage)?).map_err(unreadable)?;
    let report = Report::new(work::examine(app, &mut upload)?);
    let id = app.store.begin_import(place.user, app.run.clone(), report.to_text(), app.clock.now())?;
    // Without its file the next start marks it as failed.
    fs::rename(&draft.path, path(app, id)).map_err(storage)?;
    Ok((id, report))
}

/// The import itself, from where its report says that it is.
fn carry_out(place: Place, id: ImportId, mut report: Report) {
    let (app, path) = (place.app.clone(), path(&place.app, id));
    let worked = catch_unwind(AssertUnwindSafe(|| go_through(&app, place.user, id, &path, &mut report)));
    // Whoever hears that it has ended may begin another.
    drop(place);
    match worked.unwrap_or(Err(Stop::Failed("Something went wrong on the server."))) {
        Ok(()) => report.status = State::Done,
        Err(Stop::Failed(reason)) => report.fail(reason),
        Err(Stop::Draining) => {
            // A stop that was asked for is nobody's fault.
            report.attempts = report.attempts.saturating_sub(1);
            let _ = app.store.keep_import(id, app.run.clone(), report.to_text());
            return;
        }
    }
    let keep_end = || app.store.keep_import(id, String::new(), report.to_text());
    let mut kept = keep_end();
    // Also where that was in vain: it may be what fills the disk.
    let _ = fs::remove_file(path);
    while kept.is_err() && !app.is_draining() {
        std::thread::sleep(AGAIN);
        kept = keep_end();
    }
}

fn go_through(app: &App, user: UserId, id: ImportId, path: &Path, report: &mut Report) -> Result<(), Stop> {
    let file = File::open(path).map_err(|_| Stop::Failed("The file that was sent is gone."))?;
    let mut upload = Upload::open(file).map_err(Stop::Failed)?;
    let mut keep = |report: &Report| drop(app.store.keep_import(id, app.run.clone(), report.to_text()));
    work::run(app, user, &mut upload, report, &mut keep)
}

/// Goes on with what earlier processes have left, and removes files that nobody waits for.
pub fn resume(app: &Arc<App>) -> Result<()> {
    let left = app.store.unfinished_imports(&app.run)?;
    let kept: Vec<PathBuf> = left.iter().map(|import| path(app, import.id)).collect();
    for entry in fs::read_dir(&app.config.server.data_dir).map_err(storage)?.flatten() {
        if entry.file_name().to_string_lossy().starts_with(PREFIX) && !kept.contains(&entry.path()) {
            let _ = fs::remove_file(entry.path());
        }
    }
    for import in left {
        let mut report = Report::from_text(&import.report);
        let reason = if report.attempts >= MOST_ATTEMPTS {
            Some("The server has ended twice while it was at work on this file.")
        } else if !path(app, import.id).is_file() {
            Some("The server has ended, and the file is gone. It can be imported again.")
        } else {
            None
        };
        if let Some(reason) = reason {
            report.fail(reason);
            app.store.keep_import(import.id, String::new(), report.to_text())?;
            let _ = fs::remove_file(path(app, import.id));
            continue;
        }
        report.attempts += 1;
        app.store.keep_import(import.id, app.run.clone(), report.to_text())?;
        app.imports.lock().push((import.user, true));
        let place = Place { app: app.clone(), user: import.user };
        let thread = Builder::new().name("import".into()).stack_size(STACK);
        thread.spawn(move || carry_out(place, import.id, report)).map_err(|_| Error::Overloaded)?;
    }
    Ok(())
}
