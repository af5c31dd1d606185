//! What happens behind the APIs: events are carried, indexes and caches follow, catalogues are loaded.
//!
//! * [`relay`] (primary region, one leader) turns committed outbox rows into positions in the stream.
//! * [`follower`] (one a region) re-reads what changed and serves index, cache and edges, inside out.
//! * [`purges`] tells the edges of the region what became stale.
//! * [`cdn`] tells CDNs of others the same, after the edges.
//! * [`keeper`] (primary region) writes heartbeats and clears what is no longer needed.
//! * [`evaluate`] says how well the search finds what people mean, over catalogue folders and without a database.
//! * [`load`] brings catalogues in, through the same aggregates and transactions as editors use.
//!
//! Everything here can be killed at any step and started again: work is repeated, never skipped. It serves no
//! HTTP; `server` offers the purge feed and the orders on the node's private port.

pub mod cdn;
mod error;
pub mod evaluate;
pub mod follower;
pub mod keeper;
pub mod load;
pub mod purges;
pub mod relay;

pub use error::Error;
pub use follower::{Drift, Follower, Orders};
pub use purges::PurgeFeed;
pub use relay::Relay;
