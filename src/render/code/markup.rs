//! Colours for HTML, XML and what is written like them.

use super::{Class, Painter, languages, words};

/// What these languages are called.
pub(super) const NAMES: &[&str] = &[
    "html",
    "htm",
    "xhtml",
    "xml",
    "svg",
    "mathml",
    "vue",
    "svelte",
    "rss",
    "plist",
    "xaml",
    "xsl",
    "xslt",
    "astro",
    "jinja",
    "handlebars",
    "hbs",
];

/// Writes `code` in its colours; scripts and styles in it have their own.
pub(super) fn paint(painter: &mut Painter<'_>, code: &str) {
    let mut rest = code;
    while let Some(at) = rest.find('<') {
        painter.plain(&rest[..at]);
        rest = &rest[at..];
        if rest.starts_with("<!--") {
            rest = piece(painter, Some(Class::Comment), rest, rest.find("-->").map(|end| end + 3));
        } else if rest[1..].starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?')) {
            let name = rest[1..].split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
            rest = tag(painter, rest);
            if let Some((language, end)) = [("script", "javascript", "</script"), ("style", "css", "</style")]
                .iter()
                .find(|(tag, ..)| *tag == name)
                .map(|(_, language, end)| (language, end))
            {
                let inside = &rest[..rest.find(end).unwrap_or(rest.len())];
                match languages::find(language) {
                    Some(language) => words::paint(painter, language, inside),
                    None => painter.plain(inside),
                }
                rest = &rest[inside.len()..];
            }
        } else {
            rest = piece(painter, None, rest, Some(1));
        }
    }
    painter.plain(rest);
}

/// Writes a piece of `rest`, all of it if it has no end, and returns what follows.
fn piece<'a>(painter: &mut Painter<'_>, class: Option<Class>, rest: &'a str, end: Option<usize>) -> &'a str {
    let (piece, behind) = rest.split_at(end.unwrap_or(rest.len()));
    painter.push(class, piece);
    behind
}

/// Writes the tag that `rest` begins with.
fn tag<'a>(painter: &mut Painter<'_>, rest: &'a str) -> &'a str {
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | ':' | '.' | '@' | '#');
    let name = rest.find(|c: char| !is_name(c) && !matches!(c, '<' | '/' | '!' | '?')).unwrap_or(rest.len());
    let mut rest = piece(painter, Some(Class::Keyword), rest, Some(name));
    while let Some(c) = rest.chars().next() {
        rest = match c {
            '>' => return piece(painter, Some(Class::Keyword), rest, Some(1)),
            '<' => return rest,
            '/' | '?' if rest[1..].starts_with('>') => {
                return piece(painter, Some(Class::Keyword), rest, Some(2));
            }
            '"' | '\'' => piece(painter, Some(Class::String), rest, rest[1..].find(c).map(|end| end + 2)),
            c if is_name(c) => piece(painter, Some(Class::Type), rest, rest.find(|c| !is_name(c))),
            c => piece(painter, None, rest, Some(c.len_utf8())),
        };
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::super::tests::painted;

    #[test]
    fn tags_attributes_and_what_is_in_them() {
        assert_eq!(
            painted("html", "<a href=\"x\">b</a><!-- c -->"),
            "<span class=\"k\">&lt;a</span> <span class=\"t\">href</span>=<span class=\"s\">&quot;x&quot;</span><span class=\"k\">&gt;</span>b\
             <span class=\"k\">&lt;/a&gt;</span><span class=\"c\">&lt;!-- c --&gt;</span>"
        );
        assert!(
            painted("html", "<script>if (a < b) {}</script>")
                .contains("&lt;script&gt;if</span> (a &lt; b) {}<span class=\"k\">&lt;/script")
        );
        assert_eq!(painted("xml", "a < b"), "a &lt; b");
    }
}
