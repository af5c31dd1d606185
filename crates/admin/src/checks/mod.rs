//! The standing report on the quality of the catalogue.

pub mod list;
