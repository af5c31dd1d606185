//! `GET /v1/compositions`

use crate::answer::{Made, Question, read};
use crate::error::store_problem;
use crate::fields::Fields;
use crate::paging::Paging;
use crate::parameters::{self, Count};
use crate::state::{Keep, State};
use crate::view::CompositionItem;
use axum::extract::State as Shared;
use axum::response::Response;
use domain::EntityKind;
use serde::{Deserialize, Serialize};
use store::{CompositionFilter, RagaMode, Read, Sort};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use web::{IfNoneMatch, Problem, Query, SurrogateKeys};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Parameters {
    /// A composer, by slug or id.
    composer: Option<String>,
    /// A raga, by slug or id.
    raga: Option<String>,
    /// `any` (default): any raga of a ragamalika; `primary`: the first one; `family`: the raga, its mela and
    /// the janyas of that mela.
    #[param(value_type = Option<String>)]
    raga_mode: Option<RagaMode>,
    /// A mela number, 1 to 72: songs in it and in its janyas.
    mela: Option<u8>,
    tala: Option<String>,
    deity: Option<String>,
    temple: Option<String>,
    /// ISO 639-1.
    language: Option<String>,
    form: Option<String>,
    tag: Option<String>,
    group: Option<String>,
    sampradaya: Option<String>,
    /// `title` (default), `newest`, or `changed`: the last published or corrected first.
    #[param(value_type = Option<String>)]
    sort: Option<Sort>,
    /// The script of names and titles.
    script: Option<String>,
    /// `exact` also counts all songs that fit; `estimate` may do so too; `none` (default).
    #[param(inline)]
    count: Option<Count>,
    /// The members of each item that are wanted: `title,ragas`. `id` and `slug` always come.
    fields: Option<String>,
    /// 1 to 100.
    limit: Option<u16>,
    cursor: Option<String>,
}

/// A page of songs.
#[derive(Serialize, ToSchema)]
pub(crate) struct Songs {
    items: Vec<CompositionItem>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<u64>,
}

/// Filters that name entities, as a reader writes them: slugs or ids.
#[derive(Default)]
pub(crate) struct SongFilters<'a> {
    pub composer: Option<&'a str>,
    pub raga: Option<&'a str>,
    pub tala: Option<&'a str>,
    pub deity: Option<&'a str>,
    pub temple: Option<&'a str>,
    pub tag: Option<&'a str>,
    pub group: Option<&'a str>,
    pub sampradaya: Option<&'a str>,
}

/// The same filters as ids.
pub(crate) struct SongFilterIds {
    pub composer: Option<Uuid>,
    pub raga: Option<Uuid>,
    pub tala: Option<Uuid>,
    pub deity: Option<Uuid>,
    pub temple: Option<Uuid>,
    pub tag: Option<Uuid>,
    pub group: Option<Uuid>,
    pub sampradaya: Option<Uuid>,
}

impl SongFilters<'_> {
    /// Resolves every filter that is set.
    pub async fn resolve(self, read: &Read) -> Result<SongFilterIds, Problem> {
        let id = async |kind, reference| parameters::filter(read, kind, reference).await;
        Ok(SongFilterIds {
            composer: id(EntityKind::Composer, self.composer).await?,
            raga: id(EntityKind::Raga, self.raga).await?,
            tala: id(EntityKind::Tala, self.tala).await?,
            deity: id(EntityKind::Deity, self.deity).await?,
            temple: id(EntityKind::Temple, self.temple).await?,
            tag: id(EntityKind::Tag, self.tag).await?,
            group: id(EntityKind::Group, self.group).await?,
            sampradaya: id(EntityKind::Sampradaya, self.sampradaya).await?,
        })
    }
}

/// Songs by any combination of filters
#[utoipa::path(get, path = "/v1/compositions", params(Parameters),
    responses((status = 200, description = "A page of songs", body = Songs), (status = 304, description = "Unchanged")))]
pub(crate) async fn handler(
    Shared(state): Shared<State>,
    have: IfNoneMatch,
    Query(mut asked): Query<Parameters>,
) -> Result<Response, Problem> {
    let script = parameters::script(asked.script.as_deref())?;
    let fields = Fields::of::<CompositionItem>(asked.fields.as_deref())?;
    let (limit, cursor) = (asked.limit.take(), asked.cursor.take());
    let paging = Paging::<store::Cursor>::of(&asked, limit, cursor.as_deref())?;
    let about = paging.about.clone();
    let question = Question { state: &state, have: &have, keep: Keep::List, class: "compositions", about };
    question
        .answer(|| async {
            let read = read(&state).await?;
            let filter = filter(&asked, &read).await?;
            let page = read.compositions(&filter, paging.limit, paging.after.as_ref()).await;
            let page = page.map_err(store_problem)?;
            let total = match asked.count {
                Some(Count::Exact | Count::Estimate) => {
                    Some(read.composition_count(&filter).await.map_err(store_problem)?)
                }
                _ => None,
            };
            let songs = Songs {
                items: page.items.iter().map(|row| CompositionItem::of(row, script)).collect(),
                next_cursor: paging.cursor(page.next),
                total,
            };
            match fields {
                Some(fields) => Made::new(&fields.trimmed_items(&songs)?, &keys(), &read),
                None => Made::new(&songs, &keys(), &read),
            }
        })
        .await
}

/// Whatever a list of songs shows or is filtered by.
pub(crate) fn keys() -> SurrogateKeys {
    let shown = [EntityKind::Composition, EntityKind::Composer, EntityKind::Raga, EntityKind::Tala];
    let filtered =
        [EntityKind::Deity, EntityKind::Temple, EntityKind::Tag, EntityKind::Group, EntityKind::Sampradaya];
    shown.into_iter().chain(filtered).fold(SurrogateKeys::default(), SurrogateKeys::list)
}

async fn filter(asked: &Parameters, read: &Read) -> Result<CompositionFilter, Problem> {
    let named = SongFilters {
        composer: asked.composer.as_deref(),
        raga: asked.raga.as_deref(),
        tala: asked.tala.as_deref(),
        deity: asked.deity.as_deref(),
        temple: asked.temple.as_deref(),
        tag: asked.tag.as_deref(),
        group: asked.group.as_deref(),
        sampradaya: asked.sampradaya.as_deref(),
    };
    let ids = named.resolve(read).await?;
    Ok(CompositionFilter {
        composer: ids.composer,
        raga: ids.raga,
        raga_mode: asked.raga_mode.unwrap_or_default(),
        mela: parameters::mela(asked.mela)?,
        tala: ids.tala,
        deity: ids.deity,
        temple: ids.temple,
        language: parameters::language(asked.language.as_deref())?,
        form: parameters::form(asked.form.as_deref())?,
        tag: ids.tag,
        group: ids.group,
        sampradaya: ids.sampradaya,
        sort: asked.sort.unwrap_or_default(),
    })
}
