//! Files that the database refers to: whole on the disk before anything refers to them, and readable by nobody else.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, lchown};
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
///
/// Whoever has the folder may put there what names a file of root elsewhere. Such a name is not followed, and what has
/// other names besides is not given away.
pub fn hand_over(path: &Path) {
    if let Some((user, group)) = heir(path) {
        let _ = lchown(path, Some(user), Some(group));
    }
}

/// Who gets what lies there, by numbers of account and group; `None`: it stays.
fn heir(path: &Path) -> Option<(u32, u32)> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let (made, folder) = (fs::symlink_metadata(path).ok()?, fs::metadata(folder).ok()?);
    let plain = made.is_dir() || (made.is_file() && made.nlink() == 1);
    (plain && made.uid() == 0 && folder.uid() != 0).then(|| (folder.uid(), folder.gid()))
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
    use std::os::unix::fs::{chown, symlink};

    #[test]
    fn what_root_makes_in_the_folder_of_another_is_theirs_and_nothing_else_is() {
        let dir = tempfile::tempdir().unwrap();
        let made = dir.path().join("made");
        fs::write(&made, "").unwrap();
        assert_eq!(heir(&made), None, "who makes it has the folder");
        // Only root can give the folder to another; to anybody else all that is left is what others made.
        let root = fs::metadata(&made).unwrap().uid() == 0;
        if root {
            chown(dir.path(), Some(997), Some(996)).unwrap();
        }
        assert_eq!(heir(&made), root.then_some((997, 996)));
        let link = dir.path().join("link");
        symlink("/etc/passwd", &link).unwrap();
        assert_eq!(heir(&link), None, "a file of root elsewhere");
        fs::hard_link(&made, dir.path().join("other")).unwrap();
        assert_eq!(heir(&made), None, "it may be a file of root elsewhere");
    }
}
