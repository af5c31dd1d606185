//! One live aggregate, with everything that its page shows, in one statement.

use crate::error::Error;
use crate::label::Label;
use crate::pools::Read;
use crate::statement::Statement;
use crate::wire::{hash_at, kind_at, record_of};
use chrono::{DateTime, Utc};
use domain::revision::ContentHash;
use domain::{EntityKind, EntityRef, Record};
use serde::Deserialize;
use sqlx::Row;
use sqlx::postgres::PgRow;
use std::collections::HashMap;
use uuid::Uuid;

/// What a reference leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    pub id: Uuid,
    pub slug: String,
    /// True where the reference was an old slug or an old id.
    pub redirected: bool,
}

/// A live aggregate.
#[derive(Clone, Debug)]
pub struct Live {
    pub entity: EntityRef,
    pub slug: String,
    pub version: i64,
    pub row_version: i64,
    /// Number of the revision that readers see.
    pub revision: i32,
    pub hash: ContentHash,
    pub record: Record,
    /// Its own label.
    pub label: Label,
    /// Labels of everything that the record refers to and readers may see.
    pub labels: HashMap<Uuid, Label>,
    /// The groups that it belongs to.
    pub groups: Vec<GroupRow>,
    pub created_at: DateTime<Utc>,
    /// When the live revision was made.
    pub recorded_at: DateTime<Utc>,
    pub fingerprint: Fingerprint,
}

/// A group, and the place of a song in it.
#[derive(Clone, Debug, Deserialize)]
pub struct GroupRow {
    pub group: Label,
    /// From 0.
    pub ord: i32,
}

/// Changes when the record, or anything embedded with it, changes; equal on all nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    pub hash128: [u8; 16],
}

impl Read {
    /// What `reference` (an id, a slug, an old slug, an old id) leads to among the live aggregates.
    pub async fn resolve(&self, kind: EntityKind, reference: &str) -> Result<Option<Resolved>, Error> {
        let statement = Statement::new(RESOLVE)
            .bind(kind.as_str())
            .bind(reference.to_owned())
            .bind(Uuid::parse_str(reference).ok());
        let row = self.row(statement).await?;
        row.map(|row| {
            Ok(Resolved {
                id: row.try_get("id")?,
                slug: row.try_get("slug")?,
                redirected: row.try_get("redirected")?,
            })
        })
        .transpose()
    }

    /// The live aggregate that `reference` leads to, whole; true beside it where the reference was an old
    /// slug or an old id. One statement for what is asked by its present name, three for the rest.
    pub async fn detail_at(&self, kind: EntityKind, reference: &str) -> Result<Option<(Live, bool)>, Error> {
        let by_name = match Uuid::parse_str(reference) {
            Ok(id) => self.detail(kind, id).await?,
            Err(_) => self.detail_by_slug(kind, reference).await?,
        };
        if let Some(live) = by_name {
            return Ok(Some((live, false)));
        }
        let Some(found) = self.resolve(kind, reference).await? else { return Ok(None) };
        Ok(self.detail(kind, found.id).await?.map(|live| (live, found.redirected)))
    }

    async fn detail_by_slug(&self, kind: EntityKind, slug: &str) -> Result<Option<Live>, Error> {
        let row = self.row(Statement::new(DETAIL_BY_SLUG).bind(kind.as_str()).bind(slug.to_owned())).await?;
        row.as_ref().map(|row| live_of(kind, row)).transpose()
    }

    /// The live aggregate, whole, in one statement.
    pub async fn detail(&self, kind: EntityKind, id: Uuid) -> Result<Option<Live>, Error> {
        let row = self.row(Statement::new(DETAIL).bind(kind.as_str()).bind(id)).await?;
        row.as_ref().map(|row| live_of(kind, row)).transpose()
    }

    /// What [`Live::fingerprint`] is now, without loading any record.
    pub async fn fingerprint(&self, kind: EntityKind, id: Uuid) -> Result<Option<Fingerprint>, Error> {
        let row = self.row(Statement::new(FINGERPRINT).bind(kind.as_str()).bind(id)).await?;
        row.as_ref().map(fingerprint_of).transpose()
    }
}

