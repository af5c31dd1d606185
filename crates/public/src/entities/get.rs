//! The page of one entity, whatever its kind.

use crate::answer::{Made, Question, read};
use crate::compositions::get::{Found, etag, found, keys, live, not_modified};
use crate::parameters;
use crate::state::{Keep, State};
use crate::view::EntityDetail;
use axum::response::Response;
use domain::EntityKind;
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
    class: &'static str,
    reference: &str,
    asked: &DetailParameters,
) -> Result<Response, Problem> {
    let script = parameters::script(asked.script.as_deref())?;
    let about = format!("{reference}&{script:?}");
    let question = Question { state, have, keep: Keep::Detail, class, about };
    if let Some(response) = question.answer_from_cache().await {
        return Ok(response);
    }
    let read = read(state).await?;
    let id = match found(&read, kind, reference).await? {
        Found::Here(id) => id,
        Found::Moved(response) => return Ok(*response),
    };
    if let Some(response) = not_modified(&read, kind, id, have, &question.about).await? {
        return Ok(response);
    }
    let variant = question.about.clone();
    question
        .answer(|| async {
            let live = live(&read, kind, id).await?;
            Made::tagged(
                &EntityDetail::of(&live, script),
                etag(&live.fingerprint, &variant),
                &keys(&live),
                &read,
            )
        })
        .await
}
