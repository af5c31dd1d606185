use crate::support::{Answer, Got, World, until};
use bytes::Bytes;
use edge::{AccessFormat, AccessLog, Certificate, LimitsConfig};
use http::Request;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

fn one_a_minute() -> LimitsConfig {
    let rule = serde_json::from_str(r#"{"name": "r", "quota": 1, "window_s": 60}"#).unwrap();
    LimitsConfig { rules: vec![rule], ..LimitsConfig::default() }
}

/// One request on a connection that stays open.
async fn ask(stream: &mut TcpStream, path: &str, end: &str) -> String {
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(end.as_bytes()) {
        let mut bytes = [0; 4_096];
        let length = stream.read(&mut bytes).await.unwrap();
        assert!(length > 0, "the edge closed: {}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&bytes[..length]);
    }
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn an_open_connection_is_served_by_the_new_configuration() {
    let world = World::new().await;
    world.near.answer(|_| Answer::ok("near"));
    world.far.answer(|_| Answer::ok("far"));
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    ask(&mut stream, "/a", "near").await;

    let far = world.far.url();
    assert_eq!(world.reload(|config| config.public = vec![far]).unwrap(), 2);
    ask(&mut stream, "/a", "far").await;

    world.reload(|config| config.limits.denied = vec!["127.0.0.0/8".parse().unwrap()]).unwrap();
    assert!(ask(&mut stream, "/a", "}").await.starts_with("HTTP/1.1 403 "));
    world.reload(|config| config.uri_bytes_max = 10).unwrap();
    assert!(ask(&mut stream, "/aaaaaaaaaa", "}").await.starts_with("HTTP/1.1 414 "));
    assert_eq!(world.status().config_version, 4);
    assert!(world.metrics.encode().contains("edge_config_version 4"));
}

#[tokio::test]
async fn what_is_stored_and_what_is_used_up_outlives_a_change() {
    let world = World::with(|config| config.limits = one_a_minute()).await;
    assert_eq!(world.get("/a").await.status, 200);
    assert_eq!(world.get("/a").await.status, 429);
    world.reload(|config| config.limits.rules[0].window_s = 120).unwrap();
    assert_eq!(world.get("/a").await.status, 429, "another pace does not forgive");
    world.reload(|config| config.limits = LimitsConfig::default()).unwrap();
    assert!(world.get("/a").await.is_hit());
    world.reload(|_| {}).unwrap();
    assert_eq!(world.get("/a").await.status, 429, "the rule is back, and knows its clients");
    assert_eq!(world.near.count(), 1);
}

#[tokio::test]
async fn a_broken_configuration_is_refused_whole() {
    let world = World::new().await;
    let missing = Certificate { chain: PathBuf::from("/none.pem"), key: PathBuf::from("/none.key") };
    let denied = || vec!["127.0.0.0/8".parse().unwrap()];
    let refusals = [
        world.reload(|config| (config.limits.denied, config.tls) = (denied(), vec![missing])).unwrap_err(),
        world.reload(|config| (config.limits.denied, config.public) = (denied(), vec![])).unwrap_err(),
        world
            .reload(|config| {
                config.limits.denied = denied();
                config.purge_token_file = Some(PathBuf::from("/none.token"));
            })
            .unwrap_err(),
        world
            .reload(|config| {
                let (path, format) = (PathBuf::from("/none/log"), AccessFormat::Json);
                (config.limits.denied, config.access_log) = (denied(), Some(AccessLog { path, format }));
            })
            .unwrap_err(),
    ];
    let told = refusals.map(|error| error.to_string());
    for (told, word) in told.iter().zip(["/none.pem", "`public`", "/none.token", "/none/log"]) {
        assert!(told.contains(word), "{told}");
    }
    assert_eq!(world.get("/a").await.status, 200, "nothing of it holds");
    assert_eq!(world.status().config_version, 1);
    assert!(world.metrics.encode().contains("edge_config_refused_total 4"));
}

#[tokio::test]
async fn what_only_a_restart_can_change_is_named() {
    let world = World::new().await;
    let error = world.reload(|config| config.memory_bytes_max *= 2).unwrap_err();
    assert!(error.to_string().contains("`memory_bytes_max`"), "{error}");
    let error = world.reload(|config| config.name = "other".to_owned()).unwrap_err();
    assert!(error.to_string().contains("`name`"), "{error}");
}

#[tokio::test]
async fn connections_that_wait_for_a_place_get_it_when_there_are_more() {
    let world = World::with(|config| config.connections_max = 1).await;
    let mut first = TcpStream::connect(world.address).await.unwrap();
    ask(&mut first, "/a", "default").await;
    let mut second = TcpStream::connect(world.address).await.unwrap();
    second.write_all(b"GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").await.unwrap();
    assert_eq!(world.status().connections, 1);
    world.reload(|config| config.connections_max = 2).unwrap();
    // The next one to close makes the door look at the new bound.
    drop(first);
    let mut answer = String::new();
    second.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("default"), "{answer}");
}

#[tokio::test]
async fn a_request_under_way_ends_with_the_configuration_that_it_began_with() {
    let world = World::new().await;
    let gate = Arc::new(Semaphore::new(0));
    let held = gate.clone();
    world.near.answer(move |_| Answer::ok("near").behind(&held));
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    stream.write_all(b"GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").await.unwrap();
    until(|| world.near.count() == 1).await;
    let far = world.far.url();
    world.reload(|config| (config.public, config.object_bytes_max) = (vec![far], 1)).unwrap();
    gate.add_permits(1);
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("\r\n\r\nnear"), "{answer}");
}

#[tokio::test]
async fn changes_under_load_fail_no_request() {
    const CHANGES: u64 = 60;
    let world = World::new().await;
    let (done, served) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let clients: Vec<_> = (0..8)
        .map(|index| {
            let (address, done, served) = (world.address, done.clone(), served.clone());
            tokio::spawn(async move {
                let stream = TcpStream::connect(address).await.unwrap();
                let (mut sender, connection) =
                    hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
                tokio::spawn(connection);
                while !done.load(Ordering::Relaxed) {
                    let path = format!("/{}", served.fetch_add(1, Ordering::Relaxed) * 7 % 500 + index);
                    let request =
                        Request::get(path).header("host", "h").body(Full::<Bytes>::default()).unwrap();
                    let got = Got::read(sender.send_request(request).await.unwrap()).await;
                    assert_eq!((got.status, got.body.as_str()), (200, "default"));
                    sender.ready().await.unwrap();
                }
            })
        })
        .collect();
    let http2 = Client::builder(TokioExecutor::new()).http2_only(true).build_http();
    for change in 0..CHANGES {
        let before = served.load(Ordering::Relaxed);
        let mut origins = vec![world.near.url(), world.far.url()];
        origins.rotate_left(usize::from(change % 2 == 0));
        world
            .reload(|config| {
                config.public = origins;
                config.limits = one_a_minute();
                config.limits.rules[0].quota = 1_000_000 + change;
                config.http2_streams_max = 100 + u32::try_from(change).unwrap();
                config.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
            })
            .unwrap();
        let request = Request::get(format!("http://{}/two", world.address));
        let answer = http2.request(request.body(Full::<Bytes>::default()).unwrap()).await.unwrap();
        assert_eq!(Got::read(answer).await.body, "default");
        until(|| served.load(Ordering::Relaxed) > before + 20).await;
    }
    done.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.unwrap();
    }
    assert_eq!(world.status().config_version, CHANGES + 1);
}
