//! The line to the upstream: refused, lost, silent, dripping, through a proxy.

use crate::support::upstream::{PATIENCE, Step, delta, done, plain, stop, stream_head, stream_of};
use crate::support::{Client, Seen, Server, eventually};
use gpt_assistant::config::{BaseUrl, Upstream as UpstreamConfig};
use serde_json::json;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

fn milliseconds(n: u64) -> Duration {
    Duration::from_millis(n)
}

#[track_caller]
fn within<T>(limit: Duration, work: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let done = work();
    assert!(began.elapsed() < limit, "took {:?}", began.elapsed());
    done
}

fn say(client: &Client) -> crate::support::Reply {
    client.post("/api/chat", &json!({"message": "hi"}))
}

#[test]
fn p1_nobody_listens() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let server = Server::with(|config| {
        config.upstream.base_url = BaseUrl::parse_api(&format!("http://127.0.0.1:{port}")).unwrap();
    });
    let ann = server.user("ann");
    within(Duration::from_secs(2), || say(&ann)).fails(502, "upstream_unreachable");
    assert_eq!(ann.get("/api/models").expect(200).json()["stale"], true);
}

#[test]
fn p1_the_line_is_lost_before_the_first_byte() {
    let server = Server::start();
    let ann = server.user("ann");
    for steps in [vec![Step::Reset], vec![], vec![Step::Send(b"HTTP/1.1 20".to_vec())]] {
        server.upstream.script(steps.clone());
        let body = within(Duration::from_secs(2), || say(&ann)).json();
        let code = body["code"].as_str().unwrap();
        assert!(
            ["upstream_unreachable", "upstream_bad_response"].contains(&code),
            "{steps:?}: {body}",
            steps = steps.len()
        );
    }
    assert_eq!(server.upstream.received().len(), 3, "none was sent twice");
}

#[test]
fn p2_a_name_that_is_none() {
    let server = Server::with(|config| {
        config.upstream.base_url = BaseUrl::parse_api("http://nothing.invalid").unwrap();
        config.upstream.connect_timeout = milliseconds(800);
    });
    let reply = within(Duration::from_secs(3), || say(&server.user("ann")));
    // Where the system's resolver takes longer than that to say so, it is a time-out.
    assert!(reply.status == 502 || reply.status == 504, "{}", reply.text());
    let code = if reply.status == 502 { "upstream_unreachable" } else { "upstream_timeout" };
    reply.fails(reply_status(code), code);
}

fn reply_status(code: &str) -> u16 {
    if code == "upstream_timeout" { 504 } else { 502 }
}

/// A server that is impatient in one respect alone, and lets one answer run at a time: so it is certain which deadline
/// ended a call, however slow the machine is, and a worker that stays behind would be felt.
fn impatient(change: fn(&mut UpstreamConfig)) -> Server {
    Server::with(|config| {
        let upstream = &mut config.upstream;
        (upstream.first_byte_timeout, upstream.idle_timeout) = (LONG, LONG);
        (upstream.total_timeout, upstream.max_concurrent) = (LONG, 1);
        change(upstream);
    })
}

const LONG: Duration = Duration::from_secs(60);

/// How an answer ends: status, code, HTTP status of the plain reply.
type Ending = (&'static str, &'static str, u16);

const NOTHING_CAME: Ending = ("failed", "upstream_timeout", 504);

fn ends_so(change: fn(&mut UpstreamConfig), cases: Vec<(&str, Vec<Step>, Ending)>) {
    let server = impatient(change);
    let ann = server.user("ann");
    for (name, steps, (status, code, http)) in cases {
        let seen = within(PATIENCE, || Seen::of(&server, &ann, &steps));
        assert_eq!((seen.status.as_str(), seen.code.as_str()), (status, code), "{name}");
        assert_eq!((seen.http, seen.text.is_empty()), (http, status == "failed"), "{name}");
        // The one place is free again. The short deadline may end this one too, where the machine is slow.
        eventually(name, || (say(&ann).json()["reply"] == "Hello.").then_some(()));
    }
}

