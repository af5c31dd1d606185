//! Which life of the database this is, and the heartbeat by which its age is seen elsewhere.

use crate::error::Error;
use crate::pools::{Read, Writer};
use crate::statement::Statement;
use crate::wire::count_at;
use chrono::{DateTime, Utc};
use sqlx::Row;
use sqlx::postgres::PgRow;
use std::sync::atomic::Ordering;

/// One life of the database: from a promotion to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EpochRow {
    pub epoch: u64,
    /// Timeline of the WAL.
    pub timeline: i32,
    pub promoted_at: DateTime<Utc>,
    /// WAL position, in bytes, at which it began.
    pub promote_lsn: u64,
    /// Head of the event log at which it began: positions above were given out again.
    pub stream_head: u64,
}

/// The heartbeat as one node has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    pub at: DateTime<Utc>,
    /// By the clock of the node; never negative.
    pub age_ms: u64,
}

impl Read {
    /// The epoch row.
    pub async fn epoch_row(&self) -> Result<EpochRow, Error> {
        epoch_of(self.row(Statement::new(EPOCH)).await?)
    }

    /// The heartbeat row.
    pub async fn heartbeat(&self) -> Result<Heartbeat, Error> {
        let row = self.row(Statement::new(HEARTBEAT)).await?;
        let row = row.ok_or_else(|| Error::Corrupt("the heartbeat row is missing".to_owned()))?;
        Ok(Heartbeat { at: row.try_get("at")?, age_ms: count_at(&row, "age_ms")? })
    }
}

impl Writer {
    /// The epoch row on the primary.
    pub async fn epoch_row(&self) -> Result<EpochRow, Error> {
        epoch_of(self.row(Statement::new(EPOCH)).await?)
    }

    /// Writes the heartbeat, and says by its error whether the primary takes writes.
    pub async fn heartbeat_write(&self) -> Result<(), Error> {
        self.rows(Statement::new("update heartbeat set at = clock_timestamp()")).await?;
        Ok(())
    }

    /// Begins the next epoch where the server is on another timeline than the row says: the first
    /// transaction after a promotion. Anywhere else it changes nothing. Answers the epoch that holds.
    pub async fn epoch_begin(&self) -> Result<EpochRow, Error> {
        self.rows(Statement::new(BEGIN_EPOCH)).await?;
        let row = self.epoch_row().await?;
        self.0.epoch.store(row.epoch, Ordering::Release);
        Ok(row)
    }
}

fn epoch_of(row: Option<PgRow>) -> Result<EpochRow, Error> {
    let row = row.ok_or_else(|| Error::Corrupt("the epoch row is missing".to_owned()))?;
    Ok(EpochRow {
        epoch: count_at(&row, "epoch")?,
        timeline: row.try_get("timeline")?,
        promoted_at: row.try_get("promoted_at")?,
        promote_lsn: count_at(&row, "promote_lsn")?,
        stream_head: count_at(&row, "stream_head")?,
    })
}

const EPOCH: &str = "select epoch, timeline, promoted_at, promote_lsn, stream_head from cluster_epoch";

const HEARTBEAT: &str = "
    select at, greatest(0, extract(epoch from clock_timestamp() - at) * 1000)::bigint as age_ms from heartbeat";

const BEGIN_EPOCH: &str = "
    with old as (
        select * from cluster_epoch where timeline <> current_timeline() for update
    ), kept as (
        insert into cluster_epoch_history (epoch, timeline, promoted_at, promote_lsn, stream_head, outbox_horizon)
        select epoch, timeline, promoted_at, promote_lsn, stream_head, outbox_horizon from old
    )
    update cluster_epoch e
    set epoch = e.epoch + 1, timeline = current_timeline(), promoted_at = clock_timestamp(),
        promote_lsn = pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint,
        stream_head = c.position, outbox_horizon = pg_snapshot_xmin(pg_current_snapshot())
    from old, stream_cursor c
    where e.epoch = old.epoch";
