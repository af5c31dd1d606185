//! A real OpenSearch for tests: the one whose address the environment names, or one of this process' own,
//! started once and gone with it.

use crate::Port;
use std::fmt;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio::time::{Instant, sleep_until, timeout};

/// A running node. Ours ends when the pipe to its script ends, however this process ends.
#[derive(Debug)]
pub struct OpenSearch {
    address: SocketAddr,
    _ports: Option<[Port; 2]>,
    _script: Option<Child>,
}

/// Longest wait for a node that starts on a busy machine.
const START_MAX: Duration = Duration::from_secs(90);
/// Between two looks.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);
/// Longest wait for one answer.
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// `127.0.0.1:9200` of a node that somebody else started and stops.
const ADDRESS: &str = "OPENSEARCH_ADDRESS";

/// The node that all tests share. None, loudly, where this machine has no OpenSearch; where `CI` is `true`
/// that is a failure.
pub async fn shared() -> Option<&'static OpenSearch> {
    static SHARED: OnceCell<Option<OpenSearch>> = OnceCell::const_new();
    SHARED.get_or_init(OpenSearch::begin).await.as_ref()
}

impl OpenSearch {
    async fn begin() -> Option<Self> {
        let named = std::env::var_os(ADDRESS).and_then(|address| address.to_str()?.parse().ok());
        let found = match named {
            Some(address) => Self { address, _ports: None, _script: None },
            None => Self::start()?,
        };
        found.wait_until_ready().await;
        Some(found)
    }

    /// Starts a node with data of its own. None as in [`shared`].
    fn start() -> Option<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/opensearch/opensearch.sh");
        let found = Command::new(&script).arg("find").stdin(Stdio::null()).output();
        let found = found.unwrap_or_else(|error| panic!("{} cannot be run: {error}", script.display()));
        if !found.status.success() {
            let sentence = String::from_utf8_lossy(&found.stderr).trim().to_owned();
            assert!(std::env::var_os("CI").is_none_or(|value| value != "true"), "{sentence}");
            // Straight to the stream, which the test harness does not swallow.
            drop(writeln!(std::io::stderr(), "SKIPPED, NOT PASSED: {sentence}"));
            return None;
        }
        let ports = Port::reserve_pair();
        let port = ports[0].number();
        let folder = std::env::temp_dir().join(format!("sangraha-opensearch-{}", std::process::id()));
        Some(Self {
            address: (Ipv4Addr::LOCALHOST, port).into(),
            _ports: Some(ports),
            _script: Some(serve(&script, &folder, port)),
        })
    }

    async fn wait_until_ready(&self) {
        let deadline = Instant::now() + START_MAX;
        while self.request("GET", "/_cluster/health?wait_for_status=yellow", "").await.map(|it| it.0)
            != Ok(200)
        {
            assert!(Instant::now() < deadline, "OpenSearch at {} did not start", self.address);
            sleep_until(Instant::now() + LOOK_INTERVAL).await;
        }
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Sends one request with a JSON body and answers status and body: for what a test arranges or checks
    /// behind the back of the code it tests.
    pub async fn request(&self, method: &str, path: &str, body: &str) -> Result<(u16, String), Silent> {
        request(self.address, method, path, body).await
    }
}

/// The node gave no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Silent;

impl fmt::Display for Silent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("OpenSearch gave no answer")
    }
}

impl std::error::Error for Silent {}

/// The same to any address: a proxy's.
pub(crate) async fn request(
    to: SocketAddr,
    method: &str,
    path: &str,
    body: &str,
) -> Result<(u16, String), Silent> {
    let answer = timeout(ANSWER_MAX, exchange(to, method, path, body)).await;
    answer.ok().and_then(Result::ok).ok_or(Silent)
}

/// HTTP/1.0, so that the answer comes in one piece and ends with the connection.
async fn exchange(to: SocketAddr, method: &str, path: &str, body: &str) -> std::io::Result<(u16, String)> {
    let mut socket = TcpStream::connect(to).await?;
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.0\r\nhost: {to}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    );
    socket.write_all(&[head.as_bytes(), body.as_bytes()].concat()).await?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await?;
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    Ok((status, body.to_owned()))
}

fn serve(script: &Path, folder: &Path, port: u16) -> Child {
    let mut command = Command::new(script);
    command.arg("serve").arg(folder).arg(port.to_string());
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap_or_else(|error| panic!("{} cannot be run: {error}", script.display()))
}
