//! Generations: what makes an object invalid without looking for it.
//!
//! Every batch of purges is one step of a counter. An object knows the step at which its request to the origin
//! started; each tag knows the step of its last purge. An object older than one of its tags is gone, wherever it
//! lies and whoever is about to store it. A purge of a million objects is one entry in a map.

use crate::see::reason::Reason;
use crate::store::Identity;
use domain::purge::Purge;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

/// The tag that everything has.
const ALL: &str = "all";

pub(crate) struct Generations {
    now: AtomicU64,
    /// Fills that started before this step are void.
    oldest: AtomicU64,
    marks: RwLock<Marks>,
    hasher: RandomState,
    tags_max: usize,
}

#[derive(Default)]
struct Marks {
    by_tag: HashMap<u64, Mark, Identity>,
    /// The highest floor among the marks that were given up.
    floor_lsn_min: u64,
}

#[derive(Clone, Copy)]
struct Mark {
    step: u64,
    floor_lsn: u64,
}

impl Generations {
    pub(crate) fn new(tags_max: usize) -> Self {
        let (now, oldest) = (AtomicU64::new(1), AtomicU64::new(0));
        Self { now, oldest, marks: RwLock::default(), hasher: RandomState::new(), tags_max }
    }

    /// The present step; a fill notes it before it asks the origin.
    pub(crate) fn now(&self) -> u64 {
        self.now.load(Ordering::Acquire)
    }

    /// A keyed hash stands for a tag: should two tags share one, too much is purged, never too little.
    pub(crate) fn tag(&self, tag: &str) -> u64 {
        self.hasher.hash_one(tag)
    }

    /// Whether nothing that touches these tags happened since step `fill`.
    pub(crate) fn allows(&self, fill: u64, tags: &[u64]) -> bool {
        let marks = self.marks();
        fill >= self.oldest.load(Ordering::Acquire) && tags.iter().all(|tag| marks.step(*tag) <= fill)
    }

    /// Whether a response may be stored: nothing was purged under it, and it was not read from a replica that
    /// had not yet seen what caused the last purge.
    pub(crate) fn admits(&self, fill: u64, tags: &[u64], read_lsn: Option<u64>) -> Result<(), Reason> {
        if !self.allows(fill, tags) {
            return Err(Reason::PurgedInFill);
        }
        let Some(read_lsn) = read_lsn else { return Ok(()) };
        let marks = self.marks();
        let behind = !tags.is_empty() && read_lsn < marks.floor_lsn_min
            || tags.iter().filter_map(|tag| marks.by_tag.get(tag)).any(|mark| read_lsn < mark.floor_lsn);
        if behind { Err(Reason::Floor) } else { Ok(()) }
    }

    /// Applies purges as one step. True where they include the tag of everything, so that memory can be freed.
    pub(crate) fn apply(&self, purges: &[Purge]) -> bool {
        if purges.is_empty() {
            return false;
        }
        let all = purges.iter().any(|purge| purge.tags.iter().any(|tag| tag == ALL));
        self.step(|marks, step| {
            for purge in purges {
                for tag in &purge.tags {
                    marks.raise(self.tag(tag), Mark { step, floor_lsn: purge.floor_lsn });
                }
                if all {
                    marks.floor_lsn_min = marks.floor_lsn_min.max(purge.floor_lsn);
                }
            }
            let cut = marks.trim(self.tags_max);
            self.oldest.fetch_max(if all { step } else { cut }, Ordering::AcqRel);
        });
        all
    }

    /// Makes void what has one of these hashes and was fetched before now.
    pub(crate) fn void(&self, hashes: &[u64]) {
        self.step(|marks, step| {
            for hash in hashes {
                marks.raise(*hash, Mark { step, floor_lsn: 0 });
            }
            let cut = marks.trim(self.tags_max);
            self.oldest.fetch_max(cut, Ordering::AcqRel);
        });
    }

    /// Makes everything that was fetched before now void. Read positions of another epoch cannot be compared, so
    /// with a `new_epoch` the floors are forgotten.
    pub(crate) fn drop_all(&self, new_epoch: bool) {
        self.step(|marks, step| {
            if new_epoch {
                *marks = Marks::default();
            }
            self.oldest.store(step, Ordering::Release);
        });
    }

    /// One step at a time: the lock is held until the step is visible, and whoever sees it sees its marks.
    fn step(&self, change: impl FnOnce(&mut Marks, u64)) {
        let mut marks = self.marks.write().unwrap_or_else(PoisonError::into_inner);
        let step = self.now() + 1;
        change(&mut marks, step);
        self.now.store(step, Ordering::Release);
    }

