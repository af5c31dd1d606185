//! What every request goes through: a context, bounds, one log line, one measurement.

use crate::api::Kit;
use crate::context::{Context, REQUEST_ID_HEADER};
use crate::problem::Problem;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::{HeaderMap, HeaderValue, StatusCode};
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};
use tracing::Instrument;

/// The outermost layer of an API. Neither the query (it may hold what somebody searched for) nor any
/// header is logged.
pub(crate) async fn observe(State(kit): State<Kit>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let (mut parts, body) = request.into_parts();
    let context = Context::of(&parts, kit.clock());
    let request_id = context.request_id.clone();
    let method = parts.method.clone();
    let route = parts.extensions.get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str).to_owned();
    let header_bytes = header_bytes(&parts.headers);
    parts.extensions.insert(context);
    let span = tracing::info_span!("request", request_id);
    let response = if header_bytes > kit.limits().header_bytes_max {
        header_too_large().into_response()
    } else {
        let answer = answer(Request::from_parts(parts, body), next, kit.limits().request_ms_max);
        answer.instrument(span).await
    };
    let response = named(response, &request_id);
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
fn named(mut response: Response, request_id: &str) -> Response {
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        response = problem.response(Some(request_id));
    }
    if let Ok(value) = HeaderValue::from_str(request_id) {
        response.headers_mut().insert(REQUEST_ID_HEADER, value);
    }
    response
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
