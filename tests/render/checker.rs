//! Reads HTML with no mercy: every element, attribute and value must be on the lists here, and everything must nest.
//!
//! It shares nothing with the writer. What it does not understand is a fault.

/// Elements with what may be in them: `B`locks, `I`nlines, `M`ath, list `L`ines, `R`ows, `C`ells, `T`able parts, nothing (`-`).
const ELEMENTS: &[(&str, char, char, &[&str])] = &[
    // name, what it is, what it holds, attributes
    ("p", 'B', 'I', &["dir", "lang"]),
    ("h3", 'B', 'I', &["dir", "lang"]),
    ("h4", 'B', 'I', &["dir", "lang"]),
    ("ul", 'B', 'L', &["dir", "lang"]),
    ("ol", 'B', 'L', &["dir", "lang", "start"]),
    ("li", 'L', 'X', &["dir", "class"]),
    ("blockquote", 'B', 'B', &["dir", "lang", "class"]),
    ("div", 'B', 'X', &["dir", "lang", "class", "data-lang"]),
    ("hr", 'B', '-', &[]),
    ("pre", 'B', 'I', &["tabindex"]),
    ("table", 'B', 'T', &[]),
    ("thead", 'T', 'R', &[]),
    ("tbody", 'T', 'R', &[]),
    ("tr", 'R', 'C', &[]),
    ("th", 'C', 'I', &["class", "dir"]),
    ("td", 'C', 'I', &["class", "dir"]),
    ("code", 'I', 'I', &["dir", "class"]),
    ("span", 'I', 'I', &["class"]),
    ("em", 'I', 'I', &[]),
    ("strong", 'I', 'I', &[]),
    ("del", 'I', 'I', &[]),
    ("sup", 'I', 'I', &[]),
    ("br", 'I', '-', &[]),
    ("input", 'I', '-', &["type", "disabled", "checked"]),
    ("a", 'I', 'I', &["href", "rel", "target"]),
    ("math", 'I', 'M', &["display", "dir"]),
];
#[rustfmt::skip]
const MATHML: &[&str] = &[
    "mrow", "mi", "mo", "mn", "mtext", "mspace", "mfrac", "msqrt", "mroot", "msub", "msup", "msubsup", "munder", "mover",
    "munderover", "mtable", "mtr", "mtd", "mstyle", "mpadded",
];
#[rustfmt::skip]
const CLASSES: &[&str] = &[
    "code", "table", "display", "footnote", "alert", "note", "tip", "important", "warning", "caution", "task", "tex", "r", "c",
    "k", "s", "n", "f", "t", "add", "del",
];

/// What a reader sees of `html`, which must be exactly one element; `Err` says what is wrong with it.
pub fn check(html: &str) -> Result<String, String> {
    let mut reader = Reader { rest: html, text: String::new(), open: Vec::new(), elements_at_top: 0 };
    reader.read().map_err(|fault| {
        format!("{fault}\n  before {:?}\n  in {html}", reader.rest.chars().take(60).collect::<String>())
    })?;
    if reader.elements_at_top != 1 {
        return Err(format!("{} elements at the top\n  in {html}", reader.elements_at_top));
    }
    Ok(reader.text)
}

/// What a reader sees of the blocks of `markdown`, which must be safe.
pub fn visible(markdown: &str) -> String {
    let mut seen = String::new();
    for block in gpt_assistant::render::blocks(markdown) {
        let text = check(&block);
        assert!(text.is_ok(), "{text:?}\n  from {markdown:?}");
        seen.push_str(&text.unwrap_or_default());
        seen.push('\n');
    }
    seen
}

struct Reader<'a> {
    rest: &'a str,
    text: String,
    /// The names of the open elements and what they hold.
    open: Vec<(&'a str, char)>,
    elements_at_top: usize,
}

impl<'a> Reader<'a> {
    fn read(&mut self) -> Result<(), String> {
        while let Some(c) = self.rest.chars().next() {
            match c {
                '<' => self.tag()?,
                '&' => self.entity()?,
                '>' | '\0' | '\r' => return Err(format!("bare {c:?}")),
                '\u{fdd0}'..='\u{fdef}' => return Err("a stand-in came out".into()),
                c => {
                    if self.open.is_empty()
                        || matches!(self.holds(), 'B' | 'L' | 'R' | 'C' | 'T' | '-') && !c.is_whitespace()
                    {
                        return Err(format!("text {c:?} where none may be"));
                    }
                    self.text.push(c);
                    self.rest = &self.rest[c.len_utf8()..];
                }
            }
        }
        if self.open.is_empty() { Ok(()) } else { Err(format!("{:?} left open", self.open)) }
    }

    fn holds(&self) -> char {
        self.open.last().map_or('B', |(_, holds)| *holds)
    }

    fn entity(&mut self) -> Result<(), String> {
        for (name, c) in [("&amp;", '&'), ("&lt;", '<'), ("&gt;", '>'), ("&quot;", '"')] {
            if let Some(rest) = self.rest.strip_prefix(name) {
                self.text.push(c);
                self.rest = rest;
                return Ok(());
            }
        }
        Err("bare &".into())
    }

