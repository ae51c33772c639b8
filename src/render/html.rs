//! The only place that writes HTML. Tag and attribute names are the program's own by type, every other string is escaped on its
//! way in, so no text can become markup, whoever wrote it.

use super::stand_in::show;

/// A piece of HTML being written.
#[derive(Debug, Default)]
pub(super) struct Html(String);

impl Html {
    /// Writes `<tag …>` with those attributes that have a value.
    pub fn open(&mut self, tag: &'static str, attributes: &[(&'static str, Option<&str>)]) {
        self.0.push('<');
        self.0.push_str(tag);
        for (name, value) in attributes {
            if let Some(value) = value {
                self.0.push(' ');
                self.0.push_str(name);
                self.0.push_str("=\"");
                self.text(value);
                self.0.push('"');
            }
        }
        self.0.push('>');
    }

    /// Writes `</tag>`.
    pub fn close(&mut self, tag: &'static str) {
        self.0.push_str("</");
        self.0.push_str(tag);
        self.0.push('>');
    }

    /// Writes `text` as text. Line ends become LF, which is what a browser would make of them.
    pub fn text(&mut self, text: &str) {
        let text = show(text);
        let mut from = 0;
        for (at, byte) in text.bytes().enumerate() {
            let replacement = match byte {
                b'&' => "&amp;",
                b'<' => "&lt;",
                b'>' => "&gt;",
                b'"' => "&quot;",
                b'\r' if text.as_bytes().get(at + 1) == Some(&b'\n') => "",
                b'\r' => "\n",
                _ => continue,
            };
            self.0.push_str(&text[from..at]);
            self.0.push_str(replacement);
            from = at + 1;
        }
        self.0.push_str(&text[from..]);
    }

    /// Writes `text` with a `<br>` where a line of it ends.
    pub fn lines(&mut self, text: &str) {
        for (i, line) in text.trim_end_matches(['\n', '\r']).split('\n').enumerate() {
            if i > 0 {
                self.open("br", &[]);
            }
            self.text(line.trim_end_matches('\r'));
        }
    }

    /// Appends what another writer has written.
    pub fn append(&mut self, other: &Html) {
        self.0.push_str(&other.0);
    }

    /// How many bytes have been written.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// What has been written.
    pub fn into_string(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text() {
        let mut html = Html::default();
        html.open("p", &[("dir", Some("\"><script>")), ("lang", None)]);
        html.text("<b> & \"\u{fdd7}script> \r\n\r");
        html.close("p");
        assert_eq!(
            html.into_string(),
            "<p dir=\"&quot;&gt;&lt;script&gt;\">&lt;b&gt; &amp; &quot;&lt;script&gt; \n\n</p>"
        );
    }

    #[test]
    fn lines_are_broken_between_not_behind() {
        let mut html = Html::default();
        html.lines("a\r\nb\n\nc\n");
        assert_eq!(html.into_string(), "a<br>b<br><br>c");
    }
}
