use crate::support::{Answer, World, http_date, raw_origin};
use edge::Kind;
use http::Method;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Semaphore;

#[tokio::test]
async fn the_first_is_a_miss_and_the_second_a_hit() {
    let world = World::new().await;
    world.near.answer(|_| {
        Answer::fresh("hello")
            .with("content-type", "text/plain")
            .with("surrogate-key", "raga:1")
            .with("x-sangraha-read-lsn", "7")
            .with("x-served-by", "node-a")
            .with("connection", "x-hop")
            .with("x-hop", "1")
    });
    let first = world.get("/v1/ragas/1").await;
    assert_eq!((first.status, first.body.as_str()), (200, "hello"));
    assert_eq!(first.cache_status(), "sangraha-edge; fwd=uri-miss; fwd-status=200; stored");
    world.advance(7);
    let second = world.get("/v1/ragas/1").await;
    assert_eq!(second.cache_status(), "sangraha-edge; hit; ttl=53");
    assert_eq!((second.field("age"), second.body.as_str()), ("7", "hello"));
    assert_eq!((second.field("x-served-by"), second.field("content-type")), ("node-a", "text/plain"));
    assert_eq!(second.field("date"), first.field("date"));
    assert!(!second.headers.contains_key("x-hop"));
    assert_ne!(second.field("x-request-id"), first.field("x-request-id"));
    assert_eq!(world.near.count(), 1);
    assert_eq!((world.status().hits, world.status().misses, world.status().objects), (1, 1, 1));
    let text = world.metrics.encode();
    assert!(text.contains("sangraha_edge_requests_total{outcome=\"hit\",reason=\"none\"} 1\n"), "{text}");
}

#[tokio::test]
async fn an_origin_sees_only_what_the_key_holds() {
    let world = World::new().await;
    let sent = [
        ("cookie", "a=b"),
        ("user-agent", "x"),
        ("origin", "http://evil"),
        ("x-request-id", "mine"),
        ("x-forwarded-for", "6.6.6.6"),
        ("x-forwarded-host", "evil"),
        ("if-none-match", "\"x\""),
        ("range", "bytes=0-1"),
        ("accept", "application/json"),
        ("accept-encoding", "gzip;q=0.5, br"),
    ];
    let got = world.get_with("/v1/ragas?b=2&utm_source=x&a=1", &sent).await;
    let seen = world.near.last();
    assert_eq!(seen.target, "/v1/ragas?a=1&b=2");
    let mut names: Vec<&str> = seen.headers.keys().map(|name| name.as_str()).collect();
    names.sort_unstable();
    let expected =
        "accept accept-encoding host via x-forwarded-for x-forwarded-host x-forwarded-proto x-request-id";
    assert_eq!(names.join(" "), expected);
    assert_eq!(seen.field("x-request-id"), got.field("x-request-id"));
    assert_eq!(seen.field("x-forwarded-for"), "127.0.0.1");
    assert_eq!(seen.field("accept-encoding"), "br, gzip");
    assert_eq!(seen.field("host"), world.address.to_string());
    assert!(world.get("/v1/ragas?a=1&b=2&gclid=9").await.is_hit());
}

#[tokio::test]
async fn head_is_answered_from_a_get() {
    let world = World::new().await;
    let first = world.send(Method::HEAD, "/v1/today", &[], "").await;
    assert_eq!((first.status, first.body.as_str(), first.field("content-length")), (200, "", "7"));
    assert_eq!(world.near.last().method, Method::GET);
    let second = world.send(Method::HEAD, "/v1/today", &[], "").await;
    assert!(second.is_hit() && second.body.is_empty() && second.field("content-length") == "7");
    assert_eq!(world.get("/v1/today").await.body, "default");
    assert_eq!(world.near.count(), 1);
}

#[tokio::test]
async fn conditionals_are_answered_from_memory() {
    let world = World::new().await;
    let modified = http_date(&world.clock);
    world.near.answer(move |_| Answer::fresh("x").with("etag", "\"v1\"").with("last-modified", &*modified));
    let modified = http_date(&world.clock);
    // The miss itself is answered with 304 too: the client has what came.
    for _ in 0..2 {
        let got = world.get_with("/a", &[("if-none-match", "\"v0\", W/\"v1\"")]).await;
        assert_eq!((got.status, got.body.as_str(), got.field("etag")), (304, "", "\"v1\""));
        assert_eq!(got.field("cache-control"), "public, max-age=60");
    }
    assert_eq!(world.get_with("/a", &[("if-modified-since", &modified)]).await.status, 304);
    assert_eq!(world.get_with("/a", &[("if-none-match", "\"v2\"")]).await.status, 200);
    assert_eq!(world.near.count(), 1);
}

