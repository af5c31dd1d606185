//! Generations: what makes an object invalid without looking for it.
//!
//! Every batch of purges is one step of a counter. An object knows the step at which its request to the origin
//! started; each tag knows the step of its last purge. An object older than one of its tags is gone, wherever it
//! lies and whoever is about to store it. A purge of a million objects is one entry in a map.

use crate::see::reason::Reason;
use crate::store::Identity;
use crate::store::ledger::{Ledger, Mark, Record, State};
use crate::store::seed::Seed;
use domain::purge::Purge;
use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// The tag that everything has.
const ALL: &str = "all";

pub(crate) struct Generations {
    now: AtomicU64,
    /// Fills that started before this step are void.
    oldest: AtomicU64,
    marks: RwLock<Marks>,
    hasher: Seed,
    tags_max: usize,
}

#[derive(Default)]
struct Marks {
    by_tag: HashMap<u64, Mark, Identity>,
    /// The highest floor among the marks that were given up.
    floor_lsn_min: u64,
    /// Epoch and position that the feed told last.
    heard: Option<(u64, u64)>,
    /// Where all this is written down, for objects that outlive the process.
    ledger: Option<Ledger>,
    /// What the present step has to add to it.
    unwritten: Vec<Record>,
}

impl Generations {
    pub(crate) fn new(tags_max: usize) -> Self {
        let (now, oldest) = (AtomicU64::new(1), AtomicU64::new(0));
        Self { now, oldest, marks: RwLock::default(), hasher: Seed::random(), tags_max }
    }

    /// Goes on where a process before this one ended, and writes down what follows.
    pub(crate) fn resume(tags_max: usize, state: State, ledger: Ledger) -> Self {
        let State { marks, now, oldest, floor_lsn_min, heard, .. } = state;
        let mut marks =
            Marks { by_tag: marks, floor_lsn_min, heard, ledger: Some(ledger), ..Marks::default() };
        let oldest = oldest.max(marks.trim(tags_max));
        let hasher = marks.ledger.as_ref().map_or_else(Seed::random, |ledger| ledger.seed().clone());
        let (now, oldest) = (AtomicU64::new(now.max(1)), AtomicU64::new(oldest));
        Self { now, oldest, marks: RwLock::new(marks), hasher, tags_max }
    }

    /// It names tags and addresses alike.
    pub(crate) const fn seed(&self) -> &Seed {
        &self.hasher
    }

    /// What the feed told last, in this process or before it.
    pub(crate) fn heard(&self) -> Option<(u64, u64)> {
        self.marks().heard
    }

    /// Remembers how far the feed was followed; what it told up to there is applied already.
    pub(crate) fn hear(&self, epoch: u64, position: u64) {
        let mut marks = self.marks_mut();
        if marks.heard.replace((epoch, position)) != Some((epoch, position))
            && let Some(ledger) = &mut marks.ledger
        {
            ledger.append(&[Record::Heard { epoch, position }]);
        }
    }

    /// Nothing follows.
    pub(crate) fn close(&self) {
        if let Some(mut ledger) = self.marks_mut().ledger.take() {
            ledger.close();
        }
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
                    marks.raise(self.tag(tag), Mark { hard: step, soft: 0, floor_lsn: purge.floor_lsn });
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
                marks.raise(*hash, Mark { hard: step, soft: 0, floor_lsn: 0 });
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
                marks.forget();
            }
            self.oldest.store(step, Ordering::Release);
        });
    }

    /// One step at a time: the lock is held until the step is visible, and whoever sees it sees its marks.
    fn step(&self, change: impl FnOnce(&mut Marks, u64)) {
        let mut marks = self.marks_mut();
        let step = self.now() + 1;
        change(&mut marks, step);
        marks.write(step, self.oldest.load(Ordering::Acquire), self.tags_max);
        self.now.store(step, Ordering::Release);
    }

    fn marks_mut(&self) -> RwLockWriteGuard<'_, Marks> {
        self.marks.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn marks(&self) -> RwLockReadGuard<'_, Marks> {
        self.marks.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Marks {
    fn step(&self, tag: u64) -> u64 {
        self.by_tag.get(&tag).map_or(0, |mark| mark.hard)
    }

    fn raise(&mut self, tag: u64, mark: Mark) {
        let known = self.by_tag.entry(tag).or_insert(mark);
        known.hard = mark.hard;
        known.floor_lsn = known.floor_lsn.max(mark.floor_lsn);
        if self.ledger.is_some() {
            self.unwritten.push(Record::Mark { tag, mark: *known });
        }
    }

    fn forget(&mut self) {
        self.by_tag.clear();
        self.floor_lsn_min = 0;
        if self.ledger.is_some() {
            self.unwritten.push(Record::Forgotten);
        }
    }

    /// Writes the step down before anybody can see it, as one addition or, when there are many, as a whole.
    fn write(&mut self, now: u64, oldest: u64, tags_max: usize) {
        const RECORDS_MIN: usize = 100_000;
        let Some(ledger) = &mut self.ledger else { return };
        self.unwritten.push(Record::Step { now, oldest, soft_oldest: 0, floor_lsn_min: self.floor_lsn_min });
        ledger.append(&self.unwritten);
        self.unwritten.clear();
        if ledger.records() > RECORDS_MIN + 4 * tags_max {
            let state = State {
                marks: self.by_tag.clone(),
                now,
                oldest,
                soft_oldest: 0,
                floor_lsn_min: self.floor_lsn_min,
                heard: self.heard,
            };
            if let Err(error) = ledger.rewrite(&state) {
                ledger.give_up(&error);
            }
        }
    }

    /// Gives up the older half when there are too many, and says which fills become void by that.
    fn trim(&mut self, tags_max: usize) -> u64 {
        if self.by_tag.len() <= tags_max {
            return 0;
        }
        let mut steps: Vec<u64> = self.by_tag.values().map(|mark| mark.hard).collect();
        let middle = steps.len() / 2;
        let cut = *steps.select_nth_unstable(middle).1;
        let floors = self.by_tag.values().filter(|mark| mark.hard <= cut).map(|mark| mark.floor_lsn).max();
        self.floor_lsn_min = self.floor_lsn_min.max(floors.unwrap_or(0));
        self.by_tag.retain(|_, mark| mark.hard > cut);
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
