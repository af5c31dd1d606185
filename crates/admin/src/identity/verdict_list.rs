//! Rulings on names that look alike.

use crate::error::Result;
use crate::state::State;
use auth::permission::RefdataRead;
use axum::extract;
use chrono::{DateTime, Utc};
use domain::{Actor, Verdict};
use serde::{Deserialize, Serialize};
use store::{Cursor, VerdictRow};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use web::page::{cursor_read, cursor_write, limit};
use web::{Authz, Json, Page, Query};

/// A ruling, who made it, and when.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct VerdictItem {
    pub id: Uuid,
    #[serde(flatten)]
    pub verdict: Verdict,
    pub author: Actor,
    pub at: DateTime<Utc>,
}

/// Which page of rulings.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Parameters {
    /// 1 to 100.
    limit: Option<u16>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Lists the rulings on names that look alike, the newest first.
#[utoipa::path(
    get,
    path = "/v1/admin/verdicts",
    params(Parameters),
    responses((status = 200, description = "A page of rulings", body = Page<VerdictItem>))
)]
pub async fn handler(
    _: Authz<RefdataRead>,
    extract::State(state): extract::State<State>,
    Query(query): Query<Parameters>,
) -> Result<Json<Page<VerdictItem>>> {
    let after = cursor_read::<Cursor>(query.cursor.as_deref())?;
    let page = state.writer.verdict_page(usize::from(limit(query.limit)?), after.as_ref()).await?;
    let items = page.items.into_iter().map(VerdictItem::from).collect();
    Ok(Json(Page { items, next_cursor: page.next.as_ref().map(cursor_write) }))
}

impl From<VerdictRow> for VerdictItem {
    fn from(row: VerdictRow) -> Self {
        let VerdictRow { id, verdict, author, at } = row;
        Self { id, verdict, author, at }
    }
}
