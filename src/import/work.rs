//! Goes through an upload and stores what is in it, some conversations at a time: enough that they share a commit, few
//! enough that nobody else's write waits for long.

use super::enclosed::{self, Album, Enclosed};
use super::report::Report;
use super::tree::NOTHING;
use super::upload::{Piece, Progress, Upload, last_part, may_be_foreign};
use super::{Format, Read, Refused, conversation};
use crate::app::App;
use crate::error::{Error, Result};
use crate::model::UserId;
use crate::store::Imported;
use std::path::Path;

/// Conversations that are stored together, and text that is.
const TOGETHER: usize = 64;
const TEXT_TOGETHER: usize = 512 << 10;
/// Conversations of one import, and how many of them may be beyond reading: a gigabyte of commas is not gone through.
const MOST: u64 = 200_000;
const MOST_REFUSED: u64 = 10_000;
/// Values that are no conversations, in all files of an archive.
const MOST_FOREIGN: u64 = 1_000_000;
/// What is left free on the disk for everybody else.
const ROOM: u64 = 64 << 20;

/// Why an import does not go through its whole file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The server stops; the next start goes on.
    Draining,
    /// For good: a sentence.
    Failed(&'static str),
}

/// Tells what an upload is by its first conversation.
pub fn examine(app: &App, upload: &mut Upload) -> Result<Format> {
    let too_large = || Error::TooLarge("too_large", TOO_MUCH.into());
    let most = app.config.limits.import_bytes;
    if upload.claimed() > most {
        return Err(too_large());
    }
    let nothing = "There are no conversations in this file of a kind that is known here.";
    let (mut found, mut reason, mut too_much, mut seen) = (None, nothing, false, 0);
    let now = app.clock.now();
    upload.read(most, &mut |_, piece, _| {
        match piece {
            Piece::Text(text) => match conversation(text, now) {
                Ok(read) => found = Some(read.format),
                Err(refused) if !refused.foreign => reason = refused.reason,
                Err(_) => {}
            },
            Piece::Damaged(why) => reason = why,
            Piece::TooMuch => too_much = true,
        }
        seen += 1;
        found.is_none() && seen < MOST_REFUSED && !app.is_draining()
    });
    match found {
        Some(format) => Ok(format),
        None if too_much => Err(too_large()),
        None => Err(Error::Refused("import_unreadable", reason.into())),
    }
}

const TOO_MUCH: &str = "This file unpacks to more than this server takes.";
const TOO_MANY: &str = "There are more conversations in this file than are taken in at once.";
const UNREADABLE: &str = "The server could not read its database.";
const TOO_DAMAGED: &str = "Too much of this file is damaged.";

/// Stores everything from where `report` has got to, and keeps it up to date; `keep` is told whenever it is.
pub fn run(
    app: &App,
    user: UserId,
    upload: &mut Upload,
    report: &mut Report,
    keep: &mut dyn FnMut(&Report),
) -> Result<(), Stop> {
    let most = app.config.limits.import_bytes;
    let mut work = Work {
        app,
        user,
        before: report.total,
        seen: 0,
        bad: 0,
        report,
        batch: Vec::new(),
        refused: Vec::new(),
        foreign: 0,
        text: 0,
        keep,
        album: upload.album(most),
    };
    let mut file = InFile::default();
    let mut outcome = Ok(());
    upload.read(most, &mut |name, piece, progress| {
        outcome = work.take(&mut file, name, &piece, progress);
        outcome.is_ok()
    });
    outcome?;
    work.store()?;
    work.report.progress = 100;
    Ok(())
}

/// What was seen of the file at hand.
#[derive(Default)]
struct InFile {
    name: String,
    pieces: u64,
    /// Good JSON that is no conversation, until one is seen: other programs put other files beside theirs.
    foreign: u64,
    has_conversations: bool,
}

