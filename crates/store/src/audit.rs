//! The audit trail: appended in the transaction of what it tells, chained by hashes, verified on demand.

use crate::error::Error;
use crate::page::{Cursor, Page, fetch_limit, page_of};
use crate::pools::Writer;
use crate::statement::{Growing, Statement};
use crate::tx::Tx;
use crate::wire::{entity_at, hash_at, signed};
use chrono::{DateTime, Utc};
use domain::aggregate::Change;
use domain::audit::{self, AuditDraft, AuditEntry, FIRST_PREVIOUS_HASH};
use domain::{Actor, EntityRef, revision};
use serde_json::Value;
use sqlx::Row;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use std::net::IpAddr;
use uuid::Uuid;

/// Who asked, and through which request.
#[derive(Clone, Debug)]
pub struct AuditContext {
    pub actor: Actor,
    /// The role under which the actor was let in.
    pub role: Option<String>,
    pub ip: Option<IpAddr>,
    pub request_id: String,
}

impl AuditContext {
    /// The platform itself, through one of its commands.
    pub fn system(command: &str) -> Self {
        Self { actor: Actor::system(command), role: None, ip: None, request_id: command.to_owned() }
    }
}

/// Which entries a list shows.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    pub actor: Option<Uuid>,
    pub entity: Option<Uuid>,
    pub action: Option<String>,
    pub from: Option<DateTime<Utc>>,
    /// Exclusive.
    pub until: Option<DateTime<Utc>>,
}

/// What a verification found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditReport {
    /// Entries that were read.
    pub entries: u64,
    /// The number of the first entry that does not follow from the one before it; none where all do.
    pub broken_at: Option<i64>,
    /// Whether the end of the chain is the entry that the head row names: false where entries are missing
    /// at the end.
    pub head_matches: bool,
}

impl AuditReport {
    /// Whether nothing was altered, removed or inserted.
    pub const fn is_intact(&self) -> bool {
        self.broken_at.is_none() && self.head_matches
    }
}

impl Tx {
    /// Appends what `change` did. Every transaction that changes the catalogue has at least one entry.
    pub async fn audit(&mut self, context: &AuditContext, change: &Change) -> Result<(), Error> {
        let fields = match (&change.before, &change.after) {
            (None, None) => Value::Array(Vec::new()),
            (before, after) => serde_json::json!(revision::diff(before.as_ref(), after.as_ref())),
        };
        self.audit_append(context, &change.action, Some(change.entity), fields, change.reason.clone()).await
    }

    /// Appends what is no change of an aggregate: keys, accounts, commands.
    pub async fn audit_note(
        &mut self,
        context: &AuditContext,
        action: &str,
        entity: Option<EntityRef>,
        note: Value,
    ) -> Result<(), Error> {
        self.audit_append(context, action, entity, note, None).await
    }

    async fn audit_append(
        &mut self,
        context: &AuditContext,
        action: &str,
        entity: Option<EntityRef>,
        changes: Value,
        reason: Option<String>,
    ) -> Result<(), Error> {
        let (number, previous) = self.audit_end().await?;
        let draft = AuditDraft {
            number: number + 1,
            at: self.now(),
            actor: context.actor.clone(),
            role: context.role.clone(),
            ip: context.ip,
            request_id: context.request_id.clone(),
            action: action.to_owned(),
            entity,
            changes,
            reason,
        };
        let entry = AuditEntry::seal(previous, draft);
        let end = (entry.number, entry.hash);
        let statement = Statement::new(APPEND)
            .bind(signed(self.epoch()))
            .bind(entry.number)
            .bind(entry.at)
            .bind(entry.actor.user)
            .bind(entry.actor.name)
            .bind(entry.role)
            .bind(entry.ip.map(|ip| ip.to_string()))
            .bind(entry.request_id)
            .bind(entry.action)
            .bind(entry.entity.map(|entity| entity.kind.as_str()))
            .bind(entry.entity.map(|entity| entity.id))
            .bind(entry.changes.to_string())
            .bind(entry.reason)
            .bind(entry.previous_hash.to_vec())
            .bind(entry.hash.to_vec());
        self.fenced(statement).await?;
        self.audit_head = Some(end);
        Ok(())
    }

    /// The end of the chain; the first caller in a transaction locks it.
    async fn audit_end(&mut self) -> Result<(i64, [u8; 32]), Error> {
        if let Some(end) = self.audit_head {
            return Ok(end);
        }
        let row = self.row(Statement::new(END)).await?;
        let row = row.ok_or_else(|| Error::Corrupt("the end of the audit chain is missing".to_owned()))?;
        Ok((row.try_get("number")?, hash_at(&row, "hash")?))
    }
}

