//! The one `App`: everything a request needs, built from the configuration.

use crate::auth::password::Passwords;
use crate::auth::token::Tokens;
use crate::calendar::{self, Zone};
use crate::chat::Answers;
use crate::clock::Clock;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::files::Keeping;
use crate::import::Imports;
use crate::keys::{self, MasterKey};
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::models::Models;
use crate::oss::Oss;
use crate::secret::Secret;
use crate::settings::{self, Settings};
use crate::store::{self, Change, OpenError, Store};
use crate::{disk, upstream};
use rustix::fs::OFlags;
use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// Locked for as long as a server has the data folder.
pub const LOCK: &str = "lock";
/// Pictures of people, in the data folder.
pub const AVATARS: &str = "avatars";
/// What people send with their messages, in the data folder.
pub const FILES: &str = "files";
/// Where a restore unpacks, in the data folder.
pub const RESTORE: &str = "restore.part";

/// Everything a request needs. Shared by all threads.
pub struct App {
    /// As resolved at the start.
    pub config: Config,
    /// The time of day.
    pub clock: Clock,
    /// The database.
    pub store: Store,
    /// Seals and opens API keys.
    pub master: MasterKey,
    /// Signs and checks logins.
    pub tokens: Tokens,
    /// Hashes and checks passwords.
    pub passwords: Passwords,
    /// How often.
    pub limits: Limits,
    /// The model service.
    pub upstream: upstream::Client,
    /// Which models it has.
    pub models: Models,
    /// The bucket for pictures, where there is one.
    pub oss: Option<Oss>,
    /// Answers that are running.
    pub answers: Arc<Answers>,
    /// Imports that are going on.
    pub imports: Imports,
    /// Files that are being kept, or removed.
    pub keeping: Keeping,
    /// What is counted for whoever watches.
    pub metrics: Metrics,
    /// The zone of days and written times.
    pub zone: Zone,
    /// When it was opened, in Unix seconds.
    pub started: i64,
    /// The name of this process among those that had the database.
    pub run: String,
    /// What is set at run time, over the configuration.
    settings: RwLock<Arc<Settings>>,
    /// The code that the first account needs, while there is none.
    setup_code: Mutex<Option<Secret>>,
    draining: AtomicBool,
    /// Held for as long as the App lives.
    _lock: Option<File>,
}

/// Why there is no App, by exit status.
#[derive(Debug)]
pub enum Refusal {
    /// 2: the sentence names the key, path or address, and what to do.
    Refused(String),
    /// 3: the database is damaged; nothing was touched.
    Damaged(String),
    /// 4: another process has the data folder.
    Locked(String),
}

