//! What becomes of an answer: decided from its head, carried out when its body has come.

use crate::Inner;
use crate::front::strict::clean_response;
use crate::origin::fill::{Account, Ask, Filled};
use crate::origin::upstream::Failure;
use crate::policy::store::Admission;
use crate::policy::validate::{is_strong, merge};
use crate::policy::{Exchange, Freshness, Use, Variant, admit};
use crate::purge::generations::Generations;
use crate::purge::target;
use crate::see::reason::Reason;
use crate::store::key::Key;
use crate::store::object::{Made, Object};
use bytes::Bytes;
use domain::purge::{READ_LSN_HEADER, SURROGATE_KEY_HEADER};
use http::StatusCode;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

/// When an answer was asked for and when its head came.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// The generation at which the request to the origin started.
    pub(crate) generation: u64,
    pub(crate) sent_us: i64,
    pub(crate) received_us: i64,
}

/// An answer without its body.
pub(crate) struct Plan {
    /// The origin's status.
    answered: StatusCode,
    times: Times,
    read_lsn: Option<u64>,
    /// The fields as they came, cleaned and dated.
    update: HeaderMap,
    /// The object that a 304 confirms.
    confirmed: Option<Arc<Object>>,
    headers: HeaderMap,
    tags: Result<(Box<[u64]>, bool), Reason>,
    tag_words: Box<str>,
    variant: Result<Variant, Reason>,
    admission: Result<Admission, Reason>,
}

impl Plan {
    /// `base` is what was asked about, should it be a 304.
    pub(crate) fn of(
        inner: &Inner,
        ask: &Ask,
        base: Option<&Arc<Object>>,
        head: &http::response::Parts,
        times: Times,
    ) -> Result<Self, Failure> {
        let answered = head.status;
        let is_304 = answered == StatusCode::NOT_MODIFIED;
        if answered.is_informational() || is_304 && base.is_none() {
            return Err(Failure::Protocol);
        }
        let confirmed = base.filter(|_| is_304).cloned();
        let update = dated(cleaned(&head.headers), times.received_us);
        let stated = tags(&head.headers, &inner.generations);
        let own = |tags: Box<[u64]>| with_own(tags, ask, inner);
        let (headers, tags) = match &confirmed {
            None => {
                (update.clone(), stated.map(|tags| (own(tags.clone().unwrap_or_default()), tags.is_some())))
            }
            Some(base) => {
                let kept = || (base.tags.clone(), base.tagged);
                let tags = stated.map(|tags| tags.map_or_else(kept, |tags| (own(tags), true)));
                (merge(&base.headers, &update), tags)
            }
        };
        let status = confirmed.as_ref().map_or(answered, |base| base.status);
        let tag_words = words(&head.headers, confirmed.as_ref());
        let mut headers = headers;
        if inner.config.tags_shown {
            show(&mut headers, &tag_words);
        }
        Ok(Self {
            answered,
            times,
            read_lsn: read_lsn(&head.headers),
            tag_words,
            variant: Variant::of(&ask.asked, &headers, &inner.profile),
            admission: admission(inner, &ask.asked, status, &headers, times),
            update,
            confirmed,
            headers,
            tags,
        })
    }

    /// Whether it may be kept, as of now: a purge may have come since it was asked for.
    fn verdict(&self, inner: &Inner) -> Result<&Admission, Reason> {
        let admission = self.admission.as_ref().map_err(|reason| *reason)?;
        let (tags, _) = self.tags.as_ref().map_err(|reason| *reason)?;
        self.variant.as_ref().map_err(|reason| *reason)?;
        inner.generations.admits(self.times.generation, tags, self.read_lsn)?;
        Ok(admission)
    }

    /// Whether others may read it while it arrives: it will be kept, and as a whole.
    pub(crate) fn may_grow(&self, inner: &Inner) -> bool {
        self.verdict(inner).is_ok_and(|admission| admission.withheld.is_empty())
    }

    /// Why it is for nobody but who asked for it, where that is so.
    pub(crate) fn is_personal(&self, inner: &Inner) -> Option<Reason> {
        let reason = self.verdict(inner).err()?;
        let account = Account { status: self.answered, stored: false, reason: Some(reason) };
        (!account.is_shareable() && !self.answered.is_server_error()).then_some(reason)
    }

    /// What is promised of it before its body has come.
    pub(crate) const fn account(&self) -> Account {
        Account { status: self.answered, stored: true, reason: None }
    }

    /// The object without its body, whose length is what the origin said.
    pub(crate) fn shell(&self) -> Arc<Object> {
        self.object(without(self.headers.clone(), &[header::AGE]), Bytes::new(), None)
    }

