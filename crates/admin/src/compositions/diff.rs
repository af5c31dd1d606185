//! What changed between two revisions.

use crate::change::entity;
use crate::error::Result;
use crate::reading::{self, DiffQuery};
use crate::state::State;
use crate::wire::RevisionDiff;
use auth::permission::CompositionRead;
use axum::extract;
use domain::EntityKind;
use uuid::Uuid;
use web::{Authz, Json, Path, Query};

/// Compares two revisions, the newest with the one before it where none is named.
#[utoipa::path(
    get,
    path = "/v1/admin/compositions/{id}/history/diff",
    params(("id" = Uuid, Path, description = "The composition"), DiffQuery),
    responses((status = 200, description = "Found", body = RevisionDiff))
)]
pub async fn handler(
    _: Authz<CompositionRead>,
    extract::State(state): extract::State<State>,
    Path(id): Path<Uuid>,
    Query(query): Query<DiffQuery>,
) -> Result<Json<RevisionDiff>> {
    reading::diff(&state, entity(EntityKind::Composition, id), query).await
}
