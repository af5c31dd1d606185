//! What a merge needs of the database, and the walk over all records that the standing report takes.

use crate::error::Error;
use crate::pools::Writer;
use crate::statement::Statement;
use crate::tx::Tx;
use crate::wire::{entity_at, record_of};
use domain::{Actor, EntityKind, EntityRef, Record};
use serde_json::Value;
use sqlx::Row;
use sqlx::types::Json;
use uuid::Uuid;

/// A merge that was carried out.
#[derive(Clone, Debug, PartialEq)]
pub struct NewMerge {
    pub id: Uuid,
    pub kind: EntityKind,
    pub keeper: Uuid,
    pub loser: Uuid,
    pub reason: Option<String>,
    /// The aggregates that referred to the loser, with their revisions before.
    pub changed: Value,
    pub author: Actor,
}

impl Tx {
    /// Every aggregate whose live record or draft refers to `entity`, in the order of the ids, at most `limit`.
    pub async fn referrers_of_any_line(
        &mut self,
        entity: EntityRef,
        limit: usize,
    ) -> Result<Vec<EntityRef>, Error> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let statement = Statement::new(REFERRERS).bind(entity.id).bind(limit);
        self.rows(statement).await?.iter().map(|row| entity_at(row, "kind", "aggregate_id")).collect()
    }

    /// Makes the id and the slug of `loser`, and everything that led to it, lead to `keeper`.
    pub async fn redirects_move(
        &mut self,
        loser: EntityRef,
        loser_slug: &str,
        keeper: EntityRef,
    ) -> Result<(), Error> {
        self.execute(Statement::new(MOVE).bind(loser.id).bind(keeper.id)).await?;
        self.redirect_insert(loser.kind, loser_slug, keeper.id).await?;
        self.redirect_insert(loser.kind, &loser.id.to_string(), keeper.id).await
    }

    /// Remembers a merge, with what an undo needs.
    pub async fn merge_insert(&mut self, merge: &NewMerge) -> Result<(), Error> {
        let now = self.now();
        let statement = Statement::new(INSERT)
            .bind(merge.id)
            .bind(merge.kind.as_str())
            .bind(merge.keeper)
            .bind(merge.loser)
            .bind(merge.reason.clone())
            .bind(Json(merge.changed.clone()))
            .bind(merge.author.user)
            .bind(merge.author.name.clone())
            .bind(now);
        self.execute(statement).await?;
        Ok(())
    }
}

impl Writer {
    /// Shows every record that is not archived to `look`: what is live, or the draft of what is not.
    pub async fn walk(&self, look: &mut (dyn FnMut(EntityRef, &Record) + Send)) -> Result<(), Error> {
        for kind in EntityKind::ALL {
            let mut after = Uuid::nil();
            loop {
                let statement = Statement::new(WALK).bind(kind.as_str()).bind(after).bind(WALK_ROWS);
                let rows = self.rows(statement).await?;
                for row in &rows {
                    after = row.try_get("id")?;
                    look(EntityRef { kind, id: after }, &record_of(kind, row.try_get("body")?)?);
                }
                if i64::try_from(rows.len()).unwrap_or(i64::MAX) < WALK_ROWS {
                    break;
                }
            }
        }
        Ok(())
    }
}

/// Records read at once by [`Writer::walk`].
const WALK_ROWS: i64 = 500;

const REFERRERS: &str = "
    select distinct kind, aggregate_id from reference
    where target_id = $1 and aggregate_id <> $1
    order by aggregate_id limit $2";

const MOVE: &str = "update redirect set aggregate_id = $2 where aggregate_id = $1";

const INSERT: &str = "
    insert into entity_merge (id, kind, keeper_id, loser_id, reason, changed, author_user, author_name, at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

const WALK: &str = "
    select a.id, r.body::text as body
    from aggregate a
    join revision r on r.aggregate_id = a.id and r.number = coalesce(a.live_number, a.draft_number)
    where a.kind = $1 and a.id > $2 and a.state <> 'archived'
    order by a.id limit $3";
