//! The outbox: events recorded with the change that caused them, and read by one relay in commit order.
//!
//! The number of a row is not its place in the order of commits, so the relay reads behind the horizon: only
//! rows of transactions below which none is still open. One long transaction therefore holds everything up,
//! which the limits of the connections bound.

use crate::error::Error;
use crate::node::NodeState;
use crate::parked::Unreadable;
use crate::pools::Writer;
use crate::statement::Statement;
use crate::tx::Tx;
use crate::wire::{count_at, entity_at, signed, value_of};
use chrono::{DateTime, Duration as Span, Utc};
use domain::aggregate::Change;
use domain::{EntityRef, Event, EventKind};
use sqlx::postgres::{PgConnection, PgListener, PgRow};
use sqlx::{Connection, Row};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How far the outbox has been read: transaction, then row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct OutboxCursor {
    pub tx: u64,
    pub seq: i64,
}

/// An event as it waits for the relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxRow {
    pub cursor: OutboxCursor,
    pub epoch: u64,
    pub event: Event,
}

/// What the relay read at once.
#[derive(Clone, Debug, Default)]
pub struct OutboxBatch {
    /// In commit order.
    pub rows: Vec<OutboxRow>,
    /// The ones among them that this program cannot read.
    pub unreadable: Vec<Unreadable>,
    /// The place of the last of all; none for an empty batch.
    pub cursor: Option<OutboxCursor>,
    /// WAL position, in bytes: every node that has replayed it shows the changes, and the primary has
    /// flushed it. 0 without rows.
    pub lsn: u64,
}

/// What waits for the relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutboxState {
    pub pending: u64,
    /// Of the oldest that waits.
    pub age_ms: u64,
    /// Set aside: see [`Writer::outbox_parked`].
    pub parked: u64,
}

