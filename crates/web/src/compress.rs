//! Texts travel compressed with gzip, which every client reads, where the client says that it does (RFC 9110, 8.4).
//!
//! A compressed answer is another representation, so its entity tag is another too: the tag of the plain one with a
//! mark behind it. The mark is taken off when the tag comes back, so that nobody else needs to know of it.
//!
//! Our edges make codings of what they keep, each once: what they may keep is sent to them plain and depends on no
//! `Accept-Encoding`, so that they keep it once. Clients without an edge, and answers that no edge keeps, get gzip.

use crate::problem::Problem;
use axum::body::{Body, Bytes, HttpBody, to_bytes};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
    VARY, VIA,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use std::io::Write;

/// What is shorter gains nothing.
const BYTES_MIN: u64 = 860;
/// What is longer streams by as it is.
const BYTES_MAX: u64 = 2 * 1024 * 1024;
/// A page of 30 KB takes less than a millisecond; the last percent would take five.
const LEVEL: u32 = 5;
/// Behind the tag of what was compressed, before its closing quote.
const MARK: &str = "-gzip\"";

/// The layer.
pub(crate) async fn compress(mut request: Request, next: Next) -> Response {
    let takes = request.method() == Method::GET && takes_gzip(request.headers());
    let is_for_an_edge = is_for_an_edge(request.headers());
    let has_marked = unmark(request.headers_mut());
    let mut response = next.run(request).await;
    if is_for_an_edge && !has_marked && is_kept(response.headers()) {
        return response;
    }
    if response.status() == StatusCode::NOT_MODIFIED {
        if takes && has_marked {
            mark(response.headers_mut());
        }
        vary(response.headers_mut());
        return response;
    }
    if response.status() != StatusCode::OK || !is_text(response.headers()) {
        return response;
    }
    vary(response.headers_mut());
    let length = response.body().size_hint().exact();
    let is_worth_it = length.is_some_and(|length| (BYTES_MIN..=BYTES_MAX).contains(&length));
    if takes && is_worth_it { compressed(response).await } else { response }
}

async fn compressed(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let plain = match to_bytes(body, BYTES_MAX as usize).await {
        Ok(plain) => plain,
        Err(error) => return Problem::internal(&error).into_response(),
    };
    let Some(packed) = packed(&plain) else { return Response::from_parts(parts, Body::from(plain)) };
    parts.headers.remove(CONTENT_LENGTH);
    parts.headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    mark(&mut parts.headers);
    Response::from_parts(parts, Body::from(packed))
}

fn packed(plain: &[u8]) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(plain.len() / 3), Compression::new(LEVEL));
    encoder.write_all(plain).ok()?;
    Some(encoder.finish().ok()?.into())
}

/// Whether `gzip` is named, or everything, and not with a weight of zero.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let mut any = false;
    for coding in values.flat_map(|value| value.split(',')) {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.trim().parse::<f32>().ok());
        let is_wanted = weight.is_none_or(|weight| weight > 0.0);
        match name.trim() {
            name if name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip") => {
                return is_wanted;
            }
            "*" => any = is_wanted,
            _ => {}
        }
    }
    any
}

/// Whether one of our edges stands between the client and us (RFC 9110, 7.6.3).
fn is_for_an_edge(headers: &HeaderMap) -> bool {
    let values = headers.get_all(VIA).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|hop| hop.split_whitespace().nth(1) == Some(EDGE))
}

/// What edges call themselves.
const EDGE: &str = "sangraha-edge";

/// Whether a shared cache may keep the answer.
fn is_kept(headers: &HeaderMap) -> bool {
    let values = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let mut directives = values.flat_map(|value| value.split(',')).map(str::trim).peekable();
    directives.peek().is_some()
        && directives.all(|directive| {
            !directive.eq_ignore_ascii_case("no-store") && !directive.eq_ignore_ascii_case("private")
        })
}

fn is_text(headers: &HeaderMap) -> bool {
    let media = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default().trim();
    let is_packed = headers.contains_key(CONTENT_ENCODING);
    let ends = ["json", "+xml", "/xml", "javascript", "+json"];
    !is_packed && (media.starts_with("text/") || ends.iter().any(|end| media.ends_with(end)))
}

