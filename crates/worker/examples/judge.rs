//! How well the search does over several catalogues, without a platform and without the whole binary:
//!
//! `cargo run -p worker --example judge -- QUERIES [--misses] FOLDERS…`
//!
//! `QUERIES` holds judged queries, one JSON object a line. Each `FOLDERS` is one run, over the catalogue
//! folders in it, joined by `+` in the order of loading: `catalogue`, `tables`, `catalogue+tables`.

#![expect(clippy::print_stdout, reason = "a table for a person is what it is for")]

use std::error::Error;
use std::path::PathBuf;
use worker::evaluate;
use worker::load::offline;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let queries = arguments.next().ok_or("judge QUERIES [--misses] FOLDERS…")?;
    let (options, runs): (Vec<String>, Vec<String>) = arguments.partition(|it| it.starts_with("--"));
    let queries = evaluate::queries(&std::fs::read_to_string(queries)?)?;
    for run in runs {
        let folders: Vec<PathBuf> = run.split('+').map(PathBuf::from).collect();
        let documents = offline::documents(&folders)?;
        let evaluation = evaluate::over(&documents, queries.clone(), &std::env::temp_dir()).await?;
        println!("{run}: {} documents\n{}", documents.changes.len(), evaluation.table());
        if options.iter().any(|option| option == "--misses") {
            evaluation.misses().iter().for_each(|miss| println!("{miss}"));
        }
    }
    Ok(())
}
