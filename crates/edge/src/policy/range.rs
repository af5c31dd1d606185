//! Parts of a stored response (RFC 9110, section 14).

use super::date::date;
use http::header::{self, HeaderMap};
use std::ops::Range;

/// The most parts of one answer; who asks for more gets the whole.
pub(crate) const PARTS_MAX: usize = 16;

/// What of a complete response is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Portion {
    Whole,
    /// In the order of the request; one or several.
    Parts(Vec<Range<u64>>),
    /// No byte of it fits.
    Unsatisfiable,
}

/// What a request asks of a complete 200 of `length` bytes.
pub(crate) fn portion(asked: &HeaderMap, stored: &HeaderMap, length: u64, now_s: u64) -> Portion {
    let mut lines = asked.get_all(header::RANGE).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else { return Portion::Whole };
    if !is_same_version(asked, stored, now_s) {
        return Portion::Whole;
    }
    line.to_str().ok().and_then(|text| parse(text, length)).unwrap_or(Portion::Whole)
}

/// `None` where the field is not understood, which means that it is ignored.
fn parse(text: &str, length: u64) -> Option<Portion> {
    let (unit, ranges) = text.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let mut parts = Vec::new();
    let mut specs = 0;
    for spec in ranges.split(',').map(str::trim).filter(|spec| !spec.is_empty()) {
        specs += 1;
        if specs > PARTS_MAX {
            return None;
        }
        parts.extend(one(spec, length)?);
    }
    match (specs, parts.is_empty()) {
        (0, _) => None,
        (_, true) => Some(Portion::Unsatisfiable),
        // Ranges that repeat each other cost more than the whole, and ask for it only to hurt.
        _ if parts.len() > 1 && bytes_of(&parts) > u128::from(length) => Some(Portion::Whole),
        _ => Some(Portion::Parts(parts)),
    }
}

/// Of all parts together; those that repeat each other can be more than any body.
fn bytes_of(parts: &[Range<u64>]) -> u128 {
    parts.iter().map(|part| u128::from(part.end - part.start)).sum()
}

/// The outer option: whether it is a range at all; the inner: whether any byte is in it.
fn one(spec: &str, length: u64) -> Option<Option<Range<u64>>> {
    let (first, last) = spec.split_once('-')?;
    let (first, last) = (first.trim(), last.trim());
    if first.is_empty() {
        let suffix = digits(last)?.min(length);
        return Some((suffix > 0).then(|| length - suffix..length));
    }
    let first = digits(first)?;
    let end = if last.is_empty() { length } else { digits(last)?.saturating_add(1) };
    if end <= first && !last.is_empty() {
        return None;
    }
    Some((first < length).then(|| first..end.min(length)))
}

fn digits(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().unwrap_or(u64::MAX))
}

/// `If-Range`: only what is surely the same version may be sent in parts. A weak tag never is; a date is where it is
/// the very `Last-Modified` and was a minute old when the response was made.
fn is_same_version(asked: &HeaderMap, stored: &HeaderMap, now_s: u64) -> bool {
    const SETTLED_S: u64 = 60;
    let Some(condition) = asked.get(header::IF_RANGE) else { return true };
    let text = condition.to_str().unwrap_or_default().trim();
    if text.starts_with('"') || text.starts_with("W/") {
        return !text.starts_with("W/")
            && stored.get(header::ETAG).is_some_and(|etag| etag.as_bytes() == text.as_bytes());
    }
    let when = |name| stored.get(name).and_then(|value| date(value, now_s));
    match (date(condition, now_s), when(header::LAST_MODIFIED), when(header::DATE)) {
        (Some(asked), Some(modified), Some(made)) => asked == modified && made >= modified + SETTLED_S,
        _ => false,
    }
}
