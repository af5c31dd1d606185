//! PostgreSQL for one machine: finds the programs, makes clusters, copies them, and says how each is run.
//!
//! Clusters made here are real ones: a primary and streaming replicas with physical slots, on loopback and a
//! unix socket, with passwords that were drawn at random. The supervisor of `up` runs them; nothing else in
//! the product needs this module, which takes any PostgreSQL that its configuration names.

mod account;
mod binaries;
mod cluster;
mod guard;
mod secrets;
mod settings;

pub use account::Account;
pub use binaries::Binaries;
pub use cluster::{Cluster, Installation, elsewhere};
pub use guard::{Guard, end_of_input, run as run_guard};
pub use secrets::Secrets;

use serde::Deserialize;
use std::path::PathBuf;

/// Where `up` finds PostgreSQL.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The folder of `postgres`, `initdb` and the rest; unset looks in the usual places.
    pub bin: Option<PathBuf>,
}
