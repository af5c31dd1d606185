//! Keys and variants (RFC 9111, section 4.1). The spelling of keys is tested where keys are made.

use super::{Profile, fields};
use crate::policy::{Encodings, Variant};

pub(super) const ROWS: usize = STARS.len() + SAME.len() + ENCODINGS.len();

const STARS: [&str; 7] = [
    "vary: *",
    "vary: *, foo",
    "vary: foo, *",
    "vary: , *",
    "vary: foo\nvary: *",
    "vary: *\nvary: foo",
    "vary:  * ",
];

/// The answer's fields, the request that it answered, another request, and whether it serves that too.
const SAME: [(&str, &str, &str, bool); 18] = [
    ("", "foo: 1", "foo: 2", true),
    ("vary: foo", "foo: 1", "foo: 1", true),
    ("vary: foo", "foo: 1", "foo: 2", false),
    ("vary: FOO", "foo: 1", "foo: 2", false),
    ("vary: foo", "foo: 1", "", false),
    ("vary: foo", "", "foo: 1", false),
    ("vary: foo", "", "", true),
    ("vary: foo", "", "foo:", false),
    ("vary: foo, bar", "foo: 1\nbar: 2", "foo: 1\nbar: 2", true),
    ("vary: foo, bar", "foo: 1\nbar: 2", "foo: 1\nbar: 3", false),
    ("vary: foo\nvary: bar", "foo: 1\nbar: 2", "foo: 1\nbar: 3", false),
    ("vary: foo", "foo: 1, 2", "foo: 1\nfoo: 2", true),
    ("vary: foo", "foo: 1, 2", "foo: 1,2", true),
    ("vary: foo", "foo: 1, 2", "foo: 2, 1", false),
    ("vary: accept-encoding", "accept-encoding: gzip, br", "accept-encoding: BR;q=0.5 ,gzip", true),
    ("vary: accept-language", "accept-language: en, de;q=0.5", "accept-language: de;q=0.4, EN;q=0.9", true),
    ("vary: accept-language\ncontent-language: de", "accept-language: de, en", "accept-language: de", true),
    (
        "vary: accept-language\ncontent-language: de",
        "accept-language: de",
        "accept-language: en, de;q=0.1",
        false,
    ),
];

const ENCODINGS: [(&str, &str); 8] = [
    ("", ""),
    ("accept-encoding: identity", ""),
    ("accept-encoding: gzip, deflate", "gzip"),
    ("accept-encoding: gzip;q=0", ""),
    ("accept-encoding: gzip;q=0.000, br", "br"),
    ("accept-encoding: x-gzip", "gzip"),
    ("accept-encoding: *", "br, zstd, gzip"),
    ("accept-encoding: *, br;q=0", "zstd, gzip"),
];

#[test]
fn a_star_matches_nothing() {
    for answer in STARS {
        let refused = Variant::of(&fields(""), &fields(answer), &Profile::RFC).unwrap_err();
        assert_eq!(refused.as_str(), "vary-star", "{answer}");
    }
}

#[test]
fn requests_are_compared_by_the_named_fields() {
    for (answer, first, second, same) in SAME {
        let variant = Variant::of(&fields(first), &fields(answer), &Profile::RFC).unwrap();
        assert!(variant.answers(&fields(first)), "{answer} / {first}");
        assert_eq!(variant.answers(&fields(second)), same, "{answer} / {first} / {second}");
    }
}

#[test]
fn encodings_have_one_spelling() {
    for (asked, spelled) in ENCODINGS {
        assert_eq!(Encodings::of(&fields(asked)).spelled(), spelled, "{asked}");
    }
}

#[test]
fn readers_may_vary_by_known_fields_alone() {
    let vary = |answer: &str| Variant::of(&fields(""), &fields(answer), &Profile::READERS).map(drop);
    assert_eq!(vary("vary: Accept, accept-encoding"), Ok(()));
    assert_eq!(vary("vary: accept, cookie").unwrap_err().as_str(), "vary-other");
    assert_eq!(vary("vary: cookie, *").unwrap_err().as_str(), "vary-star");
}
