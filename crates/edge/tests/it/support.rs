//! An edge with everything around it.

use bytes::Bytes;
use chrono::{DateTime, Duration, Utc};
use domain::Clock;
use domain::metrics::Metrics;
use domain::purge::{Purge, PurgeBatch};
use edge::{Config, Edge, Kind, Sharers, Status, StatusHandle};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use url::Url;

/// The longest wait for a state: generous, because the machine may be busy.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

/// A running edge and its surroundings.
pub struct World {
    pub address: SocketAddr,
    pub near: Origin,
    pub far: Origin,
    pub admin: Origin,
    pub feed: Feed,
    pub clock: Clock,
    pub metrics: Metrics,
    pub shutdown: CancellationToken,
    pub running: JoinHandle<()>,
    pub config: Config,
    handle: StatusHandle,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl World {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// A world whose edge is configured otherwise.
    pub async fn with(adapt: impl FnOnce(&mut Config)) -> Self {
        Self::at(DateTime::<Utc>::from_timestamp(1_700_000_000, 0).unwrap(), adapt).await
    }

    /// A world whose clock begins elsewhere.
    pub async fn at(start: DateTime<Utc>, adapt: impl FnOnce(&mut Config)) -> Self {
        let clock = Clock::fixed(start);
        let (near, far) = (Origin::start(&clock).await, Origin::start(&clock).await);
        let (admin, feed) = (Origin::start(&clock).await, Feed::start(&clock).await);
        let mut config = Config {
            listen: "127.0.0.1:0".parse().unwrap(),
            name: "edge-1".to_owned(),
            public: vec![near.url(), far.url()],
            admin: admin.url(),
            purge_feed: feed.origin.url(),
            purge_wait_ms: 100,
            blind_after_ms: 2_000,
            connect_timeout_ms: 5_000,
            drain_notice_ms: 50,
            public_first_byte_ms_max: 5_000,
            ..Config::default()
        };
        adapt(&mut config);
        let metrics = Metrics::default();
        let edge = Edge::bind(config.clone(), clock.clone(), &metrics).unwrap();
        let (address, handle, shutdown) = (edge.local_addr(), edge.status_handle(), CancellationToken::new());
        let running = tokio::spawn(edge.run(shutdown.clone()));
        let client = Client::builder(TokioExecutor::new()).build_http();
        let world = Self {
            address,
            near,
            far,
            admin,
            feed,
            clock,
            metrics,
            shutdown,
            running,
            config,
            handle,
            client,
        };
        world.ready().await;
        world
    }

    /// Waits until the edge has heard the feed, where it follows one.
    async fn ready(&self) {
        let rfc = self.config.profile == Kind::Rfc;
        self.until(|status| rfc || status.purge_position.is_some() && !status.blind).await;
    }

    /// Stops the edge and lets everything else go on.
    pub async fn stop(&mut self) {
        self.shutdown.cancel();
        (&mut self.running).await.unwrap();
    }

    /// Starts the edge again after [`World::stop`], at the same address and with new numbers.
    pub async fn start(&mut self) {
        self.metrics = Metrics::default();
        // The address is part of what clients ask for.
        self.config.listen = self.address;
        let edge = Edge::bind(self.config.clone(), self.clock.clone(), &self.metrics).unwrap();
        (self.address, self.handle, self.shutdown) =
            (edge.local_addr(), edge.status_handle(), CancellationToken::new());
        self.running = tokio::spawn(edge.run(self.shutdown.clone()));
        self.ready().await;
    }

    /// A counter of the edge, by the end of its line.
    pub fn counted(&self, line: &str) -> u64 {
        let text = self.metrics.encode();
        let found = text.lines().find_map(|known| known.strip_prefix(line)).map(str::trim);
        found.map_or(0, |number| number.parse().unwrap())
    }

    pub fn status(&self) -> Status {
        self.handle.status()
    }

    /// Another configuration: the one of the start, adapted.
    pub fn reload(&self, adapt: impl FnOnce(&mut Config)) -> Result<u64, edge::Error> {
        let mut config = self.config.clone();
        adapt(&mut config);
        self.handle.reload(config)
    }

    /// Waits until the edge says so.
    pub async fn until(&self, holds: impl Fn(&Status) -> bool) {
        until(|| holds(&self.status())).await;
    }

    pub fn advance(&self, seconds: i64) {
        self.clock.advance(Duration::seconds(seconds));
    }

    /// Purges and waits for the edge to have done it.
    pub async fn purge(&self, tags: &[&str], floor_lsn: u64) {
        let position = self.feed.purge(tags, floor_lsn);
        self.until(|status| status.purge_position == Some(position)).await;
    }

    pub async fn get(&self, path: &str) -> Got {
        self.send(Method::GET, path, &[], "").await
    }

    pub async fn get_with(&self, path: &str, fields: &[(&str, &str)]) -> Got {
        self.send(Method::GET, path, fields, "").await
    }

    /// Reads an address without looking at what comes back.
    pub async fn plain(&self, url: &str) -> Got {
        let request = Request::get(url).body(Full::from("")).unwrap();
        Got::read(self.client.request(request).await.unwrap()).await
    }

    /// Sends a request; whatever comes back carries the fields that every answer has.
    pub async fn send(&self, method: Method, path: &str, fields: &[(&str, &str)], body: &'static str) -> Got {
        let mut request = Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::from(body)).unwrap();
        let got = Got::read(self.client.request(request).await.unwrap()).await;
        assert!(got.cache_status().contains("sangraha-edge"), "{got:?}");
        assert!(got.field("via").contains("1.1 sangraha-edge"), "{got:?}");
        assert_eq!(got.field("x-request-id").len(), 36, "{got:?}");
        for internal in ["surrogate-key", "x-sangraha-read-lsn"] {
            assert!(!got.headers.contains_key(internal), "{got:?}");
        }
        got
    }

