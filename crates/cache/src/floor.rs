//! Floors: up to which position of the WAL each tag has changed.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// The floors of all tags, bounded: when there are too many, the lowest fold into one floor for every
/// tag, which hides more than it must and never less.
#[derive(Default)]
pub(crate) struct Floors {
    by_tag: HashMap<Arc<str>, u64>,
    by_height: BTreeSet<(u64, Arc<str>)>,
    everywhere: u64,
    highest: u64,
    /// The floors of all changes up to here are raised.
    settled: u64,
}

impl Floors {
    /// Most tags with a floor of their own.
    pub(crate) const TAGS_MAX: usize = 65_536;

    /// Raises the floor of `tag`; a floor never sinks.
    pub(crate) fn raise(&mut self, tag: &str, lsn: u64) {
        if self.by_tag.get(tag).is_some_and(|floor| *floor >= lsn) {
            return;
        }
        let tag: Arc<str> = tag.into();
        if let Some(before) = self.by_tag.insert(Arc::clone(&tag), lsn) {
            self.by_height.remove(&(before, Arc::clone(&tag)));
        }
        self.by_height.insert((lsn, tag));
        self.highest = self.highest.max(lsn);
        while self.by_tag.len() > Self::TAGS_MAX {
            self.fold_lowest();
        }
    }

    /// True when something behind position `lsn` has changed one of the tags.
    pub(crate) fn hide(&self, tags: &[String], lsn: u64) -> bool {
        lsn < self.everywhere
            || (lsn < self.highest
                && tags.iter().any(|tag| self.by_tag.get(tag.as_str()).is_some_and(|floor| *floor > lsn)))
    }

    /// No floor up to `lsn` is missing any more.
    pub(crate) fn settle(&mut self, lsn: u64) {
        self.settled = self.settled.max(lsn);
    }

    pub(crate) const fn settled(&self) -> u64 {
        self.settled
    }

    fn fold_lowest(&mut self) {
        if let Some((lsn, tag)) = self.by_height.pop_first() {
            self.by_tag.remove(&tag);
            self.everywhere = self.everywhere.max(lsn);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_at_the_floor_is_valid_and_one_below_is_not() {
        let mut floors = Floors::default();
        floors.raise("raga:1", 10);
        assert!(floors.hide(&["raga:1".into()], 9));
        assert!(!floors.hide(&["raga:1".into()], 10));
        assert!(!floors.hide(&["raga:2".into()], 9));
    }

    #[test]
    fn a_floor_never_sinks() {
        let mut floors = Floors::default();
        floors.raise("raga:1", 10);
        floors.raise("raga:1", 5);
        assert!(floors.hide(&["raga:1".into()], 9));
    }

    #[test]
    fn too_many_floors_hide_more_and_never_less() {
        let mut floors = Floors::default();
        for at in 1..=(Floors::TAGS_MAX as u64 + 10) {
            floors.raise(&format!("raga:{at}"), at);
        }
        assert_eq!(floors.by_tag.len(), Floors::TAGS_MAX);
        assert_eq!(floors.by_height.len(), Floors::TAGS_MAX);
        assert!(floors.hide(&["raga:10".into()], 9), "a folded floor still hides");
        assert!(floors.hide(&["never:raised".into()], 9), "and hides what it need not");
        assert!(!floors.hide(&["never:raised".into()], 10));
    }
}
