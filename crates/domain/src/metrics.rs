//! Metrics: one registry a process, handed to every component at its birth.

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Metric, Registry};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A shared registry; every name gets the prefix `sangraha_`. Labels are bounded enumerations, never ids.
#[derive(Clone, Debug)]
pub struct Metrics(Arc<Mutex<Registry>>);

impl Default for Metrics {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Registry::with_prefix("sangraha"))))
    }
}

impl Metrics {
    /// Registers `metric` under `name` and gives it back for use. `help` is a sentence without its full stop.
    pub fn register<M: Metric + Clone>(&self, name: &str, help: &str, metric: M) -> M {
        self.registry().register(name, help, metric.clone());
        metric
    }

    /// A counter without labels.
    pub fn counter(&self, name: &str, help: &str) -> Counter {
        self.register(name, help, Counter::default())
    }

    /// A gauge without labels.
    pub fn gauge(&self, name: &str, help: &str) -> Gauge {
        self.register(name, help, Gauge::default())
    }

    /// The OpenMetrics text of everything registered.
    pub fn encode(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.registry()).expect("writing to a string does not fail");
        text
    }

    fn registry(&self) -> MutexGuard<'_, Registry> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_shown_under_the_prefix() {
        let metrics = Metrics::default();
        metrics.clone().counter("reads", "Reads").inc();
        metrics.gauge("lag_ms", "Replica lag").set(-3);
        let text = metrics.encode();
        assert!(text.contains("sangraha_reads_total 1"), "{text}");
        assert!(text.contains("sangraha_lag_ms -3"), "{text}");
    }
}
