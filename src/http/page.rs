//! The page: one document for all its addresses, and the pictures it shows.

use super::assets::{ASSETS, Asset};
use super::endpoint::{Raw, blocking};
use super::route::Response;
use crate::app::App;
use crate::avatars;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use std::sync::Arc;

/// The addresses of the page; below `/chat/` any conversation.
const ADDRESSES: [&str; 7] = ["/", "/login", "/register", "/chat", "/stats", "/settings", "/admin"];
const HTML: &str = "text/html; charset=utf-8";

/// The document as it is sent: filled in once, since nothing in it depends on the request.
pub struct Document {
    asset: Asset,
    policy: HeaderValue,
}

impl Document {
    /// For the configuration of `app`.
    pub fn new(app: &App) -> Document {
        let base = &app.config.server.base_path;
        let assets = format!("{base}/assets/{}", ASSETS.hash);
        let text = ASSETS.text("index.html").unwrap_or_default();
        let text = text.replace("{assets}", &assets).replace("{base}", base);
        Document { asset: Asset::new(text.into(), HTML), policy: policy(app) }
    }
}

/// What the page may load and do: its own files, pictures and API, and the bucket for pictures where there is one.
fn policy(app: &App) -> HeaderValue {
    let bucket = app.oss.as_ref().map(|oss| format!(" {}", oss.origins().join(" "))).unwrap_or_default();
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:{bucket}; font-src 'self'; \
         connect-src 'self'{bucket}; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; \
         frame-ancestors 'none'; object-src 'none'; require-trusted-types-for 'script'; trusted-types gpt-assistant"
    );
    HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
}

/// The page, for its own addresses alone: any other is no page.
pub fn serve(document: &Document, raw: &Raw) -> Option<Response> {
    let conversation = raw.path.strip_prefix("/chat/");
    let known = ADDRESSES.contains(&raw.path.as_str())
        || conversation.is_some_and(|id| !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit()));
    if !known {
        return None;
    }
    let mut response = document.asset.reply(&raw.headers);
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, document.policy.clone());
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Some(response)
}

/// A picture of ours. Whatever it might hold, a browser shall do nothing with it but show it.
pub async fn avatar(app: &Arc<App>, raw: &Raw) -> Option<Response> {
    let name = raw.path.strip_prefix("/avatars/")?.to_owned();
    let app = app.clone();
    let bytes = blocking(move || Ok(avatars::read(&app, &name))).await.ok()??;
    let mut response = Response::new(bytes.into());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("image/png"));
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static("inline; filename=\"avatar.png\""));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, max-age=31536000, immutable"));
    Some(response)
}
