//! Configuration: built-in defaults < file < environment < flags, all checked before anything starts.
//!
//! `keys` lists every key with the way to read it; `load` brings the sources together and reports all
//! faults at once. After that a `Config` is plain data.

mod keys;
mod load;
mod read;
mod url;

use crate::secret::Secret;
use ipnet::IpNet;
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

pub use load::{Faults, Flags, file, load};
pub use url::BaseUrl;

/// The commented default file, compiled in; `gpt-assistant config default` prints it.
pub const DEFAULT_FILE: &str = include_str!("../../config.toml");

/// Everything that can be set, resolved and checked. Field by field as documented in `config.toml`.
#[expect(missing_docs, reason = "config.toml documents every key, and a test holds the two equal")]
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    pub server: Server,
    pub tls: Tls,
    pub auth: Auth,
    pub upstream: Upstream,
    pub chat: Chat,
    pub limits: Limits,
    pub avatar: AvatarBackend,
    pub oss: Oss,
    pub metrics: Metrics,
    pub log: Log,
    /// Keys that file, environment or flags have set: what is here cannot be changed at run time.
    pub set: BTreeSet<&'static str>,
}

#[expect(missing_docs, reason = "see Config")]
#[derive(Clone, Debug, PartialEq)]
pub struct Server {
    pub listen: SocketAddr,
    pub data_dir: PathBuf,
    pub public_url: Option<BaseUrl>,
    /// Begins with a slash and does not end with one; empty for the root.
    pub base_path: String,
    pub trusted_proxies: Vec<IpNet>,
    pub cors_origins: Vec<String>,
    pub max_connections: usize,
    pub max_connections_per_address: usize,
    pub drain_timeout: Duration,
}

#[expect(missing_docs, reason = "see Config")]
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tls {
    pub certificate: Option<PathBuf>,
    pub key: Option<PathBuf>,
}

/// Who may make an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registration {
    /// Anybody.
    Open,
    /// Whoever has an invitation.
    Invite,
    /// Nobody, but for the first account.
    Closed,
}

#[expect(missing_docs, reason = "see Config")]
#[derive(Clone, Debug, PartialEq)]
pub struct Auth {
    pub registration: Registration,
    pub setup_code: bool,
    pub token_ttl: Duration,
    pub password_min_length: usize,
}

#[expect(missing_docs, reason = "see Config")]
#[derive(Clone, Debug, PartialEq)]
pub struct Upstream {
    pub base_url: BaseUrl,
    pub api_key: Secret,
    pub default_model: String,
    pub models: Vec<String>,
    pub context_tokens: u64,
    pub proxy: Option<String>,
    pub ca_file: Option<PathBuf>,
    pub connect_timeout: Duration,
    pub first_byte_timeout: Duration,
    pub idle_timeout: Duration,
    pub total_timeout: Duration,
    pub max_reply_bytes: usize,
    pub max_concurrent: usize,
}

#[expect(missing_docs, reason = "see Config")]
#[derive(Clone, Debug, PartialEq)]
pub struct Chat {
    pub system_prompt: String,
    pub max_message_chars: usize,
    pub timezone: String,
    pub trash_days: u32,
}

#[expect(missing_docs, reason = "see Config")]
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    pub chat_per_minute: u32,
    pub api_per_minute: u32,
    pub login_per_minute: u32,
    pub register_per_hour: u32,
    pub streams_per_user: usize,
    pub shared_tokens_per_day: u64,
    pub shared_tokens_per_month: u64,
    pub storage_per_user: u64,
    pub text_per_user: u64,
    pub import_bytes: u64,
}

/// Where avatars are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AvatarBackend {
    /// In the data folder.
    #[default]
    Local,
    /// In the OSS bucket.
    Oss,
}

/// How uploads to OSS are signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OssSignature {
    /// HMAC-SHA1, for old buckets.
    V1,
    /// OSS4-HMAC-SHA256.
    #[default]
    V4,
}

