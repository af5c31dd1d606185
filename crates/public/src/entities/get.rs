//! The page of one entity, whatever its kind.

use crate::answer::Made;
use crate::error::store_problem;
use crate::fields::{Fields, words};
use crate::page::{Opened, Page, keys, live};
use crate::parameters;
use crate::state::State;
use crate::view::{CompositionItem, EntityDetail};
use axum::response::Response;
use domain::{EntityKind, EntityRef};
use http::Uri;
use lipi::Script;
use serde::{Deserialize, Serialize};
use store::{CompositionFilter, Read};
use utoipa::{IntoParams, ToSchema};
use web::{IfNoneMatch, Problem, SurrogateKeys};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DetailParameters {
    /// The script of names.
    pub script: Option<String>,
    /// `compositions` adds the first 25 songs by title, and how many there are.
    #[param(example = "compositions")]
    pub include: Option<String>,
    /// The members that are wanted: `label,names`. `id` and `slug` always come.
    pub fields: Option<String>,
}

/// Songs of an entity.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct SongsOf {
    /// The first ones by title.
    pub items: Vec<CompositionItem>,
    /// How many there are; `/v1/compositions` lists all.
    pub total: u64,
}

/// An entity, with what `include` adds.
#[derive(Serialize, ToSchema)]
pub(crate) struct Entity {
    #[serde(flatten)]
    detail: EntityDetail,
    /// With `include=compositions`.
    #[serde(skip_serializing_if = "Option::is_none")]
    compositions: Option<SongsOf>,
}

/// Songs that `include=compositions` adds.
const SONGS: usize = 25;

/// Answers with the page of the entity of `kind` that `reference` names.
pub(crate) async fn entity_page(
    state: &State,
    have: &IfNoneMatch,
    kind: EntityKind,
    reference: &str,
    uri: &Uri,
    asked: &DetailParameters,
) -> Result<Response, Problem> {
    let script = parameters::script(asked.script.as_deref())?;
    let included = asked.include.as_deref().map(|include| words("/include", include, &["compositions"]));
    let has_songs = included.transpose()?.is_some();
    let fields = Fields::of::<Entity>(asked.fields.as_deref())?;
    let variant = format!("{script:?}&{has_songs}");
    let page = Page { state, have, kind, class: kind.as_str(), reference, uri, variant, fields };
    if !has_songs {
        return page
            .answer(|shown| Ok(Entity { detail: EntityDetail::of(shown.live, script), compositions: None }))
            .await;
    }
    let (read, entity) = match page.open().await? {
        Opened::Here(read, entity) => (read, entity),
        Opened::Answered(response) => return Ok(response),
    };
    page.question()
        .answer(|| async {
            let live = live(&read, entity.kind, entity.id).await?;
            let compositions = Some(SongsOf::read(&read, entity, script).await?);
            let body = Entity { detail: EntityDetail::of(&live, script), compositions };
            let keys = with_songs(keys(&live));
            match &page.fields {
                Some(fields) => Made::new(&fields.trimmed(&body)?, &keys, &read),
                None => Made::new(&body, &keys, &read),
            }
        })
        .await
}

/// What a list of songs names.
const LISTED_WITH_SONGS: [EntityKind; 8] = [
    EntityKind::Composition,
    EntityKind::Composer,
    EntityKind::Raga,
    EntityKind::Tala,
    EntityKind::Deity,
    EntityKind::Tag,
    EntityKind::Group,
    EntityKind::Sampradaya,
];

/// The keys of a page that also lists songs.
pub(crate) fn with_songs(keys: SurrogateKeys) -> SurrogateKeys {
    LISTED_WITH_SONGS.into_iter().fold(keys, SurrogateKeys::list)
}

impl SongsOf {
    /// The first songs of `entity`.
    pub async fn read(read: &Read, entity: EntityRef, script: Option<Script>) -> Result<Self, Problem> {
        let id = Some(entity.id);
        let none = CompositionFilter::default();
        let filter = match entity.kind {
            EntityKind::Composer => CompositionFilter { composer: id, ..none },
            EntityKind::Raga => CompositionFilter { raga: id, ..none },
            EntityKind::Tala => CompositionFilter { tala: id, ..none },
            EntityKind::Deity => CompositionFilter { deity: id, ..none },
            EntityKind::Temple => CompositionFilter { temple: id, ..none },
            EntityKind::Tag => CompositionFilter { tag: id, ..none },
            EntityKind::Group => CompositionFilter { group: id, ..none },
            EntityKind::Sampradaya => CompositionFilter { sampradaya: id, ..none },
            _ => return Ok(Self { items: Vec::new(), total: 0 }),
        };
        let page = read.compositions(&filter, SONGS, None).await.map_err(store_problem)?;
        let total = read.composition_count(&filter).await.map_err(store_problem)?;
        Ok(Self { items: page.items.iter().map(|row| CompositionItem::of(row, script)).collect(), total })
    }
}
