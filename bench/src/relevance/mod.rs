//! What people find, beside what they find with the means at hand: the trigrams of PostgreSQL, and Tantivy with
//! its own tokenizer. Every engine holds the same works and answers the same judged queries in the same run.

mod means;
mod own;

use clap::Args;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use worker::evaluate::{self, Facts, Judged};
use worker::load::offline;

/// Hits that are looked at.
const HITS: usize = 10;

/// What is judged, and where.
#[derive(Args)]
pub struct Options {
    /// Judged queries, one JSON object a line.
    #[arg(long, value_name = "FILE")]
    queries: PathBuf,
    /// Catalogue folders, in the order of loading.
    #[arg(long, value_name = "DIR")]
    catalogue: Vec<PathBuf>,
    /// Folder of the socket of an empty PostgreSQL that trusts the user `postgres`.
    #[arg(long, value_name = "DIR")]
    postgres: Option<String>,
    /// An OpenSearch.
    #[arg(long, value_name = "ADDRESS")]
    opensearch: Option<SocketAddr>,
}

/// What an engine made of a query.
struct Rank {
    /// Place of the first right hit, from 1; none among the first ten.
    first_right: Option<usize>,
    /// Hits without a warning.
    unflagged: bool,
}

type Engine = (&'static str, Vec<Rank>);

pub async fn run(options: Options) -> Result<(), String> {
    let text = std::fs::read_to_string(&options.queries).map_err(|error| error.to_string())?;
    let queries = evaluate::queries(&text).map_err(|error| error.to_string())?;
    let offline = offline::documents(&options.catalogue).map_err(|error| error.to_string())?;
    let facts = Facts::of(&offline);
    let mut engines: Vec<Engine> = vec![("Sangraha", own::by_tantivy(&offline, &queries).await?)];
    if let Some(at) = options.opensearch {
        engines.push(("on OpenSearch", own::by_opensearch(at, &offline, &queries).await?));
    }
    if let Some(socket) = &options.postgres {
        engines.push((
            "without an index",
            own::by_database(socket, &options.catalogue, &offline, &queries).await?,
        ));
    }
    let plain = means::plain(&offline);
    let found = means::by_tantivy(&plain, &queries).map_err(|error| error.to_string())?;
    engines.push(("plain Tantivy", means::ranks(&found, &queries, &facts)));
    if let Some(socket) = &options.postgres {
        let found = means::by_trigrams(socket, &plain, &queries)?;
        engines.push(("pg_trgm", means::ranks(&found, &queries, &facts)));
    }
    table(&queries, &facts, &engines);
    Ok(())
}

/// MRR@10 and recall@10 of each engine, by kind.
fn table(queries: &[Judged], facts: &Facts, engines: &[Engine]) {
    let mut kinds: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let (all, without): (Vec<usize>, Vec<usize>) =
        (0..queries.len()).partition(|at| !facts.relevant(&queries[*at]).is_empty());
    for at in &all {
        kinds.entry(&queries[*at].kind).or_default().push(*at);
    }
    let row = |name: &str, count: usize, cells: Vec<String>| {
        println!("| {name} | {count} | {} |", cells.join(" | "))
    };
    let cells = |these: &[usize], figure: fn(&[&Rank]) -> String| -> Vec<String> {
        let of = |ranks: &Vec<Rank>| figure(&these.iter().map(|at| &ranks[*at]).collect::<Vec<_>>());
        engines.iter().map(|(_, ranks)| of(ranks)).collect()
    };
    row("MRR@10 / recall@10", all.len(), engines.iter().map(|(name, _)| (*name).to_owned()).collect());
    println!("|---|--:|{}", "--:|".repeat(engines.len()));
    for (kind, these) in &kinds {
        row(kind, these.len(), cells(these, found));
    }
    row("all", all.len(), cells(&all, found));
    row("no answer, and hits without a warning", without.len(), cells(&without, unflagged));
}

fn found(ranks: &[&Rank]) -> String {
    let count = ranks.len().max(1) as f64;
    let right = || ranks.iter().filter_map(|rank| rank.first_right);
    let reciprocal = right().fold(0.0, |sum, rank| sum + 1.0 / rank as f64);
    format!("{:.3} / {:.3}", reciprocal / count, right().count() as f64 / count)
}

fn unflagged(ranks: &[&Rank]) -> String {
    let told = ranks.iter().filter(|rank| rank.unflagged).count();
    format!("{:.2}", told as f64 / ranks.len().max(1) as f64)
}
