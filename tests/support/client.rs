//! Clients of a running server: named calls for what tests do all the time, and raw bytes for what no client would.

use serde_json::{Value, json};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// A reply, read to its end.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|e| panic!("{e} in {}: {}", self.status, self.text()))
    }

    /// Fails unless the status is `status`.
    #[track_caller]
    pub fn expect(self, status: u16) -> Reply {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }

    /// Fails unless it is an error of that status and code, in the form that every error has.
    #[track_caller]
    pub fn fails(self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        let body = self.json();
        assert_eq!(body["code"], code, "{body}");
        assert!(body["error"].as_str().is_some_and(|s| s.len() > 5), "{body}");
        assert_eq!(body["request_id"].as_str(), self.header("x-request-id"), "{body}");
        body
    }

    /// Fails unless it is 400 and names exactly these fields.
    #[track_caller]
    pub fn names(self, fields: &[&str]) {
        let body = self.fails(400, "invalid_parameter");
        let mut named: Vec<&str> =
            body["fields"].as_object().expect("fields").keys().map(String::as_str).collect();
        named.sort_unstable();
        let mut wanted = fields.to_vec();
        wanted.sort_unstable();
        assert_eq!(named, wanted, "{body}");
    }
}

/// Somebody who talks to the server.
#[derive(Clone)]
pub struct Client {
    pub base: String,
    pub token: Option<String>,
    /// Sent with every request.
    pub headers: Vec<(String, String)>,
    agent: ureq::Agent,
}

impl Client {
    pub fn new(base: &str) -> Client {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .timeout_global(Some(Duration::from_secs(60)))
            .build()
            .new_agent();
        Client { base: base.to_owned(), token: None, headers: Vec::new(), agent }
    }

    /// The same with a token.
    pub fn with_token(&self, token: &str) -> Client {
        Client { token: Some(token.to_owned()), ..self.clone() }
    }

    /// The same with a header more.
    pub fn with_header(&self, name: &str, value: &str) -> Client {
        let mut client = self.clone();
        client.headers.push((name.to_owned(), value.to_owned()));
        client
    }

    pub fn send(&self, method: &str, path: &str, content_type: Option<&str>, body: &[u8]) -> Reply {
        self.try_send(method, path, content_type, body).unwrap_or_else(|e| panic!("{method} {path}: {e}"))
    }

    /// The same where the server may be gone.
    pub fn try_send(
        &self,
        method: &str,
        path: &str,
        content_type: Option<&str>,
        body: &[u8],
    ) -> Result<Reply, ureq::Error> {
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        if let Some(content_type) = content_type {
            request = request.header("Content-Type", content_type);
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let request = request.body(body.to_vec()).unwrap();
        let request = self.agent.configure_request(request).allow_non_standard_methods(true).build();
        self.agent.run(request).map(read)
    }

    pub fn get(&self, path: &str) -> Reply {
        self.send("GET", path, None, b"")
    }

    pub fn delete(&self, path: &str) -> Reply {
        self.send("DELETE", path, None, b"")
    }

    pub fn post(&self, path: &str, body: &Value) -> Reply {
        self.send("POST", path, Some("application/json"), body.to_string().as_bytes())
    }

    pub fn patch(&self, path: &str, body: &Value) -> Reply {
        self.send("PATCH", path, Some("application/json"), body.to_string().as_bytes())
    }

    /// A form with one file.
    pub fn upload(
        &self,
        path: &str,
        field: &str,
        file_name: &str,
        content_type: &str,
        bytes: &[u8],
    ) -> Reply {
        self.send("POST", path, Some(FORM), &form(field, file_name, content_type, bytes))
    }

    pub fn register(&self, email: &str) -> Reply {
        let form =
            json!({"name": "Ann", "email": email, "password": "secret1", "password_confirmation": "secret1"});
        self.post("/api/register", &form)
    }

    pub fn login(&self, email: &str, password: &str) -> Reply {
        self.post("/api/login", &json!({"email": email, "password": password}))
    }

    /// A plain chat that must succeed.
    #[track_caller]
    pub fn chat(&self, message: &str) -> Value {
        self.post("/api/chat", &json!({"message": message})).expect(200).json()
    }

    /// Begins a streamed chat.
    #[track_caller]
    pub fn stream(&self, body: &Value) -> Events {
        self.try_stream(body).unwrap_or_else(|e| panic!("a streamed chat: {e}"))
    }

    /// The same where the server may be gone.
    pub fn try_stream(&self, body: &Value) -> io::Result<Events> {
        let mut body = body.clone();
        body["stream"] = json!(true);
        let bytes = body.to_string();
        let more = format!("Content-Type: application/json\r\nContent-Length: {}\r\n", bytes.len());
        self.try_events("POST", "/api/chat", &more, bytes.as_bytes())
    }

    /// Follows an answer; `more` is further header lines.
    #[track_caller]
    pub fn follow(&self, path: &str, more: &str) -> Events {
        self.events("GET", path, more, b"")
    }

    /// Any request that is answered with events; `more` is further header lines.
    #[track_caller]
    pub fn events(&self, method: &str, path: &str, more: &str, body: &[u8]) -> Events {
        self.try_events(method, path, more, body).unwrap_or_else(|e| panic!("{method} {path}: {e}"))
    }

    /// The same where the server may be gone.
    pub fn try_events(&self, method: &str, path: &str, more: &str, body: &[u8]) -> io::Result<Events> {
        let token = self.token.clone().unwrap_or_default();
        let head =
            format!("{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n{more}\r\n");
        let mut stream = self.try_connect()?;
        stream.write_all(head.as_bytes())?;
        stream.write_all(body)?;
        let mut events = Events {
            reader: BufReader::new(stream),
            head: String::new(),
            rest: Vec::new(),
            over: false,
            comments: 0,
            bytes: 0,
        };
        while !events.head.ends_with("\r\n\r\n") {
            if events.reader.read_line(&mut events.head)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(events)
    }

    /// A bare connection to the server.
    pub fn connect(&self) -> TcpStream {
        self.try_connect().unwrap()
    }

    fn try_connect(&self) -> io::Result<TcpStream> {
        let address = self.base.strip_prefix("http://").unwrap().split('/').next().unwrap();
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        Ok(stream)
    }

    /// Sends raw bytes and reads until the server closes, or nothing comes for a second.
    pub fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect();
        // A server that has answered and closed may reset what is still on its way.
        let _ = stream.write_all(bytes);
        stream.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }
}

/// The type of what `form` makes.
pub const FORM: &str = "multipart/form-data; boundary=b";

/// A form with one file.
pub fn form(field: &str, file_name: &str, content_type: &str, bytes: &[u8]) -> Vec<u8> {
    let head = format!(
        "--b\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{file_name}\"\r\n\
         Content-Type: {content_type}\r\n\r\n"
    );
    [head.as_bytes(), bytes, b"\r\n--b--\r\n"].concat()
}

fn read(response: ureq::http::Response<ureq::Body>) -> Reply {
    let (parts, mut body) = response.into_parts();
    let headers = parts
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
    let body = body.with_config().limit(1 << 30).read_to_vec().unwrap_or_default();
    Reply { status: parts.status.as_u16(), headers: headers.collect(), body }
}

/// An event as it came.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub name: String,
    pub id: Option<String>,
    pub data: Value,
}

