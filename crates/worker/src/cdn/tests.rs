use super::*;
use domain::purge::Purge;
use serde_json::{Value, json};

fn batch(purges: &[(&[&str], bool)]) -> PurgeBatch {
    let purge = |(index, (tags, soft)): (usize, &(&[&str], bool))| Purge {
        position: index as u64 + 1,
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        floor_lsn: 0,
        soft: *soft,
    };
    let purges: Vec<Purge> = purges.iter().enumerate().map(purge).collect();
    let position = purges.len() as u64;
    PurgeBatch { epoch: 1, purge_all: false, purges, position, floor_lsn: 0 }
}

fn provider(table: &str) -> Provider {
    toml::from_str(table).unwrap()
}

fn fastly() -> Provider {
    provider("provider = \"fastly\"\nservice = \"S\"\ntoken = \"secret\"")
}

fn cloudflare() -> Provider {
    provider("provider = \"cloudflare\"\nzone = \"Z\"\ntoken = \"secret\"")
}

fn cloudfront(tags: bool) -> Provider {
    let key = "access_key = \"AK\"\nsecret_key = \"secret\"";
    provider(&format!("provider = \"cloudfront\"\ndistribution = \"D\"\n{key}\ntags = {tags}"))
}

fn varnish() -> Provider {
    provider("provider = \"varnish\"\naddresses = [\"http://v1.test:6081\", \"http://v2.test:6081/\"]")
}

fn calls(provider: &Provider, batch: &PurgeBatch) -> Vec<Call> {
    provider.calls(&Work::of(batch), "ref", DateTime::UNIX_EPOCH)
}

fn body(call: &Call) -> Value {
    serde_json::from_str(&call.body).unwrap()
}

fn field<'a>(call: &'a Call, name: &str) -> Option<&'a str> {
    call.headers.iter().find(|(found, _)| *found == name).map(|(_, value)| value.as_str())
}

#[test]
fn one_thing_is_told_once_and_hard_stands_above_soft() {
    let work =
        Work::of(&batch(&[(&["a", "b"], true), (&["b", "c", "what is this"], false), (&["c"], false)]));
    assert_eq!(work.hard.tags, ["b", "c"].map(str::to_owned).into());
    assert_eq!(work.soft.tags, ["a"].map(str::to_owned).into());
    let all = Work::of(&batch(&[(&["a"], true), (&["all", "b"], false)]));
    assert!(all.hard.all && all.hard.tags.is_empty() && all.soft.tags.is_empty());
}

