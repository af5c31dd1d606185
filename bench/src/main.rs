//! Measurements: over HTTP against a platform that is running, how long a publish takes to reach readers and
//! how many details a node serves; in this process, how fast a search is. Prints tables; asserts nothing.

#![expect(clippy::print_stdout, reason = "a table on the terminal is what this program is for")]

mod client;
mod detail;
mod edges;
mod pages;
mod publish;
mod relevance;
mod searches;
mod steady;
mod swap;
mod table;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Measures a running platform, or the search alone.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Publishes one change after another and waits for each to reach region A's API and region B's edge.
    Publish(publish::Options),
    /// Reads details as fast as the connections allow.
    Detail(detail::Options),
    /// Reads every type of page at a steady rate.
    Pages(pages::Options),
    /// Searches generated works, and an OpenSearch with the same works beside it.
    Search(searches::Options),
    /// Searches at a steady rate while indexes are built anew and swapped.
    Swap(swap::Options),
    /// Searches and suggestions of a node of a running platform, over HTTP.
    SearchHttp(searches::http::Options),
    /// Judged queries, answered by the search and by the means at hand.
    Relevance(relevance::Options),
    /// Purges through the admin API, until five edges of two regions no longer show what was purged.
    EdgePurge(edges::purge::Options),
    /// The same while the second region is cut off from the log of purges, and after it.
    EdgePartition(edges::partition::Options),
    /// Four edges that share a quota, one of them killed and one cut off.
    EdgeQuota(edges::quota::Options),
    /// What a cache on disk still has after a restart.
    EdgeRestart(edges::restart::Options),
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match Arguments::parse().what {
        What::Publish(options) => publish::run(options).await,
        What::Detail(options) => detail::run(options).await,
        What::Pages(options) => pages::run(options).await,
        What::Search(options) => searches::run(options).await,
        What::Swap(options) => swap::run(options).await,
        What::SearchHttp(options) => searches::http::run(options).await,
        What::Relevance(options) => relevance::run(options).await,
        What::EdgePurge(options) => edges::purge::run(options).await,
        What::EdgePartition(options) => edges::partition::run(options).await,
        What::EdgeQuota(options) => edges::quota::run(options).await,
        What::EdgeRestart(options) => edges::restart::run(options).await,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            println!("{reason}");
            ExitCode::FAILURE
        }
    }
}
