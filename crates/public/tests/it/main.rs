//! The read API against a real PostgreSQL and a real index: what readers see, what they never see, what is
//! refused, and what caches are told.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

mod bad_input;
mod caching;
mod catalogue;
mod detail;
mod document;
mod drafts;
mod export;
mod fallback;
mod finding;
mod history;
mod lists;
mod meaning;
mod music;
mod notation;
mod relations;
mod routes;
mod site;
mod support;
