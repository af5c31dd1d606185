//! Origins that are asked over TLS, in HTTP/1 and in HTTP/2.

use crate::support::{World, until};
use edge::Certificate;
use http::{Method, Request, Response, Version};
use http_body_util::{BodyExt, Either, Full};
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use url::Url;

/// Who signs certificates, and a folder for them that is deleted at the end.
struct Authority {
    folder: PathBuf,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("sangraha-secure-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        std::fs::write(folder.join("ca.pem"), issuer.as_ref().pem()).unwrap();
        Self { folder, issuer }
    }

    fn file(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.as_ref().der().clone()).unwrap();
        roots
    }

    /// A certificate for a name, in files.
    fn pair(&self, name: &str, adapt: impl FnOnce(&mut CertificateParams)) -> Certificate {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        adapt(&mut params);
        let key = KeyPair::generate().unwrap();
        let signed = params.signed_by(&key, &self.issuer).unwrap();
        let path = |end: &str| self.folder.join(format!("{name}.{end}"));
        std::fs::write(path("pem"), signed.pem()).unwrap();
        std::fs::write(path("key"), key.serialize_pem()).unwrap();
        Certificate { chain: path("pem"), key: path("key") }
    }

    /// How an origin serves that has a sound certificate for `localhost`.
    fn server(&self, spoken: &[&str]) -> ServerConfig {
        self.server_with(&self.pair("localhost", |_| {}), spoken, None)
    }

    fn server_with(
        &self,
        pair: &Certificate,
        spoken: &[&str],
        clients: Option<RootCertStore>,
    ) -> ServerConfig {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let chain = rustls::pki_types::CertificateDer::pem_file_iter(&pair.chain).unwrap();
        let chain = chain.collect::<Result<_, _>>().unwrap();
        let key = PrivateKeyDer::from_pem_file(&pair.key).unwrap();
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(roots) => builder.with_client_cert_verifier(
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap(),
            ),
        };
        let mut config = builder.with_single_cert(chain, key).unwrap();
        config.alpn_protocols = spoken.iter().map(|name| name.as_bytes().to_vec()).collect();
        config
    }

    /// An edge that trusts this authority and stands in front of `origin`.
    async fn world(&self, origin: &Secure, adapt: impl FnOnce(&mut edge::Config)) -> World {
        let (url, file) = (origin.url(), self.file());
        World::with(move |config| {
            config.public = vec![url.clone()];
            config.admin = url;
            config.origin_ca_file = Some(file);
            config.connect_timeout_ms = 5_000;
            adapt(config);
        })
        .await
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A request as it came.
#[derive(Clone, Debug)]
struct Seen {
    version: Version,
    /// What TLS was asked for, and what HTTP was.
    name: String,
    host: String,
    forwarded_host: String,
    body: Bytes,
}

struct Secure {
    address: SocketAddr,
    state: Arc<State>,
    stop: CancellationToken,
    accepting: JoinHandle<Option<()>>,
}

#[derive(Default)]
struct State {
    connections: AtomicUsize,
    seen: Mutex<Vec<Seen>>,
    /// Permits for answers below `/held`.
    gate: Option<Semaphore>,
    /// A connection is told to end after so many requests; 0 means never.
    requests_max: usize,
    /// Pieces of bodies without end that were sent.
    pieces: Arc<AtomicUsize>,
}

/// A body without end, which counts what of it is taken.
struct Endless(Arc<AtomicUsize>);

impl Body for Endless {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[0; 16 * 1024])))))
    }
}

impl Secure {
    async fn start(tls: ServerConfig) -> Self {
        Self::at("127.0.0.1:0".parse().unwrap(), tls, State::default()).await
    }

    async fn at(address: SocketAddr, tls: ServerConfig, state: State) -> Self {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(address).unwrap();
        let listener = socket.listen(1_024).unwrap();
        let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
        let state = Arc::new(state);
        let accepting = accept(listener, TlsAcceptor::from(Arc::new(tls)), state.clone(), stop.clone());
        let accepting = tokio::spawn(stop.clone().run_until_cancelled_owned(accepting));
        Self { address, state, stop, accepting }
    }

