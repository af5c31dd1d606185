//! What a song says: in the document, in its provenance, and on its page beside the words.

use crate::support::{App, song};
use domain::composition::{Meaning, MeaningKind};
use domain::id::RightsId;
use domain::name::Language;
use testkit::fixtures;

fn meaning(kind: MeaningKind, language: Language, text: &str, rights: uuid::Uuid) -> Meaning {
    Meaning {
        id: fixtures::new_id(),
        kind,
        language,
        paragraphs: vec![text.to_owned()],
        author: Some("An editor".to_owned()),
        source: None,
        rights: Some(RightsId(rights)),
    }
}

/// A song with a gist in two languages, and its words one by one.
async fn explained(app: &App) {
    let refers = app.refers().await;
    let mut explained = song("Vātāpi gaṇapatiṁ", refers);
    explained.meanings = vec![
        meaning(MeaningKind::Gist, Language::En, "The singer bows. Then < he > sings.", refers.rights),
        meaning(MeaningKind::Gist, Language::Ta, "பாடுபவர் வணங்குகிறார்.", refers.rights),
        meaning(MeaningKind::WordByWord, Language::En, "bhajē: I worship", refers.rights),
    ];
    app.add(explained).await;
    app.add(song("Nanu pālimpa", refers)).await;
}

#[tokio::test]
async fn meanings_are_in_the_document_with_their_rights() {
    let Some(app) = App::start().await else { return };
    explained(&app).await;
    let body = app.ok("/v1/compositions/vatapi-ganapatim").await;
    let meanings = body["meanings"].as_array().unwrap();
    let kinds: Vec<_> = meanings.iter().map(|meaning| meaning["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["gist", "gist", "word_by_word"]);
    assert_eq!((&meanings[1]["language"], &meanings[0]["author"]), (&"ta".into(), &"An editor".into()));
    assert!(meanings[0]["rights"]["label"].is_string(), "{body}");
    let provenance = app.ok("/v1/compositions/vatapi-ganapatim/provenance").await;
    assert_eq!(provenance["meanings"].as_array().unwrap().len(), 3);
    assert!(provenance["meanings"][0]["rights"]["licence"].is_string(), "{provenance}");
    let without = app.ok("/v1/compositions/nanu-palimpa").await;
    assert!(without.get("meanings").is_none(), "{without}");
}

#[tokio::test]
async fn a_page_tells_the_meaning_in_its_own_language_first() {
    let Some(app) = App::start().await else { return };
    explained(&app).await;
    let english = app.get("/compositions/vatapi-ganapatim").await.expect(200);
    let html = english.html();
    let at = |text: &str| html.find(text).unwrap_or_else(|| panic!("{text}: {html}"));
    assert!(html.contains("The singer bows. Then &lt; he &gt; sings."), "{html}");
    assert!(at("id=\"meaning\"") > at("class=\"lyrics\"") && at("id=\"meaning\"") < at("id=\"report\""));
    assert!(html.contains("<summary>Word by word, English</summary>"), "what is long waits to be opened");
    assert!(html.contains("<summary>Gist, Tamil</summary>"), "so does another language");
    assert!(html.contains("name=\"description\"") && html.contains(". The singer bows.\">"), "{html}");
    let tamil = app.get("/compositions/vatapi-ganapatim?lang=ta").await.expect(200);
    let html = tamil.html();
    assert!(html.find("lang=\"ta\"><p>பாடுபவர்").unwrap() < html.find("The singer bows").unwrap());
    let without = app.get("/compositions/nanu-palimpa").await.expect(200);
    assert!(!without.html().contains("class=\"meanings\""));
}
