//! HTTP/2, which there is behind TLS alone, and its limits.

use crate::secure::{HEALTH, Secure, address, ask, piece, register, request, rest};
use crate::support::upstream::{Gate, Step, delta, done, stop, stream_head, usage};
use crate::support::{Client, Upstream};
use http::{HeaderMap, StatusCode};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

#[test]
fn the_protocol_is_the_clients_choice() {
    let secure = Secure::new();
    let server = secure.serve();
    for (offered, agreed) in [(&["http/1.1"][..], Some(b"http/1.1".to_vec())), (&[][..], None)] {
        let (answer, protocol) = secure.talk(&server, offered, HEALTH).unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("\"status\":\"ok\""),
            "{answer}"
        );
        assert!(answer.contains("strict-transport-security: max-age="), "{answer}");
        assert_eq!(protocol, agreed);
    }
    assert!(secure.talk(&server, &["spdy/3"], HEALTH).is_err(), "nothing that both speak");
    Runtime::new().unwrap().block_on(async {
        let (mut client, _task) = secure.http2(&server).await;
        let reply = ask(&mut client, request("GET", "/api/health", "x"), &Value::Null).await;
        assert_eq!((reply.status(), reply.version()), (StatusCode::OK, http::Version::HTTP_2));
        assert!(reply.headers().contains_key("x-request-id"));
        let page = ask(&mut client, request("GET", "/", "x"), &Value::Null).await;
        assert_eq!(page.status(), StatusCode::OK);
        let (head, head_path) = (request("HEAD", "/api/health", "x"), request("GET", "/nothing", "x"));
        assert_eq!(ask(&mut client, head, &Value::Null).await.status(), StatusCode::OK);
        assert_eq!(ask(&mut client, head_path, &Value::Null).await.status(), StatusCode::NOT_FOUND);
        assert_eq!(client.current_max_send_streams(), 100);
    });
    // Who does not encrypt is told so, and gets nothing else.
    let plain = Client::new(&server.base.replace("https", "http")).raw(HEALTH.as_bytes());
    assert!(plain.starts_with("HTTP/1.1 400 ") && plain.contains("https://"), "{plain}");
    assert!(!plain.contains("status\":\"ok"), "{plain}");
    let check = |arguments: &[&str]| secure.place.run(arguments);
    let address = address(&server);
    assert_eq!(check(&["healthcheck", "--listen", &address]).code, Some(0));
    // A certificate that nobody vouches for is no good from outside.
    assert_eq!(check(&["healthcheck", "--url", &server.base]).code, Some(1));
    let ended = server.stop();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}

#[test]
fn answers_stream_over_http2_and_others_go_on_beside_them() {
    let upstream = Upstream::start();
    let mut secure = Secure::new();
    secure.place.set("upstream.base_url", &upstream.url());
    secure.place.set("upstream.api_key", "sk-shared");
    let server = secure.serve();
    let gate = Gate::default();
    let tail = [delta(" two"), stop(), usage(3, 2), done()].concat().into_bytes();
    let first = [stream_head(), delta("one").into_bytes()].concat();
    upstream.script(vec![Step::Send(first), Step::Wait(gate.clone()), Step::Send(tail)]);
    Runtime::new().unwrap().block_on(async {
        let (mut client, task) = secure.http2(&server).await;
        let token = register(&mut client).await;
        let message = json!({"message": "hi", "stream": true});
        let mut reply = ask(&mut client, request("POST", "/api/chat", &token), &message).await;
        assert_eq!(reply.headers()["content-type"], "text/event-stream");
        let mut seen = String::new();
        while !seen.contains("one") {
            seen.push_str(&piece(reply.body_mut()).await.expect("the first words"));
        }
        let user = ask(&mut client, request("GET", "/api/user", &token), &Value::Null).await;
        assert_eq!(user.status(), StatusCode::OK, "while the answer runs");
        // Asked to stop, it says so, lets the answer finish, and ends.
        server.signal(Signal::TERM);
        server.wait_for_log("stopping");
        gate.open();
        seen.push_str(&rest(reply.body_mut()).await);
        assert!(seen.contains("event: done") && seen.contains(" two"), "{seen}");
        drop((client, reply));
        // Who says goodbye first is chance: the other may write into a connection that is closed.
        let _ = task.await.unwrap();
    });
    assert_eq!(server.end().code, Some(0));
}

#[test]
fn a_large_reply_comes_whole_over_http2_too() {
    let upstream = Upstream::start();
    let mut secure = Secure::new();
    secure.place.set("upstream.base_url", &upstream.url());
    secure.place.set("upstream.api_key", "sk-shared");
    let server = secure.serve();
    let text = "word ".repeat(100 << 10);
    upstream.says(&text);
    Runtime::new().unwrap().block_on(async {
        let (mut client, _task) = secure.http2(&server).await;
        let token = register(&mut client).await;
        let message = json!({"message": "at length"});
        let mut reply = ask(&mut client, request("POST", "/api/chat", &token), &message).await;
        let length: usize = reply.headers()["content-length"].to_str().unwrap().parse().unwrap();
        let body = rest(reply.body_mut()).await;
        assert_eq!((body.len(), body.contains(&text)), (length, true));
    });
}

