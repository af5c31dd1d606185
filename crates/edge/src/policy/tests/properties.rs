//! What holds for every input, however odd.

use super::{NOW_S, Profile, admitted, fields};
use crate::policy::range::{PARTS_MAX, Portion, portion};
use crate::policy::validate::merge;
use crate::policy::{Encodings, Variant};
use proptest::prelude::*;

/// Fields made of what caches look at, well formed or not.
fn answer() -> impl Strategy<Value = String> {
    let directive = prop_oneof![
        "(max-age|s-maxage|stale-if-error|stale-while-revalidate)=[0-9]{0,12}",
        "(no-store|no-cache|private|public|must-revalidate|must-understand)",
        "(private|no-cache)=\"[a-z,-]{0,12}\"",
        "[ -~&&[^:]]{0,12}",
    ];
    let line = prop_oneof![
        4 => proptest::collection::vec(directive, 0..4).prop_map(|all| format!("cache-control: {}", all.join(", "))),
        1 => "cdn-cache-control: [ -~]{0,20}",
        1 => "age: [-0-9., ]{0,12}",
        1 => "expires: [ -~]{0,30}",
        1 => Just("expires: Sun, 06 Nov 1994 09:49:37 GMT".to_owned()),
        1 => Just("etag: \"a\"".to_owned()),
        1 => "vary: [a-zA-Z*, -]{0,20}",
    ];
    proptest::collection::vec(line, 0..5).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #[test]
    fn no_lifetime_exceeds_the_profile(answer in answer(), status in 100_u16..600) {
        if let Ok(freshness) = admitted("", status, &answer, &Profile::READERS) {
            let bound_s = Profile::READERS.freshness_s_max;
            prop_assert!(freshness.lifetime_s <= bound_s);
            prop_assert!(freshness.while_revalidate_s <= bound_s && freshness.if_error_s <= bound_s);
        }
    }

    #[test]
    fn readers_keep_nothing_that_the_standard_does_not(answer in answer(), status in 100_u16..600) {
        // Except short negative answers, which state no freshness.
        let negative = matches!(status, 404 | 410);
        if !negative && admitted("", status, &answer, &Profile::READERS).is_ok() {
            prop_assert!(admitted("", status, &answer, &Profile::RFC).is_ok());
        }
    }

    #[test]
    fn what_is_forbidden_is_never_kept(answer in answer()) {
        let targeted = answer.contains("cdn-cache-control");
        let forbidden = format!("{answer}\ncache-control: no-store");
        let understood = answer.contains("must-understand");
        prop_assert!(targeted || understood || admitted("", 200, &forbidden, &Profile::RFC).is_err());
    }

    #[test]
    fn parts_lie_within_the_body(range in "bytes=[-0-9, ]{0,40}", length in 0_u64..1_000) {
        match portion(&fields(&format!("range: {range}")), &fields(""), length, NOW_S) {
            Portion::Parts(parts) => {
                prop_assert!(!parts.is_empty() && parts.len() <= PARTS_MAX);
                prop_assert!(parts.iter().all(|part| part.start < part.end && part.end <= length));
                let bytes: u64 = parts.iter().map(|part| part.end - part.start).sum();
                prop_assert!(bytes <= length);
            }
            Portion::Whole | Portion::Unsatisfiable => {}
        }
    }

    #[test]
    fn a_response_answers_the_request_that_it_answered(answer in answer(), value in "[ -~]{0,20}") {
        let asked = fields(&format!("accept-encoding: {value}\naccept-language: {value}\nfoo: {value}"));
        if let Ok(variant) = Variant::of(&asked, &fields(&answer), &Profile::RFC) {
            prop_assert!(variant.answers(&asked));
        }
    }

    #[test]
    fn spelling_encodings_twice_changes_nothing(value in "[a-z0-9;=.*, -]{0,40}") {
        let once = Encodings::of(&fields(&format!("accept-encoding: {value}")));
        let twice = Encodings::of(&fields(&format!("accept-encoding: {}", once.spelled())));
        prop_assert_eq!(once, twice);
    }

    #[test]
    fn merging_the_same_twice_is_merging_once(stored in answer(), update in answer()) {
        let (stored, update) = (fields(&stored), fields(&update));
        let once = merge(&stored, &update);
        prop_assert_eq!(merge(&once, &update), once);
    }
}
