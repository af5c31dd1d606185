//! Targeted fields (RFC 9213).

use super::kept;

pub(super) const ROWS: usize = TARGETED.len();

const TARGETED: [(&str, &str); 28] = [
    ("cdn-cache-control: max-age=60", "fresh 60"),
    ("cdn-cache-control: max-age=60\ncache-control: max-age=9", "fresh 60"),
    ("cdn-cache-control: max-age=9\ncache-control: max-age=60", "fresh 9"),
    ("cdn-cache-control: max-age=60\ncache-control: no-store", "fresh 60"),
    ("cdn-cache-control: max-age=60\ncache-control: private", "fresh 60"),
    ("cdn-cache-control: no-store\ncache-control: max-age=60", "not: no-store"),
    ("cdn-cache-control: private\ncache-control: max-age=60", "not: private"),
    ("cdn-cache-control: no-cache\ncache-control: max-age=60\netag: \"a\"", "stale"),
    ("cdn-cache-control: max-age=0\ncache-control: max-age=60", "stale"),
    ("cdn-cache-control: max-age=60\nexpires: 0", "fresh 60"),
    // Neither of the other fields fills what the targeted one leaves out.
    ("cdn-cache-control: public\ncache-control: max-age=60", "not: no-freshness"),
    ("cdn-cache-control: public\nexpires: Sun, 06 Nov 1994 08:50:37 GMT", "not: no-freshness"),
    ("cdn-cache-control: s-maxage=60, max-age=9", "fresh 60"),
    ("cdn-cache-control: max-age=60\nage: 20", "fresh 40"),
    ("cdn-cache-control: max-age=60\nage: 60", "stale"),
    ("sangraha-cdn-cache-control: max-age=7\ncdn-cache-control: max-age=60", "fresh 7"),
    ("sangraha-cdn-cache-control: =\ncdn-cache-control: max-age=60", "fresh 60"),
    // What is no structured dictionary, or has the wrong type, is as if it were absent.
    ("cdn-cache-control:\ncache-control: max-age=60", "fresh 60"),
    ("cdn-cache-control: max-age=\"9\"\ncache-control: max-age=60", "fresh 60"),
    ("cdn-cache-control: max-age=9.5\ncache-control: max-age=60", "fresh 60"),
    ("cdn-cache-control: max-age=9, &&&\ncache-control: max-age=60", "fresh 60"),
    ("cdn-cache-control: Max-Age=9\ncache-control: max-age=60", "fresh 60"),
    ("cdn-cache-control: no-store=7\ncache-control: max-age=60", "fresh 60"),
    ("cdn-cache-control: max-age=(1 2)\ncache-control: max-age=60", "fresh 60"),
    ("cdn-cache-control: max-age=60, unknown=\"x\", other=(1 2)", "fresh 60"),
    ("cdn-cache-control: max-age=60;parameter", "fresh 60"),
    ("cdn-cache-control: max-age=9\ncdn-cache-control: max-age=60", "fresh 60"),
    ("cdn-cache-control: max-age=-9\ncache-control: max-age=60", "stale"),
];

#[test]
fn the_first_valid_target_decides_alone() {
    for (answer, expected) in TARGETED {
        assert_eq!(kept(answer), expected, "{answer}");
    }
}
