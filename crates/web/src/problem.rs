//! Problems (RFC 9457): the one place that makes a status and words out of a refusal.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use domain::{Severity, Violation};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::fmt::Write as _;
use utoipa::ToSchema;

/// A refusal, as the client will read it. Cheap to make, changed by its builder methods.
#[derive(Clone, Debug)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    title: &'static str,
    detail: Option<String>,
    errors: Vec<FieldError>,
    retry_after_s: Option<u32>,
    current_version: Option<i64>,
}

/// One field that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// JSON pointer (RFC 6901) into the request body, or `/name` of a query parameter.
    pub field: String,
    /// Stable name of the rule, `lower_snake`.
    pub code: String,
    /// A sentence for the person who typed the field.
    pub detail: String,
}

/// The document that a client receives, as `application/problem+json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProblemBody {
    /// Identifies the kind of problem; carries the same word as `code`.
    pub r#type: String,
    /// The kind in a few words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// Stable name of the problem, `lower_snake`.
    pub code: String,
    /// What happened this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The fields that were refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// With 412: the version that the resource has now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_version: Option<i64>,
    /// Names this request in our logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

impl Problem {
    /// The most field errors in one answer; the rest is left out.
    pub const ERRORS_MAX: usize = 100;

    /// A problem with a code of its own.
    pub const fn new(status: StatusCode, code: &'static str, title: &'static str) -> Self {
        Self {
            status,
            code,
            title,
            detail: None,
            errors: Vec::new(),
            retry_after_s: None,
            current_version: None,
        }
    }

    /// 400: the request cannot be read at all.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", "The request cannot be read").with_detail(detail)
    }

    /// 401: no credential, or none that is good.
    pub const fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "A valid API key is needed")
    }

    /// 403: the credential is good and does not suffice.
    pub fn forbidden(permission: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "Not permitted")
            .with_detail(format!("This needs the permission `{permission}`."))
    }

    /// 404: nothing is here, or nothing that may be seen.
    pub const fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "Not found")
    }

    /// 405: something is here, under another method.
    pub const fn method_not_allowed() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "Method not allowed")
    }

    /// 409: the state of the resource does not permit it. `code` names the reason.
    pub const fn conflict(code: &'static str, title: &'static str) -> Self {
        Self::new(StatusCode::CONFLICT, code, title)
    }

    /// 412: the resource has changed since it was read. `current` is its version now.
    pub fn precondition_failed(current: i64) -> Self {
        let mut problem =
            Self::new(StatusCode::PRECONDITION_FAILED, "precondition_failed", "The resource has changed");
        problem.current_version = Some(current);
        problem.with_detail(format!("The current version is {current}: read it again and repeat the change."))
    }

    /// 428: a write without `If-Match`.
    pub fn precondition_required() -> Self {
        Self::new(StatusCode::PRECONDITION_REQUIRED, "precondition_required", "If-Match is needed")
            .with_detail("Send the ETag that the resource was read with as If-Match.")
    }

    /// 413: the body is longer than allowed.
    pub const fn too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "The body is too large")
    }

    /// 415: the body is not JSON.
    pub const fn unsupported_media_type() -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "The body must be application/json",
        )
    }

    /// 422: fields that were refused.
    pub fn validation(errors: Vec<FieldError>) -> Self {
        let mut problem =
            Self::new(StatusCode::UNPROCESSABLE_ENTITY, "validation", "Some fields were refused");
        problem.errors = errors;
        problem.errors.truncate(Self::ERRORS_MAX);
        problem
    }

    /// 422 for one field.
    pub fn field(field: impl Into<String>, code: &str, detail: impl Into<String>) -> Self {
        Self::validation(vec![FieldError::new(field, code, detail)])
    }

    /// 422 for what `domain` found; warnings are left out.
    pub fn violations(violations: &[Violation]) -> Self {
        let refused = violations.iter().filter(|violation| violation.severity > Severity::Warning);
        Self::validation(refused.map(FieldError::from).collect())
    }

    /// 429: too many requests.
    pub fn throttled(retry_after_s: u32) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "throttled", "Too many requests")
            .with_retry_after(retry_after_s)
    }

    /// 500: our fault. `error` goes to the log, here and once; the client learns the request id.
    pub fn internal(error: &dyn Error) -> Self {
        tracing::error!(error = %chain(error), "A request failed");
        Self::internal_unlogged()
    }

    /// 500 for a fault that has been logged already.
    pub(crate) const fn internal_unlogged() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something failed here")
    }

    /// 503: nothing can answer at the moment. `error` goes to the log.
    pub fn unavailable(error: &dyn Error) -> Self {
        tracing::warn!(error = %chain(error), "A request could not be served");
        Self::overloaded()
    }

    /// 503 without a cause worth a line: out of time or of capacity.
    pub fn overloaded() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Not available at the moment")
            .with_retry_after(1)
    }

    /// 503: reads go on, writes have no primary.
    pub fn writes_unavailable() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "writes_unavailable",
            "Changes cannot be saved at the moment",
        )
        .with_detail("The primary database is away. Nothing was saved; reading goes on.")
        .with_retry_after(5)
    }

    /// Says what happened this time.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Says when to come back.
    #[must_use]
    pub const fn with_retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// The status.
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// The stable code.
    pub const fn code(&self) -> &'static str {
        self.code
    }

    /// The fields that were refused.
    pub fn errors(&self) -> &[FieldError] {
        &self.errors
    }

    /// The document, for the request called `request_id`.
    pub fn body(&self, request_id: Option<&str>) -> ProblemBody {
        ProblemBody {
            r#type: format!("urn:sangraha:problem:{}", self.code),
            title: self.title.to_owned(),
            status: self.status.as_u16(),
            code: self.code.to_owned(),
            detail: self.detail.clone(),
            errors: self.errors.clone(),
            current_version: self.current_version,
            request_id: request_id.map(str::to_owned),
        }
    }

    /// The response, for the request called `request_id`.
    pub(crate) fn response(&self, request_id: Option<&str>) -> Response {
        let body = serde_json::to_vec(&self.body(request_id)).expect("a problem is plain data");
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        if let Some(version) = self.current_version {
            headers.insert(ETAG, crate::ETag::version(version).header());
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// The request id is added by the kit's outer layer, which finds the problem in the response's extensions.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.response(None);
        response.extensions_mut().insert(self);
        response
    }
}

