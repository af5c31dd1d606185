//! Searches a second of one node over HTTP, the client on the same machine: the queries are made from the songs
//! that the node has, in the proportions of the judged kinds. A node keeps no answer to a search.

use super::queries::{self, Song};
use super::words::{Chance, Zipf};
use super::{median, rows};
use crate::client::Client;
use clap::Args;
use serde_json::Value;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// The facets that are counted: all.
const FACETS: &str = "raga,mela,composer,tala,language,form,deity,temple,tag,group";
/// Songs of one page of a list.
const PAGE_SONGS: usize = 100;
/// Songs whose words are read, for queries that are lines of them.
const WITH_LINES: usize = 200;

/// What to ask, and for how long.
#[derive(Args)]
pub struct Options {
    /// Base URL of a node, such as http://127.0.0.1:7410
    #[arg(long)]
    base: String,
    /// Different queries.
    #[arg(long, default_value_t = 5_000)]
    queries: usize,
    /// Hits of an answer.
    #[arg(long, default_value_t = 20)]
    limit: usize,
    /// Queries are the same for one seed and catalogue.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Connections.
    #[arg(long, default_value_t = 8)]
    connections: usize,
    /// Seconds of one run.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Runs.
    #[arg(long, default_value_t = 3)]
    runs: usize,
}

pub async fn run(options: Options) -> Result<(), String> {
    let client = Client::new(None);
    let base = options.base.trim_end_matches('/');
    let songs = songs(&client, base).await?;
    println!(
        "{} songs at {base}, {} queries with all facets, {} hits",
        songs.len(),
        options.queries,
        options.limit
    );
    let use_of = Zipf::of(songs.len(), 0.8);
    let sought = |chance: &mut Chance| songs[use_of.draw(chance)].clone();
    let searches = queries::mix(sought, options.seed + 1, options.queries);
    let limit = options.limit;
    let search =
        |text: &String| format!("{base}/v1/search?facets={FACETS}&limit={limit}&q={}", encoded(text));
    let suggest = |text: &String| format!("{base}/v1/suggest?q={}", encoded(text));
    let searches: Vec<String> = searches.iter().map(search).collect();
    let beginnings = queries::beginnings(sought, options.seed + 3, options.queries);
    let suggests: Vec<String> = beginnings.iter().map(suggest).collect();
    measure(&client, "searches", searches, &options).await?;
    measure(&client, "suggestions", suggests, &options).await
}

async fn measure(client: &Client, what: &str, urls: Vec<String>, options: &Options) -> Result<(), String> {
    let urls = Arc::new(urls);
    load(client, &urls, options.connections, Duration::from_secs(2)).await?;
    let (mut samples, mut rates) = (Vec::new(), Vec::new());
    for _ in 0..options.runs {
        let begun = Instant::now();
        let sample = load(client, &urls, options.connections, Duration::from_secs(options.seconds)).await?;
        rates.push(sample.len() as f64 / begun.elapsed().as_secs_f64());
        samples.push(sample);
    }
    rows(&format!("{what}, {} connections", options.connections), &mut samples);
    println!("{:.0} {what}/s (median)", median(rates));
    // One at a time nobody waits for another's turn at a core: this is the time that the work takes.
    let mut alone = [load(client, &urls, 1, Duration::from_secs(options.seconds)).await?];
    rows(&format!("{what}, one at a time"), &mut alone);
    Ok(())
}

/// Asks in turn over so many connections, and gives back how long each answer took.
async fn load(
    client: &Client,
    urls: &Arc<Vec<String>>,
    connections: usize,
    run_for: Duration,
) -> Result<Vec<Duration>, String> {
    let (next, until) = (Arc::new(AtomicUsize::new(0)), Instant::now() + run_for);
    let mut running = JoinSet::new();
    for _ in 0..connections {
        let (client, urls, next) = (client.clone(), Arc::clone(urls), Arc::clone(&next));
        running.spawn(async move {
            let mut sample = Vec::new();
            while Instant::now() < until {
                let url = &urls[next.fetch_add(1, Ordering::Relaxed) % urls.len()];
                let begun = Instant::now();
                let answer = client.get(url).await?;
                sample.push(begun.elapsed());
                if !answer.status.is_success() {
                    return Err(format!("{url}: {}", answer.status));
                }
            }
            Ok::<_, String>(sample)
        });
    }
    let mut all = Vec::new();
    while let Some(task) = running.join_next().await {
        all.extend(task.map_err(|error| error.to_string())??);
    }
    Ok(all)
}

/// All songs of the node, with the names that people search by.
async fn songs(client: &Client, base: &str) -> Result<Vec<Song>, String> {
    let mut songs = Vec::new();
    let mut cursor = String::new();
    loop {
        let url = format!("{base}/v1/compositions?script=latin&limit={PAGE_SONGS}{cursor}");
        let page = client.get(&url).await?.json()?;
        for item in page["items"].as_array().into_iter().flatten() {
            let mut song = song(item);
            if songs.len() < WITH_LINES {
                song.lines = lines(client, base, item).await?;
            }
            songs.push(song);
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={}", encoded(next)),
            None if songs.is_empty() => return Err("there is no song to search for".to_owned()),
            None => return Ok(songs),
        }
    }
}

fn song(item: &Value) -> Song {
    let name = |label: &Value| label["label"].as_str().unwrap_or_default().to_owned();
    Song {
        title: item["title"].as_str().unwrap_or_default().to_owned(),
        raga: name(&item["ragas"][0]),
        composer: name(&item["composer"]),
        tala: name(&item["talas"][0]),
        lines: Vec::new(),
    }
}

async fn lines(client: &Client, base: &str, item: &Value) -> Result<Vec<String>, String> {
    let id = item["id"].as_str().unwrap_or_default();
    let url = format!("{base}/v1/compositions/{id}?fields=texts&scheme=iso15919");
    let detail = client.get(&url).await?.json()?;
    let sections = detail["texts"][0]["sections"].as_array().into_iter().flatten();
    let lines = sections.flat_map(|section| section["lines"].as_array().into_iter().flatten());
    Ok(lines.filter_map(|line| line.as_str().map(str::to_owned)).collect())
}

/// Percent encoding of all but letters and digits.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len() * 3), |mut all, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => all.push(char::from(byte)),
            _ => drop(write!(all, "%{byte:02X}")),
        }
        all
    })
}
