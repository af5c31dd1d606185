//! `GET /v1/ragas`

use crate::entities::{Entities, KindFilter, ListParameters, entity_list};
use crate::parameters::{self, Count};
use crate::state::State;
use axum::extract::State as Shared;
use axum::response::Response;
use domain::EntityKind;
use domain::music::raga::RagaKind;
use serde::Deserialize;
use utoipa::IntoParams;
use web::{IfNoneMatch, Problem, Query};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Parameters {
    /// `mela`, `janya` or `unclassified`.
    #[param(inline)]
    kind: Option<RagaKind>,
    /// A mela number, 1 to 72: the mela and its janyas.
    mela: Option<u8>,
    /// Only names that an index files under this letter of the script.
    letter: Option<String>,
    /// The script of names, and of their order.
    script: Option<String>,
    /// `exact` also counts all that fit; `estimate` may do so too; `none` (default).
    #[param(inline)]
    count: Option<Count>,
    /// The members of each item that are wanted: `label,mela_number`. `id` and `slug` always come.
    fields: Option<String>,
    /// 1 to 100.
    limit: Option<u16>,
    cursor: Option<String>,
}

/// Ragas, by kind and mela
#[utoipa::path(get, path = "/v1/ragas", params(Parameters),
    responses((status = 200, description = "A page", body = Entities), (status = 304, description = "Unchanged")))]
pub(crate) async fn handler(
    Shared(state): Shared<State>,
    have: IfNoneMatch,
    Query(asked): Query<Parameters>,
) -> Result<Response, Problem> {
    let of_kind =
        KindFilter { raga_kind: asked.kind, mela: parameters::mela(asked.mela)?, ..KindFilter::default() };
    let list = ListParameters {
        letter: asked.letter,
        script: asked.script,
        count: asked.count,
        fields: asked.fields,
        limit: asked.limit,
        cursor: asked.cursor,
    };
    entity_list(&state, &have, EntityKind::Raga, list, of_kind).await
}
