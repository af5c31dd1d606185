//! One complete response, with what is needed to serve it again and to know when not to.

use crate::policy::{self, Asked, Freshness, Use, Vary};
use crate::purge::generations::Generations;
use crate::see::reason::{Handling, Reason, cache_status};
use arc_swap::ArcSwapOption;
use bytes::Bytes;
use http::StatusCode;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A response as it is served: end-to-end fields only, ours included except those of the single request.
pub(crate) struct Object {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) freshness: Freshness,
    /// Microseconds since the Unix epoch.
    pub(crate) received_us: i64,
    /// The generation at which the request to the origin started.
    pub(crate) fill: u64,
    /// Hashes of the surrogate keys.
    pub(crate) tags: Box<[u64]>,
    pub(crate) vary: Vary,
    pub(crate) asked: Asked,
    checked: AtomicU64,
    rendered: ArcSwapOption<Rendered>,
}

/// The fields of a hit, which change once a second.
struct Rendered {
    age_s: u64,
    headers: HeaderMap,
}

impl Object {
    #[expect(clippy::too_many_arguments, reason = "one place builds it, field by field")]
    pub(crate) fn new(
        status: StatusCode,
        headers: HeaderMap,
        body: Bytes,
        freshness: Freshness,
        received_us: i64,
        fill: u64,
        tags: Box<[u64]>,
        vary: Vary,
        asked: Asked,
    ) -> Self {
        let (checked, rendered) = (AtomicU64::new(fill), ArcSwapOption::empty());
        Self { status, headers, body, freshness, received_us, fill, tags, vary, asked, checked, rendered }
    }

    /// Seconds since the response was made, as far as we know.
    pub(crate) fn age_s(&self, now_us: i64) -> u64 {
        self.freshness.age_s + self.resident_s(now_us)
    }

    pub(crate) fn judge(&self, now_us: i64, blind: bool, limits: &policy::Limits) -> Use {
        let resident_s = self.resident_s(now_us);
        self.freshness.judge(
            self.freshness.age_s + resident_s,
            resident_s,
            !self.tags.is_empty(),
            blind,
            limits,
        )
    }

    /// One comparison, until something is purged; then one look at the tags.
    pub(crate) fn is_valid(&self, generations: &Generations) -> bool {
        let now = generations.now();
        if self.checked.load(Ordering::Relaxed) == now {
            return true;
        }
        let valid = generations.allows(self.fill, &self.tags);
        if valid {
            self.checked.store(now, Ordering::Relaxed);
        }
        valid
    }

    /// The fields of a plain fresh hit at this moment.
    pub(crate) fn hit_headers(&self, now_us: i64, ttl_s: i64) -> HeaderMap {
        let age_s = self.age_s(now_us);
        if let Some(rendered) = self.rendered.load().as_ref()
            && rendered.age_s == age_s
        {
            return rendered.headers.clone();
        }
        let mut headers = self.headers.clone();
        headers.reserve(ROOM);
        headers.insert(header::AGE, age_s.into());
        headers.append(CACHE_STATUS, cache_status(Handling::Hit { ttl_s }, Reason::Plain));
        self.rendered.store(Some(Arc::new(Rendered { age_s, headers: headers.clone() })));
        headers
    }

    /// What it costs to keep: the fields count twice because a served object has a rendered copy.
    pub(crate) fn bytes(&self) -> usize {
        const FIXED_BYTES: usize = 512;
        const FIELD_BYTES: usize = 96;
        let fields: usize =
            self.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + FIELD_BYTES).sum();
        FIXED_BYTES + self.body.len() + 2 * fields + 8 * self.tags.len()
    }

    fn resident_s(&self, now_us: i64) -> u64 {
        u64::try_from(now_us.saturating_sub(self.received_us) / 1_000_000).unwrap_or(0)
    }
}

/// `Age`, `Cache-Status`, `X-Request-Id` and one to spare.
const ROOM: usize = 4;

/// RFC 9211.
pub(crate) const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// Puts the fields of a 304 over the stored ones, except those that describe the body that was not sent.
pub(crate) fn merge(stored: &HeaderMap, update: &HeaderMap) -> HeaderMap {
    let kept =
        [header::CONTENT_LENGTH, header::CONTENT_ENCODING, header::CONTENT_RANGE, header::CONTENT_TYPE];
    let mut merged = stored.clone();
    for name in update.keys().filter(|name| !kept.contains(name)) {
        merged.remove(name);
        for value in update.get_all(name) {
            merged.append(name, value.clone());
        }
    }
    merged
}

/// The fields that a 304 repeats.
pub(crate) fn not_modified_headers(stored: &HeaderMap) -> HeaderMap {
    const REPEATED: [HeaderName; 9] = [
        header::ETAG,
        header::DATE,
        header::VARY,
        header::CACHE_CONTROL,
        header::EXPIRES,
        header::CONTENT_LOCATION,
        header::AGE,
        header::VIA,
        CACHE_STATUS,
    ];
    let mut headers = HeaderMap::with_capacity(REPEATED.len() + 1);
    for name in REPEATED {
        for value in stored.get_all(&name) {
            headers.append(name.clone(), value.clone());
        }
    }
    headers
}

/// The conditionals that ask an origin whether `object` is still current; `None` where it has no validator.
pub(crate) fn validators(object: &Object) -> Option<(HeaderName, HeaderValue)> {
    let take = |from: HeaderName, to: HeaderName| object.headers.get(from).map(|value| (to, value.clone()));
    take(header::ETAG, header::IF_NONE_MATCH)
        .or_else(|| take(header::LAST_MODIFIED, header::IF_MODIFIED_SINCE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_304_replaces_fields_but_not_those_of_the_body() {
        let map = |fields: &[(&'static str, &str)]| -> HeaderMap {
            fields
                .iter()
                .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
                .collect()
        };
        let stored = map(&[("content-type", "a/b"), ("content-length", "7"), ("x-a", "1"), ("x-b", "1")]);
        let update = map(&[("content-type", "c/d"), ("content-length", "0"), ("x-a", "2"), ("x-c", "3")]);
        let expected = map(&[
            ("content-type", "a/b"),
            ("content-length", "7"),
            ("x-a", "2"),
            ("x-b", "1"),
            ("x-c", "3"),
        ]);
        assert_eq!(merge(&stored, &update), expected);
    }
}
