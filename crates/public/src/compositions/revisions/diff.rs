//! `GET /v1/compositions/{ref}/revisions/diff`

use super::{numbered, song};
use crate::answer::Made;
use crate::error::store_problem;
use crate::page::{Opened, Page};
use crate::state::State;
use axum::extract::State as Shared;
use axum::response::Response;
use domain::composition::diff::{SongDiff, diff};
use domain::{EntityKind, EntityRef};
use http::Uri;
use serde::{Deserialize, Serialize};
use store::{Published, Read};
use utoipa::{IntoParams, ToSchema};
use web::{IfNoneMatch, Path, Problem, Query, SurrogateKeys};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Parameters {
    /// The older revision; the published one before `to` where it is left out.
    from: Option<i32>,
    /// The newer revision; the one that readers see now where it is left out.
    to: Option<i32>,
}

/// What changed between two published revisions.
#[derive(Serialize, ToSchema)]
pub(crate) struct Difference {
    from: i32,
    to: i32,
    #[serde(flatten)]
    changes: SongDiff,
}

/// What changed between two published revisions of a song, by field, and by section and line of its words
#[utoipa::path(get, path = "/v1/compositions/{ref}/revisions/diff",
    params(("ref" = String, Path, description = "Slug or id"), Parameters),
    responses(
        (status = 200, description = "The difference", body = Difference),
        (status = 304, description = "Unchanged"),
        (status = 308, description = "It has another slug now"),
        (status = 404, description = "No published song has this reference"),
        (status = 422, description = "One of the numbers is not that of a published revision")))]
pub(crate) async fn handler(
    Shared(state): Shared<State>,
    have: IfNoneMatch,
    uri: Uri,
    Path(reference): Path<String>,
    Query(asked): Query<Parameters>,
) -> Result<Response, Problem> {
    let page = Page {
        state: &state,
        have: &have,
        kind: EntityKind::Composition,
        class: "diff",
        reference: &reference,
        uri: &uri,
        variant: format!("{:?}&{:?}", asked.from, asked.to),
        fields: None,
    };
    let (read, entity) = match page.open().await? {
        Opened::Here(read, entity) => (read, entity),
        Opened::Answered(response) => return Ok(response),
    };
    page.question()
        .answer(|| async {
            let (from, to) = ends(&read, entity, &asked).await?;
            let changes = diff(song(&from)?, song(&to)?);
            let body = Difference { from: from.row.number, to: to.row.number, changes };
            Made::new(&body, &SurrogateKeys::default().entity(entity), &read)
        })
        .await
}

/// The two revisions that are meant. A song with one revision only is compared with itself.
async fn ends(read: &Read, entity: EntityRef, asked: &Parameters) -> Result<(Published, Published), Problem> {
    let history = read.published(entity).await.map_err(store_problem)?;
    let newest = history.first().ok_or_else(Problem::not_found)?.number;
    let to = asked.to.unwrap_or(newest);
    let before = history.iter().skip_while(|row| row.number != to).nth(1).map_or(to, |row| row.number);
    let from = asked.from.unwrap_or(before);
    // The newer one first: what the older one is may follow from it.
    let to = end(read, entity, "/to", to).await?;
    Ok((end(read, entity, "/from", from).await?, to))
}

async fn end(read: &Read, entity: EntityRef, field: &str, number: i32) -> Result<Published, Problem> {
    numbered(read, entity, number).await?.ok_or_else(|| {
        let detail = format!("There is no published revision {number}; `…/revisions` lists those there are.");
        Problem::field(field, "unknown_value", detail)
    })
}
