//! Storing and freshness (RFC 9111, sections 3, 4.2 and 5).

use super::{Profile, admitted, kept, kept_as};
use crate::policy::date::date;

pub(super) const ROWS: usize =
    FRESHNESS.len() + EXPIRES.len() + DATES.len() + AGE.len() + STORED.len() + STATUS.len() + GUESSED.len();

const FRESHNESS: [(&str, &str); 31] = [
    ("cache-control: max-age=60", "fresh 60"),
    ("cache-control: MAX-AGE=60", "fresh 60"),
    ("cache-control: max-age=60, s-maxage=90", "fresh 90"),
    ("cache-control: s-maxage=9, max-age=60", "fresh 9"),
    ("cache-control: max-age=60\nexpires: Sun, 06 Nov 1994 08:49:47 GMT", "fresh 60"),
    ("cache-control: s-maxage=60\nexpires: 0", "fresh 60"),
    ("cache-control: public", "not: no-freshness"),
    ("", "not: no-freshness"),
    ("cache-control: max-age=060", "fresh 60"),
    ("cache-control: max-age=\"60\"", "fresh 60"),
    ("cache-control: max-age='60'", "stale"),
    ("cache-control: max-age=-1", "stale"),
    ("cache-control: max-age=+60", "stale"),
    ("cache-control: max-age=1.5", "stale"),
    ("cache-control: max-age=60s", "stale"),
    ("cache-control: max-age=", "stale"),
    ("cache-control: max-age", "stale"),
    ("cache-control: max-age =60", "fresh 60"),
    ("cache-control: max-age= 60", "stale"),
    ("cache-control: max-age=0", "stale"),
    ("cache-control: max-age=2147483648", "fresh 2147483647"),
    ("cache-control: max-age=99999999999999999999", "fresh 2147483647"),
    ("cache-control: max-age=60, max-age=60", "fresh 60"),
    ("cache-control: max-age=60, max-age=90", "stale"),
    ("cache-control: max-age=60\ncache-control: public", "fresh 60"),
    ("cache-control: public\ncache-control: max-age=60", "fresh 60"),
    ("cache-control: max-age=60\ncache-control: max-age=90", "stale"),
    ("cache-control: unknown, max-age=60, other=7", "fresh 60"),
    ("cache-control: extension=\"a, max-age=9\", max-age=60", "fresh 60"),
    ("cache-control: extension=\"a\\\", max-age=9\", max-age=60", "fresh 60"),
    ("cache-control: extension='a, max-age=9', max-age=9", "stale"),
];

const EXPIRES: [(&str, &str); 12] = [
    ("expires: Sun, 06 Nov 1994 08:50:37 GMT", "fresh 60"),
    ("expires: Sun, 06 Nov 1994 08:49:37 GMT", "stale"),
    ("expires: Sun, 06 Nov 1994 08:49:36 GMT", "stale"),
    ("expires: 0", "stale"),
    ("expires: tomorrow", "stale"),
    ("expires: Sun, 06 Nov 1994 08:50:37 GMT\nexpires: Sun, 06 Nov 1994 08:50:37 GMT", "stale"),
    // Relative to `Date`: a clock that is an hour behind changes nothing of the lifetime, but of the age.
    ("date: Sun, 06 Nov 1994 08:49:07 GMT\nexpires: Sun, 06 Nov 1994 08:50:07 GMT", "fresh 30"),
    ("date: Sun, 06 Nov 1994 09:49:37 GMT\nexpires: Sun, 06 Nov 1994 09:50:37 GMT", "fresh 60"),
    ("date: nonsense\nexpires: Sun, 06 Nov 1994 08:50:37 GMT", "fresh 60"),
    ("date: Sun, 06 Nov 1994 08:49:37 GMT\nexpires: Sunday, 06-Nov-94 08:50:37 GMT", "fresh 60"),
    ("expires: Sun Nov  6 08:50:37 1994", "fresh 60"),
    ("cache-control: no-cache\nexpires: Sun, 06 Nov 1994 08:50:37 GMT", "not: no-freshness"),
];

