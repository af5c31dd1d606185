//! `sangraha search eval`: how well the search finds what people mean, over catalogue folders, without a
//! platform.

use crate::{Error, terminal};
use clap::Args;
use search::OpenSearchConfig;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use worker::evaluate::{self, Evaluation};
use worker::load::offline;

/// Beginning of the names of indexes that are evaluated on OpenSearch.
const EVALUATED_INDEX: &str = "sangraha-evaluated";
/// Longest time for one of their queries.
const QUERY_MS_MAX: u64 = 60_000;

/// What is evaluated.
#[derive(Args)]
pub struct Eval {
    /// Judged queries, one JSON object a line
    #[arg(long, value_name = "FILE")]
    queries: PathBuf,
    /// Catalogue folders to search in, in the order of loading [default: the folder `catalogue`]
    #[arg(long, value_name = "DIR")]
    catalogue: Vec<PathBuf>,
    /// Evaluate on this OpenSearch instead of the embedded engine, in an index made for it that stays there
    #[arg(long, value_name = "URL")]
    opensearch: Option<url::Url>,
    /// The places of an accepted run, to compare with
    #[arg(long, value_name = "FILE")]
    accepted: Option<PathBuf>,
    /// Write the places of this run there, as the accepted ones
    #[arg(long, value_name = "FILE")]
    accept: Option<PathBuf>,
    /// List every query whose first hit is not a right one
    #[arg(long)]
    misses: bool,
}

/// Prints figures by kind and what changed against the accepted run. Fails when a query was lost.
pub async fn run(eval: Eval) -> Result<(), Error> {
    let text = read(&eval.queries)?;
    let queries = evaluate::queries(&text).map_err(Error::part("Reading the judged queries"))?;
    let folders =
        if eval.catalogue.is_empty() { vec![PathBuf::from("catalogue")] } else { eval.catalogue.clone() };
    let offline = offline::documents(&folders).map_err(Error::part("Reading the catalogue"))?;
    let evaluated = match &eval.opensearch {
        None => evaluate::over(&offline, queries, &std::env::temp_dir()).await,
        Some(url) => evaluate::in_index(&on_servers(url), &offline, queries).await,
    };
    let evaluation = evaluated.map_err(Error::part("Searching"))?;
    terminal::say(evaluation.table());
    if eval.misses {
        evaluation.misses().iter().for_each(terminal::say);
    }
    compare(&eval, &evaluation)
}

/// An index that no platform uses. A busy server must not cut an answer short.
fn on_servers(url: &url::Url) -> search::Config {
    let config = OpenSearchConfig::new(url.clone(), EVALUATED_INDEX);
    search::Config::OpenSearch(OpenSearchConfig { query_ms_max: QUERY_MS_MAX, ..config })
}

fn compare(eval: &Eval, evaluation: &Evaluation) -> Result<(), Error> {
    let mut lost = 0;
    if let Some(accepted) = &eval.accepted {
        let places: BTreeMap<String, usize> =
            serde_json::from_str(&read(accepted)?).map_err(Error::part("Reading the accepted run"))?;
        for change in evaluation.changes(&places) {
            lost += usize::from(change.ends_with("lost"));
            terminal::say(change);
        }
    }
    if let Some(accept) = &eval.accept {
        let mut text = String::from("{\n");
        let ranks = evaluation.ranks();
        for (at, (qid, rank)) in ranks.iter().enumerate() {
            let comma = if at + 1 < ranks.len() { "," } else { "" };
            let _ = writeln!(text, "  {}: {rank}{comma}", serde_json::Value::from(qid.as_str()));
        }
        text.push_str("}\n");
        std::fs::write(accept, text).map_err(Error::file("writing the accepted run", accept))?;
    }
    if lost == 0 { Ok(()) } else { Err(Error::Found(format!("{lost} queries find nothing right any more"))) }
}

fn read(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(Error::file("reading", path))
}