    /// Sends bytes as they are and reads until the edge closes.
    pub async fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        // A reset after the answer is an end like another.
        let _ =
            tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("the edge closes");
        String::from_utf8_lossy(&answer).into_owned()
    }
}

/// Polls a state, with a deadline.
pub async fn until(holds: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    let mut tick = tokio::time::interval(std::time::Duration::from_millis(2));
    while !holds() {
        assert!(Instant::now() < deadline, "the awaited state did not come");
        tick.tick().await;
    }
}

/// An answer that was read to its end.
#[derive(Debug)]
pub struct Got {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl Got {
    pub async fn read(response: Response<Incoming>) -> Self {
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let body = String::from_utf8(body.to_vec()).unwrap();
        Self { status: head.status.as_u16(), headers: head.headers, body }
    }

    pub fn field(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn cache_status(&self) -> &str {
        self.field("cache-status")
    }

    pub fn is_hit(&self) -> bool {
        self.cache_status().contains("; hit")
    }

    pub fn problem(&self) -> serde_json::Value {
        assert_eq!(self.field("content-type"), "application/problem+json");
        let problem: serde_json::Value = serde_json::from_str(&self.body).unwrap();
        assert_eq!(problem["status"], self.status);
        assert_eq!(problem["request_id"], self.field("x-request-id"));
        problem
    }
}

/// A request as an origin saw it.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: Method,
    pub target: String,
    pub headers: HeaderMap,
    /// `None` where the body broke off.
    pub body: Option<Bytes>,
}

impl Seen {
    pub fn field(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// What an origin answers.
#[derive(Clone)]
pub struct Answer {
    status: u16,
    fields: Vec<(&'static str, String)>,
    body: Bytes,
    gate: Option<Arc<Semaphore>>,
    broken: bool,
}

impl Answer {
    pub fn ok(body: impl Into<Bytes>) -> Self {
        Self { status: 200, fields: Vec::new(), body: body.into(), gate: None, broken: false }
    }

    /// Fresh for a minute.
    pub fn fresh(body: impl Into<Bytes>) -> Self {
        Self::ok(body).with("cache-control", "public, max-age=60")
    }

    pub fn status(status: u16) -> Self {
        Self { status, ..Self::ok("") }
    }

    /// A part of something.
    pub fn part(body: impl Into<Bytes>) -> Self {
        Self { status: 206, ..Self::ok(body) }
    }

    /// Breaks the connection instead of answering.
    pub fn broken() -> Self {
        Self { broken: true, ..Self::ok("") }
    }

    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.fields.push((name, value.into()));
        self
    }

    /// Answers once the gate has a permit.
    pub fn behind(mut self, gate: &Arc<Semaphore>) -> Self {
        self.gate = Some(gate.clone());
        self
    }
}

type Handler = Arc<dyn Fn(Seen) -> Pin<Box<dyn Future<Output = Answer> + Send>> + Send + Sync>;

/// An HTTP server that remembers what it was asked.
pub struct Origin {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    handler: Arc<Mutex<Handler>>,
    stop: CancellationToken,
}

impl Origin {
    pub async fn start(clock: &Clock) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = Self {
            address: listener.local_addr().unwrap(),
            seen: Arc::default(),
            handler: Arc::new(Mutex::new(handler(|_| Answer::fresh("default")))),
            stop: CancellationToken::new(),
        };
        let (seen, handler) = (origin.seen.clone(), origin.handler.clone());
        let (stop, clock) = (origin.stop.clone(), clock.clone());
        tokio::spawn(async move {
            loop {
                let (stream, _) = tokio::select! {
                    accepted = listener.accept() => accepted.unwrap(),
                    () = stop.cancelled() => return,
                };
                let (seen, handler, clock) = (seen.clone(), handler.clone(), clock.clone());
                let service =
                    service_fn(move |request| serve(seen.clone(), handler.clone(), clock.clone(), request));
                let connection = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service);
                let stop = stop.clone();
                tokio::spawn(async move {
                    tokio::select! { _ = connection => {}, () = stop.cancelled() => {} }
                });
            }
        });
        origin
    }

