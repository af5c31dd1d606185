//! One request from its head to its answer: checks, the way it takes, and what is counted of it.

use crate::body::Body;
use crate::config::Kind;
use crate::front::peers::{self, Peer};
use crate::front::purging::PURGE;
use crate::front::respond::{Asker, Refusal};
use crate::front::route::{Target, allowed, route};
use crate::front::strict::{self, Trail};
use crate::limits::{Admission, Question, Refused, Verdict};
use crate::see::line::Entry;
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
pub(crate) fn begin(inner: &Arc<Inner>, peer: Peer, request: Request<Incoming>) -> Step {
    let (head, body) = request.into_parts();
    let (client, secure) = peers::behind(peer, &head.headers, &inner.config.trusted_proxies);
    let now_us = inner.now_us();
    let request_id = request_id(now_us);
    let seat = Seat {
        inner: inner.clone(),
        request_id,
        client,
        secure,
        now_us,
        limited: false,
        aside: peer.aside,
        head,
    };
    let version = seat.head.version;
    let entry = inner.access.as_ref().map(|_| Entry::new(&seat.head, client, &seat.request_id, now_us));
    match seat.enter(body) {
        Step::Done(response) => Step::Done(finished(inner, version, entry.as_ref(), response)),
        Step::Wait(wait) => {
            let inner = inner.clone();
            Step::Wait(Box::pin(async move { finished(&inner, version, entry.as_ref(), wait.await) }))
        }
    }
}

/// Tells a client where it stands, and its rules what came of its request.
fn told(inner: Arc<Inner>, admission: Admission, step: Step) -> Step {
    match step {
        Step::Done(response) => Step::Done(stand(&inner, admission, response, true)),
        Step::Wait(wait) => Step::Wait(Box::pin(async move {
            let mut response = wait.await;
            let hit = response.extensions_mut().remove::<Unasked>().is_some();
            stand(&inner, admission, response, hit)
        })),
    }
}

/// Marks an answer that had to be waited for and yet asked no origin; one that needs no wait never does.
#[derive(Clone)]
struct Unasked;

pub(super) fn unasked(mut response: Response<Body>) -> Response<Body> {
    response.extensions_mut().insert(Unasked);
    response
}

fn stand(inner: &Inner, mut admission: Admission, mut response: Response<Body>, hit: bool) -> Response<Body> {
    let held = std::mem::take(&mut admission.held);
    inner.limits.answered(&admission, response.status(), hit, inner.now_us());
    if let Some(standing) = admission.standing {
        standing.write(response.headers_mut());
    }
    if held.is_empty() { response } else { response.map(|body| body.holding(held)) }
}

/// HTTP/1 clients learn from each answer that the edge is going away; HTTP/2 has a frame for it.
fn finished(
    inner: &Inner,
    version: Version,
    entry: Option<&Entry>,
    mut response: Response<Body>,
) -> Response<Body> {
    if let Some((access, entry)) = inner.access.as_ref().zip(entry) {
        access.write(entry, &response, || inner.now_us());
    }
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
    /// Whether the client came by `https`.
    pub(super) secure: bool,
    /// Whether it came where people are sent to `https`.
    aside: bool,
    /// When its head was complete, in microseconds since the Unix epoch.
    pub(super) now_us: i64,
    /// Whether its answer says where the client stands with its limits.
    pub(super) limited: bool,
    pub(super) head: Parts,
}

/// A UUID of version 7, so that logs sort by it.
fn request_id(now_us: i64) -> HeaderValue {
    let millis = u64::try_from(now_us / 1_000).unwrap_or(0);
    let id = uuid::Builder::from_unix_timestamp_millis(millis, &rand::random()).into_uuid();
    let mut text = uuid::Uuid::encode_buffer();
    HeaderValue::from_str(id.hyphenated().encode_lower(&mut text)).unwrap_or(HeaderValue::from_static("none"))
}

/// Where a request goes.
enum Way {
    Admin(Trail, String),
    Public(Key),
    /// To any origin.
    Anything(Key),
}

impl Seat {
    fn enter(mut self, body: Incoming) -> Step {
        let (way, admission) = match self.way(&body) {
            Ok(found) => found,
            Err(response) => return Step::Done(*response),
        };
        self.limited = admission.as_ref().is_some_and(|admission| admission.standing.is_some());
        let inner = admission.is_some().then(|| self.inner.clone());
        let step = match way {
            Way::Admin(trail, path) => Step::Wait(Box::pin(self.admin(trail, path, body))),
            Way::Public(key) => self.public(key),
            Way::Anything(key) => self.anything(key, body),
        };
        match inner.zip(admission) {
            Some((inner, admission)) => told(inner, admission, step),
            None => step,
        }
    }

