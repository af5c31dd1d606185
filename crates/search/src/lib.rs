//! Full text and facets: one index a region, fed by that region's follower, read by its public API.
//!
//! [`Search`] is a plain value to clone. It promises: the newer version of a document wins, deletions
//! included, in whatever order changes arrive, and of equal versions the later document; what
//! [`Search::apply`] accepted is found when it returns; one text gives the same hits in the same order
//! whichever script or spelling it is typed in, on every node; counts of facets equal the hits they lead to;
//! pages neither repeat nor skip; a rebuild is invisible until it is whole. The index says itself how far it
//! has followed the log of events ([`Search::position`]), and can be deleted at any time: opened empty, it
//! asks to be rebuilt.
//!
//! **Where things are decided.** [`engine`] is the border: an engine stores folded terms and columns and
//! answers requests about them. What a text means (`reading`, `words`, `names`, `plan`), which hit is better
//! (`judge`, `similar`) and what is shown (`answer`, `marks`) is decided on this side of it, once for all
//! engines; that is why they agree.
//!
//! Keys come from `lipi` alone. The index holds ids of ragas, composers and the rest, never their names,
//! so labels are the reader's business; it knows no database, no event and no HTTP.

mod answer;
#[cfg(test)]
mod conformance;
mod document;
pub mod engine;
mod fields;
mod held;
mod judge;
mod marks;
mod misses;
mod names;
mod opensearch;
mod plan;
mod query;
mod reading;
mod scan;
mod similar;
mod swaras;
mod tantivy;
mod words;

pub use document::{Change, Document, LyricSection, SwaraSection, Title, TitleKind};
pub use misses::Miss;
pub use opensearch::{OpenSearchConfig, Password};
pub use query::{
    Answer, Cursor, Explanation, Facet, FacetCounts, Filters, Held, HeldAfter, Hit, Interpretation,
    LyricPlace, MatchClass, Matched, Query, RagaMode, Sort, Suggest, Suggestion, UnknownFacet,
};
pub use swaras::{SwaraMistake, SwaraPattern};

use answer::Searcher;
use arc_swap::ArcSwap;
use engine::{Order, Request, Retriever};
use misses::Misses;
use names::Names;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use domain::EntityRef;
use domain::metrics::Metrics;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;

/// Which engine holds the index, and its limits.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "backend", rename_all = "snake_case", deny_unknown_fields)]
pub enum Config {
    /// In this process, in files.
    Tantivy {
        /// The folder of the index; made when it is missing. One process at a time may hold it.
        path: PathBuf,
        /// Memory for documents that wait to be written, in bytes; at least 15 MB. More makes a rebuild
        /// of a large catalogue faster and each single change slower.
        #[serde(default = "writer_memory_bytes")]
        writer_memory_bytes: usize,
        /// Longest time for one query, in milliseconds; what is found by then is the answer.
        #[serde(default = "query_ms_max")]
        query_ms_max: u64,
    },
    /// On servers, over HTTP.
    #[serde(rename = "opensearch")]
    OpenSearch(OpenSearchConfig),
}

const fn writer_memory_bytes() -> usize {
    15_000_000
}

const fn query_ms_max() -> u64 {
    80
}

impl Config {
    /// The embedded index in `path`, with the limits that a configuration file leaves out.
    pub fn tantivy(path: impl Into<PathBuf>) -> Self {
        Self::Tantivy {
            path: path.into(),
            writer_memory_bytes: writer_memory_bytes(),
            query_ms_max: query_ms_max(),
        }
    }

    /// Refuses what cannot work, with a sentence.
    pub fn check(&self) -> Result<(), Error> {
        match self {
            Self::Tantivy { .. } => Ok(()),
            Self::OpenSearch(config) => config.check(),
        }
    }

    /// What works and may surprise, as sentences.
    pub fn warnings(&self) -> Vec<String> {
        match self {
            Self::Tantivy { .. } => Vec::new(),
            Self::OpenSearch(config) => config.warnings(),
        }
    }
}

