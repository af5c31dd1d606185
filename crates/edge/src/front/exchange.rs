//! One request from its head to its answer. What memory can answer is answered without waiting.

use crate::Inner;
use crate::body::{Body, Relay};
use crate::config::ms;
use crate::front::respond::{self, Asker, Refusal};
use crate::front::route::{Target, allowed, route};
use crate::front::strict::{self, Trail};
use crate::origin::fill::{self, Ask, Filled};
use crate::origin::upstream::{Failure, Tries};
use crate::policy::{Asked, Use};
use crate::see::reason::{Forward, Handling, Outcome, Reason};
use crate::store::key::{Key, path_normalise};
use crate::store::memory::Found;
use crate::store::object::Object;
use http::header::{self, HeaderName, HeaderValue};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{Method, Request, Response, StatusCode, Version};
use http_body::Body as _;
use hyper::body::Incoming;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use tokio::time::Instant;

/// An answer, or the wait for one.
pub(crate) enum Step {
    Done(Response<Body>),
    Wait(Pin<Box<dyn Future<Output = Response<Body>> + Send>>),
}

/// Takes a request as far as it goes without waiting.
pub(crate) fn begin(inner: &Arc<Inner>, client: IpAddr, request: Request<Incoming>) -> Step {
    let (head, body) = request.into_parts();
    let seat = Seat { inner: inner.clone(), request_id: inner.request_id(), client, head };
    let version = seat.head.version;
    match seat.enter(body) {
        Step::Done(response) => Step::Done(finished(inner, version, response)),
        Step::Wait(wait) => {
            let inner = inner.clone();
            Step::Wait(Box::pin(async move { finished(&inner, version, wait.await) }))
        }
    }
}

/// HTTP/1 clients learn from each answer that the edge is going away; HTTP/2 has a frame for it.
fn finished(inner: &Inner, version: Version, mut response: Response<Body>) -> Response<Body> {
    if version < Version::HTTP_2 && inner.is_draining() {
        response.headers_mut().insert(header::CONNECTION, CLOSE);
    }
    response
}

const CLOSE: HeaderValue = HeaderValue::from_static("close");

/// A request's place: everything that its answer depends on.
struct Seat {
    inner: Arc<Inner>,
    request_id: HeaderValue,
    client: IpAddr,
    head: Parts,
}

/// Why a question goes to an origin, and the stale object that it may fall back on.
struct Miss {
    why: Forward,
    reason: Reason,
    base: Option<Arc<Object>>,
}

impl Seat {
    fn enter(self, body: Incoming) -> Step {
        let (host, path) = match self.check() {
            Ok((host, path)) => (host, path),
            Err(refusal) => return Step::Done(self.refuse(&refusal)),
        };
        match route(&path, &self.head.method) {
            Some(Target::Admin) => {
                let (trail, path) = (self.trail(host), path.into_owned());
                Step::Wait(Box::pin(self.admin(trail, path, body)))
            }
            Some(Target::Public) if body.is_end_stream() && !strict::has_body(&self.head.headers) => {
                match Key::new(host, &path, self.head.uri.query(), &self.inner.hasher) {
                    Some(key) => self.public(key),
                    None => Step::Done(self.refuse(&BAD_TARGET)),
                }
            }
            Some(Target::Public) => {
                let detail = "Reads have no body.";
                Step::Done(self.refuse(&Refusal::new(
                    StatusCode::BAD_REQUEST,
                    Reason::UnexpectedBody,
                    detail,
                )))
            }
            None => {
                let (status, detail) = (StatusCode::METHOD_NOT_ALLOWED, "This method is not served here.");
                let refusal = Refusal::new(status, Reason::Method, detail).allowing(allowed(&path));
                Step::Done(self.refuse(&refusal))
            }
        }
    }

    fn check(&self) -> Result<(&str, std::borrow::Cow<'_, str>), Refusal> {
        let host = strict::check(&self.head, &self.inner.config)?;
        let path = path_normalise(self.head.uri.path()).ok_or(BAD_TARGET)?;
        Ok((host, path))
    }

    /// The hit path: no await from here to the answer.
    fn public(self, key: Key) -> Step {
        if let Some(reason) = self.bypass_reason() {
            return match key.target() {
                Some(target) => Step::Wait(Box::pin(self.bypass(key, target, reason))),
                None => Step::Done(self.refuse(&BAD_TARGET)),
            };
        }
        let inner = &self.inner;
        let asked = Asked::parse(&self.head.headers);
        let now_us = inner.now_us();
        let miss = |why, reason, base| Miss { why, reason, base };
        let miss = match inner.store.get(&key, &asked) {
            Found::Nothing => miss(Forward::UriMiss, Reason::Absent, None),
            Found::OtherVariant => miss(Forward::VaryMiss, Reason::Variant, None),
            Found::Object(object) if !object.is_valid(&inner.generations) => {
                inner.store.remove(&key, &object);
                miss(Forward::UriMiss, Reason::Purged, None)
            }
            Found::Object(object) => match object.judge(now_us, inner.is_blind(), &inner.limits) {
                Use::Fresh { ttl_s } => return Step::Done(self.hit(&object, now_us, ttl_s)),
                Use::WhileRevalidate { ttl_s } => {
                    return Step::Done(self.stale(key, asked, object, now_us, ttl_s));
                }
                Use::Revalidate(reason) => miss(Forward::Stale, reason, Some(object)),
            },
        };
        match self.ask(key, asked) {
            Some(ask) => Step::Wait(Box::pin(self.fetch(Arc::new(ask), miss))),
            None => Step::Done(self.refuse(&BAD_TARGET)),
        }
    }

