//! The page: one document for all its addresses, and the pictures it shows.

use super::assets::{ASSETS, Asset};
use super::endpoint::{Raw, blocking};
use super::route::Response;
use crate::app::App;
use crate::{avatars, keys};
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use std::sync::Arc;

/// The addresses of the page; below `/chat/` any conversation.
const ADDRESSES: [&str; 7] = ["/", "/login", "/register", "/chat", "/stats", "/settings", "/admin"];
const WORKER_POLICY: HeaderValue =
    HeaderValue::from_static("default-src 'none'; connect-src 'self'; frame-ancestors 'none'");
const PICTURE_POLICY: HeaderValue =
    HeaderValue::from_static("default-src 'none'; sandbox; frame-ancestors 'none'");
/// Parts of the page that one place needs and another does not, by their views: the page asks early for those of its place.
const PARTS: [&str; 7] = ["door", "shell", "keyboard", "chat", "settings", "stats", "admin"];
/// The module with which the page starts.
const ENTRY: &str = "js/app.js";
/// What runs before the first paint: it stands in the document itself, and the policy knows it by its sum.
const BOOT: &str = "boot.js";

/// The page as it is sent: filled in once, since nothing in it depends on the request.
pub struct Document {
    html: Asset,
    /// The service worker, which keeps the page's own files and nothing else.
    worker: Asset,
    manifest: Asset,
    policy: HeaderValue,
}

impl Document {
    /// For the configuration of `app`.
    pub fn new(app: &App) -> Document {
        let config = &app.config;
        let assets = format!("{}/assets/{}", config.server.base_path, ASSETS.hash);
        let file = |path: &str| ASSETS.text(path).unwrap_or_default().trim_end().to_owned();
        let core = ASSETS.modules(ENTRY);
        let listed = |name: &str, modules: &[String]| {
            let files: Vec<&str> = modules.iter().map(|module| module.trim_start_matches("js/")).collect();
            format!("{name}={}", files.join(" "))
        };
        let part = |name: &&str| {
            let mut modules = ASSETS.modules(&format!("js/views/{name}.js"));
            modules.retain(|module| !core.contains(module));
            listed(name, &modules)
        };
        let mut parts = vec![listed("app", &core)];
        parts.extend(PARTS.iter().map(part));
        let kept = ["css/page.css", "js/", "icons/"].into_iter().flat_map(|folder| ASSETS.below(folder));
        let values = [
            ("{parts}", parts.join(";")),
            ("{sprite}", file("icons/sprite.svg")),
            ("{files}", kept.collect::<Vec<_>>().join(" ")),
            ("{build}", ASSETS.hash.clone()),
            ("{version}", env!("CARGO_PKG_VERSION").to_owned()),
            ("{password_min}", config.auth.password_min_length.to_string()),
            ("{message_max}", config.chat.max_message_chars.to_string()),
            ("{trash_days}", config.chat.trash_days.to_string()),
            ("{assets}", assets.clone()),
            ("{base}", config.server.base_path.clone()),
            // The last one: nothing in it is filled in.
            ("{boot}", file(BOOT)),
        ];
        let fill = |path: &str, media_type| {
            let text = values.iter().fold(file(path), |text, (name, value)| text.replace(*name, value));
            Asset::new(text.into(), media_type)
        };
        Document {
            html: fill("index.html", "text/html; charset=utf-8"),
            worker: fill("service-worker.js", "text/javascript; charset=utf-8"),
            manifest: fill("manifest.webmanifest", "application/manifest+json"),
            policy: policy(app, &file(BOOT)),
        }
    }
}

/// What the page may load and do: the script `boot` in it, its own files, pictures and API, and the bucket for pictures where
/// there is one.
fn policy(app: &App, boot: &str) -> HeaderValue {
    let boot = keys::digest_base64(boot.as_bytes());
    let bucket = app.oss.as_ref().map(|oss| format!(" {}", oss.origins().join(" "))).unwrap_or_default();
    let policy = format!(
        "default-src 'none'; script-src 'self' 'sha256-{boot}'; style-src 'self'; img-src 'self' data: blob:{bucket}; font-src 'self'; \
         connect-src 'self'{bucket}; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; \
         frame-ancestors 'none'; object-src 'none'; require-trusted-types-for 'script'; trusted-types gpt-assistant"
    );
    HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
}

/// The page, for its own addresses alone, and the two files of an app that must have an address for ever.
pub fn serve(document: &Document, raw: &Raw) -> Option<Response> {
    let conversation = raw.path.strip_prefix("/chat/");
    let (asset, policy) = match raw.path.as_str() {
        // A worker has the policy it was served with: it only fetches.
        "/service-worker.js" => (&document.worker, WORKER_POLICY),
        "/manifest.webmanifest" => (&document.manifest, WORKER_POLICY),
        path if ADDRESSES.contains(&path) => (&document.html, document.policy.clone()),
        _ if conversation.is_some_and(|id| !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit())) => {
            (&document.html, document.policy.clone())
        }
        _ => return None,
    };
    let mut response = asset.reply(&raw.headers);
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, policy);
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
    headers.insert(CONTENT_SECURITY_POLICY, PICTURE_POLICY);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, max-age=31536000, immutable"));
    Some(response)
}
