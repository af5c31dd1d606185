//! Searches at a steady rate while the index that answers them is built anew and swapped, again and again.

use crate::client::Client;
use crate::steady;
use crate::table::{latency_header, latency_row};
use clap::Args;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;
use tokio::process::Command;

/// What is asked, in turn; each is asked for another page size than before, so that no cache has it.
const QUERIES: [&str; 6] =
    ["endaro", "vatapi+ganapatim", "tyagaraja+todi+adi", "nagumomu", "kamakshi", "brova+barama"];
/// Page sizes that are asked for in turn.
const LIMITS: usize = 50;

/// Where, how often, and for how long.
#[derive(Args)]
pub struct Options {
    /// Base URL of a node, such as http://127.0.0.1:7410
    #[arg(long)]
    base: String,
    /// Searches a second.
    #[arg(long, default_value_t = 200)]
    rate: u32,
    /// Seconds.
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// The program whose `index rebuild` is called as long as searches go on.
    #[arg(long)]
    program: PathBuf,
}

/// What answers were like.
#[derive(Default)]
struct Seen {
    failed: AtomicUsize,
    empty: AtomicUsize,
    degraded: AtomicUsize,
}

pub async fn run(options: Options) -> Result<(), String> {
    let (client, seen) = (Client::new(None), Arc::new(Seen::default()));
    let run_for = Duration::from_secs(options.seconds);
    let asking = steady::ask(options.rate, run_for, |count| {
        let (query, limit) = (QUERIES[count % QUERIES.len()], count % LIMITS + 1);
        let url = format!("{}/v1/search?q={query}&limit={limit}&facets=raga,composer,tala", options.base);
        let (client, seen) = (client.clone(), Arc::clone(&seen));
        async move {
            seen.look(client.get(&url).await.and_then(|answer| answer.json()));
            Ok(())
        }
    });
    tokio::pin!(asking);
    let mut swaps = 0;
    let mut sample = loop {
        tokio::select! {
            sample = &mut asking => break sample?,
            said = rebuild(&options.program) => {
                swaps += 1;
                println!("{}", said?.trim());
            }
        }
    };
    latency_header();
    latency_row(&format!("{} searches a second, {swaps} rebuilds", options.rate), &mut sample);
    let of = |count: &AtomicUsize| count.load(Relaxed);
    println!("failed {}, empty {}, degraded {}", of(&seen.failed), of(&seen.empty), of(&seen.degraded));
    Ok(())
}

impl Seen {
    fn look(&self, answer: Result<serde_json::Value, String>) {
        let Ok(answer) = answer else {
            self.failed.fetch_add(1, Relaxed);
            return;
        };
        if answer["hits"].as_array().is_none_or(Vec::is_empty) {
            self.empty.fetch_add(1, Relaxed);
        }
        if answer["degraded"] == true {
            self.degraded.fetch_add(1, Relaxed);
        }
    }
}

/// Builds the indexes of both regions anew; ends with the searches.
async fn rebuild(program: &PathBuf) -> Result<String, String> {
    let mut command = Command::new(program);
    command.args(["index", "rebuild"]).stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.map_err(|error| format!("{}: {error}", program.display()))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}
