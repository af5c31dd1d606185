//! The same questions to another implementation (`http-cache-semantics`, as a shared cache without guessing).
//!
//! It knows no targeted fields, and takes `proxy-revalidate` for "ask every time", where the standard says "ask once
//! stale" (RFC 9111, section 5.2.2.8): both are left out.

use super::{NOW_S, Profile, admitted, fields};
use http::{Request, Response};
use http_cache_semantics::{BeforeRequest, CacheOptions, CachePolicy};
use proptest::prelude::*;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

fn received() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(NOW_S)
}

fn theirs(asked: &str, status: u16, answer: &str) -> CachePolicy {
    let mut request = Request::get("http://h/a").body(()).unwrap();
    *request.headers_mut() = fields(asked);
    let mut response = Response::builder().status(status).body(()).unwrap();
    *response.headers_mut() = fields(answer);
    let options = CacheOptions { shared: true, cache_heuristic: 0.0, ..CacheOptions::default() };
    CachePolicy::new_options(&request, &response, received(), options)
}

fn theirs_is_fresh(policy: &CachePolicy, age_s: u64) -> bool {
    let request = Request::get("http://h/a").body(()).unwrap();
    let later = received() + Duration::from_secs(age_s);
    matches!(policy.before_request(&request, later), BeforeRequest::Fresh(_))
}

/// Directives that both read alike: stated once, in the standard's own form.
fn answer() -> impl Strategy<Value = String> {
    let flags = ["no-store", "no-cache", "private", "public", "must-revalidate"];
    let flags = proptest::sample::subsequence(flags.to_vec(), 0..4);
    let seconds = || proptest::option::of(0_u32..200);
    (flags, seconds(), seconds(), seconds(), proptest::bool::ANY, seconds()).prop_map(
        |(flags, max_age, s_maxage, expires, etag, age)| {
            let mut directives: Vec<String> = flags.into_iter().map(str::to_owned).collect();
            directives.extend(max_age.map(|seconds| format!("max-age={seconds}")));
            directives.extend(s_maxage.map(|seconds| format!("s-maxage={seconds}")));
            let mut lines = vec!["date: Sun, 06 Nov 1994 08:49:37 GMT".to_owned()];
            if !directives.is_empty() {
                lines.push(format!("cache-control: {}", directives.join(", ")));
            }
            let minutes =
                |seconds: u32| format!("expires: Sun, 06 Nov 1994 08:{:02}:37 GMT", 49 + seconds / 20);
            lines.extend(expires.map(minutes));
            lines.extend(etag.then(|| "etag: \"a\"".to_owned()));
            lines.extend(age.map(|seconds| format!("age: {seconds}")));
            lines.join("\n")
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn we_never_keep_what_another_shared_cache_would_not(answer in answer(), credentials in any::<bool>()) {
        let asked = if credentials { "authorization: x" } else { "" };
        let kept = admitted(asked, 200, &answer, &Profile::RFC);
        if kept.is_ok() {
            prop_assert!(theirs(asked, 200, &answer).is_storable(), "{}", answer);
        }
    }

    #[test]
    fn both_are_fresh_for_the_same_time(answer in answer(), age_s in 0_u64..250) {
        // Without validator and freshness there is nothing to keep; they keep it, and never use it.
        let Ok(freshness) = admitted("", 200, &answer, &Profile::RFC) else { return Ok(()) };
        let policy = theirs("", 200, &answer);
        let ours = freshness.age_s + age_s < freshness.lifetime_s;
        prop_assert_eq!(ours, theirs_is_fresh(&policy, age_s), "{} at {}", answer, age_s);
    }
}
