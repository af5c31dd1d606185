//! Requests that an origin could read otherwise than we do, over HTTP/2, and clients that want to wear us out.

use crate::frames::{End, Field, Frames, block, length};
use crate::support::{Answer, World, until};
use http::Method;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const GET: [Field<'static>; 4] =
    [(b":method", b"GET"), (b":scheme", b"http"), (b":authority", b"h"), (b":path", b"/a")];
const POST: [Field<'static>; 4] =
    [(b":method", b"POST"), (b":scheme", b"http"), (b":authority", b"h"), (b":path", b"/v1/admin/x")];

fn with<'a>(fields: &[Field<'a>], more: &[Field<'a>]) -> Vec<Field<'a>> {
    [fields, more].concat()
}

fn instead<'a>(name: &'a [u8], value: &'a [u8]) -> Vec<Field<'a>> {
    GET.iter().map(|field| if field.0 == name { (name, value) } else { *field }).collect()
}

fn without(name: &[u8]) -> Vec<Field<'static>> {
    GET.into_iter().filter(|field| field.0 != name).collect()
}

#[tokio::test]
async fn no_spelling_of_http_2_puts_words_into_a_request_of_http_1() {
    let world = World::new().await;
    let table: Vec<(&str, Vec<Field<'_>>)> = vec![
        ("CR LF in a value", with(&GET, &[(b"x-a", b"b\r\nhost: evil")])),
        ("LF in a value", with(&GET, &[(b"x-a", b"b\nx-b: c")])),
        ("CR in a value", with(&GET, &[(b"x-a", b"b\rc")])),
        ("NUL in a value", with(&GET, &[(b"x-a", b"b\0c")])),
        ("colon in a name", with(&GET, &[(b"x:a", b"b")])),
        ("a whole field in a name", with(&GET, &[(b"x: a\r\ny", b"b")])),
        ("space in a name", with(&GET, &[(b"x a", b"b")])),
        ("capital in a name", with(&GET, &[(b"X-A", b"b")])),
        ("no name", with(&GET, &[(b"", b"b")])),
        ("a request in the path", instead(b":path", b"/a HTTP/1.1\r\nHost: evil\r\n\r\nGET /b")),
        ("space in the path", instead(b":path", b"/a b")),
        ("LF in the path", instead(b":path", b"/a\n")),
        ("NUL in the path", instead(b":path", b"/a\0")),
        ("no path", without(b":path")),
        ("empty path", instead(b":path", b"")),
        ("path without slash", instead(b":path", b"a")),
        ("two paths", with(&GET, &[(b":path", b"/b")])),
        ("a request in the method", instead(b":method", b"GET /b HTTP/1.1\r\nx: y\r\n\r\nGET")),
        ("space in the method", instead(b":method", b"GE T")),
        ("no method", without(b":method")),
        ("two methods", with(&GET, &[(b":method", b"POST")])),
        ("no scheme", without(b":scheme")),
        ("another scheme", instead(b":scheme", b"ftp")),
        ("LF in the authority", instead(b":authority", b"h\r\nx: y")),
        ("a user in the authority", instead(b":authority", b"evil@h")),
        ("no authority", without(b":authority")),
        ("two authorities", with(&GET, &[(b":authority", b"i")])),
        ("another host beside it", with(&GET, &[(b"host", b"i")])),
        ("two hosts", with(&GET, &[(b"host", b"h"), (b"host", b"i")])),
        ("pseudo field of ours", with(&GET, &[(b":status", b"200")])),
        ("unknown pseudo field", with(&GET, &[(b":evil", b"1")])),
        ("pseudo field too late", with(&[(b"x-a".as_slice(), b"b".as_slice())], &GET)),
        ("protocol without asking", with(&GET, &[(b":protocol", b"websocket")])),
        ("connection", with(&GET, &[(b"connection", b"close, x-a")])),
        ("keep-alive", with(&GET, &[(b"keep-alive", b"timeout=5")])),
        ("proxy-connection", with(&GET, &[(b"proxy-connection", b"keep-alive")])),
        ("upgrade", with(&GET, &[(b"upgrade", b"h2c")])),
        ("transfer-encoding", with(&GET, &[(b"transfer-encoding", b"chunked")])),
        ("te", with(&GET, &[(b"te", b"gzip")])),
        ("a length without a body", with(&GET, &[(b"content-length", b"3")])),
        ("two lengths", with(&GET, &[(b"content-length", b"0"), (b"content-length", b"3")])),
        ("signed length", with(&GET, &[(b"content-length", b"+0")])),
        ("list of lengths", with(&GET, &[(b"content-length", b"0, 0")])),
    ];
    for (name, fields) in table {
        let mut frames = Frames::connect(world.address).await;
        frames.headers(1, &fields, true).await;
        let end = frames.end(1).await;
        assert!(matches!(end, End::Status(400) | End::Reset | End::Closed), "{name}: {end:?}");
    }
    assert_eq!((world.near.count(), world.far.count(), world.admin.count()), (0, 0, 0));
    let status = world.status();
    assert_eq!((status.objects, world.get("/a").await.is_hit()), (0, false), "no key was poisoned");
}

#[tokio::test]
async fn a_length_that_http_2_frames_belie_never_ends_well() {
    let world = World::new().await;
    for (length, bodies) in [
        (b"3".as_slice(), vec![(b"hello".as_slice(), true)]),
        (b"3", vec![(b"hel", false), (b"lo", true)]),
        (b"9", vec![(b"hello", true)]),
        (b"9", vec![(b"hello", false), (b"", true)]),
        (b"0", vec![(b"GET /b HTTP/1.1\r\nHost: h\r\n\r\n", true)]),
    ] {
        let mut frames = Frames::connect(world.address).await;
        frames.headers(1, &with(&POST, &[(b"content-length", length)]), false).await;
        for (bytes, ends) in bodies {
            frames.data(1, bytes, ends).await;
        }
        let end = frames.end(1).await;
        assert_ne!(end, End::Status(200), "{length:?}");
    }
    assert!(world.admin.seen().iter().all(|seen| seen.body.is_none()), "{:?}", world.admin.seen());
    assert_eq!(world.send(Method::POST, "/v1/admin/x", &[], "whole").await.status, 200);
    assert_eq!(world.admin.last().body.as_deref(), Some(b"whole".as_slice()));
}

/// An origin that keeps every byte it was sent, by connection, and answers what looks like a whole request.
struct Recorder {
    url: url::Url,
    connections: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Recorder {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let connections: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
        let kept = connections.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                kept.lock().unwrap().push(Vec::new());
                let index = kept.lock().unwrap().len() - 1;
                tokio::spawn(record(stream, kept.clone(), index));
            }
        });
        Self { url, connections }
    }

    /// The bytes of a connection: heads with their fields in order of the alphabet, each without its own id.
    fn heads_and_bodies(&self, connection: usize) -> Vec<String> {
        let text = String::from_utf8(self.connections.lock().unwrap()[connection].clone()).unwrap();
        let part = |part: &str| {
            let mut lines: Vec<&str> = part
                .split("\r\n")
                .map(|line| if line.starts_with("x-request-id: ") { "x-request-id" } else { line })
                .collect();
            lines[1..].sort_unstable();
            lines.join("|")
        };
        text.split("\r\n\r\n").map(part).collect()
    }
}

