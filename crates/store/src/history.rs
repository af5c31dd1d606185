//! What readers saw before: the published revisions of a live aggregate. Drafts and whatever was withdrawn are
//! not among them; the view `live.revision` sees to it.

use crate::error::Error;
use crate::pools::Read;
use crate::statement::Statement;
use crate::wire::{hash_at, record_of, value_of};
use chrono::{DateTime, Utc};
use domain::revision::{ChangeKind, ContentHash};
use domain::{EntityRef, Record};
use sqlx::Row;
use sqlx::postgres::PgRow;

/// A published revision without its record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedRow {
    /// The number of the revision among all of the aggregate; drafts leave gaps.
    pub number: i32,
    pub hash: ContentHash,
    pub change_kind: ChangeKind,
    /// When the revision was made.
    pub recorded_at: DateTime<Utc>,
    /// When readers first saw it.
    pub published_at: DateTime<Utc>,
    /// Whether readers see it now.
    pub is_live: bool,
}

/// A published revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    pub row: PublishedRow,
    pub record: Record,
}

impl Read {
    /// The published revisions of `entity`, newest first, at most `PUBLISHED_MAX`.
    pub async fn published(&self, entity: EntityRef) -> Result<Vec<PublishedRow>, Error> {
        let statement = Statement::new(HISTORY).bind(entity.id).bind(entity.kind.as_str());
        self.rows(statement.bind(PUBLISHED_MAX)).await?.iter().map(row_of).collect()
    }

    /// One published revision.
    pub async fn published_revision(
        &self,
        entity: EntityRef,
        number: i32,
    ) -> Result<Option<Published>, Error> {
        let statement = Statement::new(ONE).bind(entity.id).bind(entity.kind.as_str()).bind(number);
        self.row(statement).await?.map(|row| published_of(entity, &row)).transpose()
    }

    /// What readers saw of `entity` at `at`; none where it was not public yet.
    pub async fn published_as_of(
        &self,
        entity: EntityRef,
        at: DateTime<Utc>,
    ) -> Result<Option<Published>, Error> {
        let statement = Statement::new(AS_OF).bind(entity.id).bind(entity.kind.as_str()).bind(at);
        self.row(statement).await?.map(|row| published_of(entity, &row)).transpose()
    }
}

/// The most revisions of one history.
const PUBLISHED_MAX: i64 = 1_000;

fn published_of(entity: EntityRef, row: &PgRow) -> Result<Published, Error> {
    Ok(Published { row: row_of(row)?, record: record_of(entity.kind, row.try_get("body")?)? })
}

fn row_of(row: &PgRow) -> Result<PublishedRow, Error> {
    Ok(PublishedRow {
        number: row.try_get("number")?,
        hash: ContentHash(hash_at(row, "content_hash")?),
        change_kind: value_of(row.try_get("change_kind")?)?,
        recorded_at: row.try_get("recorded_at")?,
        published_at: row.try_get("published_at")?,
        is_live: row.try_get("is_live")?,
    })
}

const HISTORY: &str = "
    select number, content_hash, change_kind, recorded_at, published_at, is_live
    from live.revision where aggregate_id = $1 and kind = $2 order by version desc limit $3";

const ONE: &str = "
    select number, content_hash, change_kind, recorded_at, published_at, is_live, body::text as body
    from live.revision where aggregate_id = $1 and kind = $2 and number = $3 order by version desc limit 1";

const AS_OF: &str = "
    select number, content_hash, change_kind, recorded_at, published_at, is_live, body::text as body
    from live.revision where aggregate_id = $1 and kind = $2 and published_at <= $3
    order by version desc limit 1";
