//! The server's own TLS: HTTP/1 and HTTP/2, certificates that come and go, and peers that mean harm.

use crate::support::program::{Ended, Place, Serving, eventually};
use crate::support::tls::{Shown, pem};
use crate::support::upstream::{Gate, Step, delta, done, stop, stream_head, usage};
use crate::support::{Client, Upstream};
use bytes::Bytes;
use h2::client::SendRequest;
use http::{HeaderMap, Request, Response, StatusCode};
use rustix::process::Signal;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio_rustls::TlsConnector;

/// A place whose server encrypts, and the authority that its visitors trust.
struct Secure {
    place: Place,
    authority: String,
}

impl Secure {
    fn new() -> Secure {
        let (mut place, authority) = (Place::new(), String::new());
        place.set("tls.certificate", "certificate.pem");
        place.set("tls.key", "key.pem");
        let mut secure = Secure { place, authority };
        secure.renew(Shown::Good);
        secure
    }

    /// Puts another certificate in the files.
    fn renew(&mut self, shown: Shown) {
        let (certificate, key, authority) = pem(shown);
        self.place.write("certificate.pem", &certificate);
        self.place.write("key.pem", &key);
        self.authority = authority;
    }

    fn serve(&self) -> Serving {
        let server = self.place.serve(&[]);
        assert!(server.base.starts_with("https://127.0.0.1:"), "{}", server.base);
        server
    }

    fn config(&self, protocols: &[&str]) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.authority.as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let mut config = builder.unwrap().with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        config
    }

    /// Says `bytes` over HTTP/1 and reads to the end; with the protocol that was agreed on.
    fn talk(
        &self,
        server: &Serving,
        protocols: &[&str],
        bytes: &str,
    ) -> std::io::Result<(String, Option<Vec<u8>>)> {
        let name = ServerName::try_from("localhost").unwrap();
        let mut tls = ClientConnection::new(Arc::new(self.config(protocols)), name).unwrap();
        let mut stream = connect(server);
        let mut both = rustls::Stream::new(&mut tls, &mut stream);
        both.write_all(bytes.as_bytes())?;
        let mut answer = Vec::new();
        match both.read_to_end(&mut answer) {
            Err(e) if e.kind() != std::io::ErrorKind::UnexpectedEof => return Err(e),
            _ => {}
        }
        let protocol = tls.alpn_protocol().map(<[u8]>::to_vec);
        Ok((String::from_utf8_lossy(&answer).into_owned(), protocol))
    }

    /// A connection with HTTP/2, and the task that drives it, which ends with it.
    async fn http2(
        &self,
        server: &Serving,
    ) -> (SendRequest<Bytes>, tokio::task::JoinHandle<Result<(), h2::Error>>) {
        let stream = tokio::net::TcpStream::connect(address(server)).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let stream = TlsConnector::from(Arc::new(self.config(&["h2"]))).connect(name, stream).await.unwrap();
        let (client, connection) = h2::client::handshake(stream).await.unwrap();
        (client, tokio::spawn(connection))
    }
}

const HEALTH: &str = "GET /api/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

fn address(server: &Serving) -> String {
    server.base.trim_start_matches("https://").to_owned()
}

