//! What is remembered of keys, in shards, within a bound.
//!
//! A key whose debt is paid says nothing and may be forgotten. When a shard is full of debtors, those who owe least
//! go: forgetting lets a client start anew, so it must never be those who are held back hardest.

use super::gcra::Pace;
use super::rule::Rule;
use crate::store::Identity;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

const SHARDS: usize = 64;

pub(super) struct Table {
    shards: Box<[Mutex<HashMap<u64, Entry, Identity>>]>,
    shard_entries_max: AtomicUsize,
    hasher: RandomState,
}

#[derive(Clone, Copy, Default)]
struct Entry {
    /// When its debt is paid.
    paid_ns: u64,
    /// Refusals since `strikes_since_ns`.
    strikes: u32,
    strikes_since_ns: u64,
    banned_until_ns: u64,
}

/// What became of one request under one rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    Fits { paid_ns: u64 },
    Full { wait_ns: u64 },
    Banned { wait_ns: u64 },
}

impl Table {
    pub(super) fn new(entries_max: usize) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        let table = Self { shards, shard_entries_max: AtomicUsize::new(1), hasher: RandomState::new() };
        table.resize(entries_max);
        table
    }

    /// What is too much goes when something new comes.
    pub(super) fn resize(&self, entries_max: usize) {
        self.shard_entries_max.store((entries_max / SHARDS).max(1), Ordering::Relaxed);
    }

    pub(super) fn hash(&self, parts: impl Hash) -> u64 {
        self.hasher.hash_one(parts)
    }

    pub(super) fn spend(&self, key: u64, cost: u64, rule: &Rule, pace: Pace, now_ns: u64) -> Decision {
        let mut shard = self.shard(key);
        self.make_room(&mut shard, key, now_ns);
        let entry = shard.entry(key).or_default();
        if let Some(wait_ns) = entry.banned_until_ns.checked_sub(now_ns).filter(|wait_ns| *wait_ns > 0) {
            return Decision::Banned { wait_ns };
        }
        match pace.spend(entry.paid_ns, cost, now_ns) {
            Ok(paid_ns) => {
                entry.paid_ns = paid_ns;
                Decision::Fits { paid_ns }
            }
            Err(wait_ns) => entry.strike(rule, now_ns).unwrap_or(Decision::Full { wait_ns }),
        }
    }

    /// Counts what has happened already, whether it fits or not.
    pub(super) fn charge(&self, key: u64, cost: u64, pace: Pace, now_ns: u64) {
        let mut shard = self.shard(key);
        self.make_room(&mut shard, key, now_ns);
        let entry = shard.entry(key).or_default();
        entry.paid_ns = entry.paid_ns.max(now_ns).saturating_add(pace.price(cost));
    }

    pub(super) fn refund(&self, key: u64, cost: u64, pace: Pace) {
        if let Some(entry) = self.shard(key).get_mut(&key) {
            entry.paid_ns = entry.paid_ns.saturating_sub(pace.price(cost));
        }
    }

    fn make_room(&self, shard: &mut HashMap<u64, Entry, Identity>, key: u64, now_ns: u64) {
        let entries_max = self.shard_entries_max.load(Ordering::Relaxed);
        if shard.len() < entries_max || shard.contains_key(&key) {
            return;
        }
        shard.retain(|_, entry| entry.until_ns() > now_ns);
        if shard.len() >= entries_max {
            let mut debts: Vec<u64> = shard.values().map(|entry| entry.until_ns()).collect();
            let middle = debts.len() / 2;
            let cut_ns = *debts.select_nth_unstable(middle).1;
            let mut surplus = shard.len() + 1 - entries_max.div_ceil(2);
            shard.retain(|_, entry| {
                let goes = surplus > 0 && entry.until_ns() <= cut_ns;
                surplus -= usize::from(goes);
                !goes
            });
        }
    }

    /// The upper bits: the map uses the lower ones.
    fn shard(&self, key: u64) -> MutexGuard<'_, HashMap<u64, Entry, Identity>> {
        let index = usize::from((key >> 58) as u8) % SHARDS;
        self.shards[index].lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().unwrap().len()).sum()
    }
}

impl Entry {
    /// Until when it says anything.
    fn until_ns(&self) -> u64 {
        self.paid_ns.max(self.banned_until_ns)
    }

    /// Notes a refusal; the one too many bans.
    fn strike(&mut self, rule: &Rule, now_ns: u64) -> Option<Decision> {
        const SECOND_NS: u64 = 1_000_000_000;
        let window_ns = rule.window_s.saturating_mul(SECOND_NS);
        if now_ns.saturating_sub(self.strikes_since_ns) > window_ns {
            (self.strikes, self.strikes_since_ns) = (0, now_ns);
        }
        self.strikes = self.strikes.saturating_add(1);
        if rule.ban_after == 0 || self.strikes < rule.ban_after {
            return None;
        }
        let wait_ns = rule.ban_s.saturating_mul(SECOND_NS);
        (self.strikes, self.banned_until_ns) = (0, now_ns.saturating_add(wait_ns));
        Some(Decision::Banned { wait_ns })
    }
}
