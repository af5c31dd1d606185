//! What is kept, and what became of an attempt to keep it.

use bytes::Bytes;
use std::fmt;
use std::sync::Arc;

/// One answer, ready to be sent again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The body, at most [`crate::Cache::VALUE_BYTES_MAX`] bytes.
    pub body: Bytes,
    /// Its strong validator, quotes included.
    pub etag: String,
    /// Surrogate keys of everything it was made from: `composition:0192…`, `list:ragas`.
    pub tags: Vec<String>,
    /// The WAL position that the database node was known to have replayed when the value was read.
    pub lsn: u64,
}

/// Why a value was not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// The key is longer than [`crate::Cache::KEY_BYTES_MAX`].
    KeyTooLong,
    /// The body is larger than [`crate::Cache::VALUE_BYTES_MAX`].
    ValueTooLarge,
    /// More or longer tags than [`crate::Cache::TAGS_MAX`] and [`crate::Cache::KEY_BYTES_MAX`] allow.
    TagsTooLarge,
    /// A value read at a later position is there already.
    Older,
    /// A change behind the position at which the value was read has raised one of its tags.
    Raised,
    /// The cache was cleared while the value was being read.
    Cleared,
}

impl Refusal {
    /// The word for logs and metrics: `value_too_large`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::KeyTooLong => "key_too_long",
            Self::ValueTooLarge => "value_too_large",
            Self::TagsTooLarge => "tags_too_large",
            Self::Older => "older",
            Self::Raised => "raised",
            Self::Cleared => "cleared",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A value, and where it came from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The value.
    pub entry: Arc<Entry>,
    /// Where it came from.
    pub outcome: Outcome,
}

/// Where a value came from: the word in the `X-Cache` header and in the metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// From the cache.
    Hit,
    /// Loaded by somebody else while this caller waited.
    Joined,
    /// Loaded, and kept.
    Miss,
    /// Loaded, and not kept.
    Refused(Refusal),
}

impl Outcome {
    /// The word for headers, logs and metrics: `hit`, `joined`, `miss`, or the refusal's.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Joined => "joined",
            Self::Miss => "miss",
            Self::Refused(refusal) => refusal.as_str(),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
