//! The list of one kind, in the order of a script.

use crate::answer::{Made, Question, read};
use crate::error::store_problem;
use crate::paging::Paging;
use crate::parameters;
use crate::state::{Keep, State};
use crate::view::EntityItem;
use axum::response::Response;
use domain::EntityKind;
use domain::music::raga::RagaKind;
use serde::{Deserialize, Serialize};
use store::EntityFilter;
use utoipa::{IntoParams, ToSchema};
use web::{IfNoneMatch, Problem, SurrogateKeys};

#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
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

/// Filters that only ragas have.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RagaFilter {
    pub kind: Option<RagaKind>,
    pub mela: Option<u8>,
}

/// Answers with a page of the entities of `kind`.
pub(crate) async fn entity_list(
    state: &State,
    have: &IfNoneMatch,
    kind: EntityKind,
    asked: ListParameters,
    ragas: RagaFilter,
) -> Result<Response, Problem> {
    let script = parameters::script(asked.script.as_deref())?;
    let filter = EntityFilter { letter: asked.letter, script, raga_kind: ragas.kind, mela: ragas.mela };
    let paging = Paging::<store::Cursor>::of(&(kind, &filter), asked.limit, asked.cursor.as_deref())?;
    let about = paging.about.clone();
    let question = Question { state, have, keep: Keep::List, class: kind.plural(), about };
    question
        .answer(|| async {
            let read = read(state).await?;
            let page = read.entities(kind, &filter, paging.limit, paging.after.as_ref()).await;
            let page = page.map_err(store_problem)?;
            let body = Entities {
                items: page.items.into_iter().map(|row| EntityItem::of(row, script)).collect(),
                next_cursor: paging.cursor(page.next),
            };
            // Each item counts its songs.
            Made::new(&body, &SurrogateKeys::default().list(kind).list(EntityKind::Composition), &read)
        })
        .await
}