fn whole_answer() -> Vec<u8> {
    let long = "x".repeat(1000);
    let whole = format!(r#"{{"choices":[{{"message":{{"content":"{long}"}},"finish_reason":"stop"}}]}}"#);
    plain(200, "", whole.as_bytes())
}

#[test]
fn p7_no_first_byte_is_waited_for_until_its_deadline() {
    ends_so(
        |upstream| upstream.first_byte_timeout = milliseconds(600),
        vec![("takes the request and says nothing", vec![Step::Hold], NOTHING_CAME)],
    );
}

#[test]
fn p7_silence_ends_at_its_deadline() {
    let half = whole_answer()[..90].to_vec();
    ends_so(
        |upstream| upstream.idle_timeout = milliseconds(600),
        vec![
            ("a head and no body", vec![Step::Send(stream_head()), Step::Hold], NOTHING_CAME),
            ("half a whole answer", vec![Step::Send(half), Step::Hold], NOTHING_CAME),
            (
                "text, then silence",
                vec![Step::Send(stream_of(&[delta("Hel")])), Step::Hold],
                ("interrupted", "upstream_timeout", 200),
            ),
        ],
    );
}

#[test]
fn p7_drips_end_at_the_last_deadline() {
    let slow = milliseconds(50);
    ends_so(
        |upstream| upstream.total_timeout = milliseconds(2500),
        vec![
            ("a head that drips", vec![Step::Drip(stream_head().repeat(9), slow)], NOTHING_CAME),
            ("a whole answer that drips", vec![Step::Drip(whole_answer(), slow)], NOTHING_CAME),
            (
                "text, then comments without end",
                vec![Step::Send(stream_of(&[delta("Hel")])), Step::Repeat(b":\n\n".to_vec(), slow)],
                ("truncated", "reply_too_slow", 200),
            ),
        ],
    );
}

#[test]
fn c03_whatever_comes_is_life() {
    // Longer in all than the silence that is allowed, and each piece a twelfth of that after the last.
    let keep_alive = |bytes: &[u8]| Step::Drip(bytes.to_vec(), milliseconds(100));
    let answer = Step::Send([delta("亚"), delta("洲"), stop(), done()].concat().into());
    let whole = json!({"choices": [{"message": {"content": "亚洲"}, "finish_reason": "stop"}]}).to_string();
    let head = Step::Send(stream_head());
    let cases = [
        ("comments", [head.clone(), keep_alive(b": keep-alive ..\n\n"), answer.clone()]),
        ("blank lines before events", [head.clone(), keep_alive(&[b'\n'; 17]), answer]),
        ("blank lines before a whole answer", [head, keep_alive(&[b'\n'; 17]), Step::Send(whole.into())]),
    ];
    std::thread::scope(|scope| {
        for (name, steps) in cases {
            scope.spawn(move || {
                let server = impatient(|upstream| upstream.idle_timeout = milliseconds(1200));
                let seen = Seen::of(&server, &server.user("ann"), &steps);
                assert_eq!((seen.status.as_str(), seen.text.as_str()), ("complete", "亚洲"), "{name}");
            });
        }
    });
}

#[test]
fn c29_a_list_of_models_is_not_waited_for_as_long_as_an_answer() {
    let server = Server::start();
    let ann = server.user("ann");
    std::thread::scope(|scope| {
        for steps in [
            vec![Step::Hold],
            vec![Step::Send(stream_head()), Step::Repeat(b" ".to_vec(), milliseconds(100))],
        ] {
            server.upstream.script(steps);
            let ann = &ann;
            scope.spawn(move || {
                let models = within(Duration::from_secs(13), || ann.get("/api/models")).expect(200).json();
                assert_eq!(
                    (&models["stale"], &models["models"][0]["id"]),
                    (&json!(true), &json!("gpt-4o-mini"))
                );
            });
        }
        server.upstream.wait_for_requests(2);
        assert_eq!(within(Duration::from_secs(2), || ann.chat("hi"))["reply"], "Hello.");
    });
}

#[test]
fn p13_a_connection_that_was_kept_and_is_gone_is_noticed() {
    // Served one after another on connections that the upstream says it keeps, and then closes.
    let server = Server::start();
    let ann = server.user("ann");
    let events = [delta("kept"), stop(), done()].concat();
    let kept = plain(200, "Content-Type: text/event-stream\r\n", events.as_bytes());
    let kept = String::from_utf8(kept).unwrap().replace("Connection: close\r\n", "");
    for _ in 0..5 {
        server.upstream.script(vec![Step::Send(kept.clone().into_bytes())]);
        assert_eq!(ann.chat("hi")["reply"], "kept");
    }
    assert_eq!(server.upstream.received().len(), 5);
}

/// A proxy that knows `CONNECT` and notes what it was asked for.
fn proxy() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let notes = asked.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let notes = notes.clone();
            std::thread::spawn(move || tunnel(&stream, &notes));
        }
    });
    (address, asked)
}

