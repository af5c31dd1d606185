//! What holds for every input, as small pure functions for the fuzz targets in `fuzz/` and a replay of their seeds.
//!
//! An input is text of HTTP's kind: a request line and fields, an empty line, fields of an answer. Each function
//! returns or panics; a panic is a finding.

use crate::config::Config;
use crate::front::strict::{self, Trail};
use crate::policy::control::{Control, Demand};
use crate::policy::date::date;
use crate::policy::freshness::{Moment, Use};
use crate::policy::range::{PARTS_MAX, Portion, portion};
use crate::policy::slices::{self, Piece};
use crate::policy::store::{Exchange, admit};
use crate::policy::validate::{confirms, merge, not_modified};
use crate::policy::vary::{Encodings, Variant};
use crate::policy::{Profile, invalidate, split_unquoted};
use crate::store::key::{Key, Spelling, path_normalise};
use domain::purge::PurgeBatch;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, Request, StatusCode, Version};
use std::hash::RandomState;
use std::net::IpAddr;

/// Monday, 23 Nov 2026.
const NOW_S: u64 = 1_795_392_000;

/// Fields as they stand, without those that no parser lets through.
fn fields(text: &[u8]) -> HeaderMap {
    const FIELDS_MAX: usize = 200;
    let pair = |line: &[u8]| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let name = HeaderName::from_bytes(&line[..colon]).ok()?;
        Some((name, HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?))
    };
    let mut fields = HeaderMap::new();
    for (name, value) in text.split(|byte| *byte == b'\n').filter_map(pair).take(FIELDS_MAX) {
        fields.append(name, value);
    }
    fields
}

/// `GET /path HTTP/1.1` and fields.
fn head(text: &[u8]) -> Option<Parts> {
    let end = text.iter().position(|byte| *byte == b'\n').unwrap_or(text.len());
    let mut words = text[..end].split(|byte| *byte == b' ');
    let method = Method::from_bytes(words.next()?).ok()?;
    let target = words.next()?;
    let version = if words.next() == Some(b"HTTP/2") { Version::HTTP_2 } else { Version::HTTP_11 };
    let request = Request::builder().method(method).uri(target).version(version).body(()).ok()?;
    let mut head = request.into_parts().0;
    head.headers = fields(&text[end..]);
    Some(head)
}

fn halves(text: &[u8]) -> (&[u8], &[u8]) {
    match text.windows(2).position(|two| two == b"\n\n") {
        Some(at) => (&text[..at], &text[at + 2..]),
        None => (text, &[]),
    }
}

/// What the strict layer lets through has one host, one framing, and nothing of this connection.
pub fn strict(text: &[u8]) {
    let Some(head) = head(text) else { return };
    let Ok(host) = strict::check(&head, &Config::default()) else { return };
    assert!(
        !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_graphic() && !b"/@?#,".contains(&byte))
    );
    assert!(head.headers.get_all(header::HOST).iter().count() <= 1);
    assert!(head.headers.get_all(header::CONTENT_LENGTH).iter().count() <= 1);
    let host = HeaderValue::try_from(host).expect("a checked host is a value");
    let trail = Trail {
        request_id: HeaderValue::from_static("id"),
        host: host.clone(),
        client: IpAddr::from([127, 0, 0, 1]),
        secure: false,
    };
    let sent = strict::forwarded_whole(&head.headers, &trail);
    for name in ["connection", "transfer-encoding", "te", "upgrade", "keep-alive", "trailer", "forwarded"] {
        assert!(!sent.contains_key(name), "{name}");
    }
    assert!(sent.get_all(header::HOST).iter().eq([&host]));
    assert!(sent.get_all(header::COOKIE).iter().count() <= 1);
    let named: Vec<&str> = crate::policy::tokens(&head.headers, header::CONNECTION).collect();
    let ours =
        |name: &str| sent.contains_key(name) && !OURS.iter().any(|ours| name.eq_ignore_ascii_case(ours));
    assert!(!named.into_iter().any(ours));
}