    fn object(&self, headers: HeaderMap, body: Bytes, sliced: Option<u64>) -> Arc<Object> {
        let (tags, tagged) = self.tags.clone().unwrap_or_default();
        Arc::new(Object::new(Made {
            status: self.confirmed.as_ref().map_or(self.answered, |base| base.status),
            headers,
            body,
            freshness: self.admission.as_ref().map_or(Freshness::NONE, |admission| admission.freshness),
            received_us: self.times.received_us,
            fill: self.times.generation,
            tags,
            tagged,
            variant: self.variant.clone().unwrap_or_default(),
            tag_words: self.tag_words.clone(),
            sliced,
        }))
    }

    /// Keeps the head of an answer whose body of `length` bytes is kept in slices.
    pub(crate) fn divide(self, inner: &Inner, ask: &Ask, base: Option<&Arc<Object>>, length: u64) -> Filled {
        let mut headers = without(self.headers.clone(), &[header::AGE]);
        headers.insert(header::CONTENT_LENGTH, length.into());
        let object = self.object(headers, Bytes::new(), Some(length));
        let stored = inner.keep(&ask.key, object.clone(), &ask.asked);
        let account = Account { stored, ..self.account() };
        settle(inner, ask, base, &account);
        Filled::Object(object, account)
    }

    /// Keeps the complete answer if it may be kept.
    pub(crate) fn land(self, inner: &Inner, ask: &Ask, base: Option<&Arc<Object>>, body: Bytes) -> Filled {
        let mut headers = without(self.headers.clone(), &[header::AGE]);
        let body = match &self.confirmed {
            Some(confirmed) => confirmed.body.clone(),
            None => {
                if self.answered != StatusCode::NO_CONTENT {
                    headers.insert(header::CONTENT_LENGTH, body.len().into());
                }
                body
            }
        };
        let sliced = self.confirmed.as_ref().and_then(|base| base.sliced);
        let object = self.object(headers.clone(), body.clone(), sliced);
        let verdict = self.verdict(inner);
        let kept = verdict.and_then(|admission| {
            let kept = match admission.withheld.as_slice() {
                [] => object.clone(),
                // The client who asked gets everything; those after it only what may be kept.
                withheld => self.object(without(headers, withheld), body, sliced),
            };
            if inner.keep(&ask.key, kept, &ask.asked) { Ok(()) } else { Err(Reason::TooLarge) }
        });
        let partly = verdict.is_ok_and(|admission| !admission.withheld.is_empty());
        let revalidated = self.confirmed.is_some();
        let reason = kept.err().or(revalidated.then_some(Reason::Revalidated));
        let reason = if partly { Some(Reason::Private) } else { reason };
        let account = Account { status: self.answered, stored: kept.is_ok(), reason };
        settle(inner, ask, base, &account);
        if let Some(confirmed) = &self.confirmed {
            renew_siblings(inner, ask, confirmed, &self);
        }
        Filled::Object(object, account)
    }
}

fn admission(
    inner: &Inner,
    asked: &HeaderMap,
    status: StatusCode,
    headers: &HeaderMap,
    times: Times,
) -> Result<Admission, Reason> {
    let seconds = |us: i64| u64::try_from(us / 1_000_000).unwrap_or(0);
    let (sent_s, received_s) = (seconds(times.sent_us), seconds(times.received_us));
    admit(&Exchange { asked, status, headers, sent_s, received_s }, &inner.profile)
}

/// What the answer means for the next who asks, and for an object that it replaces. An error replaces nothing.
pub(crate) fn settle(inner: &Inner, ask: &Ask, base: Option<&Arc<Object>>, account: &Account) {
    let shareable = account.is_shareable() || account.status.is_server_error();
    // What one client was told alone says nothing to others.
    if !shareable && !account.stored && ask.is_personal(&inner.profile) {
        return;
    }
    if account.stored || !shareable {
        inner.flights.mark(&ask.key, account.stored);
    }
    // One that is still fresh was asked about by a client alone; that answer says nothing about it to others.
    let fresh = |base: &Arc<Object>| {
        base.is_valid(&inner.generations)
            && matches!(base.judge(inner.now_us(), inner.is_blind(), None, &inner.profile), Use::Fresh { .. })
    };
    if let Some(base) = base.filter(|base| !shareable && !fresh(base)) {
        inner.discard(&ask.key, base);
    }
}

/// A 304 speaks of every stored response with the same strong tag (RFC 9111, section 4.3.4).
fn renew_siblings(inner: &Inner, ask: &Ask, confirmed: &Object, plan: &Plan) {
    let Plan { update, times, read_lsn, .. } = plan;
    let Some(etag) = confirmed.headers.get(header::ETAG).filter(|etag| is_strong(etag)) else { return };
    // The one that was asked about is renewed already, and has the time of this answer.
    let other = |object: &Arc<Object>| {
        object.headers.get(header::ETAG) == Some(etag) && object.received_us != times.received_us
    };
    for object in inner.store.variants(&ask.key).iter().filter(|object| other(object)) {
        renew(inner, &ask.key, object, update, &ask.asked, (*times, *read_lsn));
    }
}

