//! `GET /v1/compositions/{ref}`

use super::revisions::live_as;
use super::similar::{Similar, similar};
use crate::answer::Made;
use crate::error::store_problem;
use crate::fields::{Fields, words};
use crate::page::{Opened, Page, keys, live};
use crate::parameters;
use crate::state::State;
use crate::view::CompositionDetail;
use crate::view::text::Wanted;
use axum::extract::State as Shared;
use axum::response::Response;
use chrono::{DateTime, NaiveDate, Utc};
use domain::{Composition, EntityKind, Record};
use http::Uri;
use serde::{Deserialize, Serialize};
use store::Live;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use web::{IfNoneMatch, Path, Problem, Query, SurrogateKeys};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Parameters {
    /// The script of names and text; a text that is not stored in it is transliterated and marked.
    pub script: Option<String>,
    /// The romanisation of a Latin text: `iso15919`, `iast`, `itrans` or `hk`.
    pub scheme: Option<String>,
    /// The id of the version (pathantara) to show; the first where absent.
    pub version: Option<Uuid>,
    /// What readers saw at this time: a date (its end, UTC) or an RFC 3339 time.
    #[param(example = "2026-01-31")]
    pub as_of: Option<String>,
    /// `similar` adds the ten songs most like this one. `versions`, `texts`, `sources` and `groups` are always
    /// there and may be named.
    #[param(example = "similar")]
    pub include: Option<String>,
    /// The members that are wanted: `title,ragas,tala`. `id` and `slug` always come.
    #[param(example = "title,ragas")]
    pub fields: Option<String>,
}

/// A song in one document, with what `include` adds.
#[derive(Serialize, ToSchema)]
pub(crate) struct Song {
    #[serde(flatten)]
    detail: CompositionDetail,
    /// With `include=similar`.
    #[serde(skip_serializing_if = "Option::is_none")]
    similar: Option<Vec<Similar>>,
}

const INCLUDED: [&str; 5] = ["versions", "texts", "sources", "groups", "similar"];
/// Songs that `include=similar` adds.
const SIMILAR: usize = 10;

/// A song in one document: names, ragas in order, tala, sections, texts, sources and rights
#[utoipa::path(get, path = "/v1/compositions/{ref}",
    params(("ref" = String, Path, description = "Slug or id"), Parameters),
    responses(
        (status = 200, description = "The song", body = Song),
        (status = 304, description = "Unchanged"),
        (status = 308, description = "It has another slug now"),
        (status = 404, description = "No published song has this reference, or had it at that time")))]
pub(crate) async fn handler(
    Shared(state): Shared<State>,
    have: IfNoneMatch,
    uri: Uri,
    Path(reference): Path<String>,
    Query(asked): Query<Parameters>,
) -> Result<Response, Problem> {
    let wanted = parameters::wanted(asked.script.as_deref(), asked.scheme.as_deref())?;
    let as_of = asked.as_of.as_deref().map(time).transpose()?;
    let included =
        asked.include.as_deref().map(|include| words("/include", include, &INCLUDED)).transpose()?;
    let has_similar = included.is_some_and(|words| words.contains(&"similar"));
    let page = Page {
        state: &state,
        have: &have,
        kind: EntityKind::Composition,
        class: "composition",
        reference: &reference,
        uri: &uri,
        variant: format!("{wanted:?}&{:?}&{as_of:?}&{has_similar}", asked.version),
        fields: Fields::of::<Song>(asked.fields.as_deref())?,
    };
    if as_of.is_none() && !has_similar {
        let view = |live: &Live| Song::of(live, asked.version, wanted);
        return page.answer(|shown| view(shown.live)).await;
    }
    let (read, entity) = match page.open().await? {
        Opened::Here(read, entity) => (read, entity),
        Opened::Answered(response) => return Ok(response),
    };
    page.question()
        .answer(|| async {
            let live = match as_of {
                None => live(&read, entity.kind, entity.id).await?,
                Some(at) => {
                    let past = read.published_as_of(entity, at).await.map_err(store_problem)?;
                    live_as(&read, entity, past.ok_or_else(Problem::not_found)?).await?
                }
            };
            let mut song = Song::of(&live, asked.version, wanted)?;
            let mut keys = keys(&live);
            if has_similar {
                let script = wanted.map(|wanted| wanted.script);
                song.similar = Some(similar(&read, entity.id, SIMILAR, script).await?);
                keys = every_song(keys);
            }
            match &page.fields {
                Some(fields) => Made::new(&fields.trimmed(&song)?, &keys, &read),
                None => Made::new(&song, &keys, &read),
            }
        })
        .await
}

/// Any song that comes or changes may be among the most alike.
fn every_song(keys: SurrogateKeys) -> SurrogateKeys {
    let kinds = [EntityKind::Composition, EntityKind::Group, EntityKind::Raga, EntityKind::Tala];
    kinds.into_iter().chain([EntityKind::Composer]).fold(keys, SurrogateKeys::list)
}

impl Song {
    fn of(live: &Live, version: Option<Uuid>, wanted: Option<Wanted>) -> Result<Self, Problem> {
        let Record::Composition(song) = &live.record else { return Err(Problem::not_found()) };
        let detail = match version {
            None => CompositionDetail::of(live, song, wanted),
            Some(id) => CompositionDetail::of(live, &led_by(song, id)?, wanted),
        };
        Ok(Self { detail, similar: None })
    }
}

/// The song with the version `id` as the shown one.
fn led_by(song: &Composition, id: Uuid) -> Result<Composition, Problem> {
    let at = song.versions.iter().position(|version| version.id == id).ok_or_else(|| {
        Problem::field("/version", "unknown_value", "This song has no version with this id.")
    })?;
    let mut song = song.clone();
    song.versions[..=at].rotate_right(1);
    Ok(song)
}

/// A moment, as a date (its last moment) or as a time.
fn time(text: &str) -> Result<DateTime<Utc>, Problem> {
    let of_day = |date: NaiveDate| date.and_hms_micro_opt(23, 59, 59, 999_999).map(|time| time.and_utc());
    let date = text.parse::<NaiveDate>().ok().and_then(of_day);
    let moment = date.or_else(|| DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc()));
    let what = "a date such as 2026-01-31, or a time such as 2026-01-31T12:00:00Z";
    parameters::known("/as_of", text, moment, what)
}
