//! What an index holds of an entity, and whether a change says something new beside it.

use crate::document::Change;
use std::hash::{DefaultHasher, Hash, Hasher};

/// What an index holds of one entity, those that were deleted included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) version: u64,
    /// Of the content, to recognise what is there already.
    pub(crate) digest: u64,
    pub(crate) live: bool,
}

impl Known {
    /// What the index will hold when it has applied the change.
    pub(crate) fn of(change: &Change) -> Self {
        Self { version: change.version(), digest: digest(change), live: matches!(change, Change::Put(_)) }
    }
}

pub(crate) enum Verdict {
    Stale,
    Unchanged,
    Write,
}

/// The newer version wins. Of the same version a deletion stays, and a document is written again only
/// when it says something else (what it was projected from can change without its own version).
pub(crate) fn verdict(before: Option<Known>, new: Known) -> Verdict {
    match before {
        Some(before) if before.version > new.version => Verdict::Stale,
        Some(before) if before.version == new.version && !before.live && new.live => Verdict::Stale,
        Some(before)
            if before.version == new.version && before.live == new.live && before.digest == new.digest =>
        {
            Verdict::Unchanged
        }
        _ => Verdict::Write,
    }
}

fn digest(change: &Change) -> u64 {
    match change {
        Change::Put(document) => {
            let mut hasher = DefaultHasher::new();
            document.hash(&mut hasher);
            hasher.finish()
        }
        Change::Delete { .. } => 0,
    }
}
