//! Splits a byte stream into server-sent events (WHATWG HTML, section 9.2.6), as forgiving as upstreams need: the
//! blank after the colon is optional, lines end with LF, CRLF or CR, and an event that the end of the stream cuts
//! off is given all the same.

use std::io::{self, BufRead};

/// Longest line that is kept whole, and longest event. A picture as base64 in a field we do not read may take
/// megabytes.
const LONGEST: usize = 4 << 20;

/// One event.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// Its type; empty for a plain one.
    pub name: String,
    /// Its `data` lines, joined by line breaks. Bytes that are no UTF-8 are replaced.
    pub data: String,
}

/// Reads events from a stream.
pub struct Events<R> {
    reader: R,
    line: Vec<u8>,
    /// The last line ended with CR: an LF that comes next belongs to it.
    after_cr: bool,
    begun: bool,
}

impl<R: BufRead> Events<R> {
    /// Reads from `reader`.
    pub fn new(reader: R) -> Events<R> {
        Events { reader, line: Vec::new(), after_cr: false, begun: false }
    }

    /// What is left of the stream.
    pub fn into_inner(self) -> R {
        self.reader
    }

    /// Reads the next event that has data into `event`. False at the end. A line or an event that is too long is
    /// `InvalidData`.
    pub fn next(&mut self, event: &mut Event) -> io::Result<bool> {
        event.name.clear();
        event.data.clear();
        let mut has_data = false;
        while self.read_line()? {
            let line = match self.begun {
                true => &self.line[..],
                false => self.line.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(&self.line),
            };
            self.begun = true;
            if line.is_empty() {
                if has_data {
                    return Ok(true);
                }
                event.name.clear();
                continue;
            }
            let colon = line.iter().position(|b| *b == b':').unwrap_or(line.len());
            let value = line.get(colon + 1..).unwrap_or_default();
            let value = String::from_utf8_lossy(value.strip_prefix(b" ").unwrap_or(value));
            match &line[..colon] {
                b"data" => {
                    if has_data {
                        event.data.push('\n');
                    }
                    has_data = true;
                    event.data.push_str(&value);
                    if event.data.len() > LONGEST {
                        return Err(too_long());
                    }
                }
                b"event" => event.name = value.into_owned(),
                // Comments, ids and retry times mean nothing to us.
                _ => {}
            }
        }
        Ok(has_data)
    }

    /// False at the end of the stream, when there is not even a part of a line.
    fn read_line(&mut self) -> io::Result<bool> {
        self.line.clear();
        loop {
            let available = match self.reader.fill_buf() {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                available => available?,
            };
            if available.is_empty() {
                return Ok(!self.line.is_empty());
            }
            let skip = usize::from(std::mem::take(&mut self.after_cr) && available[0] == b'\n');
            let rest = &available[skip..];
            let end = rest.iter().position(|b| matches!(b, b'\n' | b'\r'));
            self.line.extend_from_slice(&rest[..end.unwrap_or(rest.len())]);
            self.after_cr = end.is_some_and(|i| rest[i] == b'\r');
            let used = skip + end.map_or(rest.len(), |i| i + 1);
            self.reader.consume(used);
            if self.line.len() > LONGEST {
                return Err(too_long());
            }
            if end.is_some() {
                return Ok(true);
            }
        }
    }
}

fn too_long() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a line or an event is too long")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    fn all(bytes: &[u8], buffer: usize) -> Vec<(String, String)> {
        let mut events = Events::new(BufReader::with_capacity(buffer, bytes));
        let (mut out, mut event) = (Vec::new(), Event::default());
        while events.next(&mut event).unwrap() {
            out.push((event.name.clone(), event.data.clone()));
        }
        out
    }

    #[test]
    fn every_way_to_write_an_event_in_any_pieces() {
        for (text, want) in [
            ("data: a\n\n", vec![("", "a")]),
            ("data:a\n\ndata:  b\n\n", vec![("", "a"), ("", " b")]),
            ("data: a\r\n\r\ndata: b\r\rdata: c\n\n", vec![("", "a"), ("", "b"), ("", "c")]),
            (": OPENROUTER PROCESSING\n\n: x\n\ndata: a\n\n", vec![("", "a")]),
            ("data: a\ndata: b\n\n", vec![("", "a\nb")]),
            ("event: error\ndata: x\n\ndata: y\n\n", vec![("error", "x"), ("", "y")]),
            ("event: ping\n\ndata: y\n\n", vec![("", "y")]),
            ("\u{FEFF}data: a\n\n", vec![("", "a")]),
            ("id: 1\nretry: 5\ndata\n\n", vec![("", "")]),
            ("data: 你好🌍\n\n", vec![("", "你好🌍")]),
            ("data: cut off", vec![("", "cut off")]),
            ("", vec![]),
            ("\n\n\r\n", vec![]),
        ] {
            let want: Vec<_> = want.into_iter().map(|(n, d)| (n.to_owned(), d.to_owned())).collect();
            for buffer in 1..8 {
                assert_eq!(all(text.as_bytes(), buffer), want, "{text:?} {buffer}");
            }
        }
    }

    #[test]
    fn what_is_no_utf8_is_replaced() {
        assert_eq!(all(b"data: a\xFF\n\n", 3), [(String::new(), "a\u{FFFD}".to_owned())]);
    }

    #[test]
    fn p8_a_line_or_an_event_without_end_is_a_fault() {
        let lines = b"data: x\n".repeat(LONGEST / 2 + 10);
        for long in [vec![b'x'; LONGEST + 10], lines] {
            let mut events = Events::new(&long[..]);
            assert_eq!(events.next(&mut Event::default()).unwrap_err().kind(), io::ErrorKind::InvalidData);
        }
    }
}
