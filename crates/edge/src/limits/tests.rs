use super::*;
use http::Request;
use proptest::prelude::*;
use std::net::Ipv4Addr;

const START_US: i64 = 1_700_000_000_000_000;

fn rule(name: &str, quota: u64, window_s: u64) -> Rule {
    let text = format!(r#"{{"name": "{name}", "quota": {quota}, "window_s": {window_s}}}"#);
    serde_json::from_str(&text).unwrap()
}

fn limits(rules: Vec<Rule>) -> Limits {
    let config = Config { rules, ..Config::default() };
    config.check().unwrap();
    Limits::new(config, Arc::new(Slice::new()), Counts::default())
}

/// Asks `GET path` from an address with one field, so many seconds after the start.
fn ask(limits: &Limits, client: &str, path: &str, field: (&str, &str), after_s: i64) -> Verdict {
    let request = Request::get(path).header(field.0, field.1).body(()).unwrap();
    let (head, ()) = request.into_parts();
    let question = Question { client: client.parse().unwrap(), host: "h", path, head: &head };
    limits.check(&question, START_US + after_s * 1_000_000)
}

const NONE: (&str, &str) = ("x-none", "");

fn passes(limits: &Limits, client: &str, after_s: i64) -> bool {
    !matches!(ask(limits, client, "/a", NONE, after_s), Verdict::Refused(_))
}

fn told(verdict: Verdict) -> (String, String) {
    let standing = match verdict {
        Verdict::Free => None,
        Verdict::Within(admission) => admission.standing,
        Verdict::Refused(refused) => refused.standing,
    };
    let mut headers = http::HeaderMap::new();
    if let Some(standing) = standing {
        standing.write(&mut headers);
    }
    let text =
        |name: &str| headers.get(name).map_or(String::new(), |value| value.to_str().unwrap().to_owned());
    (text("ratelimit-policy"), text("ratelimit"))
}

#[test]
fn a_quota_is_used_up_and_comes_back() {
    let limits = limits(vec![rule("r", 10, 60)]);
    assert_eq!((0..100).filter(|_| passes(&limits, "1.2.3.4", 0)).count(), 10);
    assert!(!passes(&limits, "1.2.3.4", 5));
    assert!(passes(&limits, "1.2.3.4", 6), "one is paid back every six seconds");
    assert!(!passes(&limits, "1.2.3.4", 6));
    assert_eq!((0..100).filter(|_| passes(&limits, "1.2.3.4", 66)).count(), 10);
}

#[test]
fn clients_are_told_where_they_stand_and_how_long_to_wait() {
    let limits = limits(vec![rule("r", 2, 60)]);
    let get = || ask(&limits, "1.2.3.4", "/a", NONE, 0);
    let policy = "\"r\";q=2;w=60".to_owned();
    assert_eq!(told(get()), (policy.clone(), "\"r\";r=1;t=30".into()));
    assert_eq!(told(get()), (policy.clone(), "\"r\";r=0;t=60".into()));
    let Verdict::Refused(refused) = get() else { panic!("the third does not fit") };
    assert_eq!(
        (refused.wait_s, refused.violated.clone(), refused.reason),
        (30, vec!["r".to_owned()], Reason::Limited)
    );
    assert_eq!(told(Verdict::Refused(refused)), (policy, "\"r\";r=0;t=30".into()));
}

#[test]
fn all_rules_hold_and_the_tightest_is_told() {
    let tight = Rule { paths: vec!["/v1/search".into()], ..rule("search", 2, 60) };
    let limits = limits(vec![rule("all", 10, 60), tight]);
    let (policy, state) = told(ask(&limits, "1.2.3.4", "/v1/search", NONE, 0));
    assert_eq!(
        (policy.as_str(), state.as_str()),
        ("\"all\";q=10;w=60, \"search\";q=2;w=60", "\"search\";r=1;t=30")
    );
    ask(&limits, "1.2.3.4", "/v1/search", NONE, 0);
    for _ in 0..50 {
        assert!(matches!(ask(&limits, "1.2.3.4", "/v1/search", NONE, 0), Verdict::Refused(_)));
    }
    // What one rule refused, the others have not counted.
    assert_eq!((0..50).filter(|_| passes(&limits, "1.2.3.4", 0)).count(), 8);
}

#[test]
fn rules_mean_paths_methods_and_exceptions() {
    let table = [
        (vec!["/v1"], vec![], "/v1/ragas", true),
        (vec!["/v1"], vec![], "/v1", true),
        (vec!["/v1"], vec![], "/v10", false),
        (vec!["/"], vec!["/v1/admin"], "/v1/admin/x", false),
        (vec!["/"], vec!["/v1/admin"], "/v1/administrators", true),
        (vec![], vec![], "/x", true),
    ];
    for (paths, except, path, meant) in table {
        let owned = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
        let limits = limits(vec![Rule { paths: owned(&paths), except: owned(&except), ..rule("r", 5, 60) }]);
        let held = !matches!(ask(&limits, "1.2.3.4", path, NONE, 0), Verdict::Free);
        assert_eq!(held, meant, "{paths:?} {except:?} {path}");
    }
    let posts = limits(vec![Rule { methods: vec!["POST".into()], ..rule("r", 5, 60) }]);
    assert!(matches!(ask(&posts, "1.2.3.4", "/a", NONE, 0), Verdict::Free));
}

#[test]
fn keys_tell_clients_apart() {
    let keyed = |key: Vec<KeyPart>| limits(vec![Rule { key, ..rule("r", 1, 60) }]);
    /// The key, who asks first and with which field, who asks next, and whether the two are told apart.
    type Row = (
        Vec<KeyPart>,
        &'static str,
        (&'static str, &'static str),
        &'static str,
        (&'static str, &'static str),
        bool,
    );
    let table: [Row; 11] = [
        (vec![KeyPart::Address], "1.2.3.4", NONE, "1.2.3.5", NONE, true),
        (vec![KeyPart::Address], "1.2.3.4", NONE, "::ffff:1.2.3.4", NONE, false),
        (vec![KeyPart::Address], "2001:db8::1", NONE, "2001:db8::ffff", NONE, false),
        (vec![KeyPart::Address], "2001:db8::1", NONE, "2001:db8:0:1::1", NONE, true),
        (
            vec![KeyPart::Credential],
            "1.2.3.4",
            ("authorization", "a"),
            "1.2.3.5",
            ("authorization", "a"),
            false,
        ),
        (
            vec![KeyPart::Credential],
            "1.2.3.4",
            ("authorization", "a"),
            "1.2.3.4",
            ("authorization", "b"),
            true,
        ),
        (vec![KeyPart::Credential], "1.2.3.4", NONE, "1.2.3.4", NONE, false),
        (vec![KeyPart::Field("x-t".into())], "1.2.3.4", ("x-t", "a"), "1.2.3.5", ("x-t", "a"), false),
        (
            vec![KeyPart::Cookie("s".into())],
            "1.2.3.4",
            ("cookie", "o=1; s=a"),
            "1.2.3.5",
            ("cookie", "s=a; o=2"),
            false,
        ),
        (
            vec![KeyPart::Address, KeyPart::Credential],
            "1.2.3.4",
            ("authorization", "a"),
            "1.2.3.5",
            ("authorization", "a"),
            true,
        ),
        (vec![KeyPart::Host, KeyPart::Path, KeyPart::Method], "1.2.3.4", NONE, "1.2.3.5", NONE, false),
    ];
    for (key, one, its, other, others, apart) in table {
        let limits = keyed(key.clone());
        assert!(!matches!(ask(&limits, one, "/a", its, 0), Verdict::Refused(_)));
        let second = !matches!(ask(&limits, other, "/a", others, 0), Verdict::Refused(_));
        assert_eq!(second, apart, "{key:?} {one} {other}");
    }
}

#[test]
fn lists_come_before_rules() {
    let config = Config {
        exempt: vec!["10.0.0.0/8".parse().unwrap()],
        denied: vec!["10.6.6.0/24".parse().unwrap()],
        rules: vec![rule("r", 1, 60)],
        ..Config::default()
    };
    let limits = Limits::new(config, Arc::new(Slice::new()), Counts::default());
    for _ in 0..5 {
        assert!(matches!(ask(&limits, "10.1.1.1", "/a", NONE, 0), Verdict::Free));
    }
    let Verdict::Refused(refused) = ask(&limits, "10.6.6.6", "/a", NONE, 0) else { panic!("it is denied") };
    assert_eq!(refused.reason, Reason::Denied);
    assert!(passes(&limits, "11.0.0.1", 0) && !passes(&limits, "11.0.0.1", 0));
}

/// A configuration with two known keys: `gold`, of a tier, and `bad`, which is denied.
fn with_keys(rest: &str) -> Config {
    let (gold, free, bad) = (KeyHash::of(b"gold"), KeyHash::of(b"free"), KeyHash::of(b"bad"));
    let text = format!(
        r#"{{"tiers": [{{"name": "partner", "keys": ["{gold}"]}}], "exempt_keys": ["{free}"],
            "denied_keys": ["{bad}"], {rest}}}"#
    );
    let config: Config = serde_json::from_str(&text).unwrap();
    config.check().unwrap();
    config
}

