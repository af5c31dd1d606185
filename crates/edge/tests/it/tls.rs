use crate::support::{World, until};
use edge::Certificate;
use rcgen::generate_simple_self_signed;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Certificates in a folder that is deleted at the end.
struct Pems {
    folder: PathBuf,
    trusted: Arc<Mutex<RootCertStore>>,
}

impl Pems {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("sangraha-tls-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self { folder, trusted: Arc::new(Mutex::new(RootCertStore::empty())) }
    }

    /// Writes a new certificate for these names; the answer is what clients will see.
    fn write(&self, file: &str, names: &[&str]) -> CertificateDer<'static> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let made = generate_simple_self_signed(names).unwrap();
        let pair = self.pair(file);
        // The key first: a pair that does not match is refused until the other half has come.
        replace(&pair.key, &made.signing_key.serialize_pem());
        replace(&pair.chain, &made.cert.pem());
        let own = made.cert.der().clone();
        self.trusted.lock().unwrap().add(own.clone()).unwrap();
        own
    }

    fn pair(&self, file: &str) -> Certificate {
        let path = |end: &str| self.folder.join(format!("{file}.{end}"));
        Certificate { chain: path("pem"), key: path("key") }
    }

    async fn connect(&self, world: &World, name: &str, alpn: &[&str]) -> TlsStream<TcpStream> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let roots = self.trusted.lock().unwrap().clone();
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        let stream = TcpStream::connect(world.address).await.unwrap();
        let name = ServerName::try_from(name.to_owned()).unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
    }
}

impl Drop for Pems {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn replace(path: &Path, text: &str) {
    let new = path.with_extension("new");
    std::fs::write(&new, text).unwrap();
    std::fs::rename(new, path).unwrap();
}

fn shown(stream: &TlsStream<TcpStream>) -> CertificateDer<'static> {
    stream.get_ref().1.peer_certificates().unwrap()[0].clone()
}

async fn ask(stream: &mut TlsStream<TcpStream>, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: one.test\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"default") {
        let mut bytes = [0; 4_096];
        let length = stream.read(&mut bytes).await.unwrap();
        assert!(length > 0, "the edge closed");
        answer.extend_from_slice(&bytes[..length]);
    }
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn the_name_that_a_client_asks_for_chooses_the_certificate() {
    let pems = Pems::new("names");
    let one = pems.write("one", &["one.test", "localhost"]);
    let two = pems.write("two", &["two.test", "*.two.test"]);
    let files = vec![pems.pair("one"), pems.pair("two")];
    let world = World::with(|config| config.tls = files).await;
    for (name, expected) in [("one.test", &one), ("two.test", &two), ("TWO.test", &two), ("x.two.test", &two)]
    {
        assert_eq!(shown(&pems.connect(&world, name, &[]).await), *expected, "{name}");
    }
    let mut stream = pems.connect(&world, "one.test", &["http/1.1"]).await;
    assert!(ask(&mut stream, "/a").await.starts_with("HTTP/1.1 200 OK\r\n"));
    assert_eq!(world.near.last().field("x-forwarded-proto"), "https");
    let second = pems.connect(&world, "one.test", &["h2", "http/1.1"]).await;
    assert_eq!(second.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
}

#[tokio::test]
async fn certificates_are_renewed_under_open_connections() {
    let pems = Pems::new("renewal");
    pems.write("one", &["one.test"]);
    let files = vec![pems.pair("one")];
    let world = Arc::new(World::with(|config| config.tls = files).await);
    let mut early = pems.connect(&world, "one.test", &[]).await;
    ask(&mut early, "/a").await;
    // A broken file changes nothing, and does not end the looking.
    replace(&pems.pair("one").chain, "no certificate");
    let renewed = pems.write("one", &["one.test"]);
    let current = Arc::new(Mutex::new(None));
    let (seen, looking) = (current.clone(), world.clone());
    let trusted = Pems { folder: pems.folder.join("none"), trusted: pems.trusted.clone() };
    let looker = tokio::spawn(async move {
        loop {
            let stream = trusted.connect(&looking, "one.test", &[]).await;
            *seen.lock().unwrap() = Some(shown(&stream));
        }
    });
    until(|| *current.lock().unwrap() == Some(renewed.clone())).await;
    looker.abort();
    assert!(ask(&mut early, "/b").await.starts_with("HTTP/1.1 200 OK\r\n"));
}

#[tokio::test]
async fn what_is_no_certificate_is_refused_with_its_name() {
    let pems = Pems::new("broken");
    pems.write("one", &["one.test"]);
    pems.write("two", &["two.test"]);
    let bind = |pair: Certificate| {
        let config = edge::Config {
            listen: "127.0.0.1:0".parse().unwrap(),
            tls: vec![pair],
            ..edge::Config::default()
        };
        let clock = domain::Clock::system();
        edge::Edge::bind(config, clock, &domain::metrics::Metrics::default()).map(drop)
    };
    let mixed = Certificate { chain: pems.pair("one").chain, key: pems.pair("two").key };
    assert!(bind(mixed).unwrap_err().to_string().contains("one.pem"));
    assert!(bind(pems.pair("none")).unwrap_err().to_string().contains("none.pem"));
    assert!(bind(pems.pair("one")).is_ok());
}

#[tokio::test]
async fn a_listed_balancer_names_the_client() {
    let world = World::with(|config| config.proxy_protocol = vec!["127.0.0.0/8".parse().unwrap()]).await;
    let mut head = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".to_vec();
    head.extend([6, 6, 6, 6, 7, 7, 7, 7, 0, 80, 0, 80]);
    head.extend(b"GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    assert!(world.raw(&head).await.starts_with("HTTP/1.1 200 OK\r\n"));
    assert_eq!(world.near.last().field("x-forwarded-for"), "6.6.6.6");
    assert_eq!(world.raw(b"GET /b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").await, "");
    assert_eq!(world.near.count(), 1);
}

#[tokio::test]
async fn a_listed_proxy_names_the_client_and_others_do_not() {
    let named = [("x-forwarded-for", "6.6.6.6"), ("x-forwarded-proto", "https")];
    let world = World::with(|config| config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()]).await;
    world.get_with("/a", &named).await;
    let seen = world.near.last();
    assert_eq!((seen.field("x-forwarded-for"), seen.field("x-forwarded-proto")), ("6.6.6.6", "https"));
    // `http` and `https` are two questions.
    assert!(!world.get("/a").await.is_hit());
    let world = World::new().await;
    world.get_with("/a", &named).await;
    let seen = world.near.last();
    assert_eq!((seen.field("x-forwarded-for"), seen.field("x-forwarded-proto")), ("127.0.0.1", "http"));
}
