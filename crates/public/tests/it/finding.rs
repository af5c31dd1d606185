//! Search, suggestions, and the A to Z.

use crate::catalogue::Catalogue;
use crate::support::{App, texts};
use serde_json::{Value, json};

fn titles(body: &Value) -> Vec<&str> {
    let hits = body["hits"].as_array().into_iter().flatten();
    hits.filter_map(|hit| hit["composition"]["title"].as_str()).collect()
}

#[tokio::test]
async fn song_is_found_in_any_script_and_shown_whole() {
    let Some(app) = App::start().await else { return };
    let catalogue = Catalogue::load(&app).await;
    for words in [
        "vatapi",
        "V%C4%81t%C4%81pi+ga%E1%B9%87apati%E1%B9%81",
        "%E0%A4%B5%E0%A4%BE%E0%A4%A4%E0%A4%BE%E0%A4%AA%E0%A4%BF",
    ] {
        let answer = app.get(&format!("/v1/search?q={words}")).await.expect(200);
        assert_eq!(titles(&answer.body), ["Vātāpi gaṇapatiṁ"], "{words}");
        let hit = &answer.body["hits"][0];
        assert_eq!(hit["composition"]["id"], json!(catalogue.vatapi.id));
        assert_eq!(hit["composition"]["external_ids"], json!([{"scheme": "catalogue", "id": "t0002"}]));
        assert!(hit["why"].is_string() && hit["matched"].is_array());
        assert_eq!(answer.header("x-index-seq"), answer.body["watermark"].to_string());
    }
}

#[tokio::test]
async fn search_takes_every_filter_and_counts_facets() {
    let Some(app) = App::start().await else { return };
    let catalogue = Catalogue::load(&app).await;
    for (query, expected) in [
        ("composer=tyagaraja", 2),
        ("raga=mohanam", 2),
        ("raga=mohanam&raga_mode=primary", 2),
        ("mela=65", 2),
        ("deity=rama", 1),
        ("temple=bhadracalam", 1),
        ("tag=bhakti", 1),
        ("language=te", 1),
        ("form=varnam_tana", 1),
        ("composer=tyagaraja&language=sa", 1),
        ("q=nanu&composer=tyagaraja", 1),
    ] {
        assert_eq!(app.ok(&format!("/v1/search?{query}")).await["total"], expected, "{query}");
    }
    let body = app.ok("/v1/search?facets=composer,mela,composer&script=tamil").await;
    assert_eq!(texts(&body["facets"], "facet"), ["composer", "mela"], "each facet once");
    let first = &body["facets"][0]["values"][0];
    assert_eq!((&first["value"], &first["count"]), (&json!(catalogue.refers.composer), &json!(2)));
    assert_eq!(first["label"], "த்யாகராஜ");
}

#[tokio::test]
async fn other_kinds_are_found_when_asked_for() {
    let Some(app) = App::start().await else { return };
    let catalogue = Catalogue::load(&app).await;
    let body = app.ok("/v1/search?q=mohanam&types=raga,composer").await;
    assert_eq!(body["hits"][0]["entity"]["id"], json!(catalogue.mohanam.id));
    let songs = app.ok("/v1/search?q=mohanam").await;
    assert_eq!(titles(&songs).len(), 2, "songs alone unless asked: those in the raga");
    assert_eq!(
        (&songs["hits"][0]["why"], &songs["interpretations"][0]["facet"]),
        (&json!("named"), &json!("raga"))
    );
    let value = songs["interpretations"][0]["values"][0].as_str().unwrap();
    let plain = app.ok(&format!("/v1/search?q=mohanam&unlink={value}")).await;
    assert_eq!(plain["interpretations"], json!([]), "a removed chip is a word again");
}

#[tokio::test]
async fn a_search_explains_itself_and_keeps_to_its_time() {
    let Some(app) = App::start().await else { return };
    Catalogue::load(&app).await;
    let body = app.ok("/v1/search?q=vatapi+kalyani&explain=1&timeout_ms=60000").await;
    assert!(body["hits"][0]["because"].is_string() && body["explanation"]["readings"].is_array(), "{body}");
    assert_eq!((&body["partial"], &body["degraded"]), (&json!(false), &json!(false)));
    for bad in ["explain=perhaps", "timeout_ms=-1", "raga_mode=cousins", "facets=colour", "types=song"] {
        app.get(&format!("/v1/search?q=vatapi&{bad}")).await.expect(422);
    }
}

#[tokio::test]
async fn suggestions_come_by_kind() {
    let Some(app) = App::start().await else { return };
    Catalogue::load(&app).await;
    let body = app.ok("/v1/suggest?q=m&script=telugu").await;
    let groups = body["groups"].as_array().unwrap();
    assert!(groups.len() >= 2, "{body}");
    for group in groups {
        let kinds = texts(&group["items"], "kind");
        assert!(kinds.iter().all(|kind| group["type"] == json!(kind)), "{group}");
    }
    let ragas = app.ok("/v1/suggest?q=mohan&types=raga").await;
    assert_eq!(ragas["groups"][0]["items"][0]["label"], "Mōhanaṁ");
    assert_eq!(ragas["groups"].as_array().unwrap().len(), 1);
    assert_eq!(app.ok("/v1/suggest?q=zzzz").await["groups"], json!([]));
}

#[tokio::test]
async fn song_in_the_index_alone_is_not_shown() {
    let Some(app) = App::start().await else { return };
    let catalogue = Catalogue::load(&app).await;
    // As if the index were behind: the database has withdrawn it, the index has not heard.
    let id = catalogue.vatapi.id;
    app.database.sql(&format!(
        "update aggregate set live_number = null where id = '{id}'; \
         delete from live_composition where id = '{id}'; delete from label where aggregate_id = '{id}'"
    ));
    assert_eq!(app.ok("/v1/search?q=vatapi").await["hits"], json!([]));
    assert_eq!(app.ok("/v1/suggest?q=vatap").await["groups"], json!([]));
}

#[tokio::test]
async fn a_to_z_is_in_the_letters_of_the_script() {
    let Some(app) = App::start().await else { return };
    Catalogue::load(&app).await;
    let tamil = app.ok("/v1/browse/compositions?script=tamil").await;
    assert_eq!(texts(&tamil["letters"], "letter"), ["ந", "வ"]);
    assert_eq!((&tamil["letters"][1]["count"], &tamil["items"]), (&json!(2), &json!([])));
    let opened = app.ok("/v1/browse/compositions?script=tamil&letter=%E0%AE%B5").await;
    let labels = texts(&opened["items"], "label");
    assert_eq!(labels.len(), 2);
    assert!(labels.iter().all(|label| label.starts_with('வ')), "{labels:?}");
    assert_eq!(opened["items"][0]["machine_made"], true);
    let latin = app.ok("/v1/browse/compositions?letter=V").await;
    assert_eq!(texts(&latin["letters"], "letter"), ["N", "V"]);
    assert_eq!(texts(&latin["items"], "slug"), ["valaci-vacci", "vatapi-ganapatim"]);
}
