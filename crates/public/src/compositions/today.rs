//! `GET /v1/compositions/today`

use super::list::keys;
use super::random::drawn;
use crate::answer::{Made, read};
use crate::parameters;
use crate::state::State;
use crate::view::CompositionItem;
use axum::extract::State as Shared;
use axum::response::Response;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use web::{Context, IfNoneMatch, Problem, Query};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Parameters {
    /// A day as `2026-11-22`; today in UTC where absent.
    date: Option<NaiveDate>,
    /// The script of names and titles.
    script: Option<String>,
}

/// The song of a day.
#[derive(Serialize, ToSchema)]
pub(crate) struct OfDay {
    date: NaiveDate,
    composition: CompositionItem,
}

/// The song of the day: the same for everybody, and for every day of an unchanged catalogue
#[utoipa::path(get, path = "/v1/compositions/today", params(Parameters),
    responses(
        (status = 200, description = "The song", body = OfDay),
        (status = 304, description = "Unchanged"),
        (status = 404, description = "No song is published")))]
pub(crate) async fn handler(
    Shared(state): Shared<State>,
    context: Context,
    have: IfNoneMatch,
    Query(asked): Query<Parameters>,
) -> Result<Response, Problem> {
    let script = parameters::script(asked.script.as_deref())?;
    let date = asked.date.unwrap_or_else(|| context.now.date_naive());
    let read = read(&state).await?;
    let composition = drawn(&read, date.to_string().as_bytes(), script).await?;
    Ok(Made::new(&OfDay { date, composition }, &keys(), &read)?.respond(&have))
}