fn tunnel(stream: &TcpStream, notes: &Mutex<Vec<String>>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        (reader.read_line(&mut head).ok()? > 0).then_some(())?;
    }
    notes.lock().unwrap().push(head.clone());
    let target = head.strip_prefix("CONNECT ")?.split(' ').next()?.to_owned();
    let inside = TcpStream::connect(target).ok()?;
    (&*stream).write_all(b"HTTP/1.1 200 OK\r\n\r\n").ok()?;
    let (mut back, mut out) = (inside.try_clone().ok()?, stream.try_clone().ok()?);
    let backwards = std::thread::spawn(move || std::io::copy(&mut back, &mut out));
    let mut buffer = [0; 8192];
    loop {
        let count = reader.read(&mut buffer).ok()?;
        if count == 0 {
            break;
        }
        (&inside).write_all(&buffer[..count]).ok()?;
    }
    let _ = inside.shutdown(std::net::Shutdown::Both);
    let _ = backwards.join();
    Some(())
}

#[test]
fn p23_a_proxy_is_used_where_one_is_configured() {
    let (address, asked) = proxy();
    let server = Server::with(|config| config.upstream.proxy = Some(format!("http://{address}")));
    let ann = server.user("ann");
    assert_eq!(within(PATIENCE, || ann.chat("hi"))["reply"], "Hello.");
    let asked = asked.lock().unwrap();
    assert!(
        asked.iter().all(|head| head.starts_with(&format!("CONNECT {}", server.upstream.address))),
        "{asked:?}"
    );
    assert!(!asked.is_empty() && !asked.concat().contains("sk-shared"), "{asked:?}");
}

#[test]
fn p23_a_proxy_carries_tls_to_the_end() {
    use crate::support::tls::{Front, Shown};
    let (address, asked) = proxy();
    let upstream = crate::support::Upstream::start();
    let front = Front::start(&upstream, Shown::Good);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, &front.authority).unwrap();
    let server = Server::with(|config| {
        config.upstream.base_url = BaseUrl::parse_api(&front.url).unwrap();
        config.upstream.ca_file = Some(path);
        config.upstream.proxy = Some(format!("http://{address}"));
    });
    assert_eq!(within(PATIENCE, || server.user("ann").chat("hi"))["reply"], "Hello.");
    assert!(asked.lock().unwrap()[0].starts_with("CONNECT localhost:"));
    assert!(!front.decrypted().is_empty());
}

#[test]
fn p23_a_proxy_that_is_down_is_not_gone_around() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let server = Server::with(|config| config.upstream.proxy = Some(format!("http://127.0.0.1:{port}")));
    within(Duration::from_secs(3), || say(&server.user("ann"))).fails(502, "upstream_unreachable");
    assert!(server.upstream.received().is_empty());
}

#[test]
fn a_short_question_goes_out_in_one_piece() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = Server::with(|config| {
        config.upstream.base_url = BaseUrl::parse_api(&format!("http://{address}")).unwrap();
    });
    let ann = server.user("ann");
    let hear = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut first = vec![0; 64 << 10];
        let count = stream.read(&mut first).unwrap();
        let body = json!({"choices": [{"message": {"content": "yes"}, "finish_reason": "stop"}]}).to_string();
        stream.write_all(&plain(200, "Content-Type: application/json\r\n", body.as_bytes())).unwrap();
        String::from_utf8(first[..count].to_vec()).unwrap()
    });
    assert_eq!(ann.chat("short")["reply"], "yes");
    let first = hear.join().unwrap();
    assert!(first.starts_with("POST ") && first.contains("short") && first.ends_with('}'), "{first}");
}

#[test]
fn a_long_question_goes_out_whole() {
    let server = Server::start();
    let long = "long ".repeat(6_000);
    server.user("ann").chat(&long);
    let received = server.upstream.received();
    assert!(String::from_utf8_lossy(&received[0].body).contains(long.trim_end()));
}
