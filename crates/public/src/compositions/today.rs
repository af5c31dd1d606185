//! `GET /v1/compositions/today`

use super::random::nth;
use crate::answer::{hash128, read};
use crate::state::State;
use crate::view::CompositionItem;
use axum::extract::State as Shared;
use axum::response::Response;
use chrono::NaiveDate;
use domain::EntityKind;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use web::{Context, Fresh, IfNoneMatch, Problem, Query, SurrogateKeys};

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
#[utoipa::path(get, path = "/v1/compositions/today", tag = "compositions", params(Parameters),
    responses((status = 200, description = "The song", body = OfDay), (status = 404, description = "No song is published")))]
pub(crate) async fn handler(
    Shared(state): Shared<State>,
    context: Context,
    have: IfNoneMatch,
    Query(asked): Query<Parameters>,
) -> Result<Response, Problem> {
    let date = asked.date.unwrap_or_else(|| context.now.date_naive());
    let read = read(&state).await?;
    let composition = nth(&read, date.to_string().as_bytes(), asked.script.as_deref()).await?;
    let body = serde_json::to_vec(&OfDay { date, composition }).map_err(|error| Problem::internal(&error))?;
    let etag = web::ETag::of_hash(hash128(&[&body]));
    let keys = SurrogateKeys::default()
        .list(EntityKind::Composition)
        .list(EntityKind::Raga)
        .list(EntityKind::Composer);
    let fresh =
        Fresh { etag: Some(etag.clone()), keys: keys.list(EntityKind::Tala).keys(), lsn: Some(read.lsn()) };
    Ok(if have.matches(&etag) { fresh.not_modified() } else { fresh.json(body.into()) })
}
