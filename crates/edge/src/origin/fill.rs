//! Asking an origin for a cacheable answer, and deciding what becomes of it.

use crate::Inner;
use crate::body::{Collected, Relay};
use crate::config::ms;
use crate::front::strict::clean_response;
use crate::origin::collapse::{Boarding, Landing, Leader, Waiting};
use crate::origin::upstream::{Failure, Tries};
use crate::policy::store::Admission;
use crate::policy::validate::{conditionals, confirms, merge};
use crate::policy::{Exchange, Freshness, Use, Variant, admit};
use crate::purge::generations::Generations;
use crate::see::reason::Reason;
use crate::store::key::Key;
use crate::store::object::{Made, Object};
use bytes::Bytes;
use domain::purge::{READ_LSN_HEADER, SURROGATE_KEY_HEADER};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::response::Parts;
use http::uri::PathAndQuery;
use http::{Method, StatusCode};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

/// A cacheable question, free of the client that asked it.
pub(crate) struct Ask {
    pub(crate) key: Key,
    pub(crate) target: PathAndQuery,
    /// The client's fields, which select a variant.
    pub(crate) asked: HeaderMap,
    /// The fields of the request to the origin, without conditionals.
    pub(crate) headers: HeaderMap,
}

/// What came of asking.
pub(crate) enum Filled {
    /// A complete response, stored or not.
    Object(Arc<Object>, Account),
    /// A response that is too long to keep, still arriving.
    Stream(Box<Parts>, Relay),
    Failed(Failure),
}

/// How an object came about, for `Cache-Status`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Account {
    /// The origin's status.
    pub(crate) status: StatusCode,
    pub(crate) stored: bool,
    /// Why it was not stored, or that it was revalidated.
    pub(crate) reason: Option<Reason>,
}

/// Gets an answer from an origin, alone or together with everyone who asks the same. The flag says whether it was
/// another request's answer.
pub(crate) async fn obtain(inner: &Arc<Inner>, ask: &Arc<Ask>, base: Option<&Arc<Object>>) -> (Filled, bool) {
    /// One flight may lose its leader; after two the question is asked alone.
    const BOARDINGS_MAX: u32 = 2;
    let patience = ms(inner.config.collapse_wait_ms_max);
    // What is asked with credentials may be answered for one person alone.
    let alone = ask.asked.contains_key(header::AUTHORIZATION)
        || inner.flights.is_hit_for_miss(&ask.key, Instant::now());
    let boardings = if alone { 0 } else { BOARDINGS_MAX };
    for _ in 0..boardings {
        match inner.flights.board(&ask.key, inner.generations.now()) {
            Boarding::Alone => break,
            Boarding::Lead(leader) => return (lead(inner, ask, base, leader).await, false),
            Boarding::Wait(waiting) => match landed(waiting, patience, &ask.asked).await {
                Waited::Shared(filled) => return (filled, true),
                Waited::Alone => break,
                Waited::Orphaned => {}
            },
        }
    }
    (fill(inner, ask, base).await, false)
}

/// Refreshes an object behind the client's back, unless somebody does already.
pub(crate) fn refresh(inner: &Arc<Inner>, ask: Ask, base: Arc<Object>) {
    if inner.flights.is_hit_for_miss(&ask.key, Instant::now()) {
        return;
    }
    if let Boarding::Lead(leader) = inner.flights.board(&ask.key, inner.generations.now()) {
        let inner = inner.clone();
        tokio::spawn(async move { announce(leader, &fill(&inner, &ask, Some(&base)).await) });
    }
}

enum Waited {
    Shared(Filled),
    Alone,
    Orphaned,
}

async fn landed(mut waiting: Waiting, patience: Duration, asked: &HeaderMap) -> Waited {
    let landing = match timeout(patience, waiting.wait_for(Option::is_some)).await {
        Err(_) => return Waited::Alone,
        Ok(Err(_)) => return Waited::Orphaned,
        Ok(Ok(landing)) => landing.clone(),
    };
    match landing {
        Some(Landing::Object(object, account)) if object.variant.answers(asked) => {
            Waited::Shared(Filled::Object(object, account))
        }
        Some(Landing::Failed(failure)) => Waited::Shared(Filled::Failed(failure)),
        _ => Waited::Alone,
    }
}

