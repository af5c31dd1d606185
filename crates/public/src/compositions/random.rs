//! `GET /v1/compositions/random`

use super::list::keys;
use crate::answer::{Made, hash128, read};
use crate::error::store_problem;
use crate::parameters;
use crate::state::State;
use crate::view::CompositionItem;
use axum::extract::State as Shared;
use axum::response::Response;
use lipi::Script;
use serde::Deserialize;
use store::Read;
use utoipa::IntoParams;
use web::{Context, IfNoneMatch, Problem, Query};

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
#[utoipa::path(get, path = "/v1/compositions/random", params(Parameters),
    responses(
        (status = 200, description = "The song", body = CompositionItem),
        (status = 404, description = "No song is published")))]
pub(crate) async fn handler(
    Shared(state): Shared<State>,
    context: Context,
    have: IfNoneMatch,
    Query(asked): Query<Parameters>,
) -> Result<Response, Problem> {
    let script = parameters::script(asked.script.as_deref())?;
    let seed =
        asked.seed.map_or_else(|| context.new_id().into_bytes().to_vec(), |seed| seed.to_be_bytes().to_vec());
    let read = read(&state).await?;
    let song = drawn(&read, &seed, script).await?;
    Ok(Made::new(&song, &keys(), &read)?.respond(&have))
}

/// The song that `seed` falls on.
pub(crate) async fn drawn(
    read: &Read,
    seed: &[u8],
    script: Option<Script>,
) -> Result<CompositionItem, Problem> {
    let count = read.published_count().await.map_err(store_problem)?;
    let draw = u128::from_be_bytes(hash128(&[seed])) % u128::from(count.max(1));
    let id = read.nth_composition(u64::try_from(draw).unwrap_or(0)).await.map_err(store_problem)?;
    let id = id.ok_or_else(Problem::not_found)?;
    let row = read.composition_rows(&[id]).await.map_err(store_problem)?.pop();
    row.map(|row| CompositionItem::of(&row, script)).ok_or_else(Problem::not_found)
}
