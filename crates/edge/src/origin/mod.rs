//! The side of the origins: which one is asked ([`upstream`]), the connections to it ([`pool`]), one request for many askers
//! ([`collapse`]), how it is asked ([`fill`]), what becomes of the answer ([`plan`]), bodies that are read while they
//! arrive ([`growing`]), and long ones that are fetched in [`slices`] and put together from [`pieces`].

mod budget;
pub(crate) mod collapse;
mod dial;
pub(crate) mod fill;
pub(crate) mod growing;
mod health;
pub(crate) mod line;
pub(crate) mod pieces;
pub(crate) mod plan;
pub(crate) mod pool;
mod rooms;
pub(crate) mod routes;
pub(crate) mod slices;
mod trunk;
pub(crate) mod trust;
pub(crate) mod upstream;
mod wire;
