//! The reading site: the same records as the API, drawn as pages for people.
//!
//! A page is made of the same reads and the same `view` types as the API's answer, is kept by the same
//! policies and purged by the same keys; one page in one script is one object in every cache. Pages are whole
//! without scripts; the one script file only adds to them (suggestions, playing a scale, a moving beat).
//!
//! Nothing is written inline: styles and the script are files under `/static` whose names hold their hash, so
//! the content policy can forbid everything else. All text goes through maud, which escapes it.

mod about;
mod address;
mod answer;
mod assets;
mod beside;
mod browse;
mod cite;
mod composition;
mod draw;
mod entity;
mod face;
mod favourites;
mod home;
mod language;
mod layout;
mod list;
mod lyrics;
mod meaning;
mod melakartas;
mod notation;
mod place;
mod problem;
mod raga;
mod report;
mod search;
mod shown;
mod sitemap;
mod songs;
mod spoken;
mod tala;
mod words;

use crate::state::State;
use web::Api;
use web::CachePolicy::{Daily, Detail, Document, Immutable, List, Reference, Search};
use web::endpoint::Endpoint;

/// Adds every page to `api`, each with the policy by which it is kept.
pub(crate) fn pages(api: Api<State>) -> Api<State> {
    api.with_problem_page(problem::page)
        // Finding
        .with(Endpoint::page("/", home::handler, Daily))
        .with(Endpoint::page("/search", search::handler, Search))
        .with(Endpoint::page("/browse/{type}", browse::handler, List))
        // Songs
        .with(Endpoint::page("/compositions", list::compositions, List))
        .with(Endpoint::page("/compositions/{slug}", composition::handler, Detail))
        // Music
        .with(Endpoint::page("/ragas", list::ragas, List))
        .with(Endpoint::page("/ragas/{slug}", raga::handler, Detail))
        .with(Endpoint::page("/melakartas", melakartas::handler, Reference))
        .with(Endpoint::page("/talas", list::talas, List))
        .with(Endpoint::page("/talas/{slug}", tala::handler, Detail))
        // People, deities, temples
        .with(Endpoint::page("/composers", list::composers, List))
        .with(Endpoint::page("/composers/{slug}", entity::composer, Detail))
        .with(Endpoint::page("/deities", list::deities, List))
        .with(Endpoint::page("/deities/{slug}", entity::deity, Detail))
        .with(Endpoint::page("/temples", list::temples, List))
        .with(Endpoint::page("/temples/{slug}", entity::temple, Detail))
        .with(Endpoint::page("/places", list::places, List))
        .with(Endpoint::page("/places/{slug}", place::handler, Detail))
        // Sets of songs
        .with(Endpoint::page("/groups", list::groups, List))
        .with(Endpoint::page("/groups/{slug}", entity::group, Detail))
        .with(Endpoint::page("/tags", list::tags, List))
        .with(Endpoint::page("/tags/{slug}", entity::tag, Detail))
        .with(Endpoint::page("/sampradayas", list::sampradayas, List))
        .with(Endpoint::page("/sampradayas/{slug}", entity::sampradaya, Detail))
        .with(Endpoint::page("/favourites", favourites::handler, List))
        .with(Endpoint::page("/reported", report::thanks, Document))
        // The site about itself
        .with(Endpoint::page("/about", about::about, Document))
        .with(Endpoint::page("/data-licence", about::licence, Document))
        .with(Endpoint::page("/takedown", about::takedown, Document))
        .with(Endpoint::page("/robots.txt", sitemap::robots, Document))
        .with(Endpoint::page("/sitemap.xml", sitemap::handler, List))
        .with(Endpoint::page("/static/{file}", assets::handler, Immutable))
}
