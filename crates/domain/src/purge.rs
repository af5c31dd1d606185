//! The purge feed: what a region's follower tells the edges of its region.
//!
//! A purge has the position of the event that caused it, never a time, so an edge that was cut off asks
//! for everything after the last position that it applied and misses nothing.

use serde::{Deserialize, Serialize};

/// The request header in which the API states, to its edge alone, the WAL position that a response was
/// read at; stripped before a client sees it.
pub const READ_LSN_HEADER: &str = "x-sangraha-read-lsn";

/// Surrogate keys of a response, space separated; stripped before a client sees it.
pub const SURROGATE_KEY_HEADER: &str = "surrogate-key";

/// Everything with one of `tags` that was read before `floor_lsn` is stale.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purge {
    /// Position in the event stream, gap-free and rising.
    pub position: u64,
    /// Surrogate keys.
    pub tags: Vec<String>,
    /// The WAL position (bytes) that a response must have been read at, or later, to be stored again.
    pub floor_lsn: u64,
}

/// One answer of the feed: `GET /internal/purges?edge=NAME&after=POSITION&wait_ms=N`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurgeBatch {
    /// The database epoch; positions of two epochs cannot be compared, so a change means "purge all".
    pub epoch: u64,
    /// Set where the asked position is unknown here (trimmed, or from another epoch): drop everything.
    pub purge_all: bool,
    /// In order of position; at most [`PurgeBatch::PURGES_MAX`].
    pub purges: Vec<Purge>,
    /// The position that the edge has after applying this batch; the next `after`.
    pub position: u64,
}

impl PurgeBatch {
    /// The most purges in one answer.
    pub const PURGES_MAX: usize = 1_000;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_survives_the_wire() {
        let purge = Purge { position: 8, tags: vec!["list:ragas".into()], floor_lsn: u64::MAX };
        let batch = PurgeBatch { epoch: 1, purge_all: false, purges: vec![purge], position: 8 };
        let json = serde_json::to_string(&batch).unwrap();
        assert_eq!(serde_json::from_str::<PurgeBatch>(&json).unwrap(), batch);
    }
}
