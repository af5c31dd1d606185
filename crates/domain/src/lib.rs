//! The language of Sangraha: songs, ragas, talas, people, places, and the rules that hold between them.
//!
//! Everything here is a pure value or a pure function. Nothing waits, reads a clock of its own, or knows
//! a database, a socket or a search engine; time and identity are arguments. A record that
//! [`Record::check`] passes without an error may be published; whatever it reports carries a JSON pointer,
//! so that the person who typed the field can be shown the field.
//!
//! Wire names are `lower_snake` and the same in the database, the API and the search index.

#![expect(
    missing_docs,
    reason = "a field or variant whose name is the whole definition, as it is on the wire, needs no sentence"
)]

pub mod actor;
pub mod aggregate;
pub mod audit;
mod check;
pub mod clock;
pub mod composition;
pub mod event;
pub mod exchange;
pub mod id;
pub mod merge;
pub mod metrics;
pub mod music;
pub mod name;
pub mod purge;
pub mod record;
pub mod reference;
pub mod region;
pub mod report;
pub mod revision;
#[cfg(test)]
mod samples;
pub mod verdict;
pub mod violation;
pub mod workflow;

pub use actor::{Actor, Role};
pub use aggregate::{Aggregate, Change, Policy, Refusal, Revision, Stamp};
pub use audit::{AuditDraft, AuditEntry};
pub use check::quality;
pub use clock::Clock;
pub use composition::Composition;
pub use event::{Event, EventKind};
pub use id::{EntityKind, EntityRef};
pub use name::Name;
pub use record::Record;
pub use region::Region;
pub use verdict::Verdict;
pub use violation::{Severity, Violation};
pub use workflow::{State, Verb};
