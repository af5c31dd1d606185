//! What an edge counts. Outcome and reason are the words of the `Cache-Status` header and of the log.

use crate::limits::Counts;
use crate::see::latency::Latency;
use crate::see::reason::{Outcome, Reason};
use domain::metrics::Metrics;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use std::sync::OnceLock;

type Labels = [(&'static str, &'static str); 2];

pub(crate) struct Telemetry {
    requests: Family<Labels, Counter>,
    /// One cell for each outcome and reason, so that a request takes no lock to be counted.
    cells: Box<[OnceLock<Counter>]>,
    upstream_errors: Family<Labels, Counter>,
    pub(crate) retries: Counter,
    pub(crate) connections: Gauge,
    pub(crate) objects: Gauge,
    pub(crate) bytes: Gauge,
    pub(crate) purge_position: Gauge,
    pub(crate) purges: Counter,
    pub(crate) blind: Gauge,
    pub(crate) config_version: Gauge,
    pub(crate) config_refused: Counter,
    pub(crate) access_dropped: Counter,
    /// In seconds since the Unix epoch.
    pub(crate) certificate_expires: Gauge,
    certificates: Family<[(&'static str, &'static str); 1], Counter>,
    pub(crate) limits: Counts,
    disk: Family<[(&'static str, &'static str); 1], Counter>,
    slices: Family<[(&'static str, &'static str); 1], Counter>,
    pub(crate) latency: Latency,
}

impl Telemetry {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let gauge = |name: &str, help: &str| metrics.register(name, help, Gauge::default());
        let counter = |name: &str, help: &str| metrics.register(name, help, Counter::default());
        let family =
            |name: &str, help: &str| metrics.register(name, help, Family::<Labels, Counter>::default());
        Self {
            requests: family("edge_requests", "Requests by cache outcome and reason"),
            cells: (0..Outcome::COUNT * Reason::COUNT).map(|_| OnceLock::new()).collect(),
            upstream_errors: family("edge_upstream_errors", "Requests that an origin did not answer"),
            retries: counter("edge_retries", "Reads that were sent a second time"),
            connections: gauge("edge_connections", "Open connections from clients"),
            objects: gauge("edge_cache_objects", "Keys in memory"),
            bytes: gauge("edge_cache_bytes", "Memory taken by objects"),
            purge_position: gauge("edge_purge_position", "Last purge that was applied"),
            purges: counter("edge_purges", "Purges applied"),
            disk: metrics.register("edge_disk", "What was done with addresses on disk", Family::default()),
            slices: metrics.register(
                "edge_slices",
                "Slices of long bodies that an origin was asked for",
                Family::default(),
            ),
            blind: gauge("edge_blind", "1 while the purge feed is silent for too long"),
            config_version: gauge(
                "edge_config_version",
                "Configurations served by, the current one included",
            ),
            config_refused: counter("edge_config_refused", "Configurations that were refused"),
            access_dropped: counter(
                "edge_access_log_dropped",
                "Lines of the access log that came faster than they could be written",
            ),
            certificate_expires: gauge(
                "edge_certificate_expires_timestamp_seconds",
                "When the certificate that an authority gave ends; 0 without one",
            ),
            certificates: metrics.register(
                "edge_certificates",
                "Certificates that an authority was asked for, by outcome",
                Family::default(),
            ),
            latency: metrics.register(
                "edge_latency_seconds",
                "From a request's head to its answer's head",
                Latency::default(),
            ),
            limits: metrics.register("edge_limits", "Requests by rule and verdict", Counts::default()),
        }
    }

    pub(crate) fn count(&self, outcome: Outcome, reason: Reason) {
        let cell = outcome as usize * Reason::COUNT + reason as usize;
        let labels = [("outcome", outcome.as_str()), ("reason", reason.as_str())];
        self.cells[cell].get_or_init(|| self.requests.get_or_create_owned(&labels)).inc();
    }

    /// Counts what was done with the disk, and says how often that was.
    pub(crate) fn disk(&self, event: &'static str) -> u64 {
        self.disk.get_or_create(&[("event", event)]).inc() + 1
    }

    /// Counts a slice that an origin was asked for.
    pub(crate) fn slice(&self, event: &'static str) {
        self.slices.get_or_create(&[("event", event)]).inc();
    }

    /// Counts a certificate that was asked for.
    pub(crate) fn certificate(&self, outcome: &'static str) {
        self.certificates.get_or_create(&[("outcome", outcome)]).inc();
    }

    pub(crate) fn upstream_failed(&self, upstream: &'static str, reason: Reason) {
        self.upstream_errors.get_or_create(&[("upstream", upstream), ("reason", reason.as_str())]).inc();
    }

    /// Requests that ended in one of `outcomes`.
    pub(crate) fn total(&self, outcomes: &[Outcome]) -> u64 {
        let row = |outcome: &Outcome| {
            let start = *outcome as usize * Reason::COUNT;
            self.cells[start..start + Reason::COUNT]
                .iter()
                .filter_map(OnceLock::get)
                .map(Counter::get)
                .sum::<u64>()
        };
        outcomes.iter().map(row).sum()
    }
}
