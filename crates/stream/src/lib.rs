//! Committed events, in order: *that* something changed, under positions without gaps.
//!
//! The relay appends, followers read. The order is total and never changes; reading twice gives the same;
//! the same event appended twice is there once; a reader that waits returns soon after an append; `head`
//! never goes back within an epoch; reading below what was trimmed is [`Error::Trimmed`], and leads to a
//! rebuild.
//!
//! The keys of an order to purge come with its entry: they are all that it is.
//!
//! A log, not a queue: no groups, no acknowledgements, no retries. Whoever reads keeps a position beside what
//! it feeds. Time limits and size limits are here; a backend only translates.

#![expect(
    missing_docs,
    reason = "a field whose name is the whole definition, as in `domain`, needs no sentence"
)]

#[cfg(test)]
mod conformance;
mod postgres;

use async_trait::async_trait;
use domain::Event;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
pub use store::{OutboxCursor, PurgeTargets};
use store::{Reader, Writer};
use tokio::time::{Instant, sleep};

/// Where the log is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "backend", rename_all = "snake_case", deny_unknown_fields)]
pub enum Config {
    /// Tables of the database; every replica is a readable copy.
    #[default]
    Postgres,
}

/// An event that is to be appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// The epoch in which it was recorded.
    pub epoch: u64,
    pub event: Event,
    /// WAL position, in bytes: a node that has replayed it shows the change.
    pub lsn: u64,
    /// True where it is delivered before the standby has it.
    pub ungated: bool,
}

/// An event at its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Rises by one from entry to entry, from 1.
    pub position: u64,
    /// The epoch in which it was recorded.
    pub epoch: u64,
    pub event: Event,
    /// WAL position, in bytes: a node that has replayed it shows the change.
    pub lsn: u64,
    /// True where it was delivered before the standby had it.
    pub ungated: bool,
    /// Of an order to purge: the keys and addresses that are purged.
    pub purge: Option<PurgeTargets>,
}

/// The newest place of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Positions of two epochs cannot be compared.
    pub epoch: u64,
    /// 0 for an empty log.
    pub position: u64,
    /// Positions up to here are gone.
    pub trimmed: u64,
    /// Whether the copy that says so is known to be recent: false where no copy that can be reached is, so that the log
    /// may have gone on for long.
    pub is_current: bool,
}

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Positions up to `trimmed` are gone: rebuild from the truth instead.
    #[error("the log begins after position {trimmed}")]
    Trimmed { trimmed: u64 },
    /// This process only reads: no primary is configured.
    #[error("this process cannot append to the log")]
    ReadOnly,
    /// More events than [`Stream::BATCH_MAX`].
    #[error("at most {} events are appended at once", Stream::BATCH_MAX)]
    TooMany,
    /// The place where the log is kept failed.
    #[error("the event log could not be reached")]
    Backend(#[source] store::Error),
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Trimmed { trimmed } => Self::Trimmed { trimmed },
            other => Self::Backend(other),
        }
    }
}

/// The log. Clones are the same log.
#[derive(Clone)]
pub struct Stream {
    backend: Arc<dyn Backend>,
    /// The newest head that was seen, as epoch and position: a replica behind it does not take it back.
    seen: Arc<[AtomicU64; 2]>,
}

/// What a place for the log must do.
#[async_trait]
trait Backend: Send + Sync + 'static {
    /// Adds the events that are not there yet, in their order, and remembers `cursor`, all or nothing.
    /// Answers the new head's position.
    async fn append(&self, events: &[Pending], cursor: Option<OutboxCursor>) -> Result<u64, Error>;
    /// Entries after `after`, in order, without waiting. Refuses positions that were trimmed.
    async fn read(&self, after: u64, max: usize) -> Result<Vec<Entry>, Error>;
    /// Both ends, as the nearest copy has them.
    async fn head(&self) -> Result<Head, Error>;
    /// Forgets entries up to `up_to`.
    async fn trim(&self, up_to: u64) -> Result<u64, Error>;
}

impl Stream {
    /// The most events of one append or read.
    pub const BATCH_MAX: usize = 500;
    /// The longest wait of one read.
    pub const WAIT_MAX: Duration = Duration::from_secs(30);
    /// How often a waiting reader looks: a replica cannot tell it.
    const POLL: Duration = Duration::from_millis(10);

    /// Opens the log. Without a writer it can only be read.
    pub async fn open(config: &Config, reader: Reader, writer: Option<Writer>) -> Result<Self, Error> {
        let backend: Arc<dyn Backend> = match config {
            Config::Postgres => Arc::new(postgres::Postgres { reader, writer }),
        };
        Ok(Self { backend, seen: Arc::default() })
    }

    /// Adds `events` in their order, each once by its id, and in the same commit remembers that the outbox
    /// has been read up to `cursor`. Answers the position of the new head.
    pub async fn append(&self, events: &[Pending], cursor: Option<OutboxCursor>) -> Result<u64, Error> {
        if events.len() > Self::BATCH_MAX {
            return Err(Error::TooMany);
        }
        self.backend.append(events, cursor).await
    }

    /// Entries after the position `after`, in order, at most `max`. Where there are none it waits for the
    /// first, at most `wait`, and answers nothing if none came.
    pub async fn read(&self, after: u64, max: usize, wait: Duration) -> Result<Vec<Entry>, Error> {
        let deadline = Instant::now() + wait.min(Self::WAIT_MAX);
        loop {
            let entries = self.backend.read(after, max.clamp(1, Self::BATCH_MAX)).await?;
            if !entries.is_empty() || Instant::now() >= deadline {
                return Ok(entries);
            }
            sleep(Self::POLL.min(deadline.saturating_duration_since(Instant::now()))).await;
        }
    }

    /// The newest place of the log; never behind one that was answered before in the same epoch.
    pub async fn head(&self) -> Result<Head, Error> {
        let head = self.backend.head().await?;
        let [epoch, position] = &*self.seen;
        if epoch.fetch_max(head.epoch, Ordering::AcqRel) < head.epoch {
            position.store(head.position, Ordering::Release);
        }
        Ok(Head { position: position.fetch_max(head.position, Ordering::AcqRel).max(head.position), ..head })
    }

    /// Forgets entries up to the position `up_to`; reading below it fails from then on. Answers how many.
    pub async fn trim(&self, up_to: u64) -> Result<u64, Error> {
        self.backend.trim(up_to).await
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Stream")
    }
}
