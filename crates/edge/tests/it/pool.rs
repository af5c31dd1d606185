//! Connections to an origin: kept, replaced, and let go.

use crate::support::{Answer, World, until};
use http::Method;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use url::Url;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncache-control: no-store\r\n\r\nok";

/// An origin that counts its connections, answers so many requests on each, and then closes it: at once, or when the
/// next request comes.
async fn origin(requests: usize, at_once: bool) -> (Url, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let opened = Arc::new(AtomicUsize::new(0));
    let counter = opened.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counter.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                let mut buffer = [0; 4_096];
                for _ in 0..requests {
                    if stream.read(&mut buffer).await.unwrap_or(0) == 0 {
                        return;
                    }
                    stream.write_all(ANSWER).await.unwrap();
                }
                if !at_once {
                    let _ = stream.read(&mut buffer).await;
                }
            });
        }
    });
    (url, opened)
}

async fn in_front_of(url: Url) -> World {
    World::with(move |config| {
        config.public = vec![url.clone()];
        config.admin = url;
    })
    .await
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let (url, opened) = origin(1_000, true).await;
    let world = in_front_of(url).await;
    for _ in 0..20 {
        assert_eq!(world.get("/a").await.body, "ok");
        assert_eq!(world.send(Method::POST, "/v1/admin/x", &[], "{}").await.body, "ok");
    }
    assert_eq!(opened.load(Ordering::SeqCst), 2, "one for reads, one for writes");
}

#[tokio::test]
async fn a_connection_that_the_origin_closed_costs_nobody_an_answer() {
    let (url, opened) = origin(1, true).await;
    let world = in_front_of(url).await;
    for round in 1..=10 {
        // A write is never sent twice: it must find out before it is sent.
        assert_eq!(world.send(Method::POST, "/v1/admin/x", &[], "{}").await.body, "ok", "{round}");
    }
    assert_eq!(opened.load(Ordering::SeqCst), 10);
    assert!(world.metrics.encode().contains("sangraha_edge_retries_total 0\n"));
}

#[tokio::test]
async fn a_read_that_meets_a_dying_connection_is_sent_again() {
    let (url, _) = origin(1, false).await;
    let world = in_front_of(url).await;
    for round in 1..=5 {
        assert_eq!(world.get("/a").await.body, "ok", "{round}");
    }
    assert!(!world.metrics.encode().contains("sangraha_edge_retries_total 0\n"));
}

