//! `GET /v1/compositions/{ref}/texts`

use crate::page::Page;
use crate::parameters;
use crate::state::State;
use crate::view::Labels;
use crate::view::text::{Text, texts};
use axum::extract::State as Shared;
use axum::response::Response;
use domain::composition::text::Rendering;
use domain::composition::{LyricText, Section, Version};
use domain::{EntityKind, Record};
use http::Uri;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use web::{IfNoneMatch, Path, Problem, Query};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Parameters {
    /// The script of the text; one that is not stored in it is transliterated and marked.
    pub script: Option<String>,
    /// The romanisation of a Latin text: `iso15919`, `iast`, `itrans` or `hk`.
    pub scheme: Option<String>,
    /// Only texts in this language (ISO 639-1).
    pub language: Option<String>,
    /// Only `continuous` or `word_division` texts.
    #[param(inline)]
    pub rendering: Option<Rendering>,
}

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
    let language = parameters::language(asked.language.as_deref())?;
    // Chosen before anything is transliterated, so that the best text of those that fit is taken.
    let fits = |text: &LyricText| {
        language.is_none_or(|language| text.languages.contains(&language))
            && asked.rendering.is_none_or(|rendering| text.rendering == rendering)
    };
    let page = Page {
        state: &state,
        have: &have,
        kind: EntityKind::Composition,
        class: "texts",
        reference: &reference,
        uri: &uri,
        variant: format!("{wanted:?}&{language:?}&{:?}", asked.rendering),
        fields: None,
    };
    page.answer(|shown| {
        let Record::Composition(song) = &shown.live.record else { return Err(Problem::not_found()) };
        let labels = Labels { known: &shown.live.labels, script: wanted.map(|wanted| wanted.script) };
        let of_version = |version: &Version| {
            let mut version = version.clone();
            version.texts.retain(fits);
            let texts = texts(&version, wanted, labels);
            OfVersion { version: version.id, sections: version.sections, texts }
        };
        Ok(Texts { versions: song.versions.iter().map(of_version).collect() })
    })
    .await
}
