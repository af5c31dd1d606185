//! `GET /v1/melakartas`

use crate::answer::{Made, Question, read};
use crate::error::store_problem;
use crate::parameters;
use crate::state::{Keep, State};
use crate::view::Label;
use axum::extract::State as Shared;
use axum::response::Response;
use domain::EntityKind;
use domain::music::{Swara, melakarta};
use lipi::Script;
use serde::{Deserialize, Serialize};
use store::Read;
use utoipa::{IntoParams, ToSchema};
use web::{IfNoneMatch, Problem, Query, SurrogateKeys};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Parameters {
    /// The script of the names.
    script: Option<String>,
}

/// The table of the 72.
#[derive(Serialize, ToSchema)]
pub(crate) struct Table {
    pub chakras: Vec<Chakra>,
}

/// Six melas that differ in the upper tetrachord only.
#[derive(Serialize, ToSchema)]
pub(crate) struct Chakra {
    /// 1 to 12.
    pub number: u8,
    pub name: &'static str,
    pub melas: Vec<Mela>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Mela {
    /// 1 to 72.
    pub number: u8,
    /// The raga of this catalogue, where it is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raga: Option<Label>,
    /// Its name by the katapayadi scheme, in ISO 15919.
    pub name: &'static str,
    pub swaras: [Swara; 7],
    /// It holds G1, R3, N1 or D3.
    pub vivadi: bool,
    /// Janyas of this catalogue.
    pub janyas: usize,
}

/// The 72 melakartas by chakra, with the number of janyas of each
#[utoipa::path(get, path = "/v1/melakartas", params(Parameters),
    responses((status = 200, description = "The table", body = Table), (status = 304, description = "Unchanged")))]
pub(crate) async fn handler(
    Shared(state): Shared<State>,
    have: IfNoneMatch,
    Query(asked): Query<Parameters>,
) -> Result<Response, Problem> {
    let script = parameters::script(asked.script.as_deref())?;
    let about = format!("{script:?}");
    let question = Question { state: &state, have: &have, keep: Keep::Reference, class: "melakartas", about };
    question
        .answer(|| async {
            let read = read(&state).await?;
            let (table, lsn) = Table::of(&state, &read, script).await?;
            Ok(Made::new(&table, &SurrogateKeys::default().list(EntityKind::Raga), &read)?.not_after(lsn))
        })
        .await
}

impl Table {
    /// The table with names in `script`, and the position at which it is known to be right.
    pub async fn of(state: &State, read: &Read, script: Option<Script>) -> Result<(Self, u64), Problem> {
        let (ragas, lsn) = state.held.ragas(read).await.map_err(store_problem)?;
        let mela = |number: u8| {
            let raga = ragas.mela(number);
            let (swaras, name) = (melakarta::scale(number)?, melakarta::name(number)?);
            Some(Mela {
                number,
                raga: raga.map(|raga| Label::of(&raga.label, script)),
                name,
                swaras,
                vivadi: melakarta::is_vivadi(number)?,
                janyas: raga.map_or(0, |raga| ragas.janyas(raga.id).len()),
            })
        };
        let chakra = |number: u8| {
            let first = (number - 1) * 6 + 1;
            let (_, name) = melakarta::chakra(first)?;
            Some(Chakra { number, name, melas: (first..first + 6).filter_map(mela).collect() })
        };
        Ok((Self { chakras: (1..=12).filter_map(chakra).collect() }, lsn))
    }
}
