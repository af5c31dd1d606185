//! The same body in fewer bytes: br, zstd and gzip, each made once, away from the path of requests.
//!
//! Only what an origin sent plain, and what is text: pictures and archives are dense already. Until a coding is made
//! clients get the plain body, which is right too.

use crate::policy::tokens;
use crate::policy::vary::CODINGS;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::StatusCode;
use http::header::{self, HeaderMap, HeaderValue};
use std::io::Write;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};

/// A shorter body fits into one packet as it is.
const BYTES_MIN: usize = 1_024;

/// The codings of one body.
#[derive(Debug, Default)]
pub(crate) struct Encoded {
    /// `None` inside where the coding saves too little.
    made: [OnceLock<Option<Bytes>>; CODINGS.len()],
    claimed: AtomicU8,
}

/// Where a coding stands.
pub(crate) enum State {
    Ready(Bytes),
    /// It was tried and saves nothing.
    Useless,
    Missing,
}

impl Encoded {
    pub(crate) fn state(&self, coding: usize) -> State {
        match self.made[coding].get() {
            Some(Some(body)) => State::Ready(body.clone()),
            Some(None) => State::Useless,
            None => State::Missing,
        }
    }

    /// True for exactly one asker, who makes it.
    pub(crate) fn claim(&self, coding: usize) -> bool {
        let bit = 1 << coding;
        self.claimed.fetch_or(bit, Ordering::Relaxed) & bit == 0
    }

    /// Makes one: takes milliseconds of a processor.
    pub(crate) fn make(&self, coding: usize, plain: &[u8]) {
        self.made[coding].get_or_init(|| encode(coding, plain).filter(|body| saves(body.len(), plain.len())));
    }
}

/// A tenth at least: less is not worth the memory.
const fn saves(coded: usize, plain: usize) -> bool {
    coded * 10 <= plain * 9
}

/// Whether a response should be offered in other codings.
pub(crate) fn is_worth(status: StatusCode, headers: &HeaderMap, body: &Bytes) -> bool {
    let text = |value: &HeaderValue| value.to_str().is_ok_and(is_text);
    let untouchable = tokens(headers, header::CACHE_CONTROL)
        .any(|directive| directive.eq_ignore_ascii_case("no-transform"));
    status == StatusCode::OK
        && body.len() >= BYTES_MIN
        && !headers.contains_key(header::CONTENT_ENCODING)
        && headers.get(header::CONTENT_TYPE).is_some_and(text)
        && !untouchable
}

fn is_text(kind: &str) -> bool {
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    const TEXT: [&str; 7] = [
        "application/json",
        "application/javascript",
        "application/xml",
        "application/wasm",
        "application/manifest+json",
        "image/svg+xml",
        "application/ld+json",
    ];
    kind.starts_with("text/")
        || TEXT.contains(&kind.as_str())
        || kind.ends_with("+json")
        || kind.ends_with("+xml")
}

fn encode(coding: usize, plain: &[u8]) -> Option<Bytes> {
    /// Levels at which another one costs more than it saves.
    const BROTLI: i32 = 5;
    const ZSTD: i32 = 6;
    let mut coded = Vec::with_capacity(plain.len() / 2);
    match *CODINGS.get(coding)? {
        "br" => {
            let params = brotli::enc::BrotliEncoderParams {
                quality: BROTLI,
                size_hint: plain.len(),
                ..Default::default()
            };
            brotli::BrotliCompress(&mut &plain[..], &mut coded, &params).ok()?;
        }
        "zstd" => coded = zstd::bulk::compress(plain, ZSTD).ok()?,
        _ => {
            let mut encoder = GzEncoder::new(coded, Compression::default());
            encoder.write_all(plain).ok()?;
            coded = encoder.finish().ok()?;
        }
    }
    Some(coded.into())
}

/// Makes the fields of the plain response those of a coding.
pub(crate) fn dress(headers: &mut HeaderMap, coding: usize, length: usize) {
    let Some(name) = CODINGS.get(coding) else { return };
    headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
    headers.insert(header::CONTENT_LENGTH, length.into());
    // Other bytes need another strong tag.
    let tag =
        headers.get(header::ETAG).and_then(|tag| tag.to_str().ok()?.strip_suffix('"').map(str::to_owned));
    if let Some(tag) = tag.and_then(|tag| HeaderValue::try_from(format!("{tag}-{name}\"")).ok()) {
        headers.insert(header::ETAG, tag);
    }
}

/// Says to caches behind us that the answer depends on what the client decodes.
pub(crate) fn mark(headers: &mut HeaderMap) {
    let known = tokens(headers, header::VARY)
        .any(|token| token == "*" || token.eq_ignore_ascii_case("accept-encoding"));
    if !known {
        headers.append(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    fn fields(kind: &str, more: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, kind.parse().unwrap());
        for (name, value) in more {
            headers.insert(*name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn text_of_some_length_is_worth_it() {
        let body = Bytes::from(vec![b'a'; BYTES_MIN]);
        let worth = |headers: &HeaderMap| is_worth(StatusCode::OK, headers, &body);
        for kind in
            ["text/html; charset=utf-8", "application/json", "image/svg+xml", "application/problem+json"]
        {
            assert!(worth(&fields(kind, &[])), "{kind}");
        }
        for kind in ["image/png", "application/octet-stream", "font/woff2", ""] {
            assert!(!worth(&fields(kind, &[])), "{kind}");
        }
        assert!(!worth(&fields("text/html", &[("content-encoding", "gzip")])));
        assert!(!worth(&fields("text/html", &[("cache-control", "no-transform")])));
        assert!(!is_worth(StatusCode::NOT_FOUND, &fields("text/html", &[]), &body));
        assert!(!is_worth(StatusCode::OK, &fields("text/html", &[]), &body.slice(1..)));
    }

    #[test]
    fn what_is_made_can_be_read_back() {
        let plain = "a raga is more than its scale; ".repeat(100);
        let encoded = Encoded::default();
        for (coding, name) in CODINGS.iter().enumerate() {
            encoded.make(coding, plain.as_bytes());
            let State::Ready(body) = encoded.state(coding) else { panic!("{name}") };
            let mut read = String::new();
            match *name {
                "br" => brotli::Decompressor::new(&body[..], 4_096).read_to_string(&mut read).unwrap(),
                "zstd" => zstd::Decoder::new(&body[..]).unwrap().read_to_string(&mut read).unwrap(),
                _ => flate2::read::GzDecoder::new(&body[..]).read_to_string(&mut read).unwrap(),
            };
            assert_eq!(read, plain, "{name}");
        }
    }

    #[test]
    fn what_saves_nothing_is_not_kept() {
        let mut state = 1_u64;
        let noise: Vec<u8> = (0..4_096)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 56) as u8
            })
            .collect();
        let encoded = Encoded::default();
        encoded.make(2, &noise);
        assert!(matches!(encoded.state(2), State::Useless) && matches!(encoded.state(0), State::Missing));
        assert!(encoded.claim(0) && !encoded.claim(0));
    }

    #[test]
    fn other_bytes_have_another_tag() {
        let mut headers = fields("text/html", &[("etag", "W/\"v1\""), ("content-length", "9")]);
        dress(&mut headers, 0, 5);
        mark(&mut headers);
        mark(&mut headers);
        assert_eq!(
            (&headers["etag"], &headers["content-length"]),
            (&"W/\"v1-br\"".parse().unwrap(), &5.into())
        );
        assert_eq!(headers.get_all("vary").iter().count(), 1);
    }
}
