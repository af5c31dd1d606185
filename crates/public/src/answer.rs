//! The path of every answer: the node's cache, else one load for all who wait; 304 where the reader has it
//! already; and on each the headers that say who answered.

use crate::error::store_problem;
use crate::state::{Keep, State};
use axum::response::Response;
use bytes::Bytes;
use cache::Entry;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use sha2::{Digest, Sha256};
use store::{Read, ReadPolicy};
use web::{ETag, Fresh, IfNoneMatch, Problem, SurrogateKeys};

/// An answer that has been made: its body, what caches need with it, and who was asked for it.
pub(crate) struct Made {
    entry: Entry,
    served: Served,
}

impl Made {
    /// An answer whose tag is the hash of its body.
    pub fn new(body: &impl Serialize, keys: &SurrogateKeys, read: &Read) -> Result<Self, Problem> {
        let body = write(body)?;
        let etag = ETag::of_hash(hash128(&[&body]));
        Ok(Self::of(body, &etag, keys, read))
    }

    /// An answer whose tag is known without its body.
    pub fn tagged(
        body: &impl Serialize,
        etag: &ETag,
        keys: &SurrogateKeys,
        read: &Read,
    ) -> Result<Self, Problem> {
        Ok(Self::of(write(body)?, etag, keys, read))
    }

    /// A page that is already written. Its tag is the hash of its bytes, so that a release that draws it
    /// otherwise changes the tag.
    pub fn page(html: String, keys: &SurrogateKeys, read: &Read) -> Self {
        let body = Bytes::from(html);
        let etag = ETag::of_hash(hash128(&[&body]));
        Self::of(body, &etag, keys, read)
    }

    /// A text in another format, whose tag is the hash of its bytes.
    pub fn text(text: String, keys: &SurrogateKeys, read: &Read) -> Self {
        Self::page(text, keys, read)
    }

    /// The same, made also of what is only known to be right at `lsn`: purges from there on must reach it.
    pub fn not_after(mut self, lsn: u64) -> Self {
        self.entry.lsn = self.entry.lsn.min(lsn);
        self
    }

    fn of(body: Bytes, etag: &ETag, keys: &SurrogateKeys, read: &Read) -> Self {
        let entry = Entry { body, etag: etag.as_str().to_owned(), tags: keys.keys(), lsn: read.lsn() };
        Self { entry, served: Served::of(read) }
    }

    /// The answer to a question that the node does not keep.
    pub fn respond(self, have: &IfNoneMatch) -> Response {
        self.served.stamp(response(&self.entry, have))
    }
}

/// A question that can be answered from the node's cache: what is asked, and for how long the answer keeps.
pub(crate) struct Question<'a> {
    pub state: &'a State,
    pub have: &'a IfNoneMatch,
    pub keep: Keep,
    /// Class of the answer, for metrics: `composition`, `ragas`.
    pub class: &'static str,
    /// Everything that the answer depends on.
    pub about: String,
}

impl Question<'_> {
    /// Answers from the cache, or with what `load` makes.
    pub async fn answer<E, L>(self, load: impl FnOnce() -> L) -> Result<Response, E>
    where
        L: Future<Output = Result<Made, E>>,
    {
        if !self.state.config.cached {
            let made = load().await?;
            return Ok(named(made.respond(self.have), "off"));
        }
        let mut served = Served::from_cache(self.state);
        let slot = &mut served;
        let entry = move || async move {
            let made = load().await?;
            *slot = made.served;
            Ok(made.entry)
        };
        let ttl = self.state.keep_for(self.keep);
        let loaded = self.state.cache.get_or_load(&self.key(), ttl, entry).await?;
        Ok(named(served.stamp(response(&loaded.entry, self.have)), loaded.outcome.as_str()))
    }

    /// The answer, if the cache has it: for endpoints that can say 304 more cheaply than by a load.
    pub async fn answer_from_cache(&self) -> Option<Response> {
        if !self.state.config.cached {
            return None;
        }
        let entry = self.state.cache.get(&self.key()).await?;
        Some(named(Served::from_cache(self.state).stamp(response(&entry, self.have)), "hit"))
    }

    /// The class comes first, up to a colon, since the cache counts by it.
    fn key(&self) -> String {
        if self.class.len() + self.about.len() < KEY_BYTES_MAX {
            return format!("{}:{}", self.class, self.about);
        }
        let hash = hash128(&[self.about.as_bytes()]).map(|byte| format!("{byte:02x}")).concat();
        format!("{}:#{hash}", self.class)
    }
}

/// Names the media type of an answer that has a body.
pub(crate) fn typed(mut response: Response, media: &'static str) -> Response {
    if response.status() == StatusCode::OK {
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media));
    }
    response
}

/// Longer questions are hashed.
const KEY_BYTES_MAX: usize = 200;

fn response(entry: &Entry, have: &IfNoneMatch) -> Response {
    let etag = ETag::stored(entry.etag.clone());
    let known = have.matches(&etag);
    let fresh = Fresh { etag: Some(etag), keys: entry.tags.clone(), lsn: Some(entry.lsn) };
    if known { fresh.not_modified() } else { fresh.json(entry.body.clone()) }
}

/// Who answered: a node of the database, or the cache of this process.
pub(crate) struct Served {
    by: String,
    /// How old the answer of a node may be, in milliseconds.
    age_ms: Option<u64>,
}

impl Served {
    /// The node of `read`.
    pub fn of(read: &Read) -> Self {
        Self { by: format!("{}/{}", read.region(), read.role().as_str()), age_ms: Some(read.age_ms()) }
    }

    fn from_cache(state: &State) -> Self {
        Self { by: format!("{}/cache", state.region), age_ms: None }
    }

    /// Writes it into the headers of any answer.
    pub fn stamp(&self, mut response: Response) -> Response {
        let headers = response.headers_mut();
        if let Ok(by) = HeaderValue::from_str(&self.by) {
            headers.insert(X_SERVED_BY, by);
        }
        if let Some(age_ms) = self.age_ms {
            headers.insert(X_DATA_AGE_MS, HeaderValue::from(age_ms));
        }
        response
    }
}

/// `region/replica`, `region/primary`, or `region/cache`.
const X_SERVED_BY: HeaderName = HeaderName::from_static("x-served-by");
const X_DATA_AGE_MS: HeaderName = HeaderName::from_static("x-data-age-ms");

/// What the node's cache did: `hit`, `miss`, `joined`, `off`, or why the answer was not kept.
const X_CACHE: HeaderName = HeaderName::from_static("x-cache");

fn named(mut response: Response, outcome: &'static str) -> Response {
    response.headers_mut().insert(X_CACHE, HeaderValue::from_static(outcome));
    response
}

/// The node of the database that answers this request.
pub(crate) async fn read(state: &State) -> Result<Read, Problem> {
    state.reader.read(ReadPolicy::Any).await.map_err(store_problem)
}

/// The first 128 bits of the SHA-256 over `parts`, each with its length.
pub(crate) fn hash128(parts: &[&[u8]]) -> [u8; 16] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    let hash: [u8; 32] = hasher.finalize().into();
    std::array::from_fn(|index| hash[index])
}

fn write(body: &impl Serialize) -> Result<Bytes, Problem> {
    serde_json::to_vec(body).map(Bytes::from).map_err(|error| Problem::internal(&error))
}