/// The request runs on its own, so that a leader who hangs up takes nobody along.
async fn lead(inner: &Arc<Inner>, ask: &Arc<Ask>, base: Option<&Arc<Object>>, leader: Leader) -> Filled {
    let (inner, ask, base) = (inner.clone(), ask.clone(), base.cloned());
    let (hand_over, mine) = oneshot::channel();
    tokio::spawn(async move {
        let filled = fill(&inner, &ask, base.as_ref()).await;
        announce(leader, &filled);
        // Nobody there any more: the object is stored all the same.
        drop(hand_over.send(filled));
    });
    mine.await.unwrap_or(Filled::Failed(Failure::Reset))
}

fn announce(leader: Leader, filled: &Filled) {
    leader.land(match filled {
        Filled::Object(object, account) if account.is_shareable() => {
            Landing::Object(object.clone(), *account)
        }
        Filled::Object(..) | Filled::Stream(..) => Landing::NotShared,
        Filled::Failed(failure) => Landing::Failed(*failure),
    });
}

impl Account {
    /// Waiters may have an answer that was meant for all, stored or not, and an error that they would get too.
    fn is_shareable(&self) -> bool {
        use Reason::{BadTags, Floor, PurgedInFill, TooLarge};
        self.stored && self.reason != Some(Reason::Private)
            || self.status.is_server_error() && self.reason == Some(Reason::Status)
            || matches!(self.reason, Some(BadTags | Floor | PurgedInFill | TooLarge))
    }
}

/// Asks the public API and stores what may be stored.
async fn fill(inner: &Inner, ask: &Ask, base: Option<&Arc<Object>>) -> Filled {
    // Noted before anything is sent: what is purged from here on cannot be in the answer for sure.
    let generation = inner.generations.now();
    let mut base = base;
    let mut headers = ask.headers.clone();
    headers.extend(base.into_iter().flat_map(|base| conditionals(&base.headers)));
    let mut tries = Tries::new();
    loop {
        let sent_us = inner.now_us();
        let answer = match inner.public.read(&Method::GET, &ask.target, || headers.clone(), &mut tries).await
        {
            Ok(answer) => answer,
            Err(failure) => return Filled::Failed(failure),
        };
        let received_us = inner.now_us();
        let (head, body) = answer.response.into_parts();
        if head.status == StatusCode::NOT_MODIFIED
            && let Some(held) = base
            && !confirms(&held.headers, &head.headers)
        {
            // It speaks of a version that we do not have: ask again, for the whole.
            (base, headers) = (None, ask.headers.clone());
            continue;
        }
        let relay = Relay::new(body, u64::MAX, ms(inner.config.body_idle_ms_max)).holding(answer.place);
        match relay.collect(inner.config.object_bytes_max).await {
            Ok(Collected::Whole(body)) => {
                let received = Received { head, body, generation, sent_us, received_us };
                return received.land(inner, ask, base);
            }
            Ok(Collected::Long(relay)) => {
                inner.flights.mark(&ask.key, false);
                return Filled::Stream(Box::new(head), relay);
            }
            // Nothing has reached the client yet.
            Err(_) if inner.public.may_retry(&mut tries, answer.origin, Failure::Reset) => {}
            Err(_) => return Filled::Failed(Failure::Reset),
        }
    }
}

/// A complete response as it came.
struct Received {
    head: Parts,
    body: Bytes,
    generation: u64,
    sent_us: i64,
    received_us: i64,
}

