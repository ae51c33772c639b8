//! S1, S2, S9, S13: commands, and a first start, whose n-th call is their last or fails. What was there before is
//! untouched, what they left is whole or refused, and the same command succeeds afterwards.

use crate::fault::{Fault, is_clean, is_soak, points, try_all};
use crate::ledger::{Template, check, is_whole};
use crate::support::program::{Ended, Place};
use crate::support::{Client, Upstream};
use serde_json::json;
use std::fs;

const FAULTS: [&str; 3] = ["signal=KILL", "error=EIO", "error=ENOSPC"];

/// A folder with conversations, a key and a picture in it.
fn lived_in() -> (Template, String) {
    let upstream = Upstream::start();
    let template = Template::new(&upstream);
    let mut place = template.copy();
    let server = place.serve(&[]);
    let ann = template.ann(&server);
    for number in 0..5 {
        ann.chat(&format!("message {number}"));
    }
    let crate::ledger::Came::Kept(_) = crate::server::avatar(&ann, 1) else { panic!("no picture") };
    ann.post("/api/user/api-key", &json!({"api_key": "sk-own-0000000000000000"})).expect(200);
    server.stop();
    place.before.clear();
    (Template { place, ann: template.ann }, upstream.url())
}

/// What a person sees of it.
fn sight(client: &Client) -> String {
    let history = client.get("/api/chat/history").expect(200).text();
    let user = client.get("/api/user").expect(200).json();
    let picture = client.get(user["avatar"].as_str().unwrap()).expect(200).body.len();
    format!("{history} {} {picture}", user["email"])
}

fn seen(place: &Place) -> String {
    let server = place.serve(&[]);
    let login = server.client().login("ann@example.org", "secret1").expect(200).json();
    let seen = sight(&server.client().with_token(login["token"].as_str().unwrap()));
    assert_eq!(server.stop().code, Some(0));
    seen
}

/// Each call in `calls`, up to its last point, with each fault; the short form takes one fault for each call.
fn each(name: &str, calls: &[(&'static str, usize)], run: impl Fn(&Fault) -> Ended + Sync) {
    for (at, (call, last)) in calls.iter().enumerate() {
        for what in FAULTS.iter().cycle().skip(at).take(if is_soak() { FAULTS.len() } else { 1 }) {
            try_all(&format!("{name}, {what} at the n-th {call}"), &points(2, *last), |n| {
                let ended = run(&Fault::at(call, what, &format!("{n}+")));
                is_clean(&ended);
                ended.code != Some(0)
            });
        }
    }
}

#[test]
fn s1_s13_a_backup_that_is_cut_off_leaves_nothing_that_looks_like_one() {
    let (template, _) = lived_in();
    let before = seen(&template.copy());
    each(
        "S1 backup",
        &[("pwrite64", 60), ("write", 12), ("fdatasync", 3), ("fsync", 1), ("rename", 1)],
        |fault| {
            let mut place = template.copy();
            fault.arm(&mut place);
            let ended = place.run(&["backup", "b.zip"]);
            place.before.clear();
            let archive = place.path().join("b.zip");
            if archive.exists() {
                assert!(restored(&template, &place) == before, "{fault:?}: what looks like a backup is none");
                fs::remove_file(&archive).unwrap();
            }
            let again = place.run(&["backup", "b.zip"]);
            assert_eq!(again.code, Some(0), "{fault:?}: {}", again.stderr);
            assert!(restored(&template, &place) == before, "{fault:?}");
            check(&mut place, &[]);
            ended
        },
    );
}

/// What a person sees of the backup, put back.
fn restored(template: &Template, place: &Place) -> String {
    let other = template.empty();
    let archive = place.path().join("b.zip");
    let ended = other.run(&["restore", archive.to_str().unwrap()]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    seen(&other)
}

#[test]
fn s1_s13_a_restore_that_is_cut_off_is_never_taken_for_a_server() {
    let (template, _) = lived_in();
    let before = seen(&template.copy());
    let source = template.copy();
    assert_eq!(source.run(&["backup", "b.zip"]).code, Some(0));
    let archive = source.path().join("b.zip").display().to_string();
    each(
        "S1 restore",
        &[("pwrite64", 12), ("write", 12), ("fdatasync", 2), ("fsync", 6), ("rename", 3)],
        |fault| {
            let mut place = template.empty();
            fault.arm(&mut place);
            let ended = place.run(&["restore", &archive]);
            place.before.clear();
            if ended.code != Some(0) {
                match leftovers(&place).then(|| place.try_serve(&[])) {
                    // It said that it failed, or had not begun, and the folder is as empty as before.
                    None => {}
                    // Cut off behind its last step.
                    Some(Ok(server)) => drop(server.client().login("ann@example.org", "secret1").expect(200)),
                    Some(Err(refused)) => {
                        assert_eq!(refused.code, Some(3), "{}", refused.stderr);
                        assert!(
                            refused.stderr.contains("a restore was cut off"),
                            "{fault:?}: {}",
                            refused.stderr
                        );
                    }
                }
                // The same command again makes up for it, unless the first was done but for its last word.
                if place.data().join("gpt-assistant.db").exists() {
                    fs::remove_dir_all(place.data()).unwrap();
                }
                let again = place.run(&["restore", &archive]);
                assert_eq!(again.code, Some(0), "{fault:?}: {}", again.stderr);
            }
            assert!(seen(&place) == before, "{fault:?}");
            is_whole(&place.data().join("gpt-assistant.db"));
            ended
        },
    );
}

/// Whether there is anything in the data folder.
fn leftovers(place: &Place) -> bool {
    fs::read_dir(place.data()).into_iter().flatten().flatten().any(|entry| entry.file_name() != "lock")
}

#[test]
fn s1_s9_a_first_start_that_is_cut_off_is_made_up_for() {
    let template = Template::new(&Upstream::start());
    each(
        "S1 first start",
        &[("pwrite64", 40), ("write", 3), ("fdatasync", 8), ("fsync", 2), ("ftruncate", 2)],
        |fault| {
            let mut place = template.empty();
            fault.arm(&mut place);
            let ended = match place.try_serve(&[]) {
                Err(ended) => ended,
                Ok(server) => server.stop(),
            };
            place.before.clear();
            let server = place.try_serve(&[]).unwrap_or_else(|said| panic!("{fault:?}: {}", said.stderr));
            server.user("ann");
            server.stop();
            is_whole(&place.data().join("gpt-assistant.db"));
            ended
        },
    );
}
