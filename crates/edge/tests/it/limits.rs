use crate::support::{Answer, World, until};
use edge::{LimitsConfig, Rule};
use http::Method;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

fn rule(text: &str) -> Rule {
    serde_json::from_str(text).expect("a rule")
}

async fn limited(rules: &[&str]) -> World {
    let rules = rules.iter().map(|text| rule(text)).collect();
    World::with(move |config| config.limits = LimitsConfig { rules, ..LimitsConfig::default() }).await
}

#[tokio::test]
async fn a_used_up_quota_is_429_with_the_time_to_wait() {
    let world = limited(&[r#"{"name": "r", "quota": 2, "window_s": 60}"#]).await;
    let first = world.get("/a").await;
    assert_eq!((first.status, first.field("ratelimit")), (200, "\"r\";r=1;t=30"));
    assert_eq!(first.field("ratelimit-policy"), "\"r\";q=2;w=60");
    let hit = world.get("/a").await;
    assert!(hit.is_hit());
    assert_eq!(hit.field("ratelimit"), "\"r\";r=0;t=60", "the fields are of the request, not of the object");
    let refused = world.get("/a").await;
    assert_eq!((refused.status, refused.field("retry-after")), (429, "30"));
    assert_eq!(refused.field("ratelimit"), "\"r\";r=0;t=30");
    assert_eq!(refused.cache_status(), "sangraha-edge; detail=rate-limited");
    let problem = refused.problem();
    assert_eq!(problem["type"], "https://iana.org/assignments/http-problem-types#quota-exceeded");
    assert_eq!(problem["violated-policies"], serde_json::json!(["r"]));
    world.advance(30);
    assert_eq!(world.get("/a").await.status, 200);
    assert_eq!(world.near.count(), 1);
}

#[tokio::test]
async fn refused_requests_reach_no_origin() {
    let world = limited(&[r#"{"name": "r", "quota": 1, "window_s": 60, "paths": ["/v1/admin"]}"#]).await;
    assert_eq!(world.send(Method::POST, "/v1/admin/x", &[], "a").await.status, 200);
    assert_eq!(world.send(Method::POST, "/v1/admin/x", &[], "a").await.status, 429);
    assert_eq!(
        world.send(Method::POST, "/v1/admin/./y", &[], "a").await.status,
        429,
        "spelling does not help"
    );
    assert_eq!(world.admin.count(), 1);
    assert_eq!(world.get("/a").await.field("ratelimit"), "", "no rule holds here");
}

#[tokio::test]
async fn wrong_credentials_count_and_right_ones_do_not() {
    let world = limited(&[r#"{"name": "doors", "quota": 2, "window_s": 60, "statuses": [401]}"#]).await;
    world.admin.answer(|seen| match seen.field("authorization") {
        "Bearer right" => Answer::ok("in"),
        _ => Answer::status(401),
    });
    let world = &world;
    let ask = |token: &'static str| async move {
        let fields = [("authorization", token)];
        world.send(Method::GET, "/v1/admin/x", &fields, "").await.status
    };
    for _ in 0..5 {
        assert_eq!(ask("Bearer right").await, 200);
    }
    assert_eq!((ask("Bearer a").await, ask("Bearer b").await, ask("Bearer c").await), (401, 401, 429));
}

#[tokio::test]
async fn exempt_networks_are_never_held_back_and_denied_ones_always() {
    let world = World::with(|config| {
        config.limits.rules = vec![rule(r#"{"name": "r", "quota": 1, "window_s": 60}"#)];
        config.limits.exempt = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    for _ in 0..5 {
        assert_eq!(world.get("/a").await.status, 200);
    }
    let world = World::with(|config| config.limits.denied = vec!["127.0.0.0/8".parse().unwrap()]).await;
    let got = world.get("/a").await;
    assert_eq!((got.status, got.problem()["code"].as_str()), (403, Some("forbidden")));
}

fn capped(name: &str, max: u32) -> LimitsConfig {
    let text = format!(r#"{{"caps": [{{"name": "{name}", "under_way_max": {max}}}]}}"#);
    serde_json::from_str(&text).expect("a cap")
}

#[tokio::test]
async fn a_request_is_under_way_until_its_answer_has_passed_or_its_client_has_gone() {
    let gate = Arc::new(Semaphore::new(0));
    let world = World::with(|config| config.limits = capped("one", 1)).await;
    let held = gate.clone();
    world.near.answer(move |seen| match seen.target.as_str() {
        "/slow" => Answer::ok("slow").behind(&held),
        _ => Answer::fresh("a"),
    });
    let slow = b"GET /slow HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    let mut first = TcpStream::connect(world.address).await.unwrap();
    first.write_all(slow).await.unwrap();
    until(|| world.near.count() == 1).await;
    let refused = world.get("/a").await;
    assert_eq!((refused.status, refused.field("retry-after")), (429, "1"));
    assert_eq!(refused.cache_status(), "sangraha-edge; detail=crowded");
    assert_eq!(refused.field("ratelimit-policy"), "\"one\";q=1;qu=\"concurrent-requests\"");
    assert_eq!(refused.field("ratelimit"), "\"one\";r=0");
    assert_eq!(refused.problem()["violated-policies"], serde_json::json!(["one"]));
    gate.add_permits(1);
    let mut answer = String::new();
    first.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("slow"), "{answer}");
    assert_eq!(world.get("/a").await.status, 200);

    let mut second = TcpStream::connect(world.address).await.unwrap();
    second.write_all(slow).await.unwrap();
    until(|| world.near.count() == 3).await;
    assert_eq!(world.get("/a").await.status, 429);
    drop(second);
    let gone = async { while world.get("/a").await.status == 429 {} };
    tokio::time::timeout(Duration::from_secs(20), gone).await.expect("who hangs up is not under way");
}

#[tokio::test]
async fn a_cap_changes_without_losing_count() {
    let gate = Arc::new(Semaphore::new(0));
    let world = World::with(|config| config.limits = capped("one", 1)).await;
    let held = gate.clone();
    world.near.answer(move |_| Answer::ok("slow").behind(&held));
    let world = &world;
    let slow = world.get("/slow");
    let meanwhile = async {
        until(|| world.near.count() == 1).await;
        assert_eq!(world.get("/a").await.status, 429);
        world.reload(|config| config.limits = capped("one", 2)).unwrap();
        let second = world.get("/b");
        let third = async {
            until(|| world.near.count() == 2).await;
            assert_eq!(world.get("/c").await.status, 429, "two are under way");
            gate.add_permits(2);
        };
        assert_eq!(tokio::join!(second, third).0.status, 200);
    };
    assert_eq!(tokio::join!(slow, meanwhile).0.status, 200);
}

#[tokio::test]
async fn keys_are_known_by_their_hash() {
    let (gold, bad) = (edge::KeyHash::of(b"gold"), edge::KeyHash::of(b"bad"));
    let text = format!(
        r#"{{"tiers": [{{"name": "partner", "keys": ["{gold}"]}}], "denied_keys": ["{bad}"], "rules": [
            {{"name": "anybody", "quota": 1, "window_s": 60, "tiers": ["none"]}},
            {{"name": "partner", "quota": 3, "window_s": 60, "tiers": ["partner"], "key": ["api_key"]}}]}}"#
    );
    let limits: LimitsConfig = serde_json::from_str(&text).unwrap();
    let world = World::with(move |config| config.limits = limits).await;
    let world = &world;
    let ask = |token: &'static str| async move {
        let got = world.get_with("/a", &[("authorization", token)]).await;
        (got.status, got.field("ratelimit-policy").to_owned())
    };
    assert_eq!(ask("Bearer gold").await, (200, "\"partner\";q=3;w=60".to_owned()));
    assert_eq!(ask("Bearer other").await, (200, "\"anybody\";q=1;w=60".to_owned()));
    assert_eq!(ask("Bearer another").await.0, 429);
    assert_eq!(ask("Bearer gold").await.0, 200);
    assert_eq!(ask("Bearer bad").await.0, 403);
}

#[tokio::test]
async fn four_edges_share_a_quota_though_one_dies_and_one_is_cut_off() {
    const QUOTA: u16 = 400;
    let shared = r#"{"name": "all", "quota": 400, "window_s": 100, "key": ["host"], "shared": true}"#;
    let mut worlds = Vec::new();
    for name in ["edge-1", "edge-2", "edge-3", "edge-4"] {
        let world = World::with(|config| {
            config.name = name.to_owned();
            config.limits =
                LimitsConfig { rules: vec![rule(shared)], lease_ms: 50, edges: 7, ..LimitsConfig::default() };
        })
        .await;
        let region = worlds.first().map(|first: &World| first.feed.sharers.lock().unwrap().clone());
        if let Some(region) = region {
            *world.feed.sharers.lock().unwrap() = region;
        }
        worlds.push(world);
    }
    for world in &worlds {
        world.until(|status| status.quota_slices == 4).await;
    }
    let fields = [("host", "one")];
    let hammer = |world: usize| {
        let world = &worlds[world];
        async move {
            let mut admitted = 0;
            for _ in 0..QUOTA {
                admitted += u16::from(world.get_with("/a", &fields).await.status == 200);
            }
            admitted
        }
    };
    let mut admitted = 0;
    for world in 0..4 {
        admitted += hammer(world).await;
    }
    assert!((QUOTA * 9 / 10..=QUOTA * 11 / 10).contains(&admitted), "{admitted}");

    worlds[0].shutdown.cancel();
    worlds[1].feed.set_silent(true);
    let mut after = 0;
    for (index, world) in worlds.iter().enumerate().skip(1) {
        world.advance(100);
        after += hammer(index).await;
        assert_eq!(world.status().quota_slices, 4, "the last slice stays in use");
    }
    assert!((QUOTA / 2..=QUOTA * 11 / 10).contains(&after), "{after}");
}
