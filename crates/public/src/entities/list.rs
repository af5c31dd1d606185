//! The list of one kind, in the order of a script.

use crate::answer::{Made, Question, read};
use crate::error::store_problem;
use crate::fields::Fields;
use crate::paging::Paging;
use crate::parameters::{self, Count};
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
    /// `exact` also counts all that fit; `estimate` may do so too; `none` (default).
    #[param(inline)]
    pub count: Option<Count>,
    /// The members of each item that are wanted: `label,compositions`. `id` and `slug` always come.
    pub fields: Option<String>,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
}

/// Filters that only one kind has.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct KindFilter {
    /// Of a raga.
    pub raga_kind: Option<RagaKind>,
    /// Of a raga.
    pub mela: Option<u8>,
    /// Of a temple: west, south, east, north in millionths of a degree.
    pub bbox: Option<[i32; 4]>,
}

/// Answers with a page of the entities of `kind`.
pub(crate) async fn entity_list(
    state: &State,
    have: &IfNoneMatch,
    kind: EntityKind,
    asked: ListParameters,
    of_kind: KindFilter,
) -> Result<Response, Problem> {
    let script = parameters::script(asked.script.as_deref())?;
    let fields = Fields::of::<EntityItem>(asked.fields.as_deref())?;
    let KindFilter { raga_kind, mela, bbox } = of_kind;
    let filter = EntityFilter { letter: asked.letter, script, raga_kind, mela, bbox };
    let list = (kind, &filter, asked.count, &fields);
    let paging = Paging::<store::Cursor>::of(&list, asked.limit, asked.cursor.as_deref())?;
    let about = paging.about.clone();
    let question = Question { state, have, keep: Keep::List, class: kind.plural(), about };
    question
        .answer(|| async {
            let read = read(state).await?;
            let page = read.entities(kind, &filter, paging.limit, paging.after.as_ref()).await;
            let page = page.map_err(store_problem)?;
            let total = match asked.count {
                Some(Count::Exact | Count::Estimate) => {
                    Some(read.entity_count_where(kind, &filter).await.map_err(store_problem)?)
                }
                _ => None,
            };
            let body = Entities {
                items: page.items.into_iter().map(|row| EntityItem::of(row, script)).collect(),
                next_cursor: paging.cursor(page.next),
                total,
            };
            // Each item counts its songs.
            let keys = SurrogateKeys::default().list(kind).list(EntityKind::Composition);
            match &fields {
                Some(fields) => Made::new(&fields.trimmed_items(&body)?, &keys, &read),
                None => Made::new(&body, &keys, &read),
            }
        })
        .await
}
