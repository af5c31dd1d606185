//! `sangraha edge` in front of a plain static server, as a new user would start it.

use server::plain_http::{self, Answer, Request};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::{Instant, interval};

const TOKEN: &str = "a token of some length";
const PATIENCE: Duration = Duration::from_secs(30);

/// A static server, the edge before it, and what they need.
struct Alone {
    address: SocketAddr,
    edge: Child,
    folder: PathBuf,
    asked: Arc<AtomicUsize>,
    origin: JoinHandle<()>,
}

impl Alone {
    async fn start(name: &str, options: &[&str]) -> Self {
        let folder = std::env::temp_dir().join(format!("sangraha-edge-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("token"), format!("{TOKEN}\n")).unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let origin = tokio::spawn(serve(listener, asked.clone()));
        let token = folder.join("token").display().to_string();
        let mut edge = Command::new(env!("CARGO_BIN_EXE_sangraha"))
            .args(["edge", "--origin", &url, "--listen", "127.0.0.1:0", "--until-eof", "--profile", "rfc"])
            .args(["--purge-token-file", &token, "--workers", "1", "--memory", "16M", "--log", "warn"])
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(edge.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.strip_prefix("http://").and_then(|rest| rest.split(' ').next()).unwrap();
        Self { address: address.parse().unwrap(), edge, folder, asked, origin }
    }

    async fn ask(&self, method: &str, target: &str, headers: &[(&str, &str)]) -> Answer {
        let (address, body, timeout) = (self.address, [].as_slice(), PATIENCE);
        plain_http::send(Request { method, address, target, headers, body, timeout }).await.unwrap()
    }

    async fn get(&self, target: &str) -> String {
        let answer = self.ask("GET", target, &[]).await;
        format!("{} {}", answer.status, answer.header("cache-status").unwrap_or_default())
    }

    /// Asks until the answer says so.
    async fn until(&self, target: &str, words: &str) {
        let deadline = Instant::now() + PATIENCE;
        let mut tick = interval(Duration::from_millis(20));
        loop {
            tick.tick().await;
            let got = self.get(target).await;
            if got.contains(words) {
                return;
            }
            assert!(Instant::now() < deadline, "{words} did not come, but {got}");
        }
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        drop(self.edge.stdin.take());
        let _ = self.edge.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// One file, fresh for as long as its name says, with a validator that is honoured.
async fn serve(listener: TcpListener, asked: Arc<AtomicUsize>) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let mut head = [0; 4_096];
        let Ok(length) = stream.read(&mut head).await else { continue };
        let head = String::from_utf8_lossy(&head[..length]).to_ascii_lowercase();
        asked.fetch_add(1, Ordering::SeqCst);
        let seconds = if head.contains(" /brief ") { 1 } else { 3_600 };
        let fields = format!("etag: \"v1\"\r\ncache-control: max-age={seconds}\r\nconnection: close\r\n");
        let answer = match head.contains("if-none-match: \"v1\"") {
            true => format!("HTTP/1.1 304 Not Modified\r\n{fields}\r\n"),
            false => {
                format!("HTTP/1.1 200 OK\r\n{fields}surrogate-key: t\r\ncontent-length: 10\r\n\r\n0123456789")
            }
        };
        let _ = stream.write_all(answer.as_bytes()).await;
        let _ = stream.shutdown().await;
    }
}

#[tokio::test]
async fn a_new_user_sees_a_miss_a_hit_a_purge_a_revalidation_and_a_stale_answer() {
    let alone = Alone::start("story", &[]).await;
    assert_eq!(alone.get("/page").await, "200 sangraha-edge; fwd=uri-miss; fwd-status=200; stored");
    assert!(alone.get("/page").await.starts_with("200 sangraha-edge; hit; ttl="));
    assert_eq!(alone.asked.load(Ordering::SeqCst), 1);

    let bearer = format!("Bearer {TOKEN}");
    assert_eq!(alone.ask("PURGE", "/page", &[]).await.status, 401);
    assert_eq!(alone.ask("PURGE", "/page", &[("authorization", "Bearer guess")]).await.status, 401);
    assert!(alone.get("/page").await.contains("; hit"), "a refused purge purges nothing");
    for extra in
        [&[][..], &[("surrogate-key", "t")], &[("sangraha-purge", "host")], &[("sangraha-purge", "all")]]
    {
        let headers: Vec<(&str, &str)> =
            [("authorization", bearer.as_str())].iter().chain(extra).copied().collect();
        let purged = alone.ask("PURGE", "/page", &headers).await;
        assert_eq!(purged.status, 200, "{}", purged.text());
        assert!(alone.get("/page").await.contains("fwd=uri-miss"), "{extra:?}");
        assert!(alone.get("/page").await.contains("; hit"), "{extra:?}");
    }

    alone.until("/brief", "stored").await;
    alone.until("/brief", "fwd=stale; fwd-status=304; stored; detail=revalidated").await;
    alone.origin.abort();
    alone.until("/brief", "detail=stale-if-error").await;
    assert!(alone.get("/never-seen").await.starts_with("503 "));
}

#[tokio::test]
async fn parts_conditions_and_heads_are_answered_from_the_store() {
    let alone = Alone::start("parts", &[]).await;
    alone.get("/page").await;
    let part = alone.ask("GET", "/page", &[("range", "bytes=2-4")]).await;
    assert_eq!((part.status, part.text().as_str()), (206, "234"));
    assert_eq!(part.header("content-range"), Some("bytes 2-4/10"));
    let several = alone.ask("GET", "/page", &[("range", "bytes=0-0,-1")]).await;
    assert!(several.header("content-type").unwrap().starts_with("multipart/byteranges; boundary="));
    let text = several.text();
    assert!(
        text.contains("content-range: bytes 0-0/10\r\n\r\n0\r\n")
            && text.contains("bytes 9-9/10\r\n\r\n9\r\n")
    );
    let beyond = alone.ask("GET", "/page", &[("range", "bytes=10-")]).await;
    assert_eq!((beyond.status, beyond.header("content-range")), (416, Some("bytes */10")));
    let other = alone.ask("GET", "/page", &[("range", "bytes=2-4"), ("if-range", "\"v0\"")]).await;
    assert_eq!((other.status, other.text().len()), (200, 10));
    assert_eq!(alone.ask("GET", "/page", &[("if-none-match", "W/\"v1\"")]).await.status, 304);
    let nothing = alone.ask("GET", "/other", &[("cache-control", "only-if-cached")]).await;
    assert_eq!(nothing.status, 504);
    assert_eq!(alone.asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_write_makes_the_address_invalid() {
    let alone = Alone::start("write", &[]).await;
    alone.get("/page").await;
    assert!(alone.get("/page").await.contains("; hit"));
    let posted = alone.ask("POST", "/page", &[]).await;
    assert_eq!(posted.header("cache-status"), Some("sangraha-edge; fwd=method; fwd-status=200"));
    assert!(alone.get("/page").await.contains("fwd=uri-miss"));
}

/// An address that nobody listens at, and that is given to no outgoing connection before somebody does.
fn free() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 12_000 + u16::try_from(std::process::id() % 60).unwrap() * 100;
    let first = first + NEXT.fetch_add(20, Ordering::Relaxed);
    let mut addresses = (first..20_000).map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
    addresses.find(|address| std::net::TcpListener::bind(address).is_ok()).expect("some port is free")
}

#[tokio::test]
async fn who_asks_too_much_waits_and_an_address_is_explained() {
    let free = free().to_string();
    let alone = Alone::start("limits", &["--rate-limit", "3/60", "--private", &free]).await;
    alone.get("/page").await;
    alone.get("/page").await;
    let third = alone.ask("GET", "/page", &[]).await;
    // Seconds pass on a busy machine: up to 60 until all is free again, up to 20 until the next is.
    let left = third.header("ratelimit").unwrap();
    assert!(third.status == 200 && left.starts_with("\"address\";r=0;t="), "{left}");
    let fourth = alone.ask("GET", "/page", &[]).await;
    let wait_s: u64 = fourth.header("retry-after").unwrap().parse().unwrap();
    assert!(fourth.status == 429 && (1..=20).contains(&wait_s), "{wait_s}");
    let url = format!("http://{}/page", alone.address);
    let output = Command::new(env!("CARGO_BIN_EXE_sangraha"))
        .args(["edge", "explain", &url, "--at", &free])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && text.contains("hit: fresh for") && text.contains("\"t\""), "{text}");
}

#[tokio::test]
async fn a_file_of_settings_is_read_again_at_hup_and_by_order() {
    let free = free();
    let file = std::env::temp_dir().join(format!("sangraha-edge-settings-{}.toml", std::process::id()));
    let write = |text: &str| std::fs::write(&file, text).unwrap();
    write("negative_s_max = 7\n");
    let settings = file.display().to_string();
    let alone = Alone::start("reload", &["--config", &settings, "--private", &free.to_string()]).await;
    alone.get("/page").await;
    let order = || async {
        let (address, target, timeout) = (free, "/internal/reload", PATIENCE);
        let request = Request { method: "POST", address, target, headers: &[], body: &[], timeout };
        plain_http::send(request).await.unwrap()
    };

    write("[limits]\ndenied = [\"127.0.0.0/8\"]\n");
    let done = order().await;
    assert_eq!((done.status, done.text().as_str()), (200, r#"{"config_version":2,"log":"warn"}"#));
    assert_eq!(alone.ask("GET", "/page", &[]).await.status, 403);

    write("limits = 7\n");
    let refused = order().await;
    assert_eq!(refused.status, 400);
    assert!(refused.text().contains("the configuration is refused"), "{}", refused.text());
    write("hit_for_miss_ms = 7\n");
    let fixed = order().await.text();
    assert!(fixed.contains("`hit_for_miss_ms`") && fixed.contains("restart"), "{fixed}");
    assert_eq!(alone.ask("GET", "/page", &[]).await.status, 403, "the old one stays");

    write("");
    let hup = Command::new("kill").args(["-HUP", &alone.edge.id().to_string()]).status().unwrap();
    assert!(hup.success());
    alone.until("/page", "; hit").await;
    let metrics = plain_http::get(free, "/metrics", PATIENCE).await.unwrap().text();
    assert!(metrics.contains("edge_config_version 3\n") && metrics.contains("edge_config_refused_total 2\n"));
    std::fs::remove_file(&file).unwrap();
}

#[test]
fn what_cannot_work_is_said() {
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_sangraha")).args(arguments).output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let origin = ["edge", "--origin", "http://127.0.0.1:1", "--listen", "127.0.0.1:0"];
    for (more, words) in [
        (["--memory", "much"], "is no size"),
        (["--purge-token-file", "/nonexistent"], "cannot read /nonexistent"),
        (["--workers", "0"], "--workers"),
    ] {
        let (success, said) = run(&[&origin[..], &more].concat());
        assert!(!success && said.contains(words), "{said}");
    }
    let (success, said) = run(&["edge", "--origin", "ftp://x", "--listen", "127.0.0.1:0"]);
    assert!(!success && said.contains("`http://host:port`"), "{said}");
}
