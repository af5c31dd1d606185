//! Lists: every filter, both orders, and pages that lose nothing.

use crate::catalogue::Catalogue;
use crate::support::{App, song, texts};
use serde_json::{Value, json};
use testkit::fixtures;

const NANU: &str = "Nanu pālimpa";
const GARLAND: &str = "Valaci vacci";
const VATAPI: &str = "Vātāpi gaṇapatiṁ";

#[tokio::test]
async fn every_filter_finds_its_songs_and_no_others() {
    let Some(app) = App::start().await else { return };
    let catalogue = Catalogue::load(&app).await;
    let raga = catalogue.refers.raga;
    for (query, expected) in [
        (String::new(), vec![NANU, GARLAND, VATAPI]),
        ("composer=tyagaraja".into(), vec![NANU, GARLAND]),
        (format!("composer={}", catalogue.dikshitar.id), vec![VATAPI]),
        ("raga=mohanam".into(), vec![NANU, GARLAND]),
        (format!("raga={raga}"), vec![GARLAND, VATAPI]),
        (format!("raga={raga}&raga_mode=primary"), vec![VATAPI]),
        ("raga=harikambhoji&raga_mode=family".into(), vec![NANU, GARLAND]),
        ("raga=harikambhoji".into(), vec![]),
        ("mela=28".into(), vec![NANU, GARLAND]),
        ("mela=65".into(), vec![GARLAND, VATAPI]),
        (format!("tala={}", catalogue.refers.tala), vec![NANU, GARLAND, VATAPI]),
        ("deity=rama".into(), vec![NANU]),
        ("temple=bhadracalam".into(), vec![NANU]),
        ("tag=bhakti".into(), vec![NANU]),
        ("group=ghana".into(), vec![NANU, VATAPI]),
        ("language=te".into(), vec![NANU]),
        ("language=ta".into(), vec![]),
        ("form=varnam_tana".into(), vec![GARLAND]),
        ("form=kriti&composer=tyagaraja".into(), vec![NANU]),
        ("composer=tyagaraja&language=sa".into(), vec![GARLAND]),
    ] {
        let body = app.ok(&format!("/v1/compositions?count=exact&{query}")).await;
        assert_eq!(texts(&body["items"], "title"), expected, "{query}");
        assert_eq!(body["total"], json!(expected.len()), "{query}");
    }
    let school = app.ok("/v1/sampradayas").await["items"][0]["slug"].as_str().unwrap().to_owned();
    assert_eq!(app.titles(&format!("/v1/compositions?sampradaya={school}")).await, [NANU]);
    assert_eq!(app.ok("/v1/compositions").await["total"], Value::Null, "a total is counted on request");
    assert_eq!(app.titles("/v1/compositions?sort=newest").await, [GARLAND, VATAPI, NANU]);
}

#[tokio::test]
async fn list_shows_what_a_reader_chooses_by() {
    let Some(app) = App::start().await else { return };
    Catalogue::load(&app).await;
    let body = app.ok("/v1/compositions?script=telugu").await;
    let (nanu, vatapi) = (&body["items"][0], &body["items"][2]);
    assert_eq!((&nanu["machine_made"], &nanu["composer"]["label"]), (&json!(true), &json!("త్యాగరాజ")));
    assert_eq!(nanu["deities"][0]["slug"], "rama");
    assert_eq!((&nanu["languages"], &nanu["scripts"]), (&json!(["te"]), &json!(["latin"])));
    assert_eq!(vatapi["external_ids"], json!([{"scheme": "catalogue", "id": "t0002"}]));
    assert!(vatapi["incipit"].is_string() && vatapi["updated_at"].is_string());
}

/// Walks a list one item at a time and answers the ids in order.
async fn walked(app: &App, path: &str, id: fn(&Value) -> &Value) -> Vec<Value> {
    let separator = if path.contains('?') { '&' } else { '?' };
    let (mut seen, mut next) = (Vec::new(), format!("{path}{separator}limit=1"));
    loop {
        let body = app.ok(&next).await;
        let items = body.get("items").unwrap_or(&body["hits"]).as_array().expect("a page").clone();
        assert!(items.len() <= 1 && seen.len() < 200, "{next}");
        seen.extend(items.iter().map(|item| id(item).clone()));
        let Some(cursor) = body["next_cursor"].as_str() else { return seen };
        next = format!("{path}{separator}limit=1&cursor={cursor}");
    }
}

#[tokio::test]
async fn pages_lose_nothing_and_repeat_nothing() {
    let Some(app) = App::start().await else { return };
    let refers = app.refers().await;
    // Equal titles, longest titles, and titles that sort by marks alone.
    for title in
        ["Rāma", "Rāma", "Rama", "rāma", &"Śrīraṅgapuravihārā ".repeat(16), &"Śrīraṅgapuravihārā ".repeat(16)]
    {
        app.add(song(title.trim(), refers)).await;
    }
    app.add_all((1..=5).map(fixtures::mela).collect()).await;
    let own: fn(&Value) -> &Value = |item| &item["id"];
    let found: fn(&Value) -> &Value = |hit| &hit["composition"]["id"];
    for (path, id, expected) in [
        ("/v1/compositions", own, 6),
        ("/v1/compositions?sort=newest", own, 6),
        ("/v1/compositions?composer=tyagaraja&script=tamil", own, 6),
        ("/v1/ragas", own, 6),
        ("/v1/ragas?script=malayalam&kind=mela", own, 6),
        ("/v1/browse/compositions?letter=R", own, 4),
        ("/v1/search?sort=title", found, 6),
        ("/v1/search?q=rama", found, 4),
    ] {
        let whole = app.ok(path).await;
        let items = whole.get("items").unwrap_or(&whole["hits"]).as_array().unwrap();
        let whole: Vec<Value> = items.iter().map(|item| id(item).clone()).collect();
        let walked = walked(&app, path, id).await;
        assert_eq!((walked.len(), &walked), (expected, &whole), "{path}");
    }
}

