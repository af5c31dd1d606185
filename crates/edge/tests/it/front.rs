use crate::support::{Answer, Got, World, until};
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

/// The status of the first answer, or 0 where there is none.
fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|text| text.parse().ok()).unwrap_or(0)
}

#[tokio::test]
async fn what_two_parsers_could_read_differently_reaches_no_origin() {
    let world = World::new().await;
    let table: [(&str, &str); 24] = [
        ("no host", "GET /a HTTP/1.1\r\n\r\n"),
        ("two hosts", "GET /a HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n"),
        ("bad host", "GET /a HTTP/1.1\r\nHost: h@i\r\n\r\n"),
        ("empty host", "GET /a HTTP/1.1\r\nHost:\r\n\r\n"),
        ("absolute form without host", "GET http://h/a HTTP/1.1\r\n\r\n"),
        ("unknown scheme", "GET ftp://h/a HTTP/1.1\r\nHost: h\r\n\r\n"),
        (
            "two lengths",
            "POST /v1/admin HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
        ),
        ("list of lengths", "POST /v1/admin HTTP/1.1\r\nHost: h\r\nContent-Length: 3, 3\r\n\r\nabc"),
        ("signed length", "POST /v1/admin HTTP/1.1\r\nHost: h\r\nContent-Length: +3\r\n\r\nabc"),
        ("xchunked", "POST /v1/admin HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
        (
            "identity, chunked",
            "POST /v1/admin HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n",
        ),
        (
            "chunked, identity",
            "POST /v1/admin HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        ),
        (
            "two codings",
            "POST /v1/admin HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
        (
            "chunks in 1.0",
            "POST /v1/admin HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
        ("space before colon", "GET /a HTTP/1.1\r\nHost: h\r\nX-A : b\r\n\r\n"),
        ("folded field", "GET /a HTTP/1.1\r\nHost: h\r\nX-A: b\r\n c\r\n\r\n"),
        ("bare CR", "GET /a HTTP/1.1\r\nHost: h\r\nX-A: b\rc\r\n\r\n"),
        ("NUL", "GET /a HTTP/1.1\r\nHost: h\r\nX-A: b\0c\r\n\r\n"),
        ("tab in request line", "GET\t/a HTTP/1.1\r\nHost: h\r\n\r\n"),
        ("HTTP/1.2", "GET /a HTTP/1.2\r\nHost: h\r\n\r\n"),
        ("body on a read", "GET /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"),
        (
            "chunks on a read",
            "GET /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        ),
        ("escaped slash", "GET /v1%2Fadmin HTTP/1.1\r\nHost: h\r\n\r\n"),
        ("escaped NUL", "GET /a%00 HTTP/1.1\r\nHost: h\r\n\r\n"),
    ];
    for (name, bytes) in table {
        // What follows on the connection must not be read as a request.
        let answer = world.raw(format!("{bytes}GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n").as_bytes()).await;
        assert_eq!(status(&answer), 400, "{name}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{name}: {answer}");
    }
    assert_eq!((world.near.count(), world.far.count(), world.admin.count()), (0, 0, 0));
}

#[tokio::test]
async fn refusals_of_ours_say_why() {
    let world = World::new().await;
    let answer = world.raw(b"GET /a HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n").await;
    assert!(answer.contains("cache-status: sangraha-edge; detail=host\r\n"), "{answer}");
    assert!(answer.contains("content-type: application/problem+json\r\n"), "{answer}");
    assert!(answer.contains("connection: close\r\n"), "{answer}");
    assert!(answer.contains("\"code\":\"bad_request\""), "{answer}");
    assert!(answer.contains("\"type\":\"urn:sangraha:problem:bad_request\""), "{answer}");
}

#[tokio::test]
async fn a_length_beside_chunks_is_not_passed_on() {
    let world = World::new().await;
    let orders = [
        "Content-Length: 4\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 4",
    ];
    for (index, fields) in orders.into_iter().enumerate() {
        let request = format!(
            "POST /v1/admin/x HTTP/1.1\r\nHost: h\r\n{fields}\r\n\r\n3\r\nabc\r\n0\r\n\r\n\
             GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
        );
        let answer = world.raw(request.as_bytes()).await;
        assert_eq!((status(&answer), answer.matches("HTTP/1.1 ").count()), (200, 1), "{answer}");
        let seen = world.admin.last();
        assert_eq!((seen.body.as_deref(), seen.field("content-length")), (Some(b"abc".as_slice()), ""));
        assert_eq!((world.admin.count(), world.near.count()), (index + 1, 0));
    }
}

#[tokio::test]
async fn a_badly_chunked_body_never_ends_well() {
    let world = World::new().await;
    let bodies = [
        "0x3\r\nabc\r\n0\r\n\r\n",
        "3\nabc\r\n0\r\n\r\n",
        "3\r\nabcXX0\r\n\r\n",
        "3;x\nabc\r\n0\r\n\r\n",
        "-1\r\n",
    ];
    for body in bodies {
        let request = format!(
            "POST /v1/admin/x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n{body}"
        );
        let answer = world.raw(request.as_bytes()).await;
        assert_eq!(status(&answer), 400, "{body:?}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{body:?}: {answer}");
    }
    assert!(world.admin.seen().iter().all(|seen| seen.body.is_none()), "{:?}", world.admin.seen());
}

#[tokio::test]
async fn lenient_spellings_are_written_anew() {
    let world = World::new().await;
    let close = "Connection: close\r\n\r\n";
    let table = [
        ("GET http://One.test:80/a HTTP/1.1\r\nHost: two\r\n", "one.test", "/a"),
        ("\r\nGET /b HTTP/1.1\r\nHost: h\r\n", "h", "/b"),
        ("GET /c HTTP/1.1\nHost: h\n", "h", "/c"),
        ("GET /d#fragment HTTP/1.1\r\nHost: h\r\n", "h", "/d"),
        ("GET /x/../%65 HTTP/1.1\r\nHost: H\r\n", "h", "/e"),
    ];
    for (head, host, target) in table {
        let answer = world.raw(format!("{head}{close}").as_bytes()).await;
        assert_eq!(status(&answer), 200, "{head}: {answer}");
        let seen = world.near.last();
        assert_eq!((seen.field("host"), seen.target.as_str()), (host, target));
    }
    let extended = "POST /v1/admin/x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n\
         3;name=value\r\nabc\r\n0\r\nX-Trailer: 1\r\n\r\n";
    assert_eq!(status(&world.raw(extended.as_bytes()).await), 200);
    assert_eq!(world.admin.last().body.as_deref(), Some(b"abc".as_slice()));
    assert!(!world.admin.last().headers.contains_key("x-trailer"));
}

#[tokio::test]
async fn two_hosts_have_two_objects() {
    let world = World::new().await;
    world.near.answer(|seen| Answer::fresh(seen.field("host").to_owned()));
    for host in ["one", "two", "one"] {
        let request = format!("GET /a HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        assert!(world.raw(request.as_bytes()).await.ends_with(host));
    }
    assert_eq!(world.near.count(), 2);
}

#[tokio::test]
async fn limits_are_answered_with_their_own_status() {
    let world = World::with(|config| config.body_bytes_max = 1_000).await;
    let long = "x".repeat(9_000);
    let uri = world.get(&format!("/{long}")).await;
    assert_eq!((uri.status, uri.problem()["code"].as_str()), (414, Some("uri_too_long")));
    let huge = "x".repeat(33 * 1024);
    let head = world.get_with("/a", &[("x-long", &huge)]).await;
    assert_eq!((head.status, head.problem()["code"].as_str()), (431, Some("headers_too_large")));
    let many: Vec<String> = (0..120).map(|index| format!("x-{index}")).collect();
    let many: String = many.iter().map(|name| format!("{name}: 1\r\n")).collect();
    let answer = world.raw(format!("GET /a HTTP/1.1\r\nHost: h\r\n{many}\r\n").as_bytes()).await;
    assert_eq!(status(&answer), 431);
    let body: &'static str = "x".repeat(1_001).leak();
    let by_length = world.send(Method::POST, "/v1/admin/x", &[], body).await;
    assert_eq!((by_length.status, by_length.problem()["code"].as_str()), (413, Some("too_large")));
    let by_chunks = format!(
        "POST /v1/admin/x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n{body}\r\n0\r\n\r\n"
    );
    assert_eq!(status(&world.raw(by_chunks.as_bytes()).await), 413);
    assert!(world.admin.seen().iter().all(|seen| seen.body.is_none()));
    assert_eq!(world.near.count(), 0);
}

#[tokio::test]
async fn writes_outside_the_admin_routes_are_refused() {
    let world = World::new().await;
    for method in
        [Method::POST, Method::PUT, Method::DELETE, Method::PATCH, Method::from_bytes(b"PURGE").unwrap()]
    {
        let got = world.send(method, "/v1/ragas", &[], "").await;
        assert_eq!((got.status, got.field("allow")), (405, "GET, HEAD, OPTIONS"));
        assert_eq!(got.problem()["code"], "method_not_allowed");
    }
    assert_eq!(status(&world.raw(b"TRACE /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").await), 405);
    assert_eq!(world.near.count(), 0);
}

#[tokio::test]
async fn a_reader_s_report_goes_to_the_region_with_the_primary() {
    let world = World::new().await;
    let fields = [("content-type", "application/json")];
    world.send(Method::POST, "/v1/reports", &fields, "{}").await;
    let seen = world.admin.seen();
    assert_eq!((seen.len(), world.near.count()), (1, 0));
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let got = world.send(method, "/v1/reports", &[], "").await;
        assert_eq!((got.status, got.field("allow")), (405, "POST"));
    }
    assert_eq!(world.admin.seen().len(), 1);
}

#[tokio::test]
async fn a_loop_is_cut() {
    let world = World::new().await;
    let via = "1.1 sangraha-edge, 1.1 sangraha-edge, 1.1 sangraha-edge";
    let got = world.get_with("/a", &[("via", via)]).await;
    assert_eq!((got.status, got.problem()["code"].as_str()), (508, Some("loop_detected")));
    world.get_with("/a", &[("via", "1.1 sangraha-edge")]).await;
    let passed: Vec<_> = world.near.last().headers.get_all("via").iter().cloned().collect();
    assert_eq!(passed, ["1.1 sangraha-edge", "1.1 sangraha-edge"]);
}

#[tokio::test]
async fn http_2_is_served_without_negotiation() {
    let world = World::new().await;
    world.admin.answer(|seen| Answer::ok(seen.body.clone().unwrap()));
    let client = Client::builder(TokioExecutor::new()).http2_only(true).build_http();
    let url = |path| format!("http://{}{path}", world.address);
    for hit in [false, true] {
        let request = Request::get(url("/a")).body(Full::<Bytes>::default()).unwrap();
        let got = Got::read(client.request(request).await.unwrap()).await;
        assert_eq!((got.status, got.body.as_str(), got.is_hit()), (200, "default", hit));
    }
    let request = Request::post(url("/v1/admin/x")).body(Full::from("abc")).unwrap();
    assert_eq!(Got::read(client.request(request).await.unwrap()).await.body, "abc");
    assert_eq!(world.admin.last().field("content-length"), "3");
}

#[tokio::test]
async fn a_client_that_says_too_little_is_let_go() {
    let world = World::with(|config| config.header_read_timeout_ms = 100).await;
    for beginning in ["", "PRI * HTTP/2.0", "GET /a HTT", "GET /a HTTP/1.1\r\nHost: h\r\n"] {
        let answer = world.raw(beginning.as_bytes()).await;
        assert!(!answer.contains(" 200 "), "{beginning:?}: {answer}");
    }
    world.until(|status| status.connections == 0).await;
}

#[tokio::test]
async fn connections_of_one_address_are_limited() {
    let world = World::with(|config| config.connections_per_address_max = 2).await;
    let _first = TcpStream::connect(world.address).await.unwrap();
    let _second = TcpStream::connect(world.address).await.unwrap();
    world.until(|status| status.connections == 2).await;
    assert_eq!(world.raw(b"").await, "");
}

#[tokio::test]
async fn a_request_in_flight_survives_the_drain() {
    let world = World::new().await;
    let gate = Arc::new(Semaphore::new(0));
    let held = gate.clone();
    world.near.answer(move |_| Answer::fresh("x").behind(&held));
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    stream.write_all(b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
    until(|| world.near.count() == 1).await;
    let mut idle = TcpStream::connect(world.address).await.unwrap();
    world.until(|status| status.connections == 2).await;
    world.shutdown.cancel();
    // The idle connection is closed first: the drain is past its notice.
    assert_eq!(idle.read(&mut [0; 1]).await.unwrap_or(0), 0);
    gate.add_permits(1);
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(status(&answer) == 200 && answer.ends_with("\r\n\r\nx"), "{answer}");
    world.running.await.unwrap();
}

#[tokio::test]
async fn a_drain_under_load_loses_no_request() {
    let world = World::with(|config| config.drain_notice_ms = 5_000).await;
    let clients: Vec<_> = (0..8)
        .map(|index| {
            let address = world.address;
            tokio::spawn(async move {
                let stream = TcpStream::connect(address).await.unwrap();
                let (mut sender, connection) =
                    hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
                tokio::spawn(connection);
                let mut served = 0;
                loop {
                    let path = format!("/{}", (served * 7 + index) % 50);
                    let request =
                        Request::get(path).header("host", "h").body(Full::<Bytes>::default()).unwrap();
                    let got = Got::read(sender.send_request(request).await.unwrap()).await;
                    assert_eq!(got.status, 200);
                    served += 1;
                    if got.field("connection") == "close" {
                        return served;
                    }
                    sender.ready().await.unwrap();
                }
            })
        })
        .collect();
    world.until(|status| status.hits > 200).await;
    world.shutdown.cancel();
    for client in clients {
        assert!(client.await.unwrap() > 0);
    }
    world.running.await.unwrap();
    assert!(TcpStream::connect(world.address).await.is_err());
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let world = World::new().await;
    let config = edge::Config { listen: world.address, ..edge::Config::default() };
    let Err(error) = edge::Edge::bind(config, world.clock.clone(), &domain::metrics::Metrics::default())
    else {
        panic!("the address was free")
    };
    assert_eq!(error.to_string(), format!("the edge cannot listen on {}", world.address));
}
