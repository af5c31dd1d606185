//! Texts that found nothing good: which names and spellings readers miss. Folded keys and counts alone; who
//! typed them is not known here.

use serde::Serialize;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Most texts that are remembered; the rarest make room.
const MISSES_MAX: usize = 1_000;
/// Longest key that is remembered, in bytes.
const KEY_BYTES_MAX: usize = 120;

/// One text that found nothing good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Miss {
    /// The folded text.
    pub key: String,
    /// The script that it was typed in.
    pub script: String,
    /// How often, since the process began.
    pub count: u64,
}

#[derive(Default)]
pub(crate) struct Misses(Mutex<HashMap<(String, &'static str), u64>>);

impl Misses {
    pub(crate) fn note(&self, text: &str) {
        let beginning = &text[..text.floor_char_boundary(4 * KEY_BYTES_MAX)];
        let mut key = lipi::k1_joined(beginning);
        key.truncate(key.floor_char_boundary(KEY_BYTES_MAX));
        if key.is_empty() {
            return;
        }
        let script = lipi::script_of(beginning).as_str();
        tracing::debug!(search.key = %key, search.script = script, "A search found nothing good");
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry((key, script)).or_default() += 1;
        if counts.len() > MISSES_MAX {
            let rarest = counts.iter().min_by_key(|(key, count)| (**count, (*key).clone()));
            if let Some(rarest) = rarest.map(|(key, _)| key.clone()) {
                counts.remove(&rarest);
            }
        }
    }

    pub(crate) fn list(&self) -> Vec<Miss> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<Miss> = counts
            .iter()
            .map(|((key, script), count)| Miss {
                key: key.clone(),
                script: (*script).to_owned(),
                count: *count,
            })
            .collect();
        all.sort_unstable_by(|a, b| b.count.cmp(&a.count).then_with(|| a.key.cmp(&b.key)));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_folded_counted_and_bounded() {
        let misses = Misses::default();
        misses.note("Xyzzy!");
        misses.note("xyzzy");
        misses.note("*");
        misses.note(&"క".repeat(1_000_000));
        assert_eq!((misses.list()[0].key.as_str(), misses.list()[0].count), ("ksyjy", 2));
        (0..2_000).for_each(|number| misses.note(&format!("word{number}")));
        assert_eq!(misses.list().len(), MISSES_MAX);
        assert!(misses.list()[0].count >= 2, "the frequent stay");
    }
}
