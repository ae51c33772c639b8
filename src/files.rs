//! Files that people send with their messages: pictures made small and written anew, and text. The bytes lie in the
//! data folder, in a folder a person, named by their sum.

use crate::app::App;
use crate::error::{Error, Result};
use crate::model::{Attachment, AttachmentKind, FileId, UserId};
use crate::{disk, keys, pictures, text};
use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;
use std::sync::{PoisonError, RwLock};

/// Largest upload in bytes.
pub const LARGEST: usize = 10 << 20;
/// Most files with one message.
pub const MOST: usize = 8;
/// Largest text in bytes.
const LARGEST_TEXT: usize = 256 << 10;
/// Longest side of a picture: no model looks at more.
const SIDE: u32 = 2048;
const LONGEST_NAME: usize = 200;
/// How long a file stays that was never sent.
const UNSENT: i64 = 24 * 3600;
const FIELD: &str = "file";

/// Taken to read while bytes and their row are made, to write while both are removed: a file that is kept once more just
/// then must not lose its bytes behind its new row.
pub type Keeping = RwLock<()>;

/// Keeps a file of the user.
pub fn keep(app: &App, user: UserId, name: &str, upload: &[u8]) -> Result<Attachment> {
    let (file, bytes) = prepare(name, upload)?;
    let most = app.config.limits.storage_per_user;
    app.store.check_room(user, &file, most)?;
    let sum = file.sha256.clone();
    let folder = folder(app, user);
    let _keeping = app.keeping.read().unwrap_or_else(PoisonError::into_inner);
    disk::folder(&folder)
        .and_then(|()| disk::put(&folder, &sum, &bytes))
        .map_err(|e| Error::Storage(e.to_string()))?;
    // Without a row the bytes go with the next sweep.
    app.store.keep_file(user, file, most, app.clock.now())
}

/// A file of the user, with its bytes.
pub fn open(app: &App, user: UserId, id: FileId) -> Result<(Attachment, Vec<u8>)> {
    let file = app.store.file(user, id)?;
    let bytes = read(app, user, &file).ok_or(Error::NotFound)?;
    Ok((file, bytes))
}

/// Its bytes; `None` when they are gone.
pub fn read(app: &App, user: UserId, file: &Attachment) -> Option<Vec<u8>> {
    fs::read(folder(app, user).join(&file.sha256)).ok()
}

/// The upload is too large to be looked at.
pub fn too_large() -> Error {
    Error::TooLarge("too_large", "A file has at most 10 MiB.".into())
}

fn prepare(name: &str, upload: &[u8]) -> Result<(Attachment, Vec<u8>)> {
    let name = plain_name(name);
    if pictures::is_picture(upload) {
        let picture = pictures::fit(upload, SIDE, FIELD)?;
        let file = Attachment {
            id: FileId(0),
            sha256: keys::digest(&picture.bytes),
            kind: AttachmentKind::Image,
            name,
            mime: picture.mime.into(),
            bytes: picture.bytes.len() as i64,
            width: picture.width,
            height: picture.height,
            tokens: picture_tokens(picture.width, picture.height),
        };
        return Ok((file, picture.bytes));
    }
    let content = std::str::from_utf8(upload).ok().filter(|text| is_text(text)).ok_or_else(|| {
        Error::field(FIELD, "Only pictures (PNG, JPEG, WebP, GIF) and text in UTF-8 can be sent.")
    })?;
    if upload.len() > LARGEST_TEXT {
        return Err(Error::TooLarge("too_large", "A text has at most 256 KiB.".into()));
    }
    let content = content.trim_start_matches('\u{feff}');
    let file = Attachment {
        id: FileId(0),
        sha256: keys::digest(content.as_bytes()),
        kind: AttachmentKind::Text,
        name,
        mime: "text/plain".into(),
        bytes: content.len() as i64,
        width: 0,
        height: 0,
        tokens: text::estimate_tokens(content),
    };
    Ok((file, content.as_bytes().to_vec()))
}

/// A terminal's colours and page breaks are text; what else is below a blank is not.
fn is_text(text: &str) -> bool {
    !text.trim().is_empty() && !text.chars().any(|c| c < ' ' && !"\t\n\r\u{b}\u{c}\u{1b}".contains(c))
}

