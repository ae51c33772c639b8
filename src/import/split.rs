//! Cuts a JSON text into its conversations while it is read, so that of a gigabyte only one of them is in memory. It
//! knows brackets and strings and nothing else: whether a piece is good JSON is for who reads the piece, and a piece that
//! is not costs nobody but itself.

use std::io::{self, BufRead};

/// Longest conversation, in bytes of JSON. The longest seen in the wild had 18 MB.
pub const LONGEST: usize = 24 << 20;
/// Deepest nesting within one. LibreChat nests a conversation of n messages 2n deep.
pub const DEEPEST: usize = 2048;
/// Keys of an outermost object whose value is the list of conversations.
const LISTS: [&[u8]; 2] = [b"conversations", b"sessions"];
/// Keys whose value is an object with such a list.
const AROUND: [&[u8]; 2] = [b"chat-next-web-store", b"state"];

/// Objects around a list, one in the other.
const MOST_AROUND: usize = 4;

/// What was found next. The text of a `Whole` is in `Splitter::piece`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// An element of the list, or an outermost object that holds no list.
    Whole,
    /// Longer than `LONGEST`, and passed over.
    TooLong,
    /// Deeper than `DEEPEST`, and passed over.
    TooDeep,
    /// Two commas in a row, or one before the end of a list.
    Nothing,
    /// The text ends in the middle.
    Cut,
}

/// Where the reader is, outside of any piece.
enum Place {
    /// In a list, and whether a comma has come since the last piece.
    List { comma: bool },
    /// In an object; whether a list was in it, so that it is no conversation itself.
    Object { held_list: bool },
}

/// See the module.
pub struct Splitter<R> {
    input: R,
    places: Vec<Place>,
    /// The piece; while an object is looked through, what was read of it.
    piece: Vec<u8>,
    read: u64,
    fault: Option<Found>,
}

impl<R: BufRead> Splitter<R> {
    /// Reads `input`, which a byte order mark may precede.
    pub fn new(input: R) -> Splitter<R> {
        Splitter { input, places: Vec::new(), piece: Vec::new(), read: 0, fault: None }
    }

    /// The text of the last `Whole`.
    pub fn piece(&self) -> &[u8] {
        &self.piece
    }

    /// The next piece, or `None` at the end. An error is one of the input.
    pub fn advance(&mut self) -> io::Result<Option<Found>> {
        loop {
            let byte = self.after_blanks()?;
            match (self.places.last_mut(), byte) {
                (None, None) => return Ok(None),
                (Some(_), None) => {
                    self.places.clear();
                    return Ok(Some(Found::Cut));
                }
                (None, Some(b'[')) => {
                    self.skip()?;
                    self.places.push(Place::List { comma: false });
                }
                (None, Some(b'{')) => {
                    self.clear();
                    self.take()?;
                    self.places.push(Place::Object { held_list: false });
                }
                (None, Some(0xEF | 0xBB | 0xBF)) if self.read < 3 => self.skip()?,
                (None, Some(_)) => return self.element().map(Some),
                (Some(Place::List { comma }), Some(byte @ (b',' | b']'))) => {
                    let nothing = *comma;
                    *comma = byte == b',';
                    self.skip()?;
                    if byte == b']' {
                        self.places.pop();
                    }
                    if nothing {
                        return Ok(Some(Found::Nothing));
                    }
                }
                (Some(Place::List { comma }), Some(_)) => {
                    *comma = false;
                    return self.element().map(Some);
                }
                (Some(Place::Object { .. }), Some(byte)) => {
                    if let Some(found) = self.in_object(byte)? {
                        return Ok(Some(found));
                    }
                }
            }
        }
    }

    /// One step through an object in which a list may be.
    fn in_object(&mut self, byte: u8) -> io::Result<Option<Found>> {
        if byte == b'}' {
            self.take()?;
            let held_list = matches!(self.places.pop(), Some(Place::Object { held_list: true }));
            // Whatever is around a list is no conversation either.
            if let Some(Place::Object { held_list: outer }) = self.places.last_mut() {
                *outer |= held_list;
                return Ok(None);
            }
            return Ok((!held_list).then(|| self.fault.take().unwrap_or(Found::Whole)));
        }
        if byte != b'"' {
            self.take()?;
            return Ok(None);
        }
        let begins = self.piece.len();
        self.value()?;
        let key = self.piece.get(begins + 1..self.piece.len().saturating_sub(1)).unwrap_or_default();
        let (is_list, is_around) = (LISTS.contains(&key), AROUND.contains(&key));
        if self.after_blanks()? == Some(b':') {
            self.take()?;
        }
        match self.after_blanks()? {
            Some(b'[') if is_list => {
                self.skip()?;
                self.places.pop();
                self.places.push(Place::Object { held_list: true });
                self.places.push(Place::List { comma: false });
            }
            Some(b'{') if is_around && self.places.len() < MOST_AROUND => {
                self.take()?;
                self.places.push(Place::Object { held_list: false });
            }
            Some(b'}' | b',') | None => {}
            Some(_) => self.value()?,
        }
        Ok(None)
    }

