//! Requests that pass by the cache: to the read API, to the region with the primary, or to any origin.

use crate::body::{Body, Fault, Relay};
use crate::config::ms;
use crate::front::exchange::{BAD_TARGET, Seat};
use crate::front::reads::Miss;
use crate::front::respond::{self, Refusal};
use crate::front::strict::{self, Trail};
use crate::origin::plan::{Times, read_lsn, renew, updating};
use crate::origin::upstream::{Answer, Failure, Tries};
use crate::policy::slices::divisible;
use crate::policy::validate::head_agrees;
use crate::policy::{Exchange, Variant, admit, invalidate};
use crate::see::reason::{Forward, Handling, Outcome, Reason};
use crate::store::key::{Key, path_normalise};
use crate::store::object::Object;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::uri::PathAndQuery;
use http::{Method, Response, StatusCode};
use hyper::body::Incoming;
use std::sync::Arc;

impl Seat {
    /// Straight to the public API and back, past the cache.
    pub(super) async fn bypass(self, key: Key, target: PathAndQuery, reason: Reason) -> Response<Body> {
        const PREFLIGHT: [HeaderName; 4] = [
            header::ORIGIN,
            header::ACCESS_CONTROL_REQUEST_METHOD,
            header::ACCESS_CONTROL_REQUEST_HEADERS,
            header::ACCEPT,
        ];
        const PARTS: [HeaderName; 3] = [header::ACCEPT, header::RANGE, header::IF_RANGE];
        let trail = self.trail(key.host());
        let listed = |names| strict::forwarded_listed(&self.head.headers, names, &trail);
        let headers = match reason {
            Reason::Options => listed(&PREFLIGHT),
            Reason::HitForMiss if !self.inner.profile.clients_decide => listed(&PARTS),
            _ => strict::forwarded_whole(&self.head.headers, &trail),
        };
        let answer =
            self.inner.public.read(&self.head.method, &target, || headers.clone(), &mut Tries::new()).await;
        match answer.and_then(finality) {
            Ok(answer) => {
                self.count(Outcome::Bypass, reason);
                self.relay(answer, Forward::Bypass, reason)
            }
            Err(failure) => self.fail(failure.refusal(), forwarded(Forward::Bypass, None)),
        }
    }

    /// What could not be shared lately: straight to the origin and back, nothing is gathered. Should it have become
    /// something to keep, the next who asks fills the cache.
    pub(super) async fn alone(self, key: Key, target: PathAndQuery, why: Forward) -> Response<Body> {
        let inner = &self.inner;
        let headers = || self.asking(&key);
        let answer = inner.public.read(&Method::GET, &target, headers, &mut Tries::new()).await;
        let answer = match answer.and_then(finality) {
            Ok(answer) => answer,
            Err(failure) => return self.fail(failure.refusal(), forwarded(why, None)),
        };
        let (head, body) = answer.into_parts();
        let verdict = self.is_for_all(&head);
        // What may yet be kept in slices proved unfit for that: the mark of it ends by itself.
        let divisible =
            divisible(head.status, &head.headers, length(&head), inner.config.slice_bytes()).is_some();
        if verdict.is_ok() || !head.status.is_server_error() && !divisible {
            inner.flights.mark(&key, verdict.is_ok());
        }
        let reason = verdict.err().unwrap_or(Reason::HitForMiss);
        self.count(Outcome::Miss, reason);
        let handling = forwarded(why, Some(head.status));
        respond::stream(&self.asker(), head, body, Some(self.now_us), handling, reason)
    }

    /// Whether an answer could be kept and shared, were it gathered; if not, why.
    fn is_for_all(&self, head: &http::response::Parts) -> Result<(), Reason> {
        let (inner, asked) = (&self.inner, &self.head.headers);
        let now_s = u64::try_from(self.now_us / 1_000_000).unwrap_or(0);
        let (status, headers) = (head.status, &head.headers);
        admit(&Exchange { asked, status, headers, sent_s: now_s, received_s: now_s }, &inner.profile)?;
        Variant::of(asked, headers, &inner.profile)?;
        // One whose length nobody knows may be too long: the mark ends by itself.
        if length(head).is_some_and(|bytes| bytes <= inner.config.object_bytes_max as u64) {
            Ok(())
        } else {
            Err(Reason::TooLarge)
        }
    }

    /// To the region with the primary, once.
    pub(super) async fn admin(self, trail: Trail, path: String, body: Incoming) -> Response<Body> {
        let target = self.head.uri.query().map_or(path.clone(), |query| format!("{path}?{query}"));
        let Ok(target) = PathAndQuery::try_from(target) else { return self.refuse(&BAD_TARGET) };
        let headers = strict::forwarded_whole(&self.head.headers, &trail);
        let (body, fault) = self.upload(body);
        let sent = self.inner.admin.once(self.head.method.clone(), &target, headers, body, &fault).await;
        match sent.and_then(finality) {
            Ok(answer) => {
                self.count(Outcome::Bypass, Reason::Admin);
                let mut response = self.relay(answer, Forward::Bypass, Reason::Admin);
                response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
                response
            }
            Err(failure) => self.unsent(failure, &fault, Forward::Bypass),
        }
    }

