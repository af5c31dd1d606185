//! Purges that somebody ordered: kept under the id of the event that carries them through the log.

use crate::error::Error;
use crate::pools::Writer;
use crate::statement::Statement;
use crate::tx::Tx;
use crate::wire::count_at;
use chrono::{DateTime, Duration, Utc};
use domain::Event;
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

/// What is purged: keys and addresses as text (`domain::purge::Target`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PurgeTargets {
    pub targets: Vec<String>,
    /// Confirmed before its next use, instead of gone.
    pub soft: bool,
}

/// An order as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PurgeOrder {
    pub id: Uuid,
    pub what: PurgeTargets,
    pub reason: String,
    /// The name of the account.
    pub ordered_by: String,
    pub at: DateTime<Utc>,
}

/// An order and its place in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PurgeRow {
    pub order: PurgeOrder,
    /// None before the relay has given it one, and again when the log has forgotten it.
    pub position: Option<u64>,
    /// Of that position.
    pub epoch: Option<u64>,
}

impl Tx {
    /// Keeps an order and records its event.
    pub async fn purge_insert(&mut self, order: &PurgeOrder) -> Result<(), Error> {
        let statement = Statement::new(INSERT)
            .bind(order.id)
            .bind(order.what.targets.clone())
            .bind(order.what.soft)
            .bind(order.reason.clone())
            .bind(order.ordered_by.clone())
            .bind(order.at);
        self.execute(statement).await?;
        self.record_event(&Event::of_purge(order.id, order.at)).await
    }
}

impl Writer {
    /// An order, with its place in the log where it has one.
    pub async fn purge(&self, id: Uuid) -> Result<Option<PurgeRow>, Error> {
        let row = self.row(Statement::new(FIND).bind(id)).await?;
        row.as_ref().map(purge_of).transpose()
    }

    /// How long an order is kept.
    pub const PURGES_KEPT_DAYS: i64 = 90;

    /// Deletes orders older than [`Writer::PURGES_KEPT_DAYS`] that the log has forgotten. Answers how many.
    pub async fn purges_delete_old(&self) -> Result<u64, Error> {
        let before = self.0.clock.now() - Duration::days(Self::PURGES_KEPT_DAYS);
        self.deleted(Statement::new(DELETE_OLD).bind(before)).await
    }
}

/// The targets that a row of the log has, if it is an order.
pub(crate) fn targets_at(row: &PgRow) -> Result<Option<PurgeTargets>, Error> {
    let targets: Option<Vec<String>> = row.try_get("purge_targets")?;
    let soft: Option<bool> = row.try_get("purge_soft")?;
    Ok(targets.map(|targets| PurgeTargets { targets, soft: soft.unwrap_or(false) }))
}

fn purge_of(row: &PgRow) -> Result<PurgeRow, Error> {
    let has_place = row.try_get::<Option<i64>, _>("position")?.is_some();
    let place = |column| if has_place { count_at(row, column).map(Some) } else { Ok(None) };
    let order = PurgeOrder {
        id: row.try_get("id")?,
        what: PurgeTargets { targets: row.try_get("targets")?, soft: row.try_get("soft")? },
        reason: row.try_get("reason")?,
        ordered_by: row.try_get("ordered_by")?,
        at: row.try_get("at")?,
    };
    Ok(PurgeRow { order, position: place("position")?, epoch: place("epoch")? })
}

const INSERT: &str = "
    insert into purge_order (id, targets, soft, reason, ordered_by, at) values ($1, $2, $3, $4, $5, $6)";

const FIND: &str = "
    select p.id, p.targets, p.soft, p.reason, p.ordered_by, p.at, s.position, s.epoch
    from purge_order p left join stream_event s on s.event_id = p.id where p.id = $1";

const DELETE_OLD: &str = "
    with gone as (
        delete from purge_order p
        where p.at < $1 and not exists (select from stream_event s where s.event_id = p.id)
            and not exists (select from outbox_event o where o.event_id = p.id)
        returning 1
    )
    select count(*) as deleted from gone";