fn over(config: Config) -> Limits {
    Limits::new(config, Arc::new(Slice::new()), Counts::default())
}

#[test]
fn a_tier_has_a_quota_of_its_own_and_unknown_keys_win_nothing() {
    let limits = over(with_keys(
        r#""rules": [
            {"name": "anybody", "quota": 2, "window_s": 60, "key": ["api_key"], "tiers": ["none"]},
            {"name": "partner", "quota": 5, "window_s": 60, "key": ["api_key"], "tiers": ["partner"]}]"#,
    ));
    let passed = |client: &'static str, credential: &'static str| {
        let fits = |_: &i32| {
            !matches!(ask(&limits, client, "/a", ("authorization", credential), 0), Verdict::Refused(_))
        };
        (0..20).filter(fits).count()
    };
    assert_eq!(passed("1.2.3.4", "Bearer gold"), 5);
    assert_eq!(passed("9.9.9.9", "bearer gold"), 0, "one key, wherever it comes from");
    assert_eq!(passed("1.2.3.4", "Bearer free"), 20, "exempt");
    // Each invented key, and none at all: the address counts.
    assert_eq!(passed("1.2.3.4", "Bearer invented-1"), 2);
    assert_eq!(passed("1.2.3.4", "Bearer invented-2"), 0);
    assert_eq!(passed("1.2.3.4", "Basic gold"), 0);
    assert_eq!(passed("1.2.3.5", ""), 2);
}

