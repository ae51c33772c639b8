//! Which models there are: the upstream's list, kept for some minutes, and the last one while the upstream is down.

use crate::config;
use crate::upstream::Model;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a list is good.
const FRESH: Duration = Duration::from_secs(600);
/// Lists that are kept; more people with keys of their own share the places.
const MOST: usize = 256;

/// The lists, each by the hash of the key it was asked with: an upstream may show each key other models.
#[derive(Default)]
pub struct Models(Mutex<HashMap<String, Kept>>);

#[derive(Clone)]
struct Kept {
    asked: Instant,
    models: Vec<Model>,
}

impl Models {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The list for a key, and whether it is fresh.
    pub fn get(&self, key: &str) -> Option<(Vec<Model>, bool)> {
        let kept = self.lock().get(key).cloned()?;
        let fresh = kept.asked.elapsed() < FRESH;
        Some((kept.models, fresh))
    }

    /// Keeps a list.
    pub fn put(&self, key: String, models: Vec<Model>) {
        let mut lists = self.lock();
        if lists.len() >= MOST
            && let Some(oldest) = lists.iter().min_by_key(|(_, kept)| kept.asked).map(|(key, _)| key.clone())
        {
            lists.remove(&oldest);
        }
        lists.insert(key, Kept { asked: Instant::now(), models });
    }

    /// The size of a model's context window: as configured, else as any list says.
    pub fn window(&self, settings: &config::Upstream, model: &str) -> Option<i64> {
        if settings.context_tokens > 0 {
            return i64::try_from(settings.context_tokens).ok();
        }
        let lists = self.lock();
        lists.values().flat_map(|kept| &kept.models).find(|known| known.id == model)?.context
    }
}
