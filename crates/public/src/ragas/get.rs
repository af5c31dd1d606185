//! `GET /v1/ragas/{ref}`

use crate::entities::DetailParameters;
use crate::page::Page;
use crate::parameters;
use crate::state::State;
use crate::view::RagaDetail;
use axum::extract::State as Shared;
use axum::response::Response;
use domain::{EntityKind, Record};
use http::Uri;
use web::{IfNoneMatch, Path, Problem, Query};

/// One raga with its scale, what can be read off it, its names, its mela, and its relatives
#[utoipa::path(get, path = "/v1/ragas/{ref}",
    params(("ref" = String, Path, description = "Slug or id"), DetailParameters),
    responses(
        (status = 200, description = "The page", body = RagaDetail),
        (status = 304, description = "Unchanged"),
        (status = 308, description = "It has another slug now"),
        (status = 404, description = "No raga has this reference")))]
pub(crate) async fn handler(
    Shared(state): Shared<State>,
    have: IfNoneMatch,
    uri: Uri,
    Path(reference): Path<String>,
    Query(asked): Query<DetailParameters>,
) -> Result<Response, Problem> {
    let script = parameters::script(asked.script.as_deref())?;
    let page = Page {
        state: &state,
        have: &have,
        kind: EntityKind::Raga,
        class: "raga",
        reference: &reference,
        uri: &uri,
        variant: format!("{script:?}"),
    };
    page.answer(|shown| match &shown.live.record {
        Record::Raga(raga) => Some(RagaDetail::of(shown.live, raga, shown.ragas, script)),
        _ => None,
    })
    .await
}
