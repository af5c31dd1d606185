//! A platform of two regions for one test, and the verbs of its readers and editors.

use domain::Record;
use serde_json::Value;
use server::plain_http::{self, Answer};
use server::up::State;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::{Instant, interval};

/// One platform at a time: each is eleven processes.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());
/// Whatever is waited for has happened by then, or never will.
const PATIENCE: Duration = Duration::from_secs(180);
/// A request of a patient client.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// The files of a starter catalogue that has nothing in it.
const EMPTY: [&str; 11] = [
    "sources",
    "rights",
    "places",
    "tags",
    "deities",
    "temples",
    "composers",
    "talas",
    "melas",
    "ragas",
    "groups",
];

/// A running platform; dropped, it stops in order and its data is deleted.
pub struct Platform {
    pub data: PathBuf,
    pub base_port: u16,
    key: String,
    supervisor: Child,
    _turn: MutexGuard<'static, ()>,
}

/// The edges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    A,
    B,
}

impl Platform {
    /// Starts everything with an empty catalogue and makes an administrator.
    pub async fn start(name: &str) -> Self {
        let catalogue = std::env::temp_dir().join(format!("sangraha-it-{name}-{}-empty", std::process::id()));
        std::fs::create_dir_all(catalogue.join("compositions")).unwrap();
        for file in EMPTY {
            std::fs::write(catalogue.join(file).with_extension("toml"), "").unwrap();
        }
        let platform = Self::with_catalogue(name, &catalogue).await;
        let _ = std::fs::remove_dir_all(catalogue); // the system removes what is left in its temporary folder
        platform
    }

    /// Starts everything with the catalogue of a folder and makes an administrator.
    pub async fn with_catalogue(name: &str, catalogue: &Path) -> Self {
        let turn = ONE_AT_A_TIME.lock().await;
        let data = std::env::temp_dir().join(format!("sangraha-it-{name}-{}", std::process::id()));
        let base_port = free_range();
        std::fs::create_dir_all(&data).unwrap();
        let log = std::fs::File::create(log(name)).unwrap();
        let supervisor = Command::new(env!("CARGO_BIN_EXE_sangraha"))
            .args(["up", "--until-eof", "--base-port", &base_port.to_string(), "--data"])
            .arg(&data)
            .arg("--catalogue")
            .arg(catalogue)
            // Unoptimised, beside a compiler, a new connection and a query take longer than a healthy node's.
            .args(["--set", "store.connect_ms_max=1500", "--set", "store.acquire_ms_max=1500"])
            .args(["--set", "search.query_ms_max=5000"])
            .stdin(Stdio::piped())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut platform = Self { data, base_port, key: String::new(), supervisor, _turn: turn };
        platform.until("the platform is ready", async |platform| platform.has_started(name)).await;
        platform.key = platform.first_key().await;
        platform
    }

    /// Runs our own command with `--data` of this platform.
    pub fn command(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_sangraha"))
            .args(arguments)
            .arg("--data")
            .arg(&self.data)
            .output()
            .unwrap()
    }

    /// Waits until `state` holds; a state, never a time.
    pub async fn until(&self, what: &str, state: impl AsyncFn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        let mut look = interval(Duration::from_millis(25));
        while !state(self).await {
            assert!(Instant::now() < deadline, "never came: {what}");
            look.tick().await;
        }
    }

    /// What a reader gets.
    pub async fn read(&self, edge: Edge, target: &str) -> Answer {
        self.try_read(edge, target).await.unwrap()
    }

    /// What a reader gets, or what the network said.
    pub async fn try_read(&self, edge: Edge, target: &str) -> std::io::Result<Answer> {
        plain_http::get(self.edge(edge), target, REQUEST_TIMEOUT).await
    }

    /// What an editor gets, through the edge of region b, where no primary is.
    pub async fn edit(
        &self,
        method: &str,
        target: &str,
        etag: Option<&str>,
        body: &Value,
    ) -> std::io::Result<Answer> {
        let authorization = format!("Bearer {}", self.key);
        let mut headers =
            vec![("authorization", authorization.as_str()), ("content-type", "application/json")];
        headers.extend(etag.map(|etag| ("if-match", etag)));
        let body = serde_json::to_vec(body).unwrap();
        let request = plain_http::Request {
            method,
            address: self.edge(Edge::B),
            target,
            headers: &headers,
            body: &body,
            timeout: REQUEST_TIMEOUT,
        };
        plain_http::send(request).await
    }

