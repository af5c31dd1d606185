//! Five edges of two regions before one origin, purged through the admin API of a running platform.

use super::fleet::{Edge, Plan};
use super::origin;
use crate::client::Client;
use clap::Args;
use http::Method;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use testkit::{ChaosProxy, Mood};

/// What all runs with five edges need.
#[derive(Args, Clone)]
pub struct Options {
    /// The program whose edges are started.
    #[arg(long)]
    program: PathBuf,
    /// The admin API of a running platform.
    #[arg(long)]
    admin: String,
    /// An API key that may purge.
    #[arg(long)]
    key: String,
    /// The private ports of the nodes of both regions, which serve the purge log.
    #[arg(long, value_delimiter = ',')]
    feeds: Vec<SocketAddr>,
    /// A folder for configurations and logs of the edges.
    #[arg(long)]
    folder: PathBuf,
    /// Milliseconds, one way, between the edges of the second region and the log.
    #[arg(long, default_value_t = 0)]
    way_ms: u64,
}

/// The edges by region.
const EDGES: [(&str, &str); 5] =
    [("bench-a1", "a"), ("bench-a2", "a"), ("bench-b1", "b"), ("bench-b2", "b"), ("bench-b3", "b")];
/// Objects that are changed and purged, each with a key of its own.
pub const OBJECTS: usize = 64;
/// A purge that is not seen by then has been lost.
const SEEN_MAX: Duration = Duration::from_secs(30);
/// Between two looks.
const LOOK_INTERVAL: Duration = Duration::from_millis(1);

pub struct World {
    pub edges: Vec<Edge>,
    /// Before the log, for the edges of the second region.
    relay: ChaosProxy,
    way: Mood,
    /// The version of each object that the origin has.
    pub versions: Arc<Vec<AtomicU64>>,
    admin: String,
    editor: Client,
    pub reader: Client,
}

impl World {
    pub async fn start(options: &Options) -> Result<Self, String> {
        let versions: Arc<Vec<AtomicU64>> = Arc::new((0..OBJECTS).map(|_| AtomicU64::new(1)).collect());
        let held = versions.clone();
        let origin = origin::start(Arc::new(move |path: &str| {
            let object = path.rsplit('/').next().and_then(|text| text.parse::<usize>().ok());
            let object = object.filter(|object| *object < OBJECTS).unwrap_or(0);
            (key(object), held[object].load(Ordering::SeqCst).to_string().into_bytes())
        }))
        .await?;
        let [near, far] = options.feeds[..] else {
            return Err("--feeds needs two addresses, with a comma between them".to_owned());
        };
        let relay = ChaosProxy::start(far).await.map_err(|error| error.to_string())?;
        let way = match options.way_ms {
            0 => Mood::Good,
            ms => Mood::Slow(Duration::from_millis(ms)),
        };
        relay.set(way);
        let mut edges = Vec::new();
        for (name, region) in EDGES {
            let feed = if region == "a" { near } else { relay.address() };
            let (program, folder) = (&*options.program, &*options.folder);
            edges.push(Edge::start(Plan { program, folder, name, region, feed, origin, more: "" }).await?);
        }
        let editor = Client::new(Some(options.key.clone()));
        let (admin, reader) = (options.admin.clone(), Client::new(None));
        Ok(Self { edges, relay, way, versions, admin, editor, reader })
    }

    /// Packets between the second region and the log are dropped from now on, without a word.
    pub fn cut(&self) {
        self.relay.set(Mood::Silent);
    }

    pub fn heal(&self) {
        self.relay.set(self.way);
    }

    /// The version that an edge shows.
    pub async fn read(&self, edge: &Edge, object: usize) -> Result<u64, String> {
        let url = format!("http://{}/bench/{object}", edge.address);
        let answer = self.reader.get(&url).await?;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        text.parse().map_err(|_| format!("{url}: {} {text}", answer.status))
    }

    /// Reads everything everywhere, so that every edge holds it.
    pub async fn warm(&self) -> Result<(), String> {
        for edge in &self.edges {
            for object in 0..OBJECTS {
                self.read(edge, object).await?;
            }
        }
        Ok(())
    }

    /// Changes an object and purges its key: the new version and the position of the purge, when the API has answered.
    pub async fn change(&self, object: usize, soft: bool) -> Result<(u64, u64), String> {
        let version = self.versions[object].fetch_add(1, Ordering::SeqCst) + 1;
        let body = json!({"tags": [key(object)], "soft": soft, "reason": "measurement"});
        let url = format!("{}/v1/admin/purges", self.admin);
        let ordered: Value = self.editor.send(Method::POST, &url, None, Some(&body)).await?.json()?;
        let position =
            ordered["seq"].as_u64().ok_or_else(|| format!("a purge without position: {ordered}"))?;
        Ok((version, position))
    }

    /// How long after `since` an edge shows this version, or a later one.
    pub async fn seen(
        &self,
        edge: &Edge,
        object: usize,
        version: u64,
        since: Instant,
    ) -> Result<Duration, String> {
        while since.elapsed() < SEEN_MAX {
            if self.read(edge, object).await? >= version {
                return Ok(since.elapsed());
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
        Err(format!("{}: version {version} of object {object} was never seen", edge.name))
    }
}

fn key(object: usize) -> String {
    format!("bench:{object}")
}
