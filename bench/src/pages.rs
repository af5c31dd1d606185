//! The time of each type of page, at a steady rate of requests.

use crate::client::Client;
use crate::steady;
use crate::table::{latency_header, latency_row};
use clap::Args;
use std::time::Duration;

/// Entities of a kind whose pages are read in turn.
const ENTITIES_MAX: usize = 50;
const SCRIPTS: [&str; 6] = ["latin", "devanagari", "tamil", "telugu", "kannada", "malayalam"];
/// Kinds with a page for each entity.
const KINDS: [&str; 8] =
    ["compositions", "ragas", "talas", "composers", "deities", "temples", "places", "groups"];
/// Pages with one address, but for the script.
const SINGLE: [&str; 7] =
    ["/", "/compositions", "/ragas", "/melakartas", "/browse/compositions?letter=A", "/about", "/favourites"];
/// What is searched for, in turn.
const SEARCHES: [&str; 8] = [
    "/search",
    "/search?q=endaro",
    "/search?q=vatapi",
    "/search?q=tyagaraja+todi",
    "/search?q=mohanam",
    "/search?q=%E0%AE%95%E0%AE%B2%E0%AF%8D%E0%AE%AF%E0%AE%BE%E0%AE%A3%E0%AE%BF",
    "/search?q=brova+barama",
    "/search?composer=tyagaraja",
];

/// What to read, how often, and for how long.
#[derive(Args)]
pub struct Options {
    /// Base URL of a node or an edge, such as http://127.0.0.1:7410
    #[arg(long)]
    base: String,
    /// Requests a second.
    #[arg(long, default_value_t = 100)]
    rate: u32,
    /// Seconds for each type of page.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Longest p95 in milliseconds that is not marked.
    #[arg(long, default_value_t = 20.0)]
    p95_ms_max: f64,
}

pub async fn run(options: Options) -> Result<(), String> {
    let client = Client::new(None);
    latency_header();
    let mut slow = Vec::new();
    for (name, paths) in types(&client, &options.base).await? {
        let urls: Vec<String> = paths.iter().flat_map(|path| faces(&options.base, path)).collect();
        // The first reading of each opens connections and fills what a node keeps of every page alike.
        for url in urls.iter().take(SCRIPTS.len()) {
            page(&client, url).await?;
        }
        let asked = steady::ask(options.rate, Duration::from_secs(options.seconds), |count| {
            let (client, url) = (client.clone(), urls[count % urls.len()].clone());
            async move { page(&client, &url).await }
        });
        let mut sample = asked.await?;
        let p95_ms = latency_row(&name, &mut sample);
        if p95_ms > options.p95_ms_max {
            slow.push(name);
        }
    }
    let limit = options.p95_ms_max;
    println!("p95 beyond {limit} ms: {}", if slow.is_empty() { "none".to_owned() } else { slow.join(", ") });
    Ok(())
}

/// Each type of page with the addresses that are read of it.
async fn types(client: &Client, base: &str) -> Result<Vec<(String, Vec<String>)>, String> {
    let mut types: Vec<(String, Vec<String>)> =
        SINGLE.iter().map(|path| ((*path).to_owned(), vec![(*path).to_owned()])).collect();
    types.push(("/search".to_owned(), SEARCHES.map(str::to_owned).to_vec()));
    for kind in KINDS {
        let list = client.get(&format!("{base}/v1/{kind}?limit={ENTITIES_MAX}")).await?.json()?;
        let items = list["items"].as_array().ok_or_else(|| format!("/v1/{kind} has no items"))?;
        let slugs = items.iter().filter_map(|item| item["slug"].as_str());
        let paths: Vec<String> = slugs.map(|slug| format!("/{kind}/{slug}")).collect();
        if !paths.is_empty() {
            types.push((format!("/{kind}/…"), paths));
        }
    }
    Ok(types)
}

/// An address in every script.
fn faces(base: &str, path: &str) -> Vec<String> {
    let joint = if path.contains('?') { '&' } else { '?' };
    SCRIPTS.iter().map(|script| format!("{base}{path}{joint}script={script}")).collect()
}

async fn page(client: &Client, url: &str) -> Result<(), String> {
    let answer = client.get(url).await?;
    if answer.status.is_success() { Ok(()) } else { Err(format!("{url}: {}", answer.status)) }
}