#[test]
fn keys_may_come_in_another_field_and_be_denied() {
    let limits = over(with_keys(r#""api_key_field": "x-api-key", "rules": []"#));
    let denied = |field, value| match ask(&limits, "1.2.3.4", "/a", (field, value), 0) {
        Verdict::Refused(refused) => Some(refused.reason),
        _ => None,
    };
    assert_eq!(denied("x-api-key", "bad"), Some(Reason::Denied));
    assert_eq!(denied("x-api-key", "gold"), None);
    assert_eq!(denied("authorization", "Bearer bad"), None);
}

#[test]
fn a_key_that_is_shown_with_another_is_no_known_one_but_may_be_denied() {
    let limits = over(with_keys(
        r#""api_key_field": "x-api-key", "rules": [
            {"name": "anybody", "quota": 1, "window_s": 60, "tiers": ["none"]},
            {"name": "partner", "quota": 9, "window_s": 60, "tiers": ["partner"]}]"#,
    ));
    let show = |keys: [&str; 2]| {
        let request = keys.iter().fold(Request::get("/a"), |request, key| request.header("x-api-key", *key));
        let (head, ()) = request.body(()).unwrap().into_parts();
        let client = IpAddr::from([1, 2, 3, 4]);
        limits.check(&Question { client, host: "h", path: "/a", head: &head }, START_US)
    };
    for keys in [["junk", "bad"], ["bad", "junk"], ["gold", "bad"], ["free", "bad"]] {
        let Verdict::Refused(refused) = show(keys) else { panic!("{keys:?}") };
        assert_eq!(refused.reason, Reason::Denied, "{keys:?}");
    }
    assert_eq!(told(show(["gold", "junk"])).0, "\"anybody\";q=1;w=60");
    for keys in [["gold", "gold"], ["free", "junk"], ["junk", "gold"]] {
        assert!(matches!(show(keys), Verdict::Refused(_)), "{keys:?}: nobody's quota, which is used up");
    }
}

#[test]
fn a_cap_counts_what_is_under_way_and_no_more() {
    let cap = r#""caps": [{"name": "few", "under_way_max": 2, "paths": ["/a"], "tiers": ["none"]}]"#;
    let limits = over(with_keys(cap));
    let (one, two) = (ask(&limits, "1.2.3.4", "/a", NONE, 0), ask(&limits, "1.2.3.4", "/a/b", NONE, 0));
    let Verdict::Refused(refused) = ask(&limits, "1.2.3.4", "/a", NONE, 0) else { panic!("it is full") };
    assert_eq!((refused.reason, refused.violated.as_slice()), (Reason::Crowded, &["few".to_owned()][..]));
    let policy = "\"few\";q=2;qu=\"concurrent-requests\"";
    assert_eq!(told(Verdict::Refused(refused)), (policy.into(), "\"few\";r=0".into()));
    assert!(matches!(ask(&limits, "1.2.3.4", "/b", NONE, 0), Verdict::Free), "elsewhere");
    assert!(matches!(ask(&limits, "1.2.3.4", "/a", ("authorization", "Bearer gold"), 0), Verdict::Free));
    assert!(matches!(ask(&limits, "1.2.3.5", "/a", NONE, 0), Verdict::Within(_)), "another client");
    drop(one);
    // What is under way is counted on by the rules that follow.
    let limits = limits.renewed(with_keys(cap));
    let three = ask(&limits, "1.2.3.4", "/a", NONE, 0);
    assert!(matches!(three, Verdict::Within(_)) && !passes(&limits, "1.2.3.4", 0));
    drop((two, three));
    assert_eq!(limits.under_way.len(), 0, "nothing is remembered of what is over");
}

#[test]
fn who_is_refused_by_a_rule_is_not_under_way() {
    let caps = r#""caps": [{"name": "all", "under_way_max": 2, "key": []}], "rules": [{"name": "r", "quota": 1, "window_s": 60}]"#;
    let limits = over(with_keys(caps));
    let held = ask(&limits, "1.2.3.4", "/a", NONE, 0);
    for _ in 0..5 {
        let Verdict::Refused(refused) = ask(&limits, "1.2.3.4", "/a", NONE, 0) else {
            panic!("its quota is used up")
        };
        assert_eq!(refused.reason, Reason::Limited);
    }
    let other = ask(&limits, "1.2.3.5", "/a", NONE, 0);
    assert!(matches!(other, Verdict::Within(_)));
    let Verdict::Refused(refused) = ask(&limits, "1.2.3.6", "/a", NONE, 0) else {
        panic!("two are under way")
    };
    assert_eq!(refused.reason, Reason::Crowded, "a cap without a key is one for everybody");
    drop((held, other));
    assert!(passes(&limits, "1.2.3.6", 0), "and a cap that refused used no quota");
}

#[test]
fn a_cap_in_the_shadow_refuses_nobody() {
    let limits = over(with_keys(r#""caps": [{"name": "few", "under_way_max": 1, "shadow": true}]"#));
    let held: Vec<Verdict> = (0..5).map(|_| ask(&limits, "1.2.3.4", "/a", NONE, 0)).collect();
    assert!(held.iter().all(|verdict| matches!(verdict, Verdict::Within(_))));
    let refused =
        limits.counts.get_or_create(&vec![("rule", "few".into()), ("verdict", "would-refuse".into())]).get();
    assert_eq!(refused, 4);
}

#[test]
fn what_clients_are_told_is_a_list_of_the_draft() {
    use sfv::{BareItem, List, ListEntry, Parser};
    let limits = over(with_keys(
        r#""caps": [{"name": "few", "under_way_max": 9}], "rules": [{"name": "r", "quota": 10, "window_s": 60}]"#,
    ));
    let (policy, state) = told(ask(&limits, "1.2.3.4", "/a", NONE, 0));
    let read = |text: &str| {
        let list = Parser::new(text).parse::<List>().unwrap();
        let item = |entry: &ListEntry| {
            let ListEntry::Item(item) = entry else { panic!("an inner list") };
            let BareItem::String(name) = &item.bare_item else { panic!("a name is a string") };
            let keys = item.params.keys().map(|key| key.as_str()).collect::<Vec<_>>().join(" ");
            format!("{} {keys}", name.as_str())
        };
        list.iter().map(item).collect::<Vec<_>>()
    };
    assert_eq!(read(&policy), ["few q qu", "r q w"]);
    assert_eq!(read(&state), ["few r"]);
}

#[test]
fn nonsense_of_keys_tiers_and_caps_is_refused_with_the_name_of_the_field() {
    let gold = KeyHash::of(b"gold");
    let table = [
        (r#"{"exempt_keys": ["abc"]}"#.to_owned(), "64 hexadecimal digits"),
        (format!(r#"{{"denied_keys": ["{}"]}}"#, "x".repeat(64)), "64 hexadecimal digits"),
        (r#"{"api_key_field": "a b"}"#.to_owned(), "api_key_field"),
        (r#"{"tiers": [{"name": "none", "keys": []}]}"#.to_owned(), "tiers.name"),
        (r#"{"tiers": [{"name": "a", "keys": []}, {"name": "a", "keys": []}]}"#.to_owned(), "one name"),
        (
            format!(r#"{{"tiers": [{{"name": "a", "keys": ["{gold}"]}}, {{"name": "b", "keys": ["{gold}"]}}]}}"#),
            "two of `limits.tiers`",
        ),
        (r#"{"rules": [{"name": "r", "quota": 1, "window_s": 1, "tiers": ["x"]}]}"#.to_owned(), "limits.tiers"),
        (r#"{"caps": [{"name": "c", "under_way_max": 0}]}"#.to_owned(), "under_way_max"),
        (r#"{"caps": [{"name": "C", "under_way_max": 1}]}"#.to_owned(), "caps.name"),
        (r#"{"caps": [{"name": "c", "under_way_max": 1, "paths": ["a"]}]}"#.to_owned(), "caps.paths"),
        (
            r#"{"caps": [{"name": "c", "under_way_max": 1, "key": [{"field": "x tenant"}]}]}"#.to_owned(),
            "caps.key",
        ),
        (r#"{"caps": [{"name": "c", "under_way_max": 1, "methods": ["post"]}]}"#.to_owned(), "caps.methods"),
        (
            r#"{"caps": [{"name": "r", "under_way_max": 1}], "rules": [{"name": "r", "quota": 1, "window_s": 1}]}"#.to_owned(),
            "one name",
        ),
    ];
    for (text, field) in table {
        let said = match serde_json::from_str::<Config>(&text) {
            Ok(config) => config.check().unwrap_err().to_string(),
            Err(error) => error.to_string(),
        };
        assert!(said.contains(field), "{said}");
    }
}

#[test]
fn a_heavy_request_counts_for_several() {
    let limits = limits(vec![Rule { cost: 4, ..rule("r", 10, 60) }]);
    assert_eq!((0..10).filter(|_| passes(&limits, "1.2.3.4", 0)).count(), 2);
}

#[test]
fn a_shadow_refuses_nobody_and_is_counted() {
    let metrics = domain::metrics::Metrics::default();
    let counts = metrics.register("edge_limits", "Requests by rule and verdict", Counts::default());
    let config = Config { rules: vec![Rule { shadow: true, ..rule("r", 1, 60) }], ..Config::default() };
    let limits = Limits::new(config, Arc::new(Slice::new()), counts);
    assert!((0..5).all(|_| passes(&limits, "1.2.3.4", 0)));
    let text = metrics.encode();
    assert!(text.contains("edge_limits_total{rule=\"r\",verdict=\"would-refuse\"} 4"), "{text}");
}

#[test]
fn who_does_not_listen_is_banned() {
    let limits = limits(vec![Rule { ban_after: 3, ban_s: 600, ..rule("r", 1, 60) }]);
    assert!(passes(&limits, "1.2.3.4", 0));
    let reasons: Vec<Reason> = (0..4)
        .map(|_| match ask(&limits, "1.2.3.4", "/a", NONE, 0) {
            Verdict::Refused(refused) => refused.reason,
            verdict => panic!("{verdict:?}"),
        })
        .collect();
    assert_eq!(reasons, [Reason::Limited, Reason::Limited, Reason::Banned, Reason::Banned]);
    assert!(!passes(&limits, "1.2.3.4", 599), "its quota is back, but it is banned");
    assert!(passes(&limits, "1.2.3.4", 601) && passes(&limits, "1.2.3.5", 0));
}

#[test]
fn those_who_try_doors_are_counted_by_answers() {
    let limits = limits(vec![Rule { statuses: vec![401, 404], ..rule("r", 3, 60) }]);
    for status in [200, 404, 200, 401, 404] {
        let Verdict::Within(admission) = ask(&limits, "1.2.3.4", "/a", NONE, 0) else { panic!("{status}") };
        limits.answered(&admission, StatusCode::from_u16(status).unwrap(), false, START_US);
    }
    assert!(!passes(&limits, "1.2.3.4", 0));
    assert!(passes(&limits, "1.2.3.4", 20));
}

#[test]
fn a_refusal_by_one_rule_gives_back_nothing_of_those_that_count_answers() {
    let doors = Rule { statuses: vec![401], ..rule("doors", 5, 6_000) };
    let limits = limits(vec![rule("address", 3, 60), doors]);
    let mut wrong = 0;
    for minute in 0..4 {
        for _ in 0..10 {
            if let Verdict::Within(admission) = ask(&limits, "1.2.3.4", "/a", NONE, minute * 60) {
                wrong += 1;
                let now_us = START_US + minute * 60_000_000;
                limits.answered(&admission, StatusCode::UNAUTHORIZED, false, now_us);
            }
        }
    }
    assert_eq!(wrong, 5, "as many as the rule for doors says, however often the other one refused");
}

#[test]
fn misses_can_be_what_counts() {
    let limits = limits(vec![Rule { misses: true, ..rule("r", 2, 60) }]);
    for hit in [true, false, true, true, false] {
        let Verdict::Within(admission) = ask(&limits, "1.2.3.4", "/a", NONE, 0) else { panic!("{hit}") };
        limits.answered(&admission, StatusCode::OK, hit, START_US);
    }
    assert!(!passes(&limits, "1.2.3.4", 0));
}

#[test]
fn memory_is_bounded_and_the_worst_are_not_forgotten() {
    let config = Config { rules: vec![rule("r", 10, 60)], entries_max: 640, ..Config::default() };
    let limits = Limits::new(config, Arc::new(Slice::new()), Counts::default());
    let worst = "9.9.9.9";
    while passes(&limits, worst, 0) {}
    for number in 0..20_000_u32 {
        passes(&limits, &Ipv4Addr::from_bits(number << 8).to_string(), 0);
    }
    assert!(limits.table.len() <= 640);
    assert!(!passes(&limits, worst, 0));
}

#[test]
fn nonsense_is_refused_with_the_name_of_the_field() {
    let table = [
        (Rule { name: "R".into(), ..rule("r", 1, 1) }, "name"),
        (rule("r", 0, 1), "quota"),
        (rule("r", 1, 0), "window_s"),
        (Rule { cost: 2, ..rule("r", 1, 1) }, "cost"),
        (Rule { key: vec![], ..rule("r", 1, 1) }, "key"),
        (Rule { ban_after: 1, ..rule("r", 1, 1) }, "ban_s"),
        (Rule { paths: vec!["v1".into()], ..rule("r", 1, 1) }, "paths"),
        (Rule { key: vec![KeyPart::Field("x tenant".into())], ..rule("r", 1, 1) }, "rules.key"),
        (Rule { key: vec![KeyPart::Cookie(String::new())], ..rule("r", 1, 1) }, "rules.key"),
        (Rule { methods: vec!["post".into()], ..rule("r", 1, 1) }, "rules.methods"),
        (Rule { methods: vec![String::new()], ..rule("r", 1, 1) }, "rules.methods"),
    ];
    for (rule, field) in table {
        let config = Config { rules: vec![rule], ..Config::default() };
        let said = config.check().unwrap_err().to_string();
        assert!(said.contains(field), "{said}");
    }
    let twice = Config { rules: vec![rule("r", 1, 1), rule("r", 2, 2)], ..Config::default() };
    assert!(twice.check().unwrap_err().to_string().contains("one name"));
}

/// The same as a counter that is told of every instant: how many fit is a matter of the rule, not of luck.
fn naive(quota: u64, window_s: u64, at_us: &[u64]) -> Vec<bool> {
    let (each, mut debt, mut last) = (window_s as f64 * 1e6 / quota as f64, 0_f64, 0_u64);
    let mut pass = |now: u64| {
        debt = (debt - (now - last) as f64).max(0.0);
        last = now;
        let fits = debt + each <= quota as f64 * each + 1.0;
        debt += if fits { each } else { 0.0 };
        fits
    };
    at_us.iter().map(|now| pass(*now)).collect()
}

proptest! {
    #[test]
    fn a_leaky_bucket_admits_the_same(quota in 1_u64..50, window_s in 1_u64..100, gaps in proptest::collection::vec(0_u64..3_000_000, 1..200)) {
        let at_us: Vec<u64> = gaps.iter().scan(0, |now, gap| { *now += gap; Some(*now) }).collect();
        let limits = limits(vec![rule("r", quota, window_s)]);
        let (head, ()) = Request::get("/a").body(()).unwrap().into_parts();
        let ours: Vec<bool> = at_us.iter().map(|now| {
            let question = Question { client: IpAddr::from([1, 2, 3, 4]), host: "h", path: "/a", head: &head };
            !matches!(limits.check(&question, START_US + i64::try_from(*now).unwrap()), Verdict::Refused(_))
        }).collect();
        let differ = ours.iter().zip(naive(quota, window_s, &at_us)).filter(|(a, b)| **a != *b).count();
        // Rounding may move one request across a border.
        prop_assert!(differ <= 2, "{} of {}", differ, ours.len());
    }

    #[test]
    fn never_more_than_burst_and_refill(quota in 1_u64..50, window_s in 1_u64..100, gaps in proptest::collection::vec(0_u64..500_000, 1..300)) {
        let limits = limits(vec![rule("r", quota, window_s)]);
        let mut now_us = 0;
        let mut passed = 0_u64;
        for gap in gaps {
            now_us += gap;
            let (head, ()) = Request::get("/a").body(()).unwrap().into_parts();
            let question = Question { client: IpAddr::from([1, 2, 3, 4]), host: "h", path: "/a", head: &head };
            let verdict = limits.check(&question, START_US + i64::try_from(now_us).unwrap());
            passed += u64::from(!matches!(verdict, Verdict::Refused(_)));
        }
        prop_assert!(passed <= quota + now_us * quota / (window_s * 1_000_000) + 1);
    }
}

/// Four edges, one killed, one cut off: whatever happens, together they admit at most a tenth more than the quota.
#[test]
fn edges_that_share_a_quota_admit_no_more_than_a_tenth_too_much() {
    const QUOTA: u64 = 600;
    const MINUTES: i64 = 25;
    const STEP_MS: i64 = 100;
    let begin = std::time::Instant::now();
    let at = |ms: i64| begin + std::time::Duration::from_millis(u64::try_from(ms).unwrap());
    let sharers = Sharers::new(begin);
    let config = || Config {
        rules: vec![Rule { shared: true, key: vec![KeyPart::Path], ..rule("all", QUOTA, 60) }],
        ..Config::default()
    };
    let slices: Vec<Arc<Slice>> = (0..4).map(|_| Arc::new(Slice::new())).collect();
    let edges: Vec<Limits> =
        slices.iter().map(|slice| Limits::new(config(), slice.clone(), Counts::default())).collect();
    let (head, ()) = Request::get("/a").body(()).unwrap().into_parts();
    let question = Question { client: [1, 2, 3, 4].into(), host: "h", path: "/a", head: &head };
    let mut admitted = vec![0_u64; usize::try_from(MINUTES).unwrap()];
    for ms in (0..MINUTES * 60_000).step_by(usize::try_from(STEP_MS).unwrap()) {
        let minute = usize::try_from(ms / 60_000).unwrap();
        for (index, (edge, slice)) in edges.iter().zip(&slices).enumerate() {
            // The first is killed after three minutes, the second cut off after five, the last starts after one.
            let (is_killed, is_cut) = (index == 0 && minute >= 3, index == 1 && minute >= 5);
            if is_killed || index == 3 && minute < 1 {
                continue;
            }
            if is_cut {
                slice.miss(at(ms));
            } else {
                slice.hear(sharers.heard(&index.to_string(), 0, at(ms)), at(ms));
            }
            let asks = (0..10)
                .filter(|_| !matches!(edge.check(&question, START_US + ms * 1_000), Verdict::Refused(_)));
            admitted[minute] += u64::try_from(asks.count()).unwrap();
        }
    }
    let total: u64 = admitted.iter().sum();
    let due = QUOTA * u64::try_from(MINUTES + 1).unwrap();
    assert!(total * 10 <= due * 11, "{total} of {due}");
    // The burst of the start is spent in the first minute, the one of the late edge in the second.
    for (minute, count) in admitted.iter().enumerate().skip(2) {
        assert!(count * 10 <= QUOTA * 11, "minute {minute}: {admitted:?}");
    }
    assert!(
        admitted[MINUTES as usize - 1] >= QUOTA * 9 / 10,
        "what the dead one had is used again: {admitted:?}"
    );
}
