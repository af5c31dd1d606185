//! Answers: from an object, from an origin's stream, or the edge's own refusal as `application/problem+json`.

use crate::body::{Body, Relay};
use crate::front::parts;
use crate::front::strict::{REQUEST_ID, clean_response, via};
use crate::limits::Refused;
use crate::origin::growing::Follower;
use crate::origin::pieces::{Pieces, Segment};
use crate::policy::range::{Portion, portion};
use crate::policy::validate::{not_modified, repeated};
use crate::see::reason::{Handling, Reason, cache_status};
use crate::store::encoding;
use crate::store::object::{CACHE_STATUS, Object};
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Response, StatusCode};

/// What of a request shapes its answer.
pub(crate) struct Asker<'a> {
    pub(crate) method: &'a Method,
    /// Whether the answer will say where the client stands.
    pub(crate) limited: bool,
    /// The client's fields, for its conditionals.
    pub(crate) headers: &'a HeaderMap,
    pub(crate) request_id: &'a HeaderValue,
}

/// Serves an object, plain or in a coding that was made of it: whole, as 304, or its head alone.
pub(crate) fn object(
    asker: &Asker<'_>,
    object: &Object,
    coding: Option<(usize, Bytes)>,
    now_us: i64,
    handling: Handling,
    reason: Reason,
) -> Response<Body> {
    let mut headers = match (handling, reason) {
        (Handling::Hit { ttl_s }, Reason::Plain) => object.hit_headers(now_us, ttl_s, asker.limited),
        _ => {
            let mut headers = object.headers.clone();
            object.mark(&mut headers);
            headers.insert(header::AGE, object.age_s(now_us).into());
            headers.append(CACHE_STATUS, cache_status(handling, reason));
            headers
        }
    };
    let now_s = seconds(now_us);
    let body = match coding {
        Some((coding, body)) => {
            encoding::dress(&mut headers, coding, body.len());
            body
        }
        None => object.body.clone(),
    };
    let is_whole = object.status == StatusCode::OK;
    if is_whole && not_modified(asker.headers, &headers, now_s) {
        let mut kept = repeated(&headers);
        kept.insert(REQUEST_ID, asker.request_id.clone());
        return answer(StatusCode::NOT_MODIFIED, kept, Body::EMPTY);
    }
    headers.insert(REQUEST_ID, asker.request_id.clone());
    if asker.method == Method::HEAD {
        return answer(object.status, headers, Body::EMPTY);
    }
    let asked = match is_whole && asker.headers.contains_key(header::RANGE) {
        true => portion(asker.headers, &object.headers, object.body.len() as u64, now_s),
        false => Portion::Whole,
    };
    let (status, body) = parts::cut(asked, object.status, &mut headers, &body, asker.request_id);
    answer(status, headers, body.into())
}

/// An answer without its body, and of what that consists.
pub(crate) struct Cut {
    status: StatusCode,
    headers: HeaderMap,
    pub(crate) segments: Vec<Segment>,
}

/// What is to be sent of an object whose body is kept in slices: its head, and which of its bytes.
pub(crate) fn sliced(asker: &Asker<'_>, object: &Object, now_us: i64) -> Cut {
    let mut headers = object.headers.clone();
    headers.insert(header::AGE, object.age_s(now_us).into());
    if not_modified(asker.headers, &headers, seconds(now_us)) {
        let mut kept = repeated(&headers);
        kept.insert(REQUEST_ID, asker.request_id.clone());
        return Cut { status: StatusCode::NOT_MODIFIED, headers: kept, segments: Vec::new() };
    }
    headers.insert(REQUEST_ID, asker.request_id.clone());
    if asker.method == Method::HEAD {
        return Cut { status: object.status, headers, segments: Vec::new() };
    }
    let length = object.sliced.unwrap_or(0);
    let asked = portion(asker.headers, &object.headers, length, seconds(now_us));
    let (status, segments) = parts::plan(asked, object.status, &mut headers, length, asker.request_id);
    Cut { status, headers, segments }
}

/// Serves a body in slices, of which the first is there.
pub(crate) fn pieces(cut: Cut, pieces: Pieces, handling: Handling, reason: Reason) -> Response<Body> {
    let Cut { status, mut headers, segments } = cut;
    headers.append(CACHE_STATUS, cache_status(handling, reason));
    let body = if segments.is_empty() { Body::EMPTY } else { Body::Pieces(Box::new(pieces)) };
    answer(status, headers, body)
}

