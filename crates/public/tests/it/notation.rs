//! Songs written down in swaras.

use crate::support::{App, song};
use domain::composition::notation::text::{Frame, parse};
use domain::composition::{Composition, Notation, notation::NotationSection};
use domain::music::Raga;
use lipi::{Scheme, Script};
use serde_json::json;
use uuid::Uuid;

/// Two avartanams of Adi in the swaras of mela 65.
const SWARAS: &str = "speed 2
  s , r g m p d , | , n s' , | n d. p m ||
> vā . tā . pi . ga . | . ṇa pa . | tiṁ
  g , , r s ; , | _ _ _ _ | _ _ _ _ ||";

/// `song` with its pallavi written down.
fn written_down(mut song: Composition) -> Composition {
    let frame =
        Frame { angas: vec![4, 2, 2], kalai: 1, gati: 4, swaras: Frame::swaras_of(&Raga::mela(65).unwrap()) };
    let rows = parse(SWARAS, &frame).unwrap();
    let version = &mut song.versions[0];
    let section = NotationSection { section: version.sections[0].id, angas: frame.angas, rows };
    version.notations.push(Notation {
        id: Uuid::now_v7(),
        label: None,
        script: Script::Latin,
        scheme: Some(Scheme::Iso15919),
        source: None,
        rights: None,
        note: Some("As it is taught.".to_owned()),
        sections: vec![section],
    });
    song
}

#[tokio::test]
async fn swaras_come_by_avartanam_cut_at_the_angas() {
    let Some(app) = App::start().await else { return };
    let song = written_down(song("Vātāpi gaṇapatiṁ", app.refers().await));
    let version = song.versions[0].id;
    let id = app.add(song).await.id;
    let detail = app.ok(&format!("/v1/compositions/{id}")).await;
    let summary = &detail["notations"][0];
    assert_eq!((&summary["avartanams"], &summary["swaras"]), (&json!(2), &json!(15)));

    let body = app.ok(&format!("/v1/compositions/{id}/notation")).await;
    let notation = &body["versions"][0]["notations"][0];
    assert_eq!(body["versions"][0]["tala"]["gati"], 4);
    let section = &notation["sections"][0];
    assert_eq!((&section["kind"], section["rows"].as_array().unwrap().len()), (&json!("pallavi"), 2));
    let row = &section["rows"][0];
    assert_eq!((&row["avartanam"], &row["speed"], &row["units_per_beat"]), (&json!(1), &json!(2), &json!(2)));
    let beats: Vec<_> = row["angas"].as_array().unwrap().iter().map(|anga| &anga["beats"]).collect();
    assert_eq!(beats, [4, 2, 2]);
    let first = json!({"swara": "S", "letter": "S", "length": 2, "syllable": "vā"});
    assert_eq!(row["angas"][0]["notes"][0], first);
    assert_eq!(row["angas"][1]["notes"][0], json!({"length": 1, "held": true}));
    let low = json!({"swara": "D2", "letter": "D", "octave": -1, "length": 1});
    assert_eq!(row["angas"][2]["notes"][1], low);

    let one = app.ok(&format!("/v1/compositions/{id}/notation?version={version}")).await;
    assert_eq!(one["versions"].as_array().unwrap().len(), 1);
    app.get(&format!("/v1/compositions/{id}/notation?version={id}")).await.expect(404);
}

#[tokio::test]
async fn swaras_and_words_come_in_the_script_that_is_asked_for() {
    let Some(app) = App::start().await else { return };
    app.add(written_down(song("Vātāpi gaṇapatiṁ", app.refers().await))).await;
    let path = "/v1/compositions/vatapi-ganapatim/notation";
    let telugu = app.ok(&format!("{path}?script=telugu")).await;
    let notation = &telugu["versions"][0]["notations"][0];
    assert_eq!((&notation["script"], &notation["machine_made"]), (&json!("telugu"), &json!(true)));
    let note = &notation["sections"][0]["rows"][0]["angas"][0]["notes"][1];
    assert_eq!((&note["letter"], &note["syllable"]), (&json!("రి"), &json!("తా")));

    let latin = app.get(path).await.expect(200);
    app.get_cached(path, Some(latin.etag())).await.expect(304);
    assert_ne!(latin.etag(), app.get(&format!("{path}?script=telugu")).await.etag());
}

#[tokio::test]
async fn a_song_without_swaras_has_an_empty_answer() {
    let Some(app) = App::start().await else { return };
    let id = app.add(song("Nanu pālimpa", app.refers().await)).await.id;
    assert_eq!(app.ok(&format!("/v1/compositions/{id}/notation")).await, json!({"versions": []}));
    assert!(app.ok(&format!("/v1/compositions/{id}")).await.get("notations").is_none());
    let page = app.get("/compositions/nanu-palimpa").await.expect(200);
    assert!(!page.html().contains("swara-rows"));
}

#[tokio::test]
async fn the_page_of_a_song_shows_its_swaras_over_the_words() {
    let Some(app) = App::start().await else { return };
    app.add(written_down(song("Vātāpi gaṇapatiṁ", app.refers().await))).await;
    let page = app.get("/compositions/vatapi-ganapatim").await.expect(200);
    let html = page.html();
    assert_eq!(html.matches("class=\"avartanam-row").count(), 2);
    assert_eq!(html.matches("class=\"anga\"").count(), 6);
    for shown in ["<b>D<sub>•</sub></b>", "<b>S<sup>•</sup></b>", "<i>ṇa</i>", "Speed 2", "As it is taught."]
    {
        assert!(html.contains(shown), "{shown}");
    }
    let tamil = app.get("/compositions/vatapi-ganapatim?script=tamil").await.expect(200);
    assert!(tamil.html().contains("<b>ஸ") || tamil.html().contains("<b>ச"), "letters are in the script");
}
