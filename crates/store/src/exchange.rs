//! Everything that is live, as a file holds it: row by row in an order that does not depend on the database.

use crate::error::Error;
use crate::label::Label;
use crate::pools::Read;
use crate::statement::Statement;
use crate::wire::{count_at, entity_at, hash_at, record_of};
use chrono::{DateTime, Utc};
use domain::{EntityKind, EntityRef, Record};
use sqlx::Row;
use sqlx::postgres::PgRow;
use std::collections::HashMap;
use uuid::Uuid;

/// One live record with its addresses.
#[derive(Clone, Debug)]
pub struct ExchangeRow {
    pub entity: EntityRef,
    pub slug: String,
    /// Slugs and ids that led here before, sorted.
    pub former: Vec<String>,
    /// Without what readers may not see: members of a group that are not published.
    pub record: Record,
    /// Number of the live revision.
    pub revision: i32,
    /// When the live revision was made.
    pub recorded_at: DateTime<Utc>,
    /// Its own label, and those of everything that it refers to.
    pub labels: HashMap<Uuid, Label>,
}

/// The state of all live records of some kinds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatasetRow {
    /// SHA-256 over ids, addresses and contents: equal states have equal ones on every node.
    pub hash: [u8; 32],
    pub records: u64,
    /// When the newest of the live revisions was made; none where there is nothing.
    pub changed_at: Option<DateTime<Utc>>,
}

impl Read {
    /// The state of all live records of `kinds`.
    pub async fn dataset(&self, kinds: &[EntityKind]) -> Result<DatasetRow, Error> {
        let names: Vec<&'static str> = kinds.iter().map(|kind| kind.as_str()).collect();
        let row = self.row(Statement::new(STATE).bind(names)).await?;
        let row = row.ok_or_else(|| Error::Corrupt("an aggregate query had no row".to_owned()))?;
        Ok(DatasetRow {
            hash: hash_at(&row, "hash")?,
            records: count_at(&row, "records")?,
            changed_at: row.try_get("changed_at")?,
        })
    }

    /// A page of the live records of `kind`, in the order of their ids.
    pub async fn exchange(
        &self,
        kind: EntityKind,
        after: Option<Uuid>,
        limit: usize,
    ) -> Result<Vec<ExchangeRow>, Error> {
        let limit = i64::try_from(limit.clamp(1, ROWS_MAX)).unwrap_or(1);
        let statement = Statement::new(ROWS).bind(kind.as_str()).bind(after.unwrap_or_default()).bind(limit);
        self.rows(statement).await?.iter().map(row_of).collect()
    }
}

/// The most records of one page.
const ROWS_MAX: usize = 500;

fn row_of(row: &PgRow) -> Result<ExchangeRow, Error> {
    let entity = entity_at(row, "kind", "id")?;
    let mut record = record_of(entity.kind, row.try_get("body")?)?;
    let labels = Label::parse_all(row.try_get("labels")?)?;
    if let Record::Group(group) = &mut record {
        group.members.retain(|member| labels.contains_key(&member.composition.0));
    }
    Ok(ExchangeRow {
        entity,
        slug: row.try_get("slug")?,
        former: row.try_get("former")?,
        record,
        revision: row.try_get("number")?,
        recorded_at: row.try_get("recorded_at")?,
        labels,
    })
}

// The members of a group that are live are part of what is shown of it.
const STATE: &str = "
    select sha256(coalesce(string_agg(
            convert_to(e.kind || ':' || e.id || ':' || e.slug || ':', 'UTF8') || e.content_hash || beside.part,
            '' order by e.kind, e.id), '')) as hash,
        count(*) as records, max(e.recorded_at) as changed_at
    from live.entity e
    cross join lateral (
        select convert_to(
            coalesce((select string_agg(r.old, ',' order by r.old) from live.redirect r
                where r.aggregate_id = e.id), '') || ';' ||
            case when e.kind = 'group' then coalesce((select string_agg(l.aggregate_id::text, ',' order by r.ord)
                from live.reference r join live.label l on l.aggregate_id = r.target_id
                where r.aggregate_id = e.id and r.role = 'member'), '') else '' end, 'UTF8') as part
    ) beside
    where e.kind = any($1)";

const ROWS: &str = "
    select e.id, e.kind, e.slug, e.number, e.recorded_at, e.body::text as body,
        array(select r.old from live.redirect r where r.aggregate_id = e.id order by r.old) as former,
        (select '[' || coalesce(string_agg(l.card, ',' order by l.aggregate_id), '') || ']' from live.label l
         where l.aggregate_id = e.id or l.aggregate_id in (
            select r.target_id from live.reference r where r.aggregate_id = e.id)) as labels
    from live.entity e
    where e.kind = $1 and e.id > $2
    order by e.id limit $3";
