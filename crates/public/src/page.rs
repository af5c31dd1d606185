//! The page of one entity: from a reference to its document, with the cheapest answer that is right.
//!
//! In this order: the node's cache; for a reader who names a tag, 304 without loading the record; the
//! record with everything that its page shows, from the reference in one statement; 308 from an old slug.

use crate::answer::{Made, Question, Served, hash128, read};
use crate::error::store_problem;
use crate::fields::Fields;
use crate::ragas::all::Ragas;
use crate::state::{Keep, State};
use axum::response::Response;
use domain::{EntityKind, EntityRef};
use http::Uri;
use serde::Serialize;
use std::sync::Arc;
use store::{Fingerprint, Live, Read, Resolved};
use uuid::Uuid;
use web::{ETag, Fresh, IfNoneMatch, Problem, SurrogateKeys};

/// A page that is asked for.
pub(crate) struct Page<'a> {
    pub state: &'a State,
    pub have: &'a IfNoneMatch,
    pub kind: EntityKind,
    /// Which document of the entity, for metrics and in its tag: `composition`, `texts`.
    pub class: &'static str,
    /// A slug or an id.
    pub reference: &'a str,
    /// Where it was asked for; a redirect keeps everything but the reference.
    pub uri: &'a Uri,
    /// What decides the document beside the record: script, romanisation.
    pub variant: String,
    /// The members of the document that are wanted; all where none are named.
    pub fields: Option<Fields>,
}

/// Where a page leads.
pub(crate) enum Opened {
    /// To this entity, which this node has.
    Here(Read, EntityRef),
    /// To an answer: it was in the cache, or the entity has another address now.
    Answered(Response),
}

/// What a document is made of.
pub(crate) struct Shown<'a> {
    pub live: &'a Live,
    /// Every raga, for the page of a raga; else none.
    pub ragas: &'a Ragas,
}

