//! Backup and restore: one archive with the database and all files, made while the server runs, and put back only
//! whole.

use crate::app::{self, App};
use crate::archive::{Reading, Writing};
use crate::keys::Sum;
use crate::store::{self, OpenError};
use crate::{avatars, disk, files, keys};
use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

const FORMAT: &str = "gpt-assistant backup";
const VERSION: u32 = 1;
const MANIFEST: &str = "manifest.json";
/// Of a manifest; one line a picture.
const LONGEST_MANIFEST: u64 = 256 << 20;

/// What an archive holds, and the sum of each file in it.
#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    format: String,
    version: u32,
    program: String,
    schema: i64,
    created: i64,
    keys: bool,
    files: Vec<Entry>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    name: String,
    size: u64,
    sha256: String,
}

/// Told how many bytes of how many are done.
pub type Progress<'a> = &'a mut dyn FnMut(u64, u64);

/// Writes a backup to `path`, replacing an older one only when the new one is whole.
pub fn write(app: &App, path: &Path, with_keys: bool, progress: Progress<'_>) -> Result<()> {
    let draft = with_suffix(path, ".part");
    let snapshot = with_suffix(path, ".db.part");
    let _ = fs::remove_file(&snapshot);
    let written = write_draft(app, &draft, &snapshot, with_keys, progress)
        .and_then(|()| fs::rename(&draft, path).context("cannot be put in its place"));
    let _ = fs::remove_file(&snapshot);
    if written.is_err() {
        let _ = fs::remove_file(&draft);
    }
    written.with_context(|| format!("the backup {}", path.display()))?;
    app.store.set_meta("last_backup", app.clock.now().to_string())?;
    Ok(())
}

fn write_draft(
    app: &App,
    draft: &Path,
    snapshot: &Path,
    with_keys: bool,
    progress: Progress<'_>,
) -> Result<()> {
    let data_dir = &app.config.server.data_dir;
    app.store.snapshot(snapshot)?;
    let mut sources = vec![(store::FILE.to_owned(), snapshot.to_owned())];
    if with_keys {
        sources.push((keys::FILE.to_owned(), data_dir.join(keys::FILE)));
    }
    let mut kept: Vec<String> =
        disk::names(&app.avatars()).iter().map(|name| format!("{}/{name}", app::AVATARS)).collect();
    for user in disk::names(&app.files()) {
        let names = disk::names(&app.files().join(&user));
        kept.extend(names.iter().map(|name| format!("{}/{user}/{name}", app::FILES)));
    }
    kept.retain(|name| is_kept(name));
    kept.sort();
    sources.extend(kept.into_iter().map(|name| (name.clone(), data_dir.join(name))));
    let size = |path: &PathBuf| fs::metadata(path).map_or(0, |meta| meta.len());
    let total: u64 = sources.iter().map(|(_, path)| size(path)).sum();
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(draft)?;
    let mut archive = Writing::new(file);
    let (mut files, mut done) = (Vec::new(), 0);
    for (name, path) in sources {
        let file = match File::open(&path) {
            Ok(file) => file,
            // A picture that was replaced meanwhile: nothing in the snapshot needs it any longer than that.
            Err(error) if error.kind() == io::ErrorKind::NotFound && is_kept(&name) => continue,
            Err(error) => return Err(error).with_context(|| format!("{} cannot be read", path.display())),
        };
        let mut source = Summed::new(file, |bytes| progress(done + bytes, total));
        let size = archive.add(&name, &mut source)?;
        let sha256 = source.sum.digest();
        done += size;
        files.push(Entry { name, size, sha256 });
    }
    let manifest = Manifest {
        format: FORMAT.into(),
        version: VERSION,
        program: env!("CARGO_PKG_VERSION").into(),
        schema: app.store.schema()?,
        created: app.clock.now(),
        keys: with_keys,
        files,
    };
    archive.add(MANIFEST, &mut serde_json::to_vec_pretty(&manifest)?.as_slice())?;
    archive.finish()?.sync_all()?;
    Ok(())
}

/// What a restore did.
#[derive(Debug, PartialEq, Eq)]
pub struct Restored {
    /// Files put in place.
    pub files: usize,
    /// API keys that were cleared, because the archive held no master key.
    pub cleared_keys: usize,
}

/// Puts a backup into the empty folder `data_dir`. Until everything is checked nothing is in its place; after a failure
/// the folder is as empty as before. What a restore left that was cut off makes room for this one.
pub fn restore(archive: &Path, data_dir: &Path, progress: Progress<'_>) -> Result<Restored> {
    disk::folder(data_dir).with_context(|| format!("{} cannot be made", data_dir.display()))?;
    let _lock = app::lock(data_dir).ok().flatten().context("the data folder is in use")?;
    if app::is_half_restored(data_dir) {
        clear(data_dir)?;
    }
    let others = fs::read_dir(data_dir)?.flatten().any(|entry| entry.file_name() != app::LOCK);
    ensure!(!others, "{} is not empty; a backup is put back into an empty folder only", data_dir.display());
    let draft = data_dir.join(app::RESTORE);
    disk::folder(&draft)?;
    let restored = unpack(archive, &draft, progress).and_then(|restored| {
        put_in_place(&draft, data_dir)?;
        Ok(restored)
    });
    let _ = if restored.is_ok() { fs::remove_dir_all(&draft) } else { clear(data_dir) };
    restored.with_context(|| format!("the backup {}", archive.display()))
}

