//! Derived answers, kept for a while in the process that made them.
//!
//! One law, the same as the edge's: a value is valid while no tag of it has a floor above the WAL position
//! at which it was read. The follower raises floors when something changed; a slow fill from before the
//! change is then neither kept nor shown. A value read at an earlier position never replaces one read
//! later. [`Shelf`] holds parsed values under the same law. The time to live is a safety net below that law, not the means of freshness.
//!
//! [`Cache`] is a plain value to clone. A cache that fails is a miss, never an error: no call returns one.
//! Identical misses load once. Nothing private belongs here; the crate knows neither database nor HTTP.

mod counter;
mod entry;
mod flight;
mod floor;
mod memory;
mod shelf;

#[cfg(test)]
mod conformance;

pub use entry::{Entry, Loaded, Outcome, Refusal};
pub use shelf::{Held, Shelf, Ticket};

use async_trait::async_trait;
use domain::Clock;
use domain::metrics::Metrics;
use flight::{Flights, Turn};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use serde::Deserialize;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Which store holds the values, and its size.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "backend", rename_all = "snake_case", deny_unknown_fields)]
pub enum Config {
    /// In this process.
    Memory {
        /// Bytes of all values, keys and tags together.
        #[serde(default = "bytes_max")]
        bytes_max: u64,
    },
}

const fn bytes_max() -> u64 {
    128 << 20
}

impl Default for Config {
    fn default() -> Self {
        Self::Memory { bytes_max: bytes_max() }
    }
}

/// A configuration that no cache can be made from.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The cache could hold nothing.
    #[error("cache: `bytes_max` must be at least {} bytes, one value of full size", Cache::VALUE_BYTES_MAX)]
    TooSmall,
}

/// The promises of this crate; a backend only translates. Whatever fails is a miss.
#[async_trait]
trait Backend: Send + Sync + 'static {
    /// The value, if it is valid now.
    async fn get(&self, key: &str) -> Option<Arc<Entry>>;
    /// Keeps `entry` unless a later one, a raised tag or a clearing since `generation` forbids it.
    async fn set(&self, key: &str, entry: Arc<Entry>, ttl: Duration, generation: u64) -> Result<(), Refusal>;
    /// Absent afterwards; fine when it was before.
    async fn delete(&self, key: &str);
    /// Hides every value with one of the tags that was read before `floor_lsn`.
    async fn raise(&self, tags: &[String], floor_lsn: u64);
    /// Everything up to `lsn` has had its floors raised.
    fn settle(&self, lsn: u64);
    /// Where what was read at `lsn`, after `generation` clearings, is known to be right still; none where it may
    /// have changed.
    fn holds(&self, tags: &[String], lsn: u64, generation: u64) -> Option<u64>;
    /// Forgets values and floors; fills begun before are not kept.
    async fn clear(&self);
    /// Number of clearings so far.
    fn generation(&self) -> u64;
    /// Counts one more in the present window, and says how many that makes.
    async fn add(&self, counter: &str, window: Duration) -> u64;
}

/// The cache of this process.
#[derive(Clone)]
pub struct Cache {
    backend: Arc<dyn Backend>,
    flights: Flights,
    observed: Observed,
}

impl Cache {
    /// Longest key, and longest tag, in bytes.
    pub const KEY_BYTES_MAX: usize = 256;
    /// Largest body, in bytes.
    pub const VALUE_BYTES_MAX: usize = 1 << 20;
    /// Most tags of one value.
    pub const TAGS_MAX: usize = 1_000;
    /// Longest time to live; what asks for more gets this.
    pub const TTL_MAX: Duration = Duration::from_secs(24 * 60 * 60);
    /// Longest time for which a caller waits for another one's load before it loads for itself.
    pub const JOIN_MAX: Duration = Duration::from_secs(1);

    /// Opens an empty cache.
    pub async fn open(config: &Config, clock: &Clock, metrics: &Metrics) -> Result<Self, Error> {
        let backend: Arc<dyn Backend> = match *config {
            Config::Memory { bytes_max } if bytes_max < Self::VALUE_BYTES_MAX as u64 => {
                return Err(Error::TooSmall);
            }
            Config::Memory { bytes_max } => Arc::new(memory::Memory::new(bytes_max, clock.clone())),
        };
        Ok(Self { backend, flights: Flights::default(), observed: Observed::new(metrics) })
    }

    /// The value under `key`, if it is valid now.
    pub async fn get(&self, key: &str) -> Option<Arc<Entry>> {
        let found = self.peek(key).await;
        self.observed.count(key, found.as_ref().map_or("absent", |_| "hit"));
        found
    }

    /// Keeps a value for `ttl`, give or take a tenth, so that values made together do not end together.
    pub async fn set(&self, key: &str, entry: Entry, ttl: Duration) -> Result<(), Refusal> {
        self.keep(key, Arc::new(entry), ttl, self.backend.generation()).await
    }

