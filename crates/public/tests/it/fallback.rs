//! Searches where the index cannot be asked: from the database, by the same keys.

use crate::support::App;
use testkit::fixtures::kriti;

const TITLES: [&str; 4] =
    ["endarō mahānubhāvulu", "vātāpi gaṇapatiṁ bhajē", "nagumōmu ganalēni", "rāma nannu brōvarā"];

fn slugs(body: &serde_json::Value) -> Vec<String> {
    let hits = body["hits"].as_array().cloned().unwrap_or_default();
    hits.iter().map(|hit| hit["composition"]["slug"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn titles_beginnings_and_scripts_are_found_without_an_index() {
    let Some(app) = App::start().await else { return };
    let refers = app.refers().await;
    app.add_all(TITLES.map(|title| kriti(title, refers)).into()).await;
    let texts =
        ["endaro mahanubhavulu", "ఎందరో మహానుభావులు", "வாதாபி கணபதிம் பஜே", "nagumo", "नगुमोमु", "mahanubhavulu", ""];
    for text in texts {
        let path = format!(
            "/v1/search?q={}",
            url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>()
        );
        let (with, without) = (app.get(&path).await, app.get_without_index(&path).await);
        assert_eq!((with.status, without.status), (200, 200), "{text}");
        assert!(!slugs(&with.body).is_empty(), "{text}");
        assert_eq!(slugs(&without.body), slugs(&with.body), "{text}");
        assert_eq!(without.body["total"], with.body["total"], "{text}");
        let degraded = |body: &serde_json::Value| body["degraded"].as_bool();
        assert_eq!((degraded(&with.body), degraded(&without.body)), (Some(false), Some(true)), "{text}");
    }
}

#[tokio::test]
async fn filters_counts_and_suggestions_go_on_without_an_index() {
    let Some(app) = App::start().await else { return };
    let refers = app.refers().await;
    app.add_all(TITLES.map(|title| kriti(title, refers)).into()).await;
    let path = format!("/v1/search?raga={}&facets=raga,form,composer", refers.raga);
    let (with, without) = (app.get(&path).await, app.get_without_index(&path).await);
    assert_eq!(without.body["facets"], with.body["facets"]);
    assert_eq!((without.body["total"].as_u64(), without.status), (Some(4), 200));
    let (with, without) =
        (app.get("/v1/suggest?q=nagum").await, app.get_without_index("/v1/suggest?q=nagum").await);
    assert_eq!(without.body, with.body);
    let nonsense = app.get_without_index("/v1/search?q=xylophone").await;
    assert_eq!((nonsense.status, nonsense.body["total"].as_u64()), (200, Some(0)));
    assert_eq!(app.get_without_index("/v1/search?cursor=nonsense").await.status, 422);
}

/// What an answer says of the engine that gave it, and how it counts inside one answer.
fn comparable(mut body: serde_json::Value) -> serde_json::Value {
    let _ = body.as_object_mut().map(|body| ["degraded", "watermark", "partial"].map(|key| body.remove(key)));
    for hit in body["hits"].as_array_mut().into_iter().flatten() {
        let _ = hit.as_object_mut().map(|hit| hit.remove("score"));
    }
    body
}

/// Promises of every engine that the database keeps as well, with what is asked for each.
const PROMISES: [(&str, &[&str]); 13] = [
    (
        "scripts and romanisations find the same",
        &["q=endarO mahAnubhAvulu", "q=ఎందరో మహానుభావులు", "q=எந்தரோ மஹானுபாவுலு", "q=एन्दरो महानुभावुलु"],
    ),
    ("a beginning finds, even inside an akshara", &["q=endaro maha", "q=ఎందరో మ", "q=vatapi g", "q=वातापि ग"]),
    ("classes come in order", &["q=endaro", "q=rama", "q=rama nannu brovara kalyani"]),
    ("words of a title are found and marked", &["q=mahanubhavulu", "q=brovara rama", "q=ganapatim"]),
    ("names narrow", &["q=tyagaraja kalyani", "q=raga mechakalyani tyagaraja", "q=త్యాగరాజ"]),
    ("a removed chip is a word again", &["q=mechakalyani&unlink={raga}"]),
    ("counts equal hits", &["facets=raga,composer,tala,form,language,mela", "q=rama&facets=raga,composer"]),
    (
        "a facet's own filter does not narrow it",
        &["raga={raga}&facets=raga,composer", "mela=65&facets=mela,raga"],
    ),
    ("pages are whole", &["limit=2", "limit=1&q=rama", "limit=3&sort=title"]),
    ("every order is total", &["sort=title", "sort=newest", "sort=title&script=telugu"]),
    ("kinds are apart", &["types=raga&q=kalyani", "types=composer&q=tyaga", "types=tala,raga&limit=3"]),
    ("an answer explains itself", &["q=vatapi ganapatim&explain=1"]),
    (
        "no text breaks it",
        &[
            "q=%25_*%22:%5C",
            "q=%CC%81%CC%82",
            "q=%F0%9F%91%A8%E2%80%8D%F0%9F%91%A9",
            "q=%D7%90%D7%91",
            "q=   ",
        ],
    ),
];

#[tokio::test]
async fn the_database_keeps_the_promises_that_need_no_lyrics_and_no_likeness() {
    let Some(app) = App::start().await else { return };
    let refers = app.refers().await;
    app.add_all(TITLES.map(|title| kriti(title, refers)).into()).await;
    let mut asked = 0;
    for (promise, queries) in PROMISES {
        for query in queries {
            let query = query.replace("{raga}", &refers.raga.to_string());
            let pairs: Vec<(&str, &str)> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
            let is_encoded = query.contains('%');
            let path = if is_encoded {
                format!("/v1/search?{query}")
            } else {
                let pairs = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
                format!("/v1/search?{pairs}")
            };
            let (with, without) = (app.get(&path).await, app.get_without_index(&path).await);
            assert_eq!((with.status, without.status), (200, 200), "{promise}: {query}");
            let is_told = [with.body["degraded"].clone(), without.body["degraded"].clone()];
            // Without a letter nobody is asked.
            let is_asked = with.body["total"].as_u64() > Some(0);
            assert!(is_told == [false, true] || !is_asked, "{promise}: {query}");
            assert_eq!(comparable(without.body), comparable(with.body), "{promise}: {query}");
            asked += 1;
        }
    }
    println!("{} promises by {asked} queries are kept without an index", PROMISES.len());
}

#[tokio::test]
async fn swaras_are_known_to_the_index_alone_and_a_pattern_is_checked() {
    let Some(app) = App::start().await else { return };
    let refers = app.refers().await;
    app.add_all(TITLES.map(|title| kriti(title, refers)).into()).await;
    let without = app.get_without_index("/v1/search?swaras=S+R2+G3+M1").await.expect(200).body;
    assert_eq!((without["total"].as_u64(), &without["partial"]), (Some(0), &true.into()));
    for wrong in ["S+R4+G3", "xyz", "s+r", "S+R2+G", ""] {
        let answer = app.get(&format!("/v1/search?swaras={wrong}")).await;
        assert_eq!((answer.status, answer.field()), (422, "/swaras"), "{wrong}");
    }
}
