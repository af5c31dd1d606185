//! Bad input: a 4xx problem with the pointer of the field; odd words are words.

use crate::catalogue::Catalogue;
use crate::support::App;
use http::Method;

/// A parameter, and values that it refuses.
const REFUSED: &[(&str, &str, &[&str])] = &[
    ("/v1/compositions", "limit", &["0", "101", "x", "-1", "99999999999", ""]),
    ("/v1/compositions", "cursor", &["", "AAAA", "%25", "bnVsbA", "eyJvZiI6MSwiYXQiOm51bGx9"]),
    ("/v1/compositions", "colour", &["red"]),
    ("/v1/compositions", "script", &["klingon", "bengali", "LATIN", ""]),
    ("/v1/compositions", "form", &["KRITI", "song"]),
    ("/v1/compositions", "language", &["xx", "te-IN"]),
    ("/v1/compositions", "mela", &["0", "73", "300", "-1", "x"]),
    ("/v1/compositions", "sort", &["best"]),
    ("/v1/compositions", "raga_mode", &["all"]),
    ("/v1/compositions", "count", &["yes"]),
    ("/v1/compositions", "composer", &["nobody", "%00", "01920000-0000-7000-8000-00000000dead", ""]),
    ("/v1/compositions", "raga", &["tyagaraja"]),
    ("/v1/compositions", "tala", &["nothing"]),
    ("/v1/compositions", "deity", &["nothing"]),
    ("/v1/compositions", "temple", &["nothing"]),
    ("/v1/compositions", "tag", &["nothing"]),
    ("/v1/compositions", "group", &["nothing"]),
    ("/v1/compositions", "sampradaya", &["nothing"]),
    ("/v1/compositions/today", "date", &["tomorrow", "2026-13-01", "22-11-2026"]),
    ("/v1/compositions/random", "seed", &["x", "-1", "1e3"]),
    ("/v1/compositions/random", "script", &["x"]),
    ("/v1/compositions/nanu-palimpa", "script", &["gujarati"]),
    ("/v1/compositions/nanu-palimpa", "scheme", &["harvard", "concert", "karnatik"]),
    ("/v1/compositions/nanu-palimpa", "include", &["all"]),
    ("/v1/compositions/nanu-palimpa/texts", "scheme", &["x"]),
    ("/v1/compositions/nanu-palimpa/notation", "version", &["1", "nanu"]),
    ("/v1/ragas", "kind", &["raga"]),
    ("/v1/ragas", "mela", &["73"]),
    ("/v1/ragas", "limit", &["101"]),
    ("/v1/compositions/nanu-palimpa", "fields", &["colour", "title,", ""]),
    ("/v1/compositions/nanu-palimpa", "version", &["x"]),
    ("/v1/compositions/nanu-palimpa", "as_of", &["yesterday", "2026-13-01", "2026", ""]),
    ("/v1/compositions/nanu-palimpa/texts", "language", &["xx"]),
    ("/v1/compositions/nanu-palimpa/texts", "rendering", &["sung"]),
    ("/v1/compositions/nanu-palimpa/similar", "limit", &["0", "101", "x"]),
    ("/v1/compositions/nanu-palimpa/similar", "script", &["x"]),
    ("/v1/compositions/nanu-palimpa/provenance", "format", &["ris", ""]),
    ("/v1/compositions/nanu-palimpa/revisions", "limit", &["1"]),
    ("/v1/compositions/nanu-palimpa/revisions/1", "script", &["x"]),
    ("/v1/graph/nanu-palimpa", "depth", &["0", "4", "x", "300"]),
    ("/v1/feed.json", "script", &["x"]),
    ("/v1/export", "format", &["csv"]),
    ("/v1/export/compositions", "format", &["xml", ""]),
    ("/v1/export/ragas", "format", &["tei", "jsonld"]),
    ("/v1/export/everything", "format", &["csv"]),
    ("/v1/ragas/mohanam", "fields", &["colour"]),
    ("/v1/ragas/mohanam", "include", &["all", "", "janyas,x"]),
    ("/v1/composers/tyagaraja", "include", &["songs"]),
    ("/v1/composers", "count", &["yes"]),
    ("/v1/composers", "fields", &["price"]),
    ("/v1/temples", "bbox", &["1,2,3", "x", "0,5,1,4", ""]),
    ("/v1/ragas/by-swaras", "swaras", &["", "H2", "S R9", "%00"]),
    ("/v1/ragas/by-swaras?swaras=S", "mode", &["like"]),
    ("/v1/ragas/by-swaras?swaras=S", "direction", &["up"]),
    ("/v1/ragas/by-swaras?swaras=S", "graha_bheda", &["maybe"]),
    ("/v1/melakartas", "number", &["1"]),
    ("/v1/composers", "q", &["x"]),
    ("/v1/composers/tyagaraja", "lang", &["te"]),
    ("/v1/search", "q", &["%00"]),
    ("/v1/search", "types", &["song", "raga,", ""]),
    ("/v1/search", "facets", &["price"]),
    ("/v1/search", "sort", &["best"]),
    ("/v1/search", "raga_mode", &["cousins"]),
    ("/v1/search", "limit", &["0", "101"]),
    ("/v1/search", "cursor", &["AAAA"]),
    ("/v1/search", "composer", &["nobody"]),
    ("/v1/search", "mela", &["73"]),
    ("/v1/search", "explain", &["maybe"]),
    ("/v1/suggest?q=a", "limit", &["0", "51", "x"]),
    ("/v1/suggest?q=a", "types", &["song"]),
    ("/v1/suggest?q=a", "script", &["x"]),
    ("/v1/browse/ragas", "script", &["x"]),
    ("/v1/browse/ragas", "letter", &["%00"]),
    ("/v1/browse/ragas", "limit", &["0"]),
];

