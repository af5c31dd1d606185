//! Relay and followers against real servers.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests, and are not marked as such")]

mod cdn;
mod crash;
mod follow;
mod judged;
mod rebuild;
mod relay;
mod servers;
mod support;