impl OutboxBatch {
    fn take(&mut self, row: &PgRow) -> Result<(), Error> {
        let cursor = cursor_of(row)?;
        (self.cursor, self.lsn) = (Some(cursor), count_at(row, "lsn")?);
        match event_of(row) {
            Ok(event) => self.rows.push(OutboxRow { cursor, epoch: count_at(row, "epoch")?, event }),
            Err(Error::Corrupt(reason)) => {
                self.unreadable.push(Unreadable { event_id: row.try_get("event_id")?, reason });
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

impl Tx {
    /// Records the event of `change`, if it has one, fenced by the epoch in the same statement.
    pub async fn record(&mut self, change: &Change) -> Result<(), Error> {
        match &change.event {
            Some(event) => self.record_event(event).await,
            None => Ok(()),
        }
    }

    /// Records an event.
    pub async fn record_event(&mut self, event: &Event) -> Result<(), Error> {
        let statement = Statement::new(RECORD)
            .bind(signed(self.epoch()))
            .bind(event.id)
            .bind(event.kind.as_str())
            .bind(subject_kind(event))
            .bind(subject_id(event))
            .bind(event.version)
            .bind(event.at);
        self.fenced(statement).await?;
        self.recorded = true;
        Ok(())
    }
}

impl Writer {
    /// The next events behind the horizon, at most `max`, and a position that includes them.
    pub async fn outbox_batch(&self, after: OutboxCursor, max: usize) -> Result<OutboxBatch, Error> {
        let max = max.clamp(1, Self::OUTBOX_BATCH_MAX) as i64;
        let statement = Statement::new(BATCH).bind(after.tx.to_string()).bind(after.seq).bind(max);
        let rows = self.rows(statement).await?;
        let mut batch = OutboxBatch::default();
        for row in &rows {
            batch.take(row)?;
        }
        Ok(batch)
    }

    /// The most events of one batch.
    pub const OUTBOX_BATCH_MAX: usize = 500;

    /// How far the log says that the outbox has been read.
    pub async fn outbox_cursor(&self) -> Result<OutboxCursor, Error> {
        let row = self.row(Statement::new(CURSOR)).await?;
        let row = row.ok_or_else(|| Error::Corrupt("the cursor row is missing".to_owned()))?;
        cursor_of(&row)
    }

    /// What waits for the relay, and what it set aside.
    pub async fn outbox_state(&self) -> Result<OutboxState, Error> {
        let row = self.row(Statement::new(STATE)).await?;
        let row = row.ok_or_else(|| Error::Corrupt("the cursor row is missing".to_owned()))?;
        let count = |column| count_at(&row, column);
        Ok(OutboxState { pending: count("pending")?, age_ms: count("age_ms")?, parked: count("parked")? })
    }

    /// Deletes relayed events older than `kept_for`, at least [`Writer::OUTBOX_KEPT_HOURS_MIN`], so that
    /// whoever fell behind can read them again. Answers how many.
    pub async fn outbox_delete_relayed(&self, kept_for: Span) -> Result<u64, Error> {
        let kept_for = kept_for.max(Span::hours(Self::OUTBOX_KEPT_HOURS_MIN));
        let before = self.0.clock.now().checked_sub_signed(kept_for).unwrap_or(DateTime::UNIX_EPOCH);
        self.deleted(Statement::new(DELETE_RELAYED).bind(before)).await
    }

    /// Relayed events are kept at least this long.
    pub const OUTBOX_KEPT_HOURS_MIN: i64 = 24;

    /// The present end of the WAL, in bytes.
    pub async fn insert_lsn(&self) -> Result<u64, Error> {
        match self.row(Statement::new(INSERT_LSN)).await? {
            Some(row) => count_at(&row, "lsn"),
            None => Ok(0),
        }
    }

    /// The WAL position, in bytes, that the standby with this application name has flushed; none where it
    /// is not connected.
    pub async fn flushed_lsn(&self, standby: &str) -> Result<Option<u64>, Error> {
        let row = self.row(Statement::new(FLUSHED_LSN).bind(standby.to_owned())).await?;
        row.map(|row| count_at(&row, "lsn")).transpose()
    }

    /// Tries to lead `task` (`relay`): at most one process at a time holds the lock, on a connection of
    /// its own.
    pub async fn lead(&self, task: &str) -> Result<Option<Leadership>, Error> {
        self.check_available()?;
        let mut connection = self.0.node.connect().await?;
        let rows = Statement::new(LEAD).bind(task.to_owned()).fetch(&mut connection).await?;
        let leads = rows.first().map_or(Ok(false), |row| row.try_get("leads"))?;
        Ok(leads.then_some(Leadership { connection }))
    }

    /// Listens for commits that recorded events.
    pub async fn wakeups(&self) -> Result<Wakeups, Error> {
        self.check_available()?;
        let mut listener = PgListener::connect_with(&self.0.node.pool()).await?;
        listener.listen(CHANNEL).await?;
        Ok(Wakeups { listener })
    }

    pub(crate) async fn deleted(&self, statement: Statement) -> Result<u64, Error> {
        match self.row(statement).await? {
            Some(row) => count_at(&row, "deleted"),
            None => Ok(0),
        }
    }
}

/// The leadership of a task; given up when it is dropped.
#[derive(Debug)]
pub struct Leadership {
    connection: PgConnection,
}

impl Leadership {
    /// Fails where the connection, and the lock with it, is gone. To be asked before each batch.
    pub async fn check(&mut self) -> Result<(), Error> {
        match timeout(LEADERSHIP_CHECK_MAX, self.connection.ping()).await {
            Ok(outcome) => Ok(outcome?),
            Err(_elapsed) => Err(Error::Unavailable(None)),
        }
    }

    /// Gives it up at once, so that another process need not wait for the connection to be noticed.
    pub async fn resign(self) {
        drop(timeout(LEADERSHIP_CHECK_MAX, self.connection.close()).await);
    }
}

const LEADERSHIP_CHECK_MAX: Duration = Duration::from_secs(1);

/// Commits that recorded events, heard from any process.
#[derive(Debug)]
pub struct Wakeups {
    listener: PgListener,
}

impl Wakeups {
    /// Waits for the next one, at most `wait`; false where none came. A lost connection counts as a
    /// wake-up: something may have been missed.
    pub async fn next(&mut self, wait: Duration) -> Result<bool, Error> {
        match timeout(wait, self.listener.try_recv()).await {
            Ok(outcome) => {
                outcome?;
                Ok(true)
            }
            Err(_elapsed) => Ok(false),
        }
    }
}

/// Wakes the relay after commits: the first at once, the next ones together.
///
/// A NOTIFY inside every transaction would serialise all commits behind one lock.
#[derive(Debug)]
pub(crate) struct Notifier(Arc<Notify>);

impl Notifier {
    /// Shortest time between two wake-ups.
    const PAUSE: Duration = Duration::from_millis(5);

    pub(crate) fn start(node: Arc<NodeState>, stop: CancellationToken) -> Self {
        let committed = Arc::new(Notify::new());
        let waiting = Arc::clone(&committed);
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = waiting.notified() => {}
                }
                // A lost wake-up costs the relay one interval of its polling, nothing else.
                if let Err(error) = node.rows(Statement::new(WAKE)).await {
                    tracing::debug!(error = %error, "The relay was not woken");
                }
                sleep(Self::PAUSE).await;
            }
        });
        Self(committed)
    }

