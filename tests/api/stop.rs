//! Stop: whatever the call is doing, it ends within two seconds, what came is kept, and the next message is taken.

use crate::support::tls::{Front, Shown};
use crate::support::upstream::{PATIENCE, Step, delta, done, stop, stream_head, stream_of, usage};
use crate::support::{Client, Server, Upstream, eventually};
use gpt_assistant::config::BaseUrl;
use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

const SOON: Duration = Duration::from_secs(2);

fn press_stop(client: &Client, turn: &Value) -> Value {
    let began = Instant::now();
    let stopped = client.post(&format!("/api/chat/{turn}/stop"), &json!({})).expect(200).json();
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    stopped
}

fn begin(client: &Client) -> (crate::support::client::Events, Value) {
    let mut stream = client.stream(&json!({"message": "hi"}));
    let turn = stream.until("turn").data["id"].clone();
    (stream, turn)
}

/// Begins, waits until the call is where it is to be stopped, stops, and looks at what follows from that.
fn check(client: &Client, text: &str, ready: impl FnOnce()) {
    let (mut stream, turn) = begin(client);
    ready();
    if !text.is_empty() {
        assert_eq!(stream.until("delta").data["text"], text);
    }
    let stopped = press_stop(client, &turn);
    assert_eq!((&stopped["status"], &stopped["response"]), (&json!("stopped"), &json!(text)));
    assert_eq!((&stopped["error"], &stopped["finish_reason"]), (&Value::Null, &Value::Null));
    let done = stream.until("done");
    assert_eq!((&done.data["status"], &done.data["reply"]), (&json!("stopped"), &json!(text)));
    // Once more changes nothing.
    assert_eq!(press_stop(client, &turn), stopped);
}

#[test]
fn c21_waiting_for_the_head_and_between_bytes() {
    let server = Server::start();
    let ann = server.user("ann");
    let apart = Duration::from_millis(200);
    for (closed, text, steps) in [
        (1, "", vec![Step::Hold]),
        (2, "", vec![Step::Send(stream_head()), Step::Hold]),
        (3, "w ", vec![Step::Send(stream_of(&[delta("w ")])), Step::Hold]),
        (4, "", vec![Step::Send(stream_head()), Step::Repeat(b": reading the prompt\n\n".to_vec(), apart)]),
        (5, "", vec![Step::Send(b"HTTP/1.1 2".to_vec()), Step::Hold]),
        (6, "", vec![Step::Send(b"HTTP/1.1 500 X\r\nContent-Length: 99\r\n\r\n{".to_vec()), Step::Hold]),
        (7, "", vec![Step::Send(stream_head()), Step::Send(b"{\"choices\":[".to_vec()), Step::Hold]),
    ] {
        server.upstream.script(steps);
        check(&ann, text, || server.upstream.wait_for_requests(2 * closed - 1));
        let began = Instant::now();
        server.upstream.wait_for_closed(closed);
        assert!(began.elapsed() < SOON, "{closed}: {:?}", began.elapsed());
        assert_eq!(ann.chat("next")["status"], "complete");
    }
}

#[test]
fn c21_a_flowing_answer_keeps_what_came() {
    let server = Server::start();
    let ann = server.user("ann");
    server
        .upstream
        .script(vec![Step::Send(stream_head()), Step::Repeat(delta("w ").into(), Duration::from_millis(20))]);
    let (mut stream, turn) = begin(&ann);
    let mut seen = String::new();
    for _ in 0..3 {
        seen += stream.until("delta").data["text"].as_str().unwrap();
    }
    // Two at once: both are answered, and agree.
    let (first, second) = std::thread::scope(|scope| {
        let other = scope.spawn(|| press_stop(&ann, &turn));
        (press_stop(&ann, &turn), other.join().unwrap())
    });
    assert_eq!(first, second);
    let text = first["response"].as_str().unwrap();
    assert!(text.starts_with(&seen), "{text}");
    assert_eq!(first["usage"]["source"], "estimated");
    server.upstream.wait_for_closed(1);
    assert_eq!(stream.until("done").data["reply"], text);
    let conversation = &first["conversation_id"];
    let next = ann
        .post("/api/chat", &json!({"message": "next", "conversation_id": conversation}))
        .expect(200)
        .json();
    assert_eq!(next["parent_id"], turn, "a stopped turn is part of the path");
    assert_eq!(server.upstream.last()["messages"][2]["content"], text);
}

