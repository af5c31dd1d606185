//! What tests share: real databases, a clock that stands still, small records that break no rule, and a
//! network that can be told to misbehave.
//!
//! It sees what is below the deployable boxes and none of those: a whole platform is put together by the
//! tests of `server`. Nothing here waits for a time; what has to be waited for is waited for as a state.

pub mod database;
pub mod document;
pub mod faulty;
pub mod fixtures;
pub mod opensearch;
pub mod port;
pub mod postgres;
pub mod proxy;
pub mod tls;
pub mod varnish;

pub use faulty::{Fault, FaultyHttp};
pub use port::Port;
pub use proxy::{ChaosProxy, Mood};
pub use tls::TlsFront;
