//! Ranges and `If-Range` (RFC 9110, sections 13.1.5 and 14).

use super::{NOW_S, fields};
use crate::policy::range::{Portion, portion};

pub(super) const ROWS: usize = RANGES.len() + CONDITIONS.len();

/// Of a response of a hundred bytes.
const RANGES: [(&str, &str); 25] = [
    ("", "whole"),
    ("bytes=0-9", "0..10"),
    ("bytes=90-", "90..100"),
    ("bytes=-10", "90..100"),
    ("bytes=-200", "0..100"),
    ("bytes=0-0", "0..1"),
    ("bytes=99-99", "99..100"),
    ("bytes=50-1000", "50..100"),
    ("BYTES=0-9", "0..10"),
    ("bytes= 0-9 , 20-29", "0..10 20..30"),
    ("bytes=20-29,0-9", "20..30 0..10"),
    ("bytes=0-9,200-300", "0..10"),
    ("bytes=100-", "none"),
    ("bytes=-0", "none"),
    ("bytes=200-300,400-", "none"),
    ("bytes=0-60,40-99", "whole"),
    ("bytes=9-0", "whole"),
    ("bytes=a-b", "whole"),
    ("bytes=0-9x", "whole"),
    ("bytes=", "whole"),
    ("bytes=-", "whole"),
    ("bytes 0-9", "whole"),
    ("items=0-9", "whole"),
    (
        "bytes=0-1,2-3,4-5,6-7,8-9,10-11,12-13,14-15,16-17,18-19,20-21,22-23,24-25,26-27,28-29,30-31,32-33",
        "whole",
    ),
    ("bytes=99999999999999999999-", "none"),
];

const STORED: &str =
    "etag: \"a\"\nlast-modified: Sun, 06 Nov 1994 08:00:00 GMT\ndate: Sun, 06 Nov 1994 08:49:37 GMT";
const YOUNG: &str = "last-modified: Sun, 06 Nov 1994 08:49:07 GMT\ndate: Sun, 06 Nov 1994 08:49:37 GMT";

const CONDITIONS: [(&str, &str, bool); 11] = [
    (STORED, "\"a\"", true),
    (STORED, "\"b\"", false),
    (STORED, "W/\"a\"", false),
    (STORED, "Sun, 06 Nov 1994 08:00:00 GMT", true),
    (STORED, "Sun, 06 Nov 1994 08:00:01 GMT", false),
    (STORED, "Sun, 06 Nov 1994 07:59:59 GMT", false),
    (STORED, "whenever", false),
    (STORED, "a", false),
    ("etag: W/\"a\"", "\"a\"", false),
    ("", "\"a\"", false),
    (YOUNG, "Sun, 06 Nov 1994 08:49:07 GMT", false),
];

fn cut(asked: &str, stored: &str) -> String {
    match portion(&fields(asked), &fields(stored), 100, NOW_S) {
        Portion::Whole => "whole".to_owned(),
        Portion::Unsatisfiable => "none".to_owned(),
        Portion::Parts(parts) => parts.iter().map(|part| format!("{part:?}")).collect::<Vec<_>>().join(" "),
    }
}

#[test]
fn ranges_are_cut_from_what_is_whole() {
    for (range, expected) in RANGES {
        let asked = if range.is_empty() { String::new() } else { format!("range: {range}") };
        assert_eq!(cut(&asked, STORED), expected, "{range}");
    }
    assert_eq!(cut("range: bytes=0-1\nrange: bytes=2-3", STORED), "whole");
}

#[test]
fn repeated_ranges_of_the_longest_body_are_added_up() {
    let asked = fields("range: bytes=0-0,1-,6-");
    assert_eq!(portion(&asked, &fields(STORED), u64::MAX, NOW_S), Portion::Whole);
}

#[test]
fn if_range_needs_the_very_same_version() {
    for (stored, condition, parts) in CONDITIONS {
        let expected = if parts { "0..10" } else { "whole" };
        assert_eq!(cut(&format!("range: bytes=0-9\nif-range: {condition}"), stored), expected, "{condition}");
    }
}