/// A conversation, or its title and why there is none.
type Entry = Result<Read, (String, &'static str)>;

struct Work<'a> {
    app: &'a App,
    user: UserId,
    /// Entries that an earlier run has dealt with, and those seen in this one.
    before: u64,
    seen: u64,
    /// Of these, refused.
    bad: u64,
    report: &'a mut Report,
    batch: Vec<Read>,
    refused: Vec<(String, &'static str)>,
    /// Values that were passed over.
    foreign: u64,
    text: usize,
    keep: &'a mut dyn FnMut(&Report),
    album: Album,
}

impl Work<'_> {
    fn take(
        &mut self,
        file: &mut InFile,
        name: &str,
        piece: &Piece<'_>,
        progress: Progress,
    ) -> Result<(), Stop> {
        // Values that are no conversations are not stored, which is where it is looked at otherwise.
        if self.app.is_draining() {
            return Err(Stop::Draining);
        }
        if file.name != name {
            *file = InFile { name: name.to_owned(), ..InFile::default() };
        }
        file.pieces += 1;
        let place = place(name, file.pieces);
        let read = match piece {
            Piece::Text(text) => conversation(text, self.app.clock.now()),
            Piece::Damaged(reason) => Err(Refused { title: None, reason, foreign: false }),
            Piece::TooMuch => {
                self.store()?;
                return Err(Stop::Failed(TOO_MUCH));
            }
        };
        match read {
            Err(Refused { foreign: true, .. }) if !file.has_conversations && may_be_foreign(name) => {
                file.foreign += 1;
                self.foreign += 1;
                return if self.foreign > MOST_FOREIGN { Err(Stop::Failed(super::FOREIGN)) } else { Ok(()) };
            }
            Err(refused) => {
                self.add(Err((refused.title.unwrap_or(place), refused.reason)), progress)?;
            }
            Ok(read) => {
                file.has_conversations = true;
                for _ in 0..std::mem::take(&mut file.foreign) {
                    self.add(Err((place.clone(), super::FOREIGN)), progress)?;
                }
                self.add(Ok(read), progress)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, entry: Entry, progress: Progress) -> Result<(), Stop> {
        self.seen += 1;
        self.bad += u64::from(entry.is_err());
        if self.seen > MOST || self.bad > MOST_REFUSED {
            self.store()?;
            return Err(Stop::Failed(if self.seen > MOST { TOO_MANY } else { TOO_DAMAGED }));
        }
        if self.seen <= self.before {
            return Ok(());
        }
        match entry {
            Ok(read) => {
                let files = read.files.iter().flat_map(|placed| &placed.files);
                self.text += read.conversation.size() + files.map(Enclosed::size).sum::<usize>();
                self.batch.push(read);
            }
            Err(refused) => self.refused.push(refused),
        }
        if self.batch.len() + self.refused.len() >= TOGETHER || self.text >= TEXT_TOGETHER {
            let percent = progress.done.saturating_mul(100).checked_div(progress.total).unwrap_or(0);
            self.report.progress = u8::try_from(percent.min(99)).unwrap_or(99);
            self.store()?;
        }
        Ok(())
    }

    /// Stores what has gathered.
    fn store(&mut self) -> Result<(), Stop> {
        self.may_go_on()?;
        // Before anything is counted: a stop in between leaves the report at what is stored.
        let mut batch = Vec::with_capacity(self.batch.len());
        let before = self.report.clone();
        for read in std::mem::take(&mut self.batch) {
            match self.with_files(read) {
                Ok(conversation) => batch.push(conversation),
                Err(stop) => {
                    *self.report = before;
                    return Err(stop);
                }
            }
        }
        let size = batch.iter().map(Imported::size).sum();
        let kept = || self.app.store.text_of(self.user);
        if let Err(error) = self.app.limits.keep_text(self.user, size, kept) {
            *self.report = before;
            return Err(Stop::Failed(match error {
                Error::TooLarge(..) => "There is no more room for your conversations here.",
                _ => UNREADABLE,
            }));
        }
        self.text = 0;
        for (title, reason) in self.refused.drain(..) {
            match reason {
                NOTHING => self.report.count_empty(&title, reason),
                _ => self.report.count_failed(&title, reason),
            }
        }
        let titles: Vec<String> = batch.iter().map(|imported| imported.title.clone()).collect();
        for (outcome, title) in self.app.store.add_imported(self.user, batch).into_iter().zip(&titles) {
            match outcome {
                Ok(outcome) => self.report.count(outcome, title),
                Err(Error::Storage(cause)) => {
                    tracing::error!(cause, "an import could not be stored");
                    return Err(Stop::Failed("The server could not store anything more."));
                }
                Err(error) => {
                    tracing::error!(?error, "a conversation could not be stored");
                    self.report.count_failed(title, "It could not be stored.");
                }
            }
        }
        (self.keep)(self.report);
        Ok(())
    }

    /// The conversation as it may be here, with its pictures and files where they are to be had.
    fn with_files(&mut self, read: Read) -> Result<Imported, Stop> {
        let Read { mut conversation, files, .. } = read;
        // The next question goes out with it: no longer than a person here could have made it.
        let most = self.app.config.chat.max_message_chars;
        conversation.system_prompt =
            conversation.system_prompt.map(|prompt| prompt.chars().take(most).collect());
        if files.is_empty() {
            return Ok(conversation);
        }
        if self.app.is_draining() {
            return Err(Stop::Draining);
        }
        let known = self.app.store.turns_of_imported(self.user, &conversation);
        let known = known.map_err(|_| Stop::Failed(UNREADABLE))?;
        let turns = &mut conversation.turns;
        let outcome = enclosed::keep(self.app, self.user, &mut self.album, turns, files, &known);
        self.report.files += outcome.kept;
        if outcome.lost > 0 {
            let count = outcome.lost;
            let sentence = if outcome.full {
                format!("Pictures or files without room for them here: {count}.")
            } else {
                format!(
                    "Pictures or files that are not in the export, or of no kind that is kept here: {count}."
                )
            };
            self.report.problem(&conversation.title, &sentence);
        }
        Ok(conversation)
    }

    fn may_go_on(&self) -> Result<(), Stop> {
        if self.app.is_draining() {
            return Err(Stop::Draining);
        }
        match self.app.store.user(self.user) {
            Ok(user) if user.disabled.is_none() => {}
            Ok(_) | Err(Error::Unauthenticated) => return Err(Stop::Failed("The account is closed.")),
            Err(_) => return Err(Stop::Failed(UNREADABLE)),
        }
        if !has_room(&self.app.config.server.data_dir) {
            return Err(Stop::Failed("The disk of the server is nearly full."));
        }
        Ok(())
    }
}

/// How a conversation without a title is called in the report.
fn place(file: &str, number: u64) -> String {
    match last_part(file) {
        "" => format!("Conversation {number}"),
        file => format!("{file}, conversation {number}"),
    }
}

/// Whether the disk of a folder has room for more. Where the system does not say, it has.
pub fn has_room(folder: &Path) -> bool {
    rustix::fs::statvfs(folder).map_or(true, |disk| disk.f_bavail.saturating_mul(disk.f_frsize) > ROOM)
}
