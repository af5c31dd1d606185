//! Reading the configuration again while the process serves: at HUP, or at `POST /internal/reload`.
//!
//! What an edge does by its configuration, and what is logged, changes without losing a connection. A configuration
//! that cannot be read or cannot work is refused whole, with the reason, and the old one stays.

use crate::config::{Config, Layers};
use crate::{Error, logging};
use edge::StatusHandle;
use serde::Serialize;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};

/// What one process does when it is told to read its configuration again.
#[derive(Clone)]
pub struct Reload {
    read: Arc<dyn Fn() -> Result<Read, Error> + Send + Sync>,
    edge: Option<StatusHandle>,
}

/// What was read.
pub struct Read {
    /// Which events are logged.
    pub filter: String,
    /// For the edge of this process.
    pub edge: edge::Config,
}

/// What serves after a change.
#[derive(Clone, Debug, Serialize)]
pub struct Changed {
    /// How many configurations the edge of this process has served by; none without an edge.
    pub config_version: Option<u64>,
    /// Which events are logged.
    pub log: String,
}

impl Reload {
    /// For a process that was started from files.
    pub fn from_layers(layers: Layers, edge: Option<StatusHandle>) -> Self {
        let read = move || {
            let config = Config::load(&layers)?;
            Ok(Read { filter: config.log.filter, edge: config.edge })
        };
        Self::new(read, edge)
    }

    /// For a process whose configuration comes from elsewhere.
    pub fn new(
        read: impl Fn() -> Result<Read, Error> + Send + Sync + 'static,
        edge: Option<StatusHandle>,
    ) -> Self {
        Self { read: Arc::new(read), edge }
    }

    /// Reads and changes, or refuses and changes nothing.
    pub fn now(&self) -> Result<Changed, Error> {
        let read = (self.read)().and_then(|read| Ok((logging::filter(&read.filter)?, read)));
        let (filter, read) = read.inspect_err(|_| self.edge.iter().for_each(StatusHandle::refused))?;
        let change = |edge: &StatusHandle| edge.reload(read.edge.clone());
        let version = self.edge.as_ref().map(change).transpose();
        let config_version = version.map_err(Error::part("Changing the edge's configuration"))?;
        logging::refilter(filter);
        Ok(Changed { config_version, log: read.filter })
    }

    /// Obeys HUP for ever.
    pub async fn at_hangup(self) {
        let Ok(mut hangup) = signal(SignalKind::hangup()) else {
            return tracing::warn!("HUP cannot be heard: `POST /internal/reload` still works");
        };
        while hangup.recv().await.is_some() {
            match self.now() {
                Ok(changed) => {
                    tracing::info!(version = changed.config_version, "The configuration was read again")
                }
                Err(error) => {
                    tracing::error!(error = error.told(), "The configuration was refused: the old one stays")
                }
            }
        }
    }
}
