//! What a follower reads again after an event: the truth of now, with the version that orders it.

use crate::error::Error;
use crate::label::Label;
use crate::pools::Read;
use crate::statement::Statement;
use crate::wire::{count_at, entity_at, record_of};
use chrono::{DateTime, Utc};
use domain::{EntityKind, EntityRef, Record};
use sqlx::Row;
use sqlx::postgres::PgRow;
use std::collections::HashMap;
use uuid::Uuid;

/// One aggregate as readers see it now.
#[derive(Clone, Debug)]
pub struct Truth {
    pub entity: EntityRef,
    /// [`document_version`]: a newer truth has a higher one, even after a failover that lost changes.
    pub version: u64,
    /// None where readers see nothing: delete it.
    pub body: Option<Record>,
    pub slug: Option<String>,
    /// Its own label.
    pub label: Option<Label>,
    /// Labels of what the record refers to.
    pub labels: HashMap<Uuid, Label>,
    /// Groups that it belongs to.
    pub groups: Vec<Uuid>,
    /// Numbers of the melas of the ragas that a composition refers to, or of a raga itself.
    pub melas: Vec<u8>,
    /// When the live revision was made.
    pub recorded_at: Option<DateTime<Utc>>,
}

/// The version of derived documents: the epoch of the database from which truth was read, then the version
/// of the aggregate.
pub const fn document_version(epoch: u64, aggregate_version: i64) -> u64 {
    (epoch << 48) | (aggregate_version as u64 & ((1 << 48) - 1))
}

impl Read {
    /// The truth of each of `entities`, in their order. What never was, or is not live, has no body.
    pub async fn truth(&self, entities: &[EntityRef]) -> Result<Vec<Truth>, Error> {
        if entities.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<Uuid> = entities.iter().map(|entity| entity.id).collect();
        let kinds: Vec<&'static str> = entities.iter().map(|entity| entity.kind.as_str()).collect();
        let rows = self.rows(Statement::new(TRUTH).bind(ids).bind(kinds)).await?;
        rows.iter().map(truth_of).collect()
    }

    /// What is live of `kind`, in the order of the ids, with its document version: what a reconciliation
    /// compares and a rebuild walks.
    pub async fn versions(
        &self,
        kind: EntityKind,
        after: Option<Uuid>,
        limit: usize,
    ) -> Result<Vec<(EntityRef, u64)>, Error> {
        let limit = limit.clamp(1, VERSIONS_MAX) as i64;
        let after = after.unwrap_or_default();
        let rows = self.rows(Statement::new(VERSIONS).bind(kind.as_str()).bind(after).bind(limit)).await?;
        rows.iter().map(|row| Ok((EntityRef { kind, id: row.try_get("id")? }, version_of(row)?))).collect()
    }

    /// The live aggregates that refer to `target`, in the order of their ids: whatever shows its name.
    pub async fn referrers(
        &self,
        target: EntityRef,
        after: Option<Uuid>,
        limit: usize,
    ) -> Result<Vec<EntityRef>, Error> {
        let limit = limit.clamp(1, VERSIONS_MAX) as i64;
        let statement = Statement::new(REFERRERS).bind(target.id).bind(after.unwrap_or_default()).bind(limit);
        self.rows(statement).await?.iter().map(|row| entity_at(row, "kind", "aggregate_id")).collect()
    }
}

/// The most rows of one page of [`Read::versions`] or [`Read::referrers`].
const VERSIONS_MAX: usize = 5_000;

fn version_of(row: &PgRow) -> Result<u64, Error> {
    let version: Option<i64> = row.try_get("version")?;
    Ok(document_version(count_at(row, "epoch")?, version.unwrap_or(0)))
}

fn truth_of(row: &PgRow) -> Result<Truth, Error> {
    let entity = entity_at(row, "kind", "id")?;
    let body: Option<&str> = row.try_get("body")?;
    let card: Option<&str> = row.try_get("card")?;
    let melas: Vec<i16> = row.try_get("melas")?;
    Ok(Truth {
        entity,
        version: version_of(row)?,
        body: body.map(|body| record_of(entity.kind, body)).transpose()?,
        slug: row.try_get("slug")?,
        label: card.map(Label::parse).transpose()?,
        labels: Label::parse_all(row.try_get("labels")?)?,
        groups: row.try_get("groups")?,
        melas: melas.into_iter().filter_map(|mela| u8::try_from(mela).ok()).collect(),
        recorded_at: row.try_get("recorded_at")?,
    })
}

const TRUTH: &str = "
    select w.id, w.kind, epoch.epoch, v.version, e.slug, e.body::text as body, e.recorded_at, own.card,
        (select '[' || coalesce(string_agg(l.card, ','), '') || ']' from live.label l
         where l.aggregate_id in (select r.target_id from live.reference r where r.aggregate_id = e.id)
        ) as labels,
        array(select distinct r.aggregate_id from live.reference r
              where r.target_id = e.id and r.kind = 'group' and r.role = 'member') as groups,
        array(select distinct coalesce(g.mela_number, parent.mela_number)
              from live.raga g left join live.raga parent on parent.id = g.parent_id
              where coalesce(g.mela_number, parent.mela_number) is not null and (g.id = e.id or g.id in (
                  select r.target_id from live.reference r
                  where r.aggregate_id = e.id and r.kind = 'composition' and r.role = 'raga'))) as melas
    from unnest($1::uuid[], $2::text[]) with ordinality as w (id, kind, ord)
    cross join cluster_epoch epoch
    left join live.version v on v.id = w.id and v.kind = w.kind
    left join live.entity e on e.id = w.id and e.kind = w.kind
    left join live.label own on own.aggregate_id = e.id
    order by w.ord";

const VERSIONS: &str = "
    select v.id, v.version, epoch.epoch from live.version v cross join cluster_epoch epoch
    where v.kind = $1 and v.id > $2 and v.is_live order by v.id limit $3";

const REFERRERS: &str = "
    select distinct r.kind, r.aggregate_id from live.reference r
    where r.target_id = $1 and r.aggregate_id > $2 order by r.aggregate_id limit $3";
