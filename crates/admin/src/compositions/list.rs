//! The list of compositions, in every state.

use crate::error::Result;
use crate::reading::{self, ListQuery};
use crate::state::State;
use crate::wire::Summary;
use auth::permission::CompositionRead;
use axum::extract;
use domain::EntityKind;
use web::{Authz, Json, Page, Query};

/// Lists compositions in every state.
#[utoipa::path(
    get,
    path = "/v1/admin/compositions",
    params(ListQuery),
    responses((status = 200, description = "A page of compositions", body = Page<Summary>))
)]
pub async fn handler(
    _: Authz<CompositionRead>,
    extract::State(state): extract::State<State>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<Summary>>> {
    reading::list(&state, EntityKind::Composition, query).await
}