#[test]
fn a_plain_chat_that_is_stopped_is_answered() {
    let server = Server::start();
    let ann = server.user("ann");
    server.upstream.script(vec![Step::Send(stream_of(&[delta("Hel")])), Step::Hold]);
    std::thread::scope(|scope| {
        let plain = scope.spawn(|| ann.chat("hi"));
        server.upstream.wait_for_requests(1);
        let mut follower = crate::support::eventually("the row", || {
            let follower = ann.follow("/api/chat/1/events", "");
            (follower.status() == 200).then_some(follower)
        });
        follower.until("delta");
        press_stop(&ann, &json!(1));
        let reply = plain.join().unwrap();
        assert_eq!((&reply["status"], &reply["reply"]), (&json!("stopped"), &json!("Hel")));
        assert_eq!(reply["usage"]["source"], "estimated");
    });
}

#[test]
fn stop_on_an_ended_turn_changes_nothing() {
    let server = Server::start();
    let ann = server.user("ann");
    ann.chat("hi");
    let before = ann.get("/api/chat/1").expect(200).json();
    assert_eq!(press_stop(&ann, &json!(1)), before);
    ann.post("/api/chat/999/stop", &json!({})).fails(404, "not_found");
    server.upstream.answers(500, "", "{}");
    let failed = ann.post("/api/chat", &json!({"message": "hi"})).json()["id"].clone();
    assert_eq!(press_stop(&ann, &failed)["status"], "failed");
}

#[test]
fn stop_after_the_finish_reason_leaves_a_whole_answer() {
    let server = Server::start();
    let ann = server.user("ann");
    server.upstream.script(vec![Step::Send(stream_of(&[delta("Hello"), stop()])), Step::Hold]);
    let (mut stream, turn) = begin(&ann);
    stream.until("delta");
    let stopped = press_stop(&ann, &turn);
    // Either it was known by then that the answer is whole, or it was not; the text is the same.
    assert!(stopped["status"] == "complete" || stopped["status"] == "stopped", "{stopped}");
    assert_eq!(stopped["response"], "Hello");
}

/// An address at which a connection is neither taken nor refused: the queue of those that wait is full.
fn full() -> (SocketAddr, Socket, Vec<Socket>) {
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    listener.bind(&"127.0.0.1:0".parse::<SocketAddr>().unwrap().into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap().as_socket().unwrap();
    let waiting = (0..8)
        .map(|_| {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
            socket.set_nonblocking(true).unwrap();
            let _ = socket.connect(&address.into());
            socket
        })
        .collect();
    (address, listener, waiting)
}

#[test]
fn c21_while_it_connects() {
    let (address, _listener, _waiting) = full();
    let server = Server::with(|config| {
        config.upstream.base_url = BaseUrl::parse_api(&format!("http://{address}")).unwrap();
        config.upstream.connect_timeout = Duration::from_secs(30);
    });
    check(&server.user("ann"), "", || ());
}

#[test]
fn p7_a_connection_that_is_never_taken_is_a_time_out() {
    let (address, _listener, _waiting) = full();
    let server = Server::with(|config| {
        config.upstream.base_url = BaseUrl::parse_api(&format!("http://{address}")).unwrap();
        config.upstream.connect_timeout = Duration::from_millis(700);
    });
    let began = Instant::now();
    server.user("ann").post("/api/chat", &json!({"message": "hi"})).fails(504, "upstream_timeout");
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}

#[test]
fn c21_while_it_shakes_hands() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, told) = channel();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let tell = tell.clone();
            // Tells that the greeting has come, never answers it, and tells all of it when the line is closed.
            std::thread::spawn(move || {
                let mut all = vec![0; 1];
                let _ = stream.read_exact(&mut all).map(|()| tell.send(Vec::new()));
                let _ = stream.read_to_end(&mut all);
                let _ = tell.send(all);
            });
        }
    });
    let server = Server::with(|config| {
        config.upstream.base_url = BaseUrl::parse_api(&format!("https://localhost:{port}")).unwrap();
    });
    check(&server.user("ann"), "", || assert_eq!(told.recv_timeout(PATIENCE).unwrap(), b""));
    let greeting = told.recv_timeout(SOON).expect("the line was closed");
    assert!(!greeting.is_empty() && !greeting.windows(9).any(|w| w == b"sk-shared"));
}

