//! Health: what a supervisor, a balancer and a metrics collector ask on the private port.

use crate::extract::Json;
use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use domain::metrics::Metrics;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What this process can do at the moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Readiness {
    /// Each thing that it leans on.
    pub checks: BTreeMap<String, Check>,
}

/// One thing that a process leans on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Whether it works.
    pub ok: bool,
    /// Whether the process can answer nothing without it; otherwise it is only degraded.
    pub required: bool,
    /// A few words for whoever reads the probe.
    pub detail: String,
}

impl Readiness {
    /// Adds one check.
    #[must_use]
    pub fn with(mut self, name: &str, ok: bool, required: bool, detail: impl Into<String>) -> Self {
        self.checks.insert(name.to_owned(), Check { ok, required, detail: detail.into() });
        self
    }

    /// Whether everything required works.
    pub fn is_ready(&self) -> bool {
        self.checks.values().all(|check| check.ok || !check.required)
    }

    fn word(&self) -> &'static str {
        match (self.is_ready(), self.checks.values().all(|check| check.ok)) {
            (true, true) => "ready",
            (true, false) => "degraded",
            (false, _) => "not_ready",
        }
    }
}

/// The router of the private port: `/livez` (the process answers), `/startupz` (`started` says so), `/readyz`
/// (`ready` says so, with each check), `/metrics` (OpenMetrics).
pub fn router<S, R, F>(started: S, ready: R, metrics: Metrics) -> Router
where
    S: Fn() -> bool + Clone + Send + Sync + 'static,
    R: Fn() -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Readiness> + Send + 'static,
{
    let startup = async move || status(started(), "started", "starting");
    let readiness = async move || readiness(&ready().await);
    Router::new()
        .route("/livez", get(async || status(true, "alive", "")))
        .route("/startupz", get(startup))
        .route("/readyz", get(readiness))
        .route("/metrics", get(async move || exposition(&metrics)))
}

#[derive(Serialize)]
struct Status<'a> {
    status: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    checks: Option<&'a BTreeMap<String, Check>>,
}

fn status(good: bool, yes: &str, no: &str) -> Response {
    let body = Json(Status { status: if good { yes } else { no }, checks: None });
    (code(good), body).into_response()
}

fn readiness(readiness: &Readiness) -> Response {
    let body = Json(Status { status: readiness.word(), checks: Some(&readiness.checks) });
    (code(readiness.is_ready()), body).into_response()
}

const fn code(good: bool) -> StatusCode {
    if good { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}

fn exposition(metrics: &Metrics) -> Response {
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(CONTENT_TYPE, content_type)], metrics.encode()).into_response()
}