const DATES: [(&str, bool); 25] = [
    ("Sun, 06 Nov 1994 08:49:37 GMT", true),
    ("Sunday, 06-Nov-94 08:49:37 GMT", true),
    ("Sun Nov  6 08:49:37 1994", true),
    ("sun, 06 nov 1994 08:49:37 gmt", true),
    ("SUNDAY, 06-NOV-94 08:49:37 GMT", true),
    ("SUN NOV  6 08:49:37 1994", true),
    ("Sun, 06 Nov 1994 08:49:37 UTC", false),
    ("Sun, 06 Nov 1994 08:49:37 +0000", false),
    ("Sun, 06 Nov 1994 08:49:37 AEST", false),
    ("Sun, 06 Nov 1994 08:49:37", false),
    ("Sun, 06 Nov 94 08:49:37 GMT", false),
    ("Sun 06 Nov 1994 08:49:37 GMT", false),
    ("Sun,  06 Nov 1994 08:49:37 GMT", false),
    ("Sun, 06  Nov 1994 08:49:37 GMT", false),
    ("Sun, 06-Nov-1994 08:49:37 GMT", false),
    ("Sun, 06 Nov 1994 08.49.37 GMT", false),
    ("Sun, 06 Nov 1994 8:49:37 GMT", false),
    ("Sun, 6 Nov 1994 08:49:37 GMT", false),
    ("Sun, 06 Nov 1994 24:00:00 GMT", false),
    ("Sun, 31 Nov 1994 08:49:37 GMT", false),
    ("Sun, 00 Nov 1994 08:49:37 GMT", false),
    ("Sun, 06 Foo 1994 08:49:37 GMT", false),
    ("Foo, 06 Nov 1994 08:49:37 GMT", false),
    ("784111777", false),
    ("", false),
];

/// `Age`, the seconds between request and answer, the age of `Date`; and the age at receipt.
const AGE: [(&str, u64); 13] = [
    ("", 0),
    ("age: 7", 7),
    ("age: 007", 7),
    ("age: 7200, 0", 7_200),
    ("age: 0, 7200", 0),
    ("age: 7200\nage: 0", 7_200),
    ("age: -3", 0),
    ("age: 1.5", 0),
    ("age: a week", 0),
    ("age: 99999999999999999999", 2_147_483_647),
    ("date: Sun, 06 Nov 1994 08:49:07 GMT", 30),
    ("date: Sun, 06 Nov 1994 08:49:07 GMT\nage: 7", 30),
    ("date: Sun, 06 Nov 1994 08:49:07 GMT\nage: 70", 70),
];

/// Request fields, answer fields.
const STORED: [(&str, &str, &str); 21] = [
    ("", "cache-control: no-store, max-age=60", "not: no-store"),
    ("", "cache-control: No-Store, max-age=60", "not: no-store"),
    ("", "cache-control: private, max-age=60", "not: private"),
    ("", "cache-control: private=\"set-cookie\", max-age=60", "fresh 60"),
    ("", "cache-control: no-cache, max-age=60\netag: \"a\"", "stale"),
    ("", "cache-control: no-cache=\"set-cookie\", max-age=60", "fresh 60"),
    ("", "cache-control: no-cache=\"\", max-age=60\netag: \"a\"", "stale"),
    ("", "cache-control: no-store, must-understand, max-age=60", "fresh 60"),
    ("", "etag: \"a\"", "stale"),
    ("", "last-modified: Sun, 06 Nov 1994 08:49:37 GMT", "stale"),
    ("", "cache-control: max-age=60\nset-cookie: a=b", "fresh 60"),
    ("cookie: a=b", "cache-control: max-age=60", "fresh 60"),
    ("cache-control: no-store", "cache-control: max-age=60", "not: demanded"),
    ("authorization: x", "cache-control: max-age=60", "not: credentials"),
    ("authorization: x", "expires: Sun, 06 Nov 1994 08:50:37 GMT", "not: credentials"),
    ("authorization: x", "cache-control: max-age=60, public", "fresh 60"),
    ("authorization: x", "cache-control: max-age=60, must-revalidate", "fresh 60"),
    ("authorization: x", "cache-control: max-age=60, proxy-revalidate", "not: credentials"),
    ("authorization: x", "cache-control: s-maxage=60", "fresh 60"),
    ("authorization: x", "cache-control: max-age=60, private, public", "not: private"),
    ("", "pragma: no-cache\ncache-control: max-age=60", "fresh 60"),
];

const STATUS: [(u16, &str, &str); 9] = [
    (299, "cache-control: max-age=60", "fresh 60"),
    (404, "cache-control: max-age=60", "fresh 60"),
    (599, "cache-control: max-age=60", "fresh 60"),
    (599, "cache-control: max-age=60, must-understand", "not: status"),
    (599, "cache-control: max-age=60, must-understand, no-store", "not: no-store"),
    (404, "", "not: no-freshness"),
    (206, "cache-control: max-age=60", "not: status"),
    (304, "cache-control: max-age=60", "not: status"),
    (103, "cache-control: max-age=60", "not: status"),
];

