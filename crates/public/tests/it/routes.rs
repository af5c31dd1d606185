//! The ratchet: a route exists when it has a cache policy, an example here, and an entry in the document.

use crate::catalogue::Catalogue;
use crate::site::{FILES, PAGES};
use crate::support::App;
use public::State;
use std::collections::BTreeSet;
use store::Reader;
use web::Access;

/// Every route of the API with a request that it answers from [`Catalogue`].
pub const EXAMPLES: &[(&str, &str)] = &[
    ("/v1/compositions", "/v1/compositions?composer=tyagaraja&count=exact"),
    ("/v1/compositions/today", "/v1/compositions/today?date=2026-11-22"),
    ("/v1/compositions/random", "/v1/compositions/random?seed=7"),
    ("/v1/compositions/{ref}", "/v1/compositions/nanu-palimpa?script=telugu"),
    ("/v1/compositions/{ref}/texts", "/v1/compositions/nanu-palimpa/texts?scheme=iast"),
    ("/v1/compositions/{ref}/similar", "/v1/compositions/nanu-palimpa/similar?limit=2"),
    ("/v1/compositions/{ref}/provenance", "/v1/compositions/nanu-palimpa/provenance"),
    ("/v1/compositions/{ref}/revisions", "/v1/compositions/nanu-palimpa/revisions"),
    ("/v1/compositions/{ref}/revisions/diff", "/v1/compositions/nanu-palimpa/revisions/diff?from=1&to=1"),
    ("/v1/compositions/{ref}/revisions/{no}", "/v1/compositions/nanu-palimpa/revisions/1"),
    ("/v1/compositions/{ref}/notation", "/v1/compositions/nanu-palimpa/notation?script=telugu"),
    ("/v1/ragas", "/v1/ragas?mela=28"),
    ("/v1/ragas/by-swaras", "/v1/ragas/by-swaras?swaras=S+R2+G3+P+D2&graha_bheda=1"),
    ("/v1/ragas/{ref}", "/v1/ragas/mohanam"),
    ("/v1/melakartas", "/v1/melakartas?script=tamil"),
    ("/v1/talas", "/v1/talas"),
    ("/v1/talas/{ref}", "/v1/talas/chatusra-triputa"),
    ("/v1/composers", "/v1/composers?script=kannada"),
    ("/v1/composers/{ref}", "/v1/composers/tyagaraja"),
    ("/v1/deities", "/v1/deities"),
    ("/v1/deities/{ref}", "/v1/deities/rama"),
    ("/v1/temples", "/v1/temples"),
    ("/v1/temples/{ref}", "/v1/temples/bhadracalam"),
    ("/v1/places", "/v1/places"),
    ("/v1/places/{ref}", "/v1/places/tiruvaiyaru"),
    ("/v1/groups", "/v1/groups"),
    ("/v1/groups/{ref}", "/v1/groups/ghana"),
    ("/v1/tags", "/v1/tags"),
    ("/v1/tags/{ref}", "/v1/tags/bhakti"),
    ("/v1/sampradayas", "/v1/sampradayas"),
    ("/v1/sampradayas/{ref}", "/v1/sampradayas/umaiyalpuram"),
    ("/v1/search", "/v1/search?q=nanu&facets=raga"),
    ("/v1/suggest", "/v1/suggest?q=nan"),
    ("/v1/browse/{type}", "/v1/browse/ragas?script=tamil"),
    ("/v1/graph/{ref}", "/v1/graph/nanu-palimpa?depth=2"),
    ("/v1/feed.atom", "/v1/feed.atom?script=tamil"),
    ("/v1/feed.json", "/v1/feed.json"),
    ("/v1/export", "/v1/export"),
    ("/v1/export/{dataset}", "/v1/export/compositions?format=tei"),
    ("/v1/openapi.json", "/v1/openapi.json"),
    ("/docs", "/docs"),
];

/// Routes and requests of the API and of the site.
pub fn examples() -> impl Iterator<Item = (&'static str, &'static str)> {
    EXAMPLES.iter().chain(PAGES).copied()
}

#[test]
fn every_route_has_an_example_and_every_example_a_route() {
    let routes = public::api().routes().into_iter().map(|route| route.path).filter(|path| path != FILES);
    let routes: BTreeSet<String> = routes.collect();
    let examples: BTreeSet<String> = examples().map(|(route, _)| route.to_owned()).collect();
    assert_eq!(routes, examples);
}

#[tokio::test]
async fn every_route_answers_with_its_cache_policy() {
    let Some(app) = App::start().await else { return };
    Catalogue::load(&app).await;
    for route in public::api().routes().into_iter().filter(|route| route.path != FILES) {
        assert_eq!(route.method, "GET", "readers only read: {}", route.path);
        let Access::Public(policy) = route.access else { panic!("{} is not public", route.path) };
        let (_, path) = examples().find(|(example, _)| *example == route.path).unwrap();
        let answer = app.get(path).await.expect(200);
        assert_eq!(answer.header("cache-control"), policy.cache_control(), "{path}");
        let targeted = policy.cdn_cache_control().unwrap_or_default();
        assert_eq!(answer.header("cdn-cache-control"), targeted, "{path}");
        assert!(answer.headers.contains_key("x-request-id"), "{path}");
        answer.etag();
    }
}

/// Compiles only while the door to the database is the one for reading.
#[test]
fn state_reads_the_database_and_cannot_write_it() {
    let _: fn(&State) -> &Reader = |state| &state.reader;
}