async fn record(mut stream: TcpStream, kept: Arc<Mutex<Vec<Vec<u8>>>>, index: usize) {
    let mut bytes = [0; 4_096];
    while let Ok(length @ 1..) = stream.read(&mut bytes).await {
        let ends = {
            let mut kept = kept.lock().unwrap();
            kept[index].extend_from_slice(&bytes[..length]);
            let text = String::from_utf8_lossy(&kept[index]).into_owned();
            let chunked = text.contains("transfer-encoding: chunked");
            text.ends_with(if chunked { "0\r\n\r\n" } else { "\r\n\r\n" }) || text.ends_with("abc")
        };
        if ends {
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncache-control: no-store\r\n\r\nok";
            let _ = stream.write_all(answer).await;
        }
    }
}

#[tokio::test]
async fn what_an_origin_gets_is_written_by_us_byte_for_byte() {
    let recorder = Recorder::start().await;
    let (public, admin) = (vec![recorder.url.clone()], recorder.url.clone());
    let world = World::with(move |config| (config.public, config.admin) = (public, admin)).await;
    let sent: Vec<(&[Field<'_>], &[u8])> = vec![
        (&[(b"content-length", b"3"), (b"cookie", b"a=b"), (b"cookie", b"c=d")], b"abc"),
        (&[(b"te", b"trailers"), (b"x-forwarded-for", b"6.6.6.6"), (b"via", b"1.1 x")], b"3\r\nabc"),
    ];
    let mut frames = Frames::connect(world.address).await;
    for (index, (fields, body)) in sent.into_iter().enumerate() {
        let stream = u32::try_from(index * 2 + 1).unwrap();
        frames.headers(stream, &with(&POST, fields), false).await;
        frames.data(stream, body, true).await;
        assert_eq!(frames.end(stream).await, End::Status(200));
    }
    let told = "x-forwarded-for: 127.0.0.1|x-forwarded-host: h|x-forwarded-proto: http|x-request-id";
    let line = "POST /v1/admin/x HTTP/1.1";
    assert_eq!(
        recorder.heads_and_bodies(0),
        [
            format!("{line}|content-length: 3|cookie: a=b; c=d|host: h|via: 1.1 sangraha-edge|{told}"),
            format!("abc{line}|host: h|transfer-encoding: chunked|via: 1.1 sangraha-edge|via: 1.1 x|{told}"),
            "6|0|3|abc".to_owned(),
            String::new(),
        ]
    );
}

#[tokio::test]
async fn resets_in_a_hurry_end_the_connection_and_nobody_elses() {
    let world = World::new().await;
    let mut frames = Frames::connect(world.address).await;
    let mut taken = 0;
    for stream in (1..20_000).step_by(2) {
        if !(frames.headers(stream, &GET, true).await && frames.reset(stream).await) {
            break;
        }
        taken += 1;
    }
    assert_eq!(frames.end(u32::MAX).await, End::Closed);
    assert!(taken < 10_000, "{taken}");
    world.until(|status| status.connections == 0).await;
    assert_eq!(world.get("/a").await.status, 200);
}

#[tokio::test]
async fn a_head_without_end_is_cut_off() {
    const FRAME_BYTES: usize = 16_000;
    const FRAMES_MAX: usize = 2_000;
    let world = World::new().await;
    let mut frames = Frames::connect(world.address).await;
    let field = block(&[(b"x-a", &[b'b'; FRAME_BYTES])]);
    frames.open_head(1, &block(&GET)).await;
    let mut sent = 0;
    while sent < FRAMES_MAX && frames.continuation(1, &field).await {
        sent += 1;
    }
    assert!(sent < FRAMES_MAX, "32 MB of one head were read");
    world.until(|status| status.connections == 0).await;
    // Frames without anything in them are no better.
    let mut frames = Frames::connect(world.address).await;
    frames.open_head(1, &block(&GET)).await;
    let mut sent = 0;
    while sent < 100_000 && frames.continuation(1, &[]).await {
        sent += 1;
    }
    assert!(sent < 100_000);
    world.until(|status| status.connections == 0).await;
    assert_eq!((world.get("/a").await.status, world.near.count()), (200, 1));
}

#[tokio::test]
async fn a_head_that_unfolds_is_refused() {
    let world = World::new().await;
    let mut bomb = block(&GET);
    // One field of 4,000 bytes that is remembered, and 10,000 times a byte that repeats it: 40 MB.
    bomb.push(0x40);
    for text in [b"x-a".as_slice(), &[b'b'; 4_000]] {
        length(&mut bomb, text.len());
        bomb.extend_from_slice(text);
    }
    bomb.extend([0xbe; 10_000]);
    let mut frames = Frames::connect(world.address).await;
    frames.head_of(1, &bomb).await;
    let end = frames.end(1).await;
    assert!(matches!(end, End::Status(0) | End::Reset | End::Closed), "{end:?}");
    let many: Vec<Vec<u8>> = (0..150).map(|index| format!("x-{index}").into_bytes()).collect();
    let many: Vec<Field<'_>> = many.iter().map(|name| (name.as_slice(), b"1".as_slice())).collect();
    let mut frames = Frames::connect(world.address).await;
    frames.headers(1, &with(&GET, &many), true).await;
    assert_ne!(frames.end(1).await, End::Status(200));
    assert_eq!(world.near.count(), 0);
}

#[tokio::test]
async fn who_takes_nothing_is_let_go() {
    const INITIAL_WINDOW: u16 = 4;
    let world = World::with(|config| config.http2_idle_ms_max = 300).await;
    world.near.answer(|_| Answer::fresh("x".repeat(100_000)));
    let mut stalled = Frames::connect(world.address).await;
    stalled.settings(INITIAL_WINDOW, 0).await;
    stalled.headers(1, &GET, true).await;
    assert_eq!(stalled.end(1).await, End::Status(200));
    // It answers pings, and nothing else.
    assert_eq!(stalled.end(3).await, End::Closed);
    world.until(|status| status.connections == 0).await;
}

#[tokio::test]
async fn what_is_no_hpack_and_no_frame_ends_the_connection() {
    let world = World::new().await;
    for bytes in [&[0xff; 40][..], &[0x80], &[0x00, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]] {
        let mut frames = Frames::connect(world.address).await;
        frames.head_of(1, bytes).await;
        let end = frames.end(1).await;
        assert!(matches!(end, End::Reset | End::Closed), "{bytes:?}: {end:?}");
    }
    // A stream of ours, an even number, a body before its head.
    for stream in [2, 0] {
        let mut frames = Frames::connect(world.address).await;
        frames.headers(stream, &GET, true).await;
        assert_eq!(frames.end(stream).await, End::Closed, "{stream}");
    }
    let mut frames = Frames::connect(world.address).await;
    frames.data(1, b"abc", true).await;
    assert_eq!(frames.end(1).await, End::Closed);
    until(|| world.near.count() == 0).await;
    assert_eq!(world.get("/a").await.status, 200);
}
