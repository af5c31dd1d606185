//! Edges as processes, with an origin of our own behind them: how soon a purge is seen everywhere, what a partition
//! costs, how well a shared quota is kept, and what a restart loses.

mod fleet;
mod origin;
pub mod partition;
pub mod purge;
pub mod quota;
pub mod restart;
mod world;