#[tokio::test]
async fn a_stale_object_is_revalidated_with_its_etag() {
    let world = World::new().await;
    world.near.answer(|seen| match seen.field("if-none-match") {
        "\"v1\"" => Answer::status(304).with("etag", "\"v1\"").with("cache-control", "max-age=100"),
        _ => Answer::fresh("body").with("etag", "\"v1\"").with("surrogate-key", "t"),
    });
    world.get("/a").await;
    world.advance(61);
    let got = world.get("/a").await;
    assert_eq!((got.status, got.body.as_str(), got.field("age")), (200, "body", "0"));
    assert_eq!(got.cache_status(), "sangraha-edge; fwd=stale; fwd-status=304; stored; detail=revalidated");
    assert_eq!(world.get("/a").await.cache_status(), "sangraha-edge; hit; ttl=100");
    assert_eq!(world.near.count(), 2);
    // The tags of the first answer still hold.
    world.purge(&["t"], 0).await;
    assert!(!world.get("/a").await.is_hit());
}

#[tokio::test]
async fn a_stale_answer_stands_in_for_a_failing_origin() {
    let world = World::new().await;
    world.near.answer(|_| Answer::ok("old").with("cache-control", "max-age=10, stale-if-error=100"));
    world.get("/a").await;
    world.advance(11);
    for origin in [&world.near, &world.far] {
        origin.answer(|_| Answer::status(503).with("cache-control", "no-store"));
    }
    let got = world.get("/a").await;
    assert_eq!((got.status, got.body.as_str(), got.field("age")), (200, "old", "11"));
    assert_eq!(got.cache_status(), "sangraha-edge; fwd=stale; fwd-status=503; detail=stale-if-error");
    world.near.kill();
    world.far.kill();
    let got = world.get("/a").await;
    assert_eq!(got.cache_status(), "sangraha-edge; fwd=stale; detail=stale-if-error");
    world.advance(100);
    let got = world.get("/a").await;
    assert_eq!((got.status, got.field("retry-after")), (503, "1"));
    assert_eq!(got.problem()["code"], "unavailable");
}

#[tokio::test]
async fn stale_while_revalidate_serves_at_once_and_refreshes_once() {
    let world = World::new().await;
    let gate = Arc::new(Semaphore::new(0));
    let directives = "max-age=10, stale-while-revalidate=30";
    world.near.answer(move |_| Answer::ok("old").with("cache-control", directives));
    world.get("/a").await;
    world.advance(12);
    let held = gate.clone();
    world.near.answer(move |_| Answer::ok("new").with("cache-control", directives).behind(&held));
    for _ in 0..3 {
        let got = world.get("/a").await;
        assert_eq!((got.body.as_str(), got.field("age")), ("old", "12"));
        assert_eq!(got.cache_status(), "sangraha-edge; hit; ttl=-2; detail=swr");
    }
    gate.add_permits(1);
    let mut got = world.get("/a").await;
    while got.body == "old" {
        got = world.get("/a").await;
    }
    assert_eq!(got.cache_status(), "sangraha-edge; hit; ttl=10");
    assert_eq!(world.near.count(), 2);
}

#[tokio::test]
async fn a_hundred_askers_cost_one_request() {
    let world = Arc::new(World::new().await);
    let gate = Arc::new(Semaphore::new(0));
    let held = gate.clone();
    world.near.answer(move |_| Answer::fresh("one").behind(&held));
    let ask = |world: Arc<World>| tokio::spawn(async move { world.get("/v1/popular").await });
    let asking: Vec<_> = (0..100).map(|_| ask(world.clone())).collect();
    world.until(|status| status.connections == 100).await;
    gate.add_permits(100);
    for asked in asking {
        let got = asked.await.unwrap();
        assert_eq!((got.status, got.body.as_str()), (200, "one"));
    }
    assert_eq!(world.near.count(), 1);
    assert!(world.metrics.encode().contains("outcome=\"collapsed\""));
}