    fn hit(&self, object: &Object, now_us: i64, ttl_s: i64) -> Response<Body> {
        self.count(Outcome::Hit, Reason::Plain);
        respond::object(&self.asker(), object, now_us, Handling::Hit { ttl_s }, Reason::Plain)
    }

    fn stale(&self, key: Key, asked: Asked, object: Arc<Object>, now_us: i64, ttl_s: i64) -> Response<Body> {
        self.count(Outcome::Stale, Reason::Swr);
        let response = respond::object(&self.asker(), &object, now_us, Handling::Hit { ttl_s }, Reason::Swr);
        if let Some(ask) = self.ask(key, asked) {
            fill::refresh(&self.inner, ask, object);
        }
        response
    }

    async fn fetch(self, ask: Arc<Ask>, miss: Miss) -> Response<Body> {
        let hit_for_miss = self.inner.flights.is_hit_for_miss(&ask.key, Instant::now());
        let (filled, collapsed) = fill::obtain(&self.inner, &ask, miss.base.as_ref()).await;
        let status = filled.status();
        let handling = |stored| {
            let status = status.map(|status| status.as_u16());
            Handling::Forwarded { why: miss.why, status, stored, collapsed }
        };
        let now_us = self.inner.now_us();
        if let Some(base) = miss.base.as_ref().filter(|_| filled.is_error())
            && base.freshness.covers_error(base.age_s(now_us))
            && base.is_valid(&self.inner.generations)
        {
            self.count(Outcome::Stale, Reason::StaleIfError);
            return respond::object(&self.asker(), base, now_us, handling(false), Reason::StaleIfError);
        }
        let reason = if hit_for_miss { Reason::HitForMiss } else { miss.reason };
        match filled {
            Filled::Object(object, account) => {
                let reason = account.reason.unwrap_or(reason);
                self.count(outcome(reason, collapsed), reason);
                respond::object(&self.asker(), &object, now_us, handling(account.stored), reason)
            }
            Filled::Stream(head, body) => {
                self.count(Outcome::Miss, Reason::TooLarge);
                respond::stream(&self.asker(), *head, body, true, handling(false), Reason::TooLarge)
            }
            Filled::Failed(failure) => self.fail(failure.refusal(), handling(false)),
        }
    }

    /// Straight to the public API and back, past the cache.
    async fn bypass(self, key: Key, target: PathAndQuery, reason: Reason) -> Response<Body> {
        const PREFLIGHT: [HeaderName; 4] = [
            header::ORIGIN,
            header::ACCESS_CONTROL_REQUEST_METHOD,
            header::ACCESS_CONTROL_REQUEST_HEADERS,
            header::ACCEPT,
        ];
        let trail = self.trail(key.host());
        let headers = match reason {
            Reason::Options => strict::forwarded_listed(&self.head.headers, &PREFLIGHT, &trail),
            _ => strict::forwarded_whole(&self.head.headers, &trail),
        };
        let handling =
            |status| Handling::Forwarded { why: Forward::Bypass, status, stored: false, collapsed: false };
        let answer = self.inner.public.read(&self.head.method, &target, &headers, &mut Tries::new()).await;
        let answer = match answer {
            Ok(answer) if !answer.response.status().is_informational() => answer,
            Ok(_) => return self.fail(Failure::Protocol.refusal(), handling(None)),
            Err(failure) => return self.fail(failure.refusal(), handling(None)),
        };
        self.count(Outcome::Bypass, reason);
        let (head, body) = answer.response.into_parts();
        let body = Relay::new(body, u64::MAX, ms(self.inner.config.body_idle_ms_max)).holding(answer.permit);
        let status = Some(head.status.as_u16());
        respond::stream(&self.asker(), head, body, false, handling(status), reason)
    }

