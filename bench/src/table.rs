//! Percentiles of a sample, as a row.

use std::time::Duration;

/// Prints one row: name, count, p50, p95, p99 and maximum in milliseconds; answers the p95.
pub fn latency_row(name: &str, sample: &mut [Duration]) -> f64 {
    sample.sort_unstable();
    let at = |share: f64| {
        let index = ((sample.len() as f64 * share).ceil() as usize).clamp(1, sample.len().max(1)) - 1;
        sample.get(index).map_or(0.0, |duration| duration.as_secs_f64() * 1_000.0)
    };
    let (count, p95_ms) = (sample.len(), at(0.95));
    println!("{name:<44} {count:>7} {:>9.2} {p95_ms:>9.2} {:>9.2} {:>9.2}", at(0.5), at(0.99), at(1.0));
    p95_ms
}

/// The header above latency rows.
pub fn latency_header() {
    println!("{:<44} {:>7} {:>9} {:>9} {:>9} {:>9}", "", "count", "p50 ms", "p95 ms", "p99 ms", "max ms");
}
