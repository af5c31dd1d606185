//! Compositions: one file an endpoint.

pub mod archive;
pub mod create;
pub mod diff;
pub mod get;
pub mod history;
pub mod list;
pub mod meanings;
pub mod notation;
mod part;
pub mod publish;
pub mod ragas;
pub mod replace;
pub mod restore;
pub mod revision;
pub mod sections;
pub mod send_back;
pub mod submit;
pub mod tags;
pub mod text;
pub mod texts;
pub mod unpublish;
pub mod validate;
mod verb;
