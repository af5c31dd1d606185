//! Ragas.

pub mod all;
pub mod by_swaras;
pub mod get;
pub mod list;
