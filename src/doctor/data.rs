//! The data folder: whose it is, who can read it, what is left on the disk and what kind of disk it is, who has it.

use super::{Tell, Visit, fail, ok, size, warn};
use crate::{app, keys, store};
use rustix::fs::{major, minor, statfs, statvfs};
use std::fs::Metadata;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Below this nothing can be promised.
const NO_SPACE: u64 = 64 << 20;
const LITTLE_SPACE: u64 = 1 << 30;

/// What is said of a kind of file system that makes a bad home.
const REMOTE: &str = "its locks and its memory shared between processes cannot be relied upon";
/// By the number that statfs(2) gives.
const KINDS: &[(u64, &str, bool, &str)] = &[
    (0x6969, "NFS", true, REMOTE),
    (0x517b, "SMB", true, REMOTE),
    (0xff53_4d42, "SMB", true, REMOTE),
    (0xfe53_4d42, "SMB", true, REMOTE),
    (0x00c3_6400, "Ceph", true, REMOTE),
    (0x5346_414f, "AFS", true, REMOTE),
    (0x0bd0_0bd0, "Lustre", true, REMOTE),
    (0x0102_1997, "9P", true, REMOTE),
    (0x6573_5546, "FUSE", false, "behind it may be another machine"),
    (0x0102_1994, "tmpfs", false, "it is memory, and gone after the next start of the machine"),
    (0x8584_58f6, "ramfs", false, "it is memory, and gone after the next start of the machine"),
    (0x794c_7630, "overlayfs", false, "in a container it is gone when the container is replaced"),
];

pub fn folder(visit: &Visit, tell: Tell<'_>) {
    let path = &visit.config.server.data_dir;
    let meta = match std::fs::metadata(path) {
        Ok(meta) if meta.is_dir() => meta,
        Ok(_) => {
            let said = format!("{} is not a folder", path.display());
            tell(fail("data folder", said, "choose another server.data_dir"));
            return;
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            tell(ok("data folder", format!("{} is not there yet; the first start makes it", path.display())));
            return;
        }
        Err(e) => {
            let todo = "run this as the server's own account, for example with sudo -u";
            tell(fail("data folder", format!("{} cannot be looked into: {e}", path.display()), todo));
            return;
        }
    };
    rights(path, &meta, tell);
    space(path, tell);
    kind(path, tell);
}

fn rights(path: &Path, meta: &Metadata, tell: Tell<'_>) {
    let named = |name: &str| Some(path.join(name)).filter(|path| path.exists());
    let mut files: Vec<PathBuf> = [
        keys::FILE.to_owned(),
        store::FILE.to_owned(),
        format!("{}-wal", store::FILE),
        format!("{}-shm", store::FILE),
    ]
    .iter()
    .filter_map(|name| named(name))
    .collect();
    let open =
        |path: &PathBuf| std::fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o077 != 0);
    let exposed: Vec<String> = files.iter().filter(|f| open(f)).map(|f| f.display().to_string()).collect();
    let shown = path.display();
    // A folder that nobody can enter protects what is in it, whatever its own rights are.
    match (meta.permissions().mode() & 0o077 != 0, exposed.is_empty()) {
        (true, false) => {
            let said = format!("others on this machine may read {}", exposed.join(", "));
            tell(fail("data folder", said, format!("chmod 700 {shown}; chmod 600 {}", exposed.join(" "))));
        }
        (true, true) => {
            let said = format!("others on this machine may look into {shown}");
            tell(warn("data folder", said, format!("chmod 700 {shown}")));
        }
        (false, _) => tell(ok("data folder", format!("{shown}, its owner's alone"))),
    }
    files.extend(named(app::AVATARS));
    files.extend(named(app::FILES));
    files.extend(named(app::LOCK));
    let foreign = |path: &&PathBuf| std::fs::metadata(path).is_ok_and(|other| other.uid() != meta.uid());
    if let Some(file) = files.iter().find(foreign) {
        let said = format!("{} belongs to another account than the folder", file.display());
        tell(fail("owner", said, format!("chown -R --reference={shown} {shown}")));
    }
    let me = rustix::process::geteuid().as_raw();
    if me != meta.uid() && me != 0 {
        let said = format!("{shown} belongs to account {}, you are {me}", meta.uid());
        tell(warn("owner", said, "run this as the server's own account, for example with sudo -u"));
    }
}