    fn element(&mut self) -> io::Result<Found> {
        self.clear();
        self.value()?;
        if self.fault == Some(Found::Cut) {
            self.places.clear();
        }
        Ok(self.fault.take().unwrap_or(Found::Whole))
    }

    fn clear(&mut self) {
        self.fault = None;
        // A long conversation is rare; what it took is given back.
        if self.piece.capacity() > 1 << 20 {
            self.piece = Vec::new();
        }
        self.piece.clear();
    }

    /// Adds one value, whatever it is, to the piece.
    fn value(&mut self) -> io::Result<()> {
        let mut scan = Scan::default();
        loop {
            let bytes = self.input.fill_buf()?;
            if bytes.is_empty() {
                self.fault = Some(Found::Cut);
                return Ok(());
            }
            let (count, ended) = scan.through(bytes);
            if self.piece.len() + count > LONGEST {
                self.fault = Some(Found::TooLong);
                self.piece.clear();
            }
            if self.fault.is_none() {
                reserve(&mut self.piece, count);
                self.piece.extend_from_slice(&bytes[..count]);
            }
            self.consume(count);
            if scan.deepest > DEEPEST && self.fault.is_none() {
                self.fault = Some(Found::TooDeep);
            }
            if ended {
                return Ok(());
            }
        }
    }

    /// The next byte that is no blank, left where it is.
    fn after_blanks(&mut self) -> io::Result<Option<u8>> {
        loop {
            let bytes = self.input.fill_buf()?;
            let blanks = bytes.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            let (next, over) = (bytes.get(blanks).copied(), bytes.is_empty());
            self.consume(blanks);
            if next.is_some() || over {
                return Ok(next);
            }
        }
    }

    /// Passes over the byte that was looked at.
    fn skip(&mut self) -> io::Result<()> {
        self.input.fill_buf()?;
        self.consume(1);
        Ok(())
    }

    /// Adds the byte that was looked at to the piece.
    fn take(&mut self) -> io::Result<()> {
        let byte = self.input.fill_buf()?.first().copied();
        if self.piece.len() == LONGEST {
            self.fault = Some(Found::TooLong);
            self.piece.clear();
        }
        self.piece.extend(byte);
        self.consume(1);
        Ok(())
    }

    fn consume(&mut self, count: usize) {
        self.input.consume(count);
        self.read += count as u64;
    }
}

/// In larger steps than are needed, in smaller ones than doubling: the piece may be large.
fn reserve(piece: &mut Vec<u8>, count: usize) {
    if piece.capacity() - piece.len() < count {
        piece.reserve_exact(count.max(piece.len() / 4));
    }
}

/// How far a value goes.
#[derive(Default)]
struct Scan {
    depth: usize,
    deepest: usize,
    in_string: bool,
    escaped: bool,
    begun: bool,
}

