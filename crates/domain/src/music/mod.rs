//! Ragas and talas, and the arithmetic under them.

pub mod melakarta;
pub mod raga;
pub mod scale;
pub mod swara_set;
pub mod tala;

pub use raga::Raga;
pub use scale::{ScaleToken, Swara};
pub use swara_set::{SwaraQuery, SwaraSet};
pub use tala::{Tala, TalaSetting};
