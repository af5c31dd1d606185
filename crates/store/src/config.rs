//! Where the nodes are, and every limit of the way to them.

use crate::error::Error;
use domain::Region;
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;

/// The nodes and their limits. Durations are in milliseconds.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The primary as role `sangraha_app`; only where writes are made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary: Option<Node>,
    /// The primary as role `sangraha_reader`: the last resort of reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary_reader: Option<Node>,
    /// The primary as role `sangraha_owner`, for migrations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_url: Option<Secret>,
    /// Replicas as role `sangraha_reader`, nearest first.
    #[serde(default)]
    pub replicas: Vec<Node>,
    /// A replica whose heartbeat is older is asked only when nothing else answers.
    #[serde(default = "defaults::lag_ms_max")]
    pub lag_ms_max: u64,
    /// Reads that the primary may serve at the same time.
    #[serde(default = "defaults::primary_read_budget")]
    pub primary_read_budget: usize,
    /// Connections of a process to one node for reads.
    #[serde(default = "defaults::read_connections_max")]
    pub read_connections_max: u32,
    /// Connections of a process to the primary for writes.
    #[serde(default = "defaults::write_connections_max")]
    pub write_connections_max: u32,
    /// Longest wait for a new connection outside the pool: a probe's, a listener's.
    #[serde(default = "defaults::connect_ms_max")]
    pub connect_ms_max: u64,
    /// Longest wait for a connection of the pool, made for it or given back by another.
    #[serde(default = "defaults::acquire_ms_max")]
    pub acquire_ms_max: u64,
    /// Longest read, counted here; its connection is closed.
    #[serde(default = "defaults::read_ms_max")]
    pub read_ms_max: u64,
    /// Longest statement of a transaction, counted by the server.
    #[serde(default = "defaults::write_ms_max")]
    pub write_ms_max: u64,
    /// Longest wait for a row lock.
    #[serde(default = "defaults::lock_ms_max")]
    pub lock_ms_max: u64,
    /// Longest pause inside a transaction: an idle one stalls the delivery of events.
    #[serde(default = "defaults::idle_in_transaction_ms_max")]
    pub idle_in_transaction_ms_max: u64,
    /// Time between two probes of a node.
    #[serde(default = "defaults::probe_interval_ms")]
    pub probe_interval_ms: u64,
    /// Failures in a row after which a node is left alone.
    #[serde(default = "defaults::breaker_failures_max")]
    pub breaker_failures_max: u32,
    /// How long it is left alone at first; up to half as long again, by chance.
    #[serde(default = "defaults::breaker_open_ms")]
    pub breaker_open_ms: u64,
}

/// One server.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// Name in metrics and headers: `b1`.
    pub name: String,
    pub region: Region,
    /// `postgres://role:password@host:port/database`.
    pub url: Secret,
}

/// An address that may hold a password, shown only with the password covered.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The address as it is, for the driver alone.
    pub fn expose(&self) -> &str {
        &self.0
    }

    fn covered(&self) -> String {
        match url::Url::parse(&self.0) {
            Ok(mut url) => {
                if url.password().is_some() && url.set_password(Some("covered")).is_err() {
                    return "covered".to_owned();
                }
                url.into()
            }
            Err(_) => "covered".to_owned(),
        }
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.covered())
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.covered())
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            primary: None,
            primary_reader: None,
            owner_url: None,
            replicas: Vec::new(),
            lag_ms_max: defaults::lag_ms_max(),
            primary_read_budget: defaults::primary_read_budget(),
            read_connections_max: defaults::read_connections_max(),
            write_connections_max: defaults::write_connections_max(),
            connect_ms_max: defaults::connect_ms_max(),
            acquire_ms_max: defaults::acquire_ms_max(),
            read_ms_max: defaults::read_ms_max(),
            write_ms_max: defaults::write_ms_max(),
            lock_ms_max: defaults::lock_ms_max(),
            idle_in_transaction_ms_max: defaults::idle_in_transaction_ms_max(),
            probe_interval_ms: defaults::probe_interval_ms(),
            breaker_failures_max: defaults::breaker_failures_max(),
            breaker_open_ms: defaults::breaker_open_ms(),
        }
    }
}

impl Config {
    /// Refuses what cannot work, with a sentence.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let refuse = |sentence: &str| Err(Error::Config(sentence.to_owned()));
        if self.replicas.is_empty() && self.primary_reader.is_none() {
            return refuse(
                "`store` names no node to read from: set `store.replicas` or `store.primary_reader`",
            );
        }
        if self.read_connections_max == 0 || self.write_connections_max == 0 {
            return refuse(
                "`store.read_connections_max` and `store.write_connections_max` must be at least 1",
            );
        }
        if self.probe_interval_ms == 0 || self.connect_ms_max == 0 || self.read_ms_max == 0 {
            return refuse("the intervals and time limits of `store` must be at least 1 ms");
        }
        if self.acquire_ms_max < self.connect_ms_max {
            return refuse("`store.acquire_ms_max` must not be shorter than `store.connect_ms_max`");
        }
        Ok(())
    }
}

/// Start values; `config/default.toml` says why each is what it is.
mod defaults {
    pub(super) const fn lag_ms_max() -> u64 {
        5_000
    }
    pub(super) const fn primary_read_budget() -> usize {
        8
    }
    pub(super) const fn read_connections_max() -> u32 {
        16
    }
    pub(super) const fn write_connections_max() -> u32 {
        16
    }
    pub(super) const fn connect_ms_max() -> u64 {
        300
    }
    pub(super) const fn acquire_ms_max() -> u64 {
        1_000
    }
    pub(super) const fn read_ms_max() -> u64 {
        3_000
    }
    pub(super) const fn write_ms_max() -> u64 {
        30_000
    }
    pub(super) const fn lock_ms_max() -> u64 {
        5_000
    }
    pub(super) const fn idle_in_transaction_ms_max() -> u64 {
        10_000
    }
    pub(super) const fn probe_interval_ms() -> u64 {
        100
    }
    pub(super) const fn breaker_failures_max() -> u32 {
        3
    }
    pub(super) const fn breaker_open_ms() -> u64 {
        500
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let secret = Secret::from("postgres://app:hunter2@db:5432/sangraha");
        assert!(!format!("{secret:?}").contains("hunter2"));
        assert!(!serde_json::to_string(&secret).unwrap().contains("hunter2"));
        assert!(format!("{secret:?}").contains("db:5432"));
        assert!(!format!("{:?}", Secret::from("password=hunter2 host=db")).contains("hunter2"));
    }

    #[test]
    fn a_configuration_without_a_node_to_read_from_is_refused() {
        assert!(matches!(Config::default().check(), Err(Error::Config(_))));
    }
}
