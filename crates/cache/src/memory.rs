//! Values in this process, by moka.

use crate::counter::Counters;
use crate::floor::Floors;
use crate::{Backend, Entry, Refusal};
use async_trait::async_trait;
use domain::Clock;
use moka::future::Cache as Moka;
use moka::ops::compute::{CompResult, Op};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

/// Bytes that an entry costs beside its body, key and tags (estimated).
const OVERHEAD_BYTES: usize = 256;

pub(crate) struct Memory {
    values: Moka<String, Kept>,
    floors: RwLock<Floors>,
    counters: Mutex<Counters>,
    generation: AtomicU64,
    clock: Clock,
}

#[derive(Clone)]
struct Kept {
    entry: Arc<Entry>,
    ends_micros: i64,
    generation: u64,
}

impl Memory {
    pub(crate) fn new(bytes_max: u64, clock: Clock) -> Self {
        let values = Moka::builder()
            .max_capacity(bytes_max)
            .weigher(|key: &String, kept: &Kept| weight(key, &kept.entry))
            .build();
        let (floors, counters, generation) = Default::default();
        Self { values, floors, counters, generation, clock }
    }

    fn is_valid(&self, kept: &Kept) -> bool {
        kept.generation == self.generation()
            && self.clock.now().timestamp_micros() < kept.ends_micros
            && !self.is_hidden(&kept.entry)
    }

    fn is_hidden(&self, entry: &Entry) -> bool {
        self.floors.read().unwrap_or_else(PoisonError::into_inner).hide(&entry.tags, entry.lsn)
    }
}

#[async_trait]
impl Backend for Memory {
    async fn get(&self, key: &str) -> Option<Arc<Entry>> {
        let kept = self.values.get(key).await?;
        if self.is_valid(&kept) {
            return Some(kept.entry);
        }
        None
    }

    async fn set(&self, key: &str, entry: Arc<Entry>, ttl: Duration, generation: u64) -> Result<(), Refusal> {
        if generation != self.generation() {
            return Err(Refusal::Cleared);
        }
        if self.is_hidden(&entry) {
            return Err(Refusal::Raised);
        }
        let now = self.clock.now().timestamp_micros();
        let kept =
            Kept { entry, ends_micros: now.saturating_add(jittered_micros(key, now, ttl)), generation };
        let outcome = self
            .values
            .entry_by_ref(key)
            .and_compute_with(async |there| match there {
                Some(there) if self.is_later(there.value(), &kept) => Op::Nop,
                _ => Op::Put(kept),
            })
            .await;
        match outcome {
            CompResult::Unchanged(_) | CompResult::StillNone(_) => Err(Refusal::Older),
            _ => Ok(()),
        }
    }

    async fn delete(&self, key: &str) {
        self.values.invalidate(key).await;
    }

    async fn raise(&self, tags: &[String], floor_lsn: u64) {
        let mut floors = self.floors.write().unwrap_or_else(PoisonError::into_inner);
        tags.iter().for_each(|tag| floors.raise(tag, floor_lsn));
    }

    fn settle(&self, lsn: u64) {
        self.floors.write().unwrap_or_else(PoisonError::into_inner).settle(lsn);
    }

    fn holds(&self, tags: &[String], lsn: u64, generation: u64) -> Option<u64> {
        if generation != self.generation() {
            return None;
        }
        let floors = self.floors.read().unwrap_or_else(PoisonError::into_inner);
        (!floors.hide(tags, lsn)).then(|| lsn.max(floors.settled()))
    }

    async fn clear(&self) {
        // The generation first: from here on nothing begun earlier is shown or kept.
        self.generation.fetch_add(1, Ordering::SeqCst);
        *self.floors.write().unwrap_or_else(PoisonError::into_inner) = Floors::default();
        self.values.invalidate_all();
    }

    fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    async fn add(&self, counter: &str, window: Duration) -> u64 {
        let now_micros = u64::try_from(self.clock.now().timestamp_micros()).unwrap_or(0);
        self.counters.lock().unwrap_or_else(PoisonError::into_inner).add(counter, window, now_micros)
    }
}

impl Memory {
    /// What is no longer valid stands in nobody's way.
    fn is_later(&self, there: &Kept, new: &Kept) -> bool {
        there.entry.lsn > new.entry.lsn && self.is_valid(there)
    }
}

fn weight(key: &str, entry: &Entry) -> u32 {
    let tags: usize = entry.tags.iter().map(|tag| tag.len() + size_of::<String>()).sum();
    u32::try_from(OVERHEAD_BYTES + key.len() + entry.body.len() + entry.etag.len() + tags).unwrap_or(u32::MAX)
}

/// `ttl` with up to a tenth more or less, by key and moment: no randomness that a test could not repeat.
fn jittered_micros(key: &str, now_micros: i64, ttl: Duration) -> i64 {
    let mut hasher = DefaultHasher::new();
    (key, now_micros).hash(&mut hasher);
    let per_mille = 900 + i64::try_from(hasher.finish() % 201).unwrap_or(100);
    i64::try_from(ttl.as_micros()).unwrap_or(i64::MAX / 2_000).min(i64::MAX / 2_000) * per_mille / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_to_live_varies_by_a_tenth_at_most() {
        let ends: Vec<i64> =
            (0..1_000).map(|at| jittered_micros("detail:1", at, Duration::from_secs(100))).collect();
        assert!(ends.iter().all(|micros| (90_000_000..=110_000_000).contains(micros)));
        assert!(
            ends.iter().any(|micros| *micros < 95_000_000) && ends.iter().any(|micros| *micros > 105_000_000)
        );
    }
}
