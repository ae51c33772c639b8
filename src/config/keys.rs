//! Every key, with the way its value is read into the configuration.

use super::read::{Read, Value};
use super::{AvatarBackend, BaseUrl, Config, LogLevel, OssSignature, Registration};
use crate::secret::Secret;
use ipnet::IpNet;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

/// One key: `section.name`.
pub struct Key {
    pub name: &'static str,
    /// Also as `name_file`, the path of a file that holds the value.
    pub secret: bool,
    pub read: fn(&mut Config, Value<'_>) -> Read<()>,
}

const fn key(name: &'static str, read: fn(&mut Config, Value<'_>) -> Read<()>) -> Key {
    Key { name, secret: false, read }
}

const fn secret(name: &'static str, read: fn(&mut Config, Value<'_>) -> Read<()>) -> Key {
    Key { name, secret: true, read }
}

/// In the order of `config.toml`.
pub static KEYS: &[Key] = &[
    key("server.listen", |c, v| {
        set(&mut c.server.listen, v.text()?.trim().parse().map_err(|_| LISTEN.to_owned()))
    }),
    key("server.data_dir", |c, v| set(&mut c.server.data_dir, v.some_text().map(PathBuf::from))),
    key("server.public_url", |c, v| set(&mut c.server.public_url, v.optional(BaseUrl::parse))),
    key("server.base_path", |c, v| set(&mut c.server.base_path, base_path(v.text()?))),
    key("server.trusted_proxies", |c, v| set(&mut c.server.trusted_proxies, v.list(network))),
    key("server.cors_origins", |c, v| set(&mut c.server.cors_origins, v.list(origin))),
    key("server.max_connections", |c, v| set(&mut c.server.max_connections, v.number(1..=1_000_000))),
    key("server.max_connections_per_address", |c, v| {
        set(&mut c.server.max_connections_per_address, v.number(1..=1_000_000))
    }),
    key("server.drain_timeout", |c, v| set(&mut c.server.drain_timeout, v.duration(MOMENT))),
    key("tls.certificate", |c, v| set(&mut c.tls.certificate, v.optional(|s| Ok(PathBuf::from(s))))),
    key("tls.key", |c, v| set(&mut c.tls.key, v.optional(|s| Ok(PathBuf::from(s))))),
    key("auth.registration", |c, v| set(&mut c.auth.registration, v.choice(REGISTRATION))),
    key("auth.setup_code", |c, v| set(&mut c.auth.setup_code, v.choice(&[("auto", true), ("off", false)]))),
    key("auth.token_ttl", |c, v| set(&mut c.auth.token_ttl, v.duration(LOGIN))),
    key("auth.password_min_length", |c, v| set(&mut c.auth.password_min_length, v.number(1..=128))),
    key("upstream.base_url", |c, v| set(&mut c.upstream.base_url, BaseUrl::parse_api(v.text()?))),
    secret("upstream.api_key", |c, v| set(&mut c.upstream.api_key, api_key(v.text()?))),
    key("upstream.default_model", |c, v| set(&mut c.upstream.default_model, v.some_text())),
    key("upstream.models", |c, v| set(&mut c.upstream.models, v.list(|s| Ok(s.to_owned())))),
    key("upstream.context_tokens", |c, v| set(&mut c.upstream.context_tokens, v.number(0..=100_000_000))),
    key("upstream.proxy", |c, v| set(&mut c.upstream.proxy, v.optional(proxy))),
    key("upstream.ca_file", |c, v| set(&mut c.upstream.ca_file, v.optional(|s| Ok(PathBuf::from(s))))),
    key("upstream.connect_timeout", |c, v| set(&mut c.upstream.connect_timeout, v.duration(WAIT))),
    key("upstream.first_byte_timeout", |c, v| set(&mut c.upstream.first_byte_timeout, v.duration(WAIT))),
    key("upstream.idle_timeout", |c, v| set(&mut c.upstream.idle_timeout, v.duration(WAIT))),
    key("upstream.total_timeout", |c, v| set(&mut c.upstream.total_timeout, v.duration(WAIT))),
    key("upstream.max_reply_bytes", |c, v| {
        set(
            &mut c.upstream.max_reply_bytes,
            v.size(1..=1 << 30).map(|n| usize::try_from(n).unwrap_or(usize::MAX)),
        )
    }),
    key("upstream.max_concurrent", |c, v| set(&mut c.upstream.max_concurrent, v.number(1..=100_000))),
    key("chat.system_prompt", |c, v| set(&mut c.chat.system_prompt, v.text().map(str::to_owned))),
    key("chat.max_message_chars", |c, v| set(&mut c.chat.max_message_chars, v.number(1..=10_000_000))),
    key("chat.timezone", |c, v| set(&mut c.chat.timezone, time_zone(v.text()?))),
    key("chat.trash_days", |c, v| set(&mut c.chat.trash_days, v.number(1..=36_500))),
    key("limits.chat_per_minute", |c, v| set(&mut c.limits.chat_per_minute, v.number(RATE))),
    key("limits.api_per_minute", |c, v| set(&mut c.limits.api_per_minute, v.number(RATE))),
    key("limits.login_per_minute", |c, v| set(&mut c.limits.login_per_minute, v.number(RATE))),
    key("limits.register_per_hour", |c, v| set(&mut c.limits.register_per_hour, v.number(RATE))),
    key("limits.streams_per_user", |c, v| set(&mut c.limits.streams_per_user, v.number(1..=100_000))),
    key("limits.shared_tokens_per_day", |c, v| set(&mut c.limits.shared_tokens_per_day, v.number(TOKENS))),
    key("limits.shared_tokens_per_month", |c, v| {
        set(&mut c.limits.shared_tokens_per_month, v.number(TOKENS))
    }),
    key("limits.storage_per_user", |c, v| set(&mut c.limits.storage_per_user, v.size(0..=1 << 50))),
    key("limits.text_per_user", |c, v| set(&mut c.limits.text_per_user, v.size(1 << 10..=1 << 50))),
    key("limits.import_bytes", |c, v| set(&mut c.limits.import_bytes, v.size(1..=1 << 50))),
    key("avatar.backend", |c, v| {
        set(&mut c.avatar, v.choice(&[("local", AvatarBackend::Local), ("oss", AvatarBackend::Oss)]))
    }),
    secret("oss.access_key_id", |c, v| set(&mut c.oss.access_key_id, v.text().map(|s| s.trim().to_owned()))),
    secret("oss.access_key_secret", |c, v| {
        set(&mut c.oss.access_key_secret, v.text().map(|s| Secret::new(s.trim())))
    }),
    secret("oss.security_token", |c, v| {
        set(&mut c.oss.security_token, v.text().map(|s| Secret::new(s.trim())))
    }),
    key("oss.bucket", |c, v| set(&mut c.oss.bucket, label(v.text()?))),
    key("oss.region", |c, v| set(&mut c.oss.region, label(v.text()?))),
    key("oss.endpoint", |c, v| set(&mut c.oss.endpoint, v.optional(BaseUrl::parse))),
    key("oss.host", |c, v| set(&mut c.oss.host, v.optional(BaseUrl::parse))),
    key("oss.signature", |c, v| {
        set(&mut c.oss.signature, v.choice(&[("v4", OssSignature::V4), ("v1", OssSignature::V1)]))
    }),
    key("metrics.listen", |c, v| {
        set(&mut c.metrics.listen, v.optional(|s| s.parse().map_err(|_| LISTEN.to_owned())))
    }),
    secret("metrics.token", |c, v| set(&mut c.metrics.token, token(v.text()?))),
    key("log.level", |c, v| set(&mut c.log.level, v.choice(LEVELS))),
    key("log.format", |c, v| set(&mut c.log.json, v.choice(&[("text", false), ("json", true)]))),
];