#[test]
fn c21_over_tls() {
    let upstream = Upstream::start();
    let front = Front::start(&upstream, Shown::Good);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, &front.authority).unwrap();
    let server = Server::with(|config| {
        config.upstream.base_url = BaseUrl::parse_api(&front.url).unwrap();
        config.upstream.ca_file = Some(path);
    });
    let ann = server.user("ann");
    for (closed, text, steps) in [
        (1, "", vec![Step::Hold]),
        (2, "", vec![Step::Send(stream_head()), Step::Hold]),
        (3, "w ", vec![Step::Send(stream_of(&[delta("w ")])), Step::Hold]),
    ] {
        upstream.script(steps);
        check(&ann, text, || upstream.wait_for_requests(2 * closed - 1));
        upstream.wait_for_closed(closed);
        upstream.events(&[delta("on"), stop(), usage(1, 2), done()]);
        assert_eq!(ann.chat("next")["reply"], "on");
    }
}

#[test]
fn a_stop_ends_its_own_call_and_no_other() {
    // Many at once on connections that are kept: every second one is stopped, at any moment of its life.
    let server = Server::with(|config| config.limits.streams_per_user = 64);
    let ann = server.user("ann");
    std::thread::scope(|scope| {
        for worker in 0..16 {
            let (ann, server) = (&ann, &server);
            scope.spawn(move || {
                for round in 0..6 {
                    let (mut stream, turn) = begin(ann);
                    if worker % 2 == 0 {
                        std::thread::sleep(Duration::from_millis(round % 3));
                        let status = press_stop(ann, &turn)["status"].clone();
                        assert!(status == "stopped" || status == "complete", "{status}");
                    } else {
                        let done = stream.until("done");
                        assert_eq!(
                            (&done.data["status"], &done.data["reply"]),
                            (&json!("complete"), &json!("Hello."))
                        );
                    }
                    assert!(!server.base.is_empty());
                }
            });
        }
    });
}

#[test]
#[expect(clippy::disallowed_methods, reason = "another program that locks the database")]
fn a_deletion_goes_on_when_its_client_has_left() {
    let server = Server::start();
    let ann = server.user("ann");
    server.upstream.script(vec![Step::Send(stream_of(&[delta("begun")])), Step::Hold]);
    let mut stream = ann.stream(&json!({"message": "hi"}));
    let conversation = format!("/api/conversations/{}", stream.until("turn").data["conversation_id"]);
    stream.until("delta");
    // Holds up the end of the answer, for which the deletion waits.
    let other = rusqlite::Connection::open(server.data_dir().join("gpt-assistant.db")).unwrap();
    other.busy_timeout(PATIENCE).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut line = ann.connect();
    let token = ann.token.clone().unwrap();
    write!(
        line,
        "DELETE {conversation}?permanent=true HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n"
    )
    .unwrap();
    server.upstream.wait_for_closed(1);
    drop(line);
    // The server has time to see that nobody is there any more, well within the time that its writer waits.
    std::thread::sleep(Duration::from_millis(300));
    other.execute_batch("ROLLBACK").unwrap();
    eventually("it is deleted", || (ann.get(&conversation).status == 404).then_some(()));
}