/// How far the log of events is done: position `position` of epoch `epoch`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// Reign of the primary that numbered the events.
    pub epoch: u64,
    /// Number of the last event whose every layer is done.
    pub position: u64,
}

/// What became of a batch of changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Documents written.
    pub put: usize,
    /// Entities removed.
    pub deleted: usize,
    /// Changes that were already there.
    pub unchanged: usize,
    /// Changes older than what the index has.
    pub stale: usize,
}

/// Size and state of the index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Documents that can be found.
    pub documents: u64,
    /// Bytes on disk.
    pub bytes: u64,
    /// Name of the generation that is read.
    pub generation: String,
    /// See [`Search::position`].
    pub position: Option<Position>,
}

/// Why the index could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process holds the folder.
    #[error("the index in `{path}` is in use by another process")]
    Locked {
        /// The folder.
        path: PathBuf,
    },
    /// The folder cannot be read or written.
    #[error("the index in `{path}` cannot be read or written")]
    Directory {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The configuration makes no sense.
    #[error("search: {0}")]
    Config(String),
    /// A batch is larger than [`Search::BATCH_CHANGES_MAX`].
    #[error("{changes} changes at once are more than {}", Search::BATCH_CHANGES_MAX)]
    BatchTooLarge {
        /// Number of changes given.
        changes: usize,
    },
    /// A document is larger than the limits of [`Document`].
    #[error("the document of {entity} is larger than the index takes")]
    DocumentTooLarge {
        /// Whose document.
        entity: EntityRef,
    },
    /// The engine cannot hold this document; all others of its batch are written.
    #[error("the index refuses the document of {entity}: {reason}")]
    DocumentRefused {
        /// Whose document.
        entity: EntityRef,
        /// What the engine said.
        reason: String,
    },
    /// The page asked for is larger than [`Query::LIMIT_MAX`], or empty.
    #[error("{limit} hits on a page are not possible")]
    Limit {
        /// Number of hits asked for.
        limit: usize,
    },
    /// More filter values than [`Query::FILTER_VALUES_MAX`].
    #[error("{values} filter values are more than {}", Query::FILTER_VALUES_MAX)]
    TooManyFilters {
        /// Number of values given.
        values: usize,
    },
    /// The cursor belongs to another query, or to none.
    #[error("the cursor does not fit this query")]
    Cursor,
    /// A rebuild is under way.
    #[error("a rebuild of the index is already under way")]
    RebuildRunning,
    /// The rebuilt index does not hold what was written to it; the old one stays.
    #[error("the rebuilt index holds {found} documents instead of {expected}")]
    RebuildIncomplete {
        /// Documents that were written.
        expected: u64,
        /// Documents that can be found.
        found: u64,
    },
    /// The engine failed.
    #[error("the index failed to {action}")]
    Engine {
        /// What was attempted.
        action: &'static str,
        /// What the engine said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Error {
    /// The one document that stands in the way of its batch, where it is one.
    pub const fn document(&self) -> Option<EntityRef> {
        match self {
            Self::DocumentTooLarge { entity } | Self::DocumentRefused { entity, .. } => Some(*entity),
            _ => None,
        }
    }
}

/// The promises of this crate; a backend only translates. Limits are checked before it is asked.
#[async_trait]
trait Backend: Retriever + 'static {
    /// Newer versions win; returns when the changes can be found.
    async fn apply(&self, changes: Vec<Change>) -> Result<Applied, Error>;
    /// Live documents in the order of their ids.
    async fn versions(&self, after: HeldAfter, limit: usize) -> Result<Vec<Held>, Error>;
    /// Kept beside the documents.
    async fn position(&self) -> Result<Option<Position>, Error>;
    /// The same as it was last heard of, never ahead of the documents.
    fn known_position(&self) -> Option<Position>;
    /// Durable before the next batch of changes is.
    async fn set_position(&self, position: Position) -> Result<(), Error>;
    /// An empty index beside the one that is read.
    async fn begin_rebuild(&self) -> Result<Box<dyn RebuildBackend>, Error>;
    /// Number of documents that could be found after the last change.
    fn documents(&self) -> u64;
    /// Cheap enough for a health page, not for every change.
    async fn stats(&self) -> Result<Stats, Error>;
}

