//! The admin API against a real PostgreSQL: who may do what, what is refused, and whole walks.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

mod access;
mod bad_input;
mod document;
mod identity;
mod matrix;
mod purges;
mod reference;
mod reports;
mod support;
mod workflow;
