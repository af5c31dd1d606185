//! The public read API: what singers, students and programs read, in either region.
//!
//! One file an endpoint; [`router`] shows the whole API on a page. Every answer is derived from what is live
//! and carries what caches need to keep it right: a strong entity tag, surrogate keys, and the WAL position
//! that it was read at.
//!
//! Nothing here can write: [`State`] holds a `Reader`, whose database role sees the schema of live records and
//! has no other grant. Nothing here depends on who asks.

mod answer;
mod browse;
mod compositions;
mod document;
mod entities;
mod error;
pub mod export;
mod fallback;
mod feed;
mod fields;
mod graph;
mod held;
mod melakartas;
mod page;
mod paging;
mod parameters;
mod ragas;
pub mod router;
mod search;
mod site;
mod state;
mod suggest;
mod sung;
mod view;
mod xml;

pub use fallback::{Fallback, Freshness};
pub use held::Held;
pub use router::{api, openapi};
pub use state::{Config, State};
