//! `GET /v1/search`

use crate::answer::{Made, read};
use crate::compositions::list::SongFilters;
use crate::error::{search_problem, store_problem};
use crate::fallback;
use crate::paging::Paging;
use crate::parameters;
use crate::state::State;
use crate::sung::{self, AsSwaras};
use crate::view::{CompositionItem, Label};
use axum::extract::State as Shared;
use axum::response::Response;
use domain::EntityKind;
use http::HeaderValue;
use search::{
    Answer, Cursor, Facet, FacetCounts, Filters, Hit, Interpretation, MatchClass, Query as Asked, RagaMode,
    Sort, SwaraPattern,
};
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::str::FromStr;
use store::Read;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use web::{IfNoneMatch, Problem, Query, SurrogateKeys};

#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Parameters {
    /// Words in any script and any spelling; without them everything is listed.
    #[param(example = "endaro mahanubhavulu")]
    pub q: Option<String>,
    /// Swaras that the notation of a song holds one after the other, 3 to 16, in any octave and speed:
    /// `S R2 G3 P`, `srgm`, `sa ri ga ma`, `స రి గ మ`; all with their numbers or none.
    #[param(example = "G3 R2 S R2 G3 P")]
    pub swaras: Option<String>,
    /// Kinds to look for, comma separated: `composition` (default), `raga`, `composer`, …
    pub types: Option<String>,
    /// Facets to count, comma separated: `raga`, `composer`, `tala`, `language`, `form`, `deity`, …
    pub facets: Option<String>,
    /// `relevance` (default), `title` or `newest`.
    #[param(value_type = Option<String>)]
    pub sort: Option<Sort>,
    /// A composer, by slug or id.
    pub composer: Option<String>,
    /// A raga, by slug or id.
    pub raga: Option<String>,
    /// `any` (default): any raga of a ragamalika; `primary`: the first one only; `family`: any raga of the
    /// same mela.
    #[param(value_type = Option<String>)]
    pub raga_mode: Option<RagaMode>,
    /// A mela number, 1 to 72: songs in it and in its janyas.
    pub mela: Option<u8>,
    pub tala: Option<String>,
    pub deity: Option<String>,
    pub temple: Option<String>,
    /// ISO 639-1.
    pub language: Option<String>,
    pub form: Option<String>,
    pub tag: Option<String>,
    pub group: Option<String>,
    /// The script of names and titles, and of the alphabet in which `sort=title` sorts.
    pub script: Option<String>,
    /// Ids and codes, comma separated, that words of `q` shall not be taken for: chips that were removed.
    pub unlink: Option<String>,
    /// `1`: say how the words were read, and of each hit why it stands where it does.
    #[param(value_type = Option<bool>)]
    pub explain: Option<Switch>,
    /// Longest time for the search, in milliseconds; what is ranked by then is the answer, `partial`.
    pub timeout_ms: Option<u32>,
    /// 1 to 100.
    pub limit: Option<u16>,
    pub cursor: Option<String>,
}

/// A switch in a query: `1`, `true`, `0` or `false`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) enum Switch {
    #[serde(rename = "true", alias = "1")]
    On,
    #[serde(rename = "false", alias = "0")]
    Off,
}

/// What was found.
#[derive(Default, Serialize, ToSchema)]
pub(crate) struct Found {
    pub hits: Vec<FoundHit>,
    pub facets: Vec<FoundFacet>,
    pub total: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
    /// Nothing resembles the words closely.
    pub low_confidence: bool,
    /// What words of `q` were taken for; name the values in `unlink` to take them as words.
    pub interpretations: Vec<FoundName>,
    /// A title that resembles the words, where nothing found resembles them well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub did_you_mean: Option<String>,
    /// What else the words may be: swaras, where they can hardly be anything else or nothing good was found for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_swaras: Option<AsSwaras>,
    /// A poorer engine answered, because the index could not.
    pub degraded: bool,
    /// How the words were read; with `explain`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<Reading>,
    /// Time ran out; what was ranked is here.
    pub partial: bool,
    /// The words were longer than is looked at.
    pub truncated: bool,
    /// Position in the event stream that the index has.
    pub watermark: u64,
}