#[expect(missing_docs, reason = "see Config")]
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Oss {
    pub access_key_id: String,
    pub access_key_secret: Secret,
    pub security_token: Secret,
    pub bucket: String,
    pub region: String,
    pub endpoint: Option<BaseUrl>,
    pub host: Option<BaseUrl>,
    pub signature: OssSignature,
}

#[expect(missing_docs, reason = "see Config")]
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metrics {
    pub listen: Option<SocketAddr>,
    pub token: Secret,
}

/// The least severe message that is logged.
#[expect(missing_docs, reason = "the names say it")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogLevel {
    Error,
    Warn,
    #[default]
    Info,
    Debug,
    Trace,
}

#[expect(missing_docs, reason = "see Config")]
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Log {
    pub level: LogLevel,
    pub json: bool,
}

impl Default for Server {
    fn default() -> Server {
        Server {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080),
            data_dir: PathBuf::from("data"),
            public_url: None,
            base_path: String::new(),
            trusted_proxies: Vec::new(),
            cors_origins: Vec::new(),
            max_connections: 4096,
            max_connections_per_address: 256,
            drain_timeout: Duration::from_secs(30),
        }
    }
}

impl Default for Auth {
    fn default() -> Auth {
        Auth {
            registration: Registration::Open,
            setup_code: true,
            token_ttl: Duration::from_secs(7 * 24 * 3600),
            password_min_length: 6,
        }
    }
}

impl Default for Upstream {
    fn default() -> Upstream {
        Upstream {
            base_url: BaseUrl::openai(),
            api_key: Secret::default(),
            default_model: "gpt-4o-mini".into(),
            models: Vec::new(),
            context_tokens: 0,
            proxy: None,
            ca_file: None,
            connect_timeout: Duration::from_secs(10),
            first_byte_timeout: Duration::from_secs(300),
            idle_timeout: Duration::from_secs(60),
            total_timeout: Duration::from_secs(30 * 60),
            max_reply_bytes: 1 << 20,
            max_concurrent: 1000,
        }
    }
}

impl Default for Chat {
    fn default() -> Chat {
        Chat {
            system_prompt: "You are a helpful assistant.".into(),
            max_message_chars: 32_000,
            timezone: "UTC".into(),
            trash_days: 30,
        }
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            chat_per_minute: 20,
            api_per_minute: 600,
            login_per_minute: 10,
            register_per_hour: 20,
            streams_per_user: 8,
            shared_tokens_per_day: 0,
            shared_tokens_per_month: 0,
            storage_per_user: 200 << 20,
            text_per_user: 2 << 30,
            import_bytes: 2 << 30,
        }
    }
}

impl Tls {
    /// True when the server encrypts its connections itself.
    pub fn is_on(&self) -> bool {
        self.certificate.is_some()
    }
}

impl Metrics {
    /// True when they are asked for at the server's own address: whoever has the token may.
    pub fn shares_address(&self) -> bool {
        self.listen.is_none() && !self.token.is_empty()
    }
}

impl Oss {
    /// True when there are a bucket and credentials for it.
    pub fn is_on(&self) -> bool {
        !self.bucket.is_empty() && !self.access_key_id.is_empty() && !self.access_key_secret.is_empty()
    }
}

impl Config {
    /// What the server speaks by itself.
    pub fn scheme(&self) -> &'static str {
        if self.tls.is_on() { "https" } else { "http" }
    }

    /// True when people other than those at this machine may reach the server.
    pub fn reachable_from_outside(&self) -> bool {
        !self.server.listen.ip().is_loopback()
            || self.server.public_url.is_some()
            || !self.server.trusted_proxies.is_empty()
    }

    /// True when whoever makes the first account must have seen what the server printed at its start.
    pub fn needs_setup_code(&self) -> bool {
        self.auth.setup_code && self.reachable_from_outside()
    }
}
