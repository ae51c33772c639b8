//! S3: the power goes. What was written since the last fsync of a file may be on the disk, or half, or not at all; what
//! was acknowledged is there.

use crate::fault::{Fault, points, try_all};
use crate::ledger::{Template, check};
use crate::server::{chat, model_service, work};
use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;

/// Where in a file, and how much.
type Range = (u64, u64);

/// What was written to each file and not made durable, by strace's notes.
fn unsynced(notes: &str) -> HashMap<String, Vec<Range>> {
    let (mut pending, mut syncing): (HashMap<String, Vec<Range>>, HashMap<&str, String>) = Default::default();
    for line in notes.lines() {
        let (thread, call) = line.split_once(' ').unwrap();
        let call = call.trim_start();
        let path =
            call.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or("", |(path, _)| path);
        if call.starts_with("pwrite64(") {
            // Behind the bytes, which are not shown: how many, and where.
            let (_, rest) = call.split_once("..., ").unwrap();
            let mut numbers = rest.split(|c: char| !c.is_ascii_digit()).filter_map(|word| word.parse().ok());
            let (Some(length), Some(at)) = (numbers.next(), numbers.next()) else { panic!("{line}") };
            pending.entry(path.to_owned()).or_default().push((at, length));
        } else if call.starts_with("fdatasync(") || call.starts_with("fsync(") {
            if call.ends_with("= 0") {
                pending.remove(path);
            } else {
                syncing.insert(thread, path.to_owned());
            }
        } else if call.contains("sync resumed>") && call.ends_with("= 0") {
            syncing.remove(thread).map(|path| pending.remove(&path));
        }
    }
    pending
}

/// Takes back what was not durable: all of it, or every second write.
fn lose(path: &str, ranges: &[Range], every: usize) -> usize {
    let Ok(file) = OpenOptions::new().write(true).open(path) else { return 0 };
    let size = file.metadata().unwrap().len();
    let lost: Vec<&Range> = ranges.iter().step_by(every).filter(|(at, length)| at + length <= size).collect();
    for (at, length) in &lost {
        file.write_all_at(&vec![0x5A; *length as usize], *at).unwrap();
    }
    lost.len()
}

#[test]
fn s3_power_that_goes_takes_nothing_that_was_acknowledged() {
    let upstream = model_service();
    let template = Template::new(&upstream);
    try_all("S3 the power goes at the n-th pwrite64", &points(6, 200), |n| {
        let mut place = template.copy();
        let notes = place.path().join("notes");
        let fault = Fault::at("pwrite64", "signal=KILL", &n.to_string());
        fault.arm_and_note(&mut place, "pwrite64,fdatasync,fsync", notes.to_str().unwrap());
        let promises = match place.try_serve(&[]) {
            Err(_) => Vec::new(),
            Ok(server) => work(chat, &server, &template.ann(&server), 100).0,
        };
        let mut lost = 0;
        for (path, ranges) in unsynced(&fs::read_to_string(&notes).unwrap()) {
            lost += lose(&path, &ranges, 1 + n % 2);
        }
        check(&mut place, &promises);
        lost > 0
    });
}

#[test]
fn what_is_durable_is_read_off_the_notes() {
    let notes = "7 pwrite64(8</a.db-wal>, \"\"..., 24, 32) = 24\n7 fdatasync(8</a.db-wal>) = 0\n\
                 7 pwrite64(8</a.db-wal>, \"\"..., 24, 56) = 24\n7 fdatasync(8</a.db-wal> <unfinished ...>\n\
                 9 pwrite64(9</a.db>, \"\"..., 4096, 0 <unfinished ...>\n7 <... fdatasync resumed>) = 0\n\
                 7 pwrite64(8</a.db-wal>, \"\"..., 24, 80) = ?\n";
    let left = unsynced(notes);
    assert_eq!(left["/a.db-wal"], [(80, 24)]);
    assert_eq!(left["/a.db"], [(0, 4096)]);
}
