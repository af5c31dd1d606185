//! Events of the outbox that this program cannot read, set aside so that the ones behind them go on.
//!
//! Waiting makes none of them readable (a newer program wrote them, or a hand), so they are parked at once and
//! brought back by a command. An event only says that something changed, so one that comes back late is as
//! good as one that came in time.

use crate::error::Error;
use crate::outbox::event_of;
use crate::pools::Writer;
use crate::statement::Statement;
use chrono::{DateTime, Utc};
use domain::Event;
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

/// An event of a batch that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    pub event_id: Uuid,
    pub reason: String,
}

/// An event that was set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parked {
    pub event_id: Uuid,
    /// `published composition 0192…`, as it is stored.
    pub described: String,
    pub reason: String,
    pub parked_at: DateTime<Utc>,
}

impl Writer {
    /// Sets events of the outbox aside; one that is aside already stays as it is.
    pub async fn outbox_park(&self, events: &[Unreadable]) -> Result<(), Error> {
        let statement = Statement::new(PARK)
            .bind(events.iter().map(|event| event.event_id).collect::<Vec<_>>())
            .bind(events.iter().map(|event| event.reason.clone()).collect::<Vec<_>>());
        self.rows(statement).await?;
        Ok(())
    }

    /// The events that are set aside, the oldest first, at most [`Writer::PARKED_MAX`].
    pub async fn outbox_parked(&self) -> Result<Vec<Parked>, Error> {
        let rows = self.rows(Statement::new(PARKED).bind(Self::PARKED_MAX as i64)).await?;
        rows.iter().map(parked_of).collect()
    }

    /// The most events of one list of those set aside.
    pub const PARKED_MAX: usize = 1_000;

    /// Sends an event that was set aside once more, under a new id. One that still cannot be read stays where
    /// it is, and that is [`Error::Corrupt`]; one that is not there any more was sent by somebody else.
    pub async fn outbox_replay(&self, event_id: Uuid) -> Result<(), Error> {
        let mut tx = self.begin("outbox.replay").await?;
        if let Some(row) = tx.row(Statement::new(TAKE).bind(event_id)).await? {
            let event = Event { id: Uuid::now_v7(), ..event_of(&row)? };
            tx.record_event(&event).await?;
            tx.commit().await?;
        }
        Ok(())
    }
}

fn parked_of(row: &PgRow) -> Result<Parked, Error> {
    Ok(Parked {
        event_id: row.try_get("event_id")?,
        described: row.try_get("described")?,
        reason: row.try_get("reason")?,
        parked_at: row.try_get("parked_at")?,
    })
}

const PARK: &str = "
    insert into outbox_dead (event_id, epoch, event_kind, aggregate_kind, aggregate_id, aggregate_version, at, reason)
    select o.event_id, o.epoch, o.event_kind, o.aggregate_kind, o.aggregate_id, o.aggregate_version, o.at, u.reason
    from unnest($1::uuid[], $2::text[]) as u (event_id, reason) join outbox_event o using (event_id)
    on conflict do nothing";

const PARKED: &str = "
    select event_id, event_kind || ' ' || aggregate_kind || ' ' || aggregate_id as described, reason, parked_at
    from outbox_dead order by parked_at, event_id limit $1";

const TAKE: &str = "
    delete from outbox_dead where event_id = $1
    returning event_id, event_kind, aggregate_kind, aggregate_id, aggregate_version, at";