#[tokio::test]
async fn cursor_belongs_to_its_list_and_filters() {
    let Some(app) = App::start().await else { return };
    Catalogue::load(&app).await;
    let cursor = |body: Value| body["next_cursor"].as_str().unwrap().to_owned();
    let songs = cursor(app.ok("/v1/compositions?limit=1").await);
    let ragas = cursor(app.ok("/v1/ragas?limit=1").await);
    let search = cursor(app.ok("/v1/search?limit=1&sort=title").await);
    for path in [
        format!("/v1/compositions?sort=newest&cursor={songs}"),
        format!("/v1/compositions?composer=tyagaraja&cursor={songs}"),
        format!("/v1/compositions?cursor={ragas}"),
        format!("/v1/ragas?cursor={songs}"),
        format!("/v1/ragas?script=tamil&cursor={ragas}"),
        format!("/v1/composers?cursor={ragas}"),
        format!("/v1/browse/ragas?letter=M&cursor={ragas}"),
        format!("/v1/search?q=rama&sort=title&cursor={search}"),
        format!("/v1/search?cursor={songs}"),
    ] {
        assert_eq!(app.get(&path).await.expect(422).field(), "/cursor", "{path}");
    }
    app.get(&format!("/v1/compositions?limit=2&cursor={songs}")).await.expect(200);
}

#[tokio::test]
async fn lists_of_entities_count_songs_and_follow_a_script() {
    let Some(app) = App::start().await else { return };
    Catalogue::load(&app).await;
    let composers = app.ok("/v1/composers?script=devanagari").await;
    let counted: Vec<(&str, u64)> = composers["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (item["label"].as_str().unwrap(), item["compositions"].as_u64().unwrap()))
        .collect();
    assert_eq!(counted, [("त्यागराज", 2), ("मुत्तुस्वामि दीक्षितर्", 1)]);
    assert_eq!(app.ok("/v1/groups").await["items"][0]["compositions"], 2);
    let melas = |body: Value| texts(&body["items"], "label");
    assert_eq!(melas(app.ok("/v1/ragas?mela=28").await), ["harikāmbhōji", "Mōhanaṁ"]);
    assert_eq!(melas(app.ok("/v1/ragas?mela=28&kind=janya").await), ["Mōhanaṁ"]);
    assert_eq!(melas(app.ok("/v1/ragas?letter=H").await), ["harikāmbhōji"]);
    assert_eq!(app.ok("/v1/ragas?kind=mela").await["items"][0]["mela_number"], 28);
    for collection in ["talas", "deities", "temples", "places", "tags", "sampradayas"] {
        let items = app.ok(&format!("/v1/{collection}")).await["items"].clone();
        assert_eq!(items.as_array().unwrap().len(), 1, "{collection}");
        let slug = items[0]["slug"].as_str().unwrap();
        assert_eq!(app.ok(&format!("/v1/{collection}/{slug}")).await["id"], items[0]["id"], "{collection}");
    }
}

#[tokio::test]
async fn song_of_a_day_is_the_same_for_everybody() {
    let Some(app) = App::start().await else { return };
    Catalogue::load(&app).await;
    let day = app.get("/v1/compositions/today?date=2026-11-22").await.expect(200);
    assert_eq!(day.bytes, app.get("/v1/compositions/today?date=2026-11-22").await.bytes);
    assert_eq!(day.body["date"], "2026-11-22");
    assert_eq!(app.ok("/v1/compositions/today").await["date"], "2026-01-14", "the clock's day");
    let mut songs = Vec::new();
    for day in 1..=28 {
        let body = app.ok(&format!("/v1/compositions/today?date=2026-02-{day:02}")).await;
        songs.push(body["composition"]["id"].to_string());
    }
    songs.sort();
    songs.dedup();
    assert_eq!(songs.len(), 3, "every song has its day");
}

#[tokio::test]
async fn seed_draws_the_same_song() {
    let Some(app) = App::start().await else { return };
    Catalogue::load(&app).await;
    let drawn = app.get("/v1/compositions/random?seed=7").await.expect(200);
    assert_eq!(drawn.bytes, app.get("/v1/compositions/random?seed=7").await.bytes);
    assert_eq!(drawn.header("cache-control"), "no-store");
    let mut songs = Vec::new();
    for _ in 0..40 {
        songs.push(app.ok("/v1/compositions/random").await["id"].to_string());
    }
    songs.sort();
    songs.dedup();
    assert!(songs.len() > 1, "without a seed it is another song each time");
}
