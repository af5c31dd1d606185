//! `GET /v1/compositions/{ref}`

use crate::page::Page;
use crate::parameters;
use crate::state::State;
use crate::view::CompositionDetail;
use axum::extract::State as Shared;
use axum::response::Response;
use domain::{EntityKind, Record};
use http::Uri;
use serde::Deserialize;
use utoipa::IntoParams;
use web::{IfNoneMatch, Path, Problem, Query};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Parameters {
    /// The script of names and text; a text that is not stored in it is transliterated and marked.
    pub script: Option<String>,
    /// The romanisation of a Latin text: `iso15919`, `iast`, `itrans` or `hk`.
    pub scheme: Option<String>,
}

/// A song in one document: names, ragas in order, tala, sections, texts, sources and rights
#[utoipa::path(get, path = "/v1/compositions/{ref}",
    params(("ref" = String, Path, description = "Slug or id"), Parameters),
    responses(
        (status = 200, description = "The song", body = CompositionDetail),
        (status = 304, description = "Unchanged"),
        (status = 308, description = "It has another slug now"),
        (status = 404, description = "No published song has this reference")))]
pub(crate) async fn handler(
    Shared(state): Shared<State>,
    have: IfNoneMatch,
    uri: Uri,
    Path(reference): Path<String>,
    Query(asked): Query<Parameters>,
) -> Result<Response, Problem> {
    let wanted = parameters::wanted(asked.script.as_deref(), asked.scheme.as_deref())?;
    let page = Page {
        state: &state,
        have: &have,
        kind: EntityKind::Composition,
        class: "composition",
        reference: &reference,
        uri: &uri,
        variant: format!("{wanted:?}"),
    };
    page.answer(|shown| match &shown.live.record {
        Record::Composition(song) => Some(CompositionDetail::of(shown.live, song, wanted)),
        _ => None,
    })
    .await
}
