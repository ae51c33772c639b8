//! ZIP archives, written and read without trusting what stands in them.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::rc::Rc;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// Writes an archive.
pub struct Writing<W: Write + Seek + 'static>(ZipWriter<W>);

impl<W: Write + Seek + 'static> Writing<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Writing<W> {
        Writing(ZipWriter::new(out))
    }

    /// Adds a file whose content `source` gives. Returns how many bytes it had.
    pub fn add(&mut self, name: &str, source: &mut dyn Read) -> io::Result<u64> {
        io::copy(source, self.begin(name)?)
    }

    /// Begins a file, and gives where its content goes.
    pub fn begin(&mut self, name: &str) -> io::Result<&mut dyn Write> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .large_file(true)
            .unix_permissions(0o600);
        self.0.start_file(name, options).map_err(io::Error::other)?;
        Ok(&mut self.0)
    }

    /// Completes the archive.
    pub fn finish(self) -> io::Result<W> {
        self.0.finish().map_err(io::Error::other)
    }
}

/// Reads an archive.
pub struct Reading(ZipArchive<File>);

/// What an archive says of a file in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// As written in the archive; it may be made to escape a folder.
    pub name: String,
    /// As written in the archive; it may be a lie.
    pub size: u64,
}

impl Reading {
    /// Opens an archive; a damaged or cut one is a fault.
    pub fn new(file: File) -> io::Result<Reading> {
        ZipArchive::new(file).map(Reading).map_err(damaged)
    }

    /// Hands a file's content to `out`, at most `limit` bytes; more is a fault. Checks its sum.
    pub fn copy(&mut self, name: &str, limit: u64, out: &mut dyn Write) -> io::Result<u64> {
        let file = self.0.by_name(name).map_err(damaged)?;
        let copied = io::copy(&mut file.take(limit.saturating_add(1)), out)?;
        if copied > limit {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("{name} is larger than it may be"),
            ));
        }
        Ok(copied)
    }
}

/// Bytes that are read at most to find and read the directory of an archive: some 40,000 files, whose list takes 50 MB of
/// memory at the very worst.
const DIRECTORY: u64 = 6 << 20;

/// How often what an archive holds may be read over: to tell what it is, for its texts and for its pictures. One whose
/// files share the same bytes would have them read for ever.
const READINGS: u64 = 4;

/// Looks through an archive of a stranger, whose directory may claim anything. A clone reads beside it.
#[derive(Clone)]
pub struct Browsing(ZipArchive<Guarded>);

impl Browsing {
    /// Reads the directory; a damaged, cut or endless one is a fault.
    pub fn new(file: File) -> io::Result<Browsing> {
        let length = file.metadata()?.len();
        let left = Rc::new(Cell::new(DIRECTORY));
        let archive =
            ZipArchive::new(Guarded { file: Rc::new(file), at: 0, left: left.clone() }).map_err(damaged)?;
        left.set(length.saturating_mul(READINGS).saturating_add(DIRECTORY));
        Ok(Browsing(archive))
    }

    /// All its files, each with the number that `open` takes.
    pub fn members(&self) -> impl Iterator<Item = (usize, Member)> {
        (0..self.0.len()).filter_map(|index| {
            let file = self.0.by_index_data(index).ok().filter(|file| !file.is_dir())?;
            let name = String::from_utf8_lossy(file.name_raw()).into_owned();
            Some((index, Member { name, size: file.size() }))
        })
    }

    /// The content of a file. Its end checks the sum; its length is whatever comes, not what the archive says.
    pub fn open(&mut self, index: usize) -> io::Result<impl Read> {
        self.0.by_index(index).map_err(damaged)
    }
}

/// A file of which only so much is read, from a place of its own.
#[derive(Clone)]
struct Guarded {
    file: Rc<File>,
    at: u64,
    left: Rc<Cell<u64>>,
}

impl Read for Guarded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(buffer, self.at)?;
        self.at += count as u64;
        let too_much = || io::Error::new(io::ErrorKind::InvalidData, "it holds less than it claims");
        self.left.set(self.left.get().checked_sub(count as u64).ok_or_else(too_much)?);
        Ok(count)
    }
}

impl Seek for Guarded {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let sum = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.file.metadata()?.len().checked_add_signed(by),
        };
        self.at = sum.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

fn damaged(error: zip::result::ZipError) -> io::Error {
    match error {
        zip::result::ZipError::Io(error) => error,
        other => io::Error::new(io::ErrorKind::InvalidData, other.to_string()),
    }
}
