//! What an edge says about itself.

use crate::acme::CertificateStatus;
use domain::Region;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// What the status report says about an origin.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OriginStatus {
    /// `public` or `admin`.
    pub upstream: String,
    /// `host:port`.
    pub origin: String,
    /// False while it rests after failures.
    pub up: bool,
}

/// The whole picture of one edge at one moment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Status {
    /// The edge's name toward the purge feed.
    pub name: String,
    /// Where it stands.
    pub region: Region,
    /// Where clients connect.
    pub listen: SocketAddr,
    /// Where they connect without TLS beside it.
    #[serde(default)]
    pub plain_listen: Option<SocketAddr>,
    /// The certificate that an authority gives, where one is configured.
    #[serde(default)]
    pub certificate: Option<CertificateStatus>,
    /// How many configurations it has served by, the current one included.
    #[serde(default)]
    pub config_version: u64,
    /// Into how many slices shared quotas are cut, of which this edge uses one.
    #[serde(default)]
    pub quota_slices: u32,
    /// Open connections from clients.
    pub connections: u64,
    /// Keys in memory.
    pub objects: u64,
    /// Memory that they take, as accounted.
    pub bytes: u64,
    /// The last purge that was applied; `None` before the feed was first heard.
    pub purge_position: Option<u64>,
    /// The database epoch of that position.
    pub epoch: Option<u64>,
    /// Whether the purge feed has been silent for too long.
    pub blind: bool,
    /// Whether it is stopping.
    pub draining: bool,
    /// Requests answered from memory, stale ones included.
    pub hits: u64,
    /// Cacheable requests that had to ask an origin.
    pub misses: u64,
    /// Every origin with its state.
    pub origins: Vec<OriginStatus>,
}
