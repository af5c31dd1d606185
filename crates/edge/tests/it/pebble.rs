//! A real authority: Let's Encrypt's Pebble on loopback, with a name server of ours that it asks.

use rcgen::generate_simple_self_signed;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use testkit::Port;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Longest wait for it to listen, on a busy machine.
const START_MAX: Duration = Duration::from_secs(30);
/// What its certificates live.
pub const LIFE_S: i64 = 3_600;

/// A running authority; dropped, it stops and its folder is deleted.
pub struct Pebble {
    pub folder: PathBuf,
    /// Where the names it looks at are.
    pub names: Names,
    process: Child,
    port: Port,
    management: Port,
}

impl Pebble {
    /// One that looks at these ports for its challenges. None, loudly, where this machine has no Pebble; where `CI` is
    /// `true` that is a failure.
    pub async fn start(name: &str, http: u16, tls: u16) -> Option<Self> {
        let Some(program) = program() else {
            let sentence = "Pebble is not installed (./prepare.sh does it, or: \
                            go install github.com/letsencrypt/pebble/v2/cmd/pebble@v2.10.1)";
            assert!(std::env::var_os("CI").is_none_or(|value| value != "true"), "{sentence}");
            // Straight to the stream, which the test harness does not swallow.
            drop(writeln!(std::io::stderr(), "SKIPPED, NOT PASSED: {sentence}"));
            return None;
        };
        let folder = std::env::temp_dir().join(format!("sangraha-pebble-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let (port, management) = (Port::reserve(), Port::reserve());
        write_config(&folder, [port.number(), management.number(), http, tls]);
        let names = Names::start().await;
        let process = Command::new(program)
            .arg("-config")
            .arg(folder.join("config.json"))
            .args(["-dnsserver", &names.address.to_string()])
            // It really looks, at once, and each time anew, and turns no good request away by chance.
            .env("PEBBLE_WFE_NONCEREJECT", "0")
            .env("PEBBLE_VA_NOSLEEP", "1")
            .env("PEBBLE_AUTHZREUSE", "0")
            .env_remove("PEBBLE_VA_ALWAYS_VALID")
            .stdin(Stdio::null())
            .stdout(std::fs::File::create(folder.join("log")).unwrap())
            .stderr(Stdio::null())
            .spawn()
            .expect("Pebble starts");
        let pebble = Self { folder, names, process, port, management };
        pebble.wait_until_ready().await;
        Some(pebble)
    }

    /// Where it says what it can do.
    pub fn directory(&self) -> url::Url {
        url::Url::parse(&format!("https://127.0.0.1:{}/dir", self.port.number())).unwrap()
    }

    /// What its own server is trusted by.
    pub fn root(&self) -> PathBuf {
        self.folder.join("server.pem")
    }

    /// What it has written of what it did.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap()
    }

    /// A client that trusts what it issues.
    pub async fn client(&self, alpn: &[&str]) -> TlsConnector {
        let pem = self.issuing_root().await;
        connector(&CertificateDer::from_pem_slice(pem.as_bytes()).unwrap(), alpn)
    }

    async fn issuing_root(&self) -> String {
        let own = CertificateDer::from_pem_file(self.root()).unwrap();
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.management.number())).await.unwrap();
        let mut stream = connect(&connector(&own, &[]), "localhost", stream).await.unwrap();
        stream.write_all(b"GET /roots/0 HTTP/1.0\r\nHost: localhost\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer).await;
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    }

    async fn wait_until_ready(&self) {
        let deadline = Instant::now() + START_MAX;
        let mut tick = tokio::time::interval(Duration::from_millis(20));
        for port in [self.port.number(), self.management.number()] {
            while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err() {
                assert!(Instant::now() < deadline, "Pebble did not start: {}", self.log());
                tick.tick().await;
            }
        }
    }
}

impl Drop for Pebble {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

pub async fn connect(
    connector: &TlsConnector,
    name: &str,
    stream: TcpStream,
) -> std::io::Result<TlsStream<TcpStream>> {
    connector.connect(ServerName::try_from(name.to_owned()).unwrap(), stream).await
}

fn connector(root: &CertificateDer<'static>, alpn: &[&str]) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(root.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    TlsConnector::from(Arc::new(config))
}

/// Named by `PEBBLE`, on the path, or where Go puts what it installs.
fn program() -> Option<PathBuf> {
    let named = std::env::var_os("PEBBLE").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let home = std::env::var_os("HOME").map(|home| Path::new(&home).join("go/bin/pebble"));
    let on_path = std::env::split_paths(&path).map(|folder| folder.join("pebble"));
    named.into_iter().chain(on_path).chain(home).find(|path| path.is_file())
}

fn write_config(folder: &Path, [port, management, http, tls]: [u16; 4]) {
    let made = generate_simple_self_signed(vec!["127.0.0.1".to_owned(), "localhost".to_owned()]).unwrap();
    std::fs::write(folder.join("server.pem"), made.cert.pem()).unwrap();
    std::fs::write(folder.join("server.key"), made.signing_key.serialize_pem()).unwrap();
    let config = serde_json::json!({ "pebble": {
        "listenAddress": format!("127.0.0.1:{port}"),
        "managementListenAddress": format!("127.0.0.1:{management}"),
        "certificate": folder.join("server.pem"),
        "privateKey": folder.join("server.key"),
        "httpPort": http,
        "tlsPort": tls,
        "keyAlgorithm": "ecdsa",
        "retryAfter": { "authz": 1, "order": 1 },
        "profiles": { "default": { "description": "short", "validityPeriod": LIFE_S } },
    }});
    std::fs::write(folder.join("config.json"), config.to_string()).unwrap();
}

/// A name server over TCP for which every name is here, or with [`Names::lose`] nowhere.
pub struct Names {
    address: SocketAddr,
    lost: Arc<AtomicBool>,
}

impl Names {
    async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let lost = Arc::<AtomicBool>::default();
        let names = Self { address, lost: lost.clone() };
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let lost = lost.clone();
                tokio::spawn(async move {
                    while let Ok(length) = stream.read_u16().await {
                        let mut question = vec![0; usize::from(length)];
                        let Ok(_) = stream.read_exact(&mut question).await else { return };
                        let answer = answer(question, !lost.load(Ordering::SeqCst));
                        let length = u16::try_from(answer.len()).unwrap();
                        let framed = [&length.to_be_bytes()[..], &answer].concat();
                        let Ok(()) = stream.write_all(&framed).await else { return };
                    }
                });
            }
        });
        names
    }

    /// From now on, or no longer, no name has an address.
    pub fn lose(&self, lost: bool) {
        self.lost.store(lost, Ordering::SeqCst);
    }
}

/// One address record for questions of that kind, nothing for others (RFC 1035, section 4).
fn answer(question: Vec<u8>, known: bool) -> Vec<u8> {
    let name_end = question[12..].iter().position(|byte| *byte == 0).unwrap() + 13;
    let asked = &question[12..name_end + 4];
    let is_address = question[name_end..name_end + 2] == [0, 1];
    let count = u8::from(known && is_address);
    let mut answer = [&question[..2], &[0x84, 0, 0, 1, 0, count, 0, 0, 0, 0], asked].concat();
    if count == 1 {
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 127, 0, 0, 1]);
    }
    answer
}
