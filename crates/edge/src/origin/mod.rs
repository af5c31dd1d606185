//! The side of the origins: connections, health and retries ([`upstream`]), one request for many askers
//! ([`collapse`]), and what becomes of an answer ([`fill`]).

mod budget;
pub(crate) mod collapse;
pub(crate) mod fill;
mod health;
pub(crate) mod line;
pub(crate) mod pool;
pub(crate) mod upstream;
