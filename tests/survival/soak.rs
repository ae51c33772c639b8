//! What takes long: kill after kill under mixed load, and a time in which one commit in a hundred fails. `KILLS` and
//! `SECONDS_OF_FAULTS` say how long; without them it is a short look.

use crate::fault::Fault;
use crate::ledger::{Came, PROMISED, Promise, SLOWEST, Template, check};
use crate::server::{Act, avatar, chat, key, model_service, register, stream};
use crate::support::Client;
use crate::support::program::{Place, Serving, eventually};
use rustix::process::Signal;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// Everybody who acts at once, each with an account of their own where what they change is one thing.
struct Load {
    acts: Vec<(Act, Client)>,
    number: AtomicUsize,
    kept: AtomicUsize,
    refused: AtomicUsize,
}

impl Load {
    fn new(place: &Place) -> Load {
        let server = place.serve(&[]);
        let acts: [Act; 6] = [chat, chat, stream, key, avatar, register];
        let acts =
            acts.into_iter().enumerate().map(|(i, act)| (act, server.user(&format!("load{i}")))).collect();
        assert_eq!(server.stop().code, Some(0));
        Load { acts, number: AtomicUsize::new(0), kept: AtomicUsize::new(0), refused: AtomicUsize::new(0) }
    }

    /// Acts until the server is gone or `over`; gives what was promised.
    fn run(&self, server: &Serving, over: &AtomicBool) -> Vec<Promise> {
        let promises = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for (act, client) in &self.acts {
                let client = server.client().with_token(client.token.as_deref().unwrap());
                let promises = &promises;
                scope.spawn(move || {
                    let mut last_key = None;
                    while !over.load(Relaxed) {
                        let came = act(&client, self.number.fetch_add(1, Relaxed));
                        self.kept.fetch_add(usize::from(matches!(came, Came::Kept(_))), Relaxed);
                        match came {
                            // A later key takes the place of those before it.
                            Came::Kept(promise @ Promise::Key(..)) => last_key = Some(promise),
                            Came::Kept(promise) => promises.lock().unwrap().push(promise),
                            Came::Refused => drop(self.refused.fetch_add(1, Relaxed)),
                            Came::Gone => break,
                        }
                    }
                    promises.lock().unwrap().extend(last_key);
                });
            }
        });
        promises.into_inner().unwrap()
    }
}

#[test]
fn s1_kill_after_kill_under_mixed_load() {
    let upstream = model_service();
    let mut place = Template::new(&upstream).copy();
    let load = Load::new(&place);
    let cycles = setting("KILLS", 4);
    let mut promises: Vec<Promise> = Vec::new();
    for cycle in 0..cycles {
        let began = Instant::now();
        let server = place.serve(&[]);
        SLOWEST.fetch_max(began.elapsed().as_millis() as u64, Relaxed);
        // What the last ones promised; all of it is looked at in the end.
        for promise in promises.iter().rev().take(30) {
            promise.holds(&server);
        }
        let over = AtomicBool::new(false);
        let more = std::thread::scope(|scope| {
            let running = scope.spawn(|| load.run(&server, &over));
            let before = load.kept.load(Relaxed);
            eventually("something is done", || load.kept.load(Relaxed) > before + 4);
            std::thread::sleep(Duration::from_millis(cycle * 37 % 300));
            server.signal(Signal::KILL);
            running.join().unwrap()
        });
        drop(server);
        // What the last keys were is known of this time alone.
        promises.retain(|promise| !matches!(promise, Promise::Key(..)));
        promises.extend(more);
        if cycle % 50 == 0 {
            check(&mut place, &[]);
            eprintln!("S1 kill {cycle}: {} promises so far", promises.len());
        }
    }
    check(&mut place, &promises);
    eprintln!(
        "S1 {cycles} kills under mixed load: {} acknowledged, 0 lost; {} looked at, slowest restart {} ms",
        promises.len(),
        PROMISED.load(Relaxed),
        SLOWEST.load(Relaxed)
    );
}

/// Open files, and memory in MiB.
fn size(server: &Serving) -> (usize, u64) {
    let files = std::fs::read_dir(format!("/proc/{}/fd", server.pid())).unwrap().count();
    (files, server.memory("VmRSS") >> 10)
}

#[test]
fn o11_one_commit_in_a_hundred_fails_and_nothing_grows() {
    let upstream = model_service();
    let template = Template::new(&upstream);
    let mut place = template.copy();
    let load = Load::new(&place);
    Fault::at("fdatasync", "error=EIO", "30+100").arm(&mut place);
    let server = place.serve(&[]);
    let over = AtomicBool::new(false);
    let time = Duration::from_secs(setting("SECONDS_OF_FAULTS", 6));
    let (mut sizes, began) = (Vec::new(), Instant::now());
    let promises = std::thread::scope(|scope| {
        let running = scope.spawn(|| load.run(&server, &over));
        while began.elapsed() < time {
            std::thread::sleep(time / 60);
            sizes.push(size(&server));
        }
        eventually("a fault is met", || load.refused.load(Relaxed) > 0);
        over.store(true, Relaxed);
        running.join().unwrap()
    });
    let refused = load.refused.load(Relaxed);
    let admin = server.client().with_token(template.ann.token.as_deref().unwrap());
    eventually("no answer is left running", || {
        let reply = admin.get("/api/admin/server");
        reply.status == 200 && reply.json()["running"] == 0
    });
    assert_eq!(server.stop().code, Some(0));
    let quarter = sizes.len() / 4;
    let most = |part: &[(usize, u64)]| {
        (part.iter().map(|s| s.0).max().unwrap_or(0), part.iter().map(|s| s.1).max().unwrap_or(0))
    };
    let (early, late) = (most(&sizes[quarter..2 * quarter]), most(&sizes[3 * quarter..]));
    eprintln!(
        "O11 {time:?} with one commit in a hundred failing: {} acknowledged, {refused} refused; files {} then {}, MiB {} then {}",
        promises.len(),
        early.0,
        late.0,
        early.1,
        late.1
    );
    assert!(late.0 <= early.0 + 16 && late.1 <= early.1 + 32, "{early:?} {late:?}");
    check(&mut place, &promises);
}