#[tokio::test]
async fn a_connection_that_is_too_old_is_not_used() {
    let (url, opened) = origin(1_000, true).await;
    let world = World::with(|config| {
        config.public = vec![url.clone()];
        config.origin_age_ms_max = 0;
    })
    .await;
    for _ in 0..3 {
        world.get("/a").await;
    }
    assert_eq!(opened.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn what_could_not_be_shared_goes_straight_through_until_it_can() {
    let world = World::new().await;
    world.near.answer(|seen| Answer::ok(seen.target.clone()).with("cache-control", "no-store"));
    for _ in 0..5 {
        let got = world.get("/a").await;
        assert_eq!((got.status, got.body.as_str()), (200, "/a"));
        assert_eq!(got.cache_status(), "sangraha-edge; fwd=uri-miss; fwd-status=200; detail=no-store");
    }
    assert_eq!(world.near.count(), 5);
    world.near.answer(|_| Answer::fresh("kept"));
    let told = world.get("/a").await;
    assert_eq!(told.cache_status(), "sangraha-edge; fwd=uri-miss; fwd-status=200; detail=hfm");
    assert!(world.get("/a").await.cache_status().ends_with("; stored"));
    assert!(world.get("/a").await.is_hit());
}

#[tokio::test]
async fn threads_of_its_own_serve_what_one_would() {
    let world = World::with(|config| config.workers = 3).await;
    world.near.answer(|_| Answer::fresh("x"));
    let asks = (0..30).map(|index| {
        let path = format!("/{}", index % 5);
        let address = world.address;
        async move {
            let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
            let request = format!("GET {path} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            answer
        }
    });
    let mut tasks: Vec<_> = asks.map(tokio::spawn).collect();
    for task in tasks.drain(..) {
        assert!(task.await.unwrap().starts_with("HTTP/1.1 200"));
    }
    // Who looked before an answer was kept, and asks after it came, asks once more.
    let asked = world.near.count();
    assert!((5..10).contains(&asked), "{asked}");
    world.until(|status| status.connections == 0).await;
    world.shutdown.cancel();
    until(|| world.running.is_finished()).await;
}

#[tokio::test]
async fn who_finds_no_connection_free_waits_for_the_next() {
    let world = World::with(|config| {
        config.origin_connections_max = 2;
        config.origin_wait_ms_max = 20_000;
    });
    let world = Arc::new(world.await);
    let gate = Arc::new(Semaphore::new(0));
    let held = gate.clone();
    world.near.answer(move |seen| match seen.target.starts_with("/held") {
        true => Answer::ok("held").behind(&held),
        false => Answer::ok("free"),
    });
    let ask = |path: &'static str| {
        let world = world.clone();
        tokio::spawn(async move { world.get(path).await })
    };
    let held = [ask("/held/1"), ask("/held/2")];
    until(|| world.near.count() == 2).await;
    let waiting = ask("/free");
    gate.add_permits(1);
    assert_eq!(waiting.await.unwrap().body, "free");
    gate.add_permits(1);
    for held in held {
        assert_eq!(held.await.unwrap().body, "held");
    }
}

#[tokio::test]
async fn who_waits_in_vain_is_told_when_to_come_again() {
    let world = World::with(|config| {
        config.origin_connections_max = 1;
        config.origin_wait_ms_max = 20;
    });
    let world = Arc::new(world.await);
    let gate = Arc::new(Semaphore::new(0));
    let held = gate.clone();
    world.near.answer(move |_| Answer::ok("held").behind(&held));
    let asking = world.clone();
    let first = tokio::spawn(async move { asking.get("/held").await });
    until(|| world.near.count() == 1).await;
    let got = world.get("/other").await;
    assert_eq!((got.status, got.field("retry-after")), (503, "1"));
    assert!(got.cache_status().ends_with("detail=busy"));
    assert!(world.status().origins.iter().all(|origin| origin.up), "a full origin is not a broken one");
    gate.add_permits(1);
    assert_eq!(first.await.unwrap().body, "held");
}

#[tokio::test]
async fn an_idle_connection_of_another_thread_makes_room() {
    let world = World::with(|config| {
        config.workers = 2;
        config.origin_connections_max = 1;
        config.origin_wait_ms_max = 20_000;
    })
    .await;
    world.near.answer(|_| Answer::ok("ok").with("cache-control", "no-store"));
    // Two connections of clients, one on each thread, in turn.
    let mut clients = Vec::new();
    for _ in 0..2 {
        clients.push(tokio::net::TcpStream::connect(world.address).await.unwrap());
    }
    world.until(|status| status.connections >= 2).await;
    for round in 0..4 {
        for client in &mut clients {
            client.write_all(format!("GET /{round} HTTP/1.1\r\nhost: h\r\n\r\n").as_bytes()).await.unwrap();
            let (mut answer, mut bytes) = (Vec::new(), [0; 4_096]);
            while !answer.ends_with(b"\r\n\r\nok") {
                let length = client.read(&mut bytes).await.unwrap();
                assert!(length > 0, "the edge closed");
                answer.extend_from_slice(&bytes[..length]);
            }
            assert!(answer.starts_with(b"HTTP/1.1 200"));
        }
    }
}

#[tokio::test]
async fn a_path_may_have_waits_of_its_own() {
    let world = World::with(|config| {
        let route = |prefix: &str, first_byte_ms, idle_ms| edge::OriginRoute {
            prefix: prefix.to_owned(),
            connect_ms: None,
            first_byte_ms,
            idle_ms,
        };
        config.origin_routes = vec![route("/quick", Some(50), None), route("/quick/not", Some(20_000), None)];
        config.public.truncate(1);
    });
    let world = Arc::new(world.await);
    let gate = Arc::new(Semaphore::new(0));
    let held = gate.clone();
    world.near.answer(move |_| Answer::ok("late").behind(&held));
    let asking = world.clone();
    let patient = tokio::spawn(async move { asking.get("/quick/not").await });
    until(|| world.near.count() == 1).await;
    assert_eq!(world.get("/quick").await.status, 504);
    gate.add_permits(2);
    assert_eq!(patient.await.unwrap().body, "late");
}
