//! One request from its head to its answer: checks, the way it takes, and what is counted of it.

use crate::body::Body;
use crate::config::Kind;
use crate::front::respond::{Asker, Refusal};
use crate::front::route::{Target, allowed, route};
use crate::front::strict::{self, Trail};
use crate::see::reason::{Handling, Outcome, Reason};
use crate::store::key::{Key, path_normalise};
use crate::{Inner, front::respond};
use http::header::{self, HeaderValue};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode, Version};
use http_body::Body as _;
use hyper::body::Incoming;
use std::borrow::Cow;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

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
pub(super) struct Seat {
    pub(super) inner: Arc<Inner>,
    pub(super) request_id: HeaderValue,
    pub(super) client: IpAddr,
    pub(super) head: Parts,
}

impl Seat {
    fn enter(self, body: Incoming) -> Step {
        let (host, path) = match self.check() {
            Ok((host, path)) => (host, path),
            Err(refusal) => return Step::Done(self.refuse(&refusal)),
        };
        if self.inner.config.profile == Kind::Rfc {
            return match self.key(host, &path) {
                Some(key) => self.anything(key, body),
                None => Step::Done(self.refuse(&BAD_TARGET)),
            };
        }
        match route(&path, &self.head.method) {
            Some(Target::Admin) => {
                let (trail, path) = (self.trail(host), path.into_owned());
                Step::Wait(Box::pin(self.admin(trail, path, body)))
            }
            Some(Target::Public) if !self.has_body(&body) => match self.key(host, &path) {
                Some(key) => self.public(key),
                None => Step::Done(self.refuse(&BAD_TARGET)),
            },
            Some(Target::Public) => {
                let refusal =
                    Refusal::new(StatusCode::BAD_REQUEST, Reason::UnexpectedBody, "Reads have no body.");
                Step::Done(self.refuse(&refusal))
            }
            None => {
                let (status, detail) = (StatusCode::METHOD_NOT_ALLOWED, "This method is not served here.");
                let refusal = Refusal::new(status, Reason::Method, detail).allowing(allowed(&path));
                Step::Done(self.refuse(&refusal))
            }
        }
    }

    /// Any origin: reads go through the cache, everything else to the origin and back.
    fn anything(self, key: Key, body: Incoming) -> Step {
        let is_read = matches!(self.head.method, Method::GET | Method::HEAD);
        match is_read && !self.has_body(&body) {
            true => self.public(key),
            false => Step::Wait(Box::pin(self.pass(key, body))),
        }
    }

    fn check(&self) -> Result<(&str, Cow<'_, str>), Refusal> {
        let host = strict::check(&self.head, &self.inner.config)?;
        let path = path_normalise(self.head.uri.path(), self.inner.spelling()).ok_or(BAD_TARGET)?;
        Ok((host, path))
    }

    fn key(&self, host: &str, path: &str) -> Option<Key> {
        Key::new(host, path, self.head.uri.query(), self.inner.spelling(), &self.inner.hasher)
    }

    fn has_body(&self, body: &Incoming) -> bool {
        !body.is_end_stream() || strict::has_body(&self.head.headers)
    }

    pub(super) fn trail(&self, host: &str) -> Trail {
        // A checked host is a field value; the fallback keeps this total.
        let host = HeaderValue::try_from(host).unwrap_or(HeaderValue::from_static("localhost"));
        Trail { request_id: self.request_id.clone(), host, client: self.client }
    }

    pub(super) fn asker(&self) -> Asker<'_> {
        Asker { method: &self.head.method, headers: &self.head.headers, request_id: &self.request_id }
    }

    /// After a request that two parsers might have read differently, nothing more is read from its connection.
    pub(super) fn refuse(&self, refusal: &Refusal) -> Response<Body> {
        self.count(Outcome::Refused, refusal.reason);
        let mut response = refusal.respond(self.head.method == Method::HEAD, &self.request_id, Handling::Own);
        if self.head.version < Version::HTTP_2 && matches!(refusal.status().as_u16(), 400 | 413 | 414 | 431) {
            response.headers_mut().insert(header::CONNECTION, CLOSE);
        }
        response
    }

    pub(super) fn fail(&self, refusal: respond::Refusal, handling: Handling) -> Response<Body> {
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

    pub(super) fn count(&self, outcome: Outcome, reason: Reason) {
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

pub(super) const BAD_TARGET: Refusal =
    Refusal::new(StatusCode::BAD_REQUEST, Reason::BadTarget, "The target can be read in more than one way.");
