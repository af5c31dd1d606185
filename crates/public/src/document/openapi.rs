//! `GET /v1/openapi.json`

use super::Document;
use axum::response::Response;
use http::HeaderValue;
use std::sync::LazyLock;
use web::IfNoneMatch;

static DOCUMENT: LazyLock<Document> = LazyLock::new(|| Document::new(crate::openapi().to_string()));

/// The OpenAPI 3.1 document of this API
#[utoipa::path(
    get, path = "/v1/openapi.json",
    responses((status = 200, description = "The document", content_type = "application/json"))
)]
pub(crate) async fn handler(have: IfNoneMatch) -> Response {
    DOCUMENT.respond(&have, HeaderValue::from_static("application/json"))
}
