//! The whole read API on a page: every route with the policy by which its answers are kept.

use crate::entities::{composers, deities, groups, places, sampradayas, tags, talas, temples};
use crate::state::State;
use crate::{browse, compositions, document, export, feed, graph, melakartas, ragas, search, site, suggest};
use web::CachePolicy::{Daily, Detail, Document, List, NoStore, Reference, Search};
use web::{Api, endpoint};

/// The routes, from which router, document and cache policies are made.
pub fn api() -> Api<State> {
    let api = Api::new(
        "Sangraha",
        "A compendium of Carnatic music: compositions, ragas, talas, composers, deities and temples.",
    )
    // Songs
    .with(endpoint!(compositions::list, List))
    .with(endpoint!(compositions::today, Daily))
    .with(endpoint!(compositions::random, NoStore))
    .with(endpoint!(compositions::get, Detail))
    .with(endpoint!(compositions::texts, Detail))
    .with(endpoint!(compositions::similar, Detail))
    .with(endpoint!(compositions::provenance, Detail))
    .with(endpoint!(compositions::revisions::list, Detail))
    .with(endpoint!(compositions::revisions::diff, Detail))
    .with(endpoint!(compositions::revisions::get, Detail))
    .with(endpoint!(compositions::notation, Detail))
    // Music
    .with(endpoint!(ragas::list, List))
    .with(endpoint!(ragas::by_swaras, Reference))
    .with(endpoint!(ragas::get, Detail))
    .with(endpoint!(melakartas, Reference))
    .with(endpoint!(talas::list, List))
    .with(endpoint!(talas::get, Detail))
    // People, deities, places
    .with(endpoint!(composers::list, List))
    .with(endpoint!(composers::get, Detail))
    .with(endpoint!(deities::list, List))
    .with(endpoint!(deities::get, Detail))
    .with(endpoint!(temples::list, List))
    .with(endpoint!(temples::get, Detail))
    .with(endpoint!(places::list, List))
    .with(endpoint!(places::get, Detail))
    // Sets of songs
    .with(endpoint!(groups::list, List))
    .with(endpoint!(groups::get, Detail))
    .with(endpoint!(tags::list, List))
    .with(endpoint!(tags::get, Detail))
    .with(endpoint!(sampradayas::list, List))
    .with(endpoint!(sampradayas::get, Detail))
    // Finding
    .with(endpoint!(search, Search))
    .with(endpoint!(suggest, Search))
    .with(endpoint!(browse, List))
    .with(endpoint!(graph, Reference))
    // Following
    .with(endpoint!(feed::atom, List))
    .with(endpoint!(feed::json, List))
    .with(endpoint!(export::list, List))
    .with(endpoint!(export::get, List))
    // The API about itself
    .with(endpoint!(document::openapi, Document))
    .with(endpoint!(document::page, Document));
    // The same records as pages for people
    site::pages(api).compressed()
}

/// The OpenAPI 3.1 document of the read API.
pub fn openapi() -> serde_json::Value {
    api().openapi_json().expect("the schemas are plain data")
}
