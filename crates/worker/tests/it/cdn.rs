//! CDNs in front of the edges: local servers that take the providers' calls as their documentation describes them,
//! and a real Varnish.

use crate::support::*;
use domain::metrics::Metrics;
use domain::{Clock, EntityKind};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use store::{PurgeOrder, PurgeTargets};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use worker::cdn::{Cdns, Config};

/// A call as a provider saw it.
#[derive(Clone, Debug)]
struct Seen {
    /// `POST /service/S/purge`.
    line: String,
    headers: String,
    body: String,
}

/// A provider that remembers what it was told, and refuses as often as it is asked to.
struct ProviderServer {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    refusals: Arc<Mutex<Vec<&'static str>>>,
    task: JoinHandle<()>,
}

impl ProviderServer {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, refusals) = (Arc::<Mutex<Vec<Seen>>>::default(), Arc::<Mutex<Vec<&str>>>::default());
        let (log, answers) = (seen.clone(), refusals.clone());
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (log, answers) = (log.clone(), answers.clone());
                tokio::spawn(async move { serve(socket, &log, &answers).await });
            }
        });
        Self { address, seen, refusals, task }
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The next answers, instead of success.
    fn refuse(&self, answers: &[&'static str]) {
        self.refusals.lock().unwrap().extend(answers);
    }
}

impl Drop for ProviderServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut socket: TcpStream, log: &Mutex<Vec<Seen>>, answers: &Mutex<Vec<&'static str>>) {
    loop {
        let Some(seen) = request(&mut socket).await else { return };
        let refusal = {
            let mut answers = answers.lock().unwrap();
            if answers.is_empty() { None } else { Some(answers.remove(0)) }
        };
        if refusal.is_none() {
            log.lock().unwrap().push(seen);
        }
        let body = "{\"success\":true,\"status\":\"ok\"}";
        let answer = refusal.map_or_else(
            || {
                format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                    body.len()
                )
            },
            |head| format!("HTTP/1.1 {head}\r\ncontent-length: 0\r\n\r\n"),
        );
        if socket.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn request(socket: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    let head = loop {
        let byte = socket.read_u8().await.ok()?;
        bytes.push(byte);
        if bytes.ends_with(b"\r\n\r\n") {
            break String::from_utf8(std::mem::take(&mut bytes)).ok()?;
        }
    };
    let (line, headers) = head.split_once("\r\n")?;
    let headers = headers.to_ascii_lowercase();
    let length = headers.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.trim().parse().unwrap())];
    socket.read_exact(&mut body).await.ok()?;
    let line = line.trim_end_matches(" HTTP/1.1").to_owned();
    Some(Seen { line, headers, body: String::from_utf8(body).ok()? })
}

/// A region with one CDN in front.
struct Told {
    world: World,
    folder: PathBuf,
    cdns: Cdns,
    adapter: Option<JoinHandle<()>>,
    _running: (Running, Running),
}

impl Told {
    async fn by(config: &str) -> Option<Self> {
        let (_database, world) = World::fresh().await?;
        let (relay, (follower, _orders)) = (world.relay(), world.follower());
        world.settled().await;
        let folder = std::env::temp_dir().join(format!("sangraha-cdn-{}", uuid::Uuid::now_v7()));
        let mut told =
            Self { world, folder, cdns: Cdns::default(), adapter: None, _running: (relay, follower) };
        told.start(config);
        Some(told)
    }

    fn start(&mut self, config: &str) {
        let text = format!("directory = {:?}\n[cdn.main]\n{config}", self.folder);
        let config: Config = toml::from_str(&text).unwrap();
        let (feed, clock) = (&self.world.feed, Clock::system());
        let adapters = worker::cdn::open(&config, feed, &self.cdns, &clock, &Metrics::default()).unwrap();
        let [adapter] = <[_; 1]>::try_from(adapters).ok().expect("one CDN");
        self.adapter = Some(tokio::spawn(adapter.run(CancellationToken::new())));
    }

    /// As a process that is killed.
    async fn kill(&mut self) {
        if let Some(adapter) = self.adapter.take() {
            adapter.abort();
            let _ = adapter.await;
        }
    }