#[test]
fn fastly_takes_256_keys_a_call_soft_and_hard_apart() {
    let keys: Vec<String> = (0..300).map(|number| format!("k{number:03}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let made = calls(
        &fastly(),
        &batch(&[(&keys, false), (&["soft"], true), (&["url https://s.test/x?y=1"], false)]),
    );
    let urls: Vec<&str> = made.iter().map(|call| call.url.as_str()).collect();
    let keys_url = "https://api.fastly.com/service/S/purge";
    assert_eq!(urls, [keys_url, keys_url, "https://api.fastly.com/purge/s.test/x?y=1", keys_url]);
    let count = |call| body(call)["surrogate_keys"].as_array().unwrap().len();
    assert_eq!((count(&made[0]), count(&made[1])), (256, 44));
    assert_eq!(body(&made[3]), json!({"surrogate_keys": ["soft"]}));
    assert_eq!((field(&made[0], "fastly-key"), field(&made[0], "fastly-soft-purge")), (Some("secret"), None));
    assert_eq!(field(&made[3], "fastly-soft-purge"), Some("1"));
    for wide in ["all", "host s.test", "prefix s.test/v1"] {
        let made = calls(&fastly(), &batch(&[(&["a", wide], true)]));
        assert_eq!(made.len(), 1, "{wide}");
        assert!(made[0].url.ends_with("/service/S/purge_all"));
    }
}

#[test]
fn cloudflare_takes_100_of_a_kind_a_call() {
    let keys: Vec<String> = (0..101).map(|number| format!("k{number:03}")).collect();
    let mut targets: Vec<&str> = keys.iter().map(String::as_str).collect();
    targets.extend(["url https://s.test/x", "prefix s.test/v1", "host s.test"]);
    let made = calls(&cloudflare(), &batch(&[(&targets, false)]));
    assert_eq!(made.len(), 5);
    assert!(made.iter().all(|call| call.url == "https://api.cloudflare.com/client/v4/zones/Z/purge_cache"));
    assert!(
        made.iter().all(|call| field(call, "authorization") == Some("Bearer secret") && call.says_success)
    );
    assert_eq!(body(&made[1]), json!({"tags": ["k100"]}));
    assert_eq!(body(&made[2]), json!({"files": ["https://s.test/x"]}));
    assert_eq!(body(&made[3]), json!({"prefixes": ["s.test/v1"]}));
    assert_eq!(body(&made[4]), json!({"hosts": ["s.test"]}));
    let everything = calls(&cloudflare(), &PurgeBatch { purge_all: true, ..batch(&[]) });
    assert_eq!(body(&everything[0]), json!({"purge_everything": true}));
}

#[test]
fn cloudfront_takes_tags_where_it_reads_them_and_else_everything() {
    let targets: &[&str] = &["list:ragas", "url https://s.test/x?y=<1>&z", "prefix s.test/v1/ragas/"];
    let made = calls(&cloudfront(true), &batch(&[(targets, false)]));
    let [call] = &made[..] else { panic!("{made:?}") };
    assert_eq!(call.url, "https://cloudfront.amazonaws.com/2020-05-31/distribution/D/invalidation");
    for part in [
        "<CallerReference>ref-0</CallerReference>",
        "<Path>#list:ragas</Path>",
        "<Path>/x?y=%3C1%3E&amp;z</Path>",
        "<Path>/v1/ragas*</Path>",
        "<Quantity>3</Quantity>",
    ] {
        assert!(call.body.contains(part), "{part}: {}", call.body);
    }
    let authorization = field(call, "authorization").unwrap();
    assert!(
        authorization
            .starts_with("AWS4-HMAC-SHA256 Credential=AK/19700101/us-east-1/cloudfront/aws4_request")
    );
    assert!(!format!("{call:?}").contains("secret"));
    let many: Vec<String> = (0..16).map(|number| format!("prefix s.test/p{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for (tags, targets) in [(false, &["a"][..]), (true, &["host s.test"]), (true, &["all"]), (true, &many)] {
        let made = calls(&cloudfront(tags), &batch(&[(targets, false)]));
        assert!(made[0].body.contains("<Items><Path>/*</Path></Items><Quantity>1</Quantity>"), "{targets:?}");
    }
}

#[test]
fn every_varnish_is_told_in_its_own_words() {
    let targets: &[&str] =
        &["a", "b", "url https://s.test/x?y=1", "prefix S.test/v1/a.b/", "host s.test", "all"];
    let made = calls(&varnish(), &batch(&[(targets, false)]));
    // Everything makes the rest needless.
    assert_eq!(made.len(), 2);
    assert_eq!((made[0].method.as_str(), field(&made[0], "x-ban-url")), ("BAN", Some("^")));
    assert_eq!(made[1].url, "http://v2.test:6081/");
    let made = calls(&varnish(), &batch(&[(&targets[..5], true)]));
    let told: Vec<_> = made[..4].iter().map(|call| (call.method.as_str(), call.url.as_str())).collect();
    let root = "http://v1.test:6081/";
    assert_eq!(told, [("PURGE", root), ("PURGE", "http://v1.test:6081/x?y=1"), ("BAN", root), ("BAN", root)]);
    assert_eq!(field(&made[0], "xkey-softpurge"), Some("a b"));
    assert_eq!((field(&made[1], "host"), field(&made[1], "x-soft")), (Some("s.test"), Some("1")));
    assert_eq!(field(&made[2], "x-ban-host"), Some("s.test"));
    assert_eq!(field(&made[2], "x-ban-url"), Some("^/v1/a[.]b(/|\\?|$)"));
    assert_eq!(field(&made[3], "x-ban-url"), Some("^"));
}

#[test]
fn secrets_are_not_shown() {
    for provider in [fastly(), cloudflare(), cloudfront(true)] {
        assert!(!format!("{provider:?}").contains("secret\""), "{provider:?}");
    }
}

#[test]
fn names_and_addresses_that_cannot_work_are_refused() {
    assert!(check("main", &fastly()).is_ok());
    assert!(matches!(check("../x", &fastly()), Err(Error::Name(_))));
    let nowhere = provider("provider = \"varnish\"\naddresses = [\"v1:80\"]");
    assert!(matches!(check("main", &nowhere), Err(Error::Address(_))));
    assert!(toml::from_str::<Provider>("provider = \"akamai\"").is_err());
    assert!(
        toml::from_str::<Provider>("provider = \"fastly\"\nservice = \"s\"\ntoken = \"t\"\nmore = 1")
            .is_err()
    );
}