    /// The value under `key`, or the one that `load` brings, which is kept. Of callers that miss together
    /// one loads and the others wait for it, at most [`Cache::JOIN_MAX`]. The loaded value is returned
    /// even when it may not be kept; an error of `load` is returned as it is, and kept by nobody.
    pub async fn get_or_load<E, L>(
        &self,
        key: &str,
        ttl: Duration,
        load: impl FnOnce() -> L,
    ) -> Result<Loaded, E>
    where
        L: Future<Output = Result<Entry, E>>,
    {
        let loaded = self.find_or_load(key, ttl, load).await?;
        self.observed.count(key, loaded.outcome.as_str());
        Ok(loaded)
    }

    /// Forgets one value; nothing happens when there is none.
    pub async fn delete(&self, key: &str) {
        self.backend.delete(key).await;
    }

    /// Hides every value that carries one of `tags` and was read at a position below `floor_lsn`, those
    /// that are still being read included. A floor never sinks.
    pub async fn raise(&self, tags: &[String], floor_lsn: u64) {
        self.observed.raised.inc_by(tags.len() as u64);
        self.backend.raise(tags, floor_lsn).await;
    }

    /// Says that the floors of every change up to `lsn` have been raised: what none of them hides was right there.
    pub fn settle(&self, lsn: u64) {
        self.backend.settle(lsn);
    }

    /// Forgets everything, floors included: for a change of epoch, when positions lose their meaning.
    pub async fn clear(&self) {
        self.backend.clear().await;
    }

    /// Adds one to `counter` in the present window of this length, and returns the sum. Windows begin at
    /// whole multiples of their length.
    pub async fn add(&self, counter: &str, window: Duration) -> u64 {
        self.backend.add(counter, window).await
    }

    async fn find_or_load<E, L>(
        &self,
        key: &str,
        ttl: Duration,
        load: impl FnOnce() -> L,
    ) -> Result<Loaded, E>
    where
        L: Future<Output = Result<Entry, E>>,
    {
        if let Some(entry) = self.peek(key).await {
            return Ok(Loaded { entry, outcome: Outcome::Hit });
        }
        // Whoever waited in vain (the load failed, or its value may not be kept) loads without another
        // wait: values that are never kept must not queue their readers up behind each other.
        let _flight = match self.flights.board(key) {
            Turn::Lead(flight) => Some(flight),
            Turn::Join(landing) => {
                landing.wait(Self::JOIN_MAX).await;
                if let Some(entry) = self.peek(key).await {
                    return Ok(Loaded { entry, outcome: Outcome::Joined });
                }
                None
            }
        };
        let generation = self.backend.generation();
        let entry = Arc::new(load().await?);
        let kept = self.keep(key, Arc::clone(&entry), ttl, generation).await;
        Ok(Loaded { entry, outcome: kept.map_or_else(Outcome::Refused, |()| Outcome::Miss) })
    }

    async fn peek(&self, key: &str) -> Option<Arc<Entry>> {
        if key.len() > Self::KEY_BYTES_MAX { None } else { self.backend.get(key).await }
    }

    async fn keep(
        &self,
        key: &str,
        entry: Arc<Entry>,
        ttl: Duration,
        generation: u64,
    ) -> Result<(), Refusal> {
        check(key, &entry)?;
        self.backend.set(key, entry, ttl.min(Self::TTL_MAX), generation).await
    }
}

fn check(key: &str, entry: &Entry) -> Result<(), Refusal> {
    if key.len() > Cache::KEY_BYTES_MAX {
        return Err(Refusal::KeyTooLong);
    }
    if entry.body.len() > Cache::VALUE_BYTES_MAX {
        return Err(Refusal::ValueTooLarge);
    }
    let tags_fit =
        entry.tags.len() <= Cache::TAGS_MAX && entry.tags.iter().all(|tag| tag.len() <= Cache::KEY_BYTES_MAX);
    if tags_fit { Ok(()) } else { Err(Refusal::TagsTooLarge) }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    class: String,
    outcome: &'static str,
}

#[derive(Clone)]
struct Observed {
    requests: Family<RequestLabels, Counter>,
    raised: Counter,
    classes: Arc<Mutex<HashSet<String>>>,
}

impl Observed {
    /// Most classes with a label of their own; keys come from code, but a label must have a bound.
    const CLASSES_MAX: usize = 32;

    fn new(metrics: &Metrics) -> Self {
        Self {
            requests: metrics.register("cache_requests", "Reads of the cache by outcome", Family::default()),
            raised: metrics.counter("cache_raised_tags", "Tags whose floor was raised"),
            classes: Arc::default(),
        }
    }

    /// The class is the part of a key before its first colon.
    fn count(&self, key: &str, outcome: &'static str) {
        let class = self.class(key.split(':').next().unwrap_or_default());
        self.requests.get_or_create(&RequestLabels { class, outcome }).inc();
    }

    fn class(&self, name: &str) -> String {
        let mut known = self.classes.lock().unwrap_or_else(PoisonError::into_inner);
        if known.contains(name) {
            return name.to_owned();
        }
        if known.len() >= Self::CLASSES_MAX || name.len() > 32 {
            return "other".to_owned();
        }
        known.insert(name.to_owned());
        name.to_owned()
    }
}
