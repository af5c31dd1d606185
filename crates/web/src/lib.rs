//! The HTTP kit under both APIs: what every endpoint has in common, so that an endpoint is only its rule.
//!
//! * [`problem`] — every refusal is an RFC 9457 document with a stable code, the request id, and a JSON
//!   pointer for each field; nothing internal ever leaves.
//! * [`extract`], [`page`], [`etag`] — bodies, queries, cursors and preconditions, refused with pointers.
//! * [`guard`] — [`Authz`]: a handler that does not begin with it does not compile into a guarded API.
//! * `compress` — texts for clients that take gzip, each representation with a tag of its own.
//! * [`caching`] — one table of cache policies, and the surrogate keys by which the edge is purged.
//! * [`mod@endpoint`], [`api`] — an endpoint is a handler with its document and its policy or permission; an
//!   [`Api`] makes the router, the OpenAPI 3.1 document and the list of routes out of the same values.
//! * [`context`], [`log`], [`health`], [`serve`] — request id, one log line a request, probes, the listener.
//!
//! It knows no database and no entity; whoever looks up API keys hands in [`Authenticate`].

pub mod api;
pub mod caching;
mod compress;
pub mod context;
pub mod endpoint;
pub mod etag;
pub mod extract;
pub mod guard;
pub mod health;
pub mod log;
pub mod page;
pub mod problem;
pub mod serve;

pub use api::{Api, Kit, Limits, ProblemPage, Route};
pub use caching::{CachePolicy, Fresh, SurrogateKeys};
pub use context::Context;
pub use endpoint::{Access, Endpoint};
pub use etag::{ETag, IfMatch, IfNoneMatch};
pub use extract::{Json, Path, Query};
pub use guard::{Authenticate, Authz};
pub use page::Page;
pub use problem::{FieldError, Problem, ProblemBody};
