//! Files compiled into the executable: compressed once at the start, served under a hash of them all, and so for ever.

use super::route::Response;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use include_dir::{Dir, include_dir};
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::LazyLock;

static FOLDER: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/static");

/// The style sheet that imports all others.
const STYLES: &str = "css/page.css";

/// The files by their path in `static/`, and the hash of them all.
pub struct Assets {
    files: BTreeMap<&'static str, Asset>,
    /// Changes when any file does.
    pub hash: String,
}

/// A file as it is sent. Clones of its bytes are the same bytes.
pub struct Asset {
    plain: Bytes,
    packed: Option<Bytes>,
    media_type: &'static str,
    tag: String,
}

/// All of them, made at the first use.
pub static ASSETS: LazyLock<Assets> = LazyLock::new(|| {
    let mut files = BTreeMap::new();
    collect(&FOLDER, &mut files);
    join_styles(&mut files);
    let all: Vec<u8> = files
        .iter()
        .flat_map(|(path, asset): (&&str, &Asset)| [path, asset.tag.as_str()].concat().into_bytes())
        .collect();
    let mut hash = crate::keys::digest(&all);
    hash.truncate(12);
    Assets { files, hash }
});

fn collect(folder: &'static Dir<'static>, files: &mut BTreeMap<&'static str, Asset>) {
    for file in folder.files() {
        if let Some(path) = file.path().to_str() {
            files.insert(path, Asset::new(Bytes::from_static(file.contents()), media_type(path)));
        }
    }
    folder.dirs().for_each(|inner| collect(inner, files));
}

/// Puts the parts of a style sheet in the place of its `@import` lines, without what only its readers need: one request instead of
/// one for each part, and an eighth less to fetch before the first paint.
fn join_styles(files: &mut BTreeMap<&'static str, Asset>) {
    let text = |path: &str| files.get(path).and_then(|asset| std::str::from_utf8(&asset.plain).ok());
    let Some(list) = text(STYLES) else { return };
    let line = |line: &str| {
        let part = line.strip_prefix("@import \"").and_then(|rest| rest.strip_suffix("\";"));
        let part = part.and_then(|name| text(&format!("css/{name}")));
        format!("{}\n", part.unwrap_or(line))
    };
    let joined: String = list.lines().map(line).collect();
    files.insert(STYLES, Asset::new(bare(&joined).into(), media_type(STYLES)));
}

/// Style without comments, indents and empty lines.
fn bare(style: &str) -> String {
    let parts = style.split("/*").enumerate();
    let code: String = parts
        .filter_map(
            |(at, part)| if at == 0 { Some(part) } else { part.split_once("*/").map(|(_, rest)| rest) },
        )
        .collect();
    code.lines().map(str::trim).filter(|line| !line.is_empty()).flat_map(|line| [line, "\n"]).collect()
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("json") => "application/json",
        Some("webmanifest") => "application/manifest+json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        _ => "application/octet-stream",
    }
}

impl Assets {
    /// A file's text, for what is filled in before it is served.
    pub fn text(&self, path: &str) -> Option<&str> {
        std::str::from_utf8(&self.files.get(path)?.plain).ok()
    }

    /// The paths that begin so, in order.
    pub fn below(&self, folder: &str) -> impl Iterator<Item = &'static str> {
        self.files.keys().copied().filter(move |path| path.starts_with(folder))
    }

    /// A module and all that it imports, directly or not. What is imported only when it is needed (`import()`) is
    /// left out: these are the modules without which the page does not start.
    pub fn modules(&self, entry: &str) -> Vec<String> {
        let mut found = vec![entry.to_owned()];
        let mut at = 0;
        while let Some(path) = found.get(at) {
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
            let text = self.text(path).unwrap_or_default();
            let imports = text.match_indices("from \"").map(|(at, word)| &text[at + word.len()..]);
            let names =
                imports.filter_map(|rest| rest.split('"').next()).filter(|name| name.starts_with('.'));
            for path in names.map(|name| resolve(&folder, name)) {
                if !found.contains(&path) {
                    found.push(path);
                }
            }
            at += 1;
        }
        found
    }
}

