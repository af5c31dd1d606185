//! The side of the origins: connections, health and retries ([`upstream`]), one request for many askers
//! ([`collapse`]), how it is asked ([`fill`]), what becomes of the answer ([`plan`]), and bodies that are read while
//! they arrive ([`growing`]).

mod budget;
pub(crate) mod collapse;
pub(crate) mod fill;
pub(crate) mod growing;
mod health;
pub(crate) mod line;
pub(crate) mod plan;
pub(crate) mod pool;
pub(crate) mod upstream;
