//! Bodies that are read while they arrive: by one, by many, cut short, and too long to keep.

use crate::support::{World, until};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use url::Url;

/// An origin that sends its answer in pieces: the first at once, each other one for a permit.
struct Slow {
    url: Url,
    asked: Arc<AtomicUsize>,
    gate: Arc<Semaphore>,
}

impl Slow {
    async fn start(pieces: Vec<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let (asked, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
        let (pieces, count, passes) = (Arc::new(pieces), asked.clone(), gate.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, pieces.clone(), count.clone(), passes.clone()));
            }
        });
        Self { url, asked, gate }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    async fn world(&self) -> World {
        let origin = self.url.clone();
        World::with(move |config| {
            config.public = vec![origin];
            config.object_bytes_max = 64 << 10;
        })
        .await
    }
}

async fn serve(
    mut stream: TcpStream,
    pieces: Arc<Vec<Vec<u8>>>,
    asked: Arc<AtomicUsize>,
    gate: Arc<Semaphore>,
) {
    let mut request = [0; 4_096];
    let read = stream.read(&mut request).await.unwrap_or(0);
    if read == 0 {
        return;
    }
    asked.fetch_add(1, Ordering::SeqCst);
    for (index, piece) in pieces.iter().enumerate() {
        if index > 0 {
            gate.acquire().await.unwrap().forget();
        }
        if stream.write_all(piece).await.is_err() {
            return;
        }
    }
    let _ = stream.shutdown().await;
    let _ = stream.read(&mut request).await;
}

/// A client that reads as far as it wants.
struct Client {
    stream: TcpStream,
    got: Vec<u8>,
}