/// A stream of events on a connection of its own.
pub struct Events {
    reader: BufReader<TcpStream>,
    pub head: String,
    rest: Vec<u8>,
    over: bool,
    /// Comments so far.
    pub comments: usize,
    /// Bytes of events and comments so far.
    pub bytes: usize,
}

impl Events {
    pub fn status(&self) -> u16 {
        self.head.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0)
    }

    /// The next event, comments passed over; `None` at the end.
    #[track_caller]
    pub fn next_event(&mut self) -> Option<Event> {
        loop {
            if let Some(at) = self.rest.windows(2).position(|w| w == b"\n\n") {
                let block: Vec<u8> = self.rest.drain(..at + 2).collect();
                let block = String::from_utf8(block).expect("events are UTF-8");
                self.comments += block.lines().filter(|line| line.starts_with(':')).count();
                if let Some(event) = parse(&block) {
                    return Some(event);
                }
                continue;
            }
            if self.over {
                return None;
            }
            self.read_chunk();
        }
    }

    /// Undoes the chunked coding (RFC 9112, 7.1).
    fn read_chunk(&mut self) {
        let mut size = String::new();
        if self.reader.read_line(&mut size).expect("a chunk in time") == 0 {
            self.over = true;
            return;
        }
        let size =
            usize::from_str_radix(size.trim(), 16).unwrap_or_else(|_| panic!("bad chunk size {size:?}"));
        let mut chunk = vec![0; size + 2];
        self.reader.read_exact(&mut chunk).expect("a whole chunk");
        self.over = size == 0;
        self.bytes += size;
        self.rest.extend_from_slice(&chunk[..size]);
    }

    /// All events until the end, or until the line is lost.
    pub fn until_lost(mut self) -> Vec<Event> {
        let (mut all, mut piece) = (Vec::new(), [0; 4096]);
        while !all.ends_with(b"\r\n0\r\n\r\n")
            && let Ok(count @ 1..) = self.reader.read(&mut piece)
        {
            all.extend_from_slice(&piece[..count]);
        }
        // Each of our chunks holds whole events: between two blank lines is one of them, behind its chunk's size.
        let text = String::from_utf8_lossy(&all).replace("\r\n", "\n");
        let whole = text.split_inclusive("\n\n").filter(|block| block.ends_with("\n\n"));
        whole.filter_map(|block| parse(block.find("event: ").map_or("", |at| &block[at..]))).collect()
    }

    /// All events to the end.
    #[track_caller]
    pub fn rest(mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.next_event()).collect()
    }

    /// Reads until an event of that name, which is given back.
    #[track_caller]
    pub fn until(&mut self, name: &str) -> Event {
        loop {
            let event = self.next_event().unwrap_or_else(|| panic!("the stream ended before {name}"));
            if event.name == name {
                return event;
            }
        }
    }
}

fn parse(block: &str) -> Option<Event> {
    let (mut name, mut id, mut data) = (String::new(), None, None);
    for line in block.lines() {
        match line.split_once(": ") {
            Some(("event", value)) => name = value.to_owned(),
            Some(("id", value)) => id = Some(value.to_owned()),
            Some(("data", value)) => data = Some(serde_json::from_str(value).expect("data is JSON")),
            _ => assert!(line.starts_with(':') || line.is_empty(), "unknown line {line:?}"),
        }
    }
    data.map(|data| Event { name, id, data })
}

/// The text of all `delta` events since the last `reset`.
pub fn text_of(events: &[Event]) -> String {
    let from = events.iter().rposition(|event| event.name == "reset").map_or(0, |i| i + 1);
    events[from..].iter().filter(|e| e.name == "delta").map(|e| e.data["text"].as_str().unwrap()).collect()
}