/// Words that were taken for a name.
#[derive(Serialize, ToSchema)]
pub(crate) struct FoundName {
    /// What they narrow.
    #[schema(value_type = String)]
    pub facet: Facet,
    /// Ids or codes; several where a name is shared.
    pub values: Vec<String>,
    /// The words as they were typed.
    pub text: String,
    /// Where they stand in `q`, in bytes.
    #[schema(value_type = Vec<u32>)]
    pub range: [usize; 2],
    /// The name that they are a spelling of.
    pub alias: String,
}

/// How words were read.
#[derive(Serialize, ToSchema)]
pub(crate) struct Reading {
    /// The key of all words.
    pub key: String,
    /// The key that knows no voicing.
    pub coarse_key: String,
    /// Each reading that was tried.
    pub readings: Vec<String>,
    /// Nothing held all words, so what resembles them was looked for.
    pub loose: bool,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct FoundHit {
    pub score: f32,
    /// Why it stands where it does, in words; with `explain`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// The class of evidence: `exact`, `prefix`, `extended`, `all_tokens`, …
    #[schema(value_type = String)]
    pub why: MatchClass,
    pub matched: Vec<FoundMatch>,
    /// A song that was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub composition: Option<CompositionItem>,
    /// Anything else that was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entity: Option<Label>,
}

/// Where the words were found.
#[derive(Serialize, ToSchema)]
pub(crate) struct FoundMatch {
    /// `title`, `alias`, `incipit`, `signature`, `counterpart`, `lyric` or `notation`.
    pub field: &'static str,
    pub text: String,
    #[schema(value_type = String)]
    pub script: lipi::Script,
    /// The section of the lyrics or of the notation, where the line or the avartanam is from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub section: Option<FoundSection>,
    /// Byte ranges in `text`.
    #[schema(value_type = Vec<Vec<u32>>)]
    pub ranges: Vec<[usize; 2]>,
}

/// A place in the lyrics.
#[derive(Serialize, ToSchema)]
pub(crate) struct FoundSection {
    pub id: Uuid,
    pub label: String,
    /// From 1.
    pub line: usize,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct FoundFacet {
    #[schema(value_type = String)]
    pub facet: Facet,
    pub values: Vec<FacetValue>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct FacetValue {
    /// An id, a mela number, a language or a form.
    pub value: String,
    pub label: String,
    /// Of an entity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slug: Option<String>,
    pub count: u64,
}

/// Songs and everything else by their names, in any script and spelling
#[utoipa::path(get, path = "/v1/search", params(Parameters),
    responses((status = 200, description = "What was found", body = Found), (status = 304, description = "Unchanged")))]
pub(crate) async fn handler(
    Shared(state): Shared<State>,
    have: IfNoneMatch,
    Query(asked): Query<Parameters>,
) -> Result<Response, Problem> {
    let read = read(&state).await?;
    let Finding { found, keys, lsn } = find(&state, &read, &asked).await?;
    let mut response = Made::new(&found, &keys, &read)?.not_after(lsn).respond(&have);
    response.headers_mut().insert("x-index-seq", HeaderValue::from(found.watermark));
    Ok(response)
}

/// What was found, and the keys of everything that it shows.
pub(crate) struct Finding {
    pub found: Found,
    pub keys: SurrogateKeys,
    /// Where all of it is known to be right.
    pub lsn: u64,
}

/// Searches the index and names what it found.
pub(crate) async fn find(state: &State, read: &Read, asked: &Parameters) -> Result<Finding, Problem> {
    let script = parameters::script(asked.script.as_deref())?;
    let paging = Paging::<Cursor>::of(&list(asked), asked.limit, asked.cursor.as_deref())?;
    let query = Asked { script, ..query(asked, read, &paging).await? };
    // The index answers before the database is read, so what is shown is never older than what was found.
    let answer = fallback::query(state, read, &query).await.map_err(search_problem)?;
    let pattern = read_as_swaras(&query, answer.total == 0 || answer.low_confidence);
    let (mut found, mut lsn) = Shown { state, read, script }.found(answer, &paging).await?;
    if let Some(pattern) = pattern
        && let Some((as_swaras, known_at)) = sung::sung(state, read, pattern, script).await?
    {
        found.as_swaras = Some(as_swaras);
        lsn = lsn.min(known_at);
    }
    Ok(Finding { found, keys: keys(&query), lsn })
}

/// The swaras that the words of a plain search for songs may be.
fn read_as_swaras(query: &Asked, is_unanswered: bool) -> Option<SwaraPattern> {
    let is_plain = query.filters.is_empty() && query.after.is_none() && query.swaras.is_none();
    let is_for_songs = query.kinds.contains(&EntityKind::Composition);
    let text = query.text.as_deref().filter(|_| is_plain && is_for_songs)?;
    sung::pattern(text, is_unanswered)
}

/// A hit shows labels of many kinds; a search is stale when any of them changes.
fn keys(query: &Asked) -> SurrogateKeys {
    let kinds = query.kinds.iter().copied();
    let shown =
        [EntityKind::Composer, EntityKind::Raga, EntityKind::Tala, EntityKind::Deity, EntityKind::Temple];
    let labels = [EntityKind::Tag, EntityKind::Group, EntityKind::Sampradaya];
    kinds.chain(shown).chain(labels).fold(SurrogateKeys::default(), SurrogateKeys::list)
}

/// What is asked without the page of it: a cursor of one search fits no other.
fn list(asked: &Parameters) -> Parameters {
    Parameters { limit: None, cursor: None, ..asked.clone() }
}

async fn query(asked: &Parameters, read: &Read, paging: &Paging<Cursor>) -> Result<Asked, Problem> {
    let filters = SongFilters {
        composer: asked.composer.as_deref(),
        raga: asked.raga.as_deref(),
        tala: asked.tala.as_deref(),
        deity: asked.deity.as_deref(),
        temple: asked.temple.as_deref(),
        tag: asked.tag.as_deref(),
        group: asked.group.as_deref(),
        ..SongFilters::default()
    };
    let ids = filters.resolve(read).await?;
    let mut chosen = Filters::default();
    let by_id = [
        (Facet::Composer, ids.composer),
        (Facet::Raga, ids.raga),
        (Facet::Tala, ids.tala),
        (Facet::Deity, ids.deity),
        (Facet::Temple, ids.temple),
        (Facet::Tag, ids.tag),
        (Facet::Group, ids.group),
    ];
    for (facet, id) in by_id {
        if let Some(id) = id {
            chosen.add(facet, id);
        }
    }
    if let Some(mela) = parameters::mela(asked.mela)? {
        chosen.add(Facet::Mela, mela);
    }
    if let Some(language) = parameters::language(asked.language.as_deref())? {
        chosen.add(Facet::Language, language.as_str());
    }
    if let Some(form) = parameters::form(asked.form.as_deref())? {
        chosen.add(Facet::Form, form.as_str());
    }
    Ok(Asked {
        text: asked.q.clone(),
        swaras: swaras(asked.swaras.as_deref())?,
        kinds: kinds(asked.types.as_deref())?.unwrap_or_else(|| vec![EntityKind::Composition]),
        filters: chosen,
        raga_mode: asked.raga_mode.unwrap_or_default(),
        facets: listed("/facets", asked.facets.as_deref(), "a facet", |text| Facet::from_str(text).ok())?
            .unwrap_or_default(),
        limit: paging.limit,
        after: paging.after.clone(),
        sort: asked.sort.unwrap_or_default(),
        script: None,
        unlink: unlinked(asked.unlink.as_deref())?,
        explain: asked.explain == Some(Switch::On),
        ms_max: asked.timeout_ms.map(u64::from),
    })
}

fn swaras(text: Option<&str>) -> Result<Option<SwaraPattern>, Problem> {
    let read = |text| {
        SwaraPattern::parse(text)
            .map_err(|mistake| Problem::field("/swaras", "not_swaras", mistake.to_string()))
    };
    text.map(read).transpose()
}

/// Most names that may be taken as words.
const UNLINK_MAX: usize = 32;

fn unlinked(text: Option<&str>) -> Result<Vec<String>, Problem> {
    let values: Vec<String> =
        text.into_iter().flat_map(|text| text.split(',')).map(|value| value.trim().to_owned()).collect();
    if values.len() > UNLINK_MAX {
        return Err(Problem::field("/unlink", "too_many", format!("at most {UNLINK_MAX} names")));
    }
    Ok(values)
}

/// Kinds of a comma separated list.
pub(crate) fn kinds(text: Option<&str>) -> Result<Option<Vec<EntityKind>>, Problem> {
    listed("/types", text, "a kind", |text| EntityKind::from_str(text).ok())
}

/// The values of a comma separated list, each once.
fn listed<T: PartialEq>(
    field: &str,
    text: Option<&str>,
    what: &str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<Option<Vec<T>>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let mut values = Vec::new();
    for name in text.split(',').map(str::trim) {
        let value = parameters::known(field, name, read(name), what)?;
        if !values.contains(&value) {
            values.push(value);
        }
    }
    Ok(Some(values))
}

/// Turns ids into what readers see.
struct Shown<'a> {
    state: &'a State,
    read: &'a Read,
    script: Option<lipi::Script>,
}