impl Writer {
    /// Entries, newest first.
    pub async fn audit_list(
        &self,
        filter: &AuditFilter,
        limit: usize,
        before: Option<&Cursor>,
    ) -> Result<Page<AuditEntry>, Error> {
        let mut sql = Growing::new(LIST);
        if let Some(actor) = filter.actor {
            sql.push(" and actor_user = ").bind(actor);
        }
        if let Some(entity) = filter.entity {
            sql.push(" and entity_id = ").bind(entity);
        }
        if let Some(action) = &filter.action {
            sql.push(" and action = ").bind(action.clone());
        }
        if let Some(from) = filter.from {
            sql.push(" and at >= ").bind(from);
        }
        if let Some(until) = filter.until {
            sql.push(" and at < ").bind(until);
        }
        if let Some(before) = before {
            sql.push(" and number < ").bind(before.micros()?);
        }
        sql.push(" order by number desc limit ").bind(fetch_limit(limit));
        let rows = self.rows(sql.finish()).await?;
        let entries = rows.iter().map(entry_of).collect::<Result<Vec<_>, _>>()?;
        Ok(page_of(entries, limit, |entry| Cursor::at(entry.number, Uuid::nil())))
    }

    /// Reads the whole chain and checks every seal, and that the chain ends where the head row says.
    pub async fn audit_verify(&self) -> Result<AuditReport, Error> {
        let end = self.row(Statement::new(HEAD)).await?;
        let end = end.ok_or_else(|| Error::Corrupt("the end of the audit chain is missing".to_owned()))?;
        let (last, hash) = (end.try_get::<i64, _>("number")?, hash_at(&end, "hash")?);
        let mut report = AuditReport { entries: 0, broken_at: None, head_matches: false };
        let (mut number, mut previous) = (0_i64, FIRST_PREVIOUS_HASH);
        while number < last {
            let entries = self.audit_from(number, last).await?;
            if entries.is_empty() {
                break;
            }
            for entry in entries {
                let follows = entry.number == number + 1 && audit::verify(previous, &entry);
                if !follows && report.broken_at.is_none() {
                    report.broken_at = Some(entry.number);
                }
                report.entries += 1;
                (number, previous) = (entry.number, entry.hash);
            }
        }
        report.head_matches = number == last && previous == hash;
        Ok(report)
    }

    async fn audit_from(&self, after: i64, last: i64) -> Result<Vec<AuditEntry>, Error> {
        let statement = Statement::new(CHAIN).bind(after).bind(last).bind(VERIFY_ROWS_MAX);
        self.rows(statement).await?.iter().map(entry_of).collect()
    }
}

/// Entries that a verification reads at once.
const VERIFY_ROWS_MAX: i64 = 1_000;

fn entry_of(row: &PgRow) -> Result<AuditEntry, Error> {
    let entity = match row.try_get::<Option<Uuid>, _>("entity_id")? {
        Some(_) => Some(entity_at(row, "entity_kind", "entity_id")?),
        None => None,
    };
    let ip = row.try_get::<Option<&str>, _>("ip")?.map(str::parse).transpose();
    Ok(AuditEntry {
        number: row.try_get("number")?,
        at: row.try_get("at")?,
        actor: Actor { user: row.try_get("actor_user")?, name: row.try_get("actor_name")? },
        role: row.try_get("role")?,
        ip: ip.map_err(|error| Error::corrupt("an address", error))?,
        request_id: row.try_get("request_id")?,
        action: row.try_get("action")?,
        entity,
        changes: row.try_get::<Json<Value>, _>("changes")?.0,
        reason: row.try_get("reason")?,
        previous_hash: hash_at(row, "previous_hash")?,
        hash: hash_at(row, "hash")?,
    })
}

const END: &str = "select number, hash from audit_head for update";

const HEAD: &str = "select number, hash from audit_head";

// The head moves with the entry, and both only in the epoch that the transaction believes in.
const APPEND: &str = "
    with fence as (
        select from cluster_epoch where epoch = $1 and timeline = current_timeline()
    ), entry as (
        insert into audit_entry (number, at, actor_user, actor_name, role, ip, request_id, action, entity_kind,
            entity_id, changes, reason, previous_hash, hash)
        select $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12::json, $13, $14, $15 from fence
        returning number, hash
    )
    update audit_head h set number = entry.number, hash = entry.hash from entry";

const LIST: &str = "select * from audit_entry where true";

const CHAIN: &str = "select * from audit_entry where number > $1 and number <= $2 order by number limit $3";
