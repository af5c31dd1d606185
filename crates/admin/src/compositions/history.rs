//! The revisions of a composition.

use crate::change::entity;
use crate::error::Result;
use crate::reading::{self, HistoryQuery};
use crate::state::State;
use crate::wire::RevisionHead;
use auth::permission::CompositionRead;
use axum::extract;
use domain::EntityKind;
use uuid::Uuid;
use web::{Authz, Json, Page, Path, Query};

/// Lists the revisions of a composition, newest first.
#[utoipa::path(
    get,
    path = "/v1/admin/compositions/{id}/history",
    params(("id" = Uuid, Path, description = "The composition"), HistoryQuery),
    responses((status = 200, description = "Found", body = Page<RevisionHead>))
)]
pub async fn handler(
    _: Authz<CompositionRead>,
    extract::State(state): extract::State<State>,
    Path(id): Path<Uuid>,
    Query(query): Query<HistoryQuery>,
) -> Result<Json<Page<RevisionHead>>> {
    reading::history(&state, entity(EntityKind::Composition, id), query).await
}
