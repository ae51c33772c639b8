//! Files that the database refers to: whole on the disk before anything refers to them, and readable by nobody else.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, chown};
use std::path::Path;
use std::process;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Tells drafts of this process apart.
static DRAFTS: AtomicU64 = AtomicU64::new(0);

/// Makes a folder, and those above it, for their owner alone.
pub fn folder(path: &Path) -> io::Result<()> {
    let missing: Vec<&Path> = path.ancestors().take_while(|path| !path.exists()).collect();
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    missing.into_iter().rev().for_each(hand_over);
    Ok(())
}

/// Gives what root has just made to whom its folder belongs: the server's own account shall be able to read what a
/// command has left that was run as root. Where root may not (in a container, on a file system of others), it stays.
pub fn hand_over(path: &Path) {
    let owner = |path: &Path| fs::metadata(path).map(|found| (found.uid(), found.gid()));
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if let (Ok(maker), Ok(owner)) = (owner(path), owner(folder))
        && let Some((user, group)) = heir(maker, owner)
    {
        let _ = chown(path, Some(user), Some(group));
    }
}

/// Who gets what `maker` has made in a folder of `owner`, by numbers of account and group; `None`: it stays.
fn heir(maker: (u32, u32), owner: (u32, u32)) -> Option<(u32, u32)> {
    (maker.0 == 0 && owner.0 != 0).then_some(owner)
}

/// Writes a file, whole and durable or not at all. One of that name is replaced.
pub fn put(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let draft = folder.join(format!("{name}.{}-{}.new", process::id(), DRAFTS.fetch_add(1, Relaxed)));
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
        hand_over(&draft);
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&draft, folder.join(name))?;
        File::open(folder)?.sync_all()
    })();
    if written.is_err() {
        let _ = fs::remove_file(&draft);
    }
    written
}

/// The names of the files in a folder; none where there is no such folder.
pub fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_root_makes_in_the_folder_of_another_is_theirs() {
        assert_eq!(heir((0, 0), (997, 996)), Some((997, 996)));
        for (maker, owner) in [((0, 0), (0, 0)), ((997, 996), (997, 996)), ((1000, 1000), (0, 0))] {
            assert_eq!(heir(maker, owner), None, "{maker:?} in a folder of {owner:?}");
        }
    }
}