/// Fields that the edge writes itself, whatever a client says of them.
const OURS: [&str; 6] =
    ["host", "via", "x-request-id", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"];

/// A key is a fixed point, and what the origin is asked for is what the key says.
pub fn key(text: &[u8]) {
    let Some(head) = head(text) else { return };
    let hasher = RandomState::new();
    for spelling in [Spelling::Canonical, Spelling::Faithful] {
        let query = head.uri.query();
        let Some(path) = path_normalise(head.uri.path(), spelling) else { continue };
        assert!(path.starts_with('/') && !path.contains("/../") && !path.contains("/./"), "{path}");
        let again = path_normalise(&path, spelling).expect("what is normal can be read");
        assert_eq!(path, again);
        let Some(key) = Key::new(false, "H.test:80", &path, query, spelling, &hasher) else { continue };
        assert_eq!(key.host(), "h.test");
        let target = key.target().expect("a key is a target");
        let twin = path_normalise(target.path(), spelling)
            .and_then(|path| Key::new(false, "h.test", &path, target.query(), spelling, &hasher));
        let twin = twin.expect("a target has a key");
        assert_eq!((key.text(), key.hash), (twin.text(), twin.hash));
    }
}

/// The whole decision: what is forbidden is never kept, and a kept answer is judged without contradiction.
pub fn policy(text: &[u8]) {
    let (asked, answer) = halves(text);
    let (asked, headers) = (fields(asked), fields(answer));
    let number = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()?.parse::<u16>().ok());
    let status = number("status").and_then(|code| StatusCode::from_u16(code).ok()).unwrap_or(StatusCode::OK);
    let exchange =
        Exchange { asked: &asked, status, headers: &headers, sent_s: NOW_S, received_s: NOW_S + 1 };
    for profile in [Profile::RFC, Profile::READERS] {
        let variant = Variant::of(&asked, &headers, &profile);
        if let Ok(variant) = &variant {
            assert!(variant.answers(&asked), "an answer fits its own question");
        }
        let Ok(admission) = admit(&exchange, &profile) else { continue };
        let control = Control::of(&headers, profile.targets);
        assert!(!control.no_store || control.must_understand);
        assert!(!control.private.is_whole() && !status.is_informational());
        let freshness = admission.freshness;
        let demand = Demand::of(&asked);
        for age_s in
            [freshness.age_s, freshness.lifetime_s, freshness.lifetime_s.saturating_add(1), u64::MAX / 4]
        {
            let moment = Moment { age_s, resident_s: 0, tagged: true, blind: false };
            let plain = freshness.judge(moment, None, &profile);
            assert!(!matches!(plain, Use::Fresh { ttl_s } if ttl_s <= 0), "what is fresh has time left");
            assert!(!(freshness.never_stale && matches!(plain, Use::WhileRevalidate { .. })));
            freshness.judge(moment, Some(&demand), &profile);
            assert!(!freshness.never_stale || age_s < freshness.lifetime_s || !freshness.covers_error(age_s));
        }
        let merged = merge(&headers, &asked);
        assert_eq!(merge(&merged, &asked), merged, "a 304 that comes twice changes nothing");
        confirms(&headers, &asked);
        not_modified(&asked, &headers, NOW_S);
    }
}

/// A part lies within the whole, parts are few and together no more than it; a piece is what was asked for.
pub fn range(text: &[u8]) {
    let (asked, answer) = halves(text);
    let (asked, stored) = (fields(asked), fields(answer));
    let piece = Piece { bytes: 0..10, total: 100 };
    if slices::fits(StatusCode::PARTIAL_CONTENT, &asked, &stored, &piece).is_ok() {
        assert_eq!(asked.get(header::ETAG), stored.get(header::ETAG));
        assert!(asked.get(header::CONTENT_RANGE).is_some_and(|range| range.as_bytes().ends_with(b"0-9/100")));
    }
    for length in [0, 1, 10, 100_000, u64::MAX] {
        let Portion::Parts(parts) = portion(&asked, &stored, length, NOW_S) else { continue };
        assert!((1..=PARTS_MAX).contains(&parts.len()));
        assert!(
            parts.iter().all(|part| part.start < part.end && part.end <= length),
            "{parts:?} of {length}"
        );
        let sum: u128 = parts.iter().map(|part| u128::from(part.end - part.start)).sum();
        assert!(sum <= u128::from(length) || parts.len() == 1);
    }
}