    fn tag(&mut self) -> Result<(), String> {
        let (tag, rest) = self.rest[1..].split_once('>').ok_or("a tag without an end")?;
        if let Some(name) = tag.strip_prefix('/') {
            if self.open.pop().map(|(open, _)| open) != Some(name) {
                return Err(format!("</{name}> closes nothing"));
            }
        } else {
            let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
            let (is, holds, allowed) = self.element(name)?;
            let fits = match self.holds() {
                'X' => is == 'B' || is == 'I', // an item or a box holds either
                'I' if is == 'B' => false,
                holds => holds == is,
            };
            if !fits {
                return Err(format!("<{name}> in {:?}", self.open.last()));
            }
            if name == "a" && self.open.iter().any(|(open, _)| *open == "a") {
                return Err("a link in a link".into());
            }
            self.attributes(name, attributes, allowed)?;
            if self.open.is_empty() {
                self.elements_at_top += 1;
            }
            if name == "br" || matches!(is, 'B' | 'L' | 'C') {
                self.text.push('\n');
            }
            if holds != '-' {
                self.open.push((name, holds));
            }
            if self.open.len() > 200 {
                return Err("too deep".into());
            }
        }
        self.rest = rest;
        Ok(())
    }

    fn element(&self, name: &str) -> Result<(char, char, &'static [&'static str]), String> {
        const MATH: &[&str] = &[
            "class",
            "stretchy",
            "symmetric",
            "movablelimits",
            "largeop",
            "displaystyle",
            "scriptlevel",
            "mathvariant",
            "width",
            "height",
            "depth",
            "minsize",
            "maxsize",
            "linethickness",
        ];
        if MATHML.contains(&name) {
            return Ok(('M', 'M', MATH));
        }
        let found = ELEMENTS.iter().find(|element| element.0 == name);
        found.map(|&(_, is, holds, attributes)| (is, holds, attributes)).ok_or(format!("element <{name}>"))
    }

    fn attributes(&mut self, element: &str, mut rest: &str, allowed: &[&str]) -> Result<(), String> {
        let mut seen = Vec::new();
        while !rest.is_empty() {
            let (name, behind) = rest.split_once("=\"").ok_or(format!("attributes {rest:?}"))?;
            let (value, behind) = behind.split_once('"').ok_or(format!("attributes {rest:?}"))?;
            if !allowed.contains(&name) || !is_value(element, name, value) {
                return Err(format!("<{element} {name}={value:?}>"));
            }
            seen.push(name);
            rest = behind.strip_prefix(' ').unwrap_or(behind);
        }
        if element == "a" && seen != ["href", "rel", "target"] {
            return Err(format!("a link with {seen:?}"));
        }
        Ok(())
    }
}

fn is_value(element: &str, name: &str, value: &str) -> bool {
    let one_of = |values: &[&str]| values.contains(&value);
    match name {
        "dir" => one_of(&["auto", "ltr", "rtl"]),
        "lang" => one_of(&["en", "zh", "ja", "ko"]),
        "class" if MATHML.contains(&element) => {
            let known = |class: &str| {
                class.starts_with("menv-")
                    || ["cell-left", "cell-right", "small", "mop-negated", "boxed"].contains(&class)
            };
            value.split(' ').all(known)
                && value.bytes().all(|b| b.is_ascii_lowercase() || b == b'-' || b == b' ')
        }
        "class" => value.split(' ').all(|class| CLASSES.contains(&class)),
        "data-lang" => {
            (1..=20).contains(&value.len())
                && value.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"+#-".contains(&b))
        }
        "start" => value.len() <= 10 && value.bytes().all(|b| b.is_ascii_digit()),
        "tabindex" => value == "0",
        "type" => value == "checkbox",
        "disabled" | "checked" => value.is_empty(),
        "rel" => value == "noopener noreferrer nofollow",
        "target" => value == "_blank",
        "display" => one_of(&["block", "inline"]),
        "href" => {
            let lower = value.to_ascii_lowercase();
            let scheme =
                lower.starts_with("http://") || lower.starts_with("https://") || lower.starts_with("mailto:");
            scheme && !value.contains(['<', '>', '\n', '\r', '\t', '\0']) && !value.starts_with(' ')
        }
        "mathvariant" => value == "normal",
        "scriptlevel" => one_of(&["0", "1", "2"]),
        "stretchy" | "symmetric" | "movablelimits" | "largeop" | "displaystyle" => one_of(&["true", "false"]),
        _ => {
            value.len() < 24
                && value.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase() || b".-".contains(&b))
        }
    }
}

#[test]
fn the_checker_finds_what_is_wrong() {
    for html in [
        "text",
        "<p>a",
        "<p>a</p><p>b</p>",
        "<p><b>a</b></p>",
        "<p onclick=\"x\">a</p>",
        "<p style=\"x\">a</p>",
        "<p>a & b</p>",
        "<p>a < b</p>",
        "<p><a href=\"https://a.b\">a</a></p>",
        "<p><script>x</script></p>",
        "<p><p>a</p></p>",
        "<ul>a</ul>",
        "<ul><p>a</p></ul>",
        "<p><img src=\"x\"></p>",
        "<div class=\"x\">a</div>",
        "<p dir=\"javascript:x\">a</p>",
        "<div data-lang=\"A\">a</div>",
        "<svg></svg>",
        "<p><a href=\"javascript:x\" rel=\"noopener noreferrer nofollow\" target=\"_blank\">a</a></p>",
        "<p id=\"x\">a</p>",
        "<P>a</P>",
        "<p><math display=\"inline\"><script></script></math></p>",
        "<p><math display=\"inline\"><mi><p>a</p></mi></math></p>",
        "<p>a</p><!-- -->",
    ] {
        assert!(check(html).is_err(), "{html}");
    }
    assert_eq!(check("<p dir=\"auto\">a &lt;<br>b</p>").unwrap().trim(), "a <\nb");
}
