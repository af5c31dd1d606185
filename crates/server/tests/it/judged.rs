//! Relevance where there is no index: the database answers judged queries by the same reading.

use domain::metrics::Metrics;
use search::{OpenSearchConfig, Search};
use std::path::{Path, PathBuf};
use store::ReadPolicy;
use testkit::{database, fixtures};
use worker::evaluate::{self, Facts};
use worker::load::{Options, Plan, load, offline};

/// Kinds that need neither lyrics nor a look at what is only similar.
const KEPT: [&str; 13] = [
    "exact_title",
    "prefix",
    "raga_alias",
    "composer_alias",
    "field_combo",
    "scheme_hk",
    "scheme_iast",
    "scheme_iso15919",
    "scheme_itrans",
    "script_devanagari",
    "script_kannada",
    "script_malayalam",
    "script_telugu",
];
const MICRO_MRR_MIN: f64 = 0.97;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// An index that nobody has ever reached.
async fn nowhere() -> Search {
    let nowhere = OpenSearchConfig::new("http://127.0.0.1:1".parse().unwrap(), "nowhere");
    Search::open(&search::Config::OpenSearch(nowhere), &Metrics::default()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn judged_queries_are_answered_from_the_database_alone() {
    let Some(database) = database::fresh().await else { return };
    let opened = database::open(&database.config(), fixtures::clock(), Metrics::default()).await;
    let writer = opened.store.writer.as_ref().unwrap();
    let plan = Plan::of(&root().join("catalogue")).unwrap();
    load(writer, &plan, Options::default(), &|_| ()).await.unwrap();
    let read = opened.store.reader.read(ReadPolicy::AtLeast { lsn: 0, wait_ms: 20_000 }).await.unwrap();
    let facts = Facts::of(&offline::stored(&read).await.unwrap());
    let text = std::fs::read_to_string(root().join("crates/search/judged/starter.jsonl")).unwrap();
    let mut queries = evaluate::queries(&text).unwrap();
    queries.retain(|judged| KEPT.contains(&judged.kind.as_str()));
    assert!(queries.len() > 150);
    let (search, fallback) = (nowhere().await, public::Fallback::new(&read));
    let ask = async |query: &search::Query| {
        let answer = search.query_elsewhere(&fallback, query).await?;
        assert!(answer.degraded, "an answer from elsewhere says so");
        Ok(answer)
    };
    let evaluation = evaluate::run(ask, &facts, queries).await.unwrap();
    println!("{}{}", evaluation.table(), evaluation.misses().join("\n"));
    let micro = evaluation.micro();
    assert!(micro.mrr >= MICRO_MRR_MIN, "micro MRR@10 {:.3}", micro.mrr);
    for (kind, figures) in evaluation.kinds() {
        // A scheme may spell a letter as no other does: that is likeness, which the database does not know.
        let is_name = kind.starts_with("script") || kind == "exact_title";
        assert!(!is_name || figures.mrr == 1.0, "{kind}: MRR@10 {:.3}", figures.mrr);
    }
}
