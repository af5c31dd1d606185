//! The API about itself: its document, and a page to browse it without a network.

pub mod openapi;
pub mod page;

use axum::response::Response;
use bytes::Bytes;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use web::{ETag, Fresh, IfNoneMatch};

/// Something that is the same for as long as the process lives.
struct Document {
    body: Bytes,
    etag: ETag,
}

impl Document {
    fn new(text: impl Into<Bytes>) -> Self {
        let body = text.into();
        let etag = ETag::of_hash(crate::answer::hash128(&[&body]));
        Self { body, etag }
    }

    fn respond(&self, have: &IfNoneMatch, content_type: HeaderValue) -> Response {
        let fresh = Fresh { etag: Some(self.etag.clone()), keys: Vec::new(), lsn: None };
        if have.matches(&self.etag) {
            return fresh.not_modified();
        }
        let mut response = fresh.json(self.body.clone());
        response.headers_mut().insert(CONTENT_TYPE, content_type);
        response
    }
}
