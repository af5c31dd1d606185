use crate::support::{Answer, World, until};
use std::sync::Arc;
use tokio::sync::Semaphore;

fn tagged(body: &'static str, tags: &'static str) -> Answer {
    Answer::ok(body).with("cache-control", "max-age=3600").with("surrogate-key", tags)
}

#[tokio::test]
async fn a_purge_by_tag_drops_what_has_the_tag() {
    let world = World::new().await;
    world.near.answer(|seen| match seen.target.as_str() {
        "/kalyani" => tagged("k", "raga:kalyani list:ragas"),
        _ => tagged("t", "raga:todi list:ragas"),
    });
    world.get("/kalyani").await;
    world.get("/todi").await;
    world.purge(&["raga:kalyani"], 0).await;
    let got = world.get("/kalyani").await;
    assert_eq!(got.cache_status(), "sangraha-edge; fwd=uri-miss; fwd-status=200; stored; detail=purged");
    assert!(world.get("/kalyani").await.is_hit());
    assert!(world.get("/todi").await.is_hit());
    world.purge(&["list:ragas"], 0).await;
    assert!(!world.get("/kalyani").await.is_hit());
    assert!(!world.get("/todi").await.is_hit());
    let text = world.metrics.encode();
    assert!(
        text.contains("sangraha_edge_purge_position 2\n") && text.contains("sangraha_edge_purges_total 2\n")
    );
}

#[tokio::test]
async fn the_next_poll_acknowledges() {
    let world = World::new().await;
    world.purge(&["a"], 0).await;
    until(|| world.feed.origin.last().target.contains("after=1&epoch=1&")).await;
}

#[tokio::test]
async fn what_was_under_way_during_a_purge_is_served_but_not_stored() {
    let world = Arc::new(World::new().await);
    let gate = Arc::new(Semaphore::new(0));
    let held = gate.clone();
    world.near.answer(move |_| tagged("old", "t").behind(&held));
    let asking = world.clone();
    let early = tokio::spawn(async move { asking.get("/a").await });
    until(|| world.near.count() == 1).await;
    world.purge(&["t"], 0).await;
    // Who asks after the purge does not share the answer of before.
    let held = gate.clone();
    world.near.answer(move |_| tagged("new", "t").behind(&held));
    let asking = world.clone();
    let late = tokio::spawn(async move { asking.get("/a").await });
    until(|| world.near.count() == 2).await;
    gate.add_permits(2);
    let (early, late) = (early.await.unwrap(), late.await.unwrap());
    assert_eq!(early.body, "old");
    assert_eq!(early.cache_status(), "sangraha-edge; fwd=uri-miss; fwd-status=200; detail=purged-in-fill");
    assert_eq!((late.body.as_str(), world.get("/a").await.body.as_str()), ("new", "new"));
    assert_eq!(world.near.count(), 2);
}

#[tokio::test]
async fn a_304_does_not_bring_back_what_was_purged_meanwhile() {
    let world = Arc::new(World::new().await);
    let gate = Arc::new(Semaphore::new(0));
    let held = gate.clone();
    world.near.answer(move |seen| match seen.field("if-none-match") {
        "" => tagged("old", "t").with("etag", "\"v\""),
        _ => Answer::status(304).with("cache-control", "max-age=3600").behind(&held),
    });
    world.get("/a").await;
    world.advance(3_601);
    let asking = world.clone();
    let revalidating = tokio::spawn(async move { asking.get("/a").await });
    until(|| world.near.count() == 2).await;
    world.purge(&["t"], 0).await;
    gate.add_permits(1);
    assert!(revalidating.await.unwrap().cache_status().ends_with("detail=purged-in-fill"));
    assert!(!world.get("/a").await.is_hit());
}

#[tokio::test]
async fn an_answer_below_the_floor_is_served_but_not_stored() {
    let world = World::new().await;
    world.near.answer(|_| tagged("lagging", "t").with("x-sangraha-read-lsn", "999"));
    world.purge(&["t"], 1_000).await;
    for _ in 0..2 {
        let got = world.get("/a").await;
        assert_eq!(got.body, "lagging");
        assert_eq!(got.cache_status(), "sangraha-edge; fwd=uri-miss; fwd-status=200; detail=floor");
    }
    world.near.answer(|_| tagged("caught up", "t").with("x-sangraha-read-lsn", "1000"));
    world.get("/a").await;
    let got = world.get("/a").await;
    assert_eq!((got.body.as_str(), got.is_hit()), ("caught up", true));
}