impl Page<'_> {
    /// What the page asks of the node's cache.
    pub fn question(&self) -> Question<'_> {
        let fields = self.fields.as_ref().map(|fields| format!("&{fields:?}")).unwrap_or_default();
        let about = format!("{}&{}{fields}", self.reference, self.variant);
        Question { state: self.state, have: self.have, keep: Keep::Detail, class: self.class, about }
    }

    /// Finds the entity, for documents that are made of more than its record.
    pub async fn open(&self) -> Result<Opened, Problem> {
        if let Some(response) = self.question().answer_from_cache().await {
            return Ok(Opened::Answered(response));
        }
        let read = read(self.state).await?;
        let found = resolve(&read, self.kind, self.reference).await?;
        if found.redirected {
            return Ok(Opened::Answered(self.moved(found.id, &found.slug, &read)));
        }
        Ok(Opened::Here(read, self.entity(found.id)))
    }

    /// Answers with the document that `view` makes.
    pub async fn answer<B: Serialize>(
        self,
        view: impl FnOnce(Shown<'_>) -> Result<B, Problem>,
    ) -> Result<Response, Problem> {
        let question = self.question();
        if let Some(response) = question.answer_from_cache().await {
            return Ok(response);
        }
        let read = read(self.state).await?;
        if let Some(response) = self.not_modified(&read).await? {
            return Ok(response);
        }
        match question.answer(|| self.load(&read, view)).await {
            Err(Elsewhere::Moved(id, slug)) => Ok(self.moved(id, &slug, &read)),
            Err(Elsewhere::Problem(problem)) => Err(problem),
            Ok(response) => Ok(response),
        }
    }

    /// 308 from an old slug: the same address with the new one.
    fn moved(&self, id: Uuid, slug: &str, read: &Read) -> Response {
        let collection = format!("/v1/{}/", self.kind.plural());
        let rest = self.uri.path().strip_prefix(&collection).unwrap_or_default();
        let rest = rest.find('/').map_or("", |at| &rest[at..]);
        let query = self.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        let keys = SurrogateKeys::default().entity(self.entity(id)).keys();
        let fresh = Fresh { etag: None, keys, lsn: Some(read.lsn()) };
        Served::of(read).stamp(fresh.moved(&format!("{collection}{slug}{rest}{query}")))
    }

    /// 304 where the reader names a tag that still fits. It states no surrogate keys: those that a cache
    /// has with the document still hold, since equal documents show the same entities.
    async fn not_modified(&self, read: &Read) -> Result<Option<Response>, Problem> {
        if self.have.is_empty() {
            return Ok(None);
        }
        let found = resolve(read, self.kind, self.reference).await?;
        if found.redirected {
            return Ok(Some(self.moved(found.id, &found.slug, read)));
        }
        let fingerprint = read.fingerprint(self.kind, found.id).await.map_err(store_problem)?;
        let fingerprint = fingerprint.ok_or_else(Problem::not_found)?;
        let ragas = if self.shows_ragas() { raga_versions(read).await? } else { Vec::new() };
        let etag = self.etag(fingerprint, &ragas);
        let known = self.have.matches(&etag);
        let fresh = Fresh { etag: Some(etag), keys: Vec::new(), lsn: Some(read.lsn()) };
        Ok(known.then(|| Served::of(read).stamp(fresh.not_modified())))
    }

    async fn load<B: Serialize>(
        &self,
        read: &Read,
        view: impl FnOnce(Shown<'_>) -> Result<B, Problem>,
    ) -> Result<Made, Elsewhere> {
        let (live, redirected) = live_at(read, self.kind, self.reference).await?;
        if redirected {
            return Err(Elsewhere::Moved(live.entity.id, live.slug));
        }
        let (ragas, lsn) = match self.shows_ragas() {
            true => self.state.held.ragas(read).await.map_err(store_problem)?,
            false => (Arc::default(), read.lsn()),
        };
        let etag = self.etag(live.fingerprint, ragas.versions());
        let body = view(Shown { live: &live, ragas: &ragas })?;
        let made = match &self.fields {
            Some(fields) => Made::tagged(&fields.trimmed(&body)?, &etag, &keys(&live), read)?,
            None => Made::tagged(&body, &etag, &keys(&live), read)?,
        };
        Ok(made.not_after(lsn))
    }

    /// The tag of one variant of a record. The tables of `lipi` are part of it, since they make what is
    /// transliterated.
    fn etag(&self, fingerprint: Fingerprint, ragas: &[(Uuid, i64)]) -> ETag {
        let tables = [lipi::FOLD_VERSION.to_be_bytes(), REPRESENTATION.to_be_bytes()].concat();
        let ragas: Vec<u8> = ragas.iter().flat_map(|(id, version)| stamp(*id, *version)).collect();
        let variant = format!("{}&{}&{:?}", self.class, self.variant, self.fields);
        ETag::of_hash(hash128(&[&fingerprint.hash128, variant.as_bytes(), &tables, &ragas]))
    }

    fn shows_ragas(&self) -> bool {
        self.kind == EntityKind::Raga
    }

    const fn entity(&self, id: Uuid) -> EntityRef {
        EntityRef { kind: self.kind, id }
    }
}

/// Why a page is not answered with a document.
enum Elsewhere {
    /// The reference is an old one of this id, which has this slug now.
    Moved(Uuid, String),
    Problem(Problem),
}

impl From<Problem> for Elsewhere {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

/// What `reference`, a slug or an id, leads to.
pub(crate) async fn resolve(read: &Read, kind: EntityKind, reference: &str) -> Result<Resolved, Problem> {
    let reference = storable(reference)?;
    read.resolve(kind, reference).await.map_err(store_problem)?.ok_or_else(Problem::not_found)
}

/// The live record that `reference` leads to, with everything that its page shows, and whether the reference
/// is an old one.
async fn live_at(read: &Read, kind: EntityKind, reference: &str) -> Result<(Live, bool), Problem> {
    let reference = storable(reference)?;
    read.detail_at(kind, reference).await.map_err(store_problem)?.ok_or_else(Problem::not_found)
}

/// Nothing is called by a text that the database cannot hold.
fn storable(reference: &str) -> Result<&str, Problem> {
    if reference.contains('\0') { Err(Problem::not_found()) } else { Ok(reference) }
}

/// The live record with everything that its page shows.
pub(crate) async fn live(read: &Read, kind: EntityKind, id: Uuid) -> Result<Live, Problem> {
    read.detail(kind, id).await.map_err(store_problem)?.ok_or_else(Problem::not_found)
}

/// Everything whose change makes the document stale: what it shows, and what it would show if that were live
/// (a group lists a song as soon as it is published). A song becomes a member by a change of the group alone,
/// and a raga gets relatives by a change of theirs.
pub(crate) fn keys(live: &Live) -> SurrogateKeys {
    let referred = live.record.references().into_iter().map(|(_, entity)| entity);
    let groups = live.groups.iter().map(|row| row.group.entity);
    let keys = SurrogateKeys::default().entity(live.entity).entities(referred).entities(groups);
    match live.entity.kind {
        EntityKind::Composition => keys.list(EntityKind::Group),
        EntityKind::Raga => keys.list(EntityKind::Raga),
        _ => keys,
    }
}

/// Raised when a document of the same record is written otherwise than before.
const REPRESENTATION: u32 = 1;

fn stamp(id: Uuid, version: i64) -> [u8; 24] {
    let mut stamp = [0; 24];
    stamp[..16].copy_from_slice(id.as_bytes());
    stamp[16..].copy_from_slice(&version.to_be_bytes());
    stamp
}

/// Which ragas there are, in which version, without loading them.
async fn raga_versions(read: &Read) -> Result<Vec<(Uuid, i64)>, Problem> {
    let mut versions: Vec<(Uuid, i64)> = Vec::new();
    loop {
        let after = versions.last().map(|(id, _)| *id);
        let page = read.versions(EntityKind::Raga, after, VERSIONS_AT_ONCE).await.map_err(store_problem)?;
        let last = page.len() < VERSIONS_AT_ONCE;
        versions.extend(page.into_iter().map(|(entity, version)| (entity.id, aggregate_version(version))));
        if last {
            return Ok(versions);
        }
    }
}

const VERSIONS_AT_ONCE: usize = 5_000;

/// The lower part of a document version; see [`store::document_version`].
const fn aggregate_version(version: u64) -> i64 {
    (version & ((1 << 48) - 1)) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_version_holds_the_one_of_the_aggregate() {
        assert_eq!(aggregate_version(store::document_version(7, 123)), 123);
    }
}
