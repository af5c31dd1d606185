//! `GET /v1/browse/{type}`

use crate::answer::{Made, Question, read};
use crate::error::store_problem;
use crate::paging::Paging;
use crate::parameters;
use crate::state::{Keep, State};
use axum::extract::State as Shared;
use axum::response::Response;
use domain::EntityKind;
use lipi::Script;
use serde::{Deserialize, Serialize};
use store::Read;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use web::{IfNoneMatch, Path, Problem, Query, SurrogateKeys};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Parameters {
    /// The script whose letters and order are used; Latin where absent.
    pub script: Option<String>,
    /// The letter to open; without it only the letters are listed.
    pub letter: Option<String>,
    /// 1 to 100.
    pub limit: Option<u16>,
    pub cursor: Option<String>,
}

/// An A–Z index in one script.
#[derive(Serialize, ToSchema)]
pub(crate) struct Index {
    #[schema(value_type = String)]
    pub script: Script,
    /// Every letter that something is filed under, in the order of the script.
    pub letters: Vec<Letter>,
    /// What is filed under the letter that was asked for.
    pub items: Vec<Entry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Letter {
    pub letter: String,
    pub count: u64,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Entry {
    pub id: Uuid,
    pub slug: String,
    pub label: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub machine_made: bool,
}

/// An A–Z index of one kind, in the letters and the order of a script
#[utoipa::path(get, path = "/v1/browse/{type}",
    params(("type" = String, Path, description = "`compositions`, `ragas`, `composers`, …"), Parameters),
    responses((status = 200, description = "The index", body = Index), (status = 304, description = "Unchanged")))]
pub(crate) async fn handler(
    Shared(state): Shared<State>,
    have: IfNoneMatch,
    Path(kind): Path<String>,
    Query(asked): Query<Parameters>,
) -> Result<Response, Problem> {
    let kind =
        EntityKind::ALL.into_iter().find(|known| known.plural() == kind).ok_or_else(Problem::not_found)?;
    let script = parameters::script(asked.script.as_deref())?.unwrap_or(Script::Latin);
    let list = (kind, script, &asked.letter);
    let paging = Paging::<store::Cursor>::of(&list, asked.limit, asked.cursor.as_deref())?;
    let about = paging.about.clone();
    let question = Question { state: &state, have: &have, keep: Keep::List, class: "browse", about };
    question
        .answer(|| async {
            let read = read(&state).await?;
            let index = Index::of(&read, kind, script, asked.letter.as_deref(), &paging).await?;
            Made::new(&index, &SurrogateKeys::default().list(kind), &read)
        })
        .await
}

impl Index {
    /// The letters of `script` under which entities of `kind` are filed, and a page of those under `letter`.
    pub async fn of(
        read: &Read,
        kind: EntityKind,
        script: Script,
        letter: Option<&str>,
        paging: &Paging<store::Cursor>,
    ) -> Result<Self, Problem> {
        let letters = read.letters(kind, script).await.map_err(store_problem)?;
        let (items, next) = match letter {
            Some(letter) => {
                let page = read.browse(kind, script, Some(letter), paging.limit, paging.after.as_ref()).await;
                let page = page.map_err(store_problem)?;
                (page.items, page.next)
            }
            None => (Vec::new(), None),
        };
        let entry = |row: store::BrowseRow| Entry {
            id: row.entity.id,
            slug: row.slug,
            label: row.name,
            machine_made: row.machine_made,
        };
        Ok(Self {
            script,
            letters: letters.into_iter().map(|row| Letter { letter: row.letter, count: row.count }).collect(),
            items: items.into_iter().map(entry).collect(),
            next_cursor: paging.cursor(next),
        })
    }
}
