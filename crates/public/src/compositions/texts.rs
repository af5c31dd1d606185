//! `GET /v1/compositions/{ref}/texts`

use super::get::{Found, Parameters, etag, found, keys, live, not_modified};
use crate::answer::{Made, Question, read};
use crate::parameters;
use crate::state::{Keep, State};
use crate::view::text::{Text, texts};
use axum::extract::State as Shared;
use axum::response::Response;
use domain::composition::Section;
use domain::{EntityKind, Record};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;
use web::{IfNoneMatch, Path, Problem, Query};

/// The words of a song.
#[derive(Serialize, ToSchema)]
pub(crate) struct Texts {
    versions: Vec<OfVersion>,
}

/// The words of one version, and the section tree that they follow.
#[derive(Serialize, ToSchema)]
struct OfVersion {
    version: Uuid,
    sections: Vec<Section>,
    texts: Vec<Text>,
}

/// The words of a song, stored or transliterated into the script that is asked for
#[utoipa::path(get, path = "/v1/compositions/{ref}/texts", tag = "compositions",
    params(("ref" = String, Path, description = "Slug or id"), Parameters),
    responses(
        (status = 200, description = "The words", body = Texts),
        (status = 304, description = "Unchanged"),
        (status = 404, description = "No published song has this reference")))]
pub(crate) async fn handler(
    Shared(state): Shared<State>,
    have: IfNoneMatch,
    Path(reference): Path<String>,
    Query(asked): Query<Parameters>,
) -> Result<Response, Problem> {
    let wanted = parameters::wanted(asked.script.as_deref(), asked.scheme.as_deref())?;
    let kind = EntityKind::Composition;
    let about = format!("texts&{reference}&{wanted:?}");
    let question = Question { state: &state, have: &have, keep: Keep::Detail, class: "texts", about };
    if let Some(response) = question.answer_from_cache().await {
        return Ok(response);
    }
    let read = read(&state).await?;
    let id = match found(&read, kind, &reference).await? {
        Found::Here(id) => id,
        Found::Moved(response) => return Ok(*response),
    };
    if let Some(response) = not_modified(&read, kind, id, &have, &question.about).await? {
        return Ok(response);
    }
    let variant = question.about.clone();
    question
        .answer(|| async {
            let live = live(&read, kind, id).await?;
            let Record::Composition(song) = &live.record else { return Err(Problem::not_found()) };
            let of_version = |version: &domain::composition::Version| OfVersion {
                version: version.id,
                sections: version.sections.clone(),
                texts: texts(version, wanted),
            };
            let body = Texts { versions: song.versions.iter().map(of_version).collect() };
            Made::tagged(&body, etag(&live.fingerprint, &variant), &keys(&live), &read)
        })
        .await
}
