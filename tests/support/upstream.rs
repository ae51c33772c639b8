//! A scripted model service on raw sockets: it answers each request with the next script, byte for byte, and keeps
//! what it was sent.

use serde_json::{Value, json};
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// How long anything may take before a test fails.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// One step of an answer.
#[derive(Clone)]
pub enum Step {
    /// These bytes, in one write.
    Send(Vec<u8>),
    /// Nothing, until the gate is opened.
    Wait(Gate),
    /// Nothing, for so long: only where time itself is the matter.
    Pause(Duration),
    /// These bytes one by one, so long apart; a closed line is noted.
    Drip(Vec<u8>, Duration),
    /// These bytes again and again, so long apart, until the other side closes; then it is noted.
    Repeat(Vec<u8>, Duration),
    /// Until the other side closes; then it is noted.
    Hold,
    /// Cut the connection with a reset.
    Reset,
}

/// Opened once; whoever waits then goes on.
#[derive(Clone, Default)]
pub struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    pub fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }

    pub fn wait(&self) -> bool {
        let open = self.0.0.lock().unwrap();
        *self.0.1.wait_timeout_while(open, PATIENCE, |open| !*open).unwrap().0
    }
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Received {
    /// Request line and headers.
    pub head: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Received {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let wanted = name.to_ascii_lowercase();
        self.head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            (name.to_ascii_lowercase() == wanted).then(|| value.trim())
        })
    }

    pub fn path(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }
}

#[derive(Default)]
struct State {
    scripts: VecDeque<Vec<Step>>,
    /// Answers to whoever says a word, and the word.
    rules: Vec<(String, Vec<Step>)>,
    received: Vec<Received>,
    /// Connections whose other side was seen to close while a script held.
    closed: usize,
}

impl State {
    fn steps_for(&mut self, request: &Received) -> Option<Vec<Step>> {
        let said = |word: &str| request.body.windows(word.len()).any(|bytes| bytes == word.as_bytes());
        match self.rules.iter().find(|(word, _)| said(word)) {
            Some((_, steps)) => Some(steps.clone()),
            None => self.scripts.pop_front(),
        }
    }
}

/// The service.
#[derive(Clone)]
pub struct Upstream {
    pub address: String,
    state: Arc<(Mutex<State>, Condvar)>,
}

impl Upstream {
    /// Starts one. It ends with the test process.
    pub fn start() -> Upstream {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let upstream =
            Upstream { address: listener.local_addr().unwrap().to_string(), state: Arc::default() };
        let serving = upstream.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let serving = serving.clone();
                std::thread::spawn(move || serving.serve(&stream));
            }
        });
        upstream
    }

    /// `http://ADDRESS/v1`.
    pub fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// The next request is answered so. Where no script is left, the answer is `Hello.` with measured usage.
    pub fn script(&self, steps: Vec<Step>) {
        self.state.0.lock().unwrap().scripts.push_back(steps);
    }

    /// Every request whose body holds `word` is answered so, whatever is scripted.
    pub fn rule(&self, word: &str, steps: Vec<Step>) {
        self.state.0.lock().unwrap().rules.push((word.to_owned(), steps));
    }

    /// The next request is answered with a stream that says `text`.
    pub fn says(&self, text: &str) {
        self.script(vec![Step::Send(stream_of(&[delta(text), stop(), usage(7, 5), done()]))]);
    }

    /// The next request is answered with these raw events, and the connection closed.
    pub fn events(&self, events: &[String]) {
        self.script(vec![Step::Send(stream_of(events))]);
    }

    /// The next request is answered with a status, a JSON or other body, and further header lines.
    pub fn answers(&self, status: u16, headers: &str, body: &str) {
        self.script(vec![Step::Send(plain(status, headers, body.as_bytes()))]);
    }

    /// All requests so far.
    pub fn received(&self) -> Vec<Received> {
        self.state.0.lock().unwrap().received.clone()
    }

    /// The JSON of the last chat request.
    pub fn last(&self) -> Value {
        self.received()
            .iter()
            .rev()
            .find(|r| r.path().ends_with("/chat/completions"))
            .expect("a chat request")
            .json()
    }

    /// Waits until `count` requests have come.
    pub fn wait_for_requests(&self, count: usize) {
        self.wait(|state| state.received.len() >= count, "requests");
    }

    /// Waits until `count` held connections were closed by the other side.
    pub fn wait_for_closed(&self, count: usize) {
        self.wait(|state| state.closed >= count, "closed connections");
    }

    pub fn closed(&self) -> usize {
        self.state.0.lock().unwrap().closed
    }

    fn wait(&self, enough: impl Fn(&State) -> bool, what: &str) {
        let state = self.state.0.lock().unwrap();
        let (state, _) = self.state.1.wait_timeout_while(state, PATIENCE, |state| !enough(state)).unwrap();
        assert!(
            enough(&state),
            "not enough {what}: {} received, {} closed",
            state.received.len(),
            state.closed
        );
    }

    fn note_closed(&self) {
        self.state.0.lock().unwrap().closed += 1;
        self.state.1.notify_all();
    }

    fn serve(&self, stream: &TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        while let Some(request) = read_request(&mut reader) {
            let script = {
                let mut state = self.state.0.lock().unwrap();
                state.received.push(request.clone());
                self.state.1.notify_all();
                state.steps_for(&request)
            };
            let keep = match script {
                Some(steps) => self.play(stream, &mut reader, &steps),
                None => usual(stream, &request),
            };
            if !keep {
                return;
            }
        }
    }

    /// False when the connection is to be closed.
    fn play(&self, stream: &TcpStream, reader: &mut BufReader<TcpStream>, steps: &[Step]) -> bool {
        let mut writer = stream;
        for step in steps {
            match step {
                Step::Send(bytes) => {
                    if writer.write_all(bytes).is_err() {
                        self.note_closed();
                        return false;
                    }
                }
                Step::Wait(gate) => {
                    if !gate.wait() {
                        return false;
                    }
                }
                Step::Pause(time) => std::thread::sleep(*time),
                Step::Drip(bytes, apart) => {
                    for byte in bytes {
                        if writer.write_all(&[*byte]).is_err() {
                            self.note_closed();
                            return false;
                        }
                        std::thread::sleep(*apart);
                    }
                }
                Step::Repeat(bytes, apart) => {
                    let began = std::time::Instant::now();
                    while began.elapsed() < PATIENCE {
                        if writer.write_all(bytes).is_err() || is_closed(stream) {
                            self.note_closed();
                            return false;
                        }
                        std::thread::sleep(*apart);
                    }
                    return false;
                }
                Step::Hold => {
                    let _ = stream.set_read_timeout(Some(PATIENCE));
                    let gone = match reader.read(&mut [0; 16]) {
                        Ok(count) => count == 0,
                        Err(e) => !matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
                    };
                    if gone {
                        self.note_closed();
                    }
                    return false;
                }
                Step::Reset => {
                    let _ = socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO));
                    return false;
                }
            }
        }
        let _ = stream.shutdown(Shutdown::Write);
        false
    }
}

