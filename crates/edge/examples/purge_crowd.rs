//! What it costs to purge one key that many objects carry, beside few:
//! `cargo run --release -p edge --example purge_crowd -- [OBJECTS ...]`; a million take about 2 GiB of memory.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for people")]

use edge::model::crowd;
use std::process::ExitCode;
use std::time::Duration;

/// Purges of each crowd.
const ROUNDS: u64 = 1_000;

fn main() -> ExitCode {
    let asked: Result<Vec<u64>, _> = std::env::args().skip(1).map(|text| text.parse()).collect();
    let Ok(mut crowds) = asked else {
        eprintln!("usage: purge_crowd [OBJECTS ...]");
        return ExitCode::from(2);
    };
    if crowds.is_empty() {
        crowds = vec![1_000, 1_000_000];
    }
    println!(
        "{:>10} {:>9}   {:>19} {:>19} {:>19}",
        "objects", "MiB", "hit before, µs", "purge, µs", "look-up after, µs"
    );
    println!("{:>10} {:>9}   {:>19} {:>19} {:>19}", "", "", "p50 / p99", "p50 / p99", "p50 / p99");
    for objects in crowds {
        let figures = crowd::run(objects, ROUNDS);
        println!(
            "{:>10} {:>9}   {:>19} {:>19} {:>19}",
            figures.objects,
            figures.bytes >> 20,
            shares(figures.hits),
            shares(figures.purges),
            shares(figures.misses)
        );
    }
    ExitCode::SUCCESS
}

/// The median and the 99th percentile in microseconds.
fn shares(mut sample: Vec<Duration>) -> String {
    sample.sort_unstable();
    let at =
        |share: usize| sample.get(sample.len() * share / 100).map_or(0.0, |took| took.as_secs_f64() * 1e6);
    format!("{:.2} / {:.2}", at(50), at(99))
}
