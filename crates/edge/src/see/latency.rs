//! How long requests took, in buckets that are counted without a lock.

use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Each bucket ends at twice the time of the one before: 16 µs, 32 µs, … 34 s; longer ones are in the last.
const BUCKETS: usize = 23;
const FIRST_US: u64 = 16;

/// A histogram of times; clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Latency(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    buckets: [AtomicU64; BUCKETS],
    sum_us: AtomicU64,
}

impl Latency {
    pub(crate) fn observe(&self, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.0.buckets[bucket(us)].fetch_add(1, Ordering::Relaxed);
        self.0.sum_us.fetch_add(us, Ordering::Relaxed);
    }
}

fn bucket(us: u64) -> usize {
    let doublings =
        us.saturating_sub(1).checked_div(FIRST_US).unwrap_or(0).checked_ilog2().map_or(0, |log| log + 1);
    usize::try_from(doublings).unwrap_or(BUCKETS).min(BUCKETS - 1)
}

impl EncodeMetric for Latency {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), fmt::Error> {
        let end_s = |index: usize| match index {
            _ if index == BUCKETS - 1 => f64::INFINITY,
            _ => Duration::from_micros(FIRST_US << index).as_secs_f64(),
        };
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let buckets: Vec<(f64, u64)> =
            self.0.buckets.iter().enumerate().map(|(index, count)| (end_s(index), load(count))).collect();
        let count = buckets.iter().map(|(_, count)| count).sum();
        let sum_s = Duration::from_micros(load(&self.0.sum_us)).as_secs_f64();
        encoder.encode_histogram::<NoLabelSet>(sum_s, count, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::metrics::Metrics;

    #[test]
    fn a_time_is_in_the_first_bucket_that_it_fits() {
        let table =
            [(0, 0), (16, 0), (17, 1), (32, 1), (33, 2), (1_000, 6), (34_000_000, 22), (u64::MAX, 22)];
        for (us, expected) in table {
            assert_eq!(bucket(us), expected, "{us} µs");
        }
    }

    #[test]
    fn it_is_told_as_a_histogram() {
        let metrics = Metrics::default();
        let latency = metrics.register("edge_latency_seconds", "From head to head", Latency::default());
        for us in [5, 20, 20, 90_000_000] {
            latency.observe(Duration::from_micros(us));
        }
        let text = metrics.encode();
        let counts: Vec<&str> = text
            .lines()
            .filter(|line| line.contains("edge_latency_seconds_bucket"))
            .filter_map(|line| line.rsplit_once(' ').map(|(_, count)| count))
            .collect();
        assert_eq!((counts[0], counts[1], counts.len()), ("1", "3", BUCKETS), "{text}");
        assert!(text.contains("le=\"+Inf\"} 4") && text.contains("edge_latency_seconds_count 4"), "{text}");
    }
}
