//! One composition as editors see it.

use crate::change::entity;
use crate::error::Result;
use crate::reading;
use crate::state::State;
use crate::wire::Detail;
use auth::permission::CompositionRead;
use axum::extract;
use axum::response::Response;
use domain::{Composition, EntityKind};
use uuid::Uuid;
use web::{Authz, Path};

/// Shows the draft if there is one, else what is live.
#[utoipa::path(
    get,
    path = "/v1/admin/compositions/{id}",
    params(("id" = Uuid, Path, description = "The composition")),
    responses((status = 200, description = "The composition; its ETag is its row version", body = Detail<Composition>))
)]
pub async fn handler(
    _: Authz<CompositionRead>,
    extract::State(state): extract::State<State>,
    Path(id): Path<Uuid>,
) -> Result<Response> {
    reading::get(&state, entity(EntityKind::Composition, id)).await
}
