//! The audit trail: what was done, by whom, and whether the record of it is whole.

pub mod list;
pub mod verify;
