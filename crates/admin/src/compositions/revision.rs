//! One revision of a composition, whole.

use crate::change::entity;
use crate::error::Result;
use crate::reading;
use crate::state::State;
use crate::wire::RevisionDetail;
use auth::permission::CompositionRead;
use axum::extract;
use domain::{Composition, EntityKind};
use uuid::Uuid;
use web::{Authz, Json, Path};

/// Shows one revision with its content.
#[utoipa::path(
    get,
    path = "/v1/admin/compositions/{id}/history/{number}",
    params(
        ("id" = Uuid, Path, description = "The composition"),
        ("number" = i32, Path, description = "1 for the first revision")
    ),
    responses((status = 200, description = "The revision", body = RevisionDetail<Composition>))
)]
pub async fn handler(
    _: Authz<CompositionRead>,
    extract::State(state): extract::State<State>,
    Path((id, number)): Path<(Uuid, i32)>,
) -> Result<Json<RevisionDetail>> {
    reading::revision(&state, entity(EntityKind::Composition, id), number).await
}
