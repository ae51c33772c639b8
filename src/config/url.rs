//! Addresses of other servers, brought to one form when they are read.

use http::Uri;
use std::fmt;

/// An http or https address without user, query and fragment, and without a slash at its end.
#[derive(Clone, PartialEq, Eq)]
pub struct BaseUrl {
    origin: String,
    path: String,
}

impl BaseUrl {
    /// Reads an address; the fault is a sentence that follows the key's name.
    pub fn parse(text: &str) -> Result<BaseUrl, String> {
        let text = text.trim();
        let shape = || "must be an address such as https://example.org".to_owned();
        let uri: Uri = text.parse().map_err(|_| shape())?;
        let scheme = uri.scheme_str().filter(|s| ["http", "https"].contains(s)).ok_or_else(shape)?;
        let host = uri.host().filter(|h| !h.is_empty()).ok_or_else(shape)?;
        if uri.authority().is_some_and(|a| a.as_str().contains('@')) {
            return Err("must not hold a user name or password".into());
        }
        if uri.query().is_some() || text.contains('#') {
            return Err("must not hold a query or fragment".into());
        }
        let usual = if scheme == "https" { 443 } else { 80 };
        let port = match uri.authority().and_then(|a| a.as_str().strip_prefix(host)).unwrap_or_default() {
            "" => String::new(),
            _ => match uri.port_u16().ok_or_else(shape)? {
                port if port == usual => String::new(),
                port => format!(":{port}"),
            },
        };
        let path: String = uri.path().split('/').filter(|s| !s.is_empty()).flat_map(|s| ["/", s]).collect();
        Ok(BaseUrl { origin: format!("{scheme}://{}{port}", host.to_ascii_lowercase()), path })
    }

    /// Reads the address of an OpenAI-compatible server: the path of the chat route is taken off, and an
    /// address with no path gets `/v1`.
    pub fn parse_api(text: &str) -> Result<BaseUrl, String> {
        let mut url = BaseUrl::parse(text)?;
        for route in ["/chat/completions", "/chat", "/models"] {
            if let Some(path) = url.path.strip_suffix(route) {
                url.path = path.to_owned();
            }
        }
        if url.path.is_empty() {
            url.path = "/v1".into();
        }
        Ok(url)
    }

    /// OpenAI's own address.
    pub fn openai() -> BaseUrl {
        BaseUrl { origin: "https://api.openai.com".into(), path: "/v1".into() }
    }

    /// Scheme, host and port, without the scheme's usual port. What a stored key belongs to.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The host alone.
    pub fn host(&self) -> &str {
        let host = self.origin.split_once("://").map_or("", |(_, rest)| rest);
        match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
            _ => host,
        }
    }

    /// True for https.
    pub fn is_https(&self) -> bool {
        self.origin.starts_with("https:")
    }

    /// The path, empty or beginning with a slash.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The whole address with `route` (which begins with a slash) behind it.
    pub fn join(&self, route: &str) -> String {
        format!("{}{}{route}", self.origin, self.path)
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.path)
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c12_every_way_to_write_the_upstream_means_the_same() {
        for (text, chat) in [
            ("http://h/v1", "http://h/v1/chat/completions"),
            ("http://h/v1/", "http://h/v1/chat/completions"),
            ("http://h", "http://h/v1/chat/completions"),
            ("http://H/", "http://h/v1/chat/completions"),
            ("http://h/v1/chat/completions", "http://h/v1/chat/completions"),
            ("http://h/chat/completions", "http://h/v1/chat/completions"),
            ("http://h/api/v1", "http://h/api/v1/chat/completions"),
            ("http://h//api//v1//", "http://h/api/v1/chat/completions"),
            ("  http://h/v1  ", "http://h/v1/chat/completions"),
            ("http://h:80/v1", "http://h/v1/chat/completions"),
            ("https://h:8443", "https://h:8443/v1/chat/completions"),
            ("http://[::1]:9/v1", "http://[::1]:9/v1/chat/completions"),
        ] {
            assert_eq!(BaseUrl::parse_api(text).unwrap().join("/chat/completions"), chat, "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "h",
            "//h",
            "ftp://h",
            "file:///etc",
            "http://",
            "http://u:p@h",
            "http://h?x=1",
            "http://h#x",
            "http://h:99999",
            "http://h h",
        ] {
            assert!(BaseUrl::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn host_without_port() {
        for (text, host) in
            [("http://h", "h"), ("http://h:9", "h"), ("http://[::1]:9", "[::1]"), ("http://[::1]", "[::1]")]
        {
            assert_eq!(BaseUrl::parse(text).unwrap().host(), host);
        }
    }
}