    fn url(&self) -> Url {
        Url::parse(&format!("https://localhost:{}", self.address.port())).unwrap()
    }

    fn seen(&self) -> Vec<Seen> {
        self.state.seen.lock().unwrap().clone()
    }

    fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// Closes the listener and every connection; gives back where it was.
    async fn kill(self) -> SocketAddr {
        self.stop.cancel();
        self.accepting.await.unwrap();
        self.address
    }
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, state: Arc<State>, stop: CancellationToken) {
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, state) = (acceptor.clone(), state.clone());
        let stop = stop.clone();
        tokio::spawn(stop.run_until_cancelled_owned(async move {
            let Ok(stream) = acceptor.accept(stream).await else { return };
            state.connections.fetch_add(1, Ordering::SeqCst);
            let name = stream.get_ref().1.server_name().unwrap_or_default().to_owned();
            let (served, enough) = (AtomicUsize::new(0), CancellationToken::new());
            let service = service_fn(|request| {
                let count = 1 + served.fetch_add(1, Ordering::SeqCst);
                if count == state.requests_max {
                    enough.cancel();
                }
                answer(state.clone(), name.clone(), request)
            });
            let builder = Builder::new(TokioExecutor::new());
            let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
            tokio::select! {
                _ = connection.as_mut() => return,
                () = enough.cancelled() => connection.as_mut().graceful_shutdown(),
            }
            let _ = connection.await;
        }));
    }
}

async fn answer(
    state: Arc<State>,
    name: String,
    request: Request<Incoming>,
) -> Result<Response<Either<Full<Bytes>, Endless>>, std::convert::Infallible> {
    let (head, body) = request.into_parts();
    let field = |name| head.headers.get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
    let host = head.uri.authority().map_or_else(|| field("host"), ToString::to_string);
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let forwarded_host = field("x-forwarded-host");
    let seen = Seen { version: head.version, name, host, forwarded_host, body };
    state.seen.lock().unwrap().push(seen);
    if let Some(gate) = state.gate.as_ref().filter(|_| head.uri.path().starts_with("/held")) {
        gate.acquire().await.unwrap().forget();
    }
    let body = match head.uri.path() {
        "/long" => Either::Left(Full::new(vec![b'x'; 3 << 20].into())),
        path if path.starts_with("/endless") => Either::Right(Endless(state.pieces.clone())),
        _ => Either::Left(Full::from("ok")),
    };
    Ok(Response::builder().header("cache-control", "no-store").body(body).unwrap())
}

#[tokio::test]
async fn an_https_origin_is_asked_by_its_name_on_connections_that_are_kept() {
    let authority = Authority::new("kept");
    for (spoken, version) in [(&["http/1.1"][..], Version::HTTP_11), (&["h2", "http/1.1"], Version::HTTP_2)] {
        let origin = Secure::start(authority.server(spoken)).await;
        let world = authority.world(&origin, |_| {}).await;
        for index in 0..5 {
            let got = world.get(&format!("/{index}")).await;
            assert_eq!((got.status, got.body.as_str()), (200, "ok"), "{version:?} {got:?}");
        }
        let seen = origin.seen().pop().unwrap();
        assert_eq!((seen.version, seen.name.as_str()), (version, "localhost"));
        assert_eq!(seen.host, world.address.to_string(), "the client's");
        assert_eq!(world.get("/long").await.body.len(), 3 << 20);
        assert_eq!(origin.connections(), 1, "{version:?}");
    }
}

#[tokio::test]
async fn an_origin_can_be_asked_by_its_own_name() {
    let authority = Authority::new("own");
    for spoken in ["http/1.1", "h2"] {
        let origin = Secure::start(authority.server(&[spoken])).await;
        let world = authority.world(&origin, |config| config.origin_host_own = true).await;
        world.get("/a").await;
        let seen = origin.seen().pop().unwrap();
        assert_eq!(seen.host, format!("localhost:{}", origin.address.port()));
        assert_eq!(seen.forwarded_host, world.address.to_string());
    }
}

