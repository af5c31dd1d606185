//! The purge feed: what a region's follower tells the edges of its region.
//!
//! A purge has the position of the event that caused it, never a time, so an edge that was cut off asks
//! for everything after the last position that it applied and misses nothing.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The request header in which the API states, to its edge alone, the WAL position that a response was
/// read at; stripped before a client sees it.
pub const READ_LSN_HEADER: &str = "x-sangraha-read-lsn";

/// Surrogate keys of a response, space separated; stripped before a client sees it.
pub const SURROGATE_KEY_HEADER: &str = "surrogate-key";

/// The longest surrogate key: what every CDN can carry.
pub const TAG_BYTES_MAX: usize = 128;

/// Everything with one of `tags` that was read before `floor_lsn` is stale.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purge {
    /// Position in the event stream, gap-free and rising.
    pub position: u64,
    /// What is purged, each a [`Target`] as text: surrogate keys, and addresses.
    pub tags: Vec<String>,
    /// The WAL position (bytes) that a response must have been read at, or later, to be stored again.
    pub floor_lsn: u64,
    /// It need not go: it is confirmed with its origin before its next use.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub soft: bool,
}

/// What a purge can name. A surrogate key has no space, so one text stands for any of them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// Whatever carries the surrogate key.
    Tag(String),
    /// One address with all its variants.
    Url(String),
    /// Every address of a host below a path: `host/path`, whole segments.
    Prefix(String),
    /// Everything of a host.
    Host(String),
    /// Everything.
    All,
}

impl Target {
    /// The tag that everything has.
    pub const ALL: &'static str = "all";
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(tag) => formatter.write_str(tag),
            Self::Url(url) => write!(formatter, "url {url}"),
            Self::Prefix(prefix) => write!(formatter, "prefix {prefix}"),
            Self::Host(host) => write!(formatter, "host {host}"),
            Self::All => formatter.write_str(Self::ALL),
        }
    }
}

/// A text that names nothing that could be purged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this names nothing that could be purged")]
pub struct NoTarget;

impl FromStr for Target {
    type Err = NoTarget;

    fn from_str(text: &str) -> Result<Self, NoTarget> {
        match text.split_once(' ') {
            None if text == Self::ALL => Ok(Self::All),
            None if is_tag(text) => Ok(Self::Tag(text.to_owned())),
            Some(("url", url)) => Ok(Self::Url(url.to_owned())),
            Some(("prefix", prefix)) => Ok(Self::Prefix(prefix.to_owned())),
            Some(("host", host)) => Ok(Self::Host(host.to_owned())),
            _ => Err(NoTarget),
        }
    }
}

/// Whether a text can be a surrogate key: 1 to 128 visible ASCII characters without a comma.
pub fn is_tag(text: &str) -> bool {
    (1..=TAG_BYTES_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',')
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
    /// With `purge_all`: what anything must have been read at, or later, to be stored again. The edge does not
    /// know the floors of the purges that it has not heard.
    #[serde(default)]
    pub floor_lsn: u64,
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
        let purge = Purge { position: 8, tags: vec!["list:ragas".into()], floor_lsn: u64::MAX, soft: true };
        let batch = PurgeBatch { epoch: 1, purge_all: false, purges: vec![purge], position: 8, floor_lsn: 3 };
        let json = serde_json::to_string(&batch).unwrap();
        assert_eq!(serde_json::from_str::<PurgeBatch>(&json).unwrap(), batch);
    }

    #[test]
    fn a_purge_of_an_older_node_is_a_hard_one() {
        let purge: Purge = serde_json::from_str(r#"{"position":1,"tags":["a"],"floor_lsn":2}"#).unwrap();
        assert!(!purge.soft);
    }

    #[test]
    fn a_target_survives_as_text() {
        for target in [
            Target::Tag("raga:kalyani".into()),
            Target::Url("https://a.test/x?y=1".into()),
            Target::Prefix("a.test/v1".into()),
            Target::Host("a.test".into()),
            Target::All,
        ] {
            assert_eq!(target.to_string().parse(), Ok(target));
        }
        let long = "x".repeat(129);
        for text in ["", "a b", "a,b", "ä", "\u{7f}", &long] {
            assert_eq!(text.parse::<Target>(), Err(NoTarget), "{text}");
        }
    }
}
