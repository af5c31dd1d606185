//! The binary: composes the crates into processes, and processes into a platform.
//!
//! A process is its configuration (`config`): the roles that it names are wired by [`node`], which starts
//! them, answers for their health on a private port, and drains them in order. [`up`] runs a whole platform
//! of two regions on one machine, with databases made by [`postgres`]. The other modules are the operator's
//! commands, one each.
//!
//! This crate alone reads the environment, prints, knows every other crate, and decides which of them meet.
//! It holds no rule of the domain and no SQL.

pub mod audit;
pub mod check;
pub mod cli;
pub mod compare;
mod config;
pub mod edge_alone;
pub mod edge_top;
pub mod environment;
mod error;
pub mod evaluate;
pub mod export;
pub mod index;
pub mod lifecycle;
pub mod load;
mod logging;
pub mod node;
pub mod openapi;
pub mod outbox;
pub mod plain_http;
pub mod postgres;
pub mod private;
mod reach;
pub mod reload;
pub mod setup;
pub mod status;
pub mod terminal;
pub mod up;

pub use cli::{Cli, run};
pub use error::Error;

/// Chooses the one crypto provider of the process; the first statement of `main` and of tests.
pub fn install_crypto_provider() {
    // A second call finds the first one's choice, which is the same.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}
