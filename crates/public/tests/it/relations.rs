//! What belongs together, where it comes from, and what is new.

use crate::catalogue::{Catalogue, entry, group, melas};
use crate::support::{App, song, texts};
use domain::composition::{Composition, Form};
use domain::id::{ComposerId, SourceId};
use domain::reference::{Source, SourceNote};
use domain::{EntityRef, Name, Record};
use http::Method;
use serde_json::{Value, json};
use testkit::fixtures;

fn reasons(item: &Value) -> Vec<String> {
    texts(&item["reasons"], "code")
}

#[tokio::test]
async fn similar_songs_say_why() {
    let Some(app) = App::start().await else { return };
    let catalogue = Catalogue::load(&app).await;
    let body = app.ok("/v1/compositions/nanu-palimpa/similar").await;
    let titles: Vec<&str> = body["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["composition"]["title"].as_str().unwrap())
        .collect();
    // The garland shares raga, tala and composer; the other one the group, which weighs less than both.
    assert_eq!(titles, ["Valaci vacci", "Vātāpi gaṇapatiṁ"]);
    assert_eq!(reasons(&body["items"][0]), ["same_raga_and_tala", "same_composer_and_raga"]);
    assert_eq!(reasons(&body["items"][1]), ["same_group"]);
    assert_eq!(body["items"][1]["reasons"][0]["text"], "In the same group: Ghana");
    assert_eq!(body["items"][1]["reasons"][0]["shared"][0]["id"], json!(catalogue.group.id));
    let again = app.get("/v1/compositions/nanu-palimpa/similar").await;
    assert_eq!(again.body, body, "the same question has the same answer");
    let one = app.ok("/v1/compositions/nanu-palimpa/similar?limit=1&script=tamil").await;
    assert_eq!(one["items"].as_array().unwrap().len(), 1);
    let inside = app.ok("/v1/compositions/nanu-palimpa?include=similar,texts&fields=similar").await;
    assert_eq!(inside["similar"], body["items"]);
    assert!(inside.get("title").is_none());
}

#[tokio::test]
async fn a_song_of_the_same_mela_is_family() {
    let Some(app) = App::start().await else { return };
    let melas = melas(&app).await;
    let refers = app.refers().await;
    let janya = |name: &str, scale| crate::catalogue::janya(name, melas[27].id, scale);
    let ragas =
        app.add_all(vec![janya("Mōhanaṁ", "S R2 G3 P D2 S"), janya("Kāmbhōji", "S R2 G3 M1 P D2 S")]).await;
    let by = |title: &str, raga: EntityRef| {
        let mut song = song(title, refers);
        song.composer = None;
        song.attribution = domain::composition::Attribution::Anonymous;
        song.versions[0].ragas = vec![entry(raga.id)];
        Record::Composition(song)
    };
    app.add_all(vec![by("Okaṭi", ragas[0]), by("Reṇḍu", ragas[1])]).await;
    let body = app.ok("/v1/compositions/okati/similar").await;
    assert_eq!(reasons(&body["items"][0]), ["same_melody_family"]);
}

#[tokio::test]
async fn graph_grows_step_by_step() {
    let Some(app) = App::start().await else { return };
    let catalogue = Catalogue::load(&app).await;
    let near = app.ok("/v1/graph/nanu-palimpa").await;
    let labels = texts(&near["nodes"], "label");
    for name in ["Nanu pālimpa", "Mōhanaṁ", "Tyāgarāja", "Rāma", "Bhadrācalam", "Ghana"] {
        assert!(labels.contains(&name.to_owned()), "{name}: {labels:?}");
    }
    assert!(!labels.contains(&"Public domain".to_owned()), "rights connect everything: {labels:?}");
    assert_eq!(
        (&near["nodes"][0]["label"], &near["nodes"][0]["distance"]),
        (&json!("Nanu pālimpa"), &json!(0))
    );
    assert!(
        near["edges"]
            .as_array()
            .unwrap()
            .iter()
            .any(|edge| { edge["role"] == "member" && edge["from"] == json!(catalogue.group.id) })
    );
    let far = app.ok("/v1/graph/nanu-palimpa?depth=2&script=tamil").await;
    assert!(far["nodes"].as_array().unwrap().len() > labels.len());
    let raga = app.ok("/v1/graph/raga:mohanam").await;
    assert_eq!(raga["center"], json!(catalogue.mohanam.id));
    assert_eq!(app.ok(&format!("/v1/graph/{}", catalogue.mohanam.id)).await, raga);
    for path in ["/v1/graph/nothing", "/v1/graph/raga:nothing", "/v1/graph/colour:red", "/v1/graph/mohanam"] {
        app.get(path).await.expect(404);
    }
}

#[tokio::test]
async fn graph_does_not_lead_to_a_draft() {
    let Some(app) = App::start().await else { return };
    let refers = app.refers().await;
    let shown = app.add(song("Nanu pālimpa", refers)).await;
    let hidden = app.draft(song("Rahasyamu", refers)).await;
    app.add(group("Ghana", None, &[shown.id, hidden.id])).await;
    let body = app.get("/v1/graph/group:ghana?depth=3").await.expect(200);
    assert!(!String::from_utf8_lossy(&body.bytes).contains(&hidden.id.to_string()), "{}", body.body);
}

fn sourced(refers: testkit::fixtures::Refers, source: EntityRef) -> Composition {
    let mut song = song("Nanu pālimpa & co", refers);
    song.sources = vec![SourceNote { source: Some(SourceId(source.id)), note: "text and raga".into() }];
    song.versions[0].texts[0].source = Some(SourceId(source.id));
    song
}

async fn source(app: &App) -> EntityRef {
    app.add(Record::Source(Source {
        names: vec![Name::display("Saṅgīta Sampradāya Pradarśini")],
        url: Some("https://example.org/ssp".into()),
        tier: 1,
        note: None,
        sources: Vec::new(),
        external_ids: Vec::new(),
    }))
    .await
}

#[tokio::test]
async fn provenance_leads_from_section_to_source() {
    let Some(app) = App::start().await else { return };
    let refers = app.refers().await;
    let source = source(&app).await;
    let id = app.add(sourced(refers, source)).await.id;
    let path = format!("/v1/compositions/{id}/provenance");
    let body = app.ok(&path).await;
    assert_eq!(body["facts"][0]["source"]["tier"], 1);
    let kinds = texts(&body["sections"], "kind");
    assert_eq!(kinds, ["pallavi", "anupallavi", "charanam"]);
    let text = &body["sections"][2]["texts"][0];
    assert_eq!((&text["source"]["url"], &text["lines"]), (&json!("https://example.org/ssp"), &json!(1)));
    assert_eq!(
        (&body["rights"]["licence"], &body["revision"]["number"]),
        (&json!("public-domain"), &json!(1))
    );
    let csl = &body["citation"]["csl"][0];
    assert_eq!((&csl["author"][0]["literal"], &csl["version"]), (&json!("Tyāgarāja"), &json!("1")));
    assert_eq!(csl["issued"]["date-parts"], json!([[2026, 1, 14]]));
}

#[tokio::test]
async fn citation_comes_in_the_format_that_is_asked_for() {
    let Some(app) = App::start().await else { return };
    let refers = app.refers().await;
    let source = source(&app).await;
    let id = app.add(sourced(refers, source)).await.id;
    let path = format!("/v1/compositions/{id}/provenance");
    let bibtex = app.get(&format!("{path}?format=bibtex")).await.expect(200);
    assert_eq!((bibtex.header("content-type"), bibtex.header("vary")), ("application/x-bibtex", "accept"));
    let text = String::from_utf8(bibtex.bytes.clone()).unwrap();
    assert!(
        text.starts_with("@misc{sangraha-") && text.contains("title = {{Nanu pālimpa \\& co}}"),
        "{text}"
    );
    let accepted = app.accepting("application/x-bibtex;q=0.9, */*", &path).await.expect(200);
    assert_eq!(accepted.bytes, bibtex.bytes);
    let csl = app.accepting("application/vnd.citationstyles.csl+json", &path).await.expect(200);
    assert_eq!(csl.header("content-type"), "application/vnd.citationstyles.csl+json");
    assert_eq!(csl.body[0]["type"], "musical_score");
    let plain = app.accepting("*/*", &path).await.expect(200);
    assert_eq!(plain.header("content-type"), "application/json");
    assert_ne!(plain.etag(), csl.etag());
    assert_eq!(app.get(&format!("{path}?format=ris")).await.expect(422).field(), "/format");
}

#[tokio::test]
async fn feeds_tell_what_is_new_and_what_was_corrected() {
    let Some(app) = App::start().await else { return };
    let refers = app.refers().await;
    let first = app.add(song("Nanu <b>pālimpa</b> & co", refers)).await;
    app.add(song("Vātāpi gaṇapatiṁ", refers)).await;
    let mut corrected = song("Nanu <b>pālimpa</b> & co", refers);
    corrected.form = Form::Divyanama;
    let mut later = fixtures::stamp();
    later.now += chrono::Duration::days(1);
    app.change(first, |aggregate| {
        aggregate.import_again(Record::Composition(corrected), &later).unwrap().unwrap()
    })
    .await;
    let json = app.get("/v1/feed.json").await.expect(200);
    assert_eq!(json.header("content-type"), "application/feed+json");
    assert_eq!(json.body["version"], "https://jsonfeed.org/version/1.1");
    assert_eq!(texts(&json.body["items"], "title"), ["Nanu <b>pālimpa</b> & co", "Vātāpi gaṇapatiṁ"]);
    let said = texts(&json.body["items"], "content_text");
    assert!(said[0].starts_with("Corrected: divyanama, by Tyāgarāja, raga"), "{said:?}");
    assert!(said[1].starts_with("New: kriti"), "{said:?}");
    assert!(json.body["items"][0]["id"].as_str().unwrap().ends_with(&first.id.to_string()));
    let atom = app.get("/v1/feed.atom?script=telugu").await.expect(200);
    assert!(atom.header("content-type").starts_with("application/atom+xml"));
    let text = String::from_utf8(atom.bytes.clone()).unwrap();
    assert!(text.contains("&amp;") && !text.contains("<b>"), "{text}");
    assert_eq!(text.matches("<entry>").count(), 2);
    assert!(text.contains("<updated>2026-01-15T12:00:00Z</updated>"), "{text}");
    app.ask(Method::GET, "/v1/feed.atom?script=telugu", Some(atom.etag())).await.expect(304);
}

#[tokio::test]
async fn entity_pages_list_their_songs_where_asked() {
    let Some(app) = App::start().await else { return };
    let catalogue = Catalogue::load(&app).await;
    let page = app.ok("/v1/composers/tyagaraja?include=compositions&fields=label,compositions").await;
    assert_eq!(page["compositions"]["total"], 2);
    assert_eq!(texts(&page["compositions"]["items"], "title"), ["Nanu pālimpa", "Valaci vacci"]);
    assert!(page.get("names").is_none() && page["id"] == json!(catalogue.refers.composer));
    let raga = app.ok("/v1/ragas/mohanam?include=compositions,aliases,graha_bheda,janyas").await;
    assert_eq!(raga["compositions"]["total"], 2);
    assert_eq!((&raga["aliases"], &raga["graha_bheda"][0]["tonic"]), (&json!([]), &json!(2)));
    assert_eq!(raga["graha_bheda"][0]["swaras"], json!(["S", "R2", "M1", "P", "N2"]));
    let plain = app.ok("/v1/ragas/mohanam").await;
    assert!(plain.get("aliases").is_none() && plain.get("compositions").is_none());
    let counted = app.ok("/v1/ragas?count=exact&mela=28&fields=label").await;
    assert_eq!(counted["total"], 2);
    assert!(counted["items"][0].get("compositions").is_none() && counted["items"][0]["label"].is_string());
    let songs = app.ok("/v1/compositions?sort=changed&fields=title&count=estimate").await;
    assert_eq!((&songs["total"], songs["items"][0].get("form")), (&json!(3), None));
}

#[tokio::test]
async fn temples_are_found_on_the_map() {
    let Some(app) = App::start().await else { return };
    let at = |name: &str, latitude: i32, longitude: i32| {
        let Record::Temple(mut temple) = crate::catalogue::temple(name) else { panic!("a temple") };
        let (latitude_microdegrees, longitude_microdegrees) = (latitude * 100_000, longitude * 100_000);
        temple.location = Some(domain::reference::Location {
            latitude_microdegrees,
            longitude_microdegrees,
            precision_metres: 500,
        });
        Record::Temple(temple)
    };
    app.add_all(vec![
        at("Tiruvaiyāṟu", 109, 791),
        at("Kāśi", 253, 830),
        crate::catalogue::temple("Elsewhere"),
    ])
    .await;
    let found = app.ok("/v1/temples?bbox=78.9,10.6,79.9,11.4&count=exact").await;
    assert_eq!(
        (texts(&found["items"], "label"), &found["total"]),
        (vec!["Tiruvaiyāṟu".to_owned()], &json!(1))
    );
    assert_eq!(found["items"][0]["location"]["latitude_microdegrees"], 10_900_000);
    assert_eq!(app.ok("/v1/temples?bbox=170,-90,81,90").await["items"].as_array().unwrap().len(), 1);
    assert_eq!(app.ok("/v1/temples").await["items"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_version_can_be_put_first() {
    let Some(app) = App::start().await else { return };
    let refers = app.refers().await;
    let mut song = song("Nanu pālimpa", refers);
    let other = super::support::song("Nanu pālimpa", refers).versions.remove(0);
    song.versions.push(domain::composition::Version { label: Some("another".into()), ..other.clone() });
    song.composer = Some(ComposerId(refers.composer));
    app.add(song.clone()).await;
    let body = app.ok(&format!("/v1/compositions/nanu-palimpa?version={}", other.id)).await;
    assert_eq!(body["sections"][0]["id"], json!(other.sections[0].id));
    assert_eq!(body["other_versions"][0]["id"], json!(song.versions[0].id));
    let unknown =
        app.get(&format!("/v1/compositions/nanu-palimpa?version={}", refers.raga)).await.expect(422);
    assert_eq!(unknown.field(), "/version");
}
