//! Objects in memory: a hash map in shards, each with its share of the bytes and a second-chance queue.
//!
//! A read takes a shared lock and sets a flag; only writes move anything.

use crate::store::Identity;
use crate::store::key::Key;
use crate::store::object::Object;
use bytes::Bytes;
use http::HeaderMap;
use prometheus_client::metrics::gauge::Gauge;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Independent parts of the store.
pub(crate) const SHARDS: usize = 16;

/// The most variants of one key; the oldest goes first.
const VARIANTS_MAX: usize = 32;

pub(crate) struct Store {
    shards: Box<[RwLock<Shard>]>,
    shard_bytes_max: usize,
    objects: Gauge,
    bytes: Gauge,
}

/// What a look-up found.
pub(crate) enum Found {
    Object(Arc<Object>),
    /// Other variants of the key.
    OtherVariant,
    Nothing,
}

#[derive(Default)]
struct Shard {
    slots: HashMap<u64, Slot, Identity>,
    /// Hash and slot id in the order of arrival; an id that is not the slot's own is a leftover.
    queue: VecDeque<(u64, u64)>,
    next_id: u64,
    bytes: usize,
}

/// All variants of one key, newest first.
struct Slot {
    key: Bytes,
    id: u64,
    variants: Vec<Arc<Object>>,
    bytes: usize,
    touched: AtomicBool,
}

impl Store {
    pub(crate) fn new(memory_bytes_max: usize, objects: Gauge, bytes: Gauge) -> Self {
        let shards = (0..SHARDS).map(|_| RwLock::default()).collect();
        Self { shards, shard_bytes_max: memory_bytes_max / SHARDS, objects, bytes }
    }

    pub(crate) fn get(&self, key: &Key, asked: &HeaderMap) -> Found {
        let shard = self.read(key.hash);
        let Some(slot) = shard.slots.get(&key.hash).filter(|slot| slot.key == key.text()) else {
            return Found::Nothing;
        };
        match slot.variants.iter().find(|object| object.variant.answers(asked)) {
            Some(object) => {
                if !slot.touched.load(Ordering::Relaxed) {
                    slot.touched.store(true, Ordering::Relaxed);
                }
                Found::Object(object.clone())
            }
            None => Found::OtherVariant,
        }
    }

    /// Puts the answer to a request with the fields `asked` in the place of what would have answered it so far.
    /// False where the object is larger than its share of the memory.
    pub(crate) fn insert(&self, key: &Key, object: Arc<Object>, asked: &HeaderMap) -> bool {
        if object.bytes() + key.text().len() > self.shard_bytes_max {
            return false;
        }
        let mut shard = self.write(key.hash);
        let (objects, bytes) = shard.totals();
        shard.insert(key, object, asked);
        shard.evict(self.shard_bytes_max);
        self.account(&shard, objects, bytes);
        true
    }

    /// Puts back what another tier kept of a key, the newest first; what came meanwhile is newer.
    pub(crate) fn restore(&self, key: &Key, variants: Vec<Arc<Object>>) {
        let mut shard = self.write(key.hash);
        if shard.slots.contains_key(&key.hash) {
            return;
        }
        let (objects, bytes) = shard.totals();
        shard.enter(key, variants);
        shard.evict(self.shard_bytes_max);
        self.account(&shard, objects, bytes);
    }

    /// Removes exactly this object, if it is still there.
    pub(crate) fn remove(&self, key: &Key, object: &Arc<Object>) {
        let mut shard = self.write(key.hash);
        let (objects, bytes) = shard.totals();
        shard.remove(key, object);
        self.account(&shard, objects, bytes);
    }

    /// Puts `new` in the place of exactly this object, if it is still there.
    pub(crate) fn replace(&self, key: &Key, object: &Arc<Object>, new: Arc<Object>) {
        let mut shard = self.write(key.hash);
        let (objects, bytes) = shard.totals();
        shard.replace(key, object, new);
        shard.evict(self.shard_bytes_max);
        self.account(&shard, objects, bytes);
    }

    /// Everything that is held for a key, the newest first.
    pub(crate) fn variants(&self, key: &Key) -> Vec<Arc<Object>> {
        let shard = self.read(key.hash);
        let slot = shard.slots.get(&key.hash).filter(|slot| slot.key == key.text());
        slot.map_or_else(Vec::new, |slot| slot.variants.clone())
    }

