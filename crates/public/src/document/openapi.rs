//! `GET /v1/openapi.json`

use axum::response::Response;
use bytes::Bytes;
use std::sync::LazyLock;
use web::{ETag, Fresh, IfNoneMatch};

/// The document is the same for as long as the process lives.
static DOCUMENT: LazyLock<(Bytes, ETag)> = LazyLock::new(|| {
    let text = crate::openapi().to_json().unwrap_or_else(|_| "{}".to_owned());
    let etag = ETag::of_hash(crate::answer::hash128(&[text.as_bytes()]));
    (Bytes::from(text), etag)
});

/// The OpenAPI 3.1 document of this API
#[utoipa::path(
    get, path = "/v1/openapi.json", tag = "about",
    responses((status = 200, description = "The document", content_type = "application/json"))
)]
pub(crate) async fn handler(have: IfNoneMatch) -> Response {
    let (body, etag) = &*DOCUMENT;
    let fresh = Fresh { etag: Some(etag.clone()), keys: Vec::new(), lsn: None };
    if have.matches(etag) { fresh.not_modified() } else { fresh.json(body.clone()) }
}