impl Shown<'_> {
    async fn found(&self, answer: Answer, paging: &Paging<Cursor>) -> Result<(Found, u64), Problem> {
        let (songs, others): (Vec<&Hit>, Vec<&Hit>) =
            answer.hits.iter().partition(|hit| hit.entity.kind == EntityKind::Composition);
        let song_ids: Vec<Uuid> = songs.iter().map(|hit| hit.entity.id).collect();
        let facet_ids = answer
            .facets
            .iter()
            .flat_map(|counts| counts.values.iter().filter_map(|(value, _)| value.parse().ok()));
        let ids: Vec<Uuid> = others.iter().map(|hit| hit.entity.id).chain(facet_ids).collect();
        let rows = self.state.held.songs(self.read, &song_ids).await.map_err(store_problem)?;
        let labels = self.state.held.labels(self.read, &ids).await.map_err(store_problem)?;
        let label = |id: Uuid| labels.get(id).map(|label| Label::of(label, self.script));
        let hits = answer.hits.into_iter().filter_map(|hit| {
            let row = rows.get(hit.entity.id);
            let composition = row.map(|row| CompositionItem::of(row, self.script));
            let entity = if composition.is_none() { label(hit.entity.id) } else { None };
            // A record that was withdrawn a moment ago is in the index and not in the database.
            (composition.is_some() || entity.is_some()).then(|| found_hit(hit, composition, entity))
        });
        let found = Found {
            hits: hits.collect(),
            facets: answer.facets.into_iter().map(|counts| found_facet(counts, label)).collect(),
            total: answer.total,
            next_cursor: paging.cursor(answer.next),
            low_confidence: answer.low_confidence,
            interpretations: answer.interpretations.into_iter().map(found_name).collect(),
            did_you_mean: answer.did_you_mean,
            as_swaras: None,
            degraded: answer.degraded,
            explanation: answer.explanation.map(|it| Reading {
                key: it.key,
                coarse_key: it.coarse_key,
                readings: it.readings,
                loose: it.loose,
            }),
            partial: answer.partial,
            truncated: answer.truncated,
            watermark: answer.position.position,
        };
        Ok((found, rows.lsn.min(labels.lsn)))
    }
}

