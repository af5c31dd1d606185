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

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use http::Request;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    async fn probe(path: &str, ready: Readiness) -> (u16, String) {
        let metrics = Metrics::default();
        metrics.gauge("write_available", "Whether writes are taken").set(1);
        let router = router(|| false, move || std::future::ready(ready.clone()), metrics);
        let response = router.oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
        let status = response.status().as_u16();
        (
            status,
            String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap(),
        )
    }

    #[tokio::test]
    async fn degraded_is_ready_and_says_so() {
        let degraded = Readiness::default().with("reads", true, true, "replica a").with(
            "writes",
            false,
            false,
            "no primary",
        );
        let (status, body) = probe("/readyz", degraded).await;
        assert_eq!(status, 200);
        assert!(body.starts_with(r#"{"status":"degraded""#), "{body}");
        let (status, body) =
            probe("/readyz", Readiness::default().with("reads", false, true, "no node")).await;
        assert_eq!(status, 503);
        assert!(body.contains("not_ready"), "{body}");
    }

    #[tokio::test]
    async fn process_is_alive_before_it_has_started() {
        assert_eq!(probe("/livez", Readiness::default()).await.0, 200);
        assert_eq!(probe("/startupz", Readiness::default()).await.0, 503);
        assert!(probe("/metrics", Readiness::default()).await.1.contains("sangraha_write_available 1"));
    }
}
