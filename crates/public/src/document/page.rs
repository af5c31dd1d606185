//! `GET /docs`

use super::Document;
use axum::response::Response;
use http::HeaderValue;
use http::header::CONTENT_SECURITY_POLICY;
use std::sync::LazyLock;
use web::IfNoneMatch;

static PAGE: LazyLock<Document> = LazyLock::new(|| Document::new(include_str!("page.html")));

/// The page holds its script and style itself and asks nobody but this host.
const POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A page to browse the API, without anything from another host
#[utoipa::path(
    get, path = "/docs",
    responses((status = 200, description = "The page", content_type = "text/html"))
)]
pub(crate) async fn handler(have: IfNoneMatch) -> Response {
    let mut response = PAGE.respond(&have, HeaderValue::from_static("text/html; charset=utf-8"));
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}
