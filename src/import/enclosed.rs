//! Pictures and files that an export brings along: beside its conversations in the archive, or inside them. A word stands
//! for each in the text; it goes where the file itself has come.

use super::upload::last_part;
use crate::app::App;
use crate::archive::Browsing;
use crate::error::Error;
use crate::files;
use crate::keys;
use crate::model::{FileId, UserId};
use crate::store::ImportedTurn;
use std::collections::{HashMap, HashSet};
use std::io::Read;

/// What follows an identity in the name of a file.
const MARKS: [char; 3] = ['-', '.', '_'];

/// Where the bytes of a file are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// In the archive, in a member whose name begins so.
    Beside(String),
    /// In the text, as a data URL.
    Inside(String),
}

/// A file that goes with a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enclosed {
    /// Its name; `None`: as it is called in the archive.
    pub name: Option<String>,
    /// What stands for it in the message's text.
    pub word: String,
    /// Where it is.
    pub source: Source,
}

/// The files of a message with all turns of a conversation that it is part of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The files.
    pub files: Vec<Enclosed>,
    /// Turns by their place in the conversation.
    pub turns: Vec<usize>,
    /// The person sent them; else the model made them, and their words stay in the answer.
    pub in_prompt: bool,
}

impl Enclosed {
    /// One whose content is in the text; `None` when `url` is an address of elsewhere.
    pub fn inside(url: &str, name: Option<&str>, word: String) -> Option<Enclosed> {
        let source = url.starts_with("data:").then(|| Source::Inside(url.to_owned()))?;
        Some(Enclosed { name: name.map(str::to_owned), word, source })
    }

    /// About how much of the upload it holds in memory.
    pub fn size(&self) -> usize {
        match &self.source {
            Source::Beside(_) => 0,
            Source::Inside(url) => url.len(),
        }
    }
}

/// The files of an archive that are no conversations.
pub struct Album {
    archive: Option<Browsing>,
    /// Names without folders, sorted, and numbers in the archive.
    names: Vec<(String, usize)>,
    /// What each number came to.
    kept: HashMap<usize, Option<FileId>>,
    /// Bytes that may still be unpacked.
    left: u64,
}

impl Album {
    /// That of `archive`; at most `most` bytes are unpacked in all.
    pub fn new(archive: Option<Browsing>, most: u64) -> Album {
        let members = archive.iter().flat_map(Browsing::members);
        let mut names: Vec<(String, usize)> =
            members.map(|(index, member)| (last_part(&member.name).to_owned(), index)).collect();
        names.sort_unstable();
        Album { archive, names, kept: HashMap::new(), left: most }
    }

    /// The member whose name is `id`, or begins with it and goes on with a mark.
    fn find(&self, id: &str) -> Option<(&str, usize)> {
        let first = |beginning: &str| {
            let at = self.names.partition_point(|(name, _)| name.as_str() < beginning);
            self.names.get(at).filter(|(name, _)| name.starts_with(beginning))
        };
        let exact = first(id).filter(|(name, _)| name == id);
        // A stranger's archive may have thousands of names that begin alike: none of them is gone through.
        let found = exact.or_else(|| MARKS.iter().find_map(|mark| first(&format!("{id}{mark}"))));
        found.map(|(name, index)| (name.as_str(), *index))
    }

    /// The bytes of a member.
    fn unpack(&mut self, index: usize) -> Option<Vec<u8>> {
        let most = (files::LARGEST as u64 + 1).min(self.left);
        let mut bytes = Vec::new();
        let read = self.archive.as_mut()?.open(index).ok()?.take(most).read_to_end(&mut bytes);
        self.left -= bytes.len() as u64;
        read.is_ok_and(|count| count <= files::LARGEST && (count as u64) < most).then_some(bytes)
    }
}

/// How it went with the files of a conversation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Files that are here now.
    pub kept: u64,
    /// Files that are not.
    pub lost: u64,
    /// The person has no room for more.
    pub full: bool,
}