#[tokio::test]
async fn http_2_is_spoken_only_where_it_may_be() {
    let authority = Authority::new("may");
    let origin = Secure::start(authority.server(&["h2", "http/1.1"])).await;
    let world = authority.world(&origin, |config| config.origin_http2 = false).await;
    assert_eq!(world.get("/a").await.status, 200);
    assert_eq!(origin.seen().pop().unwrap().version, Version::HTTP_11);
}

#[tokio::test]
async fn who_cannot_prove_who_it_is_is_asked_nothing() {
    let (authority, stranger) = (Authority::new("proof"), Authority::new("stranger"));
    let old = authority.pair("localhost", |params| params.not_after = date_time_ymd(2020, 1, 1));
    let cases = [
        ("another name", authority.server_with(&authority.pair("other.test", |_| {}), &["h2"], None)),
        ("an unknown authority", stranger.server(&["h2", "http/1.1"])),
        ("an old certificate", authority.server_with(&old, &["http/1.1"], None)),
    ];
    for (case, server) in cases {
        let origin = Secure::start(server).await;
        let world = authority.world(&origin, |_| {}).await;
        let got = world.get("/a").await;
        assert_eq!((got.status, got.problem()["code"].as_str()), (502, Some("bad_gateway")), "{case}");
        assert!(got.cache_status().ends_with("detail=tls"), "{case}: {got:?}");
        let got = world.send(Method::POST, "/v1/admin/x", &[], "secret").await;
        assert_eq!(got.status, 502, "{case}");
        assert!(origin.seen().is_empty(), "{case}");
        assert_eq!(
            world.counted("sangraha_edge_upstream_errors_total{upstream=\"public\",reason=\"tls\"}"),
            1
        );
    }
}

#[tokio::test]
async fn an_origin_without_tls_is_no_https_origin() {
    let authority = Authority::new("plain");
    let plain = World::new().await;
    let url = Url::parse(&format!("https://localhost:{}", plain.near.address.port())).unwrap();
    let file = authority.file();
    let world = World::with(move |config| {
        config.public = vec![url];
        config.origin_ca_file = Some(file);
    })
    .await;
    assert!(world.get("/a").await.cache_status().ends_with("detail=tls"));
    assert_eq!(plain.near.count(), 0);
}

#[tokio::test]
async fn an_origin_that_wants_a_certificate_gets_the_edges() {
    let authority = Authority::new("mutual");
    let clients = || Some(authority.roots());
    let pair = authority.pair("localhost", |_| {});
    let origin = Secure::start(authority.server_with(&pair, &["h2"], clients())).await;
    let own = authority.pair("edge.test", |_| {});
    let world = authority.world(&origin, |config| config.origin_certificate = Some(own)).await;
    assert_eq!(world.get("/a").await.status, 200);
    let world = authority.world(&origin, |_| {}).await;
    assert_eq!(world.get("/a").await.status, 502);
    assert_eq!(origin.seen().len(), 1);
}

#[tokio::test]
async fn files_that_cannot_be_used_are_named() {
    let authority = Authority::new("files");
    let (pair, other) = (authority.pair("one.test", |_| {}), authority.pair("two.test", |_| {}));
    let bind = |adapt: &dyn Fn(&mut edge::Config)| {
        let mut config = edge::Config {
            listen: "127.0.0.1:0".parse().unwrap(),
            public: vec![Url::parse("https://localhost:1").unwrap()],
            origin_ca_file: Some(authority.file()),
            ..edge::Config::default()
        };
        adapt(&mut config);
        let bound = edge::Edge::bind(config, domain::Clock::system(), &domain::metrics::Metrics::default());
        bound.map(drop).map_err(|error| error.to_string())
    };
    assert_eq!(bind(&|_| {}), Ok(()));
    let none = bind(&|config| config.origin_ca_file = Some("/none/ca.pem".into()));
    assert!(none.unwrap_err().contains("/none/ca.pem"));
    assert!(
        bind(&|config| config.origin_ca_file = Some(pair.key.clone())).unwrap_err().contains("one.test.key")
    );
    let mixed = Certificate { chain: pair.chain.clone(), key: other.key.clone() };
    assert!(
        bind(&|config| config.origin_certificate = Some(mixed.clone())).unwrap_err().contains("one.test.pem")
    );
    let feed = Url::parse("https://localhost:2").unwrap();
    assert!(bind(&|config| config.purge_feed = feed.clone()).unwrap_err().contains("purge_feed"));
}