/// The path of a relative import in a module of `folder`.
fn resolve(folder: &str, name: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').collect();
    for part in name.split('/') {
        match part {
            "." => {}
            ".." => _ = parts.pop(),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// `/assets/{hash}/{path}`. Under another hash there is nothing: what was cached for ever must never change.
pub fn serve(path: &str, headers: &HeaderMap) -> Option<Response> {
    let (hash, name) = path.strip_prefix("/assets/")?.split_once('/')?;
    let asset = ASSETS.files.get(name).filter(|_| hash == ASSETS.hash)?;
    let mut response = asset.reply(headers);
    let for_ever = HeaderValue::from_static("public, max-age=31536000, immutable");
    response.headers_mut().insert(CACHE_CONTROL, for_ever);
    Some(response)
}

impl Asset {
    /// Compresses the bytes, where that makes them smaller.
    pub fn new(plain: Bytes, media_type: &'static str) -> Asset {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        let packed = encoder.write_all(&plain).ok().and_then(|()| encoder.finish().ok());
        let packed = packed.filter(|packed| packed.len() < plain.len()).map(Bytes::from);
        let mut tag = crate::keys::digest(&plain);
        tag.truncate(16);
        Asset { plain, packed, media_type, tag }
    }

    /// A reply with the bytes as the browser takes them, and their tag (RFC 9110, 8.8.3).
    pub fn reply(&self, headers: &HeaderMap) -> Response {
        let packed = self.packed.as_ref().filter(|_| accepts_gzip(headers));
        let tag = format!("\"{}{}\"", self.tag, if packed.is_some() { "-gz" } else { "" });
        let known =
            headers.get_all(IF_NONE_MATCH).iter().filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(','));
        let unchanged = known.map(str::trim).any(|t| t == "*" || t.trim_start_matches("W/") == tag);
        let mut response = match unchanged {
            true => Response::default(),
            false => Response::new(packed.unwrap_or(&self.plain).clone().into()),
        };
        if unchanged {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        }
        let set = response.headers_mut();
        set.extend(HeaderValue::from_str(&tag).map(|tag| (ETAG, tag)));
        set.insert(VARY, HeaderValue::from_static("accept-encoding"));
        set.insert(CONTENT_TYPE, HeaderValue::from_static(self.media_type));
        if packed.is_some() && !unchanged {
            set.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response
    }
}

/// By `Accept-Encoding` (RFC 9110, 12.5.3).
fn accepts_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|part| {
        let mut pieces = part.split(';').map(str::trim);
        let named = pieces.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip") || name == "*");
        let refused = pieces.any(|piece| piece.strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0)));
        named && !refused
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: http::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn style_goes_out_without_comments() {
        assert_eq!(
            bare("/* one */\na {\n  b: c; /* two\n lines */ d: e;\n}\n\n/* open"),
            "a {\nb: c;  d: e;\n}\n"
        );
        assert_eq!(bare(""), "");
        let page = ASSETS.text(STYLES).unwrap();
        assert!(page.contains("@layer") && !page.contains("@import") && !page.contains("/*"), "{page}");
    }

    #[test]
    fn who_takes_gzip() {
        for (value, takes) in [
            ("gzip, br", true),
            ("GZIP;q=0.5", true),
            ("*", true),
            ("br", false),
            ("gzip;q=0", false),
            ("gzip; q=0.0", false),
            ("", false),
        ] {
            assert_eq!(accepts_gzip(&headers(ACCEPT_ENCODING, value)), takes, "{value}");
        }
    }

    #[test]
    fn h11_only_compiled_in_files_under_the_hash_of_now() {
        let good = format!("/assets/{}/index.html", ASSETS.hash);
        assert!(serve(&good, &HeaderMap::new()).is_some());
        for bad in [
            "/assets/index.html".to_owned(),
            "/assets/0/index.html".to_owned(),
            format!("/assets/{}/../Cargo.toml", ASSETS.hash),
            format!("/assets/{}/%2e%2e/Cargo.toml", ASSETS.hash),
            format!("/assets/{}/", ASSETS.hash),
            format!("/assets/{}", ASSETS.hash),
        ] {
            assert!(serve(&bad, &HeaderMap::new()).is_none(), "{bad}");
        }
    }

    #[test]
    fn the_style_sheet_holds_its_parts_and_every_module_exists() {
        let styles = ASSETS.text(STYLES).unwrap();
        assert!(!styles.contains("@import"), "a part is missing");
        assert!(styles.contains("@layer"));
        let modules = ASSETS.modules("js/app.js");
        assert!(modules.len() > 5);
        for module in &modules {
            assert!(ASSETS.text(module).is_some(), "{module} is imported and does not exist");
        }
    }

    #[test]
    fn imports_are_resolved_as_a_browser_does() {
        assert_eq!(resolve("js/views", "../lib/dom.js"), "js/lib/dom.js");
        assert_eq!(resolve("js", "./models/api.js"), "js/models/api.js");
    }

    #[test]
    fn a_tag_that_is_known_gets_no_body() {
        let path = format!("/assets/{}/index.html", ASSETS.hash);
        let first = serve(&path, &headers(ACCEPT_ENCODING, "gzip")).unwrap();
        let tag = first.headers()[ETAG].to_str().unwrap().to_owned();
        let mut again = headers(IF_NONE_MATCH, &format!("\"x\", {tag}"));
        assert_eq!(
            serve(&path, &again).unwrap().status(),
            StatusCode::OK,
            "another encoding has another tag"
        );
        again.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        assert_eq!(serve(&path, &again).unwrap().status(), StatusCode::NOT_MODIFIED);
    }
}