#[tokio::test]
async fn refused_parameters_are_named() {
    let Some(app) = App::start().await else { return };
    Catalogue::load(&app).await;
    for (path, parameter, values) in REFUSED {
        for value in *values {
            let separator = if path.contains('?') { '&' } else { '?' };
            let path = format!("{path}{separator}{parameter}={}", value.replace(' ', "+"));
            for answer in [app.get(&path).await, app.get_cached(&path, Some("*")).await] {
                assert_eq!(answer.status, 422, "{path}: {}", answer.body);
                assert_eq!(answer.field(), format!("/{parameter}"), "{path}: {}", answer.body);
                assert_eq!(answer.body["code"], "validation");
                assert!(answer.body["request_id"].is_string());
            }
        }
    }
}

#[tokio::test]
async fn missing_and_repeated_parameters_are_named() {
    let Some(app) = App::start().await else { return };
    for (path, field) in [
        ("/v1/suggest", "/q"),
        ("/v1/ragas/by-swaras", "/swaras"),
        ("/v1/compositions?limit=1&limit=2", "/limit"),
        ("/v1/search?q=a&q=b", "/q"),
    ] {
        assert_eq!(app.get(path).await.expect(422).field(), field, "{path}");
    }
}

#[tokio::test]
async fn odd_words_are_words() {
    let Some(app) = App::start().await else { return };
    Catalogue::load(&app).await;
    let long = "a".repeat(60_000);
    let words = "nanu+".repeat(10_000);
    let odd = [
        "%25",
        "_",
        "%5C",
        "%27",
        "%22",
        "*",
        "%3F",
        "(",
        ")",
        "%5B",
        "%7B",
        "a+AND+b",
        "title%3Anan*",
        "-nanu",
        "%2B%2B",
        "nanu~2",
        "%5E",
        "a%2F%2Fb",
        "%F0%9F%8E%B5",
        "%E0%AE%95%E0%AF%8D",
        "%FF%FE",
        "%20",
        "",
        &long,
        &words,
    ];
    for text in odd {
        let start: String = text.chars().take(40).collect();
        for path in
            ["/v1/search?facets=raga&q=", "/v1/suggest?q=", "/v1/ragas?letter=", "/v1/browse/ragas?letter="]
        {
            let answer = app.get(&format!("{path}{text}")).await;
            assert_eq!(answer.status, 200, "{path}{start}: {}", answer.body);
        }
        let page = app.get(&format!("/v1/ragas/{}", if text.is_empty() { "%20" } else { text })).await;
        assert!([400, 404].contains(&page.status), "{start}: {}", page.status);
    }
    assert_eq!(app.ok(&format!("/v1/search?q={words}")).await["truncated"], true);
    assert_eq!(app.ok("/v1/search?q=%25").await["total"], 0, "a sign is no wildcard");
}

#[tokio::test]
async fn only_reading_is_allowed() {
    let Some(app) = App::start().await else { return };
    for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
        let answer = app.ask(method, "/v1/compositions", None).await.expect(405);
        assert_eq!(answer.body["code"], "method_not_allowed");
        assert!(answer.header("allow").contains("GET"));
    }
}

#[tokio::test]
async fn problems_tell_nothing_of_the_inside() {
    let Some(app) = App::start().await else { return };
    let catalogue = Catalogue::load(&app).await;
    app.database.sql("alter table revision disable trigger user; update revision set body = '{}'");
    let answer = app.get(&format!("/v1/compositions/{}", catalogue.nanu.id)).await.expect(500);
    let text = String::from_utf8_lossy(&answer.bytes).to_lowercase();
    assert_eq!(answer.body["code"], "internal");
    for word in ["select", "json", "column", "missing field", "serde", "live."] {
        assert!(!text.contains(word), "{text}");
    }
}
