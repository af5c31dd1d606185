//! Validation (RFC 9111, section 4.3; RFC 9110, section 13).

use super::{NOW_S, fields};
use crate::policy::validate::{conditionals, confirms, head_agrees, is_failure, merge, not_modified};

pub(super) const ROWS: usize = ASKED.len() + MERGED.len() + CONFIRMED.len() + CURRENT.len() + HEADS.len();

const ASKED: [(&str, &[(&str, &str)]); 4] = [
    ("etag: \"a\"", &[("if-none-match", "\"a\"")]),
    ("etag: W/\"a\"", &[("if-none-match", "W/\"a\"")]),
    ("last-modified: x", &[("if-modified-since", "x")]),
    ("etag: \"a\"\nlast-modified: x", &[("if-none-match", "\"a\""), ("if-modified-since", "x")]),
];

/// A stored field, the one of the 304, and the one that is kept.
const MERGED: [(&str, &str, &str); 9] = [
    ("x-a: 1", "x-a: 2", "x-a: 2"),
    ("x-a: 1", "", "x-a: 1"),
    ("", "x-a: 2", "x-a: 2"),
    ("cache-control: max-age=1", "cache-control: max-age=9", "cache-control: max-age=9"),
    ("x-a: 1\nx-a: 2", "x-a: 3", "x-a: 3"),
    ("content-type: a/b", "content-type: c/d", "content-type: a/b"),
    ("content-length: 7", "content-length: 0", "content-length: 7"),
    ("content-encoding: br", "content-encoding: gzip", "content-encoding: br"),
    ("content-range: bytes 0-1/2", "content-range: bytes 0-0/2", "content-range: bytes 0-1/2"),
];

const CONFIRMED: [(&str, &str, bool); 8] = [
    ("etag: \"a\"", "", true),
    ("etag: \"a\"", "etag: \"a\"", true),
    ("etag: \"a\"", "etag: W/\"a\"", true),
    ("etag: \"a\"", "etag: \"b\"", false),
    ("", "etag: \"b\"", false),
    ("last-modified: x", "last-modified: x", true),
    ("last-modified: x", "last-modified: y", false),
    ("etag: \"a\"\nlast-modified: x", "etag: \"a\"\nlast-modified: y", true),
];

const STORED: &str = "etag: \"a\"\nlast-modified: Sun, 06 Nov 1994 08:49:37 GMT";
const DATED: &str = "date: Sun, 06 Nov 1994 08:49:37 GMT";

const CURRENT: [(&str, &str, bool); 15] = [
    (STORED, "", false),
    (STORED, "if-none-match: \"a\"", true),
    (STORED, "if-none-match: W/\"a\"", true),
    (STORED, "if-none-match: \"b\", \"a\"", true),
    (STORED, "if-none-match: \"b\"\nif-none-match: \"a\"", true),
    (STORED, "if-none-match: *", true),
    (STORED, "if-none-match: \"b\"", false),
    (STORED, "if-none-match: \"b\"\nif-modified-since: Sun, 06 Nov 1994 08:49:37 GMT", false),
    (STORED, "if-modified-since: Sun, 06 Nov 1994 08:49:37 GMT", true),
    (STORED, "if-modified-since: Sunday, 06-Nov-94 08:49:38 GMT", true),
    (STORED, "if-modified-since: Sun, 06 Nov 1994 08:49:36 GMT", false),
    (STORED, "if-modified-since: yesterday", false),
    (DATED, "if-modified-since: Sun, 06 Nov 1994 08:49:37 GMT", true),
    (DATED, "if-none-match: \"a\"", false),
    (DATED, "if-none-match: *", true),
];

const HEADS: [(&str, &str, bool); 5] = [
    ("content-length: 7\netag: \"a\"", "content-length: 7\netag: \"a\"", true),
    ("content-length: 7\netag: \"a\"", "x-a: 1", true),
    ("content-length: 7\netag: \"a\"", "content-length: 8", false),
    ("content-length: 7\netag: \"a\"", "content-length: 7\netag: \"b\"", false),
    ("content-length: 7", "last-modified: x", false),
];

#[test]
fn the_origin_is_asked_with_every_validator() {
    for (stored, expected) in ASKED {
        let asked: Vec<(String, String)> = conditionals(&fields(stored))
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        let expected: Vec<(String, String)> =
            expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        assert_eq!(asked, expected, "{stored}");
    }
}

#[test]
fn a_304_replaces_fields_but_not_those_of_the_body() {
    for (stored, update, expected) in MERGED {
        assert_eq!(merge(&fields(stored), &fields(update)), fields(expected), "{stored} / {update}");
    }
}

#[test]
fn a_304_of_another_version_confirms_nothing() {
    for (stored, update, expected) in CONFIRMED {
        assert_eq!(confirms(&fields(stored), &fields(update)), expected, "{stored} / {update}");
    }
}

#[test]
fn clients_conditionals_are_answered_from_what_is_stored() {
    for (stored, asked, expected) in CURRENT {
        assert_eq!(not_modified(&fields(asked), &fields(stored), NOW_S), expected, "{stored} / {asked}");
    }
}

#[test]
fn a_head_that_differs_ends_the_object() {
    for (stored, head, expected) in HEADS {
        assert_eq!(head_agrees(&fields(stored), &fields(head)), expected, "{stored} / {head}");
    }
}

#[test]
fn four_statuses_are_failures() {
    let failures: Vec<u16> =
        (100..600).filter(|code| is_failure(http::StatusCode::from_u16(*code).unwrap())).collect();
    assert_eq!(failures, [500, 502, 503, 504]);
}
