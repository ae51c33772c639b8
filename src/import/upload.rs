//! A file from elsewhere: one JSON text, or a ZIP archive of some. Its conversations are given one after the other; names
//! in it are for sentences, never for paths.

use super::enclosed::Album;
use super::split::{Found, Splitter};
use crate::archive::Browsing;
use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read, Seek, SeekFrom};

/// Read at once.
const BUFFER: usize = 64 << 10;
/// Files with conversations in one archive.
const MOST_TEXTS: usize = 20_000;

/// What an upload holds, in order.
pub enum Piece<'a> {
    /// JSON that may be a conversation.
    Text(&'a [u8]),
    /// What a part cannot be read for: a sentence.
    Damaged(&'static str),
    /// More than may be unpacked: nothing comes after it.
    TooMuch,
}

/// An open upload.
pub enum Upload {
    /// One JSON text, and its length.
    Text(File, u64),
    /// An archive, and which files of it to read: name, number and claimed length.
    Archive(Browsing, Vec<(String, usize, u64)>),
}

/// How far the reading is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes read, unpacked.
    pub done: u64,
    /// Of so many, as far as that is known.
    pub total: u64,
}

impl Upload {
    /// Opens a file. The fault is a sentence.
    pub fn open(mut file: File) -> Result<Upload, &'static str> {
        let mut head = [0; 4];
        let count = read_head(&mut file, &mut head).map_err(|_| UNREADABLE)?;
        let length = file.metadata().map_err(|_| UNREADABLE)?.len();
        if !head[..count].starts_with(b"PK") {
            return Ok(Upload::Text(file, length));
        }
        let archive =
            Browsing::new(file).map_err(|_| "This archive is damaged, or it was not sent whole.")?;
        let mut texts: Vec<(String, usize, u64)> = archive
            .members()
            .filter(|(_, member)| is_text(&member.name))
            .map(|(index, member)| (member.name, index, member.size))
            .take(MOST_TEXTS + 1)
            .collect();
        if texts.len() > MOST_TEXTS {
            return Err("This archive holds too many files.");
        }
        // ChatGPT and Claude put other things beside their conversations.
        if texts.iter().any(|(name, ..)| is_conversations(name)) {
            texts.retain(|(name, ..)| is_conversations(name));
        }
        texts.sort();
        Ok(Upload::Archive(archive, texts))
    }

    /// How many bytes it claims to unpack to.
    pub fn claimed(&self) -> u64 {
        match self {
            Upload::Text(_, length) => *length,
            Upload::Archive(_, texts) => texts.iter().fold(0, |sum, (_, _, size)| sum.saturating_add(*size)),
        }
    }

    /// The files that lie beside its conversations, of which at most `most` bytes are unpacked.
    pub fn album(&self, most: u64) -> Album {
        match self {
            Upload::Text(..) => Album::new(None, most),
            Upload::Archive(archive, _) => Album::new(Some(archive.clone()), most),
        }
    }

    /// Hands every piece to `take` with the name of the file it is in, until that says false. Of an archive at most
    /// `most` bytes are unpacked.
    pub fn read(&mut self, most: u64, take: &mut dyn FnMut(&str, Piece<'_>, Progress) -> bool) {
        let total = self.claimed();
        match self {
            Upload::Text(file, _) => {
                let done = Cell::new(0);
                if file.seek(SeekFrom::Start(0)).is_err() {
                    take("", Piece::Damaged(UNREADABLE), Progress::default());
                    return;
                }
                let _ = through(Counted { inner: file, done: &done, most: u64::MAX }, "", total, &done, take);
            }
            Upload::Archive(archive, texts) => {
                let done = Cell::new(0);
                for (name, index, _) in texts {
                    let goes_on = match archive.open(*index) {
                        Ok(text) => {
                            through(Counted { inner: text, done: &done, most }, name, total, &done, take)
                        }
                        Err(_) => {
                            let progress = Progress { done: done.get(), total };
                            take(name, Piece::Damaged("This file in the archive cannot be read."), progress)
                        }
                    };
                    if !goes_on || done.get() >= most {
                        return;
                    }
                }
            }
        }
    }
}

