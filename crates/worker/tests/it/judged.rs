//! Relevance: judged queries over the starter catalogue, with a floor that must hold.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use worker::evaluate::{self, Evaluation};
use worker::load::offline;

/// What was reached, with a little room for a catalogue that grows.
const MICRO_MRR_MIN: f64 = 0.985;
const RECALL_10_MIN: f64 = 0.99;
const KIND_MRR_MIN: f64 = 0.95;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

async fn evaluated() -> Evaluation {
    let documents = offline::documents(&[root().join("catalogue")]).unwrap();
    let text = std::fs::read_to_string(root().join("crates/search/judged/starter.jsonl")).unwrap();
    let queries = evaluate::queries(&text).unwrap();
    assert!(queries.len() >= 300);
    evaluate::over(&documents, queries, &std::env::temp_dir()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn judged_queries_are_answered_as_well_as_before() {
    let evaluation = evaluated().await;
    println!("{}{}", evaluation.table(), evaluation.misses().join("\n"));
    let accepted = std::fs::read_to_string(root().join("crates/search/judged/accepted.json")).unwrap();
    let accepted: BTreeMap<String, usize> = serde_json::from_str(&accepted).unwrap();
    let changes = evaluation.changes(&accepted);
    let lost: Vec<&String> = changes.iter().filter(|change| change.ends_with("lost")).collect();
    assert!(lost.is_empty(), "queries were lost: {lost:#?}");
    let micro = evaluation.micro();
    assert!(micro.mrr >= MICRO_MRR_MIN, "micro MRR@10 {:.3}; {changes:#?}", micro.mrr);
    assert!(micro.recall_10 >= RECALL_10_MIN, "recall@10 {:.3}; {changes:#?}", micro.recall_10);
    for (kind, figures) in evaluation.kinds() {
        assert!(figures.mrr >= KIND_MRR_MIN, "{kind}: MRR@10 {:.3}; {changes:#?}", figures.mrr);
    }
    assert!(evaluation.no_match() == 0.0, "foreign text was answered without a warning");
}
