//! Details a second from one URL base, over as many connections as asked for.

use crate::client::Client;
use crate::table::{latency_header, latency_row};
use clap::Args;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// What to read, and for how long.
#[derive(Args)]
pub struct Options {
    /// Base URL of a node or an edge, such as http://127.0.0.1:7410
    #[arg(long)]
    base: String,
    /// Seconds of one run.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Connections.
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// Different songs to read in turn.
    #[arg(long, default_value_t = 100)]
    songs: usize,
    /// Runs.
    #[arg(long, default_value_t = 3)]
    runs: usize,
}

pub async fn run(options: Options) -> Result<(), String> {
    let client = Client::new(None);
    let urls = Arc::new(urls(&client, &options).await?);
    latency_header();
    for run in 1..=options.runs {
        let begun = Instant::now();
        let until = begun + Duration::from_secs(options.seconds);
        let next = Arc::new(AtomicUsize::new(0));
        let tasks: Vec<_> = (0..options.connections)
            .map(|_| tokio::spawn(reader(client.clone(), urls.clone(), next.clone(), until)))
            .collect();
        let mut sample = Vec::new();
        for task in tasks {
            sample.extend(task.await.map_err(|error| error.to_string())??);
        }
        let rate = sample.len() as f64 / begun.elapsed().as_secs_f64();
        latency_row(&format!("run {run}: {rate:.0} details/s"), &mut sample);
    }
    Ok(())
}

async fn urls(client: &Client, options: &Options) -> Result<Vec<String>, String> {
    let limit = options.songs.min(100);
    let list = client.get(&format!("{}/v1/compositions?limit={limit}", options.base)).await?.json()?;
    let ids = list["items"].as_array().ok_or("the list has no items")?.iter();
    let urls: Vec<_> = ids
        .filter_map(|item| item["id"].as_str())
        .map(|id| format!("{}/v1/compositions/{id}", options.base))
        .collect();
    if urls.is_empty() { Err("there is no song to read".to_owned()) } else { Ok(urls) }
}

async fn reader(
    client: Client,
    urls: Arc<Vec<String>>,
    next: Arc<AtomicUsize>,
    until: Instant,
) -> Result<Vec<Duration>, String> {
    let mut sample = Vec::new();
    while Instant::now() < until {
        let url = &urls[next.fetch_add(1, Ordering::Relaxed) % urls.len()];
        let begun = Instant::now();
        let answer = client.get(url).await?;
        if !answer.status.is_success() {
            return Err(format!("{url}: {}", answer.status));
        }
        sample.push(begun.elapsed());
    }
    Ok(sample)
}
