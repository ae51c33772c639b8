//! As much HTTP/1.1 as measuring needs, with no input or output in it: bytes are pushed in as they
//! come, a message grows. Hand-made because the client shares the machine with what it measures.
use anyhow::{Result, bail};

/// A request to be sent as is, again and again.
pub fn request(method: &str, path: &str, token: Option<&str>, body: Option<&str>) -> Vec<u8> {
    let mut out = format!("{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n");
    if let Some(token) = token {
        out.push_str(&format!("authorization: Bearer {token}\r\n"));
    }
    if let Some(body) = body {
        let length = body.len();
        out.push_str(&format!("content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"));
    } else {
        out.push_str("\r\n");
    }
    out.into_bytes()
}

/// A whole response with a body of known length.
pub fn response(status: &str, kind: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// How the body's end is found.
#[derive(Default)]
enum Framing {
    #[default]
    Head,
    Length(usize),
    ChunkSize,
    Chunk(usize),
    ChunkEnd,
    Trailer,
    UntilClose,
}

/// One request or response, growing as bytes are pushed in.
#[derive(Default)]
pub struct Message {
    /// of a response
    pub status: u16,
    /// of a request
    pub method: String,
    /// of a request, with its query
    pub path: String,
    /// what of the body has come; a reader of a stream may take from it meanwhile
    pub body: Vec<u8>,
    /// the sender ends the connection after this message
    pub close: bool,
    /// the body has come to its end
    pub whole: bool,
    is_response: bool,
    framing: Framing,
    head: Vec<u8>,
    line: Vec<u8>,
}

impl Message {
    /// An empty response, to be filled.
    pub fn response() -> Message {
        Message { is_response: true, ..Message::default() }
    }

    /// An empty request, to be filled.
    pub fn request() -> Message {
        Message::default()
    }

    /// Makes it empty again, keeping its memory.
    pub fn clear(&mut self) {
        self.framing = Framing::Head;
        self.whole = false;
        self.body.clear();
        self.head.clear();
        self.line.clear();
    }

    /// Whether nothing of it has come yet.
    pub fn is_untouched(&self) -> bool {
        self.head.is_empty()
    }

    /// The next bytes from the connection. Nobody here pipelines: bytes after the end are a fault.
    pub fn push(&mut self, bytes: &[u8]) -> Result<()> {
        if !matches!(self.framing, Framing::Head) {
            return self.push_body(bytes);
        }
        self.head.extend_from_slice(bytes);
        let head = std::mem::take(&mut self.head);
        if let Some(length) = self.parse_head(&head)? {
            self.push_body(&head[length..])?;
        }
        self.head = head;
        Ok(())
    }

    /// The peer closed the connection.
    pub fn end(&mut self) -> Result<()> {
        if !matches!(self.framing, Framing::UntilClose) {
            bail!("the connection was closed in the middle of a message");
        }
        (self.whole, self.close) = (true, true);
        Ok(())
    }

    /// The head's length, once all of it is there.
    fn parse_head(&mut self, bytes: &[u8]) -> Result<Option<usize>> {
        let mut headers = [httparse::EMPTY_HEADER; 48];
        let (length, version, otherwise);
        if self.is_response {
            let mut head = httparse::Response::new(&mut headers);
            let httparse::Status::Complete(n) = head.parse(bytes)? else {
                return Ok(None);
            };
            self.status = head.code.unwrap_or_default();
            (length, version, otherwise) = (n, head.version, Framing::UntilClose);
        } else {
            let mut head = httparse::Request::new(&mut headers);
            let httparse::Status::Complete(n) = head.parse(bytes)? else {
                return Ok(None);
            };
            self.method.clear();
            self.method.push_str(head.method.unwrap_or_default());
            self.path.clear();
            self.path.push_str(head.path.unwrap_or_default());
            (length, version, otherwise) = (n, head.version, Framing::Length(0));
        }
        self.close = version == Some(0);
        self.framing = otherwise;
        for header in headers.iter().take_while(|h| !h.name.is_empty()) {
            if header.name.eq_ignore_ascii_case("content-length") {
                let value = std::str::from_utf8(header.value)?.trim();
                self.framing = Framing::Length(value.parse()?);
            } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
                self.framing = Framing::ChunkSize;
            } else if header.name.eq_ignore_ascii_case("connection") {
                self.close = header.value.eq_ignore_ascii_case(b"close");
            }
        }
        self.whole = matches!(self.framing, Framing::Length(0));
        Ok(Some(length))
    }

    fn push_body(&mut self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            if self.whole {
                bail!("{} bytes after the end of a message", bytes.len());
            }
            bytes = match self.framing {
                Framing::UntilClose => {
                    self.body.extend_from_slice(bytes);
                    return Ok(());
                }
                Framing::Length(left) => {
                    let taken = self.take(left, bytes);
                    self.framing = Framing::Length(left - taken);
                    self.whole = left == taken;
                    &bytes[taken..]
                }
                Framing::Chunk(left) => {
                    let taken = self.take(left, bytes);
                    self.framing = match left - taken {
                        0 => Framing::ChunkEnd,
                        rest => Framing::Chunk(rest),
                    };
                    &bytes[taken..]
                }
                _ => self.push_line(bytes)?,
            };
        }
        Ok(())
    }

    fn take(&mut self, left: usize, bytes: &[u8]) -> usize {
        let taken = left.min(bytes.len());
        self.body.extend_from_slice(&bytes[..taken]);
        taken
    }

    /// The lines between chunks: a size, the end of a chunk, the trailer.
    fn push_line<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8]> {
        let Some(end) = memchr::memchr(b'\n', bytes) else {
            self.line.extend_from_slice(bytes);
            return Ok(&[]);
        };
        self.line.extend_from_slice(&bytes[..end]);
        let line = self.line.trim_ascii();
        match self.framing {
            Framing::ChunkSize => {
                let digits = line.split(|b| *b == b';').next().unwrap_or_default();
                let size = usize::from_str_radix(std::str::from_utf8(digits)?.trim(), 16)?;
                self.framing = match size {
                    0 => Framing::Trailer,
                    size => Framing::Chunk(size),
                };
            }
            Framing::ChunkEnd => self.framing = Framing::ChunkSize,
            _ => self.whole = line.is_empty(),
        }
        self.line.clear();
        Ok(&bytes[end + 1..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fed_by(piece: usize, bytes: &[u8]) -> Message {
        let mut message = Message::response();
        for part in bytes.chunks(piece) {
            message.push(part).unwrap();
        }
        message
    }

    #[test]
    fn bodies_are_the_same_however_the_bytes_come() {
        let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n7;x=y\r\n, world\r\n0\r\n\r\n";
        let counted = response("200 OK", "text/plain", "hello, world");
        for piece in [1, 2, 3, 7, 1000] {
            for bytes in [&chunked[..], &counted] {
                let message = fed_by(piece, bytes);
                assert!(message.whole && !message.close);
                assert_eq!(message.body, b"hello, world");
            }
        }
    }

    #[test]
    fn ends_are_exact() {
        let mut open = fed_by(9, b"HTTP/1.0 200 OK\r\n\r\nuntil the end");
        assert!(!open.whole);
        open.end().unwrap();
        assert!(open.whole && open.close);
        let mut cut = fed_by(9, b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf");
        assert!(cut.end().is_err());
        let mut done = fed_by(99, &response("200 OK", "text/plain", ""));
        assert!(done.whole && done.push(b"x").is_err());
    }

    #[test]
    fn a_request_has_its_body() {
        let mut message = Message::request();
        message.push(&request("POST", "/a?b=c", Some("t"), Some("{}"))).unwrap();
        assert_eq!((&*message.method, &*message.path), ("POST", "/a?b=c"));
        assert!(message.whole && message.body == b"{}");
    }
}
