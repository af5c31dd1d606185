//! Origins whose answers cannot be right: a client never takes a part for the whole, nothing of it is kept, and the
//! connection is not used again.

use crate::support::{World, until};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use url::Url;

/// An origin that sends the same bytes for every request, on connections that it keeps open or ends.
struct Liar {
    url: Url,
    connections: Arc<AtomicUsize>,
}

impl Liar {
    async fn start(answer: &'static [u8], ends: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let count = connections.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    let mut request = [0; 4_096];
                    while let Ok(1..) = stream.read(&mut request).await {
                        let _ = stream.write_all(answer).await;
                        if ends {
                            let _ = stream.shutdown().await;
                        }
                    }
                });
            }
        });
        Self { url, connections }
    }

    async fn world(&self) -> World {
        let public = vec![self.url.clone()];
        World::with(move |config| {
            config.public = public;
            config.public_first_byte_ms_max = 500;
            config.body_idle_ms_max = 500;
        })
        .await
    }
}

const GET: &[u8] = b"GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";

/// Whether an answer says that it is whole.
fn is_whole(answer: &str) -> bool {
    let Some((head, body)) = answer.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    match length {
        Some(length) => body.len() == length,
        None => body.ends_with("0\r\n\r\n"),
    }
}

#[tokio::test]
async fn a_lie_is_neither_believed_nor_kept_nor_met_twice() {
    let table: [(&str, &[u8], bool); 16] = [
        ("shorter than it says", b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 9\r\n\r\nabc", true),
        ("chunks without end", b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", true),
        ("no number of a chunk", b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nxyz\r\n", false),
        ("a chunk too long", b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nabc\r\n", false),
        ("a chunk that does not end", b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcXX0\r\n\r\n", false),
        ("half a head", b"HTTP/1.1 200 OK\r\nCache-Control: max-", true),
        ("nothing", b"", true),
        ("no HTTP", b"220 mail ready\r\n\r\n", false),
        ("another version", b"HTTP/3.7 200 OK\r\nContent-Length: 0\r\n\r\n", false),
        ("two lengths", b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabcde", false),
        ("no length", b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: three\r\n\r\nabc", false),
        ("a status of two digits", b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n", false),
        ("NUL in a field", b"HTTP/1.1 200 OK\r\nX-A: b\0c\r\nContent-Length: 0\r\n\r\n", false),
        ("space before the colon", b"HTTP/1.1 200 OK\r\nCache-Control : max-age=60\r\nContent-Length: 0\r\n\r\n", false),
        ("a switch of protocols", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: evil\r\nConnection: upgrade\r\n\r\n", false),
        ("a hint and no answer", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", false),
    ];
    for (name, bytes, ends) in table {
        let liar = Liar::start(bytes, ends).await;
        let world = liar.world().await;
        let mut before = 0;
        for _ in 0..2 {
            let answer = world.raw(GET).await;
            let refused = answer.starts_with("HTTP/1.1 50");
            assert!(refused || !is_whole(&answer), "{name}: {answer}");
            assert!(!answer.contains("; hit"), "{name}: {answer}");
            assert!(!answer.contains("\r\nupgrade:") && !answer.contains("; stored"), "{name}: {answer}");
            let connections = liar.connections.load(Ordering::SeqCst);
            assert!(connections > before, "{name}: a connection was used again");
            before = connections;
        }
        assert_eq!(world.status().objects, 0, "{name}");
    }
}

#[tokio::test]
async fn what_follows_an_answer_is_nobodys_answer() {
    let bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcHTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 4\r\n\r\nevil";
    let liar = Liar::start(bytes, false).await;
    let world = liar.world().await;
    for path in ["/a", "/b", "/c", "/a"] {
        let answer = world
            .raw(format!("GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").as_bytes())
            .await;
        assert!(answer.ends_with("\r\n\r\nabc") || answer.starts_with("HTTP/1.1 50"), "{answer}");
        assert!(!answer.contains("evil"), "{answer}");
    }
    assert!(liar.connections.load(Ordering::SeqCst) >= 2);
}

#[tokio::test]
async fn a_length_beside_chunks_is_forgotten() {
    let bytes = b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    let liar = Liar::start(bytes, true).await;
    let world = liar.world().await;
    let first = world.get("/a").await;
    assert_eq!((first.status, first.body.as_str()), (200, "abc"));
    let second = world.get("/a").await;
    assert_eq!((second.is_hit(), second.body.as_str(), second.field("content-length")), (true, "abc", "3"));
}

#[tokio::test]
async fn hints_before_an_answer_are_dropped() {
    let bytes = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 3\r\n\r\nabc";
    let liar = Liar::start(bytes, false).await;
    let world = liar.world().await;
    let answer = world.raw(GET).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("abc"), "{answer}");
    assert!(!answer.contains("link:"), "{answer}");
    assert!(world.raw(GET).await.contains("; hit"));
}

#[tokio::test]
async fn a_body_without_end_ends_with_its_client() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let ended = Arc::new(AtomicUsize::new(0));
    let count = ended.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let count = count.clone();
            tokio::spawn(async move {
                let _ = stream.read(&mut [0; 4_096]).await;
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\n\r\n").await;
                while stream.write_all(&[b'x'; 65_536]).await.is_ok() {}
                count.fetch_add(1, Ordering::SeqCst);
            });
        }
    });
    let world = World::with(move |config| config.public = vec![url]).await;
    let mut client = tokio::net::TcpStream::connect(world.address).await.unwrap();
    client.write_all(GET).await.unwrap();
    let mut taken = vec![0; 8 << 20];
    client.read_exact(&mut taken).await.unwrap();
    assert!(world.status().bytes < 8 << 20);
    drop(client);
    until(|| ended.load(Ordering::SeqCst) == 1).await;
    assert_eq!(world.status().objects, 0);
}