#[test]
fn h7_streams_that_are_taken_back_at_once_end_their_connection_alone() {
    const MANY: usize = 200_000;
    let secure = Secure::new();
    let server = secure.serve();
    let runtime = Runtime::new().unwrap();
    let memory = server.memory("VmRSS");
    runtime.block_on(async {
        let (mut other, _task) = secure.http2(&server).await;
        let (client, task) = secure.http2(&server).await;
        let mut begun = 0;
        for _ in 0..MANY {
            let Ok(mut ready) = client.clone().ready().await else { break };
            let Ok((_, mut sending)) =
                ready.send_request(request("GET", "/api/user", "x").body(()).unwrap(), false)
            else {
                break;
            };
            sending.send_reset(h2::Reason::CANCEL);
            begun += 1;
        }
        drop(client);
        let ended = tokio::time::timeout(Duration::from_secs(20), task).await.expect("it ends").unwrap();
        // Told to calm down, or cut off before it could hear that.
        let reason = ended.expect_err("it was ended by the server").reason();
        assert!(reason.is_none_or(|reason| reason == h2::Reason::ENHANCE_YOUR_CALM), "{reason:?}");
        // How many it takes until the server has had a look is the machine's matter.
        assert!(begun < MANY, "it went on for ever");
        let reply = ask(&mut other, request("GET", "/api/health", "x"), &Value::Null).await;
        assert_eq!(reply.status(), StatusCode::OK, "others do not notice");
    });
    assert!(server.memory("VmRSS") < memory + (32 << 10));
    assert_eq!(server.stop().code, Some(0));
}

#[test]
fn h5_heads_and_bodies_have_limits_over_http2_too() {
    let secure = Secure::new();
    let server = secure.serve();
    Runtime::new().unwrap().block_on(async {
        let (mut client, _task) = secure.http2(&server).await;
        let token = register(&mut client).await;
        let mut large = request("GET", "/api/user", &token);
        for i in 0..40 {
            large = large.header(format!("x-{i}"), "a".repeat(1000));
        }
        let (response, _) =
            client.clone().ready().await.unwrap().send_request(large.body(()).unwrap(), true).unwrap();
        // Told so, or taken back: both are this stream's alone.
        let refused = match response.await {
            Ok(reply) => reply.status() == StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Err(error) => error.is_reset() || error.is_go_away(),
        };
        assert!(refused);
        let (mut client, _task) = secure.http2(&server).await;
        let long = request("GET", &format!("/api/{}", "a".repeat(9000)), &token);
        assert_eq!(ask(&mut client, long, &Value::Null).await.status(), StatusCode::URI_TOO_LONG);
        let body = json!({"api_key": "a".repeat(100_000)});
        let reply = ask(&mut client, request("POST", "/api/user/api-key", &token), &body).await;
        assert_eq!(reply.status(), StatusCode::PAYLOAD_TOO_LARGE);
        let method = request("CONNECT", "/", &token);
        let tunnel = client
            .clone()
            .ready()
            .await
            .unwrap()
            .send_request(method.uri("localhost:80").body(()).unwrap(), true);
        if let Ok((response, _)) = tunnel
            && let Ok(reply) = response.await
        {
            assert_eq!(reply.status(), StatusCode::METHOD_NOT_ALLOWED);
        }
        let user = ask(&mut client, request("GET", "/api/user", &token), &Value::Null).await;
        assert_eq!((user.status(), user.headers() == &HeaderMap::new()), (StatusCode::OK, false));
    });
    assert_eq!(server.stop().code, Some(0));
}

/// Takes more than a minute: `cargo test --test cli -- --ignored h1_`.
#[test]
#[ignore = "it waits for the minute that a connection may be idle"]
fn h1_an_http2_connection_that_is_of_no_use_is_let_go() {
    let upstream = Upstream::start();
    let mut secure = Secure::new();
    secure.place.set("upstream.base_url", &upstream.url());
    secure.place.set("upstream.api_key", "sk-shared");
    let server = secure.serve();
    upstream.script(vec![
        Step::Send(stream_head()),
        Step::Repeat(delta("x").into_bytes(), Duration::from_secs(1)),
    ]);
    Runtime::new().unwrap().block_on(async {
        let (_idle, idle_task) = secure.http2(&server).await;
        let (mut busy, busy_task) = secure.http2(&server).await;
        let token = register(&mut busy).await;
        let message = json!({"message": "hi", "stream": true});
        let mut reply = ask(&mut busy, request("POST", "/api/chat", &token), &message).await;
        let began = Instant::now();
        let reading = tokio::spawn(async move {
            while began.elapsed() < Duration::from_secs(75) && piece(reply.body_mut()).await.is_some() {}
            began.elapsed()
        });
        let ended = tokio::time::timeout(Duration::from_secs(80), idle_task).await;
        assert!(ended.is_ok() && began.elapsed() > Duration::from_secs(55), "{:?}", began.elapsed());
        assert!(!busy_task.is_finished(), "one that streams stays");
        drop(reading);
    });
}
