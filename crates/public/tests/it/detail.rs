//! Songs and other entities in one document.

use crate::catalogue::{Catalogue, entry, group};
use crate::support::{App, song, texts};
use domain::composition::{Section, SectionKind};
use domain::id::{RightsId, SourceId};
use domain::reference::{Source, SourceNote};
use domain::{Name, Record};
use lipi::Script;
use serde_json::{Value, json};
use testkit::fixtures;
use uuid::Uuid;

#[tokio::test]
async fn song_comes_in_one_document() {
    let Some(app) = App::start().await else { return };
    let refers = app.refers().await;
    let source = app.add(source("Saṅgīta Sampradāya Pradarśini")).await;
    let mut song = song("Vātāpi gaṇapatiṁ", refers);
    song.sources = vec![SourceNote { source: Some(SourceId(source.id)), note: "text and raga".into() }];
    song.year_hint = Some(1_820);
    let mut nested = Section::new(Uuid::now_v7(), SectionKind::MadhyamaKala);
    nested.label = Some("vīṇā".into());
    song.versions[0].sections[2].children.push(nested);
    song.versions[0].texts[0].rights = Some(RightsId(refers.rights));
    let id = app.add(song.clone()).await.id;

    let body = app.ok(&format!("/v1/compositions/{id}")).await;
    assert_eq!((&body["title"], &body["slug"]), (&json!("Vātāpi gaṇapatiṁ"), &json!("vatapi-ganapatim")));
    assert_eq!(body["composer"]["label"], "Tyāgarāja");
    assert_eq!(body["ragas"][0]["raga"]["label"], "mēcakaḷyāṇi");
    assert!(body["tala"]["tala"]["label"].is_string() && body["tala"]["kalai"] == 1, "{}", body["tala"]);
    assert_eq!(body["rights"]["label"], "Public domain");
    assert_eq!(body["sources"][0]["source"]["label"], "Saṅgīta Sampradāya Pradarśini");
    assert_eq!((&body["sources"][0]["note"], &body["year_hint"]), (&json!("text and raga"), &json!(1_820)));
    assert_eq!(texts(&body["sections"], "kind"), ["pallavi", "anupallavi", "charanam"]);
    assert_eq!(body["sections"][2]["children"][0]["label"], "vīṇā");
    assert_eq!(body["revision"]["number"], 1);
    let text = &body["texts"][0];
    assert_eq!((&text["machine_made"], &text["is_primary"]), (&json!(false), &json!(true)));
    assert_eq!(text["rights"]["label"], "Public domain");
    let sung: Vec<&Value> =
        text["sections"].as_array().unwrap().iter().map(|part| &part["section"]).collect();
    let tree: Vec<Value> = song.versions[0].sections.iter().map(|section| json!(section.id)).collect();
    assert_eq!(sung, tree.iter().collect::<Vec<_>>(), "texts follow the section tree");
}

#[tokio::test]
async fn ragamalika_keeps_its_thirty_four_entries() {
    let Some(app) = App::start().await else { return };
    let refers = app.refers().await;
    let ragas = app.add_all((1..=14).map(fixtures::mela).collect()).await;
    let ragas: Vec<Uuid> = ragas.iter().map(|raga| raga.id).collect();
    let there_and_back: Vec<Uuid> =
        ragas.iter().chain(ragas.iter().rev()).chain(&ragas[..6]).copied().collect();
    let mut garland = song("Śrī viśvanāthaṁ", refers);
    garland.versions[0].ragas = there_and_back.iter().map(|raga| entry(*raga)).collect();
    app.add(garland).await;

    let found = app.titles("/v1/compositions").await;
    assert_eq!(found, ["Śrī viśvanāthaṁ"]);
    let item = app.ok("/v1/compositions").await["items"][0].clone();
    assert_eq!(item["ragas"].as_array().unwrap().len(), 14, "a list shows each raga once");
    let body = app.ok(&format!("/v1/compositions/{}", item["slug"].as_str().unwrap())).await;
    let entries = body["ragas"].as_array().unwrap();
    let shown: Vec<Value> = entries.iter().map(|entry| entry["raga"]["id"].clone()).collect();
    assert_eq!(shown, there_and_back.iter().map(|raga| json!(raga)).collect::<Vec<_>>());
    let places: Vec<u64> = entries.iter().map(|entry| entry["ord"].as_u64().unwrap()).collect();
    assert_eq!(places, (1..=34).collect::<Vec<_>>());
    assert_eq!(body["is_ragamalika"], true);
}

