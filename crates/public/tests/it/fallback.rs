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
