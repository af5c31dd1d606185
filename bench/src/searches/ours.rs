//! Sangraha's own index, in this process.

use super::works::World;
use super::{Asked, Options, rows, throughput};
use domain::metrics::Metrics;
use search::{Change, Config, Facet, Position, Query, Search, Suggest};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Suggestions of one answer.
const SUGGESTIONS: usize = 10;
/// Searches at a time: one for each core.
const TASKS: usize = 2;

/// Prints the figures and gives back searches a second.
pub async fn measure(world: &World, asked: &Asked, options: &Options) -> Result<f64, String> {
    let folder = Folder::new();
    let config = Config::Tantivy {
        path: folder.0.clone(),
        writer_memory_bytes: options.writer_memory,
        // No answer is cut short here: a slow one shall be seen.
        query_ms_max: 60_000,
    };
    let search = Search::open(&config, &Metrics::default()).await.map_err(|error| error.to_string())?;
    build(&search, world).await?;
    for text in &asked.warm_up {
        answer(&search, text).await?;
    }
    latency(&search, asked, options.slowest).await?;
    suggestions(&search, asked).await?;
    memory();
    let rate = throughput(asked, TASKS, move |text| {
        let search = search.clone();
        async move { answer(&search, &text).await.map(drop) }
    })
    .await?;
    println!("throughput on two cores: {rate:.0} searches/s");
    Ok(rate)
}

async fn build(search: &Search, world: &World) -> Result<(), String> {
    let mut took = Duration::ZERO;
    let begun = Instant::now();
    let mut rebuild = search.begin_rebuild().await.map_err(|error| error.to_string())?;
    let names: Vec<Change> = world.names().into_iter().map(Change::Put).collect();
    let works = (0..world.works).map(|number| Change::Put(world.document(&world.work(number))));
    let mut all = names.into_iter().chain(works);
    loop {
        let batch: Vec<Change> = all.by_ref().take(Search::BATCH_CHANGES_MAX).collect();
        if batch.is_empty() {
            break;
        }
        let begun = Instant::now();
        rebuild.apply(&batch).await.map_err(|error| error.to_string())?;
        took += begun.elapsed();
    }
    let swapping = Instant::now();
    let stats = rebuild.swap(Position::default()).await.map_err(|error| error.to_string())?;
    took += swapping.elapsed();
    println!(
        "Sangraha: {} documents built and swapped in {:.1} s ({:.1} s with making them up), {:.1} MB on disk",
        stats.documents,
        took.as_secs_f64(),
        begun.elapsed().as_secs_f64(),
        stats.bytes as f64 / 1e6
    );
    Ok(())
}

async fn latency(search: &Search, asked: &Asked, slowest: bool) -> Result<(), String> {
    let (mut samples, mut found, mut worst) = (Vec::new(), 0, Vec::new());
    for run in 0..asked.runs {
        let mut sample = Vec::with_capacity(asked.mix.len());
        for text in &asked.mix {
            let begun = Instant::now();
            let total = answer(search, text).await?;
            sample.push(begun.elapsed());
            found += usize::from(total > 0);
            if run == 0 {
                worst.push((begun.elapsed(), total, text));
            }
        }
        samples.push(sample);
    }
    rows("search, all facets", &mut samples);
    println!("answered: {:.1} %", 100.0 * found as f64 / (asked.mix.len() * asked.runs) as f64);
    worst.sort_unstable();
    for (took, total, text) in worst.iter().rev().take(if slowest { 40 } else { 0 }) {
        println!("  {took:>10.1?} {total:>8} {text}");
    }
    Ok(())
}

async fn answer(search: &Search, text: &str) -> Result<u64, String> {
    let query = Query { facets: Facet::ALL.to_vec(), ..Query::text(text) };
    let answer = search.query(&query).await.map_err(|error| error.to_string())?;
    Ok(answer.total)
}

async fn suggestions(search: &Search, asked: &Asked) -> Result<(), String> {
    let mut samples = Vec::new();
    for _ in 0..asked.runs {
        let mut sample = Vec::with_capacity(asked.beginnings.len());
        for text in &asked.beginnings {
            let suggest = Suggest { text: text.clone(), kinds: Vec::new(), limit: SUGGESTIONS };
            let begun = Instant::now();
            search.suggest(&suggest).await.map_err(|error| error.to_string())?;
            sample.push(begun.elapsed());
        }
        samples.push(sample);
    }
    rows("suggest", &mut samples);
    Ok(())
}

/// What the system says of this process.
fn memory() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let megabytes = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name))?;
        Some(line.split_whitespace().nth(1)?.parse::<f64>().ok()? / 1e3)
    };
    let (all, own) = (megabytes("VmRSS"), megabytes("RssAnon"));
    println!(
        "memory: {:.0} MB resident, {:.0} MB of it without mapped files",
        all.unwrap_or_default(),
        own.unwrap_or_default()
    );
}

/// A folder that goes with the measurement.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("sangraha-bench-{}", std::process::id())))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let path: &Path = &self.0;
        let _ = std::fs::remove_dir_all(path);
    }
}