    pub(crate) fn wake(&self) {
        self.0.notify_one();
    }
}

fn cursor_of(row: &PgRow) -> Result<OutboxCursor, Error> {
    Ok(OutboxCursor { tx: count_at(row, "tx")?, seq: row.try_get("seq")? })
}

pub(crate) fn event_of(row: &PgRow) -> Result<Event, Error> {
    Ok(Event {
        id: row.try_get::<Uuid, _>("event_id")?,
        kind: value_of::<EventKind>(row.try_get("event_kind")?)?,
        entity: subject_at(row, "aggregate_kind", "aggregate_id")?,
        version: row.try_get("aggregate_version")?,
        at: row.try_get::<DateTime<Utc>, _>("at")?,
    })
}

/// What an order to purge has in the place of a kind of aggregate; its id is the event's own.
const PURGE: &str = "purge";

pub(crate) fn subject_kind(event: &Event) -> &'static str {
    event.entity.map_or(PURGE, |entity| entity.kind.as_str())
}

pub(crate) fn subject_id(event: &Event) -> Uuid {
    event.entity.map_or(event.id, |entity| entity.id)
}

pub(crate) fn subject_at(row: &PgRow, kind: &str, id: &str) -> Result<Option<EntityRef>, Error> {
    match row.try_get::<&str, _>(kind)? {
        PURGE => Ok(None),
        _ => entity_at(row, kind, id).map(Some),
    }
}

const CHANNEL: &str = "sangraha_outbox";

const RECORD: &str = "
    insert into outbox_event (event_id, epoch, event_kind, aggregate_kind, aggregate_id, aggregate_version, at)
    select $2, epoch, $3, $4, $5, $6, $7
    from cluster_epoch where epoch = $1 and timeline = current_timeline()";

// The position is taken after the statement's snapshot, and a commit is flushed before it can be seen, so it
// includes every row. The insert position would too, but may lie behind records that nobody flushes before
// the WAL writer's next round, for which the standby would be waited for in vain.
const BATCH: &str = "
    select tx::text::bigint as tx, seq, epoch, event_id, event_kind, aggregate_kind, aggregate_id,
        aggregate_version, at, pg_wal_lsn_diff(pg_current_wal_flush_lsn(), '0/0')::bigint as lsn
    from outbox_event
    where (tx, seq) > ($1::text::xid8, $2) and tx < pg_snapshot_xmin(pg_current_snapshot())
    order by tx, seq limit $3";

const CURSOR: &str = "select tx::text::bigint as tx, seq from stream_cursor";

const STATE: &str = "
    select count(*) as pending, (select count(*) from outbox_dead) as parked,
        greatest(0, coalesce(extract(epoch from clock_timestamp() - min(o.at)) * 1000, 0))::bigint as age_ms
    from stream_cursor c join outbox_event o on (o.tx, o.seq) > (c.tx, c.seq)";

const DELETE_RELAYED: &str = "
    with gone as (
        delete from outbox_event o using stream_cursor c
        where (o.tx, o.seq) <= (c.tx, c.seq) and o.at < $1
        returning 1
    )
    select count(*) as deleted from gone";

const INSERT_LSN: &str = "select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint as lsn";

const FLUSHED_LSN: &str = "
    select pg_wal_lsn_diff(flush_lsn, '0/0')::bigint as lsn
    from pg_stat_replication where application_name = $1 and flush_lsn is not null
    order by flush_lsn desc limit 1";

const LEAD: &str = "select pg_try_advisory_lock(hashtextextended($1, 5027)) as leads";

const WAKE: &str = "select pg_notify('sangraha_outbox', '')";
