//! What every endpoint is handed.

use crate::fallback::Freshness;
use crate::held::Held;
use cache::Cache;
use domain::{Clock, Region};
use search::Search;
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;
use store::Reader;

/// Limits of the read API.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Seconds that a node keeps the page of one entity.
    pub detail_s: u64,
    /// Seconds that a node keeps a list.
    pub list_s: u64,
    /// Seconds that a node keeps what is computed from all ragas.
    pub reference_s: u64,
    /// Seconds that the index may be behind the event stream before searches go to the database.
    pub index_stale_s: u64,
    /// Where readers find the site, without a slash at the end: canonical links and the sitemap begin so.
    /// Empty leaves them relative.
    #[serde(default)]
    pub site_url: String,
    /// False switches the cache of answers off: every one is made anew, from the rows that the node keeps.
    pub cached: bool,
}

/// Doors to what is read. Holds nothing that can write.
#[derive(Clone)]
pub struct State {
    /// Live records, from the nearest node that may answer.
    pub reader: Reader,
    /// The index of this region.
    pub search: Search,
    /// Whether that index is fit to answer.
    pub freshness: Arc<Freshness>,
    /// Answers of this process.
    pub cache: Cache,
    /// Rows that this process keeps parsed.
    pub held: Held,
    /// What time it is.
    pub clock: Clock,
    /// Where this process runs.
    pub region: Region,
    /// Lifetimes in the cache.
    pub config: Arc<Config>,
}

/// How long a node keeps an answer, by its kind.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Keep {
    Detail,
    List,
    Reference,
}

impl State {
    pub(crate) fn keep_for(&self, keep: Keep) -> Duration {
        Duration::from_secs(match keep {
            Keep::Detail => self.config.detail_s,
            Keep::List => self.config.list_s,
            Keep::Reference => self.config.reference_s,
        })
    }
}