    pub fn url(&self) -> Url {
        Url::parse(&format!("http://{}", self.address)).unwrap()
    }

    pub fn answer(&self, answer: impl Fn(&Seen) -> Answer + Send + Sync + 'static) {
        *self.handler.lock().unwrap() = handler(answer);
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub fn count(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    pub fn last(&self) -> Seen {
        self.seen().pop().expect("the origin was asked")
    }

    /// Closes the listener and every connection.
    pub fn kill(&self) {
        self.stop.cancel();
    }
}

fn handler(answer: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> Handler {
    Arc::new(move |seen| {
        let answer = answer(&seen);
        Box::pin(async move { answer })
    })
}

async fn serve(
    log: Arc<Mutex<Vec<Seen>>>,
    handler: Arc<Mutex<Handler>>,
    clock: Clock,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, std::io::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.ok().map(|body| body.to_bytes());
    let seen = Seen { method: head.method, target: head.uri.to_string(), headers: head.headers, body };
    log.lock().unwrap().push(seen.clone());
    let answering = (handler.lock().unwrap().clone())(seen);
    let answer = answering.await;
    if let Some(gate) = &answer.gate {
        gate.acquire().await.unwrap().forget();
    }
    if answer.broken {
        return Err(std::io::ErrorKind::ConnectionAborted.into());
    }
    let mut response = Response::builder().status(answer.status);
    for (name, value) in &answer.fields {
        response = response.header(*name, value);
    }
    if !answer.fields.iter().any(|(name, _)| *name == "date") {
        response = response.header("date", http_date(&clock));
    }
    Ok(response.body(Full::new(answer.body)).unwrap())
}

pub fn http_date(clock: &Clock) -> String {
    clock.now().format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// An origin that sends fixed bytes to every request and closes.
pub async fn raw_origin(answer: &'static [u8]) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = [0; 4_096];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(answer).await;
                let _ = stream.shutdown().await;
                // The client's end, so that closing does not reset what is still under way.
                let _ = stream.read(&mut request).await;
            });
        }
    });
    url
}

/// The purge feed of a region, as its node serves it.
pub struct Feed {
    pub origin: Origin,
    pub sharers: Arc<Mutex<Arc<Sharers>>>,
    log: Arc<watch::Sender<Log>>,
}

#[derive(Clone, Default)]
struct Log {
    epoch: u64,
    purges: Vec<Purge>,
    /// Positions up to this one are no longer known.
    trimmed: u64,
    /// Positions that are left out before the next purge.
    lost: u64,
    silent: bool,
}

impl Log {
    fn head(&self) -> u64 {
        self.purges.last().map_or(self.trimmed, |purge| purge.position)
    }

