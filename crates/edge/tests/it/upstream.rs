use crate::support::{Answer, World, until};
use http::Method;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

#[tokio::test]
async fn admin_requests_go_to_the_admin_api_and_are_never_cached() {
    let world = World::new().await;
    world.admin.answer(|_| Answer::fresh("admin").with("etag", "\"v\""));
    for path in ["/v1/admin/compositions?b=2&a=1&utm_source=x", "/v1/%61dmin/x", "/v1/x/../admin/x"] {
        for _ in 0..2 {
            let got =
                world.get_with(path, &[("if-none-match", "\"v\""), ("authorization", "Bearer k")]).await;
            assert_eq!(
                (got.status, got.body.as_str(), got.field("cache-control")),
                (200, "admin", "no-store")
            );
            assert_eq!(got.cache_status(), "sangraha-edge; fwd=bypass; fwd-status=200; detail=admin");
        }
    }
    assert_eq!((world.admin.count(), world.near.count(), world.far.count()), (6, 0, 0));
    assert_eq!(world.admin.seen()[0].target, "/v1/admin/compositions?b=2&a=1&utm_source=x");
    assert_eq!(world.admin.last().target, "/v1/admin/x");
    assert_eq!(world.admin.last().field("authorization"), "Bearer k");
    assert_eq!(world.status().objects, 0);
}