impl Scan {
    /// How many of `bytes` belong to the value, and whether it ends there.
    fn through(&mut self, bytes: &[u8]) -> (usize, bool) {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            if self.in_string {
                at = self.through_string(bytes, at);
                if !self.in_string && self.depth == 0 {
                    return (at, true);
                }
                continue;
            }
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => {
                    self.depth += 1;
                    self.deepest = self.deepest.max(self.depth);
                }
                // Of what is around the value.
                b'}' | b']' | b',' if self.depth == 0 && self.begun => return (at, true),
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0 {
                        return (at + 1, true);
                    }
                }
                _ if self.depth == 0 && self.begun && byte.is_ascii_whitespace() => return (at, true),
                _ => {}
            }
            self.begun = true;
            at += 1;
        }
        (at, false)
    }

    fn through_string(&mut self, bytes: &[u8], from: usize) -> usize {
        let mut at = from;
        while let Some(&byte) = bytes.get(at) {
            at += 1;
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => {
                    self.in_string = false;
                    return at;
                }
                _ => {}
            }
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    /// The pieces, read with buffers of every small size.
    fn pieces(text: &[u8]) -> Vec<(Found, String)> {
        let read = |size: usize| {
            let mut splitter = Splitter::new(BufReader::with_capacity(size, text));
            let mut found = Vec::new();
            while let Some(what) = splitter.advance().unwrap() {
                let piece = if what == Found::Whole { splitter.piece() } else { b"" };
                found.push((what, String::from_utf8_lossy(piece).into_owned()));
            }
            assert_eq!(splitter.read, text.len() as u64);
            found
        };
        let whole = read(1 << 16);
        (1..8).for_each(|size| assert_eq!(read(size), whole, "with a buffer of {size}"));
        whole
    }

    fn texts(text: &str) -> Vec<String> {
        let all = pieces(text.as_bytes());
        all.into_iter()
            .map(|(found, text)| if found == Found::Whole { text } else { format!("{found:?}") })
            .collect()
    }

    #[test]
    fn a_list_gives_its_elements_and_an_object_itself() {
        assert_eq!(
            texts("[{\"a\":\"]}\\\"\"} , [1], \"x,y\",null , -1.5]"),
            ["{\"a\":\"]}\\\"\"}", "[1]", "\"x,y\"", "null", "-1.5"]
        );
        assert_eq!(
            texts("\u{FEFF} { \"a\" : [1,2] , \"state\":{\"b\":{}} }\n"),
            ["{\"a\":[1,2],\"state\":{\"b\":{}}}"]
        );
        assert_eq!(texts("{\"a\":1}\n{\"b\":2}\n"), ["{\"a\":1}", "{\"b\":2}"]);
        assert_eq!(texts("[]"), Vec::<String>::new());
        assert_eq!(texts(""), Vec::<String>::new());
    }

    #[test]
    fn a_list_may_lie_in_an_object() {
        assert_eq!(
            texts("{\"x\":{\"sessions\":[0]},\"conversations\":[{},{\"sessions\":[1]}],\"y\":2}"),
            ["{}", "{\"sessions\":[1]}"]
        );
        let next = "{\"app-config\":{},\"chat-next-web-store\":{\"a\":1,\"sessions\":[{\"id\":1},{\"id\":2}],\"b\":[]},\"z\":0}";
        assert_eq!(texts(next), ["{\"id\":1}", "{\"id\":2}"]);
        assert_eq!(texts("{\"conversations\":{\"a\":1}}"), ["{\"conversations\":{\"a\":1}}"]);
    }

    #[test]
    fn c22_what_is_damaged_costs_itself_alone() {
        assert_eq!(texts("[{},,{}]"), ["{}", "Nothing", "{}"]);
        assert_eq!(texts("[{},]"), ["{}", "Nothing"]);
        assert_eq!(texts("[,]"), ["Nothing"]);
        assert_eq!(texts("[{\"a\":1,},{}]"), ["{\"a\":1,}", "{}"]);
        assert_eq!(texts("[{} {}]"), ["{}", "{}"]);
        assert_eq!(texts("[{},{\"a\":\"b"), ["{}", "Cut"]);
        assert_eq!(texts("[{}"), ["{}", "Cut"]);
        assert_eq!(texts("{\"a\":"), ["Cut"]);
        assert_eq!(texts("{\"conversations\":[{}"), ["{}", "Cut"]);
        assert_eq!(texts("]}"), ["]", "}"]);
        assert_eq!(texts("<html>"), ["Cut"]);
        assert_eq!(texts("{\"a\" 1, {]"), ["Cut"]);
    }

    #[test]
    fn i17_objects_around_a_list_are_not_followed_for_ever() {
        let around = "{\"state\":".repeat(100_000);
        let mut splitter = Splitter::new(around.as_bytes());
        while splitter.advance().unwrap().is_some() {}
        assert!(splitter.places.capacity() < 100, "{}", splitter.places.capacity());
    }

    #[test]
    fn what_is_too_long_or_too_deep_is_passed_over() {
        let long = format!("[{{}},\"{}\",{{}}]", "x".repeat(LONGEST));
        let mut splitter = Splitter::new(long.as_bytes());
        let mut found = Vec::new();
        while let Some(what) = splitter.advance().unwrap() {
            found.push(what);
        }
        assert_eq!(found, [Found::Whole, Found::TooLong, Found::Whole]);
        let deep = format!("[{}{},{{}}]", "[".repeat(DEEPEST + 1), "]".repeat(DEEPEST + 1));
        assert_eq!(texts(&deep), ["TooDeep", "{}"]);
        let just = format!("[{}{},{{}}]", "[".repeat(DEEPEST), "]".repeat(DEEPEST));
        assert_eq!(texts(&just).len(), 2);
    }
}
