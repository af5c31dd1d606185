//! `cargo xtask ci`: every check in order, each named and timed, stopping at the first that fails.

use crate::{command, opensearch, tidy};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Runs the whole list. The answer is the closing line.
pub fn run(root: &Path) -> Result<String, String> {
    let started = Instant::now();
    let mut tests = Tests::default();
    step("fmt", || command::cargo(root, &["fmt", "--all", "--check"], &[]))?;
    step("tidy", || tidy::run(root).map(|line| println!("{line}")))?;
    step("clippy", || {
        command::cargo(
            root,
            &["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"],
            &[],
        )
    })?;
    step("doc", || {
        command::cargo(
            root,
            &["doc", "--workspace", "--no-deps", "--quiet"],
            &[("RUSTDOCFLAGS", "-D warnings")],
        )
    })?;
    let tested = step("test", || test(root, &mut tests));
    println!(
        "test: {} passed, {} failed, {} ignored in {} binaries",
        tests.passed, tests.failed, tests.ignored, tests.binaries
    );
    tested?;
    Ok(format!("ci: everything passed in {} ({} tests)", human(started.elapsed()), tests.passed))
}

fn step(name: &str, work: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    println!("== {name}");
    let started = Instant::now();
    let outcome = work();
    let word = if outcome.is_ok() { "ok" } else { "FAILED" };
    println!("== {name}: {word} in {}", human(started.elapsed()));
    outcome.map_err(|error| format!("ci: stopped at `{name}`: {error}"))
}

#[derive(Default)]
struct Tests {
    binaries: u32,
    passed: u64,
    failed: u64,
    ignored: u64,
}

/// `cargo test` of the whole workspace, its lines passed on and the closing line of each binary added up.
fn test(root: &Path, tests: &mut Tests) -> Result<(), String> {
    // It starts while the tests compile.
    let opensearch = opensearch::start(root);
    let mut child = Command::new("cargo")
        .args(["test", "--workspace", "--no-fail-fast"])
        // The same cases each time: what they find, they find for whoever changed something.
        .env("PROPTEST_RNG_SEED", "1")
        .envs(opensearch.iter().map(opensearch::OpenSearch::environment))
        .current_dir(root)
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cargo could not be started: {error}"))?;
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            println!("{line}");
            tests.count(&line);
        }
    }
    let status = child.wait().map_err(|error| format!("cargo test was lost: {error}"))?;
    match (status.success(), tests.ignored) {
        (false, _) => Err(format!("cargo test failed ({status})")),
        (true, 0) => Ok(()),
        (true, ignored) => Err(format!("{ignored} tests are ignored; a test runs or does not exist")),
    }
}

impl Tests {
    /// Reads `test result: ok. 12 passed; 0 failed; 1 ignored; …`; other lines count for nothing.
    fn count(&mut self, line: &str) {
        let Some(rest) = line.strip_prefix("test result: ") else { return };
        let number_before = |word: &str| -> u64 {
            let words: Vec<&str> = rest.split([' ', ';', '.']).filter(|part| !part.is_empty()).collect();
            let at = words.iter().position(|part| *part == word).unwrap_or(0);
            at.checked_sub(1).and_then(|before| words[before].parse().ok()).unwrap_or(0)
        };
        self.binaries += 1;
        self.passed += number_before("passed");
        self.failed += number_before("failed");
        self.ignored += number_before("ignored");
    }
}

fn human(duration: Duration) -> String {
    match duration.as_secs() {
        0..=59 => format!("{:.1} s", duration.as_secs_f64()),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_are_added_up() {
        let mut tests = Tests::default();
        tests.count(
            "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s",
        );
        tests.count("test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out");
        tests.count("test something ... ok");
        assert_eq!((tests.binaries, tests.passed, tests.failed, tests.ignored), (2, 15, 2, 1));
    }

    #[test]
    fn durations_are_said_in_minutes_when_long() {
        assert_eq!(human(Duration::from_millis(1_500)), "1.5 s");
        assert_eq!(human(Duration::from_secs(125)), "2 min 5 s");
    }
}
