//! Rulings on names that look alike.

use crate::error::Error;
use crate::page::{Cursor, Page, fetch_limit, page_of};
use crate::pools::Writer;
use crate::statement::{Growing, Statement};
use crate::tx::Tx;
use crate::wire::{kind_at, value_of};
use chrono::{DateTime, Utc};
use domain::verdict::Member;
use domain::{Actor, Verdict};
use sqlx::Row;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use uuid::Uuid;

/// A stored verdict: who ruled, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerdictRow {
    pub id: Uuid,
    pub verdict: Verdict,
    pub author: Actor,
    pub at: DateTime<Utc>,
}

/// What became of a verdict that was put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    Created,
    Changed,
    Unchanged,
}

impl Tx {
    /// Stores the verdict `id`, or its new wording.
    pub async fn verdict_put(&mut self, id: Uuid, verdict: &Verdict, author: &Actor) -> Result<Put, Error> {
        let now = self.now();
        let statement = Statement::new(PUT)
            .bind(id)
            .bind(verdict.kind.as_str())
            .bind(verdict.ruling.as_str())
            .bind(Json(verdict.members.clone()))
            .bind(verdict.reason.clone())
            .bind(verdict.source.clone())
            .bind(author.user)
            .bind(author.name.clone())
            .bind(now);
        Ok(match self.row(statement).await? {
            None => Put::Unchanged,
            Some(row) if row.try_get("created")? => Put::Created,
            Some(_) => Put::Changed,
        })
    }

    /// All verdicts, the newest first; as they are in this transaction.
    pub async fn verdicts(&mut self) -> Result<Vec<VerdictRow>, Error> {
        self.rows(Statement::new(ALL)).await?.iter().map(row_of).collect()
    }
}

impl Writer {
    /// A page of verdicts, the newest first.
    pub async fn verdict_page(
        &self,
        limit: usize,
        after: Option<&Cursor>,
    ) -> Result<Page<VerdictRow>, Error> {
        let mut sql = Growing::new(LIST);
        if let Some(after) = after {
            let at = DateTime::from_timestamp_micros(after.micros()?).ok_or(Error::BadCursor)?;
            sql.push(" where (at, id) < (").bind(at).push(", ").bind(after.id()).push(")");
        }
        sql.push(" order by at desc, id desc limit ").bind(fetch_limit(limit));
        let rows = self.rows(sql.finish()).await?;
        let rows = rows.iter().map(row_of).collect::<Result<Vec<_>, _>>()?;
        Ok(page_of(rows, limit, |row| Cursor::at(row.at.timestamp_micros(), row.id)))
    }
}

fn row_of(row: &PgRow) -> Result<VerdictRow, Error> {
    let Json(members) = row.try_get::<Json<Vec<Member>>, _>("members")?;
    Ok(VerdictRow {
        id: row.try_get("id")?,
        verdict: Verdict {
            kind: kind_at(row, "kind")?,
            ruling: value_of(row.try_get("ruling")?)?,
            members,
            reason: row.try_get("reason")?,
            source: row.try_get("source")?,
        },
        author: Actor { user: row.try_get("author_user")?, name: row.try_get("author_name")? },
        at: row.try_get("at")?,
    })
}

const PUT: &str = "
    insert into verdict as v (id, kind, ruling, members, reason, source, author_user, author_name, at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    on conflict (id) do update
    set ruling = excluded.ruling, members = excluded.members, reason = excluded.reason,
        source = excluded.source, author_user = excluded.author_user, author_name = excluded.author_name,
        at = excluded.at
    where (v.ruling, v.members, v.reason, v.source)
        is distinct from (excluded.ruling, excluded.members, excluded.reason, excluded.source)
    returning xmax = 0 as created";

const LIST: &str =
    "select id, kind, ruling, members, reason, source, author_user, author_name, at from verdict";

const ALL: &str = "
    select id, kind, ruling, members, reason, source, author_user, author_name, at from verdict
    order by at desc, id desc";
