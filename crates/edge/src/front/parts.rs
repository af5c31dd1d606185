//! Parts of a body: one as 206, several as `multipart/byteranges` (RFC 9110, section 14.6).

use crate::origin::pieces::Segment;
use crate::policy::range::Portion;
use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http::header::{self, HeaderMap, HeaderValue};
use std::ops::Range;

/// The status and the body for what was asked of `body`, with `headers` made to fit.
pub(super) fn cut(
    asked: Portion,
    status: StatusCode,
    headers: &mut HeaderMap,
    body: &Bytes,
    request_id: &HeaderValue,
) -> (StatusCode, Bytes) {
    if asked == Portion::Whole {
        return (status, body.clone());
    }
    let (status, segments) = plan(asked, status, headers, body.len() as u64, request_id);
    let piece = |segment: &Segment| match segment {
        Segment::Text(text) => text.clone(),
        Segment::Part(part) => slice(body, part),
    };
    match segments.as_slice() {
        [one] => (status, piece(one)),
        several => {
            let mut joined = BytesMut::new();
            several.iter().for_each(|segment| joined.extend_from_slice(&piece(segment)));
            (status, joined.freeze())
        }
    }
}

/// The status for what was asked of a body of `length` bytes and what its answer consists of, with `headers` made to
/// fit.
pub(super) fn plan(
    asked: Portion,
    status: StatusCode,
    headers: &mut HeaderMap,
    length: u64,
    request_id: &HeaderValue,
) -> (StatusCode, Vec<Segment>) {
    match asked {
        Portion::Whole => (status, vec![Segment::Part(0..length)]),
        Portion::Unsatisfiable => {
            set(headers, &header::CONTENT_RANGE, format!("bytes */{length}"));
            headers.remove(header::CONTENT_TYPE);
            set(headers, &header::CONTENT_LENGTH, "0".to_owned());
            (StatusCode::RANGE_NOT_SATISFIABLE, Vec::new())
        }
        Portion::Parts(parts) => match parts.as_slice() {
            [part] => {
                set(headers, &header::CONTENT_RANGE, content_range(part, length));
                set(headers, &header::CONTENT_LENGTH, (part.end - part.start).to_string());
                (StatusCode::PARTIAL_CONTENT, vec![Segment::Part(part.clone())])
            }
            parts => (StatusCode::PARTIAL_CONTENT, several(parts, headers, length, request_id)),
        },
    }
}

/// The request's id parts them: nobody knew it when the body was made.
fn several(
    parts: &[Range<u64>],
    headers: &mut HeaderMap,
    length: u64,
    request_id: &HeaderValue,
) -> Vec<Segment> {
    let boundary = request_id.to_str().unwrap_or("part");
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = kind.map_or(String::new(), |kind| format!("content-type: {kind}\r\n"));
    let mut segments = Vec::with_capacity(2 * parts.len() + 1);
    for part in parts {
        let range = content_range(part, length);
        let head = format!("\r\n--{boundary}\r\n{kind}content-range: {range}\r\n\r\n");
        segments.extend([Segment::Text(head.into()), Segment::Part(part.clone())]);
    }
    segments.push(Segment::Text(format!("\r\n--{boundary}--\r\n").into()));
    set(headers, &header::CONTENT_TYPE, format!("multipart/byteranges; boundary={boundary}"));
    let bytes: u64 = segments.iter().map(Segment::length).sum();
    set(headers, &header::CONTENT_LENGTH, bytes.to_string());
    segments
}

fn content_range(part: &Range<u64>, length: u64) -> String {
    format!("bytes {}-{}/{length}", part.start, part.end - 1)
}

/// The policy keeps parts within the body; the bounds make this total.
fn slice(body: &Bytes, part: &Range<u64>) -> Bytes {
    let at = |place: u64| usize::try_from(place).unwrap_or(usize::MAX).min(body.len());
    body.slice(at(part.start)..at(part.end).max(at(part.start)))
}

fn set(headers: &mut HeaderMap, name: &header::HeaderName, text: String) {
    if let Ok(value) = HeaderValue::try_from(text) {
        headers.insert(name, value);
    }
}
