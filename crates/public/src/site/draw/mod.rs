//! Drawings as SVG: no image files, no styles of their own, readable aloud.

pub mod keyboard;
pub mod map;
pub mod tala;
