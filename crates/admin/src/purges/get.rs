//! `GET /v1/admin/purges/{id}`

use super::Purge;
use crate::error::Result;
use crate::state::State;
use auth::permission::PurgeRead;
use axum::extract;
use uuid::Uuid;
use web::{Authz, Json, Path, Problem};

/// Shows an order to purge, and how far it has come at each edge
#[utoipa::path(
    get,
    path = "/v1/admin/purges/{id}",
    params(("id" = Uuid, Path, description = "The order")),
    responses(
        (status = 200, description = "The order with the state of each edge", body = Purge),
        (status = 404, description = "There is no such order, or it is older than 90 days"))
)]
pub async fn handler(
    _: Authz<PurgeRead>,
    extract::State(state): extract::State<State>,
    Path(id): Path<Uuid>,
) -> Result<Json<Purge>> {
    let row = state.writer.purge(id).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(Purge::of(row, &state.reach.look().await)))
}
