//! What the edge says of itself: the words for what it did ([`reason`]), counters ([`telemetry`]) and how long it took
//! ([`latency`]), its state ([`status`]), a line for each request ([`access`], [`line`]), and why an address is answered
//! as it is ([`explain`]).

pub(crate) mod access;
pub(crate) mod explain;
pub(crate) mod latency;
pub(crate) mod line;
pub(crate) mod reason;
pub(crate) mod status;
pub(crate) mod telemetry;
