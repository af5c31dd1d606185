//! The configuration: one struct composed of what each crate owns, and the sentences for what makes no sense.

mod layers;

pub use layers::{Layers, masked};
pub(crate) use layers::{merge, parse};

use crate::{Error, postgres};
use domain::Region;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// The documented reference: every key with its default and the reason for it.
pub const REFERENCE: &str = include_str!("../../../../config/default.toml");

/// Everything that one process can be told.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Which process this is.
    pub node: NodeConfig,
    /// Where it listens.
    pub listen: Listen,
    /// What it says about itself.
    pub log: Log,
    /// Bounds of its listeners.
    pub serve: web::serve::ServeLimits,
    /// Bounds of one request.
    pub http: web::Limits,
    /// The databases.
    pub store: store::Config,
    /// The committed events.
    pub stream: stream::Config,
    /// The index of this process.
    pub search: search::Config,
    /// Derived answers.
    pub cache: cache::Config,
    /// The read API.
    pub public: public::Config,
    /// The write API.
    pub admin: Admin,
    /// The relay of the primary region.
    pub relay: worker::relay::Config,
    /// Heartbeat and clearing in the primary region.
    pub keeper: worker::keeper::Config,
    /// The follower of this region.
    pub follower: worker::follower::Config,
    /// CDNs of others in front of the edges.
    pub purge: worker::cdn::Config,
    /// The edge of this region.
    pub edge: edge::Config,
    /// Where `up` finds PostgreSQL.
    pub postgres: postgres::Config,
}

/// Which process this is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeConfig {
    /// Its name in logs and on the status page.
    pub name: String,
    /// Its region.
    pub region: Region,
    /// What it does.
    pub roles: Vec<Role>,
}

/// One deployable box of the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Stands in front of a region: cache, routing, purge.
    Edge,
    /// The read API.
    Public,
    /// The write API; only where the primary is.
    Admin,
    /// Carries committed events into the stream; only where the primary is.
    Worker,
    /// Follows the stream: index, cache, purge.
    Indexer,
}

/// Where the process listens; roles that it lacks need no address.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listen {
    /// The read API.
    pub public: SocketAddr,
    /// The write API.
    pub admin: SocketAddr,
    /// Health, metrics, status and the purge feed: never for strangers.
    pub private: SocketAddr,
}

/// What the process says about itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// Which events: `info,store=debug`.
    pub filter: String,
    /// In which form.
    pub format: LogFormat,
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

/// The rules of the write API that a deployment chooses.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Admin {
    /// Whether somebody else than the author must publish.
    pub four_eyes: bool,
    /// Private ports of the nodes of other regions, which know how far their edges have come with a purge.
    pub feeds: Vec<SocketAddr>,
}

impl Config {
    /// Reads the layers and refuses what makes no sense.
    pub fn load(layers: &Layers) -> Result<Self, Error> {
        let config = Self::read(layers.effective()?)
            .map_err(|error| Error::Config(format!("the configuration is refused: {}", error.trim())))?;
        config.check()?;
        config.search.check().map_err(|error| Error::Config(error.to_string()))?;
        Ok(config)
    }

    /// `stream` has backends without keys of their own, among which unknown keys would go unnoticed.
    fn read(table: toml::Table) -> Result<Self, String> {
        let keys = table.get("stream").and_then(toml::Value::as_table).into_iter().flatten();
        if let Some((unknown, _)) = keys.into_iter().find(|(key, _)| *key != "backend") {
            return Err(format!("unknown field `{unknown}` in `stream`, expected `backend`"));
        }
        table.try_into().map_err(|error: toml::de::Error| error.to_string())
    }

    /// One section alone, for commands that need no more.
    pub fn section<T: serde::de::DeserializeOwned>(layers: &Layers, name: &str) -> Result<T, Error> {
        let section =
            layers.effective()?.remove(name).unwrap_or_else(|| toml::Value::Table(toml::Table::new()));
        section.try_into().map_err(|error: toml::de::Error| {
            Error::Config(format!("`{name}` is refused: {}", error.to_string().trim()))
        })
    }

    /// Whether the process has this role.
    pub fn has(&self, role: Role) -> bool {
        self.node.roles.contains(&role)
    }

    /// Whether the process opens databases, index and cache, or is an edge alone.
    pub fn is_node(&self) -> bool {
        self.node.roles.iter().any(|role| *role != Role::Edge)
    }

    fn check(&self) -> Result<(), Error> {
        let region = &self.node.region;
        let refuse = |sentence: String| Err(Error::Config(sentence));
        if self.node.roles.is_empty() {
            return refuse(
                "`node.roles` is empty: name at least one of edge, public, admin, worker, indexer".into(),
            );
        }
        for (role, name) in [(Role::Admin, "admin"), (Role::Worker, "worker")] {
            if self.has(role) && self.store.primary.is_none() {
                return refuse(format!(
                    "role `{name}` needs `store.primary`, which region `{region}` does not have"
                ));
            }
        }
        if let Some(primary) = self.store.primary.as_ref().filter(|primary| primary.region != *region) {
            let other = &primary.region;
            return refuse(format!(
                "`store.primary` is in region `{other}`, and this process in `{region}`: writes are made beside the primary; send admin requests there"
            ));
        }
        if self.is_node() && self.store.replicas.is_empty() && self.store.primary_reader.is_none() {
            return refuse(
                "`store` names no node to read from: set `store.replicas` or `store.primary_reader`".into(),
            );
        }
        if self.has(Role::Public) && !self.has(Role::Indexer) {
            return refuse("role `public` without `indexer` would search an index that nobody feeds, from a cache that nobody clears: both belong to one process, so give it both roles".into());
        }
        if self.has(Role::Edge) && self.edge.region != *region {
            return refuse(format!(
                "`edge.region` is `{}` and `node.region` is `{region}`: they must agree",
                self.edge.region
            ));
        }
        Ok(())
    }

    /// What is allowed and may still surprise, as sentences for `check-config` and the start.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = self.search.warnings();
        if !self.listen.private.ip().is_loopback() {
            warnings.push(format!("`listen.private` ({}) is reachable from other machines: it has no authentication, so keep strangers away from it", self.listen.private));
        }
        if self.has(Role::Worker) && self.relay.gate_standby.is_empty() {
            warnings.push("`relay.gate_standby` is empty: events leave before a standby has them, and a failover may take back what readers saw".into());
        }
        if self.has(Role::Indexer) && self.follower.reconcile_s == 0 {
            warnings.push("`follower.reconcile_s` is 0: nobody compares the index with the database".into());
        }
        if self.is_node() && self.store.replicas.is_empty() {
            warnings.push("`store.replicas` is empty: every read goes to the primary".into());
        }
        if self.has(Role::Indexer) && self.follower.crash_after.is_some() {
            warnings
                .push("`follower.crash_after` is set: the process will end itself, as drills want it".into());
        }
        warnings
    }
}

#[cfg(test)]
mod tests;
