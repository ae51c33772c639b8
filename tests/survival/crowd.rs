//! H1, H2, H9, P15: hundreds that never finish a request and thousands that never begin one, while everybody else is served.

use crate::fault::is_soak;
use crate::ledger::Template;
use crate::support::Upstream;
use crate::support::upstream::{Step, delta, done, stop, stream_head};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;
use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// As many files as this process may have.
fn all_files() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
}

#[test]
fn h1_h2_h9_a_crowd_that_wants_nothing_keeps_nobody_waiting() {
    all_files();
    let upstream = Upstream::start();
    let template = Template::new(&upstream);
    let place = template.copy();
    let server = place.serve(&[]);
    let ann = template.ann(&server);
    let before = server.memory("VmRSS");
    let open = |count: usize, bytes: &'static [u8]| -> Vec<TcpStream> {
        let dial = |_| {
            let mut stream = ann.connect();
            stream.write_all(bytes).unwrap();
            stream
        };
        (0..count).map(dial).collect()
    };
    let idle = open(2000, b"");
    let halves = open(200, b"GET /api/user HTTP/1.1\r\nHost: x\r\nX-Sl");
    let bodies = open(
        100,
        b"POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{\"em",
    );
    let mut times = Vec::new();
    for number in 0..300 {
        let began = Instant::now();
        match number % 3 {
            0 => drop(ann.get("/api/user").expect(200)),
            1 => drop(ann.get("/api/chat/history").expect(200)),
            _ => drop(ann.chat("hi")),
        }
        times.push(began.elapsed());
    }
    times.sort();
    let (middle, late) = (times[times.len() / 2], times[times.len() * 99 / 100]);
    let grown = server.memory("VmRSS").saturating_sub(before) >> 10;
    eprintln!("H1 H2 beside 2000 idle and 300 half requests: p50 {middle:?}, p99 {late:?}, {grown} MiB more");
    assert!(!is_soak() || late < Duration::from_millis(100), "{late:?}");
    assert!(grown < 128, "{grown} MiB");
    drop((idle, halves, bodies));
    assert_eq!(server.stop().code, Some(0));
}

#[test]
fn p15_who_reads_nothing_costs_nothing_and_holds_up_nobody() {
    all_files();
    let upstream = Upstream::start();
    let text = "x".repeat(1 << 10);
    let steps: Vec<Step> = std::iter::once(Step::Send(stream_head()))
        .chain(
            (0..900).flat_map(|_| [Step::Send(delta(&text).into()), Step::Pause(Duration::from_millis(2))]),
        )
        .chain([Step::Send([stop(), done()].concat().into())])
        .collect();
    upstream.rule("at length", steps);
    let template = Template::new(&upstream);
    let place = template.copy();
    let server = place.serve(&[]);
    let ann = template.ann(&server);
    let mut first = ann.stream(&json!({"message": "at length"}));
    let turn = first.until("turn").data["id"].clone();
    let before = server.memory("VmRSS");
    let head = format!(
        "GET /api/chat/{turn}/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n",
        ann.token.as_deref().unwrap()
    );
    // Those who ask and never read.
    let slow: Vec<TcpStream> = (0..200)
        .map(|_| {
            let mut stream = ann.connect();
            socket2::SockRef::from(&stream).set_recv_buffer_size(2048).unwrap();
            stream.write_all(head.as_bytes()).unwrap();
            stream
        })
        .collect();
    let done = first.until("done");
    assert_eq!(
        (&done.data["status"], done.data["reply"].as_str().unwrap().len()),
        (&json!("complete"), 900 << 10)
    );
    let grown = server.memory("VmRSS").saturating_sub(before) >> 10;
    eprintln!("P15 200 readers that read nothing of 900 KiB: {grown} MiB more");
    // A copy for each of them would be 176 MiB.
    assert!(grown < 130, "{grown} MiB");
    assert_eq!(ann.chat("hi")["reply"], "Hello.");
    drop(slow);
}
