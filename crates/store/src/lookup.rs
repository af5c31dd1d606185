//! Names by their folded keys: what answers a search where the index cannot.

use crate::error::Error;
use crate::pools::Read;
use crate::statement::Statement;
use crate::wire::{entity_at, value_of};
use chrono::{DateTime, Utc};
use domain::EntityKind;
use domain::EntityRef;
use domain::name::NameRole;
use lipi::Script;
use serde::Deserialize;
use sqlx::Row;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use uuid::Uuid;

/// What is looked for: anything that meets one of the lists. All lists empty mean everything of the kinds.
#[derive(Clone, Debug, Default)]
pub struct Lookup {
    pub kinds: Vec<EntityKind>,
    /// Whole `k1` keys of names.
    pub k1: Vec<String>,
    /// Beginnings of them.
    pub k1_prefixes: Vec<String>,
    /// Whole `k2` keys of names.
    pub k2: Vec<String>,
    /// Beginnings of them.
    pub k2_prefixes: Vec<String>,
    /// A part of a `k1` key: this reads every name of the kinds. Empty looks for none.
    pub k1_part: String,
    /// Entities that a composition refers to.
    pub referred: Vec<Uuid>,
}

/// One live entity with what it is found and counted by.
#[derive(Clone, Debug)]
pub struct Found {
    pub entity: EntityRef,
    pub slug: String,
    pub names: Vec<FoundName>,
    pub ragas: Vec<Uuid>,
    pub primary_raga: Option<Uuid>,
    pub melas: Vec<u8>,
    pub composer: Option<Uuid>,
    pub talas: Vec<Uuid>,
    pub form: Option<String>,
    pub languages: Vec<String>,
    pub deities: Vec<Uuid>,
    pub temples: Vec<Uuid>,
    pub tags: Vec<Uuid>,
    pub groups: Vec<Uuid>,
    pub updated_at: DateTime<Utc>,
}

/// One of its names.
#[derive(Clone, Debug, Deserialize)]
pub struct FoundName {
    pub text: String,
    pub script: Script,
    pub role: NameRole,
}

impl Read {
    /// The entities that a lookup meets, at most `limit`, in the order of their ids.
    pub async fn lookup(&self, lookup: &Lookup, limit: usize) -> Result<Vec<Found>, Error> {
        let kinds: Vec<&'static str> = lookup.kinds.iter().map(|kind| kind.as_str()).collect();
        let ends = |prefixes: &[String]| -> Vec<String> {
            // The last code point stands behind every letter.
            prefixes.iter().map(|prefix| format!("{prefix}\u{10FFFF}")).collect()
        };
        let statement = Statement::new(LOOKUP)
            .bind(kinds)
            .bind(lookup.k1.clone())
            .bind(lookup.k1_prefixes.clone())
            .bind(ends(&lookup.k1_prefixes))
            .bind(lookup.k2.clone())
            .bind(lookup.k2_prefixes.clone())
            .bind(ends(&lookup.k2_prefixes))
            .bind(lookup.k1_part.clone())
            .bind(lookup.referred.clone())
            .bind(lookup.is_empty())
            .bind(limit as i64);
        self.rows(statement).await?.iter().map(found_of).collect()
    }
}

impl Lookup {
    /// Nothing in particular is looked for.
    pub fn is_empty(&self) -> bool {
        let texts = [&self.k1, &self.k1_prefixes, &self.k2, &self.k2_prefixes];
        texts.into_iter().all(Vec::is_empty) && self.k1_part.is_empty() && self.referred.is_empty()
    }
}

fn found_of(row: &PgRow) -> Result<Found, Error> {
    let Json(names): Json<Vec<RawName>> = row.try_get("names")?;
    let melas: Vec<i16> = row.try_get("melas")?;
    let ids = |column: &str| -> Result<Vec<Uuid>, Error> {
        Ok(row.try_get::<Option<_>, _>(column)?.unwrap_or_default())
    };
    Ok(Found {
        entity: entity_at(row, "kind", "id")?,
        slug: row.try_get("slug")?,
        names: names.into_iter().map(RawName::read).collect::<Result<_, _>>()?,
        ragas: ids("raga_ids")?,
        primary_raga: row.try_get("primary_raga_id")?,
        melas: melas.into_iter().filter_map(|mela| u8::try_from(mela).ok()).collect(),
        composer: row.try_get("composer_id")?,
        talas: ids("tala_ids")?,
        form: row.try_get("form")?,
        languages: row.try_get::<Option<_>, _>("languages")?.unwrap_or_default(),
        deities: ids("deity_ids")?,
        temples: ids("temple_ids")?,
        tags: ids("tag_ids")?,
        groups: row.try_get("groups")?,
        updated_at: row.try_get("updated_at")?,
    })
}

#[derive(Deserialize)]
struct RawName {
    text: String,
    script: String,
    role: String,
}

impl RawName {
    fn read(self) -> Result<FoundName, Error> {
        Ok(FoundName { script: value_of(&self.script)?, role: value_of(&self.role)?, text: self.text })
    }
}

const LOOKUP: &str = "
    with named as (
        select n.aggregate_id from live.name n where n.kind = any($1) and n.k1 = any($2)
        union
        select n.aggregate_id from unnest($3::text[], $4::text[]) as p (low, high)
        join live.name n on n.k1 >= p.low and n.k1 < p.high where n.kind = any($1)
        union
        select n.aggregate_id from live.name n where n.kind = any($1) and n.k2 = any($5)
        union
        select n.aggregate_id from unnest($6::text[], $7::text[]) as p (low, high)
        join live.name n on n.k2 >= p.low and n.k2 < p.high where n.kind = any($1)
        union
        select n.aggregate_id from live.name n
        where $8 <> '' and n.kind = any($1) and strpos(n.k1, $8) > 0
        union
        select c.id from live.composition c
        where cardinality($9::uuid[]) > 0 and 'composition' = any($1)
            and (c.composer_id = any($9) or c.raga_ids && $9 or c.tala_ids && $9 or c.deity_ids && $9
                or c.temple_ids && $9 or c.tag_ids && $9)
        union
        select a.id from live.aggregate a where $10 and a.kind = any($1)
    ), wanted as (
        select e.id, e.kind, e.slug, e.recorded_at from live.entity e
        where e.id in (select aggregate_id from named) and e.kind = any($1)
        order by e.id limit $11
    )
    select w.id, w.kind, w.slug, w.recorded_at as updated_at,
        c.raga_ids, c.primary_raga_id, c.composer_id, c.tala_ids, c.form, c.languages, c.deity_ids,
        c.temple_ids, c.tag_ids,
        (select coalesce(json_agg(json_build_object('text', n.text, 'script', n.script, 'role', n.role)
                                  order by n.ord), '[]')
         from live.name n where n.aggregate_id = w.id) as names,
        array(select distinct r.aggregate_id from live.reference r
              where r.target_id = w.id and r.kind = 'group' and r.role = 'member') as groups,
        array(select distinct coalesce(g.mela_number, parent.mela_number)
              from live.raga g left join live.raga parent on parent.id = g.parent_id
              where coalesce(g.mela_number, parent.mela_number) is not null
                and (g.id = w.id or g.id = any(c.raga_ids))) as melas
    from wanted w left join live.composition c on c.id = w.id
    order by w.id";
