//! The store against real servers.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests, and are not marked as such")]

mod access;
mod audit;
mod catalogue;
mod events;
mod fixtures;
mod privileges;
mod routing;
mod transactions;
