//! The event log: committed events under gap-free positions, readable on every replica.

use crate::error::Error;
use crate::outbox::{OutboxCursor, subject_at, subject_id, subject_kind};
use crate::pools::{Read, Writer};
use crate::purges::{PurgeTargets, targets_at};
use crate::statement::Statement;
use crate::wire::{count_at, signed, value_of};
use domain::{Event, EventKind};
use sqlx::Row;
use sqlx::postgres::PgRow;

/// An event at its place in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamRow {
    /// Gap-free and rising; given by the log. Ignored by an append.
    pub position: u64,
    pub epoch: u64,
    pub event: Event,
    /// WAL position, in bytes, that shows the change.
    pub lsn: u64,
    /// Delivered before the standby had it.
    pub ungated: bool,
    /// Of an order to purge: what is purged. Ignored by an append.
    pub purge: Option<PurgeTargets>,
}

/// Both ends of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamHead {
    pub epoch: u64,
    /// The newest position; 0 for an empty log.
    pub position: u64,
    /// Positions up to here are gone.
    pub trimmed: u64,
}

impl Read {
    /// Events after the position `after`, in order, at most `max`.
    pub async fn stream_read(&self, after: u64, max: usize) -> Result<Vec<StreamRow>, Error> {
        let max = max.clamp(1, STREAM_ROWS_MAX) as i64;
        let rows = self.rows(Statement::new(READ).bind(signed(after)).bind(max)).await?;
        // The first row is the cursor's, so that both are of one snapshot.
        let trimmed = rows.first().map_or(Ok(0), |row| count_at(row, "trimmed"))?;
        if after < trimmed {
            return Err(Error::Trimmed { trimmed });
        }
        rows.iter()
            .filter_map(|row| match row.try_get::<Option<i64>, _>("position") {
                Ok(None) => None,
                Ok(Some(_)) => Some(stream_row_of(row)),
                Err(error) => Some(Err(error.into())),
            })
            .collect()
    }

    /// Both ends of the log.
    pub async fn stream_head(&self) -> Result<StreamHead, Error> {
        head_of(self.row(Statement::new(HEAD)).await?)
    }
}

impl Writer {
    /// Appends `rows` that are not in the log yet, in their order, and moves the outbox cursor to `cursor`,
    /// in one transaction of the epoch. Answers the new head.
    pub async fn stream_append(
        &self,
        rows: &[StreamRow],
        cursor: Option<OutboxCursor>,
    ) -> Result<u64, Error> {
        let mut tx = self.begin("stream.append").await?;
        tx.fenced(Statement::new(LOCK).bind(signed(tx.epoch()))).await?;
        let cursor = cursor.unwrap_or_default();
        let statement = Statement::new(APPEND)
            .bind(rows.iter().map(|row| signed(row.epoch)).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| row.event.id).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| row.event.kind.as_str()).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| subject_kind(&row.event)).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| subject_id(&row.event)).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| row.event.version).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| signed(row.lsn)).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| row.ungated).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| row.event.at).collect::<Vec<_>>())
            .bind(cursor.tx.to_string())
            .bind(cursor.seq);
        let head = tx.row(statement).await?;
        let head = head.map_or(Ok(0), |row| count_at(&row, "position"))?;
        tx.commit().await?;
        Ok(head)
    }

    /// Deletes events up to the position `up_to`. Answers how many.
    pub async fn stream_trim(&self, up_to: u64) -> Result<u64, Error> {
        self.deleted(Statement::new(TRIM).bind(signed(up_to))).await
    }

    /// Both ends of the log, on the primary.
    pub async fn stream_head(&self) -> Result<StreamHead, Error> {
        head_of(self.row(Statement::new(HEAD)).await?)
    }
}

/// The most events of one read.
const STREAM_ROWS_MAX: usize = 1_000;

fn stream_row_of(row: &PgRow) -> Result<StreamRow, Error> {
    Ok(StreamRow {
        position: count_at(row, "position")?,
        epoch: count_at(row, "epoch")?,
        event: Event {
            id: row.try_get("event_id")?,
            kind: value_of::<EventKind>(row.try_get("event_kind")?)?,
            entity: subject_at(row, "entity_kind", "entity_id")?,
            version: row.try_get("version")?,
            at: row.try_get("at")?,
        },
        lsn: count_at(row, "lsn")?,
        ungated: row.try_get("ungated")?,
        purge: targets_at(row)?,
    })
}

fn head_of(row: Option<PgRow>) -> Result<StreamHead, Error> {
    let row = row.ok_or_else(|| Error::Corrupt("the cursor row is missing".to_owned()))?;
    Ok(StreamHead {
        epoch: count_at(&row, "epoch")?,
        position: count_at(&row, "position")?,
        trimmed: count_at(&row, "trimmed")?,
    })
}

const READ: &str = "
    select c.trimmed, e.*
    from stream_cursor c
    left join lateral (
        select s.*, p.targets as purge_targets, p.soft as purge_soft
        from stream_event s left join purge_order p on p.id = s.event_id
        where s.position > $1 order by s.position limit $2
    ) e on true
    order by e.position";

const HEAD: &str = "select e.epoch, c.position, c.trimmed from stream_cursor c cross join cluster_epoch e";

// Whoever appends holds the one row; touching it says that the epoch still holds. An append can be repeated,
// so its commit does not wait for a standby, as the commits of the events themselves did.
const LOCK: &str = "
    update stream_cursor set position = position
    from cluster_epoch where epoch = $1 and timeline = current_timeline()
        and set_config('synchronous_commit', 'local', true) is not null";

const APPEND: &str = "
    with wanted as (
        select w.*, min(w.ord) over (partition by w.event_id) as first
        from unnest($1::bigint[], $2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::bigint[], $7::bigint[],
            $8::boolean[], $9::timestamptz[]) with ordinality
            as w (epoch, event_id, event_kind, entity_kind, entity_id, version, lsn, ungated, at, ord)
    ), fresh as (
        select w.*, row_number() over (order by w.ord) as place
        from wanted w
        where w.ord = w.first and not exists (select from stream_event s where s.event_id = w.event_id)
    ), added as (
        insert into stream_event (position, epoch, event_id, event_kind, entity_kind, entity_id, version, lsn,
            ungated, at)
        select c.position + f.place, f.epoch, f.event_id, f.event_kind, f.entity_kind, f.entity_id, f.version,
            f.lsn, f.ungated, f.at
        from fresh f cross join stream_cursor c
        returning 1
    )
    update stream_cursor c
    set position = c.position + (select count(*) from added),
        tx = case when ($10::text::xid8, $11) > (c.tx, c.seq) then $10::text::xid8 else c.tx end,
        seq = case when ($10::text::xid8, $11) > (c.tx, c.seq) then $11 else c.seq end
    returning c.position";

const TRIM: &str = "
    with gone as (
        delete from stream_event where position <= $1 returning 1
    ), moved as (
        update stream_cursor set trimmed = greatest(trimmed, least($1, position))
    )
    select count(*) as deleted from gone";