/// A rebuild in the making. Dropped without a swap it leaves no trace.
#[async_trait]
trait RebuildBackend: Send + Sync {
    /// As [`Backend::apply`], seen by nobody yet.
    async fn apply(&mut self, changes: Vec<Change>) -> Result<Applied, Error>;
    /// Verifies, then replaces what is read, at once and for good.
    async fn swap(self: Box<Self>, position: Position) -> Result<Stats, Error>;
}

/// The index of this region.
#[derive(Clone)]
pub struct Search {
    backend: Arc<dyn Backend>,
    /// Names that link, of the documents that are read.
    names: Arc<ArcSwap<Names>>,
    misses: Arc<Misses>,
    query_time_max: Duration,
    observed: Observed,
}

impl Search {
    /// Most changes of one batch.
    pub const BATCH_CHANGES_MAX: usize = 1_000;
    /// Most entities that one call of [`Search::versions`] lists.
    pub const VERSIONS_MAX: usize = 10_000;

    /// Opens the index, or begins an empty one where there is none that this program can read.
    pub async fn open(config: &Config, metrics: &Metrics) -> Result<Self, Error> {
        let (backend, query_ms_max): (Arc<dyn Backend>, u64) = match config.clone() {
            Config::Tantivy { path, writer_memory_bytes, query_ms_max } => {
                (Arc::new(tantivy::Tantivy::open(path, writer_memory_bytes).await?), query_ms_max)
            }
            Config::OpenSearch(config) => {
                let query_ms_max = config.query_ms_max;
                (Arc::new(opensearch::OpenSearch::open(&config)?), query_ms_max)
            }
        };
        let search = Self {
            backend,
            names: Arc::new(ArcSwap::from_pointee(Names::empty())),
            misses: Arc::default(),
            query_time_max: Duration::from_millis(query_ms_max),
            observed: Observed::new(metrics),
        };
        // An engine on other machines may be away for now; whoever feeds it asks again.
        if let Err(error) = search.learn().await {
            tracing::warn!(error = &error as &dyn std::error::Error, "The index cannot be asked yet");
        }
        Ok(search)
    }

    async fn learn(&self) -> Result<(), Error> {
        self.backend.position().await?;
        self.stats().await?;
        self.refresh_names().await
    }

    /// Writes a batch of changes. When it returns, queries see all of them, and a crash forgets none.
    pub async fn apply(&self, changes: &[Change]) -> Result<Applied, Error> {
        check_batch(changes)?;
        let applied = self.backend.apply(changes.to_vec()).await?;
        if changes.iter().any(|change| is_linked(change.entity().kind)) && applied.put + applied.deleted > 0 {
            self.refresh_names().await?;
        }
        self.observed.applied.inc_by((applied.put + applied.deleted) as u64);
        self.observed.stale.inc_by(applied.stale as u64);
        self.observed.documents.set(clamp(self.backend.documents()));
        Ok(applied)
    }

    /// Searches.
    pub async fn query(&self, query: &Query) -> Result<Answer, Error> {
        check_query(query)?;
        let names = self.names.load_full();
        let answer = self.searcher(&names, query.ms_max).answer(query).await?;
        if answer.total == 0 || answer.low_confidence {
            self.misses.note(query.text.as_deref().unwrap_or_default());
        }
        self.observed.queries.inc();
        self.observed.empty.inc_by(u64::from(answer.total == 0));
        self.observed.partial.inc_by(u64::from(answer.partial));
        Ok(answer)
    }

    /// The same from another engine, when the index cannot answer: by the same reading and in the same order,
    /// as far as that engine knows. The answer says that it is degraded.
    pub async fn query_elsewhere(&self, engine: &dyn Retriever, query: &Query) -> Result<Answer, Error> {
        check_query(query)?;
        let names = self.names_by(engine).await?;
        let searcher = Searcher { engine, degraded: true, ..self.searcher(&names, query.ms_max) };
        let answer =
            Searcher { deadline: Instant::now() + ELSEWHERE_TIME_MAX, ..searcher }.answer(query).await?;
        self.observed.degraded.inc();
        Ok(answer)
    }

