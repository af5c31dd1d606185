//! From a page to a response: the node's cache, tags and keys as everywhere, and the headers of a page.

use super::address::Address;
use super::face::Face;
use super::layout::Page;
use crate::answer::{Made, Served, hash128};
use crate::page::resolve;
use crate::state::State;
use axum::response::Response;
use bytes::Bytes;
use domain::{EntityKind, EntityRef};
use http::header::{
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderName, HeaderValue, StatusCode};
use store::Read;
use uuid::Uuid;
use web::{ETag, Fresh, IfNoneMatch, Problem, SurrogateKeys};

pub(super) const HTML: &str = "text/html; charset=utf-8";

/// Only what this site serves itself, and nothing inline.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; \
    connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const HEADERS: [(HeaderName, &str); 5] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "strict-origin-when-cross-origin"),
    (STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

impl Page {
    /// The answer for the caches.
    pub fn made(&self, state: &State, keys: &SurrogateKeys, read: &Read) -> Made {
        Made::page(self.html(&state.config.site_url), keys, read)
    }
}

/// Gives an answer of the cache path the media type and the headers of a page.
pub(super) fn dressed(mut response: Response, media: &'static str) -> Response {
    let has_body = response.status() == StatusCode::OK;
    let headers = response.headers_mut();
    if has_body {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media));
    }
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// An answer that depends on nothing but the release.
pub(super) fn constant(body: Bytes, have: &IfNoneMatch, media: &'static str) -> Response {
    let etag = ETag::of_hash(hash128(&[&body]));
    let known = have.matches(&etag);
    let fresh = Fresh { etag: Some(etag), keys: Vec::new(), lsn: None };
    dressed(if known { fresh.not_modified() } else { fresh.json(body) }, media)
}

/// Where a slug leads.
pub(super) enum Led {
    Here(Uuid),
    /// The page has another address now.
    Moved(Box<Response>),
}

/// Follows `slug` to an entity that readers may see. Ids and old slugs are answered with the page's address.
pub(super) async fn follow(read: &Read, kind: EntityKind, slug: &str, face: Face) -> Result<Led, Problem> {
    let found = resolve(read, kind, slug).await?;
    if found.slug == slug {
        return Ok(Led::Here(found.id));
    }
    let keys = SurrogateKeys::default().entity(EntityRef { kind, id: found.id }).keys();
    let fresh = Fresh { etag: None, keys, lsn: Some(read.lsn()) };
    let address = Address::entity(kind, &found.slug).href(face);
    Ok(Led::Moved(Box::new(dressed(Served::of(read).stamp(fresh.moved(&address)), HTML))))
}
