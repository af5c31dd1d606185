//! Bodies that are too long to be kept whole are kept in pieces of one size, each asked for by a range of its own:
//! which responses can be, and whether an answer is the piece that was asked for (RFC 9110, sections 14 and 15.3.7;
//! RFC 9111, sections 3.3 and 3.4).

use super::tokens;
use super::validate::is_strong;
use http::StatusCode;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use std::ops::Range;

/// The most pieces of one body; a longer one passes through.
pub(crate) const SLICES_MAX: u64 = 16_384;

/// The length of a whole response that can be kept in pieces: its origin says that it takes ranges, how long it is,
/// and by a strong tag which bytes they are. Without that tag nobody could tell pieces of two versions apart.
pub(crate) fn divisible(
    status: StatusCode,
    headers: &HeaderMap,
    length: Option<u64>,
    slice_bytes: u64,
) -> Option<u64> {
    let takes_ranges = tokens(headers, header::ACCEPT_RANGES).any(|unit| unit.eq_ignore_ascii_case("bytes"));
    let named = only(headers, &header::ETAG).is_some_and(is_strong);
    let fits = |length: &u64| (1..=slice_bytes.saturating_mul(SLICES_MAX)).contains(length);
    length.filter(fits).filter(|_| status == StatusCode::OK && takes_ranges && named)
}

/// Bytes of a body with this length in all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) bytes: Range<u64>,
    pub(crate) total: u64,
}

impl Piece {
    /// The value of `Range` that asks for it.
    pub(crate) fn asked(&self) -> HeaderValue {
        let text = format!("bytes={}-{}", self.bytes.start, self.bytes.end.saturating_sub(1));
        HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("bytes=0-0"))
    }

    pub(crate) const fn length(&self) -> u64 {
        self.bytes.end - self.bytes.start
    }
}

/// Why an answer is not the piece that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Misfit {
    /// There is another version now, or none.
    Changed,
    /// It is no piece, or another one, or of what cannot be told: its origin does not keep what it announced.
    Unfit,
    /// The origin refused this request; that says nothing about what is kept.
    Refused,
}

/// Whether an answer with this head is the `piece` of the response with the fields `whole`.
pub(crate) fn fits(
    status: StatusCode,
    headers: &HeaderMap,
    whole: &HeaderMap,
    piece: &Piece,
) -> Result<(), Misfit> {
    let tag = only(headers, &header::ETAG);
    let another = tag.is_some() && tag != whole.get(header::ETAG);
    match status {
        StatusCode::PARTIAL_CONTENT | StatusCode::OK if another => Err(Misfit::Changed),
        StatusCode::PARTIAL_CONTENT if is_piece(headers, whole, piece) && tag.is_some() => Ok(()),
        StatusCode::NOT_FOUND | StatusCode::GONE | StatusCode::PRECONDITION_FAILED => Err(Misfit::Changed),
        StatusCode::RANGE_NOT_SATISFIABLE if another || is_shorter(headers, piece) => Err(Misfit::Changed),
        StatusCode::RANGE_NOT_SATISFIABLE => Err(Misfit::Unfit),
        status if status.is_redirection() && status != StatusCode::NOT_MODIFIED => Err(Misfit::Changed),
        status if status.is_client_error() || status.is_server_error() => Err(Misfit::Refused),
        _ => Err(Misfit::Unfit),
    }
}

fn is_piece(headers: &HeaderMap, whole: &HeaderMap, piece: &Piece) -> bool {
    let coding = |headers: &HeaderMap| headers.get(header::CONTENT_ENCODING).cloned();
    let range = only(headers, &header::CONTENT_RANGE).and_then(content_range);
    range == Some((Some(piece.bytes.clone()), piece.total)) && coding(headers) == coding(whole)
}

/// Whether a 416 says that the body has another length by now.
fn is_shorter(headers: &HeaderMap, piece: &Piece) -> bool {
    let range = only(headers, &header::CONTENT_RANGE).and_then(content_range);
    range.is_some_and(|(_, total)| total != piece.total)
}

/// `bytes 0-9/100`, or `bytes */100`; `None` where it cannot be read or leaves the length open.
fn content_range(value: &HeaderValue) -> Option<(Option<Range<u64>>, u64)> {
    let (unit, rest) = value.to_str().ok()?.trim().split_once(' ')?;
    let (range, total) = rest.trim().split_once('/')?;
    let total = digits(total)?;
    if !unit.eq_ignore_ascii_case("bytes") {
        return None;
    }
    if range == "*" {
        return Some((None, total));
    }
    let (first, last) = range.split_once('-')?;
    let (first, last) = (digits(first)?, digits(last)?);
    (first <= last && last < total).then(|| (Some(first..last + 1), total))
}

fn digits(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

/// The value of a field that is there once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    let mut lines = headers.get_all(name).iter();
    lines.next().filter(|_| lines.next().is_none())
}
