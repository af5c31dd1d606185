//! What every request goes through: a context, bounds, one log line, one measurement.

use crate::api::{Kit, ProblemPage};
use crate::context::{Context, REQUEST_ID_HEADER};
use crate::problem::Problem;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::header::{ACCEPT, CACHE_CONTROL, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};
use tracing::Instrument;

/// The outermost layer of an API. Neither the query (it may hold what somebody searched for) nor any
/// header is logged.
pub(crate) async fn observe(
    State((kit, problem_page)): State<(Kit, Option<ProblemPage>)>,
    request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let (mut parts, body) = request.into_parts();
    let context = Context::of(&parts, kit.clock());
    let request_id = context.request_id.clone();
    let method = parts.method.clone();
    let route = parts.extensions.get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str).to_owned();
    let header_bytes = header_bytes(&parts.headers);
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let problem_page = problem_page.filter(|_| wants_page(&parts)).map(|page| (page, query.as_str()));
    parts.extensions.insert(context);
    let span = tracing::info_span!("request", request_id);
    let response = if header_bytes > kit.limits().header_bytes_max {
        header_too_large().into_response()
    } else {
        let answer = answer(Request::from_parts(parts, body), next, kit.limits().request_ms_max);
        answer.instrument(span).await
    };
    let response = named(response, &request_id, problem_page);
    let (status, elapsed) = (response.status().as_u16(), started.elapsed());
    kit.measure(&method, &route, status, elapsed);
    let duration_ms = elapsed.as_secs_f64() * 1_000.0;
    tracing::info!(http.method = %method, http.route = route, http.status = status, duration_ms, request_id, "{method} {route} {status}");
    response
}

/// Runs the handler within its time; a panic becomes a 500 and costs nobody else their connection.
async fn answer(request: Request, next: Next, request_ms_max: u64) -> Response {
    let run = AssertUnwindSafe(next.run(request)).catch_unwind();
    match tokio::time::timeout(Duration::from_millis(request_ms_max), run).await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => {
            tracing::error!("A handler panicked");
            Problem::internal_unlogged().into_response()
        }
        Err(_) => Problem::overloaded().with_detail("The answer took too long.").into_response(),
    }
}

/// Puts the request id into the header, and into the body of a problem.
fn named(mut response: Response, request_id: &str, page: Option<(ProblemPage, &str)>) -> Response {
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        response = problem.response(Some(request_id));
        if let Some((page, query)) = page {
            let mut written = page(&problem.body(Some(request_id)), query);
            *written.status_mut() = problem.status();
            written.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            if let Some(seconds) = response.headers_mut().remove(RETRY_AFTER) {
                written.headers_mut().insert(RETRY_AFTER, seconds);
            }
            response = written;
        }
    }
    if let Ok(value) = HeaderValue::from_str(request_id) {
        response.headers_mut().insert(REQUEST_ID_HEADER, value);
    }
    response
}

/// Whether a person asked: for a page, and with nothing that only a program reads.
fn wants_page(parts: &Parts) -> bool {
    let accept = parts.headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    !parts.uri.path().starts_with("/v1/") && (!accept.contains("json") || accept.contains("html"))
}

fn header_bytes(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum()
}

fn header_too_large() -> Problem {
    Problem::new(
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        "headers_too_large",
        "The header section is too large",
    )
}
