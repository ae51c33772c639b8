//! What can be set while the server runs. What configuration file, environment or flags set is locked, and wins.

use crate::accounts::{check_key, is_model_name, mask};
use crate::app::App;
use crate::config::{Config, Registration};
use crate::error::{Error, Fields, Result};
use crate::keys::MasterKey;
use crate::secret::Secret;
use crate::store::{Setting, Store};

const LONGEST_ANNOUNCEMENT: usize = 500;
const MOST_MODELS: usize = 500;
const MOST_TOKENS: i64 = 1_000_000_000_000;

/// The settings as they are in force.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Who may make an account.
    pub registration: Registration,
    /// Pays for people who have no key of their own; empty: nobody.
    pub shared_key: Secret,
    /// When request, conversation and person name none.
    pub default_model: String,
    /// Models that may be used; empty: whatever the upstream lists.
    pub models: Vec<String>,
    /// Of the shared key, for one person; 0: no cap.
    pub tokens_per_day: i64,
    /// Of the shared key, for one person; 0: no cap.
    pub tokens_per_month: i64,
    /// Shown to everybody on the page; may be empty.
    pub announcement: String,
}

/// A change; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// See `Settings`.
    pub registration: Option<Registration>,
    /// Empty: remove it.
    pub shared_key: Option<Secret>,
    /// See `Settings`.
    pub default_model: Option<String>,
    /// See `Settings`.
    pub models: Option<Vec<String>>,
    /// See `Settings`.
    pub tokens_per_day: Option<i64>,
    /// See `Settings`.
    pub tokens_per_month: Option<i64>,
    /// See `Settings`.
    pub announcement: Option<String>,
}

/// Each setting's name on the wire and in the database, and the key of the configuration that locks it.
const NAMES: [(&str, &str); 7] = [
    ("registration", "auth.registration"),
    ("shared_key", "upstream.api_key"),
    ("default_model", "upstream.default_model"),
    ("models", "upstream.models"),
    ("shared_tokens_per_day", "limits.shared_tokens_per_day"),
    ("shared_tokens_per_month", "limits.shared_tokens_per_month"),
    ("announcement", ""),
];

/// The word for a registration.
pub fn registration_word(registration: Registration) -> &'static str {
    match registration {
        Registration::Open => "open",
        Registration::Invite => "invite",
        Registration::Closed => "closed",
    }
}

/// The registration that a word stands for.
pub fn registration(word: &str) -> Option<Registration> {
    [Registration::Open, Registration::Invite, Registration::Closed]
        .into_iter()
        .find(|registration| registration_word(*registration) == word)
}

/// Names of the settings that the configuration has fixed.
pub fn locked(config: &Config) -> Vec<&'static str> {
    NAMES.iter().filter(|(_, key)| config.set.contains(key)).map(|(name, _)| *name).collect()
}

/// The settings in force: the configuration's, and over its defaults what was set at run time.
pub fn load(config: &Config, store: &Store, master: &MasterKey) -> Result<Settings> {
    Ok(resolve(config, store.settings()?, Some(master)))
}

/// The same from what was kept; without the master key nothing that is sealed can be read.
pub fn resolve(config: &Config, kept: Vec<Setting>, master: Option<&MasterKey>) -> Settings {
    let cap = |tokens: u64| i64::try_from(tokens).unwrap_or(i64::MAX);
    let mut settings = Settings {
        registration: config.auth.registration,
        shared_key: config.upstream.api_key.clone(),
        default_model: config.upstream.default_model.clone(),
        models: config.upstream.models.clone(),
        tokens_per_day: cap(config.limits.shared_tokens_per_day),
        tokens_per_month: cap(config.limits.shared_tokens_per_month),
        announcement: String::new(),
    };
    let locked = locked(config);
    for kept in kept.into_iter().filter(|kept| !locked.contains(&kept.name.as_str())) {
        let value = kept.value;
        match kept.name.as_str() {
            "registration" => settings.registration = registration(&value).unwrap_or(settings.registration),
            // A key that was saved for another upstream is as good as none.
            "shared_key" => {
                let opened = kept.sealed.and_then(|sealed| master?.open(&sealed, &seal_name(config)));
                settings.shared_key = opened.unwrap_or_default();
            }
            "default_model" => settings.default_model = value,
            "models" => settings.models = value.lines().map(str::to_owned).collect(),
            "shared_tokens_per_day" => settings.tokens_per_day = value.parse().unwrap_or(0),
            "shared_tokens_per_month" => settings.tokens_per_month = value.parse().unwrap_or(0),
            "announcement" => settings.announcement = value,
            _ => {}
        }
    }
    if !settings.models.is_empty() && !settings.models.contains(&settings.default_model) {
        settings.default_model = settings.models[0].clone();
    }
    settings
}

/// The shared key is bound to the upstream's origin, as a person's is.
fn seal_name(config: &Config) -> String {
    format!("shared key for {}", config.upstream.base_url.origin())
}

/// Changes settings, and puts them in force at once. All or none.
pub fn change(app: &App, change: Change) -> Result<()> {
    let mut faults = Fields::new();
    let (mut set, mut unset) = (Vec::new(), Vec::new());
    let plain = |name: &str, value: String| Setting { name: name.to_owned(), value, sealed: None };
    if let Some(registration) = change.registration {
        set.push(plain("registration", registration_word(registration).to_owned()));
    }
    match change.shared_key {
        Some(key) if key.is_empty() => unset.push("shared_key".to_owned()),
        Some(key) => match check_key(&key) {
            Ok(key) => {
                let sealed = app.master.seal(&key, &seal_name(&app.config)).map_err(Error::internal)?;
                let value = mask(key.reveal());
                set.push(Setting { name: "shared_key".into(), value, sealed: Some(sealed) });
            }
            Err(sentence) => faults.push(("shared_key".into(), sentence.into())),
        },
        None => {}
    }
    if let Some(model) = change.default_model {
        if !is_model_name(&model) {
            faults.push(("default_model".into(), "This is not the name of a model.".into()));
        }
        set.push(plain("default_model", model));
    }
    if let Some(models) = change.models {
        if models.len() > MOST_MODELS || !models.iter().all(|model| is_model_name(model)) {
            faults.push(("models".into(), "This is not a list of names of models.".into()));
        }
        set.push(plain("models", models.join("\n")));
    }
    for (name, tokens) in [
        ("shared_tokens_per_day", change.tokens_per_day),
        ("shared_tokens_per_month", change.tokens_per_month),
    ] {
        let Some(tokens) = tokens else { continue };
        if !(0..=MOST_TOKENS).contains(&tokens) {
            faults.push((name.into(), "This must be a whole number, 0 for no cap.".into()));
        }
        set.push(plain(name, tokens.to_string()));
    }
    if let Some(text) = change.announcement {
        if text.chars().count() > LONGEST_ANNOUNCEMENT || crate::text::has_controls(&text) {
            faults.push(("announcement".into(), "An announcement has at most 500 characters.".into()));
        }
        set.push(plain("announcement", text.trim().to_owned()));
    }
    let locked = locked(&app.config);
    let touched = set.iter().map(|setting| &setting.name).chain(&unset);
    for name in touched.filter(|name| locked.contains(&name.as_str())) {
        faults.push((name.clone().into(), "This is fixed in the server's configuration.".into()));
    }
    if !faults.is_empty() {
        return Err(Error::Invalid(faults));
    }
    app.store.change_settings(set, unset, app.clock.now())?;
    app.reload_settings()
}
