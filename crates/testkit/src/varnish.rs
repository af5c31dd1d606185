//! A real Varnish with our sample VCL, in front of an origin that counts.

use crate::Port;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

/// Longest wait for a Varnish that compiles its VCL on a busy machine.
const START_MAX: Duration = Duration::from_secs(60);
/// Between two looks.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// A running Varnish; dropped, it stops and its folder is deleted.
#[derive(Debug)]
pub struct Varnish {
    port: Port,
    process: Child,
    folder: PathBuf,
}

impl Varnish {
    /// None, loudly, where this machine has no Varnish or not its modules; where `CI` is `true` that is a failure.
    pub async fn start(origin: SocketAddr) -> Option<Self> {
        if let Some(missing) = missing() {
            let sentence =
                format!("{missing} is not installed (Debian: apt-get install varnish varnish-modules)");
            assert!(std::env::var_os("CI").is_none_or(|value| value != "true"), "{sentence}");
            // Straight to the stream, which the test harness does not swallow.
            drop(writeln!(std::io::stderr(), "SKIPPED, NOT PASSED: {sentence}"));
            return None;
        }
        let folder = std::env::temp_dir().join(format!("sangraha-varnish-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder for the VCL");
        let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/varnish/sangraha.vcl");
        let vcl = std::fs::read_to_string(sample).expect("the sample VCL");
        let vcl = vcl.replace("\"7400\"", &format!("\"{}\"", origin.port()));
        let file = folder.join("sangraha.vcl");
        std::fs::write(&file, vcl).expect("the VCL is written");
        let port = Port::reserve();
        let process = Command::new(program()?)
            .arg("-F")
            .args(["-a", &format!("127.0.0.1:{}", port.number()), "-s", "malloc,16m", "-j", "none", "-n"])
            .arg(folder.join("work"))
            .arg("-f")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("varnishd starts");
        let varnish = Self { port, process, folder };
        varnish.wait_until_ready().await;
        Some(varnish)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port.number()).into()
    }

    async fn wait_until_ready(&self) {
        let deadline = Instant::now() + START_MAX;
        while TcpStream::connect(self.address()).await.is_err() {
            assert!(Instant::now() < deadline, "Varnish at {} did not start", self.address());
            sleep_until(Instant::now() + LOOK_INTERVAL).await;
        }
    }
}

impl Drop for Varnish {
    fn drop(&mut self) {
        // The child of the manager goes with it.
        let id = self.process.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &id]).status();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn program() -> Option<PathBuf> {
    ["/usr/sbin/varnishd", "/usr/local/sbin/varnishd"]
        .map(PathBuf::from)
        .into_iter()
        .find(|path| path.exists())
}

/// What is not there.
fn missing() -> Option<&'static str> {
    let folders = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let mut modules = folders.map(|folder| folder.path().join("varnish/vmods/libvmod_xkey.so"));
    match program() {
        None => Some("Varnish"),
        Some(_) if !modules.any(|module| module.exists()) => Some("the Varnish module xkey"),
        Some(_) => None,
    }
}

/// An origin whose answers are fresh for an hour, and whose key is their path: `/v1/x` has `v1-x`.
#[derive(Debug)]
pub struct Origin {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Origin {
    /// Listens at a port of its own.
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let asked = Arc::<AtomicUsize>::default();
        let counter = asked.clone();
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, counter.clone()));
            }
        });
        Self { address, asked, task }
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Requests so far.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut socket: TcpStream, asked: Arc<AtomicUsize>) {
    let mut head = Vec::new();
    while let Ok(byte) = socket.read_u8().await {
        head.push(byte);
        if head.ends_with(b"\r\n\r\n") {
            let text = String::from_utf8_lossy(&head).into_owned();
            head.clear();
            asked.fetch_add(1, Ordering::SeqCst);
            let path = text.split(' ').nth(1).unwrap_or_default();
            let key = path.split('?').next().unwrap_or_default().trim_matches('/').replace('/', "-");
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncache-control: public, max-age=30\r\ncdn-cache-control: max-age=3600\r\n\
                 surrogate-key: {key} everything-here\r\netag: \"v\"\r\ncontent-length: 1\r\n\r\nx"
            );
            if socket.write_all(answer.as_bytes()).await.is_err() {
                return;
            }
        }
    }
}