#[tokio::test]
async fn after_a_cut_the_feed_is_replayed() {
    let world = World::new().await;
    world.near.answer(|seen| match seen.target.as_str() {
        "/a" => tagged("a", "a"),
        _ => tagged("b", "b"),
    });
    world.get("/a").await;
    world.get("/b").await;
    world.feed.set_silent(true);
    world.until(|status| status.blind).await;
    assert!(world.metrics.encode().contains("sangraha_edge_blind 1\n"));
    for index in 0..50 {
        world.feed.purge(&[&format!("x{index}")], 0);
    }
    let position = world.feed.purge(&["a"], 0);
    // Until it knows better, the blind edge still trusts what is young.
    assert!(world.get("/a").await.is_hit());
    world.feed.set_silent(false);
    world.until(|status| !status.blind && status.purge_position == Some(position)).await;
    assert!(!world.get("/a").await.is_hit());
    assert!(world.get("/b").await.is_hit());
}

#[tokio::test]
async fn a_blind_edge_asks_about_what_is_older_than_half_a_minute() {
    let world = World::new().await;
    world.near.answer(|seen| match seen.field("if-none-match") {
        "" => tagged("a", "a").with("etag", "\"v\""),
        _ => Answer::status(304),
    });
    world.get("/a").await;
    world.feed.set_silent(true);
    world.until(|status| status.blind).await;
    world.advance(30);
    assert!(world.get("/a").await.is_hit());
    world.advance(1);
    assert!(!world.get("/a").await.is_hit());
    assert_eq!(world.near.last().field("if-none-match"), "\"v\"");
    // When the origin is gone as well, an old answer is better than none.
    world.advance(31);
    world.near.kill();
    world.far.kill();
    let got = world.get("/a").await;
    assert_eq!((got.status, got.body.as_str()), (200, "a"));
    assert!(got.cache_status().ends_with("detail=stale-if-error"));
}

#[tokio::test]
async fn a_new_epoch_drops_everything() {
    let world = World::new().await;
    world.near.answer(|_| Answer::fresh("untagged"));
    world.get("/a").await;
    world.feed.set_epoch(2);
    world.until(|status| status.epoch == Some(2)).await;
    assert_eq!(world.status().objects, 0);
    assert!(!world.get("/a").await.is_hit());
    assert!(world.get("/a").await.is_hit());
}

#[tokio::test]
async fn a_feed_that_has_only_just_started_costs_no_object() {
    let world = World::new().await;
    world.get("/a").await;
    world.feed.set_epoch(0);
    world.until(|status| status.blind).await;
    assert_eq!((world.status().epoch, world.status().objects), (Some(1), 1));
    world.feed.set_epoch(1);
    world.until(|status| !status.blind).await;
    assert!(world.get("/a").await.is_hit());
}

#[tokio::test]
async fn a_trimmed_log_drops_everything() {
    let world = World::new().await;
    world.near.answer(|_| tagged("a", "a"));
    world.purge(&["x"], 0).await;
    world.get("/a").await;
    world.feed.set_silent(true);
    world.until(|status| status.blind).await;
    let position = world.feed.purge(&["y"], 0);
    world.feed.trim();
    world.feed.set_silent(false);
    world.until(|status| status.purge_position == Some(position)).await;
    assert!(!world.get("/a").await.is_hit());
}

#[tokio::test]
async fn too_many_tags_make_an_answer_that_is_not_kept() {
    let world = World::new().await;
    let tags: String = (0..51).map(|index| format!("t{index} ")).collect();
    world.near.answer(move |_| Answer::fresh("x").with("surrogate-key", tags.trim_end()));
    assert!(world.get("/a").await.cache_status().ends_with("detail=bad-tags"));
    assert_eq!(world.status().objects, 0);
}

/// An origin whose answers may be served stale, with a validator.
fn lenient() -> Answer {
    tagged("v", "t")
        .with("etag", "\"v\"")
        .with("cdn-cache-control", "max-age=60, stale-while-revalidate=600, stale-if-error=600")
}

