//! Stale answers and what clients ask for (RFC 9111, sections 4.2.4 and 5.2.1; RFC 5861).

use super::{Moment, Profile, Use, admitted, judged};

pub(super) const ROWS: usize = JUDGED.len() + ERRORS.len();

/// The answer's fields, its age, the client's fields.
const JUDGED: [(&str, u64, &str, &str); 17] = [
    ("cache-control: max-age=10", 9, "", "fresh 1"),
    ("cache-control: max-age=10", 10, "", "ask: expired"),
    ("cache-control: max-age=10, stale-while-revalidate=5", 10, "", "swr 0"),
    ("cache-control: max-age=10, stale-while-revalidate=5", 14, "", "swr -4"),
    ("cache-control: max-age=10, stale-while-revalidate=5", 15, "", "ask: expired"),
    ("cache-control: max-age=10, stale-while-revalidate=5, must-revalidate", 12, "", "ask: expired"),
    ("cache-control: max-age=10, stale-while-revalidate=5, proxy-revalidate", 12, "", "ask: expired"),
    ("cache-control: s-maxage=10, stale-while-revalidate=5", 12, "", "ask: expired"),
    ("cdn-cache-control: max-age=10, stale-while-revalidate=5", 12, "", "swr -2"),
    ("cache-control: max-age=10", 3, "cache-control: no-cache", "ask: demanded"),
    ("cache-control: max-age=10", 3, "pragma: no-cache", "ask: demanded"),
    ("cache-control: max-age=10", 3, "pragma: no-cache\ncache-control: x", "fresh 7"),
    ("cache-control: max-age=10", 3, "cache-control: max-age=2", "ask: demanded"),
    ("cache-control: max-age=10", 0, "cache-control: max-age=0", "ask: demanded"),
    ("cache-control: max-age=10", 3, "cache-control: min-fresh=8", "ask: demanded"),
    ("cache-control: max-age=10", 13, "cache-control: max-stale=3", "fresh -3"),
    ("cache-control: max-age=10, must-revalidate", 13, "cache-control: max-stale", "ask: expired"),
];

/// The answer's fields, its age, and whether it may stand in for an error.
const ERRORS: [(&str, u64, bool); 10] = [
    ("cache-control: max-age=10, stale-if-error=50", 59, true),
    ("cache-control: max-age=10, stale-if-error=50", 60, false),
    ("cache-control: max-age=10", 10 + 86_399, true),
    ("cache-control: max-age=10", 10 + 86_400, false),
    ("cache-control: max-age=10, stale-if-error=0", 10, false),
    ("cache-control: max-age=10, must-revalidate, stale-if-error=50", 11, false),
    ("cache-control: max-age=10, proxy-revalidate, stale-if-error=50", 11, false),
    ("cache-control: s-maxage=10, stale-if-error=50", 11, false),
    ("cache-control: no-cache, stale-if-error=50\netag: \"a\"", 11, false),
    ("cdn-cache-control: max-age=10, must-revalidate, stale-if-error=50", 11, false),
];

#[test]
fn stale_answers_need_leave() {
    for (answer, age_s, demand, expected) in JUDGED {
        assert_eq!(judged(answer, age_s, demand), expected, "{answer} at {age_s} for {demand}");
    }
}

#[test]
fn errors_are_covered_within_a_window() {
    for (answer, age_s, expected) in ERRORS {
        let freshness = admitted("", 200, answer, &Profile::RFC).unwrap();
        assert_eq!(freshness.covers_error(age_s), expected, "{answer} at {age_s}");
    }
    let error = admitted("", 503, "cache-control: max-age=10, stale-if-error=50", &Profile::RFC).unwrap();
    assert!(!error.covers_error(11), "an error must not stand in for another");
}

#[test]
fn clients_decide_nothing_on_the_routes_of_readers() {
    let freshness = admitted("", 200, "cache-control: max-age=10", &Profile::READERS).unwrap();
    let moment = Moment { age_s: 3, resident_s: 3, tagged: true, blind: false };
    assert_eq!(freshness.judge(moment, None, &Profile::READERS), Use::Fresh { ttl_s: 7 });
    assert!(!std::hint::black_box(Profile::READERS).clients_decide);
}

#[test]
fn a_blind_edge_trusts_tagged_objects_for_a_short_time() {
    let long = "cache-control: max-age=1000, stale-while-revalidate=1000";
    let freshness = admitted("", 200, long, &Profile::READERS).unwrap();
    let judge = |age_s, resident_s, tagged| {
        freshness.judge(Moment { age_s, resident_s, tagged, blind: true }, None, &Profile::READERS)
    };
    assert_eq!(judge(30, 30, true), Use::Fresh { ttl_s: 970 });
    assert!(matches!(judge(31, 31, true), Use::Revalidate(reason) if reason.as_str() == "blind"));
    assert_eq!(judge(31, 31, false), Use::Fresh { ttl_s: 969 });
    assert!(matches!(judge(1_001, 3, true), Use::Revalidate(reason) if reason.as_str() == "expired"));
}