/// Gives a stored object the fields and the freshness of an answer that confirmed it, or drops it where they say that
/// it may not be kept, or that it was read before something that was purged.
pub(crate) fn renew(
    inner: &Inner,
    key: &Key,
    base: &Arc<Object>,
    update: &HeaderMap,
    asked: &HeaderMap,
    (times, read_lsn): (Times, Option<u64>),
) {
    let headers = merge(&base.headers, update);
    let admission = admission(inner, asked, base.status, &headers, times);
    let admitted = inner.generations.admits(times.generation, &base.tags, read_lsn);
    let Ok(admission) = admission.and_then(|admission| admitted.map(|()| admission)) else {
        return inner.discard(key, base);
    };
    let names: Vec<HeaderName> = admission.withheld.into_iter().chain([header::AGE]).collect();
    let renewed = Object::new(Made {
        status: base.status,
        headers: without(headers, &names),
        body: base.body.clone(),
        freshness: admission.freshness,
        received_us: times.received_us,
        fill: times.generation,
        tags: base.tags.clone(),
        tagged: base.tagged,
        variant: base.variant.clone(),
        tag_words: base.tag_words.clone(),
        sliced: base.sliced,
    });
    inner.store.replace(key, base, Arc::new(renewed));
    inner.freeze(key);
}

/// The end-to-end fields of an answer, with a date.
pub(crate) fn updating(headers: &HeaderMap, received_us: i64) -> HeaderMap {
    dated(cleaned(headers), received_us)
}

fn cleaned(headers: &HeaderMap) -> HeaderMap {
    let mut headers = headers.clone();
    clean_response(&mut headers);
    headers
}

/// An answer without a date was made when it came (RFC 9110, section 6.6.1).
fn dated(mut headers: HeaderMap, received_us: i64) -> HeaderMap {
    if !headers.contains_key(header::DATE)
        && let Some(date) = http_date(received_us)
    {
        headers.insert(header::DATE, date);
    }
    headers
}

/// The most surrogate keys of one response, and the longest one: what every CDN in front of us can carry.
const TAGS_MAX: usize = 50;
const TAG_BYTES_MAX: usize = 128;

/// Hashes of the surrogate keys; `None` where the response has none. Keys over the limits make a response that
/// could not be purged.
fn tags(headers: &HeaderMap, generations: &Generations) -> Result<Option<Box<[u64]>>, Reason> {
    if !headers.contains_key(SURROGATE_KEY_HEADER) {
        return Ok(None);
    }
    let mut tags = Vec::new();
    for value in headers.get_all(SURROGATE_KEY_HEADER) {
        let text = value.to_str().map_err(|_| Reason::BadTags)?;
        for tag in text.split_ascii_whitespace() {
            if tag.len() > TAG_BYTES_MAX || tags.len() == TAGS_MAX {
                return Err(Reason::BadTags);
            }
            tags.push(generations.tag(tag));
        }
    }
    Ok(Some(tags.into()))
}

/// The surrogate keys for those who ask what an object has.
fn words(headers: &HeaderMap, base: Option<&Arc<Object>>) -> Box<str> {
    let lines = headers.get_all(SURROGATE_KEY_HEADER).iter().filter_map(|line| line.to_str().ok());
    let words = lines.collect::<Vec<_>>().join(" ");
    if words.is_empty() { base.map(|base| base.tag_words.clone()).unwrap_or_default() } else { words.into() }
}

/// The WAL position that an answer says it was read at.
pub(crate) fn read_lsn(headers: &HeaderMap) -> Option<u64> {
    headers.get(READ_LSN_HEADER)?.to_str().ok()?.parse().ok()
}

fn http_date(us: i64) -> Option<HeaderValue> {
    let time = UNIX_EPOCH + Duration::from_micros(u64::try_from(us).ok()?);
    HeaderValue::try_from(httpdate::fmt_http_date(time)).ok()
}

/// Every answer gets an `Age` of its own, and some fields are for one client alone.
fn without(mut headers: HeaderMap, names: &[HeaderName]) -> HeaderMap {
    names.iter().for_each(|name| drop(headers.remove(name)));
    headers
}

/// Its surrogate keys and what every object can be purged by: its address, its host, the prefixes of its path.
fn with_own(tags: Box<[u64]>, ask: &Ask, inner: &Inner) -> Box<[u64]> {
    tags.into_iter().chain(target::own(&inner.generations, &ask.key)).collect()
}

/// The keys in the spellings that CDNs read.
fn show(headers: &mut HeaderMap, words: &str) {
    const CACHE_TAG: HeaderName = HeaderName::from_static("cache-tag");
    let listed = words.split_ascii_whitespace().collect::<Vec<_>>().join(",");
    let spellings = [(HeaderName::from_static(SURROGATE_KEY_HEADER), words), (CACHE_TAG, &listed)];
    for (name, text) in spellings {
        if let Ok(value) = HeaderValue::try_from(text)
            && !text.is_empty()
        {
            headers.insert(name, value);
        }
    }
}
