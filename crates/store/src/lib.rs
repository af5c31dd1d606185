//! PostgreSQL, the only system of record: pools, transactions and all SQL of Sangraha.
//!
//! [`Reader`] answers from the nearest replica that is fresh enough, and falls back by a written order; it
//! connects as a role that can see live rows only, so that no mistake above can show a draft. [`Writer`]
//! writes on the primary through [`Tx`]: state, revision, audit entry and outbox event in one commit, and
//! every commit names the epoch of the database that it believes in.
//!
//! Promises: one [`Read`] is answered by one node; dropping a [`Tx`] rolls back; a [`CommitPoint`] is a WAL
//! position at which the commit is visible; a read states a WAL position that it certainly includes.
//!
//! Does not know: HTTP, the search index, caches, or how events travel after the log.

#![expect(
    missing_docs,
    reason = "a field whose name is the whole definition, as in `domain`, needs no sentence"
)]

mod access;
mod aggregates;
mod audit;
mod compositions;
mod config;
mod detail;
mod entities;
mod epoch;
mod error;
mod events;
mod exchange;
mod graph;
mod history;
mod idempotency;
mod label;
mod lag;
mod lookup;
mod merges;
mod metrics;
mod node;
mod outbox;
mod page;
mod parked;
mod pools;
mod projection;
mod purges;
mod reports;
mod roles;
mod similar;
mod statement;
mod truth;
mod tx;
mod verdicts;
mod wire;

pub use access::{AccountRow, ApiKeyRow, NewApiKey};
pub use aggregates::{AggregateFilter, AggregateRow, NamePart, RevisionRow};
pub use audit::{AuditContext, AuditFilter, AuditReport};
pub use compositions::{CompositionFilter, CompositionRow, RagaMode, Sort};
pub use config::{Config, Node, Secret};
pub use detail::{Fingerprint, GroupRow, Live, Resolved};
pub use entities::{BrowseRow, EntityFilter, EntityRow, Letter, RagaRow};
pub use epoch::{EpochRow, Heartbeat};
pub use error::Error;
pub use events::{StreamHead, StreamRow};
pub use exchange::{DatasetRow, ExchangeRow};
pub use graph::{Edge, Graph};
pub use history::{Published, PublishedRow};
pub use idempotency::Idempotency;
pub use label::{Label, ScriptLabel};
pub use lookup::{Found, FoundName, Lookup};
pub use merges::NewMerge;
pub use node::{NodeHealth, NodeRole};
pub use outbox::{Leadership, OutboxBatch, OutboxCursor, OutboxRow, OutboxState, Wakeups};
pub use page::{Cursor, Page};
pub use parked::{Parked, Unreadable};
pub use pools::{Read, ReadPolicy, Reader, Writer};
pub use purges::{PurgeOrder, PurgeRow, PurgeTargets};
pub use reports::{NewReport, ReportAnswer, ReportFilter, ReportRow};
pub use roles::Passwords;
pub use similar::SimilarRow;
pub use truth::{Truth, document_version};
pub use tx::{CommitPoint, Tx};
pub use verdicts::{Put, VerdictRow};

use domain::metrics::Metrics;
use domain::{Clock, Region};
use tokio_util::sync::CancellationToken;

/// The doors to the database.
#[derive(Clone, Debug)]
pub struct Store {
    /// Reads of what is live, from the nearest node that may answer.
    pub reader: Reader,
    /// Writes and strong reads; none where the configuration names no primary.
    pub writer: Option<Writer>,
}

impl Store {
    /// Makes the pools, probes every node once, and keeps probing until `stop`. Nodes that are down do not
    /// fail it: they are found when they return.
    pub async fn open(
        config: &Config,
        region: Region,
        clock: Clock,
        metrics: Metrics,
        stop: CancellationToken,
    ) -> Result<Self, Error> {
        config.check()?;
        let metrics = metrics::StoreMetrics::register(&metrics);
        let reader = Reader::open(config, &region, &metrics, &stop).await?;
        let writer = match &config.primary {
            Some(primary) => Some(Writer::open(config, primary, &region, clock, &metrics, &stop).await?),
            None => None,
        };
        Ok(Self { reader, writer })
    }

    /// Creates the roles that the migrations grant to, or sets their passwords. Runs as a superuser.
    pub async fn create_roles(superuser_url: &str, passwords: &Passwords) -> Result<(), Error> {
        roles::create(superuser_url, passwords).await
    }

    /// Creates the database `name`, owned by `sangraha_owner`, unless it exists. Runs as a superuser.
    pub async fn create_database(superuser_url: &str, name: &str) -> Result<(), Error> {
        roles::create_database(superuser_url, name).await
    }

    /// Brings the schema up to date. Runs as `sangraha_owner`; two at once wait for each other.
    pub async fn migrate(owner_url: &str) -> Result<(), Error> {
        roles::migrate(owner_url).await
    }
}