const LISTEN: &str = "must be an address and a port such as \"127.0.0.1:8080\" or \"[::]:8080\"";
const RATE: RangeInclusive<u64> = 0..=1_000_000;
const TOKENS: RangeInclusive<u64> = 0..=1_000_000_000_000;
const MOMENT: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(3600);
const WAIT: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(24 * 3600);
const LOGIN: RangeInclusive<Duration> = Duration::from_secs(60)..=Duration::from_secs(3650 * 24 * 3600);
const REGISTRATION: &[(&str, Registration)] =
    &[("open", Registration::Open), ("invite", Registration::Invite), ("closed", Registration::Closed)];
const LEVELS: &[(&str, LogLevel)] = &[
    ("error", LogLevel::Error),
    ("warn", LogLevel::Warn),
    ("info", LogLevel::Info),
    ("debug", LogLevel::Debug),
    ("trace", LogLevel::Trace),
];

fn set<T>(place: &mut T, value: Read<T>) -> Read<()> {
    *place = value?;
    Ok(())
}

/// Names a path below which everything is served; the root is the empty text.
fn base_path(text: &str) -> Read<String> {
    let parts: Vec<&str> = text.trim().split('/').filter(|s| !s.is_empty()).collect();
    let good = |part: &&str| {
        *part != "."
            && *part != ".."
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.~".contains(&b))
    };
    if !parts.iter().all(good) {
        return Err("must be a path such as \"/\" or \"/chat\"".into());
    }
    Ok(parts.iter().flat_map(|part| ["/", part]).collect())
}

fn network(text: &str) -> Read<IpNet> {
    let one = |address: IpAddr| IpNet::from(address);
    text.parse::<IpNet>()
        .or_else(|_| text.parse::<IpAddr>().map(one))
        .map_err(|_| "must hold addresses or networks such as \"10.0.0.0/8\"".into())
}

fn origin(text: &str) -> Read<String> {
    let url = BaseUrl::parse(text)?;
    if url.path().is_empty() {
        Ok(url.origin().to_owned())
    } else {
        Err("must hold origins, without a path".into())
    }
}

fn proxy(text: &str) -> Read<String> {
    let known = ["http://", "https://"].iter().any(|scheme| text.starts_with(scheme));
    if known && text.parse::<http::Uri>().is_ok_and(|uri| uri.host().is_some()) {
        Ok(text.to_owned())
    } else {
        Err("must be an address such as \"http://127.0.0.1:3128\"".into())
    }
}

fn api_key(text: &str) -> Read<Secret> {
    let text = text.trim();
    if text.bytes().all(|b| b.is_ascii_graphic()) {
        Ok(Secret::new(text))
    } else {
        Err("must not hold blanks or other than ASCII characters".into())
    }
}

/// Who can guess it sees how much a server is used.
fn token(text: &str) -> Read<Secret> {
    let text = text.trim();
    if text.is_empty() || (text.len() >= 16 && text.bytes().all(|b| b.is_ascii_graphic())) {
        Ok(Secret::new(text))
    } else {
        Err("must have at least 16 characters, without blanks and other than ASCII".into())
    }
}

fn label(text: &str) -> Read<String> {
    let text = text.trim();
    if text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
        Ok(text.to_owned())
    } else {
        Err("must consist of lower-case letters, digits and hyphens".into())
    }
}

fn time_zone(text: &str) -> Read<String> {
    let text = text.trim();
    crate::calendar::zone(text)
        .map(|_| text.to_owned())
        .ok_or_else(|| "must be a time zone such as \"UTC\" or \"Asia/Shanghai\"".into())
}
