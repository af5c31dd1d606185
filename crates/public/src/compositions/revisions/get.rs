//! `GET /v1/compositions/{ref}/revisions/{no}`

use super::{Head, live_as, numbered};
use crate::answer::Made;
use crate::page::{Opened, Page, keys};
use crate::parameters;
use crate::state::State;
use crate::view::CompositionDetail;
use axum::extract::State as Shared;
use axum::response::Response;
use domain::{EntityKind, Record};
use http::Uri;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use web::{IfNoneMatch, Path, Problem, Query};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Parameters {
    /// The script of names and text; a text that is not stored in it is transliterated and marked.
    script: Option<String>,
    /// The romanisation of a Latin text: `iso15919`, `iast`, `itrans` or `hk`.
    scheme: Option<String>,
}

/// A song as it was in one published revision.
#[derive(Serialize, ToSchema)]
pub(crate) struct Revision {
    #[serde(flatten)]
    head: Head,
    /// The document of that revision. Names of what it refers to are those of today.
    composition: CompositionDetail,
}

/// A song as readers saw it in one revision
#[utoipa::path(get, path = "/v1/compositions/{ref}/revisions/{no}",
    params(
        ("ref" = String, Path, description = "Slug or id"),
        ("no" = i32, Path, description = "Number of the revision"),
        Parameters),
    responses(
        (status = 200, description = "The revision", body = Revision),
        (status = 304, description = "Unchanged"),
        (status = 308, description = "It has another slug now"),
        (status = 404, description = "No published song has this reference, or no published revision this number")))]
pub(crate) async fn handler(
    Shared(state): Shared<State>,
    have: IfNoneMatch,
    uri: Uri,
    Path((reference, number)): Path<(String, i32)>,
    Query(asked): Query<Parameters>,
) -> Result<Response, Problem> {
    let wanted = parameters::wanted(asked.script.as_deref(), asked.scheme.as_deref())?;
    let page = Page {
        state: &state,
        have: &have,
        kind: EntityKind::Composition,
        class: "revision",
        reference: &reference,
        uri: &uri,
        variant: format!("{number}&{wanted:?}"),
        fields: None,
    };
    let (read, entity) = match page.open().await? {
        Opened::Here(read, entity) => (read, entity),
        Opened::Answered(response) => return Ok(response),
    };
    page.question()
        .answer(|| async {
            let past = numbered(&read, entity, number).await?.ok_or_else(Problem::not_found)?;
            let head = Head::from(past.row.clone());
            let live = live_as(&read, entity, past).await?;
            let Record::Composition(song) = &live.record else { return Err(Problem::not_found()) };
            let body = Revision { head, composition: CompositionDetail::of(&live, song, wanted) };
            Made::new(&body, &keys(&live), &read)
        })
        .await
}