fn vary(headers: &mut HeaderMap) {
    let named = |value: &HeaderValue| {
        value.to_str().is_ok_and(|value| value.to_ascii_lowercase().contains(ACCEPT_ENCODING.as_str()))
    };
    if !headers.get_all(VARY).iter().any(named) {
        headers.append(VARY, HeaderValue::from_static("accept-encoding"));
    }
}

/// Marks the tag of an answer.
fn mark(headers: &mut HeaderMap) {
    rewrite(headers, &ETAG, |tag| tag.strip_suffix('"').map(|tag| format!("{tag}{MARK}")));
}

/// Takes the marks off the tags that a client has; true where there was one.
fn unmark(headers: &mut HeaderMap) -> bool {
    rewrite(headers, &IF_NONE_MATCH, |tags| tags.contains(MARK).then(|| tags.replace(MARK, "\"")))
}

fn rewrite(headers: &mut HeaderMap, name: &HeaderName, change: impl Fn(&str) -> Option<String>) -> bool {
    let changed = headers.get(name).and_then(|value| change(value.to_str().ok()?));
    let Some(changed) = changed.and_then(|text| HeaderValue::from_str(&text).ok()) else { return false };
    headers.insert(name, changed);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn gzip_is_taken_where_it_is_named_and_not_refused() {
        for (asked, expected) in [
            ("gzip", true),
            ("br, GZIP;q=0.5", true),
            ("deflate, *", true),
            ("*;q=0", false),
            ("gzip;q=0, *", false),
            ("br", false),
            ("", false),
        ] {
            assert_eq!(takes_gzip(&headers(ACCEPT_ENCODING, asked)), expected, "{asked}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }

    #[test]
    fn an_edge_is_known_by_what_it_calls_itself() {
        for (via, expected) in [
            ("1.1 sangraha-edge", true),
            ("1.0 fred, HTTP/1.1 sangraha-edge (a comment)", true),
            ("1.1 sangraha-edges", false),
            ("1.1 varnish", false),
            ("sangraha-edge", false),
            ("", false),
        ] {
            assert_eq!(is_for_an_edge(&headers(VIA, via)), expected, "{via}");
        }
        assert!(!is_for_an_edge(&HeaderMap::new()));
    }

    #[test]
    fn what_no_cache_keeps_is_told_from_what_one_may() {
        for (control, expected) in
            [("public, max-age=60, s-maxage=600", true), ("no-store", false), ("private, max-age=5", false)]
        {
            assert_eq!(is_kept(&headers(CACHE_CONTROL, control)), expected, "{control}");
        }
        assert!(!is_kept(&HeaderMap::new()));
    }

    #[test]
    fn only_texts_are_compressed() {
        for (media, expected) in [
            ("text/html; charset=utf-8", true),
            ("application/json", true),
            ("application/problem+json", true),
            ("image/svg+xml", true),
            ("application/atom+xml", true),
            ("font/woff2", false),
            ("image/webp", false),
        ] {
            assert_eq!(is_text(&headers(CONTENT_TYPE, media)), expected, "{media}");
        }
    }

    #[test]
    fn a_tag_gets_its_mark_and_loses_it() {
        let mut tags = headers(ETAG, "\"abc\"");
        mark(&mut tags);
        assert_eq!(tags[ETAG], "\"abc-gzip\"");
        let mut asked = headers(IF_NONE_MATCH, "\"abc-gzip\", W/\"d\"");
        assert!(unmark(&mut asked));
        assert_eq!(asked[IF_NONE_MATCH], "\"abc\", W/\"d\"");
        assert!(!unmark(&mut asked));
    }

    #[test]
    fn what_is_packed_is_smaller_and_begins_as_gzip_does() {
        let plain = "vātāpi gaṇapatiṁ ".repeat(100);
        let packed = packed(plain.as_bytes()).unwrap();
        assert!(packed.len() < plain.len() / 4 && packed.starts_with(&[0x1f, 0x8b]));
    }
}