    fn way(&self, body: &Incoming) -> Result<(Way, Option<Admission>), Box<Response<Body>>> {
        let refused = |refusal: Refusal| Box::new(self.refuse(&refusal));
        let (host, path) = self.check().map_err(refused)?;
        if !self.secure
            && let Some(response) = self.plain(host)
        {
            return Err(Box::new(response));
        }
        let question = Question { client: self.client, host, path: &path, head: &self.head };
        let admission = match self.inner.limits.check(&question, self.now_us) {
            Verdict::Free => None,
            Verdict::Within(admission) => Some(admission),
            Verdict::Refused(refused) => return Err(Box::new(self.hold_back(refused))),
        };
        Ok((self.target(host, path, body).map_err(refused)?, admission))
    }

    /// What is answered before anything else to those who come without TLS: authorities, and who came aside.
    fn plain(&self, host: &str) -> Option<Response<Body>> {
        let is_head = self.head.method == Method::HEAD;
        if (is_head || self.head.method == Method::GET)
            && let Some(content) = self.inner.acme.answers.file(self.head.uri.path())
        {
            self.count(Outcome::Own, Reason::Challenge);
            return Some(respond::challenged(content, is_head, &self.request_id));
        }
        if !self.aside || self.inner.config.plain_serves {
            return None;
        }
        let target = self.head.uri.path_and_query().map_or("/", |target| target.as_str());
        let location = HeaderValue::try_from(format!("https://{}{target}", without_port(host))).ok()?;
        self.count(Outcome::Own, Reason::Https);
        Some(respond::elsewhere(location, &self.request_id))
    }

    fn target(&self, host: &str, path: Cow<'_, str>, body: &Incoming) -> Result<Way, Refusal> {
        let key = || self.key(host, &path).ok_or(BAD_TARGET);
        if self.inner.config.profile == Kind::Rfc {
            return key().map(Way::Anything);
        }
        match route(&path, &self.head.method) {
            Some(Target::Admin) => Ok(Way::Admin(self.trail(host), path.into_owned())),
            Some(Target::Public) if !self.has_body(body) => key().map(Way::Public),
            Some(Target::Public) => {
                Err(Refusal::new(StatusCode::BAD_REQUEST, Reason::UnexpectedBody, "Reads have no body."))
            }
            None => {
                let (status, detail) = (StatusCode::METHOD_NOT_ALLOWED, "This method is not served here.");
                Err(Refusal::new(status, Reason::Method, detail).allowing(allowed(&path)))
            }
        }
    }

    /// The quota is used up, or the client's network is not served.
    fn hold_back(&self, refused: Refused) -> Response<Body> {
        self.count(Outcome::Refused, refused.reason);
        respond::limited(refused, self.head.method == Method::HEAD, &self.request_id)
    }

    /// Any origin: reads go through the cache, everything else to the origin and back.
    fn anything(self, key: Key, body: Incoming) -> Step {
        if self.head.method.as_str() == PURGE {
            return Step::Done(self.purge(&key));
        }
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
        let (query, inner) = (self.head.uri.query(), &self.inner);
        Key::new(self.secure, host, path, query, inner.spelling(), &inner.hasher)
    }

    fn has_body(&self, body: &Incoming) -> bool {
        !body.is_end_stream() || strict::has_body(&self.head.headers)
    }

    pub(super) fn trail(&self, host: &str) -> Trail {
        // A checked host is a field value; the fallback keeps this total.
        let host = HeaderValue::try_from(host).unwrap_or(HeaderValue::from_static("localhost"));
        Trail { request_id: self.request_id.clone(), host, client: self.client, secure: self.secure }
    }

    pub(super) fn asker(&self) -> Asker<'_> {
        let Self { limited, request_id, head, .. } = self;
        Asker { method: &head.method, limited: *limited, headers: &head.headers, request_id }
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

/// `example.org:80` and `[::1]:80` are ours at 443 too.
fn without_port(host: &str) -> &str {
    let digits = |port: &str| port.chars().all(|c| c.is_ascii_digit());
    host.rsplit_once(':').filter(|(_, port)| digits(port)).map_or(host, |(name, _)| name)
}

pub(super) const BAD_TARGET: Refusal =
    Refusal::new(StatusCode::BAD_REQUEST, Reason::BadTarget, "The target can be read in more than one way.");