#[tokio::test]
async fn a_write_passes_with_its_body_and_precondition() {
    let world = World::new().await;
    world.admin.answer(|_| Answer::status(201).with("location", "/v1/admin/x"));
    let fields = [("if-match", "\"v1\""), ("idempotency-key", "k"), ("content-type", "application/json")];
    let got = world.send(Method::POST, "/v1/admin/x", &fields, r#"{"a":1}"#).await;
    assert_eq!((got.status, got.field("location")), (201, "/v1/admin/x"));
    let seen = world.admin.last();
    assert_eq!(seen.body.as_deref(), Some(br#"{"a":1}"#.as_slice()));
    assert_eq!((seen.field("if-match"), seen.field("idempotency-key")), ("\"v1\"", "k"));
    assert_eq!(seen.field("x-request-id"), got.field("x-request-id"));
}

#[tokio::test]
async fn a_write_is_sent_once_whatever_happens() {
    let world = World::new().await;
    world.admin.answer(|_| Answer::broken());
    let got = world.send(Method::POST, "/v1/admin/x", &[], "{}").await;
    assert_eq!((got.status, world.admin.count()), (502, 1));
    assert_eq!(got.problem()["code"], "bad_gateway");
    world.admin.answer(|_| Answer::status(503));
    assert_eq!(world.send(Method::POST, "/v1/admin/x", &[], "{}").await.status, 503);
    assert_eq!(world.admin.count(), 2);
    world.admin.kill();
    let got = world.send(Method::POST, "/v1/admin/x", &[], "{}").await;
    assert_eq!((got.status, got.field("retry-after")), (503, "1"));
    assert_eq!(got.problem()["code"], "writes_unavailable");
    assert_eq!((world.near.count(), world.far.count()), (0, 0));
}

#[tokio::test]
async fn reads_fail_over_to_the_other_region() {
    let failures: [fn() -> Answer; 4] =
        [|| Answer::status(502), || Answer::status(503), || Answer::status(504), Answer::broken];
    for failure in failures {
        let world = World::new().await;
        world.near.answer(move |_| failure());
        world.far.answer(|_| Answer::ok("far").with("cache-control", "no-store"));
        for index in 0..10 {
            let got = world.get(&format!("/{index}")).await;
            assert_eq!((got.status, got.body.as_str()), (200, "far"));
        }
        assert_eq!(world.far.count(), 10);
        assert!(world.near.count() < 10, "the near origin rests");
        assert!(world.status().origins.iter().any(|origin| !origin.up));
    }
}

#[tokio::test]
async fn a_dead_region_costs_no_request_and_comes_back() {
    let world = World::new().await;
    world.near.kill();
    world.far.answer(|_| Answer::ok("far").with("cache-control", "no-store"));
    for index in 0..20 {
        assert_eq!(world.get(&format!("/{index}")).await.status, 200);
    }
    assert!(
        world.metrics.encode().contains("edge_upstream_errors_total{upstream=\"public\",reason=\"connect\"}")
    );
    // Two until it rests; should that be over before the last read, one each time.
    let retries = world.counted("sangraha_edge_retries_total");
    assert!((2..10).contains(&retries), "{retries}");
}

#[tokio::test]
async fn a_resting_origin_is_asked_again() {
    let world = World::with(|config| config.origin_down_ms_max = 1).await;
    world.near.answer(|_| Answer::status(503));
    world.far.answer(|_| Answer::ok("far").with("cache-control", "no-store"));
    for index in 0..3 {
        world.get(&format!("/{index}")).await;
    }
    world.near.answer(|_| Answer::ok("near").with("cache-control", "no-store"));
    let mut index = 100;
    while world.get(&format!("/{index}")).await.body != "near" {
        index += 1;
    }
    assert!(world.status().origins.iter().all(|origin| origin.up));
}

#[tokio::test]
async fn an_origin_that_hangs_is_given_up() {
    let world = World::with(|config| config.public_first_byte_ms_max = 500).await;
    let never = Arc::new(Semaphore::new(0));
    let held = never.clone();
    world.near.answer(move |_| Answer::ok("").behind(&held));
    world.far.answer(|_| Answer::ok("far"));
    assert_eq!(world.get("/a").await.body, "far");
    let held = never.clone();
    world.far.answer(move |_| Answer::ok("").behind(&held));
    let got = world.get("/b").await;
    assert_eq!(got.status, 504);
    assert_eq!(got.problem()["code"], "gateway_timeout");
    assert!(got.cache_status().ends_with("fwd=uri-miss; detail=timeout"));
}

#[tokio::test]
async fn a_busy_origin_gets_no_more() {
    let world = Arc::new(World::with(|config| config.origin_requests_max = 1).await);
    let gate = Arc::new(Semaphore::new(0));
    let held = gate.clone();
    world.near.answer(move |_| Answer::fresh("x").behind(&held));
    let asking = world.clone();
    let first = tokio::spawn(async move { asking.get("/a").await });
    until(|| world.near.count() == 1).await;
    let got = world.get("/b").await;
    assert_eq!((got.status, got.field("retry-after")), (503, "1"));
    assert!(got.cache_status().ends_with("detail=busy"));
    gate.add_permits(1);
    assert_eq!(first.await.unwrap().status, 200);
}

#[tokio::test]
async fn a_client_that_hangs_up_takes_nobody_along() {
    let world = Arc::new(World::new().await);
    let gate = Arc::new(Semaphore::new(0));
    let held = gate.clone();
    world.near.answer(move |_| Answer::fresh("x").behind(&held));
    let asking = world.clone();
    let leader = tokio::spawn(async move { asking.get("/a").await });
    until(|| world.near.count() == 1).await;
    let asking = world.clone();
    let waiter = tokio::spawn(async move { asking.get("/a").await });
    world.until(|status| status.connections == 2).await;
    leader.abort();
    world.until(|status| status.connections == 1).await;
    gate.add_permits(1);
    assert_eq!(waiter.await.unwrap().body, "x");
    assert_eq!(world.near.count(), 1);
}

/// Sends a write whose body comes in so many pieces with pauses between them, and reads what is said to it.
async fn slow_upload(world: &World, pieces: u32, pause: Duration) -> String {
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    let head = "POST /v1/admin/x HTTP/1.1\r\nhost: h\r\nconnection: close\r\n";
    stream.write_all(format!("{head}content-length: {pieces}\r\n\r\n").as_bytes()).await.unwrap();
    let mut tick = tokio::time::interval(pause);
    for _ in 0..pieces {
        tick.tick().await;
        stream.write_all(b"x").await.unwrap();
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_slow_upload_is_no_slow_origin() {
    let world = World::with(|config| config.admin_first_byte_ms_max = 1_000).await;
    world.admin.answer(|_| Answer::status(201));
    // A pause is longer than what the origin has, and so is the whole.
    let answer = slow_upload(&world, 3, Duration::from_millis(1_300)).await;
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    assert_eq!(world.admin.last().body.as_deref(), Some(b"xxx".as_slice()));
    assert!(world.status().origins.iter().all(|origin| origin.up));
    // The origin's own time begins with the end of the upload.
    let never = Arc::new(Semaphore::new(0));
    world.admin.answer(move |_| Answer::status(201).behind(&never));
    let answer = slow_upload(&world, 2, Duration::from_millis(10)).await;
    assert!(answer.starts_with("HTTP/1.1 504"), "{answer}");
    assert_eq!(world.admin.count(), 2);
}

#[tokio::test]
async fn an_origin_that_takes_nothing_of_an_upload_is_given_up() {
    let deaf = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = url::Url::parse(&format!("http://{}", deaf.local_addr().unwrap())).unwrap();
    let world = World::with(|config| {
        config.admin = url;
        config.admin_first_byte_ms_max = 500;
        config.body_bytes_max = 1 << 30;
    })
    .await;
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    let head = "POST /v1/admin/x HTTP/1.1\r\nhost: h\r\ncontent-length: 1073741824\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let (mut from, mut to) = stream.into_split();
    let sending = tokio::spawn(async move { while to.write_all(&[0; 64 * 1024]).await.is_ok() {} });
    let mut answer = [0; 12];
    from.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 504");
    drop(from);
    sending.abort();
}