/// The other side has closed its half: nothing more is wanted.
fn is_closed(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let seen = stream.peek(&mut [0; 1]);
    stream.set_nonblocking(false).unwrap();
    matches!(seen, Ok(0))
}

fn usual(mut stream: &TcpStream, request: &Received) -> bool {
    let bytes = if request.path().ends_with("/models") {
        plain(
            200,
            "",
            json!({"object": "list", "data": [{"id": "m"}, {"id": "gpt-4o-mini"}]}).to_string().as_bytes(),
        )
    } else {
        stream_of(&[delta("Hello."), stop(), usage(7, 5), done()])
    };
    let _ = stream.write_all(&bytes);
    let _ = stream.shutdown(Shutdown::Write);
    false
}

fn read_request(reader: &mut impl BufRead) -> Option<Received> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let received = Received { head, body: Vec::new() };
    let length = received.header("content-length").and_then(|v| v.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Received { body, ..received })
}

/// The head of a stream that ends with the connection.
pub fn stream_head() -> Vec<u8> {
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n".to_vec()
}

/// Head and events.
pub fn stream_of(events: &[String]) -> Vec<u8> {
    [stream_head(), events.concat().into_bytes()].concat()
}

/// A whole reply.
pub fn plain(status: u16, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status} X\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n");
    [head.as_bytes(), body].concat()
}

/// An event with any JSON.
pub fn event(value: &Value) -> String {
    format!("data: {value}\n\n")
}

/// `data: {…"delta":DELTA…}`.
pub fn chunk(delta: &Value) -> String {
    let choice = json!({"index": 0, "delta": delta, "finish_reason": null});
    format!(
        "data: {}\n\n",
        json!({"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]})
    )
}

/// A piece of text.
pub fn delta(text: &str) -> String {
    chunk(&json!({"content": text}))
}

/// A finish reason.
pub fn finish(reason: &str) -> String {
    let choice = json!({"index": 0, "delta": {}, "finish_reason": reason});
    format!(
        "data: {}\n\n",
        json!({"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]})
    )
}

/// The usual finish reason.
pub fn stop() -> String {
    finish("stop")
}

/// The chunk that counts tokens.
pub fn usage(prompt: i64, completion: i64) -> String {
    let usage = json!({"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion});
    format!("data: {}\n\n", json!({"id": "c1", "choices": [], "usage": usage}))
}

/// The end of a stream.
pub fn done() -> String {
    "data: [DONE]\n\n".into()
}
