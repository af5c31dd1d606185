//! What is rendered once a second must be what would be rendered for each request.

use crate::support::{Answer, Got, World};
use edge::{Kind, LimitsConfig};
use http::Method;

/// A fixed sequence that looks like chance (Numerical Recipes' generator).
struct Dice(u32);

impl Dice {
    fn below(&mut self, sides: u32) -> usize {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((self.0 >> 8) % sides) as usize
    }

    fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len() as u32)]
    }
}

const FIELDS: [(&str, &[&str]); 7] = [
    ("range", &["bytes=0-4", "bytes=-3", "bytes=5-2", "bytes=90000-", "bytes=0-0,4-5"]),
    ("if-none-match", &["\"v\"", "W/\"v\"", "\"x\"", "*", "\"v-br\""]),
    ("if-modified-since", &["Tue, 14 Nov 2023 22:13:20 GMT", "Mon, 06 Nov 1994 08:49:37 GMT", "nonsense"]),
    ("if-range", &["\"v\"", "\"x\""]),
    ("accept-encoding", &["x-none", "br;q=0", "identity", ""]),
    ("cache-control", &["max-age=0", "max-age=3600", "min-fresh=5", "only-if-cached"]),
    ("x-other", &["1"]),
];

fn random_request(dice: &mut Dice) -> (Method, &'static str, Vec<(&'static str, &'static str)>) {
    let method = if dice.below(5) == 0 { Method::HEAD } else { Method::GET };
    let path = *dice.pick(&["/plain", "/tagged", "/varied?b=1&a=2", "/empty", "/missing"]);
    let fields = FIELDS.iter().filter(|_| dice.below(3) == 0).collect::<Vec<_>>();
    (method, path, fields.into_iter().map(|(name, values)| (*name, *dice.pick(values))).collect())
}

/// Everything that may not differ; the request's id is nobody else's, and a quota runs down.
fn comparable(got: &Got) -> (u16, Vec<String>, String) {
    let id = got.field("x-request-id").to_owned();
    let line = |(name, value): (&http::HeaderName, &http::HeaderValue)| match name.as_str() {
        "x-request-id" => name.to_string(),
        "ratelimit" => name.to_string(),
        name => format!("{name}: {}", value.to_str().unwrap().replace(&id, "ID")),
    };
    let mut lines: Vec<String> = got.headers.iter().map(line).collect();
    lines.sort();
    (got.status, lines, got.body.replace(&id, "ID"))
}

async fn compare(profile: Kind, limits: LimitsConfig, seed: u32) {
    let world = World::with(|config| {
        config.profile = profile;
        config.limits = limits;
    })
    .await;
    world.near.answer(|seen| {
        let fresh = |body: &str| Answer::ok(body.to_owned()).with("cache-control", "public, max-age=100000");
        match seen.target.split('?').next().unwrap_or_default() {
            "/tagged" => fresh("0123456789").with("etag", "\"v\"").with("surrogate-key", "a"),
            "/varied" => fresh("0123456789").with("vary", "accept-encoding").with("age", "7"),
            "/empty" => fresh(""),
            "/missing" => Answer::status(404).with("cache-control", "public, max-age=100000"),
            _ => fresh(&"text ".repeat(400)).with("content-type", "text/plain").with("etag", "\"v\""),
        }
    });
    let (mut dice, mut compared) = (Dice(seed), 0);
    for round in 0..150 {
        let (method, path, fields) = random_request(&mut dice);
        world.get(path).await;
        world.send(method.clone(), path, &fields, "").await;
        // Nothing is rendered for this second; then something is, by another request.
        world.advance(1);
        let slow = world.send(method.clone(), path, &fields, "").await;
        world.get(path).await;
        let hot = world.send(method.clone(), path, &fields, "").await;
        // A coding may have become ready in between; what is asked of the origin anew is no hit.
        let same_coding = slow.headers.get("content-encoding") == hot.headers.get("content-encoding");
        if same_coding && slow.is_hit() && hot.is_hit() {
            compared += 1;
            assert_eq!(comparable(&slow), comparable(&hot), "{round}: {method} {path} {fields:?}");
        }
    }
    assert!(compared >= 100, "{compared}");
}

fn limits() -> LimitsConfig {
    let rule = r#"{"name": "r", "quota": 1000000, "window_s": 60}"#;
    LimitsConfig { rules: vec![serde_json::from_str(rule).unwrap()], ..LimitsConfig::default() }
}

#[tokio::test]
async fn the_hot_path_answers_as_the_slow_one_does() {
    compare(Kind::Sangraha, LimitsConfig::default(), 1).await;
    compare(Kind::Sangraha, limits(), 2).await;
    compare(Kind::Rfc, limits(), 3).await;
}

#[tokio::test]
async fn who_is_exempt_is_told_of_no_limits_by_a_rendered_answer() {
    let trusting = |config: &mut edge::Config| {
        config.limits = LimitsConfig { exempt: vec!["192.0.2.0/24".parse().unwrap()], ..limits() };
        config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    };
    let world = World::with(trusting).await;
    world.near.answer(|_| Answer::fresh("x"));
    for client in ["198.51.100.1", "192.0.2.1", "198.51.100.1", "192.0.2.1"] {
        let got = world.get_with("/a", &[("x-forwarded-for", client)]).await;
        let told = ["ratelimit", "ratelimit-policy"].map(|name| got.headers.contains_key(name));
        assert_eq!(told, [!client.starts_with("192"); 2], "{client}: {got:?}");
        assert_eq!(got.field("x-request-id").len(), 36);
    }
}