#[tokio::test]
async fn many_requests_share_a_connection_and_a_full_one_gets_company() {
    let authority = Authority::new("share");
    let state = || State { gate: Some(Semaphore::new(0)), ..State::default() };
    let any = "127.0.0.1:0".parse().unwrap();
    for (streams_max, expected) in [(100, 1), (8, 3)] {
        let origin = Secure::at(any, authority.server(&["h2"]), state()).await;
        let world = authority.world(&origin, |config| config.origin_streams_max = streams_max).await;
        let world = Arc::new(world);
        let asks = (0..20).map(|index| {
            let world = world.clone();
            tokio::spawn(async move { world.get(&format!("/held/{index}")).await.body })
        });
        let asks: Vec<_> = asks.collect();
        until(|| origin.seen().len() == 20).await;
        assert_eq!(origin.connections(), expected, "{streams_max} on one");
        origin.state.gate.as_ref().unwrap().add_permits(20);
        for ask in asks {
            assert_eq!(ask.await.unwrap(), "ok");
        }
    }
}

#[tokio::test]
async fn a_full_origin_makes_the_next_wait_for_a_stream() {
    let authority = Authority::new("full");
    let state = State { gate: Some(Semaphore::new(0)), ..State::default() };
    let origin = Secure::at("127.0.0.1:0".parse().unwrap(), authority.server(&["h2"]), state).await;
    let world = authority.world(&origin, |config| {
        (config.origin_streams_max, config.origin_connections_max) = (1, 1);
        config.origin_wait_ms_max = 20_000;
    });
    let world = Arc::new(world.await);
    let ask = |path: &'static str| {
        let world = world.clone();
        tokio::spawn(async move { world.get(path).await.body })
    };
    let first = ask("/held/1");
    until(|| origin.seen().len() == 1).await;
    let second = ask("/second");
    origin.state.gate.as_ref().unwrap().add_permits(1);
    assert_eq!((first.await.unwrap().as_str(), second.await.unwrap().as_str()), ("ok", "ok"));
    assert_eq!(origin.connections(), 1);
}

/// A client that asks on a connection of its own, and takes as little as possible of what comes.
async fn slow_client(world: &World, path: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let mut stream = socket.connect(world.address).await.unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: h\r\n\r\n").as_bytes()).await.unwrap();
    stream
}

#[tokio::test]
async fn readers_that_take_nothing_hold_up_nobody_else() {
    let authority = Authority::new("stalled");
    let origin = Secure::start(authority.server(&["h2"])).await;
    let world = authority.world(&origin, |config| {
        // They are to stay for as long as this takes.
        config.body_idle_ms_max = 60_000;
        config.origin_connections_max = 1;
    });
    let world = world.await;
    let mut stalled = Vec::new();
    for index in 0..8 {
        stalled.push(slow_client(&world, &format!("/endless/{index}")).await);
    }
    until(|| origin.seen().len() == stalled.len()).await;
    // Until nothing more of the long bodies is sent: all that was granted to them is used up.
    let (mut sent, mut quiet) = (0, 0);
    for index in 0.. {
        let path = format!("/small/{index}");
        let got = tokio::time::timeout(Duration::from_secs(20), world.get(&path)).await;
        assert_eq!(got.expect("it waits for the others").body, "ok", "{index}");
        let now = origin.state.pieces.load(Ordering::SeqCst);
        quiet = if now == sent { quiet + 1 } else { 0 };
        sent = now;
        if quiet == 50 {
            break;
        }
    }
    assert!(sent > 0);
    assert_eq!(origin.connections(), 1);
}