impl From<OpenError> for Refusal {
    fn from(error: OpenError) -> Refusal {
        match error {
            OpenError::Damaged(said) => Refusal::Damaged(said),
            OpenError::Refused(said) => Refusal::Refused(said),
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Refusal {
        match error {
            Error::Storage(cause) | Error::Internal(cause) => {
                Refusal::Refused(format!("the database: {cause}"))
            }
            other => Refusal::Refused(other.to_string()),
        }
    }
}

impl App {
    /// For a server: takes the data folder's lock, and the place of the process before it.
    pub fn serve(config: Config, clock: Clock) -> Result<Arc<App>, Refusal> {
        let data_dir = data_folder(&config.server.data_dir)?;
        let Some(lock) = lock(&data_dir)? else {
            let path = data_dir.join(LOCK);
            let pid = std::fs::read_to_string(&path).unwrap_or_default();
            return Err(Refusal::Locked(format!(
                "server.data_dir {} is in use by another gpt-assistant (pid {}); stop it, or choose another folder",
                data_dir.display(),
                pid.trim()
            )));
        };
        let app = App::open(config, clock, &data_dir, Change::Allowed, Some(lock))?;
        let interrupted = app.store.take_over(app.run.clone(), app.clock.now())?;
        if interrupted > 0 {
            tracing::warn!(
                interrupted,
                "the server had ended while answers were running; their text was kept"
            );
        }
        if app.config.needs_setup_code() && app.store.is_empty()? {
            let code = keys::random_hex(6).map_err(|e| Refusal::Refused(e.to_string()))?;
            *app.setup_code.lock().unwrap_or_else(PoisonError::into_inner) = Some(Secret::new(code));
        }
        let app = Arc::new(app);
        Answers::keep(&app).map_err(|e| Refusal::Refused(e.to_string()))?;
        Ok(app)
    }

    /// For a command beside a running server or without one.
    pub fn command(config: Config, clock: Clock) -> Result<App, Refusal> {
        let data_dir = data_folder(&config.server.data_dir)?;
        let lock = lock(&data_dir)?;
        let change = if lock.is_some() { Change::Allowed } else { Change::Forbidden };
        App::open(config, clock, &data_dir, change, lock)
    }

    fn open(
        config: Config,
        clock: Clock,
        data_dir: &Path,
        change: Change,
        lock: Option<File>,
    ) -> Result<App, Refusal> {
        let refused = |said: String| Refusal::Refused(said);
        let key = MasterKey::read(data_dir)
            .map_err(|e| refused(format!("{}: {e}", data_dir.join(keys::FILE).display())))?;
        let database = data_dir.join(store::FILE);
        let size = std::fs::symlink_metadata(&database).map(|m| m.len());
        if key.is_some() && size.unwrap_or(0) == 0 {
            return Err(Refusal::Damaged(format!(
                "{} is missing or empty, though its keys are there; nothing was changed. Put the database back, or move \
                 {} away to begin anew",
                database.display(),
                data_dir.join(keys::FILE).display()
            )));
        }
        let store = Store::open(data_dir, change)?;
        disk::hand_over(&data_dir.join(store::FILE));
        let master = master_key(&store, key, data_dir)?;
        let settings = settings::load(&config, &store, &master)?;
        let tokens = Tokens::new(&master.derive("login tokens"), clock.clone());
        let zone = calendar::zone(&config.chat.timezone).unwrap_or_else(Zone::utc);
        let run = keys::random_hex(8).map_err(|e| refused(e.to_string()))?;
        Ok(App {
            passwords: Passwords::new()?,
            limits: Limits::new(&config.limits),
            upstream: upstream::Client::new(&config.upstream, clock.clone()).map_err(refused)?,
            models: Models::default(),
            oss: Oss::new(&config.oss),
            answers: Arc::default(),
            imports: Imports::default(),
            keeping: Keeping::default(),
            metrics: Metrics::default(),
            settings: RwLock::new(Arc::new(settings)),
            setup_code: Mutex::new(None),
            draining: AtomicBool::new(false),
            started: clock.now(),
            config,
            clock,
            store,
            master,
            tokens,
            zone,
            run,
            _lock: lock,
        })
    }

    /// The settings in force.
    pub fn settings(&self) -> Arc<Settings> {
        self.settings.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts in force what the database says now.
    pub fn reload_settings(&self) -> Result<()> {
        let settings = settings::load(&self.config, &self.store, &self.master)?;
        *self.settings.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(settings);
        Ok(())
    }

    /// The code that the first account needs, if it does.
    pub fn setup_code(&self) -> Option<Secret> {
        self.setup_code.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The first account is made: the code has done its work.
    pub fn use_up_setup_code(&self) {
        *self.setup_code.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// From now on no answer is begun.
    pub fn drain(&self) {
        self.draining.store(true, Relaxed);
        self.answers.close();
    }

    /// True once `drain` was called.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Relaxed)
    }

    /// The folder of the avatars.
    pub fn avatars(&self) -> PathBuf {
        self.config.server.data_dir.join(AVATARS)
    }

    /// The folder of what is sent with messages.
    pub fn files(&self) -> PathBuf {
        self.config.server.data_dir.join(FILES)
    }
}

/// A restore was cut off here: it begins with its own folder, and puts the database in its place last.
pub fn is_half_restored(data_dir: &Path) -> bool {
    data_dir.join(RESTORE).exists() && !data_dir.join(store::FILE).exists()
}

/// Makes the data folder, readable by its owner alone.
fn data_folder(path: &Path) -> Result<PathBuf, Refusal> {
    if is_half_restored(path) {
        return Err(Refusal::Damaged(format!(
            "{} holds half a backup: a restore was cut off. Start it again: gpt-assistant restore ARCHIVE",
            path.display()
        )));
    }
    let refused = |what: &str, e: std::io::Error| {
        Refusal::Refused(format!("server.data_dir {} cannot be {what}: {e}", path.display()))
    };
    disk::folder(path).map_err(|e| refused("made", e))?;
    let folder = path.canonicalize().map_err(|e| refused("opened", e))?;
    for inner in [AVATARS, FILES] {
        disk::folder(&folder.join(inner)).map_err(|e| refused("written to", e))?;
    }
    Ok(folder)
}

/// The data folder's lock; `None` when another process has it. The system lets go of it when the process ends.
pub fn lock(data_dir: &Path) -> Result<Option<File>, Refusal> {
    let path = data_dir.join(LOCK);
    let refused = |e: std::io::Error| Refusal::Refused(format!("{} cannot be written: {e}", path.display()));
    // Whoever has the folder may have put a link there, to a file that root shall overwrite.
    let unlinked = OFlags::NOFOLLOW.bits().cast_signed();
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true).mode(0o600).custom_flags(unlinked);
    let file = options.open(&path);
    let file = file.map_err(refused)?;
    disk::hand_over(&path);
    match file.try_lock() {
        Ok(()) => {
            file.set_len(0).map_err(refused)?;
            std::io::Write::write_all(&mut &file, format!("{}\n", std::process::id()).as_bytes())
                .map_err(refused)?;
            Ok(Some(file))
        }
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(e)) => Err(refused(e)),
    }
}

/// The database says which key it belongs to. A key that is gone is replaced only when nothing was sealed with it.
fn master_key(store: &Store, found: Option<MasterKey>, data_dir: &Path) -> Result<MasterKey, Refusal> {
    let expected = store.meta("key_check")?;
    let missing = found.is_none();
    if let Some(key) = found
        && expected.as_ref().is_none_or(|expected| *expected == key.check_value())
    {
        if expected.is_none() {
            store.set_meta("key_check", key.check_value())?;
        }
        return Ok(key);
    }
    let path = data_dir.join(keys::FILE);
    if store.has_sealed()? {
        return Err(Refusal::Refused(format!(
            "{} {}, and API keys are sealed with it; put it back from where you keep it",
            path.display(),
            if missing { "is missing" } else { "is not the key of this database" }
        )));
    }
    if !missing {
        return Err(Refusal::Refused(format!(
            "{} is not the key of this database; put the right one back, or move this one away and a new one is made",
            path.display()
        )));
    }
    let io = |e: std::io::Error| Refusal::Refused(format!("{}: {e}", path.display()));
    let key = MasterKey::generate().map_err(io)?;
    key.write(data_dir).map_err(io)?;
    disk::hand_over(&path);
    store.end_all_sessions()?;
    store.set_meta("key_check", key.check_value())?;
    Ok(key)
}
