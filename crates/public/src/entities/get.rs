//! The page of one entity, whatever its kind.

use crate::page::Page;
use crate::parameters;
use crate::state::State;
use crate::view::EntityDetail;
use axum::response::Response;
use domain::EntityKind;
use http::Uri;
use serde::Deserialize;
use utoipa::IntoParams;
use web::{IfNoneMatch, Problem};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DetailParameters {
    /// The script of names.
    pub script: Option<String>,
}

/// Answers with the page of the entity of `kind` that `reference` names.
pub(crate) async fn entity_page(
    state: &State,
    have: &IfNoneMatch,
    kind: EntityKind,
    reference: &str,
    uri: &Uri,
    asked: &DetailParameters,
) -> Result<Response, Problem> {
    let script = parameters::script(asked.script.as_deref())?;
    let variant = format!("{script:?}");
    let page = Page { state, have, kind, class: kind.as_str(), reference, uri, variant };
    page.answer(|shown| Some(EntityDetail::of(shown.live, script))).await
}
