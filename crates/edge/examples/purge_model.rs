//! Random histories of purges against a naive cache, as many as one likes:
//! `cargo run --release -p edge --example purge_model -- 100000 [first seed]`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for people")]

use edge::model::{Plan, run};
use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    let mut numbers = std::env::args().skip(1).map(|text| text.parse::<u64>());
    let mut number = |default: u64| numbers.next().unwrap_or(Ok(default));
    let (Ok(histories), Ok(first_seed)) = (number(100_000), number(1)) else {
        eprintln!("usage: purge_model [HISTORIES [FIRST SEED]]");
        return ExitCode::from(2);
    };
    let began = Instant::now();
    match run(Plan { first_seed, histories, careless: false }) {
        Ok(counts) => {
            println!(
                "seeds {first_seed} to {}: no answer older than an acknowledged purge",
                first_seed + histories - 1
            );
            println!("{counts:#?}");
            println!("{:.1} s", began.elapsed().as_secs_f64());
            ExitCode::SUCCESS
        }
        Err(stale) => {
            eprintln!("{stale}");
            ExitCode::FAILURE
        }
    }
}