/// Asks on a connection that stays open, and reads the short answer.
async fn ask(client: &mut TcpStream, path: &str) -> String {
    client.write_all(format!("GET {path} HTTP/1.1\r\nhost: h\r\n\r\n").as_bytes()).await.unwrap();
    let (mut answer, mut bytes) = (Vec::new(), [0; 4_096]);
    loop {
        let length = client.read(&mut bytes).await.unwrap();
        answer.extend_from_slice(&bytes[..length]);
        if length == 0 || !answer.starts_with(b"HTTP/1.1 200") || answer.ends_with(b"\r\n\r\nok") {
            return String::from_utf8_lossy(&answer).into_owned();
        }
    }
}

#[tokio::test]
async fn all_threads_share_the_connections_that_an_origin_may_have() {
    let authority = Authority::new("threads");
    let state = State { gate: Some(Semaphore::new(0)), ..State::default() };
    let origin = Secure::at("127.0.0.1:0".parse().unwrap(), authority.server(&["h2"]), state).await;
    let world = authority.world(&origin, |config| {
        config.workers = 3;
        config.origin_connections_max = 1;
    });
    let world = world.await;
    // One on each thread.
    let mut clients = Vec::new();
    for _ in 0..4 {
        clients.push(TcpStream::connect(world.address).await.unwrap());
        world.until(|status| status.connections as usize == clients.len()).await;
    }
    for round in 0..4 {
        for client in &mut clients {
            let answer = ask(client, &format!("/{round}")).await;
            assert!(answer.starts_with("HTTP/1.1 200"), "{round}: {answer}");
        }
    }
    assert_eq!(origin.connections(), 1, "nobody closed it to have one alone");
    let mut held = clients.pop().unwrap();
    let holding = tokio::spawn(async move { ask(&mut held, "/held").await });
    until(|| origin.seen().len() == 4 * 4 + 1).await;
    for client in &mut clients {
        let answer = ask(client, "/beside").await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    origin.state.gate.as_ref().unwrap().add_permits(1);
    assert!(holding.await.unwrap().starts_with("HTTP/1.1 200"));
    assert_eq!(origin.connections(), 1);
}

#[tokio::test]
async fn a_host_that_is_none_says_nothing_about_the_origin() {
    let authority = Authority::new("hosts");
    let origin = Secure::start(authority.server(&["h2"])).await;
    let world = authority.world(&origin, |_| {}).await;
    for host in ["a:1:2", "[", "a]", "a:b"] {
        let request = format!("GET /a HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        let got = world.raw(request.as_bytes()).await;
        assert!(got.starts_with("HTTP/1.1 400"), "{host}: {got}");
    }
    assert!(world.status().origins.iter().all(|origin| origin.up));
    assert_eq!(world.counted("sangraha_edge_retries_total"), 0);
    assert!(origin.seen().is_empty());
}

#[tokio::test]
async fn an_origin_that_says_goodbye_costs_nobody_an_answer() {
    let authority = Authority::new("goaway");
    let any = "127.0.0.1:0".parse().unwrap();
    let state = State { requests_max: 3, ..State::default() };
    let origin = Secure::at(any, authority.server(&["h2"]), state).await;
    let world = Arc::new(authority.world(&origin, |_| {}).await);
    for round in 0..12 {
        assert_eq!(world.get(&format!("/{round}")).await.body, "ok", "{round}");
        assert_eq!(world.send(Method::POST, "/v1/admin/x", &[], "{}").await.body, "ok", "{round}");
    }
    assert!(origin.connections() > 4);
    assert!(
        origin.seen().iter().filter(|seen| &seen.body[..] == b"{}").count() == 12,
        "no write was sent twice"
    );
}

#[tokio::test]
async fn an_origin_that_was_started_again_is_found_again() {
    let authority = Authority::new("again");
    for spoken in ["h2", "http/1.1"] {
        let origin = Secure::start(authority.server(&[spoken])).await;
        let world = authority.world(&origin, |_| {}).await;
        assert_eq!(world.get("/a").await.body, "ok");
        let address = origin.kill().await;
        let origin = Secure::at(address, authority.server(&[spoken]), State::default()).await;
        assert_eq!(world.get("/b").await.body, "ok", "{spoken}");
        assert_eq!(origin.seen().len(), 1);
    }
}
