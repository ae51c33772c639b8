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

fn media_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("json" | "webmanifest") => "application/json",
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