/// The last part of a path, on one line.
fn plain_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain: String = last.chars().filter(|c| !c.is_control()).collect();
    let plain = plain.trim();
    if plain.is_empty() { "file".into() } else { text::cut(plain, LONGEST_NAME) }
}

/// What a picture costs at OpenAI in full detail, as published for gpt-4o: made to fit 2048 x 2048, then the shorter side
/// to 768; 85, and 170 for each square of 512 begun. Others count in other ways; it is an estimate.
fn picture_tokens(width: u32, height: u32) -> i64 {
    let (width, height) = (f64::from(width), f64::from(height));
    let scale = (768.0 / width.min(height)).min(1.0);
    let squares = |side: f64| (side * scale / 512.0).ceil().max(1.0) as i64;
    85 + 170 * squares(width) * squares(height)
}

fn folder(app: &App, user: UserId) -> PathBuf {
    app.files().join(user.0.to_string())
}

/// Removes all files of an account that has ended.
pub fn remove_all(app: &App, user: UserId) {
    // What cannot be removed now goes with the next sweep.
    let _ = fs::remove_dir_all(folder(app, user));
}

/// Removes files that no turn refers to: never sent for a day, or sent in turns that are deleted.
pub fn forget_orphans(app: &App) -> Result<()> {
    let _removing = app.keeping.write().unwrap_or_else(PoisonError::into_inner);
    for (user, sum) in app.store.forget_orphans(app.clock.now() - UNSENT)? {
        let _ = fs::remove_file(folder(app, user).join(sum));
    }
    Ok(())
}

/// Removes what an end without warning left between a file's bytes and its row.
pub fn sweep(app: &App) -> Result<()> {
    let mut used: HashSet<String> = HashSet::new();
    for (user, sum) in app.store.all_files()? {
        used.insert(format!("{}/{sum}", user.0));
    }
    for user in disk::names(&app.files()) {
        let folder = app.files().join(&user);
        for name in disk::names(&folder) {
            if !used.contains(&format!("{user}/{name}")) {
                let _ = fs::remove_file(folder.join(name));
            }
        }
        // Goes when it is empty.
        let _ = fs::remove_dir(&folder);
    }
    Ok(())
}

/// `{user}/{64 hexadecimal digits}`: what names we give, and therefore never a path to elsewhere.
pub fn is_name(name: &str) -> bool {
    name.split_once('/').is_some_and(|(user, sum)| {
        !user.is_empty()
            && user.bytes().all(|b| b.is_ascii_digit())
            && sum.len() == 64
            && sum.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn u9_names_are_never_paths() {
        assert!(is_name(&format!("7/{}", "a".repeat(64))));
        for bad in ["7/..", "../7", "7", "", "/etc/passwd", "7/a/b"] {
            assert!(!is_name(bad), "{bad}");
        }
        for (given, plain) in [
            ("notes.txt", "notes.txt"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\x\\a.py", "a.py"),
            ("头像 1.png", "头像 1.png"),
            ("a\r\nX: y", "aX: y"),
            ("  ", "file"),
            ("..", ".."),
        ] {
            assert_eq!(plain_name(given), plain);
        }
    }

    #[test]
    fn what_is_text() {
        for (bytes, text) in [
            (&b"fn main() {}\n"[..], true),
            ("天气".as_bytes(), true),
            (b"\x1b[31mred\x1b[0m", true),
            (b"a\0b", false),
            (b"\xff\xfe", false),
            (b"%PDF-1.7\x01", false),
            (b"  \n", false),
        ] {
            assert_eq!(prepare("x", bytes).is_ok(), text, "{bytes:?}");
        }
        let too_long = prepare("x", "a".repeat(LARGEST_TEXT + 1).as_bytes());
        assert!(matches!(too_long, Err(Error::TooLarge(..))));
        assert_eq!(prepare("x", "\u{feff}a".as_bytes()).unwrap().1, b"a");
    }

    #[test]
    fn what_a_picture_costs() {
        assert_eq!(picture_tokens(1024, 1024), 765);
        assert_eq!(picture_tokens(2048, 1024), 85 + 170 * 6);
        assert_eq!(picture_tokens(1, 1), 255);
    }
}
