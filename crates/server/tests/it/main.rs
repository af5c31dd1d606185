//! The whole system from outside: real processes, real databases, two regions, and what survives when parts
//! of it are killed.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests fail and tell as tests do")]

mod browser;
mod chaos;
mod commands;
mod edge_alone;
mod exchange;
mod judged;
mod platform;
mod walk;
