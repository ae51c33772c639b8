//! Brings file, environment and flags together and names every fault at once.

use super::keys::{KEYS, Key};
use super::read::Value;
use super::{AvatarBackend, Config};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue};

const PREFIX: &str = "GPT_ASSISTANT_";
const USUAL_FILE: &str = "config.toml";

/// What the command line says about the configuration.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// `--config FILE`.
    pub config: Option<PathBuf>,
    /// Pairs of key and value, such as `server.listen` for `--listen`.
    pub set: Vec<(&'static str, String)>,
}

/// Everything that is wrong, a line each.
#[derive(Debug, PartialEq, Eq)]
pub struct Faults(pub Vec<String>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for Faults {}

/// The file that is read: the one named, else the usual one where it exists.
pub fn file(named: Option<&Path>) -> Option<PathBuf> {
    let usual = Path::new(USUAL_FILE);
    named.or(usual.exists().then_some(usual)).map(Path::to_owned)
}

/// Resolves the configuration. `environment` is that of the process, as names and values.
pub fn load(flags: &Flags, environment: impl Iterator<Item = (String, String)>) -> Result<Config, Faults> {
    let mut loading = Loading::default();
    if let Some(path) = file(flags.config.as_deref()) {
        loading.file(&path);
    }
    loading.environment(environment);
    for (name, value) in &flags.set {
        let place = format!("--{}", name.rsplit('.').next().unwrap_or(name).replace('_', "-"));
        loading.apply(name, Value::Text(value), &place);
    }
    loading.finish()
}

#[derive(Default)]
struct Loading {
    config: Config,
    faults: Vec<String>,
}

impl Loading {
    fn file(&mut self, path: &Path) {
        match std::fs::read_to_string(path) {
            Ok(text) => self.toml(&text, &path.display().to_string()),
            Err(error) => self.faults.push(format!("{}: cannot be read: {error}", path.display())),
        }
    }

    /// Reads all that can be read, so that one bad line does not hide the next.
    fn toml(&mut self, text: &str, name: &str) {
        let (table, errors) = DeTable::parse_recoverable(text);
        let place = |at: usize| {
            let line = text.get(..at).unwrap_or(text).matches('\n').count() + 1;
            format!("{name}:{line}")
        };
        for error in &errors {
            let at = error.span().map_or(0, |span| span.start);
            self.faults.push(format!("{}: {}", place(at), error.message().trim()));
        }
        for (section, value) in table.get_ref() {
            match value.get_ref() {
                DeValue::Table(keys) => {
                    for (key, value) in keys {
                        let name = format!("{}.{}", section.get_ref(), key.get_ref());
                        self.apply(&name, Value::Toml(value.get_ref()), &place(key.span().start));
                    }
                }
                _ => self.faults.push(format!(
                    "{}: \"{}\" is not in a section such as [server]",
                    place(section.span().start),
                    section.get_ref()
                )),
            }
        }
    }

    fn environment(&mut self, variables: impl Iterator<Item = (String, String)>) {
        let ours: BTreeMap<String, String> =
            variables.filter(|(name, _)| name.starts_with(PREFIX) && name.contains("__")).collect();
        for (variable, value) in &ours {
            let name = variable[PREFIX.len()..].to_ascii_lowercase().replacen("__", ".", 1);
            self.apply(&name, Value::Text(value), &format!("variable {variable}"));
        }
    }

    fn apply(&mut self, name: &str, value: Value<'_>, place: &str) {
        let Some((key, from_file)) = find(name) else {
            let close = closest(name).map_or(String::new(), |near| format!(", did you mean {near}?"));
            self.faults.push(format!("{place}: there is no key {name}{close}"));
            return;
        };
        let read = if from_file {
            from_secret_file(key, &mut self.config, value)
        } else {
            (key.read)(&mut self.config, value)
        };
        match read {
            Ok(()) => {
                self.config.set.insert(key.name);
            }
            Err(fault) => self.faults.push(format!("{place}: {name} {fault}")),
        }
    }

    fn finish(mut self) -> Result<Config, Faults> {
        let config = &self.config;
        if config.avatar == AvatarBackend::Oss && !config.oss.is_on() {
            self.faults.push(
                "avatar.backend is \"oss\", so oss.bucket, oss.access_key_id and oss.access_key_secret must be set".into(),
            );
        }
        if config.tls.certificate.is_some() != config.tls.key.is_some() {
            self.faults.push("tls.certificate and tls.key must be set together".into());
        }
        if !config.oss.bucket.is_empty() && config.oss.region.is_empty() {
            self.faults
                .push("oss.region must be set where oss.bucket is, for example \"cn-hangzhou\"".into());
        }
        let allowed = &config.upstream.models;
        if !allowed.is_empty() && !allowed.contains(&config.upstream.default_model) {
            if config.set.contains("upstream.default_model") {
                self.faults.push("upstream.default_model must be one of upstream.models".into());
            } else {
                self.config.upstream.default_model = allowed[0].clone();
            }
        }
        if self.faults.is_empty() {
            return Ok(self.config);
        }
        // They go to a terminal, and quote what stands in the file.
        let shown = |fault: String| fault.replace(char::is_control, "\u{FFFD}");
        Err(Faults(self.faults.into_iter().map(shown).collect()))
    }
}

fn find(name: &str) -> Option<(&'static Key, bool)> {
    let exact = KEYS.iter().find(|key| key.name == name).map(|key| (key, false));
    exact.or_else(|| {
        let base = name.strip_suffix("_file")?;
        KEYS.iter().find(|key| key.secret && key.name == base).map(|key| (key, true))
    })
}

fn from_secret_file(key: &Key, config: &mut Config, value: Value<'_>) -> Result<(), String> {
    let path = value.some_text()?;
    let text =
        std::fs::read_to_string(&path).map_err(|error| format!("cannot be read from {path}: {error}"))?;
    (key.read)(config, Value::Text(text.trim()))
}

/// The key that a slip of the pen was probably meant to be: same ending, or all but two letters alike.
fn closest(name: &str) -> Option<&'static str> {
    let tail = |name: &str| name.rsplit('.').next().unwrap_or_default().replace(['_', '-'], "");
    KEYS.iter().map(|key| key.name).find(|known| tail(known) == tail(name) || distance(known, name) <= 2)
}

