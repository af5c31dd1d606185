//! `GET /v1/compositions/{ref}/notation`

use crate::page::Page;
use crate::parameters;
use crate::state::State;
use crate::view::Labels;
use crate::view::notation::{NotatedVersion, versions};
use axum::extract::State as Shared;
use axum::response::Response;
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
    /// A version of the song; all that are written down where it is left out.
    pub version: Option<Uuid>,
    /// The script of letters and syllables; what is not stored in it is transliterated and marked.
    pub script: Option<String>,
    /// The romanisation of Latin syllables: `iso15919`, `iast`, `itrans` or `hk`.
    pub scheme: Option<String>,
}

/// The notations of a song.
#[derive(Serialize, ToSchema)]
pub(crate) struct Notations {
    /// Versions that are written down; none where the song is not.
    versions: Vec<NotatedVersion>,
}

/// The swaras of a song with the words under them, a row for each avartanam
#[utoipa::path(get, path = "/v1/compositions/{ref}/notation",
    params(("ref" = String, Path, description = "Slug or id"), Parameters),
    responses(
        (status = 200, description = "The swaras", body = Notations),
        (status = 304, description = "Unchanged"),
        (status = 308, description = "It has another slug now"),
        (status = 404, description = "No published song has this reference, or it has no such version")))]
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
        class: "notation",
        reference: &reference,
        uri: &uri,
        variant: format!("{wanted:?}&{:?}", asked.version),
        fields: None,
    };
    page.answer(|shown| {
        let Record::Composition(song) = &shown.live.record else { return Err(Problem::not_found()) };
        let labels = Labels { known: &shown.live.labels, script: wanted.map(|wanted| wanted.script) };
        let versions = versions(song, asked.version, wanted, labels);
        if asked.version.is_some() && versions.is_empty() {
            return Err(Problem::not_found());
        }
        Ok(Notations { versions })
    })
    .await
}