impl Read {
    /// The live records with these ids.
    pub async fn records(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, Record>, Error> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let rows = self.rows(Statement::new(RECORDS).bind(ids.to_vec())).await?;
        let record = |row: &PgRow| {
            let kind = kind_at(row, "kind")?;
            Ok((row.try_get("id")?, record_of(kind, row.try_get("body")?)?))
        };
        rows.iter().map(record).collect()
    }
}

fn live_of(kind: EntityKind, row: &PgRow) -> Result<Live, Error> {
    let groups: &str = row.try_get("groups")?;
    Ok(Live {
        entity: EntityRef { kind, id: row.try_get("id")? },
        slug: row.try_get("slug")?,
        version: row.try_get("version")?,
        row_version: row.try_get("row_version")?,
        revision: row.try_get("number")?,
        hash: ContentHash(hash_at(row, "content_hash")?),
        record: record_of(kind, row.try_get("body")?)?,
        label: Label::parse(row.try_get("card")?)?,
        labels: Label::parse_all(row.try_get("labels")?)?,
        groups: serde_json::from_str(groups).map_err(|error| Error::corrupt("groups", error))?,
        created_at: row.try_get("created_at")?,
        recorded_at: row.try_get("recorded_at")?,
        fingerprint: fingerprint_of(row)?,
    })
}

fn fingerprint_of(row: &PgRow) -> Result<Fingerprint, Error> {
    let hash128: Uuid = row.try_get("fingerprint")?;
    Ok(Fingerprint { hash128: hash128.into_bytes() })
}

/// An entity `e`, its own label, the labels that its page shows, and the groups that it belongs to. Of what
/// a statement does not select, such as the cards, PostgreSQL makes nothing.
// Cards are JSON already; they are joined as text, which is all that the database does to them.
macro_rules! shown {
    () => {
        "live.entity e
        join live.label own on own.aggregate_id = e.id
        cross join lateral (
            select '[' || coalesce(string_agg(l.card, ',' order by l.aggregate_id), '') || ']' as labels,
                coalesce(string_agg(l.stamp, '' order by l.aggregate_id), '') as stamps
            from live.label l
            where l.aggregate_id in (select r.target_id from live.reference r where r.aggregate_id = e.id)
        ) embedded
        cross join lateral (
            select '[' || coalesce(string_agg(
                    '{\"group\":' || g.card || ',\"ord\":' || m.ord || '}', ',' order by m.ord, m.aggregate_id
                    ), '') || ']' as groups,
                coalesce(string_agg(g.stamp || int4send(m.ord), '' order by m.ord, m.aggregate_id), '') as stamps
            from (
                select r.aggregate_id, (
                    select count(*)::integer from live.reference before
                    where before.aggregate_id = r.aggregate_id and before.role = 'member'
                        and before.ord < min(r.ord)
                ) as ord
                from live.reference r
                where r.target_id = e.id and r.kind = 'group' and r.role = 'member'
                group by r.aggregate_id
            ) m
            join live.label g on g.aggregate_id = m.aggregate_id
        ) member_of"
    };
}

macro_rules! fingerprint {
    () => {
        "encode(sha256(e.content_hash || own.stamp || embedded.stamps || member_of.stamps), 'hex')
            ::char(32)::uuid as fingerprint"
    };
}

macro_rules! detail {
    () => {
        concat!(
            "e.id, e.slug, e.version, e.row_version, e.number, e.content_hash, e.body::text as body,
            e.created_at, e.recorded_at, own.card, embedded.labels, member_of.groups, ",
            fingerprint!()
        )
    };
}

const RESOLVE: &str = "
    select id, slug, redirected from (
        select id, slug, false as redirected, 0 as rank from live.aggregate where kind = $1 and id = $3
        union all
        select id, slug, false, 1 from live.aggregate where kind = $1 and slug = $2
        union all
        select a.id, a.slug, true, 2
        from live.redirect r join live.aggregate a on a.id = r.aggregate_id
        where r.kind = $1 and r.old = $2
    ) found
    order by rank limit 1";

const DETAIL: &str = concat!("select ", detail!(), " from ", shown!(), " where e.kind = $1 and e.id = $2");

const DETAIL_BY_SLUG: &str =
    concat!("select ", detail!(), " from ", shown!(), " where e.kind = $1 and e.slug = $2");

const FINGERPRINT: &str =
    concat!("select ", fingerprint!(), " from ", shown!(), " where e.kind = $1 and e.id = $2");

const RECORDS: &str = "select id, kind, body::text as body from live.entity where id = any($1)";