    /// As [`Search::query_elsewhere`], for [`Search::suggest`].
    pub async fn suggest_elsewhere(
        &self,
        engine: &dyn Retriever,
        suggest: &Suggest,
    ) -> Result<Vec<Suggestion>, Error> {
        check_suggest(suggest)?;
        let names = self.names_by(engine).await?;
        Searcher { engine, degraded: true, ..self.searcher(&names, None) }.suggest(suggest).await
    }

    /// Suggests names for what has been typed so far.
    pub async fn suggest(&self, suggest: &Suggest) -> Result<Vec<Suggestion>, Error> {
        check_suggest(suggest)?;
        self.observed.suggests.inc();
        let names = self.names.load_full();
        self.searcher(&names, None).suggest(suggest).await
    }

    /// Texts that found nothing good, folded, the most frequent first: what aliases are missing.
    pub fn misses(&self) -> Vec<Miss> {
        self.misses.list()
    }

    /// Reads the names that link anew. Done by itself after every change through this value; another
    /// process that shares the engine calls it now and then.
    pub async fn refresh_names(&self) -> Result<(), Error> {
        self.learn_names(self.backend.as_ref()).await
    }

    /// The names that link. Where the index was away from the beginning, those that the other engine knows.
    async fn names_by(&self, engine: &dyn Retriever) -> Result<Arc<Names>, Error> {
        if !self.names.load().has_entities() {
            self.learn_names(engine).await?;
        }
        Ok(self.names.load_full())
    }

    async fn learn_names(&self, engine: &dyn Retriever) -> Result<(), Error> {
        let mut found = Vec::new();
        let mut after = None;
        loop {
            let request = Request {
                kinds: names::KINDS.iter().map(|(kind, _)| *kind).collect(),
                clauses: Vec::new(),
                filters: Vec::new(),
                facets: Vec::new(),
                order: Order::Title(lipi::Script::Latin),
                keep: NAMES_PER_PAGE,
                after: after.take(),
                lyrics: false,
                deadline: Instant::now() + NAMES_TIME_MAX,
            };
            let page = engine.retrieve(request).await?.candidates;
            let is_last = page.len() < NAMES_PER_PAGE;
            after = page.last().map(|last| (last.primary, last.rank.clone()));
            found.extend(page);
            if is_last {
                break;
            }
        }
        self.names.store(Arc::new(Names::of(&found)));
        Ok(())
    }

    fn searcher<'a>(&'a self, names: &'a Names, ms_max: Option<u64>) -> Searcher<'a> {
        let asked = ms_max.map_or(self.query_time_max, Duration::from_millis);
        Searcher {
            engine: self.backend.as_ref(),
            names,
            position: self.backend.known_position(),
            deadline: Instant::now() + asked.min(self.query_time_max),
            degraded: false,
        }
    }

    /// What the index holds, in the order of ids, from behind `after`: to compare with the database.
    /// Lists at most `limit` entities, and never more than [`Search::VERSIONS_MAX`].
    pub async fn versions(&self, after: Option<uuid::Uuid>, limit: usize) -> Result<Vec<Held>, Error> {
        self.backend.versions(after, limit.min(Self::VERSIONS_MAX)).await
    }

    /// How far the log of events is done; none for an index that nothing was fed to: rebuild it.
    pub async fn position(&self) -> Result<Option<Position>, Error> {
        self.backend.position().await
    }

    /// The same as it was last heard of: never ahead of what is found, and asked of nobody.
    pub fn known_position(&self) -> Option<Position> {
        self.backend.known_position()
    }

    /// Remembers how far the log of events is done, when every layer behind the index has followed too.
    /// After a crash it may have gone back a little, never forward.
    pub async fn set_position(&self, position: Position) -> Result<(), Error> {
        self.backend.set_position(position).await
    }

