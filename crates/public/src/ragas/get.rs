//! `GET /v1/ragas/{ref}`

use crate::entities::{DetailParameters, entity_page};
use crate::state::State;
use crate::view::EntityDetail;
use axum::extract::State as Shared;
use axum::response::Response;
use domain::EntityKind;
use web::{IfNoneMatch, Path, Problem, Query};

/// One raga with its scale, what can be read off it, its names and its mela
#[utoipa::path(get, path = "/v1/ragas/{ref}", tag = "music",
    params(("ref" = String, Path, description = "Slug or id"), DetailParameters),
    responses(
        (status = 200, description = "The page", body = EntityDetail),
        (status = 304, description = "Unchanged"),
        (status = 308, description = "It has another slug now"),
        (status = 404, description = "No raga has this reference")))]
pub(crate) async fn handler(
    Shared(state): Shared<State>,
    have: IfNoneMatch,
    Path(reference): Path<String>,
    Query(asked): Query<DetailParameters>,
) -> Result<Response, Problem> {
    entity_page(&state, &have, EntityKind::Raga, "ragas", &reference, &asked).await
}
