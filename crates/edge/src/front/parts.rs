//! Parts of a body that is held whole: one as 206, several as `multipart/byteranges` (RFC 9110, section 14.6).

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
    let length = body.len();
    match asked {
        Portion::Whole => (status, body.clone()),
        Portion::Unsatisfiable => {
            set(headers, &header::CONTENT_RANGE, format!("bytes */{length}"));
            headers.remove(header::CONTENT_TYPE);
            set(headers, &header::CONTENT_LENGTH, "0".to_owned());
            (StatusCode::RANGE_NOT_SATISFIABLE, Bytes::new())
        }
        Portion::Parts(parts) => match parts.as_slice() {
            [part] => {
                set(headers, &header::CONTENT_RANGE, content_range(part, length));
                set(headers, &header::CONTENT_LENGTH, (part.end - part.start).to_string());
                (StatusCode::PARTIAL_CONTENT, slice(body, part))
            }
            parts => (StatusCode::PARTIAL_CONTENT, several(parts, headers, body, request_id)),
        },
    }
}

/// The request's id parts them: nobody knew it when the body was made.
fn several(parts: &[Range<u64>], headers: &mut HeaderMap, body: &Bytes, request_id: &HeaderValue) -> Bytes {
    let boundary = request_id.to_str().unwrap_or("part");
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = kind.map_or(String::new(), |kind| format!("content-type: {kind}\r\n"));
    let mut joined = BytesMut::new();
    for part in parts {
        let range = content_range(part, body.len());
        let head = format!("\r\n--{boundary}\r\n{kind}content-range: {range}\r\n\r\n");
        joined.extend_from_slice(head.as_bytes());
        joined.extend_from_slice(&slice(body, part));
    }
    joined.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    set(headers, &header::CONTENT_TYPE, format!("multipart/byteranges; boundary={boundary}"));
    set(headers, &header::CONTENT_LENGTH, joined.len().to_string());
    joined.freeze()
}

fn content_range(part: &Range<u64>, length: usize) -> String {
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