    /// Begins an empty index beside the one that is read. One at a time.
    pub async fn begin_rebuild(&self) -> Result<Rebuild, Error> {
        Ok(Rebuild { backend: self.backend.begin_rebuild().await?, search: self.clone() })
    }

    /// Size and state.
    pub async fn stats(&self) -> Result<Stats, Error> {
        let stats = self.backend.stats().await?;
        self.observed.documents.set(clamp(stats.documents));
        self.observed.bytes.set(clamp(stats.bytes));
        Ok(stats)
    }
}

fn check_query(query: &Query) -> Result<(), Error> {
    if query.limit == 0 || query.limit > Query::LIMIT_MAX {
        return Err(Error::Limit { limit: query.limit });
    }
    match query.filters.value_count() {
        values if values > Query::FILTER_VALUES_MAX => Err(Error::TooManyFilters { values }),
        _ => Ok(()),
    }
}

const fn check_suggest(suggest: &Suggest) -> Result<(), Error> {
    match suggest.limit {
        1..=Suggest::LIMIT_MAX => Ok(()),
        limit => Err(Error::Limit { limit }),
    }
}

/// Longest time of another engine that stands in.
const ELSEWHERE_TIME_MAX: Duration = Duration::from_secs(3);
/// Named entities read at a time.
const NAMES_PER_PAGE: usize = 2_000;
/// Longest time for one page of them.
const NAMES_TIME_MAX: Duration = Duration::from_secs(30);

fn is_linked(kind: domain::EntityKind) -> bool {
    names::KINDS.iter().any(|(linked, _)| *linked == kind)
}

fn clamp(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// An index in the making, which nobody reads. Dropping it gives it up.
pub struct Rebuild {
    backend: Box<dyn RebuildBackend>,
    search: Search,
}

impl Rebuild {
    /// Writes a batch; newer versions win here too.
    pub async fn apply(&mut self, changes: &[Change]) -> Result<Applied, Error> {
        check_batch(changes)?;
        self.backend.apply(changes.to_vec()).await
    }

    /// Verifies the new index and puts it in the place of the old one in one step. The one before stays
    /// on disk, the one before that goes. Feed the rest of the log from `position` on.
    pub async fn swap(self, position: Position) -> Result<Stats, Error> {
        let stats = self.backend.swap(position).await?;
        self.search.refresh_names().await?;
        self.search.stats().await?;
        tracing::info!(
            search.generation = %stats.generation,
            search.documents = stats.documents,
            "Swapped in a rebuilt index of {} documents",
            stats.documents
        );
        Ok(stats)
    }
}

fn check_batch(changes: &[Change]) -> Result<(), Error> {
    if changes.len() > Search::BATCH_CHANGES_MAX {
        return Err(Error::BatchTooLarge { changes: changes.len() });
    }
    changes.iter().try_for_each(|change| match change {
        Change::Put(document) => document.check(),
        Change::Delete { .. } => Ok(()),
    })
}

#[derive(Clone)]
struct Observed {
    queries: Counter,
    suggests: Counter,
    empty: Counter,
    partial: Counter,
    degraded: Counter,
    applied: Counter,
    stale: Counter,
    documents: Gauge,
    bytes: Gauge,
}

impl Observed {
    fn new(metrics: &Metrics) -> Self {
        Self {
            queries: metrics.counter("search_queries", "Searches answered"),
            suggests: metrics.counter("search_suggests", "Suggestions asked for"),
            empty: metrics.counter("search_empty", "Searches that found nothing"),
            partial: metrics.counter("search_partial", "Searches whose time ran out"),
            degraded: metrics
                .counter("search_degraded", "Searches answered by another engine than the index"),
            applied: metrics.counter("search_applied", "Documents written to or removed from the index"),
            stale: metrics.counter("search_stale", "Changes older than what the index had"),
            documents: metrics.gauge("search_documents", "Documents that can be found"),
            bytes: metrics.gauge("search_bytes", "Bytes of the index on disk"),
        }
    }
}