    async fn order(&self, targets: &[&str], soft: bool) {
        let targets = targets.iter().map(|target| (*target).to_owned()).collect();
        let order = PurgeOrder {
            id: uuid::Uuid::now_v7(),
            what: PurgeTargets { targets, soft },
            reason: "test".into(),
            ordered_by: "test".into(),
            at: Clock::system().now(),
        };
        let mut tx = self.world.writer.begin("test.purge").await.unwrap();
        tx.purge_insert(&order).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Waits until the provider has accepted everything that was committed.
    async fn accepted(&self) {
        let head = self.world.relayed().await;
        until("the provider has accepted everything", async || {
            let main = self.cdns.all()["main"].clone();
            (main.epoch > 0 && main.position >= head).then_some(())
        })
        .await;
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        if let Some(adapter) = &self.adapter {
            adapter.abort();
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cdn_is_told_what_changed_and_goes_on_where_it_was() {
    let provider = ProviderServer::start().await;
    let config = format!(
        "provider = \"fastly\"\nservice = \"S\"\ntoken = \"t0k\"\napi = \"http://{}\"",
        provider.address
    );
    let Some(mut told) = Told::by(&config).await else { return };
    told.accepted().await;
    // Nobody knows what it keeps from before.
    assert_eq!(provider.seen()[0].line, "POST /service/S/purge_all");
    let tag = import(&told.world.writer, tag("bhakti")).await;
    assert_eq!(tag.kind, EntityKind::Tag);
    told.accepted().await;
    let seen = provider.seen();
    assert_eq!((seen.len(), seen[1].line.as_str()), (2, "POST /service/S/purge"));
    assert!(seen[1].headers.contains("fastly-key: t0k"));
    let body: Value = serde_json::from_str(&seen[1].body).unwrap();
    assert_eq!(body, json!({"surrogate_keys": ["list:tags", tag.to_string()]}));

    told.kill().await;
    told.order(&["list:ragas"], true).await;
    told.world.settled().await;
    told.start(&config);
    told.accepted().await;
    let seen = provider.seen();
    assert_eq!(seen.len(), 3, "only what it had not heard: {seen:?}");
    assert!(seen[2].headers.contains("fastly-soft-purge: 1"));

    // A lost place costs one purge of everything.
    told.kill().await;
    std::fs::remove_dir_all(&told.folder).unwrap();
    told.start(&config);
    told.accepted().await;
    assert_eq!(provider.seen()[3].line, "POST /service/S/purge_all");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_refuses_is_asked_until_it_accepts() {
    let provider = ProviderServer::start().await;
    let config = format!(
        "provider = \"cloudflare\"\nzone = \"Z\"\ntoken = \"t0k\"\napi = \"http://{}\"",
        provider.address
    );
    let Some(told) = Told::by(&config).await else { return };
    told.accepted().await;
    provider.refuse(&["429 Too Many Requests\r\nretry-after: 0", "500 Oops", "204 No Content"]);
    told.order(&["a", "prefix s.test/v1"], false).await;
    told.accepted().await;
    let seen = provider.seen();
    let bodies: Vec<Value> = seen[1..].iter().map(|seen| serde_json::from_str(&seen.body).unwrap()).collect();
    assert_eq!(bodies, [json!({"tags": ["a"]}), json!({"prefixes": ["s.test/v1"]})]);
    assert!(seen.iter().all(|seen| seen.line == "POST /zones/Z/purge_cache"));
    assert_eq!(told.cdns.all()["main"].failing_since, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_that_come_together_go_out_together() {
    let provider = ProviderServer::start().await;
    let key = "access_key = \"AK\"\nsecret_key = \"sk\"\ntags = true";
    let config = format!(
        "provider = \"cloudfront\"\ndistribution = \"D\"\n{key}\napi = \"http://{}\"",
        provider.address
    );
    let Some(mut told) = Told::by(&config).await else { return };
    told.accepted().await;
    told.kill().await;
    for target in ["a", "b", "url https://s.test/x"] {
        told.order(&[target], false).await;
    }
    told.world.settled().await;
    told.start(&config);
    told.accepted().await;
    let seen = provider.seen();
    let [_, call] = &seen[..] else { panic!("one call for three orders: {seen:?}") };
    assert_eq!(call.line, "POST /2020-05-31/distribution/D/invalidation");
    assert!(
        call.body.contains("<Items><Path>#a</Path><Path>#b</Path><Path>/x</Path></Items>"),
        "{}",
        call.body
    );
    assert!(call.headers.contains("authorization: aws4-hmac-sha256 credential=ak/"));
}

/// One answer of a Varnish: the body, and whether it was a hit.
async fn fetched(varnish: SocketAddr, path: &str) -> (String, bool) {
    let mut socket = TcpStream::connect(varnish).await.unwrap();
    let question = format!("GET {path} HTTP/1.1\r\nhost: s.test\r\nconnection: close\r\n\r\n");
    socket.write_all(question.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(!head.to_ascii_lowercase().contains("surrogate-key"), "{head}");
    (body.to_owned(), head.contains("x-varnish-cache: hit"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_varnish_forgets_what_was_purged_and_nothing_else() {
    let origin = testkit::varnish::Origin::start().await;
    let Some(varnish) = testkit::varnish::Varnish::start(origin.address()).await else { return };
    let config = format!("provider = \"varnish\"\naddresses = [\"http://{}\"]", varnish.address());
    let Some(told) = Told::by(&config).await else { return };
    told.accepted().await;
    let paths = ["/v1/ragas", "/v1/ragas/kalyani", "/v1/ragas-old", "/v1/talas"];
    let hits = async || {
        let mut hits = Vec::new();
        for path in paths {
            if fetched(varnish.address(), path).await.1 {
                hits.push(path);
            }
        }
        hits
    };
    assert_eq!(hits().await, [""; 0]);
    assert_eq!(hits().await, paths);
    // The origin's key for a path is the path without its slashes.
    told.order(&["v1-talas"], false).await;
    told.accepted().await;
    assert_eq!(hits().await, paths[..3]);
    told.order(&["url http://s.test/v1/ragas-old"], false).await;
    told.accepted().await;
    assert_eq!(hits().await, ["/v1/ragas", "/v1/ragas/kalyani", "/v1/talas"]);
    told.order(&["prefix s.test/v1/ragas"], false).await;
    told.accepted().await;
    assert_eq!(hits().await, paths[2..]);
    told.order(&["host elsewhere.test"], false).await;
    told.accepted().await;
    assert_eq!(hits().await, paths);
    told.order(&["host s.test"], false).await;
    told.accepted().await;
    assert_eq!(hits().await, [""; 0]);
    // Softly: the next answer comes from the origin, whether confirmed or new.
    let before = origin.asked();
    assert_eq!(hits().await, paths);
    assert_eq!(origin.asked(), before);
    told.order(&["v1-talas"], true).await;
    told.accepted().await;
    hits().await;
    assert_eq!(origin.asked(), before + 1);
    told.order(&["all"], false).await;
    told.accepted().await;
    assert_eq!(hits().await, [""; 0]);
}