#[tokio::test]
async fn missing_script_is_transliterated_and_says_so() {
    let Some(app) = App::start().await else { return };
    let mut song = song("Vātāpi gaṇapatiṁ", app.refers().await);
    let mut stored = song.versions[0].texts[0].clone();
    (stored.id, stored.script) = (Uuid::now_v7(), Script::Kannada);
    stored.sections.iter_mut().for_each(|section| section.lines = vec!["ವಾತಾಪಿ".into()]);
    song.versions[0].texts.push(stored);
    app.add(song).await;
    let path = "/v1/compositions/vatapi-ganapatim";

    let telugu = app.ok(&format!("{path}?script=telugu")).await;
    assert_eq!((&telugu["title"], &telugu["machine_made"]), (&json!("వాతాపి గణపతిం"), &json!(true)));
    assert_eq!(telugu["texts"].as_array().unwrap().len(), 1);
    assert_eq!(telugu["texts"][0]["sections"][0]["lines"], json!(["వాతాపి గణపతిం"]));
    assert_eq!(
        (&telugu["texts"][0]["machine_made"], &telugu["texts"][0]["script"]),
        (&json!(true), &json!("telugu"))
    );
    let kannada = app.ok(&format!("{path}?script=kannada")).await;
    assert_eq!(kannada["texts"][0]["machine_made"], false);
    assert_eq!(kannada["texts"][0]["sections"][0]["lines"], json!(["ವಾತಾಪಿ"]));
    assert_eq!(app.ok(path).await["texts"].as_array().unwrap().len(), 2, "without a script all texts come");
}

#[tokio::test]
async fn scheme_chooses_a_romanisation_and_means_latin() {
    let Some(app) = App::start().await else { return };
    app.add(song("Vātāpi gaṇapatiṁ", app.refers().await)).await;
    for path in ["/v1/compositions/vatapi-ganapatim", "/v1/compositions/vatapi-ganapatim/texts"] {
        for (query, line) in [
            ("scheme=hk", "vAtApi gaNapatiM"),
            ("scheme=hk&script=latin", "vAtApi gaNapatiM"),
            ("script=latin", "Vātāpi gaṇapatiṁ"),
            ("script=devanagari", "वातापि गणपतिं"),
        ] {
            let body = app.ok(&format!("{path}?{query}")).await;
            let texts = body.get("texts").unwrap_or(&body["versions"][0]["texts"]);
            let shown = texts[0]["sections"][0]["lines"][0].as_str().unwrap();
            assert_eq!(shown.to_lowercase(), line.to_lowercase(), "{path}?{query}");
        }
        let refused = app.get(&format!("{path}?scheme=hk&script=tamil")).await.expect(422);
        assert_eq!(refused.field(), "/scheme");
        let concert = app.get(&format!("{path}?scheme=concert")).await.expect(422);
        assert_eq!(concert.field(), "/scheme");
    }
}

#[tokio::test]
async fn group_and_song_know_each_other_in_order() {
    let Some(app) = App::start().await else { return };
    let catalogue = Catalogue::load(&app).await;
    let vatapi = app.ok(&format!("/v1/compositions/{}", catalogue.vatapi.id)).await;
    assert_eq!(
        (&vatapi["groups"][0]["group"]["label"], &vatapi["groups"][0]["ord"]),
        (&json!("Ghana"), &json!(2))
    );
    let page = app.ok("/v1/groups/ghana").await;
    let members = page["about"]["members"].as_array().unwrap();
    let members: Vec<&Value> = members.iter().map(|member| &member["composition"]).collect();
    assert_eq!(members, [&json!(catalogue.nanu.id), &json!(catalogue.vatapi.id)]);
    let labels = texts(&page["labels"], "label");
    assert!(
        labels.contains(&"Nanu pālimpa".to_owned()) && labels.contains(&"Tyāgarāja".to_owned()),
        "{labels:?}"
    );
}

