//! Asking whether a stored response is still current, and answering clients that ask us (RFC 9111, sections 4.3.1
//! to 4.3.5; RFC 9110, section 13).

use super::date::date;
use super::tokens;
use http::StatusCode;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};

/// The conditionals that ask an origin whether what has these fields is still current.
pub(crate) fn conditionals(stored: &HeaderMap) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
    let pairs = [(header::ETAG, header::IF_NONE_MATCH), (header::LAST_MODIFIED, header::IF_MODIFIED_SINCE)];
    pairs.into_iter().filter_map(|(from, to)| stored.get(from).map(|value| (to, value.clone())))
}

/// Whether a 304 speaks of the stored response: one that names another version was meant for somebody else's.
pub(crate) fn confirms(stored: &HeaderMap, update: &HeaderMap) -> bool {
    let of = |headers: &HeaderMap, name: HeaderName| {
        headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
    };
    match (of(update, header::ETAG), of(stored, header::ETAG)) {
        (Some(new), Some(old)) => opaque(&new) == opaque(&old),
        (Some(_), None) => false,
        (None, _) => {
            let modified = of(update, header::LAST_MODIFIED);
            modified.is_none() || modified == of(stored, header::LAST_MODIFIED)
        }
    }
}

/// Puts the fields of a 304 over the stored ones, except those that describe the body that was not sent.
pub(crate) fn merge(stored: &HeaderMap, update: &HeaderMap) -> HeaderMap {
    let kept =
        [header::CONTENT_LENGTH, header::CONTENT_ENCODING, header::CONTENT_RANGE, header::CONTENT_TYPE];
    let mut merged = stored.clone();
    for name in update.keys().filter(|name| !kept.contains(name)) {
        merged.remove(name);
        for value in update.get_all(name) {
            merged.append(name, value.clone());
        }
    }
    merged
}

/// What a 200 to HEAD says about a stored GET: the same, so that its fields are news, or that it is out of date.
pub(crate) fn head_agrees(stored: &HeaderMap, head: &HeaderMap) -> bool {
    let same = |name: HeaderName| head.get(&name).is_none_or(|value| stored.get(&name) == Some(value));
    same(header::CONTENT_LENGTH) && same(header::ETAG) && same(header::LAST_MODIFIED)
}

/// Whether the client's copy is current: `If-None-Match` decides where it is present, else `If-Modified-Since`.
pub(crate) fn not_modified(asked: &HeaderMap, stored: &HeaderMap, now_s: u64) -> bool {
    if asked.contains_key(header::IF_NONE_MATCH) {
        let etag = stored.get(header::ETAG).and_then(|etag| etag.to_str().ok());
        return tokens(asked, header::IF_NONE_MATCH)
            .any(|token| token == "*" || etag.is_some_and(|etag| opaque(token) == opaque(etag)));
    }
    let Some(since) = asked.get(header::IF_MODIFIED_SINCE) else { return false };
    let Some(changed) = stored.get(header::LAST_MODIFIED).or_else(|| stored.get(header::DATE)) else {
        return false;
    };
    matches!((date(since, now_s), date(changed, now_s)), (Some(since), Some(changed)) if changed <= since)
}

/// The fields that a 304 repeats (RFC 9110, section 15.4.5) and those that the edge adds to every answer.
pub(crate) fn repeated(stored: &HeaderMap) -> HeaderMap {
    const REPEATED: [HeaderName; 9] = [
        header::ETAG,
        header::DATE,
        header::VARY,
        header::CACHE_CONTROL,
        header::EXPIRES,
        header::CONTENT_LOCATION,
        header::AGE,
        header::VIA,
        HeaderName::from_static("cache-status"),
    ];
    let mut headers = HeaderMap::with_capacity(REPEATED.len() + 2);
    for name in REPEATED {
        for value in stored.get_all(&name) {
            headers.append(name.clone(), value.clone());
        }
    }
    headers
}

/// Errors for which a stale response may stand in (RFC 5861, section 4).
pub(crate) fn is_failure(status: StatusCode) -> bool {
    matches!(status.as_u16(), 500 | 502..=504)
}

/// Whether a tag says that the bytes are the same, not only their meaning.
pub(crate) fn is_strong(etag: &HeaderValue) -> bool {
    etag.as_bytes().starts_with(b"\"")
}

/// What is compared where strength does not matter.
pub(crate) fn opaque(etag: &str) -> &str {
    etag.strip_prefix("W/").unwrap_or(etag)
}
