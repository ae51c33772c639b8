//! Where a link of an answer may lead.

use std::borrow::Cow;

use super::stand_in::show;

/// An address that a reader may follow.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Address<'a> {
    /// The whole address, to be escaped.
    pub url: Cow<'a, str>,
    /// How many bytes of it name the host, and where; nothing for `mailto:`.
    host: std::ops::Range<usize>,
}

impl<'a> Address<'a> {
    /// `url` if it is an absolute one of a scheme that can only be visited: `http`, `https` or `mailto`.
    ///
    /// Compared are the very first bytes, and no byte of the rest may be a control character or a blank at an end: a browser
    /// drops those, and would see another scheme than we did.
    pub fn parse(url: &'a str) -> Option<Address<'a>> {
        let url = match show(url) {
            // The entity is hidden in prose to be shown as typed; in an address it means the character.
            shown if shown.contains("&amp;") => Cow::Owned(shown.replace("&amp;", "&")),
            shown => shown,
        };
        if url.trim() != url || url.chars().any(char::is_control) {
            return None;
        }
        let scheme = ["https://", "http://", "mailto:"].into_iter().find(|scheme| {
            let start = url.as_bytes().get(..scheme.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(scheme.as_bytes()))
        })?;
        let rest = &url[scheme.len()..];
        let mut host = scheme.len()..scheme.len();
        if scheme != "mailto:" {
            let authority = rest.find(['/', '\\', '?', '#']).unwrap_or(rest.len());
            let user = rest[..authority].rfind('@').map_or(0, |at| at + 1);
            host = scheme.len() + user..scheme.len() + authority;
        }
        let leads_somewhere = if scheme == "mailto:" { !rest.is_empty() } else { !host.is_empty() };
        leads_somewhere.then_some(Address { url, host })
    }

    /// The host, with its port; empty for `mailto:`.
    pub fn host(&self) -> &str {
        &self.url[self.host.clone()]
    }

    /// Whether `text`, by which the link is shown, names a host, and another one than the link leads to.
    pub fn belies(&self, text: &str) -> bool {
        let text = show(text.trim()).to_ascii_lowercase();
        let claimed = Address::parse(&text).map(|address| address.host().to_owned()).unwrap_or_default();
        let claimed = if claimed.is_empty() {
            text.split(['/', '?', '#']).next().unwrap_or_default().to_owned()
        } else {
            claimed
        };
        let is_name = claimed.contains('.')
            && !claimed.ends_with('.')
            && claimed.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:".contains(&b));
        let bare = |host: &str| host.trim_start_matches("www.").to_owned();
        // Not every dotted word is a host: "v1.2" and "main.rs" are left alone unless something follows the name.
        let looks_like_an_address =
            text.contains("://") || text.starts_with("www.") || claimed.len() < text.len();
        is_name
            && looks_like_an_address
            && !self.host.is_empty()
            && bare(&claimed) != bare(&self.host().to_ascii_lowercase())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w8_only_three_schemes_are_followed() {
        for url in [
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            " https://a.b",
            "\thttps://a.b",
            "java\nscript:x",
            "data:text/html,x",
            "vbscript:x",
            "file:///etc/passwd",
            "//a.b",
            "/x",
            "#x",
            "x",
            "",
            "http:",
            "http://",
            "https:///x",
            "http://user@/x",
            "mailto:",
            "https://a.b\u{0}",
            "ht\ntp://a.b",
            "\u{1}javascript:x",
            "about:blank",
            "blob:https://a.b/x",
            "ftp://a.b",
        ] {
            assert_eq!(Address::parse(url), None, "{url:?}");
        }
        for url in ["https://a.b", "HTTP://a.b/?q=1#x", "mailto:a@b.c", "https://例子.测试/路"] {
            assert_eq!(Address::parse(url).unwrap().url, url);
        }
    }

    #[test]
    fn the_host_is_what_a_browser_would_go_to() {
        let host = |url| Address::parse(url).unwrap().host().to_owned();
        assert_eq!(host("https://bank.example@evil.example/x"), "evil.example");
        assert_eq!(host("https://evil.example\\@bank.example"), "evil.example");
        assert_eq!(host("http://a.b:8080?x=@c"), "a.b:8080");
        assert_eq!(host("mailto:a@b.c"), "");
    }

    #[test]
    fn a_text_that_names_another_host_is_noticed() {
        let belies = |url, text| Address::parse(url).unwrap().belies(text);
        assert!(belies("https://evil.example", "https://bank.example/login"));
        assert!(belies("https://evil.example", "www.bank.example"));
        assert!(belies("https://evil.example", "bank.example/login"));
        assert!(!belies("https://www.bank.example/a", "https://bank.example"));
        assert!(!belies("https://github.com/a/b", "main.rs"));
        assert!(!belies("https://a.b", "the manual"));
        assert!(!belies("mailto:a@b.c", "a@b.c"));
    }
}