#[tokio::test]
async fn group_does_not_tell_of_members_that_readers_cannot_see() {
    let Some(app) = App::start().await else { return };
    let refers = app.refers().await;
    let shown = app.add(song("Nanu pālimpa", refers)).await;
    let hidden = app.draft(song("Rahasyamu", refers)).await;
    app.add(group("Ghana", None, &[hidden.id, shown.id])).await;
    let answer = app.get("/v1/groups/ghana").await.expect(200);
    assert_eq!(answer.body["about"]["members"].as_array().unwrap().len(), 1);
    assert!(!String::from_utf8_lossy(&answer.bytes).contains(&hidden.id.to_string()));
    assert!(answer.keys().contains(&format!("composition:{}", hidden.id).as_str()), "it shows it one day");
    let before = answer.etag().to_owned();
    app.submit(hidden).await;
    app.publish(hidden).await;
    let answer = app.get("/v1/groups/ghana").await.expect(200);
    assert_eq!(answer.body["about"]["members"].as_array().unwrap().len(), 2);
    assert_ne!(answer.etag(), before);
}

#[tokio::test]
async fn old_slug_leads_to_the_new_one_and_keeps_the_rest() {
    let Some(app) = App::start().await else { return };
    let refers = app.refers().await;
    let song_id = app.add(song("Vātāpi gaṇapatiṁ", refers)).await;
    let renamed = fixtures::kriti("Vātāpi gaṇapatim bhajē", refers);
    app.rename(song_id, "vatapi", renamed).await;
    let raga = app.add(fixtures::mela(15)).await;
    let slug = app.ok(&format!("/v1/ragas/{}", raga.id)).await["slug"].as_str().unwrap().to_owned();
    app.rename(raga, "gaula", crate::catalogue::janya("Gauḷa", refers.raga, "S R1 M1 P N3 S")).await;
    for (old, new) in [
        ("/v1/compositions/vatapi-ganapatim".to_owned(), "/v1/compositions/vatapi"),
        (
            "/v1/compositions/vatapi-ganapatim/texts?script=tamil".to_owned(),
            "/v1/compositions/vatapi/texts?script=tamil",
        ),
        (format!("/v1/ragas/{slug}?script=telugu"), "/v1/ragas/gaula?script=telugu"),
    ] {
        let answer = app.get(&old).await.expect(308);
        assert_eq!(answer.header("location"), new);
        assert!(answer.keys()[0].contains(':') && !answer.header("x-sangraha-read-lsn").is_empty());
        app.get(answer.header("location")).await.expect(200);
    }
    app.get("/v1/ragas/vatapi").await.expect(404);
}

#[tokio::test]
async fn what_is_nothing_is_not_found() {
    let Some(app) = App::start().await else { return };
    for path in [
        "/v1/compositions/nothing",
        "/v1/compositions/01920000-0000-7000-8000-00000000dead",
        "/v1/compositions/%00",
        "/v1/compositions/%FF",
        "/v1/compositions/a%2Fb/texts",
        "/v1/ragas/%25",
        "/v1/browse/secrets",
        "/v1/nothing",
        "/v1/compositions/today",
        "/v1/compositions/random",
    ] {
        let answer = app.get(path).await.expect(404);
        assert_eq!(answer.body["code"], "not_found", "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert!(answer.body["request_id"].is_string());
    }
}

fn source(name: &str) -> Record {
    Record::Source(Source {
        names: vec![Name::display(name)],
        url: None,
        tier: 1,
        note: None,
        sources: Vec::new(),
        external_ids: Vec::new(),
    })
}

#[tokio::test]
async fn entity_page_explains_the_ids_of_its_record() {
    let Some(app) = App::start().await else { return };
    let refers = app.refers().await;
    let student = match fixtures::composer("Vāsudēvācār") {
        Record::Composer(composer) => composer,
        other => panic!("a composer: {other:?}"),
    };
    let teacher = domain::id::ComposerId(refers.composer);
    app.add(Record::Composer(domain::reference::Composer { teacher: Some(teacher), ..student })).await;
    let page = app.ok("/v1/composers/vasudevacar?script=tamil").await;
    assert_eq!(page["about"]["teacher"], json!(refers.composer));
    assert_eq!(page["labels"][0]["id"], json!(refers.composer));
    assert_eq!(page["labels"][0]["machine_made"], true);
    assert_eq!(page["names"][0]["text"], "Vāsudēvācār");
}
