//! All keys, without their secrets.

use crate::error::Result;
use crate::state::State;
use auth::permission::AccessManage;
use axum::extract;
use chrono::{DateTime, Utc};
use domain::Role;
use serde::{Deserialize, Serialize};
use store::ApiKeyRow;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use web::page::{cursor_read, cursor_write, limit};
use web::{Authz, Json, Page, Query};

/// A key in the list.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ApiKeyItem {
    pub id: Uuid,
    pub account: Uuid,
    /// Of the account.
    pub name: String,
    pub roles: Vec<Role>,
    pub label: String,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<DateTime<Utc>>,
}

/// Which page is shown.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Parameters {
    /// 1 to 100.
    limit: Option<u16>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// The place in the list: behind this key.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Behind {
    key: Uuid,
}

/// Lists all keys, newest first, expired and revoked ones too.
#[utoipa::path(
    get,
    path = "/v1/admin/api-keys",
    params(Parameters),
    responses((status = 200, description = "A page of keys", body = Page<ApiKeyItem>))
)]
pub async fn handler(
    _: Authz<AccessManage>,
    extract::State(state): extract::State<State>,
    Query(query): Query<Parameters>,
) -> Result<Json<Page<ApiKeyItem>>> {
    let limit = usize::from(limit(query.limit)?);
    let behind = cursor_read::<Behind>(query.cursor.as_deref())?;
    let keys = state.writer.api_keys().await?;
    let start = behind
        .map_or(0, |behind| keys.iter().position(|key| key.id == behind.key).map_or(keys.len(), |at| at + 1));
    let rest = keys.len() - start;
    let items: Vec<_> = keys.into_iter().skip(start).take(limit).map(ApiKeyItem::from).collect();
    let last = items.last().filter(|_| rest > limit);
    let next_cursor = last.map(|item| cursor_write(&Behind { key: item.id }));
    Ok(Json(Page { items, next_cursor }))
}

impl From<ApiKeyRow> for ApiKeyItem {
    fn from(row: ApiKeyRow) -> Self {
        Self {
            id: row.id,
            account: row.account.id,
            name: row.account.name,
            roles: row.account.roles,
            label: row.label,
            created_at: row.created_at,
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
        }
    }
}