#[tokio::test]
async fn what_may_not_be_shared_is_neither_stored_nor_collapsed() {
    let table: [(&str, &'static str, &'static str); 5] = [
        ("no-store", "cache-control", "no-store"),
        ("private", "cache-control", "private, max-age=60"),
        ("set-cookie", "set-cookie", "a=b"),
        ("vary-star", "vary", "*"),
        ("vary-other", "vary", "Accept, Cookie"),
    ];
    for (detail, name, value) in table {
        let world = World::new().await;
        world.near.answer(move |_| match name {
            "cache-control" => Answer::ok("x").with(name, value),
            _ => Answer::fresh("x").with(name, value),
        });
        for _ in 0..2 {
            let got = world.get("/a").await;
            assert!(got.cache_status().ends_with(&format!("fwd-status=200; detail={detail}")), "{got:?}");
        }
        assert_eq!((world.near.count(), world.status().objects), (2, 0), "{detail}");
    }
}

#[tokio::test]
async fn answers_that_cannot_be_shared_are_not_given_to_waiters() {
    let world = Arc::new(World::new().await);
    let (gate, number) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
    let (held, counted) = (gate.clone(), number.clone());
    world.near.answer(move |_| {
        let number = counted.fetch_add(1, Ordering::SeqCst);
        Answer::ok(format!("{number}")).with("cache-control", "no-store").behind(&held)
    });
    let ask = |world: Arc<World>| tokio::spawn(async move { world.get("/v1/random").await.body });
    let asking: Vec<_> = (0..5).map(|_| ask(world.clone())).collect();
    world.until(|status| status.connections == 5).await;
    gate.add_permits(100);
    let mut bodies = Vec::new();
    for asked in asking {
        bodies.push(asked.await.unwrap());
    }
    bodies.sort();
    assert_eq!(bodies, ["0", "1", "2", "3", "4"]);
}

#[tokio::test]
async fn credentials_and_preflights_pass_by_the_cache() {
    let world = World::new().await;
    world.get("/a").await;
    let got = world.get_with("/a", &[("authorization", "Bearer x"), ("x-custom", "1")]).await;
    assert_eq!(got.cache_status(), "sangraha-edge; fwd=bypass; fwd-status=200; detail=credentials");
    assert_eq!(
        (world.near.last().field("authorization"), world.near.last().field("x-custom")),
        ("Bearer x", "1")
    );
    let got = world.send(Method::OPTIONS, "/a", &[("origin", "http://x"), ("cookie", "a=b")], "").await;
    assert_eq!(got.cache_status(), "sangraha-edge; fwd=bypass; fwd-status=200; detail=options");
    assert_eq!((world.near.last().field("origin"), world.near.last().field("cookie")), ("http://x", ""));
    assert!(world.get("/a").await.is_hit());
}

#[tokio::test]
async fn negative_answers_live_for_ten_seconds() {
    let world = World::new().await;
    world.near.answer(|_| Answer::status(404));
    world.get("/a").await;
    world.advance(9);
    let got = world.get("/a").await;
    assert_eq!((got.status, got.is_hit()), (404, true));
    world.advance(1);
    assert!(!world.get("/a").await.is_hit());
    assert_eq!(world.near.count(), 2);
}

#[tokio::test]
async fn variants_are_kept_apart() {
    let world = World::new().await;
    world.near.answer(|seen| {
        Answer::fresh(seen.field("accept-encoding").to_owned()).with("vary", "Accept-Encoding, Accept")
    });
    let with = |coding| [("accept-encoding", coding), ("accept", "a/b")];
    assert_eq!(world.get_with("/a", &with("br")).await.body, "br");
    let got = world.get_with("/a", &with("gzip")).await;
    assert_eq!(got.cache_status(), "sangraha-edge; fwd=vary-miss; fwd-status=200; stored");
    assert_eq!(world.get_with("/a", &with("gzip;q=0.1, deflate")).await.body, "gzip");
    assert!(world.get_with("/a", &with("BR")).await.is_hit());
    assert_eq!(world.near.count(), 2);
}