#[tokio::test]
async fn a_soft_purge_has_the_origin_confirm_before_the_next_use() {
    let world = World::new().await;
    world.near.answer(|seen| match seen.field("if-none-match") {
        "" => lenient(),
        _ => Answer::status(304),
    });
    world.get("/a").await;
    let position = world.feed.soften(&["t"]);
    world.until(|status| status.purge_position == Some(position)).await;
    let got = world.get("/a").await;
    assert_eq!(got.cache_status(), "sangraha-edge; fwd=stale; fwd-status=304; stored; detail=revalidated");
    assert_eq!((got.body.as_str(), world.near.count()), ("v", 2));
    assert!(world.get("/a").await.is_hit());
}

#[tokio::test]
async fn what_was_purged_softly_is_not_served_while_it_is_refreshed_but_stands_in_for_an_error() {
    let world = World::new().await;
    world.near.answer(|_| lenient());
    world.get("/a").await;
    // Stale, within the window of stale-while-revalidate.
    world.advance(61);
    let position = world.feed.soften(&["t"]);
    world.until(|status| status.purge_position == Some(position)).await;
    world.near.answer(|_| tagged("new", "t"));
    assert_eq!(world.get("/a").await.body, "new");
    let position = world.feed.soften(&["t"]);
    world.until(|status| status.purge_position == Some(position)).await;
    world.near.answer(|_| Answer::status(503));
    world.far.answer(|_| Answer::status(503));
    let got = world.get("/a").await;
    assert_eq!((got.status, got.body.as_str()), (200, "new"));
    assert!(got.cache_status().ends_with("detail=stale-if-error"), "{}", got.cache_status());
    // A hard purge takes that away, too.
    world.purge(&["t"], 0).await;
    assert_eq!(world.get("/a").await.status, 503);
}

#[tokio::test]
async fn a_purge_by_address_reaches_what_it_names_and_nothing_else() {
    let world = World::new().await;
    world.near.answer(|_| Answer::fresh("x"));
    let host = world.address.to_string();
    let all = ["/v1/ragas", "/v1/ragas/kalyani", "/v1/ragas?limit=3", "/v1/ragas-old", "/v1/talas"];
    let hits = async || {
        let mut hits = Vec::new();
        for path in all {
            if world.get(path).await.is_hit() {
                hits.push(path);
            }
        }
        hits
    };
    assert!(hits().await.is_empty());
    world.purge(&[&format!("prefix {}/v1/ragas/", host.to_uppercase())], 0).await;
    assert_eq!(hits().await, ["/v1/ragas-old", "/v1/talas"]);
    world.purge(&[&format!("url http://{host}/v1/%72agas?limit=3")], 0).await;
    assert_eq!(hits().await, ["/v1/ragas", "/v1/ragas/kalyani", "/v1/ragas-old", "/v1/talas"]);
    world.purge(&["host elsewhere.test", "url nonsense", "prefix ", "what is this"], 0).await;
    assert_eq!(hits().await, all);
    world.purge(&[&format!("host {host}")], 0).await;
    assert!(hits().await.is_empty());
}

#[tokio::test]
async fn a_feed_with_a_hole_costs_everything() {
    let world = World::new().await;
    world.near.answer(|_| tagged("a", "a"));
    world.get("/a").await;
    world.feed.lose_one();
    let position = world.feed.purge(&["x"], 0);
    world.until(|status| status.purge_position == Some(position)).await;
    assert!(!world.get("/a").await.is_hit());
}

#[tokio::test]
async fn a_blind_edge_says_so_in_its_hits() {
    let world = World::new().await;
    world.near.answer(|_| tagged("a", "a"));
    world.get("/a").await;
    world.feed.set_silent(true);
    world.until(|status| status.blind).await;
    let got = world.get("/a").await;
    assert!(got.is_hit() && got.cache_status().ends_with("; detail=blind"), "{}", got.cache_status());
    world.feed.set_silent(false);
    world.until(|status| !status.blind).await;
    assert!(world.get("/a").await.cache_status().ends_with("; hit; ttl=3600"));
}

#[tokio::test]
async fn a_cdn_in_front_may_see_the_keys() {
    let world = World::with(|config| config.tags_shown = true).await;
    world.near.answer(|_| tagged("a", "raga:a list:ragas"));
    for _ in 0..2 {
        let url = format!("http://{}/a", world.address);
        let got = world.plain(&url).await;
        let shown = (got.field("surrogate-key"), got.field("cache-tag"));
        assert_eq!(shown, ("raga:a list:ragas", "raga:a,list:ragas"));
    }
    assert_eq!(world.near.count(), 1);
}
