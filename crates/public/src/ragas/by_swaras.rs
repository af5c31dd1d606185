//! `GET /v1/ragas/by-swaras`

use crate::answer::{Made, Question, read};
use crate::error::store_problem;
use crate::parameters;
use crate::state::{Keep, State};
use crate::view::Label;
use axum::extract::State as Shared;
use axum::response::Response;
use domain::EntityKind;
use domain::music::scale::display;
use domain::music::swara_set::{SetDirection, SetMatch, SwaraQuery, SwaraSet};
use domain::music::{Raga, Swara};
use serde::{Deserialize, Serialize};
use store::RagaRow;
use utoipa::{IntoParams, ToSchema};
use web::{IfNoneMatch, Problem, Query, SurrogateKeys};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Parameters {
    /// Swaras in any order, such as `S R2 G3 P D2`.
    #[param(example = "S R2 G3 P D2")]
    swaras: String,
    /// `exact` (default): these and no others; `superset`: these and perhaps more; `subset`: none but these.
    #[param(inline)]
    mode: Option<SetMatch>,
    /// `either` (default): both directions together; `both`: each of them; `arohana`; `avarohana`.
    #[param(inline)]
    direction: Option<SetDirection>,
    /// `1` also finds ragas that have these swaras when another of their notes is taken for S.
    #[serde(default, deserialize_with = "parameters::switch")]
    #[param(required = false)]
    graha_bheda: bool,
    /// The script of the names.
    script: Option<String>,
}

/// The ragas that match.
#[derive(Serialize, ToSchema)]
pub(crate) struct Matches {
    items: Vec<Match>,
}

#[derive(Serialize, ToSchema)]
struct Match {
    raga: Label,
    arohana: String,
    avarohana: String,
    /// The note that must be taken for S, in half tones above the raga's own S; 0 as it is.
    tonic: u8,
    /// Swaras of the raga beyond those asked for, as names over its own S.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    beyond: Vec<Swara>,
    /// Swaras asked for that the raga lacks, as they were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missing: Vec<Swara>,
}

/// Ragas by the swaras that they take
#[utoipa::path(get, path = "/v1/ragas/by-swaras", params(Parameters),
    responses((status = 200, description = "The ragas", body = Matches), (status = 304, description = "Unchanged")))]
pub(crate) async fn handler(
    Shared(state): Shared<State>,
    have: IfNoneMatch,
    Query(asked): Query<Parameters>,
) -> Result<Response, Problem> {
    let script = parameters::script(asked.script.as_deref())?;
    let wanted = SwaraSet::parse(&asked.swaras)
        .map_err(|mistake| Problem::field("/swaras", "not_swaras", mistake.to_string()))?;
    let query = SwaraQuery {
        wanted,
        matching: asked.mode.unwrap_or(SetMatch::Exact),
        direction: asked.direction.unwrap_or(SetDirection::Either),
        graha_bheda: asked.graha_bheda,
    };
    // The words, too: the same notes may be asked for under other names.
    let about = format!("{query:?}&{}&{script:?}", asked.swaras);
    let question = Question { state: &state, have: &have, keep: Keep::Reference, class: "by_swaras", about };
    question
        .answer(|| async {
            let read = read(&state).await?;
            let (ragas, lsn) = state.held.ragas(&read).await.map_err(store_problem)?;
            let found = |row: &RagaRow| {
                let tonic = query.tonic_in(&row.raga)?;
                Some(Match {
                    raga: Label::of(&row.label, script),
                    arohana: display(&row.raga.arohana),
                    avarohana: display(&row.raga.avarohana),
                    tonic,
                    missing: missing(&row.raga, &asked.swaras, tonic),
                    beyond: beyond(&row.raga, wanted.shifted((12 - tonic) % 12)),
                })
            };
            let mut items: Vec<Match> = ragas.iter().filter_map(found).collect();
            items.sort_by(|a, b| {
                (a.tonic, &a.raga.label, a.raga.id).cmp(&(b.tonic, &b.raga.label, b.raga.id))
            });
            let keys = SurrogateKeys::default().list(EntityKind::Raga);
            Ok(Made::new(&Matches { items }, &keys, &read)?.not_after(lsn))
        })
        .await
}

/// The swaras of the raga whose position is not among `wanted`, each once, in the order of pitch.
fn beyond(raga: &Raga, wanted: SwaraSet) -> Vec<Swara> {
    let tokens = raga.arohana.iter().chain(&raga.avarohana);
    let mut beyond: Vec<Swara> =
        tokens.map(|token| token.swara).filter(|swara| !wanted.contains(swara.position())).collect();
    beyond.sort_unstable();
    beyond.dedup();
    beyond
}

/// The swaras of `asked` that the raga has not when its note `tonic` is taken for S, each once, in the order of
/// pitch.
fn missing(raga: &Raga, asked: &str, tonic: u8) -> Vec<Swara> {
    let tokens = raga.arohana.iter().chain(&raga.avarohana);
    let has = tokens.map(|token| token.swara).collect::<SwaraSet>().shifted(tonic);
    let words = asked.split([' ', ',', '-', '+']).filter_map(|word| word.parse::<Swara>().ok());
    let mut missing: Vec<Swara> = words.filter(|swara| !has.contains(swara.position())).collect();
    missing.sort_unstable();
    missing.dedup();
    missing
}
