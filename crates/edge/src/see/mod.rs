//! What the edge says of itself: the words for what it did ([`reason`]), counters ([`telemetry`]), its state
//! ([`status`]).

pub(crate) mod reason;
pub(crate) mod status;
pub(crate) mod telemetry;