/// A backup made here and the copy before an upgrade each take as much as the database.
fn space(path: &Path, tell: Tell<'_>) {
    let Ok(disk) = statvfs(path) else { return };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let database = std::fs::metadata(path.join(store::FILE)).map_or(0, |meta| meta.len());
    let said = format!("{} are free; the database has {}", size(free), size(database));
    let todo = "make room, or move the data folder to a larger disk (docs/OPERATIONS.md)";
    if free < NO_SPACE || (disk.f_files > 0 && disk.f_favail == 0) {
        tell(fail("free space", said, todo));
    } else if free < LITTLE_SPACE.max(2 * database) {
        tell(warn("free space", said, todo));
    } else {
        tell(ok("free space", said));
    }
}

fn kind(path: &Path, tell: Tell<'_>) {
    let Ok(disk) = statfs(path) else { return };
    #[expect(clippy::cast_sign_loss, reason = "a number that names a kind, 32 bits wide")]
    let number = (disk.f_type as u64) & 0xffff_ffff;
    match KINDS.iter().find(|(known, ..)| *known == number) {
        Some((_, name, true, why)) => tell(fail(
            "file system",
            format!("{} lies on {name}: {why}", path.display()),
            "put server.data_dir on a local disk",
        )),
        Some((_, name, false, why)) => tell(warn(
            "file system",
            format!("{} lies on {name}: {why}", path.display()),
            "put server.data_dir on a local disk or a volume",
        )),
        None => tell(ok("file system", "a local one, as far as can be seen")),
    }
}

/// Who holds the folder's lock, by what the system says of its locks: to try the lock would be to hold it. True: somebody.
pub fn holder(visit: &Visit, tell: Tell<'_>) -> bool {
    let path = visit.config.server.data_dir.join(app::LOCK);
    let Ok(meta) = std::fs::metadata(&path) else { return false };
    let locks = std::fs::read_to_string("/proc/locks").unwrap_or_default();
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    let device = format!("{:02x}:{:02x}", major(meta.dev()), minor(meta.dev()));
    let held = locks.lines().find_map(|line| flock(line, &device, meta.ino(), written.trim()));
    match held {
        Some(pid) => tell(ok("server", format!("process {pid} has the data folder"))),
        None => tell(ok("server", "no process is seen to have the data folder")),
    }
    held.is_some()
}

/// The process that a line of proc_locks(5) is about, if it is a lock on that file. Some file systems have another device
/// there than in stat(2); then the process must be the one that the lock file names.
fn flock<'a>(line: &'a str, device: &str, inode: u64, written: &str) -> Option<&'a str> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [_, "FLOCK", _, _, pid, place, ..] = words[..] else { return None };
    let (on, number) = place.rsplit_once(':')?;
    (number.parse() == Ok(inode) && (on == device || pid == written)).then_some(pid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_found_by_device_and_inode() {
        let line = "1: FLOCK  ADVISORY  WRITE 708 fe:01:393304 0 EOF";
        assert_eq!(flock(line, "fe:01", 393_304, ""), Some("708"));
        assert_eq!(flock(line, "00:2a", 393_304, "708"), Some("708"));
        for (device, inode, written) in [("fe:01", 1, "708"), ("fe:02", 393_304, "709")] {
            assert_eq!(flock(line, device, inode, written), None);
        }
        let posix = "2: POSIX  ADVISORY  WRITE 708 fe:01:393304 0 EOF";
        assert_eq!(flock(posix, "fe:01", 393_304, "708"), None);
        assert_eq!(flock("2: -> FLOCK ADVISORY WRITE 9 fe:01:393304 0 EOF", "fe:01", 393_304, ""), None);
    }
}
