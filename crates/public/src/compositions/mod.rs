//! Songs.

pub mod get;
pub mod list;
pub mod random;
pub mod texts;
pub mod today;