impl FieldError {
    /// One refused field.
    pub fn new(field: impl Into<String>, code: &str, detail: impl Into<String>) -> Self {
        Self { field: field.into(), code: code.to_owned(), detail: detail.into() }
    }
}

impl From<&Violation> for FieldError {
    fn from(violation: &Violation) -> Self {
        Self::new(violation.field.clone(), &violation.code, violation.detail.clone())
    }
}

fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let _ = write!(text, ": {cause}");
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn internal_problem_says_nothing_of_its_cause() {
        let cause = std::io::Error::other("relation \"secret\" does not exist");
        let body = serde_json::to_string(&Problem::internal(&cause).body(Some("r1"))).unwrap();
        assert!(!body.contains("secret"), "{body}");
        assert!(body.contains("\"request_id\":\"r1\""));
    }

    #[test]
    fn stale_version_is_told_in_body_and_etag() {
        let problem = Problem::precondition_failed(7);
        assert_eq!(problem.body(None).current_version, Some(7));
        assert_eq!(problem.response(None).headers()[ETAG], "\"7\"");
    }

    #[test]
    fn warnings_do_not_become_errors() {
        let violations =
            [Violation::warning("/a", "odd", "Odd."), Violation::draft("/b", "missing", "Missing.")];
        let problem = Problem::violations(&violations);
        assert_eq!(problem.errors().iter().map(|error| error.field.as_str()).collect::<Vec<_>>(), ["/b"]);
    }

    #[test]
    fn chain_names_every_cause_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("outer")]
        struct Outer(#[source] std::io::Error);
        assert_eq!(chain(&Outer(std::io::Error::other("inner"))), "outer: inner");
    }
}