    /// As [`Platform::edit`], where nothing else than success is expected: the body and the new ETag.
    pub async fn edited(
        &self,
        method: &str,
        target: &str,
        etag: Option<&str>,
        body: &Value,
    ) -> (Value, String) {
        let answer = self.edit(method, target, etag, body).await.unwrap();
        assert!(matches!(answer.status, 200 | 201), "{method} {target}: {} {}", answer.status, answer.text());
        (answer.json(), answer.header("etag").unwrap_or_default().to_owned())
    }

    /// Saves a new record of reference data; its id.
    pub async fn add(&self, collection: &str, record: &Record) -> uuid::Uuid {
        let (saved, _) = self.edited("POST", &format!("/v1/admin/{collection}"), None, &body(record)).await;
        saved["id"].as_str().unwrap().parse().unwrap()
    }

    /// The supervisor's view.
    pub fn state(&self) -> State {
        State::read(&self.data.join("state.json")).unwrap_or_default()
    }

    /// `sangraha status`, as a program reads it.
    pub async fn status(&self) -> Value {
        server::status::gather(&self.data, &[]).await.unwrap()["processes"].take()
    }

    /// Everything answers, and every follower and edge is at the head.
    pub async fn settled(&self) {
        self.until("all processes are ready", async |platform| platform.is_settled().await).await;
    }

    async fn is_settled(&self) -> bool {
        let state = self.state();
        let all_run = state.processes.values().all(|process| process.pid.is_some());
        for url in state.private.values() {
            let address = url.strip_prefix("http://").unwrap().parse().unwrap();
            let ready = plain_http::get(address, "/readyz", REQUEST_TIMEOUT).await;
            if !ready.is_ok_and(|ready| ready.json()["status"] == "ready") {
                return false;
            }
        }
        let status = self.status().await;
        let nodes = ["node-a", "node-b"];
        let edges = nodes.iter().flat_map(|node| status[node]["edges"].as_array().into_iter().flatten());
        all_run
            && status["node-a"]["outbox"]["pending"] == 0
            && nodes.iter().all(|node| status[node]["follower"]["behind"] == 0)
            && edges.into_iter().all(|edge| edge["behind"] == 0)
    }

    fn edge(&self, edge: Edge) -> SocketAddr {
        let offset = match edge {
            Edge::A => 0,
            Edge::B => 1,
        };
        SocketAddr::from(([127, 0, 0, 1], self.base_port + offset))
    }

    fn has_started(&self, name: &str) -> bool {
        let said = std::fs::read_to_string(log(name)).unwrap_or_default();
        assert!(!said.contains("stopped in"), "the start failed: {said}");
        self.state().ready
    }

    async fn first_key(&self) -> String {
        let output = self.command(&["setup-token"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let token = String::from_utf8(output.stdout).unwrap();
        let body = serde_json::json!({"token": token.trim(), "name": "asha"});
        let (made, _) = self.edited("POST", "/v1/admin/setup", None, &body).await;
        made["key"].as_str().unwrap().to_owned()
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        drop(self.supervisor.stdin.take());
        let ended = self.supervisor.wait();
        if std::thread::panicking() {
            println!("logs are kept in {}", self.data.join("logs").display());
            return;
        }
        let _ = std::fs::remove_dir_all(&self.data);
        let _ = std::fs::remove_dir_all(server::postgres::elsewhere(&self.data));
        assert!(ended.is_ok_and(|status| status.success()), "the supervisor did not stop well");
    }
}

/// What the supervisor of a test says.
fn log(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("sangraha-it-{name}-{}.log", std::process::id()))
}

/// The record as the admin API takes it.
pub fn body(record: &Record) -> Value {
    match record {
        Record::Composition(song) => serde_json::to_value(song),
        Record::Raga(raga) => serde_json::to_value(raga),
        Record::Tala(tala) => serde_json::to_value(tala),
        Record::Composer(composer) => serde_json::to_value(composer),
        Record::Rights(rights) => serde_json::to_value(rights),
        other => panic!("no test saves a {}", other.kind()),
    }
    .unwrap()
}

/// The first of 35 ports that nothing listens at, below those that the kernel gives to outgoing connections: they stay
/// free until they are listened at.
fn free_range() -> u16 {
    const PORTS: std::ops::Range<u16> = 20_000..32_700;
    let first = PORTS.start + u16::try_from(std::process::id() % 120).unwrap() * 100;
    let is_free = |port: u16| std::net::TcpListener::bind(("127.0.0.1", port)).is_ok();
    let mut bases = (first..PORTS.end).step_by(50).chain((PORTS.start..first).step_by(50));
    bases.find(|base| (*base..base + 35).all(is_free)).expect("some range is free")
}
