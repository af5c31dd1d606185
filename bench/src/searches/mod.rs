//! How fast a search is over generated works: build, size, memory, latency, suggestions, throughput; and the
//! same works and queries on an OpenSearch beside it, set up as one does for any catalogue.

pub mod http;
mod ours;
mod peer;
mod queries;
mod words;
mod works;

use crate::table::{latency_header, latency_row};
use clap::Args;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use works::World;

/// What to generate, and for how long to ask.
#[derive(Args)]
pub struct Options {
    /// Number of works.
    #[arg(long, default_value_t = 3_065)]
    works: usize,
    /// Works and queries are the same for one seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Different queries of one run.
    #[arg(long, default_value_t = 2_000)]
    queries: usize,
    /// Seconds of one run of throughput.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Runs.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Bytes of documents that wait while the index is built.
    #[arg(long, default_value_t = 200_000_000)]
    writer_memory: usize,
    /// Asks this OpenSearch too.
    #[arg(long)]
    opensearch: Option<SocketAddr>,
    /// Lists the slowest queries.
    #[arg(long)]
    slowest: bool,
}

/// What both engines are asked.
struct Asked {
    mix: Vec<String>,
    warm_up: Vec<String>,
    beginnings: Vec<String>,
    run_for: Duration,
    runs: usize,
}

pub async fn run(options: Options) -> Result<(), String> {
    let world = World::of(options.works, options.seed);
    let sought = |chance: &mut words::Chance| world.sought(chance);
    let asked = Asked {
        mix: queries::mix(sought, options.seed + 1, options.queries),
        warm_up: queries::mix(sought, options.seed + 2, options.queries / 4),
        beginnings: queries::beginnings(sought, options.seed + 3, options.queries),
        run_for: Duration::from_secs(options.seconds),
        runs: options.runs,
    };
    println!("{} works, {} queries with all facets, seed {}", options.works, options.queries, options.seed);
    let ours = ours::measure(&world, &asked, &options).await?;
    let Some(address) = options.opensearch else { return Ok(()) };
    let theirs = peer::measure(&world, &asked, address).await?;
    println!("searches a second, Sangraha by OpenSearch: {:.1}", ours / theirs.max(f64::MIN_POSITIVE));
    Ok(())
}

/// Searches a second, the median of the runs: so many tasks ask the mix in turn until the time of a run is over.
async fn throughput<F>(
    asked: &Asked,
    tasks: usize,
    ask: impl Fn(String) -> F + Clone + Send + Sync + 'static,
) -> Result<f64, String>
where
    F: Future<Output = Result<(), String>> + Send,
{
    let mix = Arc::new(asked.mix.clone());
    let mut rates = Vec::new();
    for _ in 0..asked.runs {
        let next = Arc::new(AtomicUsize::new(0));
        let begun = Instant::now();
        let until = begun + asked.run_for;
        let mut running = JoinSet::new();
        for _ in 0..tasks {
            let (ask, mix, next) = (ask.clone(), Arc::clone(&mix), Arc::clone(&next));
            running.spawn(async move {
                while Instant::now() < until {
                    let turn = next.fetch_add(1, Ordering::Relaxed);
                    ask(mix[turn % mix.len()].clone()).await?;
                }
                Ok::<(), String>(())
            });
        }
        while let Some(task) = running.join_next().await {
            task.map_err(|error| error.to_string())??;
        }
        rates.push(next.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64());
    }
    Ok(median(rates))
}

/// The middle one.
fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}

/// One row for each run.
fn rows(name: &str, samples: &mut [Vec<Duration>]) {
    latency_header();
    for (at, sample) in samples.iter_mut().enumerate() {
        latency_row(&format!("{name}, run {}", at + 1), sample);
    }
}
