//! `GET /v1/compositions/{ref}/texts`

use super::get::Parameters;
use crate::page::Page;
use crate::parameters;
use crate::state::State;
use crate::view::Labels;
use crate::view::text::{Text, texts};
use axum::extract::State as Shared;
use axum::response::Response;
use domain::composition::Section;
use domain::{EntityKind, Record};
use http::Uri;
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
#[utoipa::path(get, path = "/v1/compositions/{ref}/texts",
    params(("ref" = String, Path, description = "Slug or id"), Parameters),
    responses(
        (status = 200, description = "The words", body = Texts),
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
        class: "texts",
        reference: &reference,
        uri: &uri,
        variant: format!("{wanted:?}"),
    };
    page.answer(|shown| {
        let Record::Composition(song) = &shown.live.record else { return None };
        let labels = Labels { known: &shown.live.labels, script: wanted.map(|wanted| wanted.script) };
        let of_version = |version: &domain::composition::Version| OfVersion {
            version: version.id,
            sections: version.sections.clone(),
            texts: texts(version, wanted, labels),
        };
        Some(Texts { versions: song.versions.iter().map(of_version).collect() })
    })
    .await
}