    fn batch(&self, after: u64, epoch: u64) -> PurgeBatch {
        let purge_all = epoch != self.epoch || after < self.trimmed;
        let purges =
            self.purges.iter().filter(|purge| !purge_all && purge.position > after).cloned().collect();
        PurgeBatch { epoch: self.epoch, purge_all, purges, position: self.head(), floor_lsn: 0 }
    }
}

impl Feed {
    async fn start(clock: &Clock) -> Self {
        let origin = Origin::start(clock).await;
        let log = Arc::new(watch::Sender::new(Log { epoch: 1, ..Log::default() }));
        let sharers = Arc::new(Mutex::new(Arc::new(Sharers::new(Instant::now()))));
        let (source, region) = (log.clone(), sharers.clone());
        *origin.handler.lock().unwrap() = Arc::new(move |seen| match share(&source, &region, &seen) {
            Some(answer) => Box::pin(async { answer }),
            None => Box::pin(poll(source.clone(), seen)),
        });
        Self { origin, sharers, log }
    }

    /// Appends a purge and gives its position.
    pub fn purge(&self, tags: &[&str], floor_lsn: u64) -> u64 {
        self.push(tags, floor_lsn, false)
    }

    /// Appends a soft purge and gives its position.
    pub fn soften(&self, tags: &[&str]) -> u64 {
        self.push(tags, 0, true)
    }

    fn push(&self, tags: &[&str], floor_lsn: u64, soft: bool) -> u64 {
        let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
        self.log.send_modify(|log| {
            let position = log.head() + 1 + std::mem::take(&mut log.lost);
            log.purges.push(Purge { position, tags, floor_lsn, soft });
        });
        self.log.borrow().head()
    }

    /// A position whose purge nobody will ever be told.
    pub fn lose_one(&self) {
        self.log.send_modify(|log| log.lost += 1);
    }

    /// While silent, the feed answers with errors.
    pub fn set_silent(&self, silent: bool) {
        self.log.send_modify(|log| log.silent = silent);
    }

    pub fn set_epoch(&self, epoch: u64) {
        self.log.send_modify(|log| *log = Log { epoch, ..Log::default() });
    }

    /// Forgets the log up to its head.
    pub fn trim(&self) {
        self.log.send_modify(|log| {
            log.trimmed = log.head();
            log.purges.clear();
        });
    }
}

/// What a node says to edges that share quotas.
fn share(log: &watch::Sender<Log>, region: &Mutex<Arc<Sharers>>, seen: &Seen) -> Option<Answer> {
    let url = Url::parse(&format!("http://feed{}", seen.target)).unwrap();
    if url.path() != "/internal/limits/share" {
        return None;
    }
    let pairs: std::collections::HashMap<String, String> = url.query_pairs().into_owned().collect();
    let share = region.lock().unwrap().heard(&pairs["edge"], pairs["edges"].parse().unwrap(), Instant::now());
    Some(match log.borrow().silent {
        true => Answer::status(500),
        false => Answer::ok(serde_json::to_vec(&share).unwrap()),
    })
}

async fn poll(source: Arc<watch::Sender<Log>>, seen: Seen) -> Answer {
    let url = Url::parse(&format!("http://feed{}", seen.target)).unwrap();
    assert_eq!(url.path(), "/internal/purges");
    let parameter = |wanted: &str| url.query_pairs().find(|(name, _)| name == wanted).unwrap().1.into_owned();
    let number = |name| parameter(name).parse::<u64>().unwrap();
    assert!(parameter("edge").starts_with("edge-"));
    let (after, epoch) = (number("after"), number("epoch"));
    let mut log = source.subscribe();
    let news = |log: &Log| log.silent || log.head() != after || log.epoch != epoch;
    let wait = std::time::Duration::from_millis(number("wait_ms"));
    let _ = tokio::time::timeout(wait, log.wait_for(news)).await;
    let log = source.borrow().clone();
    match log.silent {
        true => Answer::status(StatusCode::INTERNAL_SERVER_ERROR.as_u16()),
        false => Answer::ok(serde_json::to_vec(&log.batch(after, epoch)).unwrap()),
    }
}