const UNREADABLE: &str = "The file cannot be read.";

fn read_head(file: &mut File, head: &mut [u8]) -> io::Result<usize> {
    file.seek(SeekFrom::Start(0))?;
    let mut count = 0;
    while count < head.len() {
        match file.read(&mut head[count..])? {
            0 => break,
            more => count += more,
        }
    }
    Ok(count)
}

/// JSON that somebody wrote, and not what an operating system leaves in archives.
fn is_text(name: &str) -> bool {
    let last = last_part(name);
    last.to_ascii_lowercase().ends_with(".json") && !last.starts_with('.') && !name.starts_with("__MACOSX/")
}

fn is_conversations(name: &str) -> bool {
    last_part(name).to_ascii_lowercase().starts_with("conversations")
}

/// Whether a file of that name in an archive may hold something else than conversations.
pub fn may_be_foreign(name: &str) -> bool {
    !name.is_empty() && !is_conversations(name)
}

/// The name without its folders, whichever way they are written.
pub fn last_part(name: &str) -> &str {
    name.rsplit(['/', '\\']).next().unwrap_or_default()
}

/// Goes through one text. False: `take` has said so.
fn through(
    text: impl Read,
    name: &str,
    total: u64,
    done: &Cell<u64>,
    take: &mut dyn FnMut(&str, Piece<'_>, Progress) -> bool,
) -> bool {
    let mut splitter = Splitter::new(BufReader::with_capacity(BUFFER, text));
    loop {
        let found = splitter.advance();
        let progress = Progress { done: done.get(), total };
        let (piece, over) = match found {
            Ok(None) => return true,
            Ok(Some(Found::Whole)) => (Piece::Text(splitter.piece()), false),
            Ok(Some(Found::TooLong)) => {
                (Piece::Damaged("This conversation is too long to be taken in."), false)
            }
            Ok(Some(Found::TooDeep)) => (Piece::Damaged("This conversation is nested too deep."), false),
            Ok(Some(Found::Nothing)) => {
                (Piece::Damaged("The file is damaged here: a conversation is missing."), false)
            }
            Ok(Some(Found::Cut)) => (Piece::Damaged("The file ends in the middle of a conversation."), false),
            Err(error) if error.kind() == ErrorKind::FileTooLarge => (Piece::TooMuch, true),
            Err(_) => (Piece::Damaged("The file is damaged from here on."), true),
        };
        if !take(name, piece, progress) {
            return false;
        }
        if over {
            return true;
        }
    }
}

/// Counts what is read, and stops where it is too much.
struct Counted<'a, R> {
    inner: R,
    done: &'a Cell<u64>,
    most: u64,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.done.get() >= self.most {
            return Err(ErrorKind::FileTooLarge.into());
        }
        let count = self.inner.read(buffer)?;
        self.done.set(self.done.get() + count as u64);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::Writing;

    fn file(write: impl FnOnce(File) -> File) -> File {
        write(tempfile::tempfile().unwrap())
    }

    fn archive(files: &[(&str, &str)]) -> File {
        file(|file| {
            let mut archive = Writing::new(file);
            for (name, text) in files {
                archive.add(name, &mut text.as_bytes()).unwrap();
            }
            archive.finish().unwrap()
        })
    }

    /// Everything in it, each as `file: piece`, until `stop`.
    fn read(file: File, most: u64, stop: usize) -> Vec<String> {
        let mut found = Vec::new();
        Upload::open(file).unwrap().read(most, &mut |name, piece, progress| {
            assert!(progress.done <= progress.total, "{progress:?}");
            found.push(match piece {
                Piece::Text(text) => format!("{name}: {}", String::from_utf8_lossy(text)),
                Piece::Damaged(why) => format!("{name}: {why}"),
                Piece::TooMuch => format!("{name}: too much"),
            });
            found.len() < stop
        });
        found
    }

    #[test]
    fn texts_of_an_archive_in_their_order() {
        let files = [
            ("b/conversations-001.json", "[3]"),
            ("a\\Conversations-000.JSON", "[1,2]"),
            ("user.json", "[4]"),
            ("x.txt", "[5]"),
        ];
        let all =
            ["a\\Conversations-000.JSON: 1", "a\\Conversations-000.JSON: 2", "b/conversations-001.json: 3"];
        assert_eq!(read(archive(&files), 100, 9), all);
        assert_eq!(read(archive(&files), 100, 2), all[..2]);
        let others = [
            ("one.json", "{\"a\":1}"),
            (".hidden.json", "[5]"),
            ("__MACOSX/._one.json", "[6]"),
            ("dir/", ""),
        ];
        assert_eq!(read(archive(&others), 100, 9), ["one.json: {\"a\":1}"]);
        assert_eq!(read(archive(&[]), 100, 9), Vec::<String>::new());
    }

    #[test]
    fn u6_no_more_is_unpacked_than_may_be() {
        let long = format!("[1,{}]", " ".repeat(1 << 20));
        let files = [
            ("conversations-0.json", "[0]"),
            ("conversations-1.json", long.as_str()),
            ("conversations-2.json", "[2]"),
        ];
        let found = read(archive(&files), 100 << 10, 9);
        assert_eq!(
            found,
            ["conversations-0.json: 0", "conversations-1.json: 1", "conversations-1.json: too much"]
        );
        assert_eq!(Upload::open(archive(&files)).unwrap().claimed(), long.len() as u64 + 6);
    }

    #[test]
    fn u6_files_that_share_their_bytes_are_not_read_for_ever() {
        // Digits that do not compress well, and a directory that names them fifty times.
        let mut seed = 1_u64;
        let mut digits = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            char::from_digit((seed >> 60) as u32, 16).unwrap()
        };
        let text = format!("[\"{}\"]", (0..2 << 20).map(|_| digits()).collect::<String>());
        let mut zip = Vec::new();
        io::Read::read_to_end(
            &mut {
                let mut file = archive(&[("conversations-00.json", &text)]);
                file.seek(SeekFrom::Start(0)).unwrap();
                file
            },
            &mut zip,
        )
        .unwrap();
        let end = zip.len() - 22;
        let at = u32::from_le_bytes(zip[end + 16..end + 20].try_into().unwrap()) as usize;
        let entry = zip[at..end].to_vec();
        let name = entry.windows(2).position(|two| two == b"00").unwrap();
        let mut made = zip[..at].to_vec();
        for copy in 0..50_u8 {
            let mut entry = entry.clone();
            entry[name..name + 2].copy_from_slice(format!("{copy:02}").as_bytes());
            made.extend(entry);
        }
        let size = u32::try_from(made.len() - at).unwrap();
        made.extend(&zip[end..]);
        let end = made.len() - 22;
        made[end + 8..end + 10].copy_from_slice(&50_u16.to_le_bytes());
        made[end + 10..end + 12].copy_from_slice(&50_u16.to_le_bytes());
        made[end + 12..end + 16].copy_from_slice(&size.to_le_bytes());
        let file = file(|mut file| {
            io::Write::write_all(&mut file, &made).unwrap();
            file
        });
        let found = read(file, u64::MAX, 1000);
        let whole = found.iter().filter(|piece| piece.len() > text.len()).count();
        assert_eq!(found.len(), 50, "every one of them was there");
        assert!((1..20).contains(&whole), "{whole} were read");
    }

    #[test]
    fn a_bare_text_is_read_from_its_beginning() {
        let bare = |text: &str| {
            file(|mut file| {
                io::Write::write_all(&mut file, text.as_bytes()).unwrap();
                file
            })
        };
        assert_eq!(read(bare("[{},7]"), 1, 9), [": {}", ": 7"]);
        assert_eq!(read(bare(""), 1, 9), Vec::<String>::new());
        assert!(Upload::open(bare("PK\u{3}\u{4} and no archive")).is_err());
    }
}