impl Client {
    async fn ask(world: &World, fields: &str) -> Self {
        let mut stream = TcpStream::connect(world.address).await.unwrap();
        let head = format!("GET /v1/a HTTP/1.1\r\nhost: a.test\r\n{fields}connection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        Self { stream, got: Vec::new() }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.got).into_owned()
    }

    async fn until(&mut self, wanted: &str) {
        while !self.text().contains(wanted) {
            let read = self.stream.read_buf(&mut self.got).await.unwrap();
            assert!(read > 0, "ended before `{wanted}`: {}", self.text());
        }
    }

    async fn rest(mut self) -> String {
        // A reset is how a broken body may end.
        let _ = self.stream.read_to_end(&mut self.got).await;
        self.text()
    }
}

fn head(fields: &str, body: &str) -> Vec<u8> {
    let text = format!("HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\netag: \"v\"\r\n{fields}\r\n{body}");
    text.into_bytes()
}

#[tokio::test]
async fn all_read_while_it_arrives_and_the_next_one_hits() {
    let origin = Slow::start(vec![head("content-length: 10\r\n", "hello"), b"world".to_vec()]).await;
    let world = origin.world().await;
    let mut first = Client::ask(&world, "").await;
    first.until("hello").await;
    let mut second = Client::ask(&world, "").await;
    second.until("hello").await;
    let part = Client::ask(&world, "range: bytes=4-6\r\n").await;
    let condition = Client::ask(&world, "if-none-match: \"v\"\r\n").await.rest().await;
    assert!(condition.starts_with("HTTP/1.1 304 "), "{condition}");
    origin.gate.add_permits(1);
    for (client, status) in [(first, "fwd-status=200; stored"), (second, "stored; collapsed")] {
        let text = client.rest().await;
        assert!(text.ends_with("\r\n\r\nhelloworld") && text.contains(status), "{text}");
        assert!(text.contains("content-length: 10\r\n"), "{text}");
    }
    let part = part.rest().await;
    assert!(part.starts_with("HTTP/1.1 206 ") && part.ends_with("\r\n\r\nowo"), "{part}");
    let hit = Client::ask(&world, "").await.rest().await;
    assert!(hit.contains("; hit") && hit.ends_with("\r\n\r\nhelloworld"), "{hit}");
    assert_eq!(origin.asked(), 1);
}

#[tokio::test]
async fn a_body_that_ends_short_is_an_error_for_all_and_is_not_kept() {
    let lengths = ["content-length: 10\r\n", "transfer-encoding: chunked\r\n"];
    for (fields, body) in lengths.into_iter().zip(["hello", "5\r\nhello\r\n"]) {
        let origin = Slow::start(vec![head(fields, body), Vec::new()]).await;
        let world = origin.world().await;
        let mut clients = Vec::new();
        for _ in 0..3 {
            let mut client = Client::ask(&world, "").await;
            client.until("hello").await;
            clients.push(client);
        }
        assert_eq!(origin.asked(), 1);
        origin.gate.add_permits(1);
        for client in clients {
            let text = client.rest().await;
            let body = text.split_once("\r\n\r\n").unwrap().1;
            assert!(
                text.contains("content-length: 10") || !body.contains("0\r\n\r\n"),
                "a clean end: {text}"
            );
            assert!(body == "hello" || body == "5\r\nhello\r\n", "{text}");
        }
        let mut again = Client::ask(&world, "").await;
        again.until("hello").await;
        assert!(!again.text().contains("; hit"), "{}", again.text());
        assert_eq!(origin.asked(), 2);
    }
}

#[tokio::test]
async fn what_turns_out_too_long_reaches_all_of_its_readers_and_is_not_kept() {
    let piece = |letter: char| {
        let text = letter.to_string().repeat(40_000);
        format!("{:x}\r\n{text}\r\n", text.len()).into_bytes()
    };
    let pieces = vec![
        head("transfer-encoding: chunked\r\n", "5\r\nhello\r\n"),
        piece('a'),
        piece('b'),
        piece('c'),
        b"0\r\n\r\n".to_vec(),
    ];
    let origin = Slow::start(pieces).await;
    let world = origin.world().await;
    let (mut first, mut second) = (Client::ask(&world, "").await, Client::ask(&world, "").await);
    first.until("hello").await;
    second.until("hello").await;
    origin.gate.add_permits(4);
    for client in [first, second] {
        let text = client.rest().await;
        assert!(text.ends_with("\r\n0\r\n\r\n"), "{}", &text[text.len() - 20..]);
        assert_eq!(["a", "b", "c"].map(|letter| text.matches(letter).count() / 40_000), [1, 1, 1]);
    }
    // The next ones go alone, at once.
    let mut third = Client::ask(&world, "").await;
    third.until("hello").await;
    assert!(third.text().contains("detail=too-large"), "{}", third.text());
    assert_eq!(origin.asked(), 2);
}

#[tokio::test]
async fn nobody_waits_for_an_answer_that_is_not_for_them() {
    let personal = b"HTTP/1.1 200 OK\r\ncache-control: private\r\ncontent-length: 10\r\n\r\nhello".to_vec();
    let origin = Slow::start(vec![personal, b"world".to_vec()]).await;
    let world = origin.world().await;
    let mut first = Client::ask(&world, "").await;
    first.until("hello").await;
    let mut second = Client::ask(&world, "").await;
    second.until("hello").await;
    assert_eq!(origin.asked(), 2);
    origin.gate.add_permits(2);
    for client in [first, second] {
        assert!(client.rest().await.ends_with("helloworld"));
    }
}

#[tokio::test]
async fn a_purge_while_it_arrives_keeps_it_out_of_the_store() {
    let origin =
        Slow::start(vec![head("surrogate-key: t\r\ncontent-length: 10\r\n", "hello"), b"world".to_vec()])
            .await;
    let world = origin.world().await;
    let mut before = Client::ask(&world, "").await;
    before.until("hello").await;
    world.purge(&["t"], 0).await;
    let mut after = Client::ask(&world, "").await;
    after.until("hello").await;
    assert_eq!(origin.asked(), 2, "who asks after the purge does not get what was asked before it");
    origin.gate.add_permits(1);
    until(|| origin.gate.available_permits() == 0).await;
    origin.gate.add_permits(1);
    assert!(before.rest().await.ends_with("helloworld"));
    assert!(after.rest().await.ends_with("helloworld"));
    let hit = Client::ask(&world, "").await.rest().await;
    assert!(hit.contains("; hit"), "{hit}");
    assert_eq!(origin.asked(), 2);
}