    /// Removes every variant of a key.
    pub(crate) fn remove_key(&self, key: &Key) {
        let mut shard = self.write(key.hash);
        let (objects, bytes) = shard.totals();
        if shard.slots.get(&key.hash).is_some_and(|slot| slot.key == key.text()) {
            shard.drop_slot(key.hash);
        }
        self.account(&shard, objects, bytes);
    }

    pub(crate) fn clear(&self) {
        for shard in &self.shards {
            let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
            let (objects, bytes) = shard.totals();
            *shard = Shard { next_id: shard.next_id, ..Shard::default() };
            self.account(&shard, objects, bytes);
        }
    }

    fn account(&self, shard: &Shard, objects_before: i64, bytes_before: i64) {
        let (objects, bytes) = shard.totals();
        self.objects.inc_by(objects - objects_before);
        self.bytes.inc_by(bytes - bytes_before);
    }

    fn read(&self, hash: u64) -> RwLockReadGuard<'_, Shard> {
        self.shards[shard_of(hash)].read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, hash: u64) -> RwLockWriteGuard<'_, Shard> {
        self.shards[shard_of(hash)].write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The upper bits: the map uses the lower ones.
fn shard_of(hash: u64) -> usize {
    usize::from((hash >> 60) as u8) % SHARDS
}

impl Shard {
    /// Slots stand for objects here: nearly all keys have one variant.
    fn totals(&self) -> (i64, i64) {
        (signed(self.slots.len()), signed(self.bytes))
    }

    fn insert(&mut self, key: &Key, object: Arc<Object>, asked: &HeaderMap) {
        match self.slots.get_mut(&key.hash).filter(|slot| slot.key == key.text()) {
            Some(slot) => {
                let before = slot.bytes;
                slot.variants.retain(|other| !other.variant.answers(asked));
                slot.variants.insert(0, object);
                slot.variants.truncate(VARIANTS_MAX);
                slot.bytes =
                    slot.key.len() + slot.variants.iter().map(|object| object.bytes()).sum::<usize>();
                self.bytes = self.bytes - before + slot.bytes;
            }
            None => self.enter(key, vec![object]),
        }
    }

    fn enter(&mut self, key: &Key, variants: Vec<Arc<Object>>) {
        let id = self.next_id;
        self.next_id += 1;
        let bytes = key.text().len() + variants.iter().map(|object| object.bytes()).sum::<usize>();
        let slot = Slot { key: key.text().clone(), id, variants, bytes, touched: AtomicBool::new(false) };
        // Two keys with one hash: the newer wins.
        let replaced = self.slots.insert(key.hash, slot).map_or(0, |slot| slot.bytes);
        self.bytes = self.bytes - replaced + bytes;
        self.queue.push_back((key.hash, id));
        self.sweep();
    }

    fn remove(&mut self, key: &Key, object: &Arc<Object>) {
        let Some(slot) = self.slots.get_mut(&key.hash).filter(|slot| slot.key == key.text()) else { return };
        let Some(index) = slot.variants.iter().position(|other| Arc::ptr_eq(other, object)) else { return };
        let size = slot.variants.remove(index).bytes();
        slot.bytes -= size;
        self.bytes -= size;
        if slot.variants.is_empty() {
            self.drop_slot(key.hash);
        }
    }

    fn replace(&mut self, key: &Key, object: &Arc<Object>, new: Arc<Object>) {
        let Some(slot) = self.slots.get_mut(&key.hash).filter(|slot| slot.key == key.text()) else { return };
        let Some(place) = slot.variants.iter_mut().find(|other| Arc::ptr_eq(other, object)) else { return };
        let (old, added) = (place.bytes(), new.bytes());
        *place = new;
        slot.bytes = slot.bytes - old + added;
        self.bytes = self.bytes - old + added;
    }

    fn evict(&mut self, bytes_max: usize) {
        while self.bytes > bytes_max {
            let Some((hash, id)) = self.queue.pop_front() else { return };
            let Some(slot) = self.slots.get(&hash).filter(|slot| slot.id == id) else { continue };
            if slot.touched.swap(false, Ordering::Relaxed) {
                self.queue.push_back((hash, id));
            } else {
                self.drop_slot(hash);
            }
        }
    }

