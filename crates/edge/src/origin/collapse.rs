//! Single flight: one request to the origin for everyone who asks the same question at the same time.
//!
//! A flight belongs to the generation in which it began: who asks after a purge starts a new one, so that nobody
//! is given an answer that was on its way before the purge. A question whose answer could not be shared is left
//! alone for a while (hit-for-miss), so that its askers do not queue behind each other.

use crate::origin::fill::Account;
use crate::origin::growing::Growing;
use crate::origin::slices::Broken;
use crate::origin::upstream::Failure;
use crate::store::Identity;
use crate::store::key::Key;
use crate::store::object::Object;
use bytes::Bytes;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// How a flight ended, for those who waited.
#[derive(Clone)]
pub(crate) enum Landing {
    Object(Arc<Object>, Account),
    /// It is still arriving, and can be read from its first byte.
    Growing(Arc<Growing>, Account),
    Failed(Failure),
    /// Of a long body, to those who want this slice of it.
    Slice(Result<Bytes, Broken>),
    /// The answer belongs to the leader: each of the others asks for itself.
    NotShared,
}

pub(crate) type Waiting = watch::Receiver<Option<Landing>>;

/// What a request that found nothing is to do.
pub(crate) enum Boarding {
    Lead(Leader),
    Wait(Waiting),
    Alone,
}

pub(crate) struct Flights {
    open: Mutex<HashMap<u64, Flight, Identity>>,
    hit_for_miss: Mutex<HashMap<u64, Instant, Identity>>,
    hit_for_miss_for: Duration,
}

struct Flight {
    key: Bytes,
    generation: u64,
    landing: Waiting,
}

impl Flights {
    /// Marks beyond this are swept; the sweep may lose some, which costs one collapse each.
    const MARKS_MAX: usize = 16_384;

    pub(crate) fn new(hit_for_miss_for: Duration) -> Self {
        Self { open: Mutex::default(), hit_for_miss: Mutex::default(), hit_for_miss_for }
    }

    pub(crate) fn board(self: &Arc<Self>, key: &Key, generation: u64) -> Boarding {
        let mut open = locked(&self.open);
        if let Some(flight) = open.get(&key.hash) {
            if flight.key != key.text() {
                return Boarding::Alone;
            }
            // A leader that died leaves a closed channel.
            if flight.generation == generation && flight.landing.has_changed().is_ok() {
                return Boarding::Wait(flight.landing.clone());
            }
        }
        let (announce, landing) = watch::channel(None);
        open.insert(key.hash, Flight { key: key.text().clone(), generation, landing: landing.clone() });
        Boarding::Lead(Leader { flights: self.clone(), hash: key.hash, announce, landing })
    }

    /// Whether the last answer to this question could not be shared.
    pub(crate) fn is_hit_for_miss(&self, key: &Key, now: Instant) -> bool {
        let mut marks = locked(&self.hit_for_miss);
        let Some(until) = marks.get(&key.hash) else { return false };
        let holds = now < *until;
        if !holds {
            marks.remove(&key.hash);
        }
        holds
    }

    pub(crate) fn mark(&self, key: &Key, shared: bool) {
        let mut marks = locked(&self.hit_for_miss);
        if shared {
            marks.remove(&key.hash);
            return;
        }
        let now = Instant::now();
        if marks.len() >= Self::MARKS_MAX {
            marks.retain(|_, until| now < *until);
        }
        if marks.len() >= Self::MARKS_MAX {
            marks.clear();
        }
        marks.insert(key.hash, now + self.hit_for_miss_for);
    }
}

/// The right and duty to ask the origin for everyone. Dropping it ends the flight: without an announcement the next
/// one leads, with one its answer is in the store, or was not to be.
pub(crate) struct Leader {
    flights: Arc<Flights>,
    hash: u64,
    announce: watch::Sender<Option<Landing>>,
    landing: Waiting,
}

impl Leader {
    pub(crate) fn announce(&self, landing: Landing) {
        self.announce.send_replace(Some(landing));
    }
}

impl Drop for Leader {
    fn drop(&mut self) {
        let mut open = locked(&self.flights.open);
        if open.get(&self.hash).is_some_and(|flight| flight.landing.same_channel(&self.landing)) {
            open.remove(&self.hash);
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::key::Spelling;
    use std::hash::RandomState;

    fn key(text: &str) -> Key {
        Key::new(false, "host", text, None, Spelling::Canonical, &RandomState::new()).unwrap()
    }

    #[tokio::test]
    async fn the_second_waits_for_the_first() {
        let (flights, key) = (Arc::new(Flights::new(Duration::from_secs(10))), key("/a"));
        let Boarding::Lead(leader) = flights.board(&key, 1) else { panic!() };
        let Boarding::Wait(mut waiting) = flights.board(&key, 1) else { panic!() };
        leader.announce(Landing::NotShared);
        drop(leader);
        assert!(matches!(*waiting.wait_for(Option::is_some).await.unwrap(), Some(Landing::NotShared)));
        assert!(matches!(flights.board(&key, 1), Boarding::Lead(_)));
    }

    #[tokio::test]
    async fn a_purge_splits_the_group() {
        let (flights, key) = (Arc::new(Flights::new(Duration::from_secs(10))), key("/a"));
        let Boarding::Lead(first) = flights.board(&key, 1) else { panic!() };
        let Boarding::Lead(second) = flights.board(&key, 2) else { panic!() };
        first.announce(Landing::NotShared);
        drop(first);
        assert!(matches!(flights.board(&key, 2), Boarding::Wait(_)), "the first must not close the second");
        drop(second);
    }

    #[tokio::test]
    async fn when_the_leader_dies_the_next_leads() {
        let (flights, key) = (Arc::new(Flights::new(Duration::from_secs(10))), key("/a"));
        let Boarding::Lead(leader) = flights.board(&key, 1) else { panic!() };
        let Boarding::Wait(mut waiting) = flights.board(&key, 1) else { panic!() };
        drop(leader);
        assert!(waiting.wait_for(Option::is_some).await.is_err());
        assert!(matches!(flights.board(&key, 1), Boarding::Lead(_)));
    }

    #[test]
    fn hit_for_miss_ends_by_time_or_by_a_shared_answer() {
        let (flights, key) = (Arc::new(Flights::new(Duration::from_secs(10))), key("/a"));
        let now = Instant::now();
        flights.mark(&key, false);
        assert!(flights.is_hit_for_miss(&key, now));
        flights.mark(&key, true);
        assert!(!flights.is_hit_for_miss(&key, now));
        flights.mark(&key, false);
        assert!(!flights.is_hit_for_miss(&key, now + Duration::from_secs(11)));
    }
}
