//! Reference data: ragas, talas, people, places and the rest.
//!
//! Every kind has the same endpoints over its own body, written once as a macro; each route still has a
//! handler, a document and a permission type of its own. Names and aliases are part of the body. What is
//! saved is live at once.

mod kinds;

pub use kinds::{
    composers, deities, groups, places, ragas, rights, sampradayas, sources, tags, talas, temples,
};
