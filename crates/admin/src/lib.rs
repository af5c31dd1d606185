//! The admin API: everything that changes the catalogue, and everything that shows how it changed.
//!
//! [`router::api`] is the whole of it on one page; below it one file is one endpoint. Every endpoint but the
//! first one of all (`setup`) begins with `Authz<P>`, so a route without a permission does not compile.
//! Every change is one transaction of the same shape (`change`): lock the aggregate, compare the version
//! that the editor saw, ask `domain` for the change, save it with its audit entry and its event, commit.
//!
//! Reads here are strong: they go to the primary and see drafts. It knows no search index and no cache;
//! whoever follows the events sees to those, and to the purges that are ordered here (`purges`).

mod api_keys;
mod audit;
mod change;
mod checks;
mod compositions;
mod error;
mod idempotency;
mod identity;
mod notation;
mod purges;
mod reading;
mod reference;
mod reports;
pub mod router;
mod search;
mod setup;
mod slug;
mod state;
mod wire;

pub use error::Error;
pub use purges::{Reach, Reached, Who};
pub use router::{api, openapi};
pub use search::misses::{Miss, Misses};
pub use state::State;