/// With guessing on, a hundred seconds after the last change.
const GUESSED: [(u16, &str, &str); 5] = [
    (200, "last-modified: Sun, 06 Nov 1994 08:47:57 GMT", "fresh 10"),
    (200, "last-modified: Sun, 06 Nov 1994 08:47:57 GMT\ncache-control: max-age=7", "fresh 7"),
    (201, "last-modified: Sun, 06 Nov 1994 08:47:57 GMT", "stale"),
    (201, "last-modified: Sun, 06 Nov 1994 08:47:57 GMT\ncache-control: public", "fresh 10"),
    (200, "last-modified: Sat, 06 Nov 1993 08:47:57 GMT", "fresh 86400"),
];

#[test]
fn freshness_is_stated_in_cache_control() {
    for (answer, expected) in FRESHNESS {
        assert_eq!(kept(answer), expected, "{answer}");
    }
}

#[test]
fn expires_is_relative_to_date() {
    for (answer, expected) in EXPIRES {
        assert_eq!(kept(answer), expected, "{answer}");
    }
}

#[test]
fn dates_have_three_forms_and_no_fourth() {
    for (text, valid) in DATES {
        let read = date(&text.parse().unwrap(), super::NOW_S);
        assert_eq!(read, valid.then_some(super::NOW_S), "{text}");
    }
    let year = |text: &str, now_s| date(&text.parse().unwrap(), now_s).map(|at_s| at_s / 31_556_952 + 1970);
    assert_eq!(year("Thursday, 06-Nov-25 08:49:37 GMT", 1_700_000_000), Some(2025));
    assert_eq!(year("Sunday, 06-Nov-94 08:49:37 GMT", 1_700_000_000), Some(1994));
}

#[test]
fn age_starts_at_the_larger_of_date_and_age() {
    for (answer, expected) in AGE {
        let answer = format!("cache-control: max-age=9\n{answer}");
        assert_eq!(admitted("", 200, &answer, &Profile::RFC).unwrap().age_s, expected, "{answer}");
    }
    let bad_clock = Profile { date_counts: false, ..Profile::RFC };
    let answer = "cache-control: max-age=9\ndate: Sun, 06 Nov 1994 08:49:07 GMT\nage: 7";
    assert_eq!(admitted("", 200, answer, &bad_clock).unwrap().age_s, 7);
}

#[test]
fn what_may_be_stored_depends_on_request_and_answer() {
    for (asked, answer, expected) in STORED {
        assert_eq!(kept_as(asked, 200, answer, &Profile::RFC), expected, "{asked} / {answer}");
    }
}

#[test]
fn every_final_status_with_freshness_may_be_stored() {
    for (status, answer, expected) in STATUS {
        assert_eq!(kept_as("", status, answer, &Profile::RFC), expected, "{status} {answer}");
    }
}

#[test]
fn guessing_is_a_choice_of_the_route() {
    let guessing = Profile { heuristic_percent: 10, ..Profile::RFC };
    for (status, answer, expected) in GUESSED {
        assert_eq!(kept_as("", status, answer, &guessing), expected, "{status} {answer}");
        let stated = answer.contains("max-age");
        assert_eq!(kept_as("", status, answer, &Profile::RFC), if stated { expected } else { "stale" });
    }
}

#[test]
fn the_routes_of_readers_are_only_stricter() {
    let table = [
        (200, "cache-control: max-age=60\nset-cookie: a=b", "not: set-cookie"),
        (500, "cache-control: max-age=60", "not: status"),
        (503, "cache-control: private", "not: private"),
        (200, "cache-control: max-age=99999999", "fresh 604800"),
        (404, "", "fresh 10"),
        (410, "", "fresh 10"),
        (404, "cache-control: max-age=60", "fresh 60"),
        (404, "cache-control: no-store", "not: no-store"),
        (400, "", "not: no-freshness"),
    ];
    for (status, answer, expected) in table {
        assert_eq!(kept_as("", status, answer, &Profile::READERS), expected, "{status} {answer}");
    }
}

#[test]
fn withheld_fields_are_named() {
    let headers = super::fields("cache-control: private=\"x-a, X-B\", no-cache=\"set-cookie\"");
    let control = crate::policy::control::Control::of(&headers, &[]);
    let withheld: Vec<&str> = control.withheld().map(http::HeaderName::as_str).collect();
    assert_eq!(withheld, ["set-cookie", "x-a", "x-b"]);
}