/// Fields with a grammar are read to the end or not at all.
pub fn structured(text: &[u8]) {
    let headers = fields(text);
    for targets in [&[][..], Profile::RFC.targets] {
        let control = Control::of(&headers, targets);
        assert_eq!(control.targeted, control.targeted && !targets.is_empty());
        assert!(control.withheld().count() <= 1_000 * headers.len().max(1));
    }
    Demand::of(&headers);
    Encodings::of(&headers);
    for value in headers.values() {
        date(value, NOW_S);
        let text = value.to_str().unwrap_or_default();
        assert!(split_unquoted(text).all(|part| !part.is_empty()));
    }
    let target = "/a/b?c".parse().expect("a target");
    assert!(invalidate::also("h", &target, &headers).len() <= 2 * headers.len().max(1));
}

/// What names purges is read or refused.
pub fn purge(text: &[u8]) {
    let headers = fields(text);
    for tag in crate::front::purging::tags(&headers).unwrap_or_default() {
        assert!(!tag.is_empty() && !tag.contains(|c: char| c.is_ascii_whitespace()));
    }
    if let Ok(batch) = serde_json::from_slice::<PurgeBatch>(text) {
        let again = serde_json::to_vec(&batch).expect("a batch can be written");
        let again: PurgeBatch = serde_json::from_slice(&again).expect("and read again");
        assert_eq!(again.position, batch.position);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::path::Path;

    type Target = fn(&[u8]);

    const TARGETS: [(&str, Target); 6] = [
        ("strict", strict),
        ("key", key),
        ("policy", policy),
        ("range", range),
        ("structured", structured),
        ("purge", purge),
    ];

    #[test]
    fn the_seeds_hold() {
        for (name, target) in TARGETS {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(name);
            let seeds: Vec<_> = std::fs::read_dir(&folder).unwrap().collect();
            assert!(!seeds.is_empty(), "{name} has seeds");
            for seed in seeds {
                target(&std::fs::read(seed.unwrap().path()).unwrap());
            }
        }
    }

    proptest! {
        #[test]
        fn any_bytes_hold(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            TARGETS.iter().for_each(|(_, target)| target(&bytes));
        }

        #[test]
        fn words_of_http_hold(words in proptest::collection::vec(proptest::sample::select(WORDS), 0..40)) {
            let text = words.concat();
            TARGETS.iter().for_each(|(_, target)| target(text.as_bytes()));
        }
    }

    const WORDS: &[&str] = &[
        "GET ",
        "/a",
        "/../b",
        "%2e",
        "%2F",
        "?a=b",
        "&",
        " HTTP/1.1",
        "\n",
        "\n\n",
        "host: h",
        "cache-control: ",
        "max-age=",
        "1",
        "99999999999999999999",
        "no-store",
        "private=\"a\"",
        ", ",
        ";",
        "range: bytes=",
        "-",
        "0-0",
        "vary: accept-language",
        "accept-language: de;q=0.1",
        "etag: \"x\"",
        "if-none-match: W/\"x\"",
        "expires: 0",
        "cdn-cache-control: max-age=5;a",
        "connection: via, host",
        "transfer-encoding: chunked",
        "surrogate-key: a b",
        "stale-while-revalidate=9",
        "must-revalidate",
        "status: 503",
        "age: 7",
        "=",
        "\"",
        "cookie: a",
    ];
}