/// Keeps the files of those of `turns` that are not `known`, and says in each turn which belong to it.
pub fn keep(
    app: &App,
    user: UserId,
    album: &mut Album,
    turns: &mut [ImportedTurn],
    files: Vec<Placed>,
    known: &HashSet<String>,
) -> Outcome {
    let mut outcome = Outcome::default();
    // Of each turn: those that could not be kept cost as much as those that could.
    let mut tried = vec![0; turns.len()];
    for placed in files {
        let new = |at: &usize| !known.contains(&turns[*at].source_id);
        let mut wanting: Vec<usize> = placed.turns.iter().copied().filter(new).collect();
        if wanting.is_empty() {
            continue;
        }
        for file in &placed.files {
            wanting.retain(|at| tried[*at] < files::MOST);
            wanting.iter().for_each(|at| tried[*at] += 1);
            let kept = if wanting.is_empty() { Ok(None) } else { keep_one(app, user, album, file) };
            let Ok(Some(id)) = kept else {
                outcome.lost += 1;
                outcome.full |= matches!(kept, Err(Error::TooLarge("storage_full", _)));
                continue;
            };
            outcome.kept += 1;
            wanting.iter().for_each(|at| attach(&mut turns[*at], id, placed.in_prompt.then_some(&file.word)));
        }
    }
    outcome
}

/// Says that a file belongs to a turn; the word that stands for it in the prompt goes.
fn attach(turn: &mut ImportedTurn, file: FileId, word: Option<&String>) {
    if !turn.attachments.contains(&file) {
        turn.attachments.push(file);
    }
    if let Some(word) = word.filter(|word| !word.is_empty()) {
        turn.prompt = without(&turn.prompt, word);
    }
}

fn keep_one(app: &App, user: UserId, album: &mut Album, file: &Enclosed) -> Result<Option<FileId>, Error> {
    match &file.source {
        Source::Inside(url) => {
            let Some(bytes) = keys::from_data_url(url) else { return Ok(None) };
            let name = file.name.as_deref().unwrap_or("picture");
            files::keep(app, user, name, &bytes).map(|kept| Some(kept.id))
        }
        Source::Beside(id) => {
            let Some((called, index)) = album.find(id) else { return Ok(None) };
            if let Some(before) = album.kept.get(&index) {
                return Ok(*before);
            }
            let name = file.name.clone().unwrap_or_else(|| called.to_owned());
            let bytes = album.unpack(index);
            let kept = bytes.map(|bytes| files::keep(app, user, &name, &bytes)).transpose();
            album.kept.insert(index, kept.as_ref().ok().and_then(Option::as_ref).map(|kept| kept.id));
            Ok(kept?.map(|kept| kept.id))
        }
    }
}

/// A text without the paragraph that stands for a file.
fn without(said: &str, word: &str) -> String {
    let mut taken = false;
    let paragraphs = said.split("\n\n").filter(|paragraph| {
        let this = !taken && *paragraph == word;
        taken |= this;
        !this
    });
    paragraphs.collect::<Vec<_>>().join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_goes_once_and_whole() {
        assert_eq!(without("*[picture]*\n\nWhat is it?", "*[picture]*"), "What is it?");
        assert_eq!(without("a\n\n*[picture]*\n\n*[picture]*", "*[picture]*"), "a\n\n*[picture]*");
        assert_eq!(without("*[picture]*", "*[picture]*"), "");
        assert_eq!(without("see *[picture]* here\n\n\n\nx", "*[picture]*"), "see *[picture]* here\n\n\n\nx");
    }

    #[test]
    fn a_member_is_found_by_the_beginning_of_its_name() {
        let mut names: Vec<(String, usize)> =
            ["file-1.png", "file-12-cat.png", "file_0a", "file-1234.jpg", "z"]
                .iter()
                .enumerate()
                .map(|(at, name)| ((*name).to_owned(), at))
                .collect();
        names.sort_unstable();
        let album = Album { archive: None, names, kept: HashMap::new(), left: 0 };
        let found = |id: &str| album.find(id).map(|(_, index)| index);
        assert_eq!((found("file-1"), found("file-12"), found("file_0a")), (Some(0), Some(1), Some(2)));
        assert_eq!((found("file-123"), found("file"), found("zz")), (None, Some(0), None));
        assert_eq!((found("fil"), found("nothing"), found("z1")), (None, None, None));
    }
}