fn unpack(archive: &Path, draft: &Path, progress: Progress<'_>) -> Result<Restored> {
    let mut archive =
        Reading::new(File::open(archive).context("cannot be opened")?).context("is no whole archive")?;
    let manifest = read_manifest(&mut archive)?;
    let total: u64 = manifest.files.iter().map(|entry| entry.size).sum();
    let mut done = 0;
    for entry in &manifest.files {
        let path = place(draft, &entry.name)
            .with_context(|| format!("holds {:?}, which is not ours", entry.name))?;
        if let Some(folder) = path.parent() {
            disk::folder(folder)?;
        }
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        disk::hand_over(&path);
        let mut out = Summed::new(file, |bytes| progress(done + bytes, total));
        let size = archive.copy(&entry.name, entry.size, &mut out).with_context(|| entry.name.clone())?;
        out.inner.sync_all()?;
        ensure!(size == entry.size && out.sum.digest() == entry.sha256, "{} is damaged", entry.name);
        done += size;
    }
    let database = draft.join(store::FILE);
    ensure!(database.is_file(), "holds no database");
    store::check_copy(&database).map_err(said)?;
    let has_key = draft.join(keys::FILE).is_file();
    let cleared_keys = if has_key { 0 } else { store::forget_keys(&database).map_err(said)? };
    File::open(&database)?.sync_all()?;
    Ok(Restored { files: manifest.files.len(), cleared_keys })
}

fn said(error: OpenError) -> anyhow::Error {
    let (OpenError::Damaged(said) | OpenError::Refused(said)) = error;
    anyhow::anyhow!(said)
}

fn read_manifest(archive: &mut Reading) -> Result<Manifest> {
    let mut bytes = Vec::new();
    archive.copy(MANIFEST, LONGEST_MANIFEST, &mut bytes).context("has no manifest")?;
    let manifest: Manifest = serde_json::from_slice(&bytes).context("has a manifest that cannot be read")?;
    ensure!(manifest.format == FORMAT, "is not a backup of gpt-assistant");
    if manifest.version > VERSION {
        bail!("was written by a newer gpt-assistant ({}); restore it with that", manifest.program);
    }
    Ok(manifest)
}

/// Where a file of an archive goes; `None` for a name that no backup of ours has.
fn place(folder: &Path, name: &str) -> Option<PathBuf> {
    let ours = [store::FILE, keys::FILE].contains(&name) || is_kept(name);
    ours.then(|| folder.join(name))
}

/// Whether it is the name of an avatar or of a file that somebody sent.
fn is_kept(name: &str) -> bool {
    match name.split_once('/') {
        Some((app::AVATARS, name)) => avatars::is_name(name),
        Some((app::FILES, name)) => files::is_name(name),
        _ => false,
    }
}

/// Takes away what a restore has put into what was an empty folder.
fn clear(data_dir: &Path) -> io::Result<()> {
    let there = |result: io::Result<()>| {
        result.or_else(|e| if e.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(e) })
    };
    for file in [store::FILE, keys::FILE] {
        there(fs::remove_file(data_dir.join(file)))?;
    }
    for folder in [app::AVATARS, app::FILES] {
        there(fs::remove_dir_all(data_dir.join(folder)))?;
    }
    // Last, because it is what tells that the rest is of a restore.
    there(fs::remove_dir_all(data_dir.join(app::RESTORE)))
}

/// The database last: without it the folder is none of ours.
fn put_in_place(draft: &Path, data_dir: &Path) -> Result<()> {
    for name in [app::AVATARS, app::FILES, keys::FILE, store::FILE] {
        if draft.join(name).exists() {
            fs::rename(draft.join(name), data_dir.join(name))?;
        }
    }
    Ok(File::open(data_dir)?.sync_all()?)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Passes bytes on, counts them and takes their sum.
struct Summed<T, F: FnMut(u64)> {
    inner: T,
    sum: Sum,
    bytes: u64,
    tell: F,
}

impl<T, F: FnMut(u64)> Summed<T, F> {
    fn new(inner: T, tell: F) -> Summed<T, F> {
        Summed { inner, sum: Sum::default(), bytes: 0, tell }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.sum.add(bytes);
        self.bytes += bytes.len() as u64;
        (self.tell)(self.bytes);
    }
}

impl<T: Read, F: FnMut(u64)> Read for Summed<T, F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.take(&buffer[..count]);
        Ok(count)
    }
}

impl<T: Write, F: FnMut(u64)> Write for Summed<T, F> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(buffer)?;
        self.take(&buffer[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
