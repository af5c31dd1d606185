//! Generations: what makes an object invalid without looking for it.
//!
//! Every batch of purges is one step of a counter. An object knows the step at which its request to the origin
//! started; each tag knows the steps of its last purges. An object older than the last hard one of one of its tags is
//! gone, one older than a soft one must be confirmed, wherever it lies and whoever is about to store it. A purge of a
//! million objects is one entry in a map.

use crate::see::reason::Reason;
use crate::store::Identity;
use crate::store::ledger::{Ledger, Mark, Record, State};
use crate::store::seed::Seed;
use domain::purge::{Purge, Target};
use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

pub(crate) struct Generations {
    now: AtomicU64,
    marks: RwLock<Marks>,
    hasher: Seed,
    tags_max: usize,
}

/// What purges have left of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Validity {
    Current,
    /// Its origin must confirm it before it is used again; for a failing origin it may still stand in.
    Soft,
    Gone,
}

/// How thorough a purge is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    Soft,
    Hard,
}

#[derive(Default)]
struct Marks {
    by_tag: HashMap<u64, Mark, Identity>,
    /// Fills that started before this step are void.
    oldest: u64,
    /// Fills that started before this step must be confirmed.
    soft_oldest: u64,
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
        Self { now: AtomicU64::new(1), marks: RwLock::default(), hasher: Seed::random(), tags_max }
    }

    /// Goes on where a process before this one ended, and writes down what follows.
    pub(crate) fn resume(tags_max: usize, state: State, ledger: Ledger) -> Self {
        let State { marks: by_tag, now, oldest, soft_oldest, floor_lsn_min, heard } = state;
        let hasher = ledger.seed().clone();
        let (ledger, unwritten) = (Some(ledger), Vec::new());
        let mut marks = Marks { by_tag, oldest, soft_oldest, floor_lsn_min, heard, ledger, unwritten };
        marks.trim(tags_max);
        Self { now: AtomicU64::new(now.max(1)), marks: RwLock::new(marks), hasher, tags_max }
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

    /// An edge that follows a feed and has never heard it cannot know how new an answer has to be, so none that says
    /// how new it is may be stored. The first word of the feed ends that.
    pub(crate) fn await_feed(&self) {
        if self.heard().is_none() {
            self.raise_floor(u64::MAX);
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
        self.tag_of(&[tag])
    }

    /// The tag whose text is in parts.
    pub(crate) fn tag_of(&self, parts: &[&str]) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        parts.iter().for_each(|part| hasher.write(part.as_bytes()));
        hasher.finish()
    }

    /// What became of an object that was asked for at step `fill`.
    pub(crate) fn standing(&self, fill: u64, tags: &[u64]) -> Validity {
        self.marks().standing(fill, tags)
    }

    /// Whether nothing that touches these tags happened since step `fill`.
    #[cfg(test)]
    pub(crate) fn allows(&self, fill: u64, tags: &[u64]) -> bool {
        self.standing(fill, tags) == Validity::Current
    }

    /// Whether a response may be stored: nothing was purged under it, and it was not read from a replica that
    /// had not yet seen what caused the last purge.
    pub(crate) fn admits(&self, fill: u64, tags: &[u64], read_lsn: Option<u64>) -> Result<(), Reason> {
        let marks = self.marks();
        if marks.standing(fill, tags) != Validity::Current {
            return Err(Reason::PurgedInFill);
        }
        let Some(read_lsn) = read_lsn else { return Ok(()) };
        let behind = read_lsn < marks.floor_lsn_min
            || tags.iter().filter_map(|tag| marks.by_tag.get(tag)).any(|mark| read_lsn < mark.floor_lsn);
        if behind { Err(Reason::Floor) } else { Ok(()) }
    }

    /// Applies purges as one step. True where they drop everything, so that memory can be freed.
    pub(crate) fn apply(&self, purges: &[Purge]) -> bool {
        if purges.is_empty() {
            return false;
        }
        self.step(|marks, step| {
            let mut everything = false;
            for purge in purges {
                let depth = if purge.soft { Depth::Soft } else { Depth::Hard };
                for tag in &purge.tags {
                    marks.raise(self.tag(tag), step, depth, purge.floor_lsn);
                    if tag == Target::ALL {
                        marks.raise_all(step, depth);
                        marks.floor_lsn_min = marks.floor_lsn_min.max(purge.floor_lsn);
                        everything |= depth == Depth::Hard;
                    }
                }
            }
            marks.trim(self.tags_max);
            everything
        })
    }

    /// Makes void what has one of these hashes and was fetched before now.
    pub(crate) fn void(&self, hashes: &[u64]) {
        self.mark(hashes, Depth::Hard);
    }

    /// Purges what has one of these hashes and was fetched before now.
    pub(crate) fn mark(&self, hashes: &[u64], depth: Depth) {
        self.step(|marks, step| {
            hashes.iter().for_each(|hash| marks.raise(*hash, step, depth, 0));
            marks.trim(self.tags_max);
        });
    }

    /// Makes everything that was fetched before now void. Read positions of another epoch cannot be compared, so
    /// with a `new_epoch` the floors are forgotten.
    pub(crate) fn drop_all(&self, new_epoch: bool) {
        self.step(|marks, step| {
            if new_epoch {
                marks.forget();
            }
            marks.raise_all(step, Depth::Hard);
        });
    }

    /// What is stored from now on must have been read here, or later: whatever was purged up to there.
    pub(crate) fn raise_floor(&self, floor_lsn: u64) {
        self.step(|marks, _| marks.floor_lsn_min = marks.floor_lsn_min.max(floor_lsn));
    }

    /// Has everything that was fetched before now confirmed.
    pub(crate) fn soften_all(&self) {
        self.step(|marks, step| marks.raise_all(step, Depth::Soft));
    }

    /// One step at a time: the lock is held until the step is visible, and whoever sees it sees its marks.
    fn step<T>(&self, change: impl FnOnce(&mut Marks, u64) -> T) -> T {
        let mut marks = self.marks_mut();
        let step = self.now() + 1;
        let outcome = change(&mut marks, step);
        marks.write(step, self.tags_max);
        self.now.store(step, Ordering::Release);
        outcome
    }

    fn marks_mut(&self) -> RwLockWriteGuard<'_, Marks> {
        self.marks.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn marks(&self) -> RwLockReadGuard<'_, Marks> {
        self.marks.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Marks {
    fn standing(&self, fill: u64, tags: &[u64]) -> Validity {
        if fill < self.oldest {
            return Validity::Gone;
        }
        let mut soft = fill < self.soft_oldest;
        for mark in tags.iter().filter_map(|tag| self.by_tag.get(tag)) {
            if mark.hard > fill {
                return Validity::Gone;
            }
            soft |= mark.soft > fill;
        }
        if soft { Validity::Soft } else { Validity::Current }
    }

    fn raise(&mut self, tag: u64, step: u64, depth: Depth, floor_lsn: u64) {
        let known = self.by_tag.entry(tag).or_default();
        match depth {
            Depth::Soft => known.soft = step,
            Depth::Hard => known.hard = step,
        }
        known.floor_lsn = known.floor_lsn.max(floor_lsn);
        let mark = *known;
        if self.ledger.is_some() {
            self.unwritten.push(Record::Mark { tag, mark });
        }
    }

    /// Fills that are void stay void.
    fn forget(&mut self) {
        self.by_tag.clear();
        self.floor_lsn_min = 0;
        if self.ledger.is_some() {
            self.unwritten.push(Record::Forgotten);
        }
    }

    /// Writes the step down before anybody can see it, as one addition or, when there are many, as a whole.
    fn write(&mut self, now: u64, tags_max: usize) {
        const RECORDS_MIN: usize = 100_000;
        let Self { oldest, soft_oldest, floor_lsn_min, .. } = *self;
        let Some(ledger) = &mut self.ledger else { return };
        self.unwritten.push(Record::Step { now, oldest, soft_oldest, floor_lsn_min });
        ledger.append(&self.unwritten);
        self.unwritten.clear();
        if ledger.records() > RECORDS_MIN + 4 * tags_max {
            let (marks, heard) = (self.by_tag.clone(), self.heard);
            let state = State { marks, now, oldest, soft_oldest, floor_lsn_min, heard };
            if let Err(error) = ledger.rewrite(&state) {
                ledger.give_up(&error);
            }
        }
    }

    fn raise_all(&mut self, step: u64, depth: Depth) {
        match depth {
            Depth::Soft => self.soft_oldest = step,
            Depth::Hard => self.oldest = step,
        }
    }

    /// Gives up the older half when there are too many, and makes the fills void that they guarded.
    fn trim(&mut self, tags_max: usize) {
        if self.by_tag.len() <= tags_max {
            return;
        }
        let mut steps: Vec<u64> = self.by_tag.values().map(Mark::last).collect();
        let middle = steps.len() / 2;
        let cut = *steps.select_nth_unstable(middle).1;
        let floors = self.by_tag.values().filter(|mark| mark.last() <= cut).map(|mark| mark.floor_lsn).max();
        self.floor_lsn_min = self.floor_lsn_min.max(floors.unwrap_or(0));
        self.by_tag.retain(|_, mark| mark.last() > cut);
        self.oldest = self.oldest.max(cut);
    }
}

impl Mark {
    fn last(&self) -> u64 {
        self.hard.max(self.soft)
    }
}

#[cfg(test)]
#[path = "generations_tests.rs"]
mod tests;
