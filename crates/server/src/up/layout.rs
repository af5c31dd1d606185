//! Where everything of one platform lies: folders and ports, from two values.

use crate::Error;
use crate::postgres::Cluster;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

/// The first port, where none is asked for.
pub const BASE_PORT_DEFAULT: u16 = 7400;
/// The distance from the first port to the last.
const PORTS_SPAN: u16 = 34;

/// Above all others: one for HTTP, one that a cluster would use.
const OPENSEARCH_PORTS: u16 = 2;

/// One platform.
#[derive(Clone, Debug)]
pub struct Layout {
    /// The data folder, absolute.
    pub data: PathBuf,
    /// The first port.
    pub base_port: u16,
}

/// The process of a region that serves the API, with what it listens at.
#[derive(Clone, Debug)]
pub struct Place {
    /// `node-a`, `edge-b`: of the process.
    pub name: &'static str,
    /// Its region.
    pub region: &'static str,
    /// Its roles.
    pub roles: &'static [&'static str],
    /// The readers' address.
    pub public: SocketAddr,
    /// The editors' address.
    pub admin: Option<SocketAddr>,
    /// Health, metrics and status.
    pub private: SocketAddr,
}

impl Layout {
    /// Refuses a range that does not fit; makes the folder.
    pub fn open(data: &Path, base_port: u16) -> Result<Self, Error> {
        let last = u16::MAX - PORTS_SPAN;
        if !(1024..=last).contains(&base_port) {
            return Err(Error::Config(format!(
                "--base-port {base_port} leaves no room: choose one from 1024 to {last}"
            )));
        }
        std::fs::create_dir_all(data).map_err(Error::file("creating the data folder", data))?;
        let data = data.canonicalize().map_err(Error::file("finding the data folder", data))?;
        Ok(Self { data, base_port })
    }

    /// The nodes: `a` holds the writing roles, because the primary is there.
    pub fn nodes(&self) -> [Place; 2] {
        [
            Place {
                name: "node-a",
                region: "a",
                roles: &["public", "admin", "worker", "indexer"],
                public: self.at(10),
                admin: Some(self.at(11)),
                private: self.at(12),
            },
            Place {
                name: "node-b",
                region: "b",
                roles: &["public", "indexer"],
                public: self.at(20),
                admin: None,
                private: self.at(22),
            },
        ]
    }

    /// The edges, one a region.
    pub fn edges(&self) -> [Place; 2] {
        let edge = |name, region, public, private| Place {
            name,
            region,
            roles: &["edge"],
            public: self.at(public),
            admin: None,
            private: self.at(private),
        };
        [edge("edge-a", "a", 0, 13), edge("edge-b", "b", 1, 23)]
    }

    /// The clusters below `home`: the primary, the near replica, the far one.
    pub fn clusters(&self, home: &Path) -> [Cluster; 3] {
        let cluster = |name: &'static str, offset, is_far| Cluster {
            name,
            folder: home.join(name),
            port: self.base_port + offset,
            is_far,
        };
        [cluster("primary", 30, false), cluster("replica-a", 31, false), cluster("replica-b", 32, true)]
    }

    /// Every port and whose it is.
    pub fn ports(&self) -> Vec<(u16, String)> {
        let mut ports = Vec::new();
        for place in self.nodes().into_iter().chain(self.edges()) {
            let addresses = [Some(place.public), place.admin, Some(place.private)];
            ports.extend(
                addresses.into_iter().flatten().map(|address| (address.port(), place.name.to_owned())),
            );
        }
        ports.extend(self.clusters(Path::new("")).map(|cluster| (cluster.port, cluster.name.to_owned())));
        ports
    }

    /// Where OpenSearch listens, where it is started.
    pub fn opensearch(&self) -> SocketAddr {
        self.at(PORTS_SPAN - OPENSEARCH_PORTS + 1)
    }

    /// Its ports.
    pub fn opensearch_ports(&self) -> impl Iterator<Item = (u16, String)> {
        let first = self.opensearch().port();
        (first..first + OPENSEARCH_PORTS).map(|port| (port, "opensearch".to_owned()))
    }

    /// The folder of the generated configurations.
    pub fn config(&self, name: &str) -> PathBuf {
        self.data.join("config").join(format!("{name}.toml"))
    }

    /// The log of one process.
    pub fn log(&self, name: &str) -> PathBuf {
        self.data.join("logs").join(format!("{name}.log"))
    }

    /// The file by which other commands find the platform.
    pub fn state(&self) -> PathBuf {
        self.data.join("state.json")
    }

    /// Held by the supervisor as long as it lives.
    pub fn lock(&self) -> PathBuf {
        self.data.join("lock")
    }

    /// The search index of a node.
    pub fn index(&self, node: &str) -> PathBuf {
        self.data.join("search").join(node)
    }

    fn at(&self, offset: u16) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.base_port + offset))
    }
}

/// Refuses a port that something listens at.
pub fn ports_free(ports: &[(u16, String)]) -> Result<(), Error> {
    for (port, name) in ports {
        if std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_err() {
            return Err(Error::PortInUse { port: *port, name: name.clone() });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout() -> Layout {
        Layout { data: PathBuf::from("/data"), base_port: 7400 }
    }

    #[test]
    fn no_two_listeners_share_a_port() {
        let mut ports: Vec<u16> = layout().ports().into_iter().map(|(port, _)| port).collect();
        ports.sort_unstable();
        let count = ports.len();
        ports.dedup();
        assert_eq!(ports.len(), count);
        assert_eq!((ports[0], ports[count - 1] + OPENSEARCH_PORTS), (7400, 7400 + PORTS_SPAN));
    }

    #[test]
    fn a_port_in_use_is_named() {
        let taken = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let error = ports_free(&[(port, "edge-a".into())]).unwrap_err().to_string();
        assert!(error.contains(&port.to_string()) && error.contains("--base-port"), "{error}");
    }

    #[test]
    fn a_range_beyond_the_last_port_is_refused() {
        assert!(Layout::open(&std::env::temp_dir(), 65_530).is_err());
        assert!(Layout::open(&std::env::temp_dir(), 80).is_err());
    }
}
