//! Caching: one table of policies, and the surrogate keys by which caches are purged.

use crate::etag::ETag;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use domain::event::{list_surrogate_key, surrogate_key};
use domain::purge::{READ_LSN_HEADER, SURROGATE_KEY_HEADER};
use domain::{EntityKind, EntityRef};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderName, LOCATION};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// The targeted field (RFC 9213) for caches that we purge; it wins over `Cache-Control` there.
const CDN_CACHE_CONTROL: HeaderName = HeaderName::from_static("cdn-cache-control");

/// How long a public answer may be kept, by the kind of answer. Browsers cannot be purged and get a short
/// time; shared caches are purged by surrogate key and get a long one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CachePolicy {
    /// One entity with everything on its page.
    Detail,
    /// A list of entities, by any filter.
    List,
    /// Computed from constants or from all ragas: melakartas, scales.
    Reference,
    /// Answers of the search index, which is a moment behind the database.
    Search,
    /// Depends on the date.
    Daily,
    /// Never the same twice, or never to be kept.
    NoStore,
    /// Changes with a release only: the API's own document and its page.
    Document,
    /// Never changes: its address holds a hash of it.
    Immutable,
}

impl CachePolicy {
    /// Every policy.
    pub const ALL: [Self; 8] = [
        Self::Detail,
        Self::List,
        Self::Reference,
        Self::Search,
        Self::Daily,
        Self::NoStore,
        Self::Document,
        Self::Immutable,
    ];

    /// The table: seconds in browsers, in shared caches, stale while revalidating, stale if we fail.
    const fn seconds(self) -> Option<Lifetimes> {
        const DAY: u32 = 86_400;
        const YEAR: u32 = 365 * DAY;
        match self {
            Self::Detail => Some(Lifetimes { browser: 30, shared: 3_600, revalidate: 30, failing: DAY }),
            Self::List => Some(Lifetimes { browser: 30, shared: 600, revalidate: 30, failing: DAY }),
            Self::Reference => Some(Lifetimes { browser: 60, shared: 3_600, revalidate: 60, failing: DAY }),
            Self::Search => Some(Lifetimes { browser: 10, shared: 60, revalidate: 10, failing: DAY }),
            Self::Daily => Some(Lifetimes { browser: 60, shared: 60, revalidate: 60, failing: DAY }),
            Self::Document => Some(Lifetimes { browser: 300, shared: 300, revalidate: 300, failing: DAY }),
            Self::Immutable => {
                Some(Lifetimes { browser: YEAR, shared: YEAR, revalidate: DAY, failing: YEAR })
            }
            Self::NoStore => None,
        }
    }

    /// The value of `Cache-Control`.
    pub fn cache_control(self) -> String {
        self.seconds().map_or_else(
            || "no-store".to_owned(),
            |seconds| {
                let Lifetimes { browser, shared, .. } = seconds;
                let immutable = if self == Self::Immutable { ", immutable" } else { "" };
                format!("public, max-age={browser}, s-maxage={shared}, {}{immutable}", seconds.stale())
            },
        )
    }

    /// The value of `CDN-Cache-Control`; none where nothing may be kept.
    pub fn cdn_cache_control(self) -> Option<String> {
        self.seconds().map(|seconds| format!("max-age={}, {}", seconds.shared, seconds.stale()))
    }

    /// Writes the policy into the headers of an answer. What is neither a success nor a redirect is not kept.
    pub(crate) fn apply(self, status: StatusCode, headers: &mut HeaderMap) {
        let kept =
            matches!(status, StatusCode::OK | StatusCode::NOT_MODIFIED | StatusCode::PERMANENT_REDIRECT);
        let policy = if kept { self } else { Self::NoStore };
        headers.insert(CACHE_CONTROL, text(policy.cache_control()));
        if let Some(targeted) = policy.cdn_cache_control() {
            headers.insert(CDN_CACHE_CONTROL, text(targeted));
        }
    }
}

/// Seconds.
#[derive(Clone, Copy)]
struct Lifetimes {
    browser: u32,
    shared: u32,
    revalidate: u32,
    failing: u32,
}

impl Lifetimes {
    fn stale(self) -> String {
        format!("stale-while-revalidate={}, stale-if-error={}", self.revalidate, self.failing)
    }
}

/// The surrogate keys of an answer: everything whose change makes it stale.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SurrogateKeys {
    entities: BTreeSet<EntityRef>,
    lists: BTreeSet<EntityKind>,
}

impl SurrogateKeys {
    /// The most keys of one answer (what CDNs store). A key is at most 48 bytes, so the field stays far
    /// under 16 KiB.
    pub const KEYS_MAX: usize = 50;

    /// The answer shows `entity`, or a label of it.
    #[must_use]
    pub fn entity(mut self, entity: impl Into<EntityRef>) -> Self {
        self.entities.insert(entity.into());
        self
    }

    /// The answer shows each of `entities`, or labels of them.
    #[must_use]
    pub fn entities(mut self, entities: impl IntoIterator<Item = EntityRef>) -> Self {
        self.entities.extend(entities);
        self
    }

    /// The answer would change if any entity of `kind` came, went or changed.
    #[must_use]
    pub fn list(mut self, kind: EntityKind) -> Self {
        self.lists.insert(kind);
        self
    }

