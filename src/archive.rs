//! ZIP archives, written and read without trusting what stands in them.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
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

    /// All its files.
    pub fn members(&mut self) -> io::Result<Vec<Member>> {
        let mut members = Vec::with_capacity(self.0.len());
        for index in 0..self.0.len() {
            let file = self.0.by_index_raw(index).map_err(damaged)?;
            if !file.is_dir() {
                members.push(Member {
                    name: String::from_utf8_lossy(file.name_raw()).into_owned(),
                    size: file.size(),
                });
            }
        }
        Ok(members)
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

fn damaged(error: zip::result::ZipError) -> io::Error {
    match error {
        zip::result::ZipError::Io(error) => error,
        other => io::Error::new(io::ErrorKind::InvalidData, other.to_string()),
    }
}
