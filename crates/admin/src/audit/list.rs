//! The audit trail, newest first.

use crate::error::Result;
use crate::state::State;
use auth::permission::AuditRead;
use axum::extract;
use chrono::{DateTime, Utc};
use domain::{Actor, AuditEntry, EntityRef};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::net::IpAddr;
use store::{AuditFilter, Cursor};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use web::page::{cursor_read, cursor_write, limit};
use web::{Authz, Json, Page, Query};

/// One entry.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AuditItem {
    /// 1 for the first entry, without gaps.
    pub number: i64,
    pub at: DateTime<Utc>,
    pub actor: Actor,
    /// The role under which the actor was let in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub ip: Option<IpAddr>,
    pub request_id: String,
    pub action: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entity: Option<EntityRef>,
    /// Field changes with JSON pointers, or a note.
    pub changes: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// SHA-256 over the entry and the hash before it, in hexadecimal.
    pub hash: String,
}

/// Which entries are shown.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Parameters {
    /// Only what this account did.
    actor: Option<Uuid>,
    /// Only what was done to the aggregate with this id.
    entity: Option<Uuid>,
    /// Only this action, such as `composition_publish`.
    action: Option<String>,
    /// Not before this time.
    from: Option<DateTime<Utc>>,
    /// Before this time.
    to: Option<DateTime<Utc>>,
    /// 1 to 100.
    limit: Option<u16>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Lists the entries of the audit trail, newest first.
#[utoipa::path(
    get,
    path = "/v1/admin/audit",
    params(Parameters),
    responses((status = 200, description = "A page of entries", body = Page<AuditItem>))
)]
pub async fn handler(
    _: Authz<AuditRead>,
    extract::State(state): extract::State<State>,
    Query(query): Query<Parameters>,
) -> Result<Json<Page<AuditItem>>> {
    let limit = usize::from(limit(query.limit)?);
    let before = cursor_read::<Cursor>(query.cursor.as_deref())?;
    let Parameters { actor, entity, action, from, to: until, .. } = query;
    let filter = AuditFilter { actor, entity, action, from, until };
    let page = state.writer.audit_list(&filter, limit, before.as_ref()).await?;
    let items = page.items.into_iter().map(AuditItem::from).collect();
    Ok(Json(Page { items, next_cursor: page.next.as_ref().map(cursor_write) }))
}

impl From<AuditEntry> for AuditItem {
    fn from(entry: AuditEntry) -> Self {
        Self {
            number: entry.number,
            at: entry.at,
            actor: entry.actor,
            role: entry.role,
            ip: entry.ip,
            request_id: entry.request_id,
            action: entry.action,
            entity: entry.entity,
            changes: entry.changes,
            reason: entry.reason,
            hash: entry.hash.iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    }
}