    fn marks(&self) -> RwLockReadGuard<'_, Marks> {
        self.marks.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Marks {
    fn step(&self, tag: u64) -> u64 {
        self.by_tag.get(&tag).map_or(0, |mark| mark.step)
    }

    fn raise(&mut self, tag: u64, mark: Mark) {
        let known = self.by_tag.entry(tag).or_insert(mark);
        known.step = mark.step;
        known.floor_lsn = known.floor_lsn.max(mark.floor_lsn);
    }

    /// Gives up the older half when there are too many, and says which fills become void by that.
    fn trim(&mut self, tags_max: usize) -> u64 {
        if self.by_tag.len() <= tags_max {
            return 0;
        }
        let mut steps: Vec<u64> = self.by_tag.values().map(|mark| mark.step).collect();
        let middle = steps.len() / 2;
        let cut = *steps.select_nth_unstable(middle).1;
        let floors = self.by_tag.values().filter(|mark| mark.step <= cut).map(|mark| mark.floor_lsn).max();
        self.floor_lsn_min = self.floor_lsn_min.max(floors.unwrap_or(0));
        self.by_tag.retain(|_, mark| mark.step > cut);
        cut
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn purge(position: u64, tags: &[&str], floor_lsn: u64) -> Purge {
        Purge { position, tags: tags.iter().map(|tag| (*tag).to_owned()).collect(), floor_lsn }
    }

    #[test]
    fn a_purge_voids_what_was_fetched_before_it() {
        let generations = Generations::new(100);
        let (a, b) = ([generations.tag("a")], [generations.tag("b")]);
        let before = generations.now();
        generations.apply(&[purge(1, &["a"], 0)]);
        assert!(!generations.allows(before, &a));
        assert!(generations.allows(before, &b));
        assert!(generations.allows(generations.now(), &a));
        assert_eq!(generations.admits(before, &a, None), Err(Reason::PurgedInFill));
    }

    #[test]
    fn a_response_read_before_the_floor_is_not_stored() {
        let generations = Generations::new(100);
        generations.apply(&[purge(1, &["a"], 500)]);
        let (fill, a) = (generations.now(), [generations.tag("a")]);
        assert_eq!(generations.admits(fill, &a, Some(499)), Err(Reason::Floor));
        assert_eq!(generations.admits(fill, &a, Some(500)), Ok(()));
        assert_eq!(generations.admits(fill, &a, None), Ok(()));
        assert_eq!(generations.admits(fill, &[generations.tag("b")], Some(1)), Ok(()));
    }

    #[test]
    fn a_floor_never_falls() {
        let generations = Generations::new(100);
        generations.apply(&[purge(1, &["a"], 500), purge(2, &["a"], 400)]);
        let a = [generations.tag("a")];
        assert_eq!(generations.admits(generations.now(), &a, Some(450)), Err(Reason::Floor));
    }

    #[test]
    fn the_tag_of_everything_voids_everything() {
        let generations = Generations::new(100);
        let before = generations.now();
        assert!(generations.apply(&[purge(1, &["all"], 7)]));
        assert!(!generations.allows(before, &[]));
        let fill = generations.now();
        assert_eq!(generations.admits(fill, &[generations.tag("a")], Some(6)), Err(Reason::Floor));
        assert!(generations.allows(fill, &[]));
    }

    #[test]
    fn forgetting_marks_voids_the_fills_that_they_guarded() {
        let generations = Generations::new(10);
        let first = generations.now();
        for position in 1..=11 {
            generations.apply(&[purge(position, &[&format!("t{position}")], position)]);
        }
        assert!(generations.marks().by_tag.len() <= 10);
        assert!(!generations.allows(first, &[generations.tag("t1")]));
        let fill = generations.now();
        assert_eq!(generations.admits(fill, &[generations.tag("t1")], Some(0)), Err(Reason::Floor));
    }

    #[test]
    fn dropping_all_voids_even_untagged_fills() {
        let generations = Generations::new(10);
        let before = generations.now();
        generations.drop_all(false);
        assert!(!generations.allows(before, &[]));
        assert!(generations.allows(generations.now(), &[]));
    }

    #[test]
    fn floors_outlive_a_drop_but_not_an_epoch() {
        let generations = Generations::new(10);
        generations.apply(&[purge(1, &["a"], 500)]);
        let a = [generations.tag("a")];
        generations.drop_all(false);
        assert_eq!(generations.admits(generations.now(), &a, Some(1)), Err(Reason::Floor));
        generations.drop_all(true);
        assert_eq!(generations.admits(generations.now(), &a, Some(1)), Ok(()));
    }
}