impl Received {
    fn land(self, inner: &Inner, ask: &Ask, base: Option<&Arc<Object>>) -> Filled {
        let answered = self.head.status;
        let revalidated = answered == StatusCode::NOT_MODIFIED;
        if answered.is_informational() || revalidated && base.is_none() {
            return Filled::Failed(Failure::Protocol);
        }
        let read_lsn = number(&self.head.headers, READ_LSN_HEADER);
        let stated_tags = tags(&self.head.headers, &inner.generations);
        let (status, headers, body, stated_tags) = match base.filter(|_| revalidated) {
            None => {
                let tagged = stated_tags.as_ref().is_ok_and(Option::is_some);
                let tags = stated_tags.map(|tags| with_own(tags.unwrap_or_default(), ask, inner));
                (answered, self.whole_headers(), self.body.clone(), tags.map(|tags| (tags, tagged)))
            }
            Some(base) => {
                let headers = merge(&base.headers, &self.dated(self.cleaned_headers()));
                let tags = stated_tags.map(|tags| match tags {
                    Some(tags) => (with_own(tags, ask, inner), true),
                    None => (base.tags.clone(), base.tagged),
                });
                (base.status, headers, base.body.clone(), tags)
            }
        };
        let tag_words = words(&self.head.headers, base.filter(|_| revalidated));
        let variant = Variant::of(&ask.asked, &headers, &inner.profile);
        let verdict = self.admission(ask, status, &headers, inner).and_then(|admission| {
            let (tags, _) = stated_tags.as_ref().map_err(|reason| *reason)?;
            variant.as_ref().map_err(|reason| *reason)?;
            inner.generations.admits(self.generation, tags, read_lsn)?;
            Ok(admission)
        });
        let (tags, tagged) = stated_tags.unwrap_or_default();
        let made = |headers: HeaderMap| {
            Arc::new(Object::new(Made {
                status,
                headers,
                body: body.clone(),
                freshness: verdict.as_ref().map_or(Freshness::NONE, |admission| admission.freshness),
                received_us: self.received_us,
                fill: self.generation,
                tags: tags.clone(),
                tagged,
                variant: variant.clone().unwrap_or_default(),
                tag_words: tag_words.clone(),
            }))
        };
        let object = made(without(headers.clone(), &[header::AGE]));
        let kept = verdict.as_ref().map_err(|reason| *reason).and_then(|admission| {
            let kept = match admission.withheld.as_slice() {
                [] => object.clone(),
                // The client who asked gets everything; those after it only what may be kept.
                withheld => made(without(without(headers.clone(), &[header::AGE]), withheld)),
            };
            let fits = inner.keep(&ask.key, kept, &ask.asked);
            if fits { Ok(()) } else { Err(Reason::TooLarge) }
        });
        let partly = verdict.is_ok_and(|admission| !admission.withheld.is_empty());
        let reason = kept.err().or(revalidated.then_some(Reason::Revalidated));
        let reason = if partly { Some(Reason::Private) } else { reason };
        let account = Account { status: answered, stored: kept.is_ok(), reason };
        settle(inner, ask, base, &account);
        Filled::Object(object, account)
    }

    fn admission(
        &self,
        ask: &Ask,
        status: StatusCode,
        headers: &HeaderMap,
        inner: &Inner,
    ) -> Result<Admission, Reason> {
        let seconds = |us: i64| u64::try_from(us / 1_000_000).unwrap_or(0);
        let (sent_s, received_s) = (seconds(self.sent_us), seconds(self.received_us));
        admit(&Exchange { asked: &ask.asked, status, headers, sent_s, received_s }, &inner.profile)
    }

    /// The fields of a complete response: its length is the body's, and it has a date.
    fn whole_headers(&self) -> HeaderMap {
        let mut headers = self.cleaned_headers();
        if self.head.status != StatusCode::NO_CONTENT {
            headers.insert(header::CONTENT_LENGTH, self.body.len().into());
        }
        self.dated(headers)
    }

    /// An answer without a date was made when it came (RFC 9110, section 6.6.1).
    fn dated(&self, mut headers: HeaderMap) -> HeaderMap {
        if !headers.contains_key(header::DATE)
            && let Some(date) = http_date(self.received_us)
        {
            headers.insert(header::DATE, date);
        }
        headers
    }

    fn cleaned_headers(&self) -> HeaderMap {
        let mut headers = self.head.headers.clone();
        clean_response(&mut headers);
        headers
    }
}

/// What the answer means for the next who asks, and for an object that it replaces. An error replaces nothing.
fn settle(inner: &Inner, ask: &Ask, base: Option<&Arc<Object>>, account: &Account) {
    let shareable = account.is_shareable() || account.status.is_server_error();
    if account.stored || !shareable {
        inner.flights.mark(&ask.key, account.stored);
    }
    // One that is still fresh was asked about by a client alone; that answer says nothing about it to others.
    let fresh = |base: &Arc<Object>| {
        matches!(base.judge(inner.now_us(), inner.is_blind(), None, &inner.profile), Use::Fresh { .. })
    };
    if let Some(base) = base.filter(|base| !shareable && !fresh(base)) {
        inner.discard(&ask.key, base);
    }
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

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.parse().ok()
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

/// Its surrogate keys and what every object can be purged by: its address and its host.
fn with_own(tags: Box<[u64]>, ask: &Ask, inner: &Inner) -> Box<[u64]> {
    let own = [ask.key.hash, inner.host_tag(ask.key.host())];
    tags.into_iter().chain(own).collect()
}
