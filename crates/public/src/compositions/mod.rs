//! Songs.

pub mod get;
pub mod list;
pub mod notation;
pub mod provenance;
pub mod random;
pub mod revisions;
pub mod similar;
pub mod texts;
pub mod today;
