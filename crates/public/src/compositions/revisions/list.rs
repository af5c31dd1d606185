//! `GET /v1/compositions/{ref}/revisions`

use super::Head;
use crate::answer::Made;
use crate::error::store_problem;
use crate::page::{Opened, Page};
use crate::state::State;
use axum::extract::State as Shared;
use axum::response::Response;
use domain::EntityKind;
use http::Uri;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use web::{IfNoneMatch, Path, Problem, Query, SurrogateKeys};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Parameters {}

/// The history of a song as readers saw it.
#[derive(Serialize, ToSchema)]
pub(crate) struct Revisions {
    /// The newest first, at most 1,000.
    items: Vec<Head>,
}

/// What readers saw of a song and when, newest first
#[utoipa::path(get, path = "/v1/compositions/{ref}/revisions",
    params(("ref" = String, Path, description = "Slug or id"), Parameters),
    responses(
        (status = 200, description = "The history", body = Revisions),
        (status = 304, description = "Unchanged"),
        (status = 308, description = "It has another slug now"),
        (status = 404, description = "No published song has this reference")))]
pub(crate) async fn handler(
    Shared(state): Shared<State>,
    have: IfNoneMatch,
    uri: Uri,
    Path(reference): Path<String>,
    Query(Parameters {}): Query<Parameters>,
) -> Result<Response, Problem> {
    let page = Page {
        state: &state,
        have: &have,
        kind: EntityKind::Composition,
        class: "revisions",
        reference: &reference,
        uri: &uri,
        variant: String::new(),
        fields: None,
    };
    let (read, entity) = match page.open().await? {
        Opened::Here(read, entity) => (read, entity),
        Opened::Answered(response) => return Ok(response),
    };
    page.question()
        .answer(|| async {
            let rows = read.published(entity).await.map_err(store_problem)?;
            let body = Revisions { items: rows.into_iter().map(Head::from).collect() };
            Made::new(&body, &SurrogateKeys::default().entity(entity), &read)
        })
        .await
}
