use crate::support::{Answer, Got, World};
use edge::{AccessFormat, AccessLog};
use http::Method;
use std::time::Duration;
use tokio::time::{Instant, interval};

const PATIENCE: Duration = Duration::from_secs(20);

/// Asks for the head, which is text whatever the body is.
async fn head(world: &World, fields: &[(&str, &str)]) -> Got {
    world.send(Method::HEAD, "/a", fields, "").await
}

/// Asks until the answer is in this coding.
async fn coded(world: &World, coding: &str) -> Got {
    let deadline = Instant::now() + PATIENCE;
    let mut tick = interval(Duration::from_millis(5));
    loop {
        let got = head(world, &[("accept-encoding", coding)]).await;
        if got.field("content-encoding") == coding {
            return got;
        }
        assert!(Instant::now() < deadline, "{coding} did not come");
        tick.tick().await;
    }
}

#[tokio::test]
async fn text_is_offered_in_codings_that_are_made_once() {
    let world = World::new().await;
    world.near.answer(|_| {
        Answer::fresh("a raga is more than its scale; ".repeat(200))
            .with("content-type", "text/plain")
            .with("etag", "\"v1\"")
    });
    let plain = world.get("/a").await;
    assert_eq!((plain.field("content-encoding"), plain.field("vary")), ("", "accept-encoding"));
    for coding in ["br", "zstd", "gzip"] {
        let got = coded(&world, coding).await;
        assert_eq!(got.field("etag"), format!("\"v1-{coding}\""));
        assert!(got.field("content-length").parse::<usize>().unwrap() < 1_000, "{got:?}");
        let fields = [("accept-encoding", coding), ("if-none-match", got.field("etag"))];
        assert_eq!(world.get_with("/a", &fields).await.status, 304);
    }
    let both = head(&world, &[("accept-encoding", "gzip, br")]).await;
    assert_eq!(both.field("content-encoding"), "br");
    let part = world.get_with("/a", &[("accept-encoding", "br"), ("range", "bytes=2-5")]).await;
    assert_eq!((part.status, part.body.as_str(), part.field("content-encoding")), (206, "raga", ""));
    assert_eq!(world.near.count(), 1);
}

#[tokio::test]
async fn what_an_origin_encoded_stays_as_it_is() {
    let world = World::new().await;
    world.near.answer(|_| {
        Answer::fresh("x".repeat(4_000)).with("content-type", "text/plain").with("content-encoding", "gzip")
    });
    world.get("/a").await;
    let got = world.get_with("/a", &[("accept-encoding", "br, gzip")]).await;
    assert_eq!((got.field("content-encoding"), got.body.len(), got.is_hit()), ("gzip", 4_000, true));
}

#[tokio::test]
async fn every_request_has_a_line() {
    for (format, words) in [
        (AccessFormat::Json, ["\"request\":\"GET /a HTTP/1.1\"", "\"cache\":\"sangraha-edge; fwd=uri-miss"]),
        (AccessFormat::Combined, ["] \"GET /a HTTP/1.1\" 200 7 \"-\" \"-\"", "127.0.0.1 - - ["]),
    ] {
        let path = std::env::temp_dir().join(format!("sangraha-log-{format:?}-{}", std::process::id()));
        let log = AccessLog { path: path.clone(), format };
        let world = World::with(move |config| config.access_log = Some(log)).await;
        world.get("/a").await;
        crate::support::until(|| std::fs::read_to_string(&path).unwrap().ends_with('\n')).await;
        let line = std::fs::read_to_string(&path).unwrap();
        assert!(words.iter().all(|word| line.contains(word)), "{line}");
        std::fs::remove_file(&path).unwrap();
    }
}