    /// To any origin, once; what it changed is forgotten.
    pub(super) async fn pass(self, key: Key, body: Incoming) -> Response<Body> {
        let Some(target) = key.target() else { return self.refuse(&BAD_TARGET) };
        let headers = strict::forwarded_whole(&self.head.headers, &self.trail(key.host()));
        let (body, fault) = self.upload(body);
        let sent = self.inner.public.once(self.head.method.clone(), &target, headers, body, &fault).await;
        match sent.and_then(finality) {
            Ok(answer) => {
                self.count(Outcome::Bypass, Reason::Method);
                self.invalidate(key, &answer);
                self.relay(answer, Forward::Method, Reason::Plain)
            }
            Err(failure) => self.unsent(failure, &fault, Forward::Method),
        }
    }

    fn invalidate(&self, key: Key, answer: &Answer) {
        let response = &answer.response;
        if !invalidate::invalidates(&self.head.method, response.status()) {
            return;
        }
        let inner = &self.inner;
        let also = invalidate::also(key.host(), &self.head.uri, response.headers());
        let keys = also.iter().filter_map(|target| {
            let (path, query) = target.split_once('?').map_or((target.as_str(), None), |(p, q)| (p, Some(q)));
            let path = path_normalise(path, inner.spelling())?;
            Key::new(self.secure, key.host(), &path, query, inner.spelling(), &inner.hasher)
        });
        let keys: Vec<Key> = keys.chain([key.clone()]).collect();
        inner.forget(&keys);
    }

    /// HEAD of what is not fresh here: the origin is asked for the same, and what it says may renew or end the
    /// object that is held (RFC 9111, section 4.3.5).
    pub(super) async fn head(self, key: Key, miss: Miss) -> Response<Body> {
        let Some(target) = key.target() else { return self.refuse(&BAD_TARGET) };
        let headers = strict::forwarded_whole(&self.head.headers, &self.trail(key.host()));
        let (generation, sent_us) = (self.inner.generations.now(), self.inner.now_us());
        let answer =
            self.inner.public.read(&Method::HEAD, &target, || headers.clone(), &mut Tries::new()).await;
        match answer.and_then(finality) {
            Ok(answer) => {
                let status = answer.response.status();
                if let Some(base) = miss.base.filter(|_| status == StatusCode::OK) {
                    let times = Times { generation, sent_us, received_us: self.inner.now_us() };
                    self.compare(&key, &base, answer.response.headers(), times);
                }
                self.count(Outcome::Miss, Reason::Head);
                self.relay(answer, miss.why, Reason::Head)
            }
            Err(failure) => self.fail(failure.refusal(), forwarded(miss.why, None)),
        }
    }

    /// What a 200 to HEAD says about a GET that is held: it is current, with these fields, or it is out of date.
    fn compare(&self, key: &Key, base: &Arc<Object>, fields: &HeaderMap, times: Times) {
        if !head_agrees(&base.headers, fields) {
            return self.inner.discard(key, base);
        }
        let update = updating(fields, times.received_us);
        renew(&self.inner, key, base, &update, &self.head.headers, (times, read_lsn(fields)));
    }

    /// A client's body on its way, and what may be wrong with it.
    fn upload(&self, body: Incoming) -> (Body, Fault) {
        let config = &self.inner.config;
        let relay = Relay::new(body, config.body_bytes_max, ms(config.body_idle_ms_max));
        let fault = relay.fault();
        (if relay.is_end() { Body::EMPTY } else { Body::Stream(Box::new(relay)) }, fault)
    }

    fn relay(&self, answer: Answer, why: Forward, reason: Reason) -> Response<Body> {
        let (head, body) = answer.into_parts();
        let handling = forwarded(why, Some(head.status));
        respond::stream(&self.asker(), head, body, None, handling, reason)
    }

    fn unsent(&self, failure: Failure, fault: &Fault, why: Forward) -> Response<Body> {
        match failure {
            _ if fault.is_too_long() => self.refuse(&Refusal::body_too_large()),
            _ if fault.any() => {
                let detail = "The body broke off or is not framed well.";
                self.refuse(&Refusal::new(StatusCode::BAD_REQUEST, Reason::BadBody, detail))
            }
            Failure::Connect if !self.head.method.is_safe() => {
                self.fail(Failure::Connect.refusal().coded("writes_unavailable"), forwarded(why, None))
            }
            failure => self.fail(failure.refusal(), forwarded(why, None)),
        }
    }
}

fn length(head: &http::response::Parts) -> Option<u64> {
    head.headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn forwarded(why: Forward, status: Option<StatusCode>) -> Handling {
    let status = status.map(|status| status.as_u16());
    Handling::Forwarded { why, status, stored: false, collapsed: false }
}

/// An interim answer is never the last one.
fn finality(answer: Answer) -> Result<Answer, Failure> {
    let interim = answer.response.status().is_informational();
    if interim { Err(Failure::Protocol) } else { Ok(answer) }
}
