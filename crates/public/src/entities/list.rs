//! The list of one kind, in the order of a script.

use crate::answer::{Made, Question, read};
use crate::error::store_problem;
use crate::parameters;
use crate::state::{Keep, State};
use crate::view::EntityItem;
use axum::response::Response;
use domain::EntityKind;
use domain::music::raga::RagaKind;
use serde::{Deserialize, Serialize};
use store::EntityFilter;
use utoipa::{IntoParams, ToSchema};
use web::page::{cursor_read, cursor_write, limit};
use web::{IfNoneMatch, Problem, SurrogateKeys};

#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListParameters {
    /// Only names that an index files under this letter of the script.
    pub letter: Option<String>,
    /// The script of names, and of their order.
    pub script: Option<String>,
    /// 1 to 100.
    pub limit: Option<u16>,
    pub cursor: Option<String>,
}

/// A page of entities.
#[derive(Serialize, ToSchema)]
pub(crate) struct Entities {
    pub items: Vec<EntityItem>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// Answers with a page of the entities of `kind`.
pub(crate) async fn entity_list(
    state: &State,
    have: &IfNoneMatch,
    kind: EntityKind,
    class: &'static str,
    asked: ListParameters,
) -> Result<Response, Problem> {
    filtered(state, have, kind, class, asked, RagaFilter::default()).await
}

/// Filters that only ragas have.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RagaFilter {
    pub kind: Option<RagaKind>,
    pub mela: Option<u8>,
}

pub(crate) async fn filtered(
    state: &State,
    have: &IfNoneMatch,
    kind: EntityKind,
    class: &'static str,
    asked: ListParameters,
    ragas: RagaFilter,
) -> Result<Response, Problem> {
    let script = parameters::script(asked.script.as_deref())?;
    let limit = usize::from(limit(asked.limit)?);
    let after = cursor_read::<store::Cursor>(asked.cursor.as_deref())?;
    let filter =
        EntityFilter { letter: asked.letter.clone(), script, raga_kind: ragas.kind, mela: ragas.mela };
    let about =
        format!("{}&{ragas:?}", serde_json::to_string(&asked).map_err(|error| Problem::internal(&error))?);
    let question = Question { state, have, keep: Keep::List, class, about };
    question
        .answer(|| async {
            let read = read(state).await?;
            let page = read.entities(kind, &filter, limit, after.as_ref()).await.map_err(store_problem)?;
            let body = Entities {
                items: page.items.into_iter().map(|row| EntityItem::of(row, script)).collect(),
                next_cursor: page.next.as_ref().map(cursor_write),
            };
            // Each item counts its songs.
            Made::new(&body, &SurrogateKeys::default().list(kind).list(EntityKind::Composition), &read)
        })
        .await
}