#[tokio::test]
async fn waiters_for_another_variant_ask_for_themselves() {
    let world = Arc::new(World::new().await);
    world.purge(&["t"], 1_000).await;
    let gate = Arc::new(Semaphore::new(0));
    let held = gate.clone();
    world.near.answer(move |seen| {
        // Below the floor, so that nothing is stored and only the flight could give the wrong one.
        Answer::fresh(seen.field("accept-encoding").to_owned())
            .with("vary", "accept-encoding")
            .with("surrogate-key", "t")
            .with("x-sangraha-read-lsn", "1")
            .behind(&held)
    });
    let ask = |coding: &'static str| {
        let world = world.clone();
        tokio::spawn(async move { world.get_with("/a", &[("accept-encoding", coding)]).await.body })
    };
    let (br, gzip) = (ask("br"), ask("gzip"));
    world.until(|status| status.connections == 2).await;
    gate.add_permits(2);
    assert_eq!((br.await.unwrap().as_str(), gzip.await.unwrap().as_str()), ("br", "gzip"));
}

#[tokio::test]
async fn a_long_response_is_passed_on_but_not_kept() {
    let world = World::with(|config| {
        config.object_bytes_max = 1_000;
        config.memory_bytes_max = 64 * 1024;
    })
    .await;
    world.near.answer(|_| Answer::fresh("x".repeat(100_000)).with("etag", "\"v\""));
    for _ in 0..2 {
        let got = world.get("/a").await;
        assert_eq!((got.body.len(), got.field("content-length")), (100_000, "100000"));
        assert_eq!(got.cache_status(), "sangraha-edge; fwd=uri-miss; fwd-status=200; detail=too-large");
    }
    assert_eq!(world.get_with("/a", &[("if-none-match", "\"v\"")]).await.status, 304);
    assert_eq!(world.status().objects, 0);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_not_stored() {
    const SHORT: &[u8] = b"HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ncontent-length: 10\r\n\r\nshort";
    const BAD_CHUNK: &[u8] =
        b"HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0x3\r\n";
    for answer in [SHORT, BAD_CHUNK] {
        let url = raw_origin(answer).await;
        let world = World::with(|config| config.public = vec![url]).await;
        let got = world.get("/a").await;
        assert_eq!((got.status, world.status().objects), (502, 0));
        assert_eq!(got.problem()["code"], "bad_gateway");
    }
}

#[tokio::test]
async fn a_length_beside_chunks_is_dropped_and_interim_answers_are_not_final() {
    const BOTH: &[u8] = b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n\
        cache-control: max-age=60\r\ncontent-length: 99\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    let url = raw_origin(BOTH).await;
    let world = World::with(|config| config.public = vec![url]).await;
    for hit in [false, true] {
        let got = world.get("/a").await;
        assert_eq!((got.status, got.body.as_str(), got.field("content-length")), (200, "abc", "3"));
        assert_eq!(got.is_hit(), hit);
    }
}

#[tokio::test]
async fn memory_stays_within_its_limit() {
    let world = World::with(|config| {
        config.object_bytes_max = 8 * 1024;
        config.memory_bytes_max = 256 * 1024;
    })
    .await;
    world.near.answer(|_| Answer::fresh("x".repeat(4_000)));
    for index in 0..200 {
        world.get(&format!("/{index}")).await;
        assert!(world.status().bytes <= 256 * 1024);
    }
    assert!((16..64).contains(&world.status().objects));
}

#[tokio::test]
async fn what_one_client_is_told_alone_does_not_keep_others_from_the_cache() {
    for own in [("authorization", "Bearer x"), ("pragma", "x")] {
        let world = World::with(|config| config.profile = Kind::Rfc).await;
        world.near.answer(|seen| {
            let answer = if seen.field("if-none-match").is_empty() {
                Answer::ok("0123456789")
            } else {
                Answer::status(304)
            };
            answer.with("etag", "\"1\"").with("cache-control", "max-age=60")
        });
        world.get("/a").await;
        let demand = if own.0 == "authorization" { "no-cache" } else { "no-cache, no-store" };
        let alone = world.get_with("/a", &[own, ("cache-control", demand)]).await;
        assert_eq!((alone.status, alone.body.as_str(), world.near.count()), (200, "0123456789", 2));
        let part = world.get_with("/a", &[("range", "bytes=2-4")]).await;
        assert!(part.is_hit() && part.body == "234", "{own:?}: {}", part.cache_status());
    }
}