    fn drop_slot(&mut self, hash: u64) {
        self.bytes -= self.slots.remove(&hash).map_or(0, |slot| slot.bytes);
    }

    /// Keeps leftovers of removed slots from outgrowing the live ones.
    fn sweep(&mut self) {
        const LEFTOVERS_MAX: usize = 1_024;
        if self.queue.len() > 2 * self.slots.len() + LEFTOVERS_MAX {
            let slots = &self.slots;
            self.queue.retain(|(hash, id)| slots.get(hash).is_some_and(|slot| slot.id == *id));
        }
    }
}

fn signed(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Freshness, Profile, Variant};
    use crate::store::key::Spelling;
    use crate::store::object::Made;
    use http::{HeaderName, StatusCode};
    use std::hash::RandomState;

    fn store(memory_bytes_max: usize) -> Store {
        Store::new(memory_bytes_max, Gauge::default(), Gauge::default())
    }

    fn object(body_bytes: usize, vary: &'static str, encoding: &str) -> Arc<Object> {
        let variant = Variant::of(&asked(encoding), &fields("vary", vary), &Profile::RFC).unwrap();
        let freshness = Freshness { lifetime_s: 60, ..Freshness::NONE };
        Arc::new(Object::new(Made {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: vec![0; body_bytes].into(),
            freshness,
            received_us: 0,
            fill: 0,
            tags: [].into(),
            tagged: false,
            variant,
            tag_words: "".into(),
            sliced: None,
        }))
    }

    fn fields(name: &'static str, value: &str) -> HeaderMap {
        [(HeaderName::from_static(name), value.parse().unwrap())].into_iter().collect()
    }

    fn asked(encoding: &str) -> HeaderMap {
        fields("accept-encoding", encoding)
    }

    fn key(text: &str, hasher: &RandomState) -> Key {
        Key::new(false, "host", text, None, Spelling::Canonical, hasher).unwrap()
    }

    #[test]
    fn memory_stays_under_its_limit_and_used_objects_survive() {
        let (store, hasher) = (store(SHARDS * 16_384), RandomState::new());
        let wanted = key("/wanted", &hasher);
        assert!(store.insert(&wanted, object(1_000, "", ""), &asked("")));
        for index in 0..2_000 {
            assert!(matches!(store.get(&wanted, &asked("")), Found::Object(_)), "{index}");
            store.insert(&key(&format!("/{index}"), &hasher), object(1_000, "", ""), &asked(""));
            assert!(store.bytes.get() <= 16 * 16_384);
        }
        assert!(store.objects.get() < 200);
        store.clear();
        assert_eq!((store.objects.get(), store.bytes.get()), (0, 0));
    }

    #[test]
    fn an_object_over_its_share_is_refused() {
        let store = store(SHARDS * 1_000);
        assert!(!store.insert(&key("/a", &RandomState::new()), object(2_000, "", ""), &asked("")));
        assert_eq!(store.bytes.get(), 0);
    }

    #[test]
    fn variants_stand_side_by_side() {
        let (store, hasher) = (store(1 << 20), RandomState::new());
        let key = key("/a", &hasher);
        store.insert(&key, object(1, "accept-encoding", "br"), &asked("br"));
        assert!(matches!(store.get(&key, &asked("gzip")), Found::OtherVariant));
        store.insert(&key, object(2, "accept-encoding", "gzip"), &asked("gzip"));
        for (encoding, body_bytes) in [("br", 1), ("gzip", 2)] {
            let Found::Object(found) = store.get(&key, &asked(encoding)) else { panic!("{encoding}") };
            assert_eq!(found.body.len(), body_bytes);
        }
    }

    #[test]
    fn removing_takes_exactly_one_object() {
        let (store, hasher) = (store(1 << 20), RandomState::new());
        let key = key("/a", &hasher);
        let (old, new) = (object(1, "", ""), object(2, "", ""));
        store.insert(&key, old.clone(), &asked(""));
        store.insert(&key, new.clone(), &asked(""));
        store.remove(&key, &old);
        assert!(matches!(store.get(&key, &asked("")), Found::Object(_)));
        store.remove(&key, &new);
        assert!(matches!(store.get(&key, &asked("")), Found::Nothing));
        assert_eq!(store.bytes.get(), 0);
    }
}
