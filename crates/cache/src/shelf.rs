//! Values that are kept as they are, not as bytes: rows and tables that many answers are made from.
//!
//! The law is the cache's. What an answer is stamped with must hold for all of its parts, and a part that was
//! read long ago is still right: nothing that was settled since has touched it. So a shelf says of each value
//! up to which position it is known to hold, which is where an answer made from it may be said to be read.

use crate::{Backend, Cache};
use std::collections::HashMap;
use std::hash::Hash;
use std::mem;
use std::sync::{Arc, PoisonError, RwLock};

/// Values of one type, by their keys; at least the last `values_max` that were put or found are there.
pub struct Shelf<K, T> {
    backend: Arc<dyn Backend>,
    rows: RwLock<Rows<K, T>>,
    values_max: usize,
}

/// A value of a shelf.
#[derive(Debug)]
pub struct Held<T> {
    /// The value.
    pub value: Arc<T>,
    /// A WAL position at which it was right.
    pub lsn: u64,
}

/// Taken before a value is read, given back with it: what was read before a clearing is not kept.
#[derive(Clone, Copy, Debug)]
pub struct Ticket(u64);

struct Kept<T> {
    value: Arc<T>,
    tags: Arc<[String]>,
    lsn: u64,
    ticket: Ticket,
}

/// Two halves: what is found in the old one moves to the young one, and the old one goes when that is full.
struct Rows<K, T> {
    young: HashMap<K, Kept<T>>,
    old: HashMap<K, Kept<T>>,
}

impl Cache {
    /// An empty shelf that follows the floors of this cache.
    pub fn shelf<K: Copy + Eq + Hash, T>(&self, values_max: usize) -> Shelf<K, T> {
        let rows = RwLock::new(Rows { young: HashMap::new(), old: HashMap::new() });
        Shelf { backend: Arc::clone(&self.backend), rows, values_max: values_max.max(1) }
    }
}

impl<K: Copy + Eq + Hash, T> Shelf<K, T> {
    /// To be taken before reading what will be [`put`](Self::put).
    pub fn ticket(&self) -> Ticket {
        Ticket(self.backend.generation())
    }

    /// The values under `keys` that hold now, with their keys; the others are to be read.
    pub fn find(&self, keys: &[K]) -> (Vec<(K, Held<T>)>, Vec<K>) {
        let (mut found, mut missing, mut aged) = (Vec::with_capacity(keys.len()), Vec::new(), Vec::new());
        {
            let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner);
            for key in keys {
                let young = rows.young.get(key);
                match young.or_else(|| rows.old.get(key)).and_then(|kept| self.held(kept)) {
                    Some(held) => found.push((*key, held)),
                    None => missing.push(*key),
                }
                if young.is_none() {
                    aged.push(*key);
                }
            }
        }
        if aged.len() > missing.len() {
            self.refresh(&aged);
        }
        (found, missing)
    }

    /// Keeps a value that was read at `lsn`, and gives it back.
    pub fn put(&self, ticket: Ticket, key: K, value: T, tags: Vec<String>, lsn: u64) -> Held<T> {
        let value = Arc::new(value);
        let kept = Kept { value: Arc::clone(&value), tags: tags.into(), lsn, ticket };
        let mut rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        let is_later = |there: &Kept<T>| there.ticket.0 == ticket.0 && there.lsn > lsn;
        if !rows.young.get(&key).is_some_and(is_later) {
            rows.put(key, kept, self.values_max);
        }
        Held { value, lsn }
    }

    fn held(&self, kept: &Kept<T>) -> Option<Held<T>> {
        let lsn = self.backend.holds(&kept.tags, kept.lsn, kept.ticket.0)?;
        Some(Held { value: Arc::clone(&kept.value), lsn })
    }

    fn refresh(&self, keys: &[K]) {
        let mut rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        for key in keys {
            if let Some(kept) = rows.old.remove(key) {
                rows.put(*key, kept, self.values_max);
            }
        }
    }
}

impl<K: Copy + Eq + Hash, T> Rows<K, T> {
    fn put(&mut self, key: K, kept: Kept<T>, values_max: usize) {
        if self.young.len() >= values_max && !self.young.contains_key(&key) {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(key, kept);
    }
}

#[cfg(test)]
mod tests {
    use crate::{Cache, Config, Shelf};
    use domain::Clock;
    use domain::metrics::Metrics;

    async fn cache() -> Cache {
        Cache::open(&Config::default(), &Clock::system(), &Metrics::default()).await.unwrap()
    }

    fn put(shelf: &Shelf<u32, &'static str>, key: u32, value: &'static str, lsn: u64) {
        shelf.put(shelf.ticket(), key, value, vec![format!("raga:{key}")], lsn);
    }

    fn found(shelf: &Shelf<u32, &'static str>, keys: &[u32]) -> Vec<(u32, &'static str, u64)> {
        let (found, _) = shelf.find(keys);
        found.into_iter().map(|(key, held)| (key, *held.value, held.lsn)).collect()
    }

    #[tokio::test]
    async fn a_change_hides_its_own_value_and_the_others_hold_as_far_as_is_settled() {
        let cache = cache().await;
        let shelf = cache.shelf(10);
        put(&shelf, 1, "one", 5);
        put(&shelf, 2, "two", 5);
        cache.raise(&["raga:1".to_owned()], 9).await;
        assert_eq!(found(&shelf, &[1, 2]), [(2, "two", 5)], "nobody said yet that all of 9 is there");
        cache.settle(9);
        assert_eq!(found(&shelf, &[1, 2]), [(2, "two", 9)]);
        assert_eq!(shelf.find(&[1, 2, 3]).1, [1, 3]);
        put(&shelf, 1, "one again", 9);
        assert_eq!(found(&shelf, &[1]), [(1, "one again", 9)]);
    }

    #[tokio::test]
    async fn what_was_read_before_a_change_or_a_clearing_is_not_shown_after_it() {
        let cache = cache().await;
        let shelf = cache.shelf(10);
        let ticket = shelf.ticket();
        cache.raise(&["raga:1".to_owned()], 9).await;
        shelf.put(ticket, 1, "slow", vec!["raga:1".to_owned()], 8);
        assert!(found(&shelf, &[1]).is_empty());
        cache.clear().await;
        shelf.put(ticket, 1, "slower", vec!["raga:1".to_owned()], 20);
        assert!(found(&shelf, &[1]).is_empty());
        put(&shelf, 1, "new", 3);
        assert_eq!(found(&shelf, &[1]), [(1, "new", 3)], "positions begin anew with a clearing");
    }

    #[tokio::test]
    async fn an_older_reading_replaces_none() {
        let shelf = cache().await.shelf(10);
        put(&shelf, 1, "late", 9);
        put(&shelf, 1, "early", 5);
        assert_eq!(found(&shelf, &[1]), [(1, "late", 9)]);
    }

    #[tokio::test]
    async fn a_shelf_keeps_what_is_asked_for_and_has_a_bound() {
        let shelf = cache().await.shelf(10);
        (0..100).for_each(|key| {
            put(&shelf, key, "value", 1);
            assert_eq!(found(&shelf, &[0]).len(), 1, "asked for all the time");
        });
        let there = found(&shelf, &(0..100).collect::<Vec<_>>()).len();
        assert!((10..=20).contains(&there), "{there}");
    }
}