/// Edits (insert, delete, replace) that turn `a` into `b`.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut corner = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.bytes().enumerate() {
            let replaced = corner + usize::from(x != y);
            corner = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(corner + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::super::DEFAULT_FILE;
    use super::*;

    fn toml(text: &str) -> Result<Config, Faults> {
        let mut loading = Loading::default();
        loading.toml(text, "t");
        loading.finish()
    }

    fn environment(pairs: &[(&str, &str)]) -> Result<Config, Faults> {
        let mut loading = Loading::default();
        loading.environment(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
        loading.finish()
    }

    /// The default file with its left-out keys put in.
    fn full_file() -> String {
        let known: Vec<&str> = KEYS.iter().map(|key| key.name.rsplit('.').next().unwrap()).collect();
        let is_key = |line: &str| {
            known.iter().any(|key| line.strip_prefix(key).is_some_and(|rest| rest.starts_with(" =")))
        };
        let uncomment = |line: &str| match line.strip_prefix("# ") {
            Some(rest) if is_key(rest) => format!("{rest}\n"),
            _ => format!("{line}\n"),
        };
        DEFAULT_FILE.lines().map(uncomment).collect()
    }

    #[test]
    fn the_default_file_says_what_the_code_does() {
        for text in [DEFAULT_FILE.to_owned(), full_file()] {
            let mut read = toml(&text).unwrap();
            read.set.clear();
            assert_eq!(read, Config::default());
        }
    }

    #[test]
    fn the_default_file_holds_every_key_in_order() {
        let mut section = "";
        let text = full_file();
        let keys: Vec<String> = text
            .lines()
            .filter_map(|line| {
                if let Some(name) = line.strip_prefix('[') {
                    section = name.trim_end_matches(']');
                    return None;
                }
                let key = line.split_once(" =")?.0;
                (!key.starts_with('#')).then(|| format!("{section}.{key}"))
            })
            .collect();
        assert_eq!(keys, KEYS.iter().map(|key| key.name).collect::<Vec<_>>());
    }

    #[test]
    fn all_faults_at_once_with_line_and_key() {
        let Faults(faults) =
            toml("[server]\nlisten = \"x\"\nlisten_on = 1\n[auth]\ntoken_ttl = 7\n[nope]\na = 1\n")
                .unwrap_err();
        assert_eq!(faults.len(), 4, "{faults:#?}");
        assert!(faults.iter().any(|f| f.starts_with("t:2: server.listen must be an address and a port")));
        assert!(faults.iter().any(|f| f == "t:3: there is no key server.listen_on"));
        assert!(faults.iter().any(|f| f.starts_with("t:5: auth.token_ttl must be text in quotes")));
        assert!(faults.iter().any(|f| f == "t:7: there is no key nope.a"));
    }

    #[test]
    fn a_broken_line_does_not_hide_a_bad_value() {
        let Faults(faults) =
            toml("[server]\nlisten = = 3\n[log]\nlevel = \"loud\"\nlevel = \"info\"\n").unwrap_err();
        assert!(faults.iter().any(|f| f.starts_with("t:2: ")), "{faults:#?}");
        assert!(faults.iter().any(|f| f.starts_with("t:4: log.level must be one of")), "{faults:#?}");
    }

    #[test]
    fn o3_every_bad_value_is_refused() {
        for (key, bad) in [
            ("server.listen", "\"127.0.0.1:99999\""),
            ("server.base_path", "\"/a/../b\""),
            ("server.trusted_proxies", "[\"nowhere\"]"),
            ("server.cors_origins", "[\"https://a.b/c\"]"),
            ("server.max_connections", "0"),
            ("server.max_connections", "-1"),
            ("server.max_connections", "1.5"),
            ("auth.registration", "\"maybe\""),
            ("auth.token_ttl", "\"1s\""),
            ("upstream.base_url", "\"api.openai.com\""),
            ("upstream.api_key", "\"two words\""),
            ("upstream.proxy", "\"socks5://h\""),
            ("upstream.default_model", "\"\""),
            ("upstream.max_reply_bytes", "\"1MB\""),
            ("chat.timezone", "\"Mars/X\""),
            ("limits.chat_per_minute", "\"20\""),
            ("avatar.backend", "\"s3\""),
            ("avatar.backend", "\"oss\""),
            ("oss.bucket", "\"A b\""),
        ] {
            let (section, name) = key.split_once('.').unwrap();
            let Faults(faults) = toml(&format!("[{section}]\n{name} = {bad}\n")).unwrap_err();
            assert!(faults.iter().all(|f| f.contains(section)), "{key} {bad}: {faults:?}");
        }
    }

    #[test]
    fn environment_overrides_and_is_as_strict() {
        let config = environment(&[
            ("GPT_ASSISTANT_SERVER__LISTEN", "[::]:9"),
            ("GPT_ASSISTANT_UPSTREAM__MODELS", "a, b"),
            ("GPT_ASSISTANT_LIMITS__CHAT_PER_MINUTE", "0"),
            ("GPT_ASSISTANT", "x"),
            ("HOME", "/"),
        ])
        .unwrap();
        assert_eq!(config.server.listen.port(), 9);
        assert_eq!(
            (config.upstream.models, config.upstream.default_model),
            (vec!["a".into(), "b".into()], "a".into())
        );
        assert_eq!(config.limits.chat_per_minute, 0);
        assert!(config.set.contains("server.listen") && !config.set.contains("log.level"));
        let Faults(faults) = environment(&[("GPT_ASSISTANT_SERVER__LISTENS", "x")]).unwrap_err();
        assert_eq!(
            faults,
            [
                "variable GPT_ASSISTANT_SERVER__LISTENS: there is no key server.listens, did you mean server.listen?"
            ]
        );
    }

    #[test]
    fn a_secret_may_stand_in_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        std::fs::write(&path, "sk-from-file\n").unwrap();
        let config = toml(&format!("[upstream]\napi_key_file = \"{}\"\n", path.display())).unwrap();
        assert_eq!(config.upstream.api_key.reveal(), "sk-from-file");
        assert!(toml("[upstream]\napi_key_file = \"/nonexistent\"\n").is_err());
        assert!(toml("[server]\nlisten_file = \"x\"\n").is_err());
    }

    #[test]
    fn debug_shows_no_secret() {
        let config =
            toml("[upstream]\napi_key = \"sk-canary\"\n[oss]\naccess_key_secret = \"oss-canary\"\n").unwrap();
        assert!(!format!("{config:?}").contains("canary"));
    }
}