/// Serves an object while it arrives: its head now, its body as it comes.
pub(crate) fn growing(
    asker: &Asker<'_>,
    follower: Follower,
    now_us: i64,
    handling: Handling,
    reason: Reason,
) -> Response<Body> {
    let object = follower.growing().shell.clone();
    let mut headers = object.headers.clone();
    headers.insert(header::AGE, object.age_s(now_us).into());
    headers.append(CACHE_STATUS, cache_status(handling, reason));
    if object.status == StatusCode::OK && not_modified(asker.headers, &headers, seconds(now_us)) {
        let mut kept = repeated(&headers);
        kept.insert(REQUEST_ID, asker.request_id.clone());
        return answer(StatusCode::NOT_MODIFIED, kept, Body::EMPTY);
    }
    headers.insert(REQUEST_ID, asker.request_id.clone());
    let body = if asker.method == Method::HEAD { Body::EMPTY } else { Body::Follow(follower) };
    answer(object.status, headers, body)
}

fn seconds(us: i64) -> u64 {
    u64::try_from(us / 1_000_000).unwrap_or(0)
}

/// Passes an origin's response through while it arrives. The origin has not seen the conditionals of a request
/// that was meant to fill the cache (begun at `filling_us`), so they are answered here.
pub(crate) fn stream(
    asker: &Asker<'_>,
    head: http::response::Parts,
    body: Relay,
    filling_us: Option<i64>,
    handling: Handling,
    reason: Reason,
) -> Response<Body> {
    let mut headers = head.headers;
    clean_response(&mut headers);
    headers.append(CACHE_STATUS, cache_status(handling, reason));
    headers.insert(REQUEST_ID, asker.request_id.clone());
    if let Some(now_us) = filling_us.filter(|_| head.status == StatusCode::OK)
        && not_modified(asker.headers, &headers, seconds(now_us))
    {
        let mut kept = repeated(&headers);
        kept.insert(REQUEST_ID, asker.request_id.clone());
        return answer(StatusCode::NOT_MODIFIED, kept, Body::EMPTY);
    }
    let body = if asker.method == Method::HEAD { Body::EMPTY } else { body.into_body() };
    answer(head.status, headers, body)
}

/// An answer that the edge makes itself.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    pub(crate) reason: Reason,
    code: &'static str,
    detail: &'static str,
    retry_after_s: Option<u32>,
    /// The value of `Allow`, should the method be what is refused.
    allowed: &'static str,
}

/// The methods of almost every path.
pub(crate) const READS: &str = "GET, HEAD, OPTIONS";

impl Refusal {
    pub(crate) const fn new(status: StatusCode, reason: Reason, detail: &'static str) -> Self {
        let code = match status {
            StatusCode::METHOD_NOT_ALLOWED => "method_not_allowed",
            StatusCode::UNAUTHORIZED => "unauthorized",
            StatusCode::FORBIDDEN => "forbidden",
            StatusCode::PAYLOAD_TOO_LARGE => "too_large",
            StatusCode::URI_TOO_LONG => "uri_too_long",
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => "headers_too_large",
            StatusCode::LOOP_DETECTED => "loop_detected",
            StatusCode::BAD_GATEWAY => "bad_gateway",
            StatusCode::SERVICE_UNAVAILABLE => "unavailable",
            StatusCode::GATEWAY_TIMEOUT => "gateway_timeout",
            _ => "bad_request",
        };
        Self { status, reason, code, detail, retry_after_s: None, allowed: READS }
    }

