//! An OpenSearch for both regions, by the script that tests use too.

use super::layout::Layout;
use crate::{Error, plain_http};
use clap::ValueEnum;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::process::Command;

/// The engine of a platform's indexes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum SearchEngine {
    /// In the nodes.
    #[default]
    Tantivy,
    /// One server, an index for each region.
    Opensearch,
}

/// In the log, the state file and sentences.
pub const NAME: &str = "opensearch";
/// Part of the program, so that a copied binary can do it too.
const SCRIPT: &str = include_str!("../../../../deploy/opensearch/opensearch.sh");
/// A start on a busy machine.
const READY_WAIT: Duration = Duration::from_secs(90);
/// Between two questions.
const ASK_INTERVAL: Duration = Duration::from_millis(200);
/// One question.
const ASK_TIMEOUT: Duration = Duration::from_secs(3);

/// Writes the script into the data folder and lets it fetch what it needs. Its words go to the terminal.
pub async fn fetch(layout: &Layout) -> Result<PathBuf, Error> {
    let script = layout.data.join("config").join("opensearch.sh");
    std::fs::write(&script, SCRIPT).map_err(Error::file("writing a script", &script))?;
    let mut command = Command::new("bash");
    command.arg(&script).arg("fetch").stdin(std::process::Stdio::null()).stdout(std::process::Stdio::null());
    let status = command.status().await.map_err(Error::file("fetching OpenSearch with", &script))?;
    match status.success() {
        true => Ok(script),
        false => Err(Error::Found("OpenSearch could not be fetched, see above; without `--search opensearch` the index is in the nodes".into())),
    }
}

/// The arguments of our own binary that run a node.
pub fn arguments(script: &Path, folder: &Path, layout: &Layout) -> Vec<OsString> {
    let port = layout.opensearch().port().to_string();
    let script: OsString = script.into();
    [
        "opensearch-node".into(),
        "--script".into(),
        script,
        "--folder".into(),
        folder.into(),
        "--port".into(),
        port.into(),
    ]
    .into()
}

/// Becomes the script, which ends the node when standard input closes. Returns only where it cannot.
pub fn become_opensearch(script: &Path, folder: &Path, port: u16) -> Error {
    let mut command = std::process::Command::new("bash");
    let error = command.arg(script).arg("serve").arg(folder).arg(port.to_string()).arg("keep").exec();
    Error::file("starting OpenSearch with", script)(error)
}

/// Waits until the node answers, and says its version.
pub async fn ready(layout: &Layout) -> Result<String, Error> {
    let (began, address) = (Instant::now(), layout.opensearch());
    loop {
        let reason = match plain_http::get(address, "/", ASK_TIMEOUT).await {
            Ok(answer) if answer.status == 200 => {
                let version = answer.json()["version"]["number"].as_str().unwrap_or_default().to_owned();
                return Ok(version);
            }
            Ok(answer) => format!("GET / answers {}", answer.status),
            Err(error) => format!("GET /: {error}"),
        };
        if began.elapsed() > READY_WAIT {
            let waited_s = READY_WAIT.as_secs();
            return Err(Error::NotReady { name: NAME.to_owned(), waited_s, reason, log: layout.log(NAME) });
        }
        tokio::time::sleep(ASK_INTERVAL).await;
    }
}
