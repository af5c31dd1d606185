//! Four edges that share one quota, asked for more than it; then one of them dies and one is cut off.

use super::fleet::{Edge, Plan};
use super::origin;
use crate::client::Client;
use clap::Args;
use futures_util::future::try_join_all;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use testkit::{ChaosProxy, Mood};
use tokio::time::{MissedTickBehavior, interval};

#[derive(Args)]
pub struct Options {
    /// The program whose edges are started.
    #[arg(long)]
    program: PathBuf,
    /// The private port of the region's node, which counts its edges.
    #[arg(long)]
    feed: SocketAddr,
    /// A folder for configurations and logs of the edges.
    #[arg(long)]
    folder: PathBuf,
    /// Requests in a window, of all edges together.
    #[arg(long, default_value_t = 2_000)]
    quota: u32,
    /// Seconds of a window.
    #[arg(long, default_value_t = 10)]
    window_s: u32,
    /// Windows of each measurement.
    #[arg(long, default_value_t = 3)]
    windows: u32,
}

const EDGES: u32 = 4;
/// Requests to each edge; four times what all together may have is asked.
const ASK_INTERVAL: Duration = Duration::from_micros(1_250);
/// What the promise allows.
const SHARE_MAX: f64 = 1.1;
const HEARD_MAX: Duration = Duration::from_secs(30);

pub async fn run(options: Options) -> Result<(), String> {
    let origin = origin::start(Arc::new(|_: &str| ("x".to_owned(), b"x".to_vec()))).await?;
    let relay = ChaosProxy::start(options.feed).await.map_err(|error| error.to_string())?;
    let rules = format!(
        "[edge.limits]\nexempt = []\nlease_ms = 200\nedges = {EDGES}\n[[edge.limits.rules]]\nname = \"all\"\n\
         quota = {}\nwindow_s = {}\nkey = [\"method\"]\nshared = true",
        options.quota, options.window_s
    );
    let mut edges = Vec::new();
    for number in 1..=EDGES {
        let name = format!("bench-quota-{number}");
        // The last but one will be cut off.
        let feed = if number == EDGES - 1 { relay.address() } else { options.feed };
        let (program, folder, region) = (&*options.program, &*options.folder, "a");
        edges.push(
            Edge::start(Plan { program, folder, name: &name, region, feed, origin, more: &rules }).await?,
        );
    }
    let window = Duration::from_secs(options.window_s.into());
    for edge in &edges {
        let told = |status: &serde_json::Value| status["quota_slices"].as_u64() >= Some(EDGES.into());
        edge.until("knows its slice", HEARD_MAX, told).await?;
    }
    // What may be asked at once is asked at first.
    hammer(&edges, window).await?;
    println!("{:<44} {:>7} {:>10} {:>9} {:>7}", "", "asked", "admitted", "quota", "share");
    let mut worst = measure("four edges", &edges, &options).await?;
    if let Some(mut victim) = edges.pop() {
        victim.kill().await?;
    }
    relay.set(Mood::Silent);
    worst = worst.max(measure("one killed, one cut off", &edges, &options).await?);
    if worst <= SHARE_MAX { Ok(()) } else { Err(format!("more than {SHARE_MAX} of the quota was admitted")) }
}

/// One row; the share of the quota that was admitted.
async fn measure(what: &str, edges: &[Edge], options: &Options) -> Result<f64, String> {
    let (asked, admitted) =
        hammer(edges, Duration::from_secs((options.window_s * options.windows).into())).await?;
    let quota = options.quota * options.windows;
    let share = f64::from(admitted) / f64::from(quota);
    println!(
        "{:<44} {asked:>7} {admitted:>10} {quota:>9} {share:>7.3}",
        format!("{what}, {} windows", options.windows)
    );
    Ok(share)
}

/// Asks all edges at once, each at a steady rate; how often, and how often it was given.
async fn hammer(edges: &[Edge], run_for: Duration) -> Result<(u32, u32), String> {
    let counts = try_join_all(edges.iter().map(|edge| hammer_one(edge, run_for))).await?;
    Ok(counts.into_iter().fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1)))
}

async fn hammer_one(edge: &Edge, run_for: Duration) -> Result<(u32, u32), String> {
    let (client, url) = (Client::new(None), format!("http://{}/bench/0", edge.address));
    let mut turn = interval(ASK_INTERVAL);
    turn.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (began, mut asked, mut admitted) = (Instant::now(), 0, 0);
    while began.elapsed() < run_for {
        turn.tick().await;
        let answer = client.get(&url).await?;
        match answer.status.as_u16() {
            200 => admitted += 1,
            429 => {}
            other => return Err(format!("{url}: {other}")),
        }
        asked += 1;
    }
    Ok((asked, admitted))
}
