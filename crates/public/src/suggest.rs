//! `GET /v1/suggest`

use crate::answer::{Made, read};
use crate::error::{search_problem, store_problem};
use crate::fallback;
use crate::parameters;
use crate::search::kinds;
use crate::state::State;
use crate::sung::{self, SungRaga};
use crate::view::Label;
use axum::extract::State as Shared;
use axum::response::Response;
use domain::EntityKind;
use search::Suggest;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use web::{IfNoneMatch, Problem, Query, SurrogateKeys};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Parameters {
    /// What has been typed so far, in any script; may end inside a syllable.
    #[param(example = "kaly")]
    q: String,
    /// Kinds to suggest, comma separated; all that readers search for where absent.
    types: Option<String>,
    /// The script of the names.
    script: Option<String>,
    /// 1 to 50 for all kinds together; 10 where absent.
    limit: Option<usize>,
}

/// Names that begin so, by kind.
#[derive(Serialize, ToSchema)]
pub(crate) struct Suggestions {
    groups: Vec<OfKind>,
}

#[derive(Serialize, ToSchema)]
struct OfKind {
    #[serde(rename = "type")]
    kind: EntityKind,
    /// They are no names that begin so, but ragas whose scale has these swaras, which stand in `alias`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    as_swaras: bool,
    items: Vec<Item>,
}

#[derive(Serialize, ToSchema)]
struct Item {
    #[serde(flatten)]
    label: Label,
    /// The name that begins with what was typed, where it is another than the label.
    #[serde(skip_serializing_if = "Option::is_none")]
    alias: Option<String>,
    /// Number of songs that have it; absent of a song, and where it cannot be told in time.
    #[serde(skip_serializing_if = "Option::is_none")]
    songs: Option<u64>,
}

const LIMIT_DEFAULT: usize = 10;

const KINDS_DEFAULT: [EntityKind; 7] = [
    EntityKind::Composition,
    EntityKind::Raga,
    EntityKind::Composer,
    EntityKind::Tala,
    EntityKind::Deity,
    EntityKind::Temple,
    EntityKind::Group,
];

/// Names that begin with what has been typed so far
#[utoipa::path(get, path = "/v1/suggest", params(Parameters),
    responses((status = 200, description = "The names", body = Suggestions), (status = 304, description = "Unchanged")))]
pub(crate) async fn handler(
    Shared(state): Shared<State>,
    have: IfNoneMatch,
    Query(asked): Query<Parameters>,
) -> Result<Response, Problem> {
    let script = parameters::script(asked.script.as_deref())?;
    let kinds = kinds(asked.types.as_deref())?.unwrap_or_else(|| KINDS_DEFAULT.to_vec());
    let suggest =
        Suggest { text: asked.q, kinds: kinds.clone(), limit: asked.limit.unwrap_or(LIMIT_DEFAULT) };
    let read = read(&state).await?;
    let found = fallback::suggest(&state, &read, &suggest).await.map_err(search_problem)?;
    let ids: Vec<Uuid> = found.iter().map(|suggestion| suggestion.entity.id).collect();
    let labels = state.held.labels(&read, &ids).await.map_err(store_problem)?;
    let mut groups: Vec<OfKind> = Vec::new();
    for suggestion in found {
        // A record that was withdrawn a moment ago is in the index and not in the database.
        let Some(label) = labels.get(suggestion.entity.id) else { continue };
        let label = Label::of(label, script);
        let alias = (suggestion.text != label.label).then_some(suggestion.text);
        let item = Item { label, alias, songs: suggestion.songs };
        match groups.iter_mut().find(|group| group.kind == suggestion.kind) {
            Some(group) => group.items.push(item),
            None => groups.push(OfKind { kind: suggestion.kind, as_swaras: false, items: vec![item] }),
        }
    }
    let mut lsn = labels.lsn;
    if kinds.contains(&EntityKind::Raga)
        && let Some(pattern) = sung::pattern(&suggest.text, groups.is_empty())
    {
        let (ragas, _, known_at) = sung::ragas(&state, &read, &pattern, script, SUNG_MAX).await?;
        groups.extend(as_swaras(ragas));
        lsn = lsn.min(known_at);
    }
    let keys = kinds.into_iter().fold(SurrogateKeys::default(), SurrogateKeys::list);
    Ok(Made::new(&Suggestions { groups }, &keys, &read)?.not_after(lsn).respond(&have))
}

/// Most ragas that are suggested for swaras.
const SUNG_MAX: usize = 5;

fn as_swaras(ragas: Vec<SungRaga>) -> Option<OfKind> {
    let item = |raga: SungRaga| Item { label: raga.label, alias: Some(raga.arohana), songs: None };
    let items: Vec<Item> = ragas.into_iter().map(item).collect();
    (!items.is_empty()).then_some(OfKind { kind: EntityKind::Raga, as_swaras: true, items })
}
