//! The database, the key that belongs to it, and backups of both.

use super::{Tell, Visit, ago, fail, ok, size, warn};
use crate::app;
use crate::keys::{self, MasterKey};
use crate::settings::{self, Settings};
use crate::store::{self, Inspection, OpenError};
use std::path::Path;

const DAY: i64 = 24 * 3600;
const OLD: i64 = 7 * DAY;

/// What the other checks want to know of it.
pub struct Found {
    /// Unix seconds of the newest row; 0 where there is none.
    pub latest: i64,
    /// As they are in force.
    pub settings: Settings,
}

pub fn look(visit: &Visit, tell: Tell<'_>) -> Found {
    let data_dir = &visit.config.server.data_dir;
    let (key, inspected) = (MasterKey::read(data_dir), store::inspect(data_dir));
    let inspection = match inspected {
        Ok(found) => found,
        Err(OpenError::Damaged(said)) => {
            tell(fail("database", said, "leave it as it is, and restore a backup into another folder"));
            None
        }
        Err(OpenError::Refused(said)) => {
            tell(fail("database", said, "run this as the server's own account, for example with sudo -u"));
            None
        }
    };
    if let Some(found) = &inspection {
        database(data_dir, found, tell);
    } else if !data_dir.join(store::FILE).exists() {
        if app::is_half_restored(data_dir) {
            let said = "a restore was cut off, and the server refuses to start";
            tell(fail("database", said.to_owned(), "start the restore again; it makes room by itself"));
        } else if matches!(key, Ok(Some(_))) {
            let said = format!("{} is missing, though its keys are there", store::FILE);
            tell(fail("database", said, "put it back, or restore a backup; the server refuses to start"));
        } else {
            tell(ok("database", "none yet; the first start makes it"));
        }
    }
    if let Some(found) = &inspection {
        master_key(data_dir, &key, found, tell);
        backups(visit, found, tell);
    }
    let kept = inspection.as_ref().map(|found| found.settings.clone()).unwrap_or_default();
    let settings = settings::resolve(&visit.config, kept, key.as_ref().ok().and_then(Option::as_ref));
    Found { latest: inspection.map_or(0, |found| found.latest), settings }
}

fn database(data_dir: &Path, found: &Inspection, tell: Tell<'_>) {
    let bytes = |name: &str| std::fs::metadata(data_dir.join(name)).map_or(0, |meta| meta.len());
    let (main, log) = (bytes(store::FILE), bytes(&format!("{}-wal", store::FILE)));
    let said = format!(
        "whole; {} and {} of log, {} accounts, {} turns",
        size(main),
        size(log),
        found.users,
        found.turns
    );
    tell(ok("database", said));
    match found.schema {
        Some(schema) if schema == found.newest => tell(ok("schema", format!("{schema}, the newest"))),
        Some(schema) => {
            let said = format!("{schema}; the next start upgrades it to {}, and keeps a copy", found.newest);
            tell(ok("schema", said));
        }
        None => tell(ok("schema", "empty; the next start makes it")),
    }
}

fn master_key(data_dir: &Path, key: &std::io::Result<Option<MasterKey>>, found: &Inspection, tell: Tell<'_>) {
    let path = data_dir.join(keys::FILE);
    let put_back =
        "put the right one back from where you keep it (docs/OPERATIONS.md, Losing the master key)";
    match key {
        Err(e) => tell(fail("master key", format!("{}: {e}", path.display()), put_back)),
        Ok(None) if found.has_sealed => {
            let said = format!("{} is missing, and API keys are sealed with it", path.display());
            tell(fail("master key", said, put_back));
        }
        Ok(None) => tell(ok("master key", "none yet; the next start makes one")),
        Ok(Some(key)) if found.key_check.as_ref().is_some_and(|check| *check != key.check_value()) => {
            let said = format!("{} is not the key of this database", path.display());
            tell(fail("master key", said, put_back));
        }
        Ok(Some(_)) => tell(ok("master key", "belongs to this database")),
    }
}

fn backups(visit: &Visit, found: &Inspection, tell: Tell<'_>) {
    let todo = "gpt-assistant backup FILE, every night (docs/OPERATIONS.md, Backups); keep master.key elsewhere, too";
    match found.last_backup {
        _ if found.turns == 0 && found.users <= 1 => tell(ok("backups", "nothing to lose yet")),
        None => tell(warn("backups", "this program has made none", todo)),
        Some(at) if visit.clock.now() - at > OLD => {
            let said = format!("the last one was made {}", ago(visit.clock.now() - at));
            tell(warn("backups", said, todo));
        }
        Some(at) => {
            tell(ok("backups", format!("the last one was made {}", ago(visit.clock.now() - at))));
        }
    }
}
