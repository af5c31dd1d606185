//! What readers get: wire types, and how they are made from live records.

pub mod citation;
pub mod composition;
pub mod entity;
pub mod label;
pub mod meaning;
pub mod notation;
pub mod raga;
pub mod text;

pub use composition::{CompositionDetail, CompositionItem};
pub use entity::{EntityDetail, EntityItem};
pub use label::{Label, Labels};
