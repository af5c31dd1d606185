//! One edge, as a process that ends with its owner.

use crate::client::Client;
use serde_json::Value;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};

/// How an edge is started.
pub struct Plan<'a> {
    /// The program `sangraha`.
    pub program: &'a Path,
    /// Where its configuration and its log go.
    pub folder: &'a Path,
    pub name: &'a str,
    pub region: &'a str,
    /// The private port of its region's node, or a relay before it.
    pub feed: SocketAddr,
    pub origin: SocketAddr,
    /// More lines of the section `[edge]`, and sections below it.
    pub more: &'a str,
}

/// A running edge.
pub struct Edge {
    pub name: String,
    pub region: String,
    pub address: SocketAddr,
    private: SocketAddr,
    child: Child,
    client: Client,
}

/// An edge that has not heard its feed by then never will.
const START_MAX: Duration = Duration::from_secs(30);
/// Between two looks at a state.
const LOOK_INTERVAL: Duration = Duration::from_millis(2);

impl Edge {
    /// Starts it and waits until it has heard its feed.
    pub async fn start(plan: Plan<'_>) -> Result<Self, String> {
        let Plan { program, folder, name, region, feed, origin, more } = plan;
        let (address, private) = (free_port()?, free_port()?);
        let file = folder.join(name).with_extension("toml");
        let text = format!(
            "node = {{ name = \"{name}\", region = \"{region}\", roles = [\"edge\"] }}\n\
             listen = {{ private = \"{private}\" }}\nlog = {{ filter = \"warn\" }}\n\
             [edge]\nlisten = \"{address}\"\nname = \"{name}\"\nregion = \"{region}\"\n\
             public = [\"http://{origin}\"]\nadmin = \"http://{origin}\"\npurge_feed = \"http://{feed}\"\n{more}\n"
        );
        let told = |error: std::io::Error| format!("{}: {error}", file.display());
        std::fs::write(&file, text).map_err(told)?;
        let log = std::fs::File::create(file.with_extension("log")).map_err(told)?;
        let mut command = Command::new(program);
        command.args(["serve", "--until-eof", "--config"]).arg(&file).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(log.try_clone().map_err(told)?).stderr(log);
        let child = command.spawn().map_err(|error| format!("{}: {error}", program.display()))?;
        let (name, region, client) = (name.to_owned(), region.to_owned(), Client::new(None));
        let edge = Self { name, region, address, private, child, client };
        edge.until("has heard its feed", START_MAX, |status| status["purge_position"].is_u64()).await?;
        Ok(edge)
    }

    /// What it says of itself.
    pub async fn status(&self) -> Result<Value, String> {
        let answer = self.client.get(&format!("http://{}/status", self.private)).await?;
        Ok(answer.json()?["edge"].take())
    }

    /// The last purge that it has applied.
    pub async fn position(&self) -> Result<u64, String> {
        Ok(self.status().await?["purge_position"].as_u64().unwrap_or(0))
    }

    /// Waits until its status says so; how long that took.
    pub async fn until(
        &self,
        what: &str,
        at_most: Duration,
        holds: impl Fn(&Value) -> bool,
    ) -> Result<Duration, String> {
        let began = Instant::now();
        while began.elapsed() < at_most {
            if self.status().await.is_ok_and(|status| holds(&status)) {
                return Ok(began.elapsed());
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
        Err(format!("{}: it never came that it {what}", self.name))
    }

    /// Ends it without a word.
    pub async fn kill(&mut self) -> Result<(), String> {
        self.child.kill().await.map_err(|error| format!("{}: {error}", self.name))
    }
}

/// A port that nobody listens at, for now.
pub fn free_port() -> Result<SocketAddr, String> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    listener.local_addr().map_err(|error| error.to_string())
}