    pub(crate) const fn body_too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, Reason::BodyTooLarge, "The body is too long.")
    }

    pub(crate) const fn coded(self, code: &'static str) -> Self {
        Self { code, ..self }
    }

    pub(crate) const fn allowing(self, allowed: &'static str) -> Self {
        Self { allowed, ..self }
    }

    pub(crate) const fn retry_after(self, seconds: u32) -> Self {
        Self { retry_after_s: Some(seconds), ..self }
    }

    pub(crate) const fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn respond(
        &self,
        head_only: bool,
        request_id: &HeaderValue,
        handling: Handling,
    ) -> Response<Body> {
        let body = self.problem(request_id);
        let mut headers =
            own_headers("application/problem+json", body.len(), handling, self.reason, request_id);
        if self.status == StatusCode::METHOD_NOT_ALLOWED {
            headers.insert(header::ALLOW, HeaderValue::from_static(self.allowed));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        answer(self.status, headers, if head_only { Body::EMPTY } else { body.into() })
    }

    fn problem(&self, request_id: &HeaderValue) -> Bytes {
        let problem = serde_json::json!({
            "type": format!("urn:sangraha:problem:{}", self.code),
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "code": self.code,
            "detail": self.detail,
            "request_id": request_id.to_str().unwrap_or_default(),
        });
        problem.to_string().into()
    }
}

/// Too much was asked, or by somebody who is not served: 429 or 403, with how long to wait.
pub(crate) fn limited(refused: Refused, head_only: bool, request_id: &HeaderValue) -> Response<Body> {
    let denied = refused.reason == Reason::Denied;
    let (status, code, detail) = match denied {
        true => (StatusCode::FORBIDDEN, "forbidden", "This client is not served."),
        false if refused.reason == Reason::Crowded => {
            (StatusCode::TOO_MANY_REQUESTS, "rate_limited", "Too many requests are under way.")
        }
        false => (StatusCode::TOO_MANY_REQUESTS, "rate_limited", "The quota is used up."),
    };
    let mut problem = serde_json::json!({
        "type": if denied { "urn:sangraha:problem:forbidden" } else { QUOTA_EXCEEDED },
        "title": status.canonical_reason().unwrap_or("Error"),
        "status": status.as_u16(),
        "code": code,
        "detail": detail,
        "request_id": request_id.to_str().unwrap_or_default(),
    });
    if !denied {
        problem["violated-policies"] = refused.violated.into();
    }
    let body = Bytes::from(problem.to_string());
    let mut headers =
        own_headers("application/problem+json", body.len(), Handling::Own, refused.reason, request_id);
    if !denied {
        headers.insert(header::RETRY_AFTER, refused.wait_s.max(1).into());
    }
    if let Some(standing) = refused.standing {
        standing.write(&mut headers);
    }
    answer(status, headers, if head_only { Body::EMPTY } else { body.into() })
}

/// Registered with IANA by draft-ietf-httpapi-ratelimit-headers.
const QUOTA_EXCEEDED: &str = "https://iana.org/assignments/http-problem-types#quota-exceeded";

/// Says that a purge has happened.
pub(crate) fn purged(what: &'static str, soft: bool, request_id: &HeaderValue) -> Response<Body> {
    let body = Bytes::from(format!("{{\"purged\":\"{what}\",\"soft\":{soft}}}\n"));
    let headers = own_headers("application/json", body.len(), Handling::Own, Reason::Plain, request_id);
    answer(StatusCode::OK, headers, body.into())
}

/// Sends whoever came without TLS to the same address with it.
pub(crate) fn elsewhere(location: HeaderValue, request_id: &HeaderValue) -> Response<Body> {
    let mut headers = own_headers("text/plain", 0, Handling::Own, Reason::Https, request_id);
    headers.insert(header::LOCATION, location);
    answer(StatusCode::PERMANENT_REDIRECT, headers, Body::EMPTY)
}

/// What an authority looks for.
pub(crate) fn challenged(content: String, head_only: bool, request_id: &HeaderValue) -> Response<Body> {
    let kind = "application/octet-stream";
    let headers = own_headers(kind, content.len(), Handling::Own, Reason::Challenge, request_id);
    let body = Bytes::from(content);
    answer(StatusCode::OK, headers, if head_only { Body::EMPTY } else { body.into() })
}

/// What every answer that the edge makes itself has.
fn own_headers(
    kind: &'static str,
    length: usize,
    handling: Handling,
    reason: Reason,
    request_id: &HeaderValue,
) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(10);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CONTENT_LENGTH, length.into());
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::VIA, via());
    headers.insert(CACHE_STATUS, cache_status(handling, reason));
    headers.insert(REQUEST_ID, request_id.clone());
    headers
}

fn answer(status: StatusCode, headers: HeaderMap, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}
