//! `GET /v1/admin/reports`

use super::Report;
use crate::error::Result;
use crate::state::State;
use auth::permission::{ReportAnswer, ReportRead};
use axum::extract;
use domain::report::ReportState;
use serde::Deserialize;
use store::{Cursor, ReportFilter};
use utoipa::IntoParams;
use uuid::Uuid;
use web::page::{cursor_read, cursor_write, limit};
use web::{Authz, Json, Page, Query};

#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Parameters {
    /// Only those in this state.
    #[param(inline)]
    state: Option<ReportState>,
    /// Only those about this entity, by id.
    entity: Option<Uuid>,
    /// 1 to 100.
    limit: Option<u16>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Readers' reports, newest first
#[utoipa::path(
    get,
    path = "/v1/admin/reports",
    params(Parameters),
    responses((status = 200, description = "A page of reports", body = Page<Report>))
)]
pub async fn handler(
    authz: Authz<ReportRead>,
    extract::State(state): extract::State<State>,
    Query(query): Query<Parameters>,
) -> Result<Json<Page<Report>>> {
    let limit = usize::from(limit(query.limit)?);
    let before = cursor_read::<Cursor>(query.cursor.as_deref())?;
    let filter = ReportFilter { state: query.state, entity: query.entity };
    let page = state.writer.reports(&filter, limit, before.as_ref()).await?;
    let shows_contact = authz.principal.role_for::<ReportAnswer>().is_some();
    let items = page.items.into_iter().map(|row| Report::of(row, shows_contact)).collect();
    Ok(Json(Page { items, next_cursor: page.next.as_ref().map(cursor_write) }))
}
