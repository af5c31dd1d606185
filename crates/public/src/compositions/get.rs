//! `GET /v1/compositions/{ref}`

use crate::answer::{Made, Question, hash128, read};
use crate::error::store_problem;
use crate::parameters;
use crate::state::{Keep, State};
use crate::view::CompositionDetail;
use axum::extract::State as Shared;
use axum::response::Response;
use domain::{EntityKind, Record};
use serde::Deserialize;
use store::{Fingerprint, Live, Read, Resolved};
use utoipa::IntoParams;
use uuid::Uuid;
use web::{ETag, Fresh, IfNoneMatch, Path, Problem, Query, SurrogateKeys};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Parameters {
    /// The script of names and text; a text that is not stored in it is transliterated and marked.
    pub script: Option<String>,
    /// The romanisation of a Latin text: `iso15919`, `iast`, `itrans` or `hk`.
    pub scheme: Option<String>,
}

/// A song in one document: names, ragas in order, tala, sections, texts, sources and rights
#[utoipa::path(get, path = "/v1/compositions/{ref}", tag = "compositions",
    params(("ref" = String, Path, description = "Slug or id"), Parameters),
    responses(
        (status = 200, description = "The song", body = CompositionDetail),
        (status = 304, description = "Unchanged"),
        (status = 308, description = "It has another slug now"),
        (status = 404, description = "No published song has this reference")))]
pub(crate) async fn handler(
    Shared(state): Shared<State>,
    have: IfNoneMatch,
    Path(reference): Path<String>,
    Query(asked): Query<Parameters>,
) -> Result<Response, Problem> {
    let wanted = parameters::wanted(asked.script.as_deref(), asked.scheme.as_deref())?;
    let kind = EntityKind::Composition;
    let about = format!("{reference}&{wanted:?}");
    let question = Question { state: &state, have: &have, keep: Keep::Detail, class: "composition", about };
    if let Some(response) = question.answer_from_cache().await {
        return Ok(response);
    }
    let read = read(&state).await?;
    let found = match found(&read, kind, &reference).await? {
        Found::Here(id) => id,
        Found::Moved(response) => return Ok(*response),
    };
    if let Some(response) = not_modified(&read, kind, found, &have, &question.about).await? {
        return Ok(response);
    }
    let variant = question.about.clone();
    question
        .answer(|| async {
            let live = live(&read, kind, found).await?;
            let Record::Composition(song) = &live.record else { return Err(Problem::not_found()) };
            let detail = CompositionDetail::of(&live, song, wanted);
            Made::tagged(&detail, etag(&live.fingerprint, &variant), &keys(&live), &read)
        })
        .await
}

/// Where a reference leads.
pub(crate) enum Found {
    /// To the entity with this id.
    Here(Uuid),
    /// Elsewhere: the answer says where.
    Moved(Box<Response>),
}

/// Follows `reference` to an entity that readers may see. An old slug is answered with the new address.
pub(crate) async fn found(read: &Read, kind: EntityKind, reference: &str) -> Result<Found, Problem> {
    let resolved = read.resolve(kind, reference).await.map_err(store_problem)?;
    let Resolved { id, slug, redirected } = resolved.ok_or_else(Problem::not_found)?;
    if !redirected {
        return Ok(Found::Here(id));
    }
    let keys = SurrogateKeys::default().entity(domain::EntityRef { kind, id }).keys();
    let fresh = Fresh { etag: None, keys, lsn: Some(read.lsn()) };
    Ok(Found::Moved(Box::new(fresh.moved(&format!("/v1/{}/{slug}", kind.plural())))))
}

/// 304 without loading the record, where the reader names a tag that still fits.
pub(crate) async fn not_modified(
    read: &Read,
    kind: EntityKind,
    id: Uuid,
    have: &IfNoneMatch,
    variant: &str,
) -> Result<Option<Response>, Problem> {
    if have.is_empty() {
        return Ok(None);
    }
    let fingerprint =
        read.fingerprint(kind, id).await.map_err(store_problem)?.ok_or_else(Problem::not_found)?;
    let etag = etag(&fingerprint, variant);
    let keys = SurrogateKeys::default().entity(domain::EntityRef { kind, id }).keys();
    let fresh = Fresh { etag: Some(etag.clone()), keys, lsn: Some(read.lsn()) };
    Ok(have.matches(&etag).then(|| fresh.not_modified()))
}

/// The live record with everything that its page shows.
pub(crate) async fn live(read: &Read, kind: EntityKind, id: Uuid) -> Result<Live, Problem> {
    read.detail(kind, id).await.map_err(store_problem)?.ok_or_else(Problem::not_found)
}

/// The tag of one variant (script, romanisation) of a record. The version of the folding and display tables
/// is part of it, since they make what is transliterated.
pub(crate) fn etag(fingerprint: &Fingerprint, variant: &str) -> ETag {
    let tables = [lipi::FOLD_VERSION.to_be_bytes(), REPRESENTATION.to_be_bytes()].concat();
    ETag::of_hash(hash128(&[&fingerprint.hash128, variant.as_bytes(), &tables]))
}

/// Raised when a document of the same record is written otherwise than before.
const REPRESENTATION: u32 = 1;

/// The surrogate keys of everything shown on a page.
pub(crate) fn keys(live: &Live) -> SurrogateKeys {
    let shown = live.labels.values().map(|label| label.entity);
    let groups = live.groups.iter().map(|row| row.group.entity);
    SurrogateKeys::default().entity(live.entity).entities(shown).entities(groups)
}
