//! `GET /v1/compositions/random`

use crate::answer::{hash128, read};
use crate::error::store_problem;
use crate::parameters;
use crate::state::State;
use crate::view::CompositionItem;
use axum::extract::State as Shared;
use serde::Deserialize;
use store::Read;
use utoipa::IntoParams;
use web::{Context, Json, Problem, Query};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Parameters {
    /// The same seed finds the same song in an unchanged catalogue.
    seed: Option<u64>,
    /// The script of names and titles.
    script: Option<String>,
}

/// Some song
#[utoipa::path(get, path = "/v1/compositions/random", tag = "compositions", params(Parameters),
    responses((status = 200, description = "The song", body = CompositionItem), (status = 404, description = "No song is published")))]
pub(crate) async fn handler(
    Shared(state): Shared<State>,
    context: Context,
    Query(asked): Query<Parameters>,
) -> Result<Json<CompositionItem>, Problem> {
    let seed = asked.seed.map_or_else(|| context.request_id.into_bytes(), |seed| seed.to_be_bytes().to_vec());
    nth(&read(&state).await?, &seed, asked.script.as_deref()).await.map(Json)
}

/// The song that `seed` falls on.
pub(crate) async fn nth(read: &Read, seed: &[u8], script: Option<&str>) -> Result<CompositionItem, Problem> {
    let script = parameters::script(script)?;
    let count = read.published_count().await.map_err(store_problem)?;
    let draw = u128::from_be_bytes(hash128(&[seed])) % u128::from(count.max(1));
    let id = read.nth_composition(u64::try_from(draw).unwrap_or(0)).await.map_err(store_problem)?;
    let id = id.ok_or_else(Problem::not_found)?;
    let row = read.composition_rows(&[id]).await.map_err(store_problem)?.pop();
    row.map(|row| CompositionItem::of(row, script)).ok_or_else(Problem::not_found)
}
