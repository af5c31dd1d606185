//! `GET /v1/ragas/{ref}`

use crate::answer::Made;
use crate::entities::{SongsOf, with_songs};
use crate::error::store_problem;
use crate::fields::{Fields, words};
use crate::page::{Opened, Page, keys, live};
use crate::parameters;
use crate::ragas::all::Ragas;
use crate::state::State;
use crate::view::raga::{Alias, Mode, RagaDetail};
use axum::extract::State as Shared;
use axum::response::Response;
use domain::{EntityKind, Record};
use http::Uri;
use lipi::Script;
use serde::{Deserialize, Serialize};
use store::Live;
use utoipa::{IntoParams, ToSchema};
use web::{IfNoneMatch, Path, Problem, Query};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Parameters {
    /// The script of names.
    script: Option<String>,
    /// `aliases`: other names by their kind; `graha_bheda`: what it becomes when another of its notes is taken
    /// for S; `compositions`: the first 25 songs. `janyas` and `same_scale` are always there and may be named.
    #[param(example = "aliases,graha_bheda")]
    include: Option<String>,
    /// The members that are wanted: `label,scale`. `id` and `slug` always come.
    fields: Option<String>,
}

/// A raga, with what `include` adds.
#[derive(Serialize, ToSchema)]
pub(crate) struct RagaPage {
    #[serde(flatten)]
    detail: RagaDetail,
    /// With `include=aliases`.
    #[serde(skip_serializing_if = "Option::is_none")]
    aliases: Option<Vec<Alias>>,
    /// With `include=graha_bheda`: one mode for each note but S.
    #[serde(skip_serializing_if = "Option::is_none")]
    graha_bheda: Option<Vec<Mode>>,
    /// With `include=compositions`.
    #[serde(skip_serializing_if = "Option::is_none")]
    compositions: Option<SongsOf>,
}

const INCLUDED: [&str; 5] = ["janyas", "aliases", "compositions", "graha_bheda", "same_scale"];

/// One raga with its scale, what can be read off it, its names, its mela, and its relatives
#[utoipa::path(get, path = "/v1/ragas/{ref}",
    params(("ref" = String, Path, description = "Slug or id"), Parameters),
    responses(
        (status = 200, description = "The page", body = RagaPage),
        (status = 304, description = "Unchanged"),
        (status = 308, description = "It has another slug now"),
        (status = 404, description = "No raga has this reference")))]
pub(crate) async fn handler(
    Shared(state): Shared<State>,
    have: IfNoneMatch,
    uri: Uri,
    Path(reference): Path<String>,
    Query(asked): Query<Parameters>,
) -> Result<Response, Problem> {
    let script = parameters::script(asked.script.as_deref())?;
    let included =
        asked.include.as_deref().map(|include| words("/include", include, &INCLUDED)).transpose()?;
    let mut included = included.unwrap_or_default();
    included.sort_unstable();
    let page = Page {
        state: &state,
        have: &have,
        kind: EntityKind::Raga,
        class: "raga",
        reference: &reference,
        uri: &uri,
        variant: format!("{script:?}&{}", included.join(",")),
        fields: Fields::of::<RagaPage>(asked.fields.as_deref())?,
    };
    if !included.contains(&"compositions") {
        return page.answer(|shown| RagaPage::of(shown.live, shown.ragas, &included, script)).await;
    }
    let (read, entity) = match page.open().await? {
        Opened::Here(read, entity) => (read, entity),
        Opened::Answered(response) => return Ok(response),
    };
    page.question()
        .answer(|| async {
            let live = live(&read, entity.kind, entity.id).await?;
            let (all, lsn) = state.held.ragas(&read).await.map_err(store_problem)?;
            let mut body = RagaPage::of(&live, &all, &included, script)?;
            body.compositions = Some(SongsOf::read(&read, entity, script).await?);
            let keys = with_songs(keys(&live));
            let made = match &page.fields {
                Some(fields) => Made::new(&fields.trimmed(&body)?, &keys, &read)?,
                None => Made::new(&body, &keys, &read)?,
            };
            Ok(made.not_after(lsn))
        })
        .await
}

impl RagaPage {
    fn of(live: &Live, all: &Ragas, included: &[&str], script: Option<Script>) -> Result<Self, Problem> {
        let Record::Raga(raga) = &live.record else { return Err(Problem::not_found()) };
        let has = |word: &str| included.contains(&word);
        Ok(Self {
            detail: RagaDetail::of(live, raga, all, script),
            aliases: has("aliases").then(|| Alias::all(&raga.names)),
            graha_bheda: has("graha_bheda").then(|| Mode::all(live.entity.id, raga, all, script)),
            compositions: None,
        })
    }
}