fn connect(server: &Serving) -> TcpStream {
    let stream = TcpStream::connect(address(server)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

fn request(method: &str, path: &str, token: &str) -> http::request::Builder {
    let uri = format!("https://localhost{path}");
    Request::builder().method(method).uri(uri).header("authorization", format!("Bearer {token}"))
}

/// Sends a request and gives the reply with the rest of its body still to come.
async fn ask(
    client: &mut SendRequest<Bytes>,
    request: http::request::Builder,
    body: &Value,
) -> Response<h2::RecvStream> {
    let empty = body.is_null();
    let mut ready = client.clone().ready().await.unwrap();
    let (response, mut sending) = ready.send_request(request.body(()).unwrap(), empty).unwrap();
    if !empty {
        sending.send_data(Bytes::from(body.to_string()), true).unwrap();
    }
    response.await.unwrap()
}

async fn piece(body: &mut h2::RecvStream) -> Option<String> {
    let piece = body.data().await?.unwrap();
    body.flow_control().release_capacity(piece.len()).unwrap();
    Some(String::from_utf8_lossy(&piece).into_owned())
}

async fn rest(body: &mut h2::RecvStream) -> String {
    let mut all = String::new();
    while let Some(piece) = piece(body).await {
        all.push_str(&piece);
    }
    all
}

async fn register(client: &mut SendRequest<Bytes>) -> String {
    let form = json!({"name": "Ann", "email": "ann@example.org", "password": "secret1", "password_confirmation": "secret1"});
    let mut reply = ask(client, request("POST", "/api/register", "x"), &form).await;
    let body: Value = serde_json::from_str(&rest(reply.body_mut()).await).unwrap();
    body["token"].as_str().unwrap().to_owned()
}

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
fn a_hang_up_brings_the_new_certificate_and_a_bad_one_changes_nothing() {
    let mut secure = Secure::new();
    let server = secure.serve();
    let good = |secure: &Secure| secure.talk(&server, &[], HEALTH).is_ok();
    let runtime = Runtime::new().unwrap();
    let (mut old, _task) = runtime.block_on(secure.http2(&server));
    assert!(good(&secure));
    secure.renew(Shown::Good);
    assert!(!good(&secure), "not before it is asked to");
    let read = |server: &Serving| server.log().matches("the certificate is read").count();
    server.signal(Signal::HUP);
    eventually("the new certificate", || read(&server) == 2);
    assert!(good(&secure));
    let still = runtime.block_on(ask(&mut old, request("GET", "/api/health", "x"), &Value::Null));
    assert_eq!(still.status(), StatusCode::OK, "connections that are open stay");
    let faults = |server: &Serving| server.log().matches("the one before it stays in use").count();
    let (certificate, _, _) = pem(Shown::Good);
    for (round, (name, text)) in
        [("certificate.pem", "nonsense"), ("key.pem", ""), ("certificate.pem", &certificate)]
            .into_iter()
            .enumerate()
    {
        secure.place.write(name, text);
        server.signal(Signal::HUP);
        eventually("a word about it", || faults(&server) == round + 1);
        assert!(good(&secure), "{name}");
    }
    std::fs::remove_file(secure.place.path().join("key.pem")).unwrap();
    server.signal(Signal::HUP);
    eventually("a word about it", || faults(&server) == 4);
    assert!(good(&secure));
    secure.renew(Shown::Good);
    server.signal(Signal::HUP);
    eventually("the next good one", || read(&server) == 3);
    assert!(good(&secure));
    let log = server.stop().stderr;
    assert!(log.contains("tls.key") && log.contains("tls.certificate") && !log.contains("PRIVATE"), "{log}");
}

#[test]
fn o3_files_that_cannot_be_used_are_named_and_their_content_is_not() {
    let (certificate, key, _) = pem(Shown::Good);
    let (_, other, _) = pem(Shown::Good);
    let cases: [(&str, &str, &str); 6] = [
        (&certificate, "", "tls.key key.pem"),
        ("", &key, "tls.certificate certificate.pem"),
        (&key, &key, "tls.certificate certificate.pem"),
        (&certificate, &certificate, "tls.key key.pem"),
        (&certificate, &other, "tls.certificate certificate.pem and tls.key key.pem"),
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            &key,
            "tls.certificate certificate.pem",
        ),
    ];
    for (certificate, key, named) in cases {
        let secure = Secure::new();
        secure.place.write("certificate.pem", certificate);
        secure.place.write("key.pem", key);
        let inside = key.lines().nth(1).unwrap_or("no second line");
        let check = |ended: &Ended, code| {
            let said = format!("{}{}", ended.stdout, ended.stderr);
            assert_eq!(ended.code, Some(code), "{said}");
            assert!(said.contains(named) && !said.contains(inside), "{named}: {said}");
        };
        check(&secure.place.run(&["--listen", "127.0.0.1:0"]), 2);
        check(&secure.place.run(&["config", "check"]), 1);
        check(&secure.place.run(&["doctor", "--offline"]), 1);
    }
    let mut half = Place::new();
    half.set("tls.key", "key.pem");
    let refused = half.run(&["--listen", "127.0.0.1:0"]);
    assert_eq!(refused.code, Some(2));
    assert!(refused.stderr.contains("must be set together"), "{}", refused.stderr);
}

#[test]
fn the_doctor_watches_over_the_certificate() {
    let mut secure = Secure::new();
    let said = |secure: &Secure| secure.place.run(&["doctor", "--offline", "--listen", "0.0.0.0:0"]);
    let good = said(&secure);
    assert!(good.stdout.contains("ok    certificate    good for "), "{}", good.stdout);
    assert!(!good.stdout.contains("without encryption"), "{}", good.stdout);
    secure.renew(Shown::Expired);
    let bad = said(&secure);
    assert!(
        bad.stdout.contains("FAIL  certificate    it has expired") && bad.code == Some(1),
        "{}",
        bad.stdout
    );
    assert!(bad.stdout.contains("systemctl reload"), "{}", bad.stdout);
}

#[test]
fn h1_who_does_not_shake_hands_in_time_is_let_go() {
    let secure = Secure::new();
    let server = secure.serve();
    let began = Instant::now();
    // Nothing, a letter too few, half a hello, a hello without an end.
    let held: Vec<TcpStream> = [&b""[..], &b"\x16"[..], &b"\x16\x03\x01\x02\x00\x01\x00"[..]]
        .into_iter()
        .flat_map(|bytes| std::iter::repeat_n(bytes, 30))
        .map(|bytes| {
            let mut stream = connect(&server);
            stream.write_all(bytes).unwrap();
            stream
        })
        .collect();
    let (answer, _) = secure.talk(&server, &[], HEALTH).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "others are served meanwhile");
    for mut stream in held {
        let mut end = Vec::new();
        // An alert may come before the end.
        let _ = stream.read_to_end(&mut end);
        assert!(end.len() < 64, "{end:?}");
    }
    let took = began.elapsed();
    assert!((Duration::from_secs(9)..Duration::from_secs(15)).contains(&took), "{took:?}");
    for garbage in ["\0\0\0\0", "\u{16}\u{3}\u{1}\u{0}\u{5}hello", "SSH-2.0-x\r\n"] {
        let mut stream = connect(&server);
        stream.write_all(garbage.as_bytes()).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut end = Vec::new();
        let _ = stream.read_to_end(&mut end);
    }
    assert!(secure.talk(&server, &[], HEALTH).is_ok());
    assert_eq!(server.stop().code, Some(0));
}

#[test]
fn h2_a_connection_more_than_allowed_is_refused_before_any_handshake() {
    let mut secure = Secure::new();
    secure.place.set("server.max_connections", "2");
    let server = secure.serve();
    let held = [connect(&server), connect(&server)];
    eventually("the third is closed at once", || {
        let mut third = connect(&server);
        matches!(third.read(&mut [0; 1]), Ok(0)) || third.read(&mut [0; 1]).is_err()
    });
    drop(held);
    eventually("room again", || {
        secure.talk(&server, &[], HEALTH).is_ok_and(|(answer, _)| answer.contains("200"))
    });
}

#[test]
fn h7_streams_that_are_taken_back_at_once_end_their_connection_alone() {
    let secure = Secure::new();
    let server = secure.serve();
    let runtime = Runtime::new().unwrap();
    let memory = server.memory("VmRSS");
    runtime.block_on(async {
        let (mut other, _task) = secure.http2(&server).await;
        let (client, task) = secure.http2(&server).await;
        let mut begun = 0;
        for _ in 0..20_000 {
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
        assert!(begun < 2_000, "{begun}");
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