    /// The keys. Over [`SurrogateKeys::KEYS_MAX`], the entities of the kind with the most of them become
    /// one `list:` key, which every change of that kind raises too: coarser, never wrong.
    pub fn keys(&self) -> Vec<String> {
        let mut by_kind: BTreeMap<EntityKind, Vec<EntityRef>> = BTreeMap::new();
        for entity in self.entities.iter().filter(|entity| !self.lists.contains(&entity.kind)) {
            by_kind.entry(entity.kind).or_default().push(*entity);
        }
        let mut lists = self.lists.clone();
        while lists.len() + by_kind.values().map(Vec::len).sum::<usize>() > Self::KEYS_MAX {
            let Some(largest) =
                by_kind.iter().max_by_key(|(_, of_kind)| of_kind.len()).map(|(kind, _)| *kind)
            else {
                break;
            };
            by_kind.remove(&largest);
            lists.insert(largest);
        }
        let entities = by_kind.into_values().flatten().map(surrogate_key);
        entities.chain(lists.into_iter().map(list_surrogate_key)).collect()
    }

    /// The value of the `Surrogate-Key` header.
    pub fn header(&self) -> HeaderValue {
        text(self.keys().join(" "))
    }
}

/// An answer that caches may keep, with what they need for it. `Cache-Control` comes from the policy of the
/// endpoint.
#[derive(Clone, Debug)]
pub struct Fresh {
    /// Changes exactly when the content does.
    pub etag: Option<ETag>,
    /// Surrogate keys, as [`SurrogateKeys::keys`] makes them.
    pub keys: Vec<String>,
    /// The WAL position (bytes) that the answer was read at; an edge keeps it only if no purge is newer.
    pub lsn: Option<u64>,
}

impl Fresh {
    /// 200 with a JSON body that is already written.
    pub fn json(&self, body: Bytes) -> Response {
        let mut response = Response::new(Body::from(body));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.stamp(response)
    }

    /// 304: the client has it already.
    pub fn not_modified(&self) -> Response {
        self.stamp(StatusCode::NOT_MODIFIED.into_response())
    }

    /// 308: it lives at `location` (a path) now.
    pub fn moved(&self, location: &str) -> Response {
        let mut response = StatusCode::PERMANENT_REDIRECT.into_response();
        match HeaderValue::from_str(location) {
            Ok(location) => drop(response.headers_mut().insert(LOCATION, location)),
            Err(_) => return crate::Problem::not_found().into_response(),
        }
        self.stamp(response)
    }

    /// Writes tag, keys and position into the headers of any answer.
    pub fn stamp(&self, mut response: Response) -> Response {
        let headers = response.headers_mut();
        if let Some(etag) = &self.etag {
            headers.insert(ETAG, etag.header());
        }
        if !self.keys.is_empty() {
            headers.insert(HeaderName::from_static(SURROGATE_KEY_HEADER), text(self.keys.join(" ")));
        }
        if let Some(lsn) = self.lsn {
            headers.insert(HeaderName::from_static(READ_LSN_HEADER), HeaderValue::from(lsn));
        }
        response
    }
}

fn text(value: String) -> HeaderValue {
    HeaderValue::from_maybe_shared(Bytes::from(value)).unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn entity(kind: EntityKind, number: u128) -> EntityRef {
        EntityRef { kind, id: Uuid::from_u128(number) }
    }

    #[test]
    fn few_entities_have_keys_of_their_own() {
        let keys =
            SurrogateKeys::default().entity(entity(EntityKind::Raga, 1)).list(EntityKind::Composition).keys();
        assert_eq!(keys, [format!("raga:{}", Uuid::from_u128(1)), "list:compositions".to_owned()]);
    }

    #[test]
    fn crowd_falls_back_to_the_list_of_its_kind_only() {
        let songs = (0..100).map(|number| entity(EntityKind::Composition, number));
        let keys = SurrogateKeys::default().entities(songs).entity(entity(EntityKind::Raga, 1)).keys();
        assert_eq!(keys, [format!("raga:{}", Uuid::from_u128(1)), "list:compositions".to_owned()]);
    }

    #[test]
    fn keys_stay_within_their_limits() {
        let all =
            EntityKind::ALL.into_iter().flat_map(|kind| (0..40).map(move |number| entity(kind, number)));
        let keys = SurrogateKeys::default().entities(all);
        assert!(keys.keys().len() <= SurrogateKeys::KEYS_MAX);
        assert!(keys.header().len() <= 16 * 1024);
        assert!(keys.keys().iter().all(|key| key.len() <= 48));
    }

    #[test]
    fn only_successes_and_redirects_are_kept() {
        let header = |status| {
            let mut headers = HeaderMap::new();
            CachePolicy::Detail.apply(status, &mut headers);
            headers[CACHE_CONTROL].to_str().unwrap().to_owned()
        };
        assert_eq!(
            header(StatusCode::OK),
            "public, max-age=30, s-maxage=3600, stale-while-revalidate=30, stale-if-error=86400"
        );
        assert_eq!(header(StatusCode::NOT_MODIFIED), header(StatusCode::OK));
        assert_eq!(header(StatusCode::NOT_FOUND), "no-store");
        assert_eq!(header(StatusCode::SERVICE_UNAVAILABLE), "no-store");
    }

    #[test]
    fn answer_carries_tag_keys_and_position() {
        let fresh = Fresh {
            etag: Some(ETag::version(3)),
            keys: vec!["raga:1".into(), "list:ragas".into()],
            lsn: Some(77),
        };
        for response in
            [fresh.json(Bytes::from_static(b"{}")), fresh.not_modified(), fresh.moved("/v1/ragas/kalyani")]
        {
            assert_eq!(response.headers()[ETAG], "\"3\"");
            assert_eq!(response.headers()[SURROGATE_KEY_HEADER], "raga:1 list:ragas");
            assert_eq!(response.headers()[READ_LSN_HEADER], "77");
        }
    }
}
