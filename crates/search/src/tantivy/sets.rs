//! Sets of documents of one segment, and the scratch memory in which they are made.
//!
//! A set is a bit for each document: uniting and intersecting sets costs the same however they were found,
//! which is a few microseconds for a million documents. The memory goes from search to search.

use ::tantivy::DocId;

/// A set of documents.
#[derive(Debug, Default)]
pub(super) struct Set {
    words: Vec<u64>,
}

impl Set {
    fn clear(&mut self, documents: u32) {
        self.words.clear();
        self.words.resize((documents as usize).div_ceil(64), 0);
    }

    pub(super) fn insert(&mut self, doc: DocId) {
        if let Some(word) = self.words.get_mut(doc as usize / 64) {
            *word |= 1 << (doc % 64);
        }
    }

    pub(super) fn unite(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word |= other);
    }

    pub(super) fn intersect(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word &= other);
    }

    pub(super) fn remove(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word &= !other);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// The documents, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = DocId> + '_ {
        let words = (0_u32..).zip(&self.words).filter(|(_, word)| **word != 0);
        words.flat_map(|(at, word)| {
            let rest = |word: &u64| Some(word & (word - 1)).filter(|rest| *rest != 0);
            std::iter::successors(Some(*word), rest).map(move |word| at * 64 + word.trailing_zeros())
        })
    }
}

/// Memory that a search uses and gives back.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    sets: Vec<Set>,
    /// Terms of an `AtLeast` that each document has; all zero between two conditions.
    pub(super) terms: Vec<u16>,
    /// The most of them, over conditions of equal strength; all zero between two strengths.
    pub(super) most: Vec<u16>,
    /// Documents by value; all zero between two searches.
    pub(super) counts: Vec<u32>,
}

impl Scratch {
    /// An empty set.
    pub(super) fn set(&mut self, documents: u32) -> Set {
        let mut set = self.sets.pop().unwrap_or_default();
        set.clear(documents);
        set
    }

    pub(super) fn give_back(&mut self, set: Set) {
        self.sets.push(set);
    }

    /// Makes room for a number for each document.
    pub(super) fn reserve(&mut self, documents: u32) {
        let documents = documents as usize;
        if self.terms.len() < documents {
            self.terms.resize(documents, 0);
            self.most.resize(documents, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_unite_intersect_and_list_in_order() {
        let mut scratch = Scratch::default();
        let of = |scratch: &mut Scratch, docs: &[u32]| {
            let mut set = scratch.set(200);
            docs.iter().for_each(|doc| set.insert(*doc));
            set
        };
        let (mut one, two) = (of(&mut scratch, &[199, 0, 63, 64]), of(&mut scratch, &[64, 65, 900]));
        assert_eq!(one.iter().collect::<Vec<_>>(), [0, 63, 64, 199]);
        one.unite(&two);
        assert_eq!(one.iter().count(), 5, "what is beyond the segment is not in it");
        one.intersect(&two);
        assert_eq!(one.iter().collect::<Vec<_>>(), [64, 65]);
        one.remove(&two);
        assert!(one.is_empty());
        scratch.give_back(two);
        assert!(scratch.set(70).is_empty(), "memory comes back clean");
    }
}
