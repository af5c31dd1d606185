//! The path of every cacheable answer: the node's cache, else one load for all who wait; 304 where the reader
//! has it already.

use crate::error::store_problem;
use crate::state::{Keep, State};
use axum::response::Response;
use bytes::Bytes;
use cache::Entry;
use http::{HeaderName, HeaderValue};
use serde::Serialize;
use sha2::{Digest, Sha256};
use store::{Read, ReadPolicy};
use web::{ETag, Fresh, IfNoneMatch, Problem, SurrogateKeys};

/// An answer that has been made: its body, and what caches need with it.
pub(crate) struct Made {
    body: Bytes,
    etag: ETag,
    keys: Vec<String>,
    lsn: u64,
}

impl Made {
    /// An answer whose tag is the hash of its body.
    pub fn new(body: &impl Serialize, keys: &SurrogateKeys, read: &Read) -> Result<Self, Problem> {
        let body = write(body)?;
        let etag = ETag::of_hash(hash128(&[&body]));
        Ok(Self { body, etag, keys: keys.keys(), lsn: read.lsn() })
    }

    /// An answer whose tag is known without its body.
    pub fn tagged(
        body: &impl Serialize,
        etag: ETag,
        keys: &SurrogateKeys,
        read: &Read,
    ) -> Result<Self, Problem> {
        Ok(Self { body: write(body)?, etag, keys: keys.keys(), lsn: read.lsn() })
    }
}

/// A question that can be answered from the node's cache: what is asked, and for how long the answer keeps.
pub(crate) struct Question<'a> {
    pub state: &'a State,
    pub have: &'a IfNoneMatch,
    pub keep: Keep,
    /// Class of the answer, for metrics: `composition`, `list:ragas`.
    pub class: &'static str,
    /// Everything that the answer depends on.
    pub about: String,
}

impl Question<'_> {
    /// Answers from the cache, or with what `load` makes.
    pub async fn answer<L>(self, load: impl FnOnce() -> L) -> Result<Response, Problem>
    where
        L: Future<Output = Result<Made, Problem>>,
    {
        if !self.state.config.cached {
            let made = load().await?;
            return Ok(self.respond(made.into(), "off"));
        }
        let entry = async || load().await.map(Entry::from);
        let ttl = self.state.keep_for(self.keep);
        let loaded = self.state.cache.get_or_load(&self.key(), ttl, entry).await?;
        Ok(self.respond((*loaded.entry).clone(), loaded.outcome.as_str()))
    }

    /// The answer, if the cache has it: for endpoints that can say 304 more cheaply than by a load.
    pub async fn answer_from_cache(&self) -> Option<Response> {
        let entry = if self.state.config.cached { self.state.cache.get(&self.key()).await } else { None };
        entry.map(|entry| self.respond((*entry).clone(), "hit"))
    }

    fn key(&self) -> String {
        if self.class.len() + self.about.len() < KEY_BYTES_MAX {
            return format!("{}?{}", self.class, self.about);
        }
        let hash: String =
            hash128(&[self.about.as_bytes()]).iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{}#{hash}", self.class)
    }

    fn respond(&self, entry: Entry, outcome: &'static str) -> Response {
        let etag = ETag::stored(entry.etag);
        let known = self.have.matches(&etag);
        let fresh = Fresh { etag: Some(etag), keys: entry.tags, lsn: Some(entry.lsn) };
        let mut response = if known { fresh.not_modified() } else { fresh.json(entry.body) };
        response.headers_mut().insert(X_CACHE, HeaderValue::from_static(outcome));
        response
    }
}

/// What the node's cache did: `hit`, `miss`, `joined`, `off`, or why the answer was not kept.
const X_CACHE: HeaderName = HeaderName::from_static("x-cache");

/// Longer questions are hashed.
const KEY_BYTES_MAX: usize = 200;

impl From<Made> for Entry {
    fn from(made: Made) -> Self {
        Self { body: made.body, etag: made.etag.as_str().to_owned(), tags: made.keys, lsn: made.lsn }
    }
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
