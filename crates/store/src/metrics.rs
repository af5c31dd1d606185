//! What the store counts.

use crate::node::NodeHealth;
use domain::metrics::Metrics;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use std::sync::atomic::AtomicU64;

type Labels<const N: usize> = [(&'static str, String); N];

/// The metrics of one process; clones count together.
#[derive(Clone, Debug)]
pub(crate) struct StoreMetrics {
    routes: Family<Vec<(&'static str, String)>, Counter>,
    transactions: Family<Vec<(&'static str, String)>, Counter>,
    node_up: Family<Vec<(&'static str, String)>, Gauge>,
    position_bytes: Family<Vec<(&'static str, String)>, Gauge>,
    heartbeat_age_seconds: Family<Vec<(&'static str, String)>, Gauge<f64, AtomicU64>>,
    breaker_state: Family<Vec<(&'static str, String)>, Gauge>,
    /// Writes refused because their epoch was over.
    pub(crate) fenced: Counter,
    /// 1 while the primary takes writes.
    pub(crate) write_available: Gauge,
    /// The epoch that this process believes in.
    pub(crate) epoch: Gauge,
}

impl StoreMetrics {
    pub(crate) fn register(metrics: &Metrics) -> Self {
        Self {
            routes: metrics.register(
                "db_route",
                "Reads by policy, chosen node and reason",
                Family::default(),
            ),
            transactions: metrics.register(
                "db_transaction",
                "Transactions by name and outcome",
                Family::default(),
            ),
            node_up: metrics.register("db_node_up", "Whether the last probe was answered", Family::default()),
            position_bytes: metrics.register(
                "db_position_bytes",
                "WAL position that reads of the node include",
                Family::default(),
            ),
            heartbeat_age_seconds: metrics.register(
                "db_heartbeat_age_seconds",
                "Age of the heartbeat row on the node",
                Family::default(),
            ),
            breaker_state: metrics.register(
                "db_breaker_state",
                "0 closed, 1 half open, 2 open",
                Family::default(),
            ),
            fenced: metrics.counter("db_fenced", "Writes refused because their epoch was over"),
            write_available: metrics.gauge("write_available", "Whether the primary takes writes"),
            epoch: metrics.gauge("db_epoch", "The epoch of the database"),
        }
    }

    pub(crate) fn routed(&self, policy: &str, chosen: &str, reason: &str) {
        let labels = labels([
            ("policy", policy.to_owned()),
            ("chosen", chosen.to_owned()),
            ("reason", reason.to_owned()),
        ]);
        self.routes.get_or_create(&labels).inc();
    }

    pub(crate) fn transaction(&self, name: &str, outcome: &str) {
        let labels = labels([("name", name.to_owned()), ("outcome", outcome.to_owned())]);
        self.transactions.get_or_create(&labels).inc();
    }

    pub(crate) fn probed(&self, node: &NodeHealth, breaker: i64) {
        let mut names = vec![("node", node.name.clone())];
        self.position_bytes.get_or_create(&names).set(i64::try_from(node.lsn).unwrap_or(i64::MAX));
        self.heartbeat_age_seconds.get_or_create(&names).set(node.age_ms as f64 / 1_000.0);
        self.breaker_state.get_or_create(&names).set(breaker);
        names.push(("region", node.region.to_string()));
        self.node_up.get_or_create(&names).set(i64::from(node.up));
    }
}

fn labels<const N: usize>(labels: Labels<N>) -> Vec<(&'static str, String)> {
    labels.into()
}