    /// To the region with the primary, once.
    async fn admin(self, trail: Trail, path: String, body: Incoming) -> Response<Body> {
        let config = &self.inner.config;
        let handling =
            |status| Handling::Forwarded { why: Forward::Bypass, status, stored: false, collapsed: false };
        let target = self.head.uri.query().map_or(path.clone(), |query| format!("{path}?{query}"));
        let Ok(target) = PathAndQuery::try_from(target) else { return self.refuse(&BAD_TARGET) };
        let headers = strict::forwarded_whole(&self.head.headers, &trail);
        let relay = Relay::new(body, config.body_bytes_max, ms(config.body_idle_ms_max));
        let fault = relay.fault();
        let body = if relay.is_end() { Body::EMPTY } else { Body::Stream(Box::new(relay)) };
        let answer =
            match self.inner.admin.once(self.head.method.clone(), &target, headers, body, &fault).await {
                Ok(answer) if !answer.response.status().is_informational() => answer,
                Ok(_) => return self.fail(Failure::Protocol.refusal(), handling(None)),
                Err(_) if fault.is_too_long() => return self.refuse(&Refusal::body_too_large()),
                Err(_) if fault.any() => {
                    let detail = "The body broke off or is not framed well.";
                    return self.refuse(&Refusal::new(StatusCode::BAD_REQUEST, Reason::BadBody, detail));
                }
                Err(Failure::Connect) if !self.head.method.is_safe() => {
                    let refusal = Failure::Connect.refusal().coded("writes_unavailable");
                    return self.fail(refusal, handling(None));
                }
                Err(failure) => return self.fail(failure.refusal(), handling(None)),
            };
        self.count(Outcome::Bypass, Reason::Admin);
        let (head, body) = answer.response.into_parts();
        let body = Relay::new(body, u64::MAX, ms(config.body_idle_ms_max)).holding(answer.permit);
        let status = Some(head.status.as_u16());
        let mut response = respond::stream(&self.asker(), head, body, false, handling(status), Reason::Admin);
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }

    fn bypass_reason(&self) -> Option<Reason> {
        match () {
            () if self.head.method == Method::OPTIONS => Some(Reason::Options),
            () if self.head.headers.contains_key(header::AUTHORIZATION) => Some(Reason::Credentials),
            () => None,
        }
    }

    fn ask(&self, key: Key, asked: Asked) -> Option<Ask> {
        let mut headers = strict::forwarded_listed(&self.head.headers, &[], &self.trail(key.host()));
        if let Some(accept) = &asked.accept {
            headers.insert(header::ACCEPT, accept.clone());
        }
        if let Some(encodings) = asked.accept_encoding() {
            headers.insert(header::ACCEPT_ENCODING, encodings);
        }
        Some(Ask { target: key.target()?, key, asked, headers })
    }

    fn trail(&self, host: &str) -> Trail {
        // A checked host is a field value; the fallback keeps this total.
        let host = HeaderValue::try_from(host).unwrap_or(HeaderValue::from_static("localhost"));
        Trail { request_id: self.request_id.clone(), host, client: self.client }
    }

    fn asker(&self) -> Asker<'_> {
        Asker { method: &self.head.method, headers: &self.head.headers, request_id: &self.request_id }
    }

    /// After a request that two parsers might have read differently, nothing more is read from its connection.
    fn refuse(&self, refusal: &Refusal) -> Response<Body> {
        self.count(Outcome::Refused, refusal.reason);
        let mut response = refusal.respond(self.head.method == Method::HEAD, &self.request_id, Handling::Own);
        if self.head.version < Version::HTTP_2 && matches!(refusal.status().as_u16(), 400 | 413 | 414 | 431) {
            response.headers_mut().insert(header::CONNECTION, CLOSE);
        }
        response
    }

    fn fail(&self, refusal: Refusal, handling: Handling) -> Response<Body> {
        self.inner.telemetry.count(Outcome::Failed, refusal.reason);
        tracing::warn!(
            request_id = self.request_id.to_str().unwrap_or_default(),
            method = %self.head.method,
            path = self.head.uri.path(),
            status = refusal.status().as_u16(),
            reason = refusal.reason.as_str(),
            "No origin answered a request"
        );
        refusal.respond(self.head.method == Method::HEAD, &self.request_id, handling)
    }

    fn count(&self, outcome: Outcome, reason: Reason) {
        self.inner.telemetry.count(outcome, reason);
        tracing::debug!(
            request_id = self.request_id.to_str().unwrap_or_default(),
            method = %self.head.method,
            path = self.head.uri.path(),
            outcome = outcome.as_str(),
            reason = reason.as_str(),
            "Answered a request"
        );
    }
}

const BAD_TARGET: Refusal =
    Refusal::new(StatusCode::BAD_REQUEST, Reason::BadTarget, "The target can be read in more than one way.");

fn outcome(reason: Reason, collapsed: bool) -> Outcome {
    match reason {
        _ if collapsed => Outcome::Collapsed,
        Reason::Revalidated => Outcome::Revalidated,
        _ => Outcome::Miss,
    }
}

impl Filled {
    fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Object(_, account) => Some(account.status),
            Self::Stream(head, _) => Some(head.status),
            Self::Failed(_) => None,
        }
    }

    /// What a stale object may stand in for.
    fn is_error(&self) -> bool {
        self.status().is_none_or(|status| matches!(status.as_u16(), 500 | 502 | 503 | 504))
    }
}
