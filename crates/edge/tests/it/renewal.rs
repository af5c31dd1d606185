//! What an answer without a body says of stored ones: a 304 of all that have its tag, a 200 to HEAD of the GET.

use crate::support::{Answer, World};
use edge::Kind;
use http::Method;

/// Two variants with one tag, the first of which is confirmed after a minute; then the second is asked for.
async fn second_after_the_first_was_confirmed(etag: &'static str) -> (World, bool) {
    let world = World::new().await;
    world.near.answer(move |seen| match seen.field("if-none-match") {
        "" => Answer::fresh(seen.field("accept").to_owned()).with("etag", etag).with("vary", "accept"),
        _ => Answer::status(304).with("etag", etag).with("cache-control", "max-age=100").with("x-new", "1"),
    });
    let kinds = ["application/json", "text/html"];
    for kind in kinds {
        world.get_with("/v1/a", &[("accept", kind)]).await;
    }
    world.advance(61);
    let first = world.get_with("/v1/a", &[("accept", kinds[0])]).await;
    assert_eq!((first.field("age"), first.body.as_str()), ("0", kinds[0]), "{first:?}");
    let second = world.get_with("/v1/a", &[("accept", kinds[1])]).await;
    assert_eq!((second.field("x-new"), second.body.as_str()), ("1", kinds[1]), "{second:?}");
    let hit = second.is_hit();
    (world, hit)
}

#[tokio::test]
async fn a_304_renews_all_variants_with_its_strong_tag() {
    let (world, hit) = second_after_the_first_was_confirmed("\"v\"").await;
    assert!(hit);
    assert_eq!(world.near.count(), 3);
}

#[tokio::test]
async fn a_304_with_a_weak_tag_renews_only_what_was_asked_about() {
    let (world, hit) = second_after_the_first_was_confirmed("W/\"v\"").await;
    assert!(!hit);
    assert_eq!(world.near.count(), 4);
}

#[tokio::test]
async fn a_200_to_head_renews_the_get_or_ends_it() {
    let world = World::with(|config| config.profile = Kind::Rfc).await;
    let answer = |body: &str, etag: &str| {
        let (body, etag) = (body.to_owned(), etag.to_owned());
        move |_: &_| Answer::fresh(body.clone()).with("etag", &*etag)
    };
    world.near.answer(answer("one", "\"1\""));
    world.get("/a").await;
    world.advance(61);
    let head = world.send(Method::HEAD, "/a", &[], "").await;
    assert_eq!((head.status, head.field("content-length")), (200, "3"));
    let got = world.get("/a").await;
    assert_eq!((got.cache_status(), got.body.as_str()), ("sangraha-edge; hit; ttl=60", "one"));
    assert_eq!(world.near.count(), 2);
    world.near.answer(answer("two", "\"2\""));
    world.advance(61);
    world.send(Method::HEAD, "/a", &[], "").await;
    let got = world.get("/a").await;
    assert_eq!(got.cache_status(), "sangraha-edge; fwd=uri-miss; fwd-status=200; stored");
    assert_eq!(got.body, "two");
}
