//! How many requests of one client may be under way at once: from the head until the last byte of the answer was handed
//! to the connection, or the client went away.

use super::rule::{KeyPart, by_address};
use crate::store::Identity;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One cap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cap {
    /// Its name in fields, metrics and logs, unlike that of any rule: 1 to 32 of `a-z`, `0-9` and `-`.
    pub name: String,
    /// Beginnings of paths, by whole segments; none means every path.
    #[serde(default)]
    pub paths: Vec<String>,
    /// Beginnings of paths that it does not mean.
    #[serde(default)]
    pub except: Vec<String>,
    /// Methods; none means every one.
    #[serde(default)]
    pub methods: Vec<String>,
    /// Tiers of API keys, `none` for requests without a known key; none named means all.
    #[serde(default)]
    pub tiers: Vec<String>,
    /// By what requests are told apart: all parts together; empty: not at all, one cap for everybody.
    #[serde(default = "by_address")]
    pub key: Vec<KeyPart>,
    /// Requests under way at once.
    pub under_way_max: u32,
    /// Counts and says so in metrics, and refuses nobody.
    #[serde(default)]
    pub shadow: bool,
}

const SHARDS: usize = 64;

/// Requests under way, by key. It is as long as there are such requests, and no longer.
#[derive(Debug)]
pub(super) struct UnderWay {
    shards: Box<[Mutex<HashMap<u64, u32, Identity>>]>,
}

impl UnderWay {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect() })
    }

    /// Counts a request in, where there are fewer than `max`; says how many there are with it, or without.
    pub(super) fn enter(self: &Arc<Self>, key: u64, max: u32) -> Result<(Held, u32), u32> {
        let mut shard = self.shard(key);
        let count = shard.get(&key).copied().unwrap_or(0);
        if count >= max {
            return Err(count);
        }
        shard.insert(key, count + 1);
        Ok((Held { under_way: self.clone(), key }, count + 1))
    }

    fn leave(&self, key: u64) {
        let mut shard = self.shard(key);
        match shard.get_mut(&key) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(shard.remove(&key)),
        }
    }

    fn shard(&self, key: u64) -> MutexGuard<'_, HashMap<u64, u32, Identity>> {
        let index = usize::from((key >> 58) as u8) % SHARDS;
        self.shards[index].lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().unwrap().len()).sum()
    }
}

/// A request that is under way; dropping it ends that.
#[derive(Debug)]
pub(crate) struct Held {
    under_way: Arc<UnderWay>,
    key: u64,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.under_way.leave(self.key);
    }
}
