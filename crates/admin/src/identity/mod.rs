//! Which entities are one and which are two: rulings and merges.

pub mod merge;
pub mod verdict_create;
pub mod verdict_list;
