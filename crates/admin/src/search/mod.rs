//! What searches tell those who look after names.

pub mod misses;