fn found_name(found: Interpretation) -> FoundName {
    let Interpretation { facet, values, text, range, alias } = found;
    FoundName { facet, values, text, range: [range.start, range.end], alias }
}

fn found_hit(hit: Hit, composition: Option<CompositionItem>, entity: Option<Label>) -> FoundHit {
    let pair = |range: Range<usize>| [range.start, range.end];
    let matched = hit.matched.into_iter().map(|found| FoundMatch {
        field: found.field,
        text: found.text,
        script: found.script,
        section: found.place.map(|place| FoundSection {
            id: place.section,
            label: place.label,
            line: place.line,
        }),
        ranges: found.ranges.into_iter().map(pair).collect(),
    });
    FoundHit {
        score: hit.score,
        because: hit.because,
        why: hit.class,
        matched: matched.collect(),
        composition,
        entity,
    }
}

fn found_facet(counts: FacetCounts, label_of: impl Fn(Uuid) -> Option<Label>) -> FoundFacet {
    let value = |(value, count): (String, u64)| match value.parse().ok().and_then(&label_of) {
        Some(Label { label, slug, .. }) => FacetValue { value, label, slug: Some(slug), count },
        None => FacetValue { label: value.clone(), value, slug: None, count },
    };
    FoundFacet { facet: counts.facet, values: counts.values.into_iter().map(value).collect() }
}
