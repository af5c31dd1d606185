//! One complete response, with what is needed to serve it again and to know when not to.

use crate::front::strict::REQUEST_ID;
use crate::limits::Standing;
use crate::policy::{Demand, Freshness, Moment, Profile, Use, Variant};
use crate::purge::generations::{Generations, Validity};
use crate::see::reason::{Handling, Reason, cache_status};
use crate::store::encoding::{self, Encoded};
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
    /// The length of a body that is kept in slices and not here.
    pub(crate) sliced: Option<u64>,
    pub(crate) freshness: Freshness,
    /// Microseconds since the Unix epoch.
    pub(crate) received_us: i64,
    /// The generation at which the request to the origin started.
    pub(crate) fill: u64,
    /// Hashes of the surrogate keys, and of what every object has: its address, host and path.
    pub(crate) tags: Box<[u64]>,
    /// Whether its origin gave it surrogate keys.
    pub(crate) tagged: bool,
    pub(crate) variant: Variant,
    /// The surrogate keys as the origin wrote them.
    pub(crate) tag_words: Box<str>,
    /// Its body in other codings; `None` where that is not worth it.
    pub(crate) codings: Option<Encoded>,
    checked: AtomicU64,
    rendered: ArcSwapOption<Rendered>,
}

/// What an [`Object`] is made of.
pub(crate) struct Made {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) freshness: Freshness,
    pub(crate) received_us: i64,
    pub(crate) fill: u64,
    pub(crate) tags: Box<[u64]>,
    pub(crate) tagged: bool,
    pub(crate) variant: Variant,
    pub(crate) tag_words: Box<str>,
    pub(crate) sliced: Option<u64>,
}

/// The fields of a hit, which change once a second.
struct Rendered {
    age_s: u64,
    /// Whether it has places for what clients are told of their limits.
    limited: bool,
    headers: HeaderMap,
}

impl Object {
    pub(crate) fn new(made: Made) -> Self {
        let Made { status, headers, body, freshness, received_us, fill, tags, tagged, .. } = made;
        let (variant, tag_words, sliced) = (made.variant, made.tag_words, made.sliced);
        let (checked, rendered) = (AtomicU64::new(fill), ArcSwapOption::empty());
        let codings = encoding::is_worth(status, &headers, &body).then(Encoded::default);
        Self {
            status,
            headers,
            body,
            sliced,
            freshness,
            received_us,
            fill,
            tags,
            tagged,
            variant,
            tag_words,
            codings,
            checked,
            rendered,
        }
    }

    /// Seconds since the response was made, as far as we know.
    pub(crate) fn age_s(&self, now_us: i64) -> u64 {
        self.freshness.age_s + self.resident_s(now_us)
    }

    pub(crate) fn judge(&self, now_us: i64, blind: bool, demand: Option<&Demand>, profile: &Profile) -> Use {
        let resident_s = self.resident_s(now_us);
        let age_s = self.freshness.age_s + resident_s;
        self.freshness.judge(Moment { age_s, resident_s, tagged: self.tagged, blind }, demand, profile)
    }

    /// What purges have left of it. One comparison, until something is purged; then one look at the tags.
    pub(crate) fn standing(&self, generations: &Generations) -> Validity {
        let now = generations.now();
        if self.checked.load(Ordering::Relaxed) == now {
            return Validity::Current;
        }
        let standing = generations.standing(self.fill, &self.tags);
        if standing == Validity::Current {
            self.checked.store(now, Ordering::Relaxed);
        }
        standing
    }

    /// Whether no purge has touched it.
    pub(crate) fn is_valid(&self, generations: &Generations) -> bool {
        self.standing(generations) == Validity::Current
    }

    /// The fields of a plain fresh hit at this moment. Those of the single request have a place already: a copy
    /// that grows would be made twice.
    pub(crate) fn hit_headers(&self, now_us: i64, ttl_s: i64, limited: bool) -> HeaderMap {
        let age_s = self.age_s(now_us);
        let place = HeaderValue::from_static("");
        if let Some(rendered) = self.rendered.load().as_ref()
            && rendered.age_s == age_s
            && (rendered.limited || !limited)
        {
            let mut headers = rendered.headers.clone();
            if rendered.limited && !limited {
                Standing::NAMES.iter().for_each(|name| drop(headers.remove(name)));
            }
            return headers;
        }
        let mut headers = self.headers.clone();
        headers.reserve(ROOM);
        self.mark(&mut headers);
        headers.insert(header::AGE, age_s.into());
        headers.append(CACHE_STATUS, cache_status(Handling::Hit { ttl_s }, Reason::Plain));
        headers.insert(REQUEST_ID, place.clone());
        if limited {
            Standing::NAMES.iter().for_each(|name| drop(headers.insert(name, place.clone())));
        }
        self.rendered.store(Some(Arc::new(Rendered { age_s, limited, headers: headers.clone() })));
        headers
    }

    /// Says what the answer depends on, beyond what its origin said.
    pub(crate) fn mark(&self, headers: &mut HeaderMap) {
        if self.codings.is_some() {
            encoding::mark(headers);
        }
    }

    /// What it costs to keep, its codings included, made or not. The fields count twice because a served object has a
    /// rendered copy.
    pub(crate) fn bytes(&self) -> usize {
        const FIXED_BYTES: usize = 512;
        const FIELD_BYTES: usize = 96;
        let fields: usize =
            self.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + FIELD_BYTES).sum();
        let codings = if self.codings.is_some() { 2 * self.body.len() } else { 0 };
        FIXED_BYTES + codings + self.tag_words.len() + self.body.len() + 2 * fields + 8 * self.tags.len()
    }

    fn resident_s(&self, now_us: i64) -> u64 {
        u64::try_from(now_us.saturating_sub(self.received_us) / 1_000_000).unwrap_or(0)
    }
}

/// `Vary`, `Age`, `Cache-Status`, `X-Request-Id`, two of limits, and one to spare.
const ROOM: usize = 7;

/// RFC 9211.
pub(crate) const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");
