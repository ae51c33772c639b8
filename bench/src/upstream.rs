//! A very light fake of an OpenAI-compatible upstream: one thread, its answers made beforehand.
//!
//! | | |
//! | --- | --- |
//! | `POST …/chat/completions` | an answer, as events when the body says `"stream": true` |
//! | `GET …/models` | a list of two |
//! | `GET /_stats` | counters: `connections` tells whether a client uses them again |
//! | `POST /_ctl?first_ms=300&gap_ms=50&tokens=60` | another [`Script`] |
//!
//! Every timed token carries the moment it was written, ` t[7:NANOSECONDS]`, and the first one also
//! the moment the request was read, ` t[0:WRITTEN:READ]`. A client on the same machine thus knows
//! what lies in between exactly, free of this program's own timers.
use crate::http::{Message, response};
use crate::net;
use crate::script::{HEAD, Ready, Script, push_delta, push_end};
use crate::stats::now_ns;
use anyhow::{Result, bail};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, sleep_until};

/// The running upstream.
#[derive(Clone)]
pub struct Upstream {
    /// where it listens
    pub addr: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    ready: Mutex<Arc<Ready>>,
    connections: AtomicUsize,
    requests: AtomicUsize,
    open: AtomicUsize,
    peak: AtomicUsize,
    tokens: AtomicUsize,
}

impl Upstream {
    /// Starts it on a thread that lives as long as the process.
    pub fn start(addr: SocketAddr, script: Script) -> Result<Upstream> {
        let shared = Arc::new(Shared {
            ready: Mutex::new(Arc::new(Ready::new(script))),
            connections: AtomicUsize::new(0),
            requests: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
            peak: AtomicUsize::new(0),
            tokens: AtomicUsize::new(0),
        });
        let theirs = shared.clone();
        let addr = net::serve(addr, move |stream| {
            theirs.connections.fetch_add(1, Relaxed);
            connection(stream, theirs.clone())
        })?;
        Ok(Upstream { addr, shared })
    }

    /// From the next request on it answers so.
    pub fn play(&self, script: Script) {
        self.shared.play(script);
    }
}

impl Shared {
    fn ready(&self) -> Arc<Ready> {
        let ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        ready.clone()
    }

    fn play(&self, script: Script) {
        let ready = Arc::new(Ready::new(script));
        *self.ready.lock().unwrap_or_else(PoisonError::into_inner) = ready;
    }

    fn stats(&self) -> String {
        let script = self.ready().script;
        format!(
            r#"{{"connections":{},"requests":{},"streams_open":{},"streams_peak":{},"tokens":{},"script":"{script:?}"}}"#,
            self.connections.load(Relaxed),
            self.requests.load(Relaxed),
            self.open.load(Relaxed),
            self.peak.load(Relaxed),
            self.tokens.load(Relaxed),
        )
    }

    fn control(&self, query: &str) -> Result<()> {
        let mut script = self.ready().script;
        for pair in query.split('&').filter(|p| !p.is_empty()) {
            let Some((name, value)) = pair.split_once('=') else {
                bail!("{pair} is no NAME=NUMBER");
            };
            script.set(name, value)?;
        }
        self.play(script);
        Ok(())
    }
}

async fn connection(mut stream: TcpStream, shared: Arc<Shared>) -> Result<()> {
    let mut request = Message::request();
    while net::read(&mut stream, &mut request).await? {
        let read_at = now_ns();
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        if path.ends_with("/chat/completions") {
            shared.requests.fetch_add(1, Relaxed);
            complete(&mut stream, &shared, &request.body, read_at).await?;
        } else {
            let answer = other(&shared, path, query);
            stream.write_all(&answer).await?;
        }
        if request.close {
            break;
        }
        request.clear();
    }
    Ok(())
}

fn other(shared: &Shared, path: &str, query: &str) -> Vec<u8> {
    let (status, body) = match path {
        "/_stats" => ("200 OK", shared.stats()),
        "/_ctl" => match shared.control(query) {
            Ok(()) => ("200 OK", shared.stats()),
            Err(fault) => ("400 Bad Request", format!(r#"{{"error":"{fault}"}}"#)),
        },
        path if path.ends_with("/models") => (
            "200 OK",
            r#"{"object":"list","data":[{"id":"bench","object":"model","created":1,"owned_by":"bench"},{"id":"gpt-4o-mini","object":"model","created":1,"owned_by":"bench"}]}"#.to_owned(),
        ),
        _ => (
            "404 Not Found",
            r#"{"error":{"message":"no such path","type":"invalid_request_error"}}"#.to_owned(),
        ),
    };
    response(status, "application/json", &body)
}

async fn complete(stream: &mut TcpStream, shared: &Shared, body: &[u8], read_at: u64) -> Result<()> {
    let ready = shared.ready();
    let with_usage = ready.script.usage || says_true(body, b"\"include_usage\"");
    let streamed = says_true(body, b"\"stream\"");
    if streamed && ready.script.tokens > 0 {
        let open = shared.open.fetch_add(1, Relaxed) + 1;
        shared.peak.fetch_max(open, Relaxed);
        let result = timed(stream, shared, &ready.script, with_usage, read_at).await;
        shared.open.fetch_sub(1, Relaxed);
        return result;
    }
    if ready.script.delay_ms > 0 {
        sleep(Duration::from_millis(ready.script.delay_ms)).await;
    }
    let answer = match (streamed, with_usage) {
        (false, _) => &ready.plain,
        (true, false) => &ready.events,
        (true, true) => &ready.events_usage,
    };
    stream.write_all(answer).await?;
    Ok(())
}

async fn timed(
    stream: &mut TcpStream,
    shared: &Shared,
    script: &Script,
    with_usage: bool,
    read_at: u64,
) -> Result<()> {
    let start = Instant::now() + Duration::from_millis(script.first_ms);
    stream.write_all(HEAD.as_bytes()).await?;
    let mut out = String::with_capacity(1024);
    for number in 0..script.tokens {
        sleep_until(start + Duration::from_millis(script.gap_ms * number)).await;
        out.clear();
        let written_at = now_ns();
        if number == 0 {
            push_delta(&mut out, r#"{"role":"assistant","content":""}"#);
            let delta = format!(r#"{{"content":" t[0:{written_at}:{read_at}]"}}"#);
            push_delta(&mut out, &delta);
        } else {
            let delta = format!(r#"{{"content":" t[{number}:{written_at}]"}}"#);
            push_delta(&mut out, &delta);
        }
        stream.write_all(out.as_bytes()).await?;
        shared.tokens.fetch_add(1, Relaxed);
    }
    out.clear();
    push_end(&mut out, with_usage.then_some(script.tokens));
    stream.write_all(out.as_bytes()).await?;
    Ok(())
}

/// Whether the body has that name with the value true; the name in quotes, which a text inside the
/// body could only hold escaped.
fn says_true(body: &[u8], name: &[u8]) -> bool {
    memchr::memmem::find_iter(body, name).any(|at| {
        let rest = body[at + name.len()..].trim_ascii_start();
        let value = rest.strip_prefix(b":").map(<[u8]>::trim_ascii_start);
        value.is_some_and(|v| v.starts_with(b"true"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_found_as_members_only() {
        assert!(says_true(br#"{"stream" : true}"#, b"\"stream\""));
        assert!(!says_true(br#"{"stream":false}"#, b"\"stream\""));
        let quoted = br#"{"content":"\"stream\":true","stream":false}"#;
        assert!(!says_true(quoted, b"\"stream\""));
    }
}
