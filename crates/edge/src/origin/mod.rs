//! The side of the origins: connections, health and retries ([`upstream`]), one request for many askers
//! ([`collapse`]), and what becomes of an answer ([`fill`]).

pub(crate) mod collapse;
pub(crate) mod fill;
pub(crate) mod upstream;
