//! Ragas by what they are made of.

use crate::catalogue::{janya, melas};
use crate::support::{App, Stored, texts};
use serde_json::{Value, json};

/// Mohanam and its relatives by graha bheda.
const FAMILY: [(&str, usize, &str, u64); 5] = [
    ("Mōhanaṁ", 28, "S R2 G3 P D2 S", 0),
    ("Hindōḷaṁ", 20, "S G2 M1 D1 N2 S", 8),
    ("Śuddha Dhanyāsi", 22, "S G2 M1 P N2 S", 3),
    ("Śuddha Sāvēri", 29, "S R2 M1 P D2 S", 5),
    ("Madhyamāvati", 22, "S R2 M1 P N2 S", 10),
];

async fn load(app: &App) {
    let melas = melas(app).await;
    let of = |(name, mela, scale, _): (&str, usize, &str, u64)| janya(name, melas[mela - 1].id, scale);
    app.add_all(FAMILY.map(of).into()).await;
}

fn named(body: &Value) -> Vec<String> {
    let items = body["items"].as_array().into_iter().flatten();
    items.filter_map(|item| item["raga"]["label"].as_str()).map(str::to_owned).collect()
}

#[tokio::test]
async fn ragas_are_found_by_their_swaras() {
    let Some(app) = App::start().await else { return };
    load(&app).await;
    let exact = app.ok("/v1/ragas/by-swaras?swaras=S+R2+G3+P+D2").await;
    assert_eq!(named(&exact), ["Mōhanaṁ"]);
    assert_eq!(
        (&exact["items"][0]["arohana"], &exact["items"][0]["tonic"]),
        (&json!("S R2 G3 P D2 S'"), &json!(0))
    );
    let superset = app.ok("/v1/ragas/by-swaras?swaras=S+R2+G3+P+D2&mode=superset").await;
    assert!(named(&superset).len() > 4, "{superset}");
    let kambhoji = superset["items"].as_array().unwrap().iter();
    let kambhoji = kambhoji.clone().find(|item| item["raga"]["label"] == "harikāmbhōji").unwrap();
    assert_eq!(kambhoji["beyond"], json!(["M1", "N2"]));
    let subset = app.ok("/v1/ragas/by-swaras?swaras=S+R2+G3+M1+P+D2+N2&mode=subset&direction=both").await;
    let mohanam = subset["items"].as_array().unwrap().iter().find(|item| item["raga"]["label"] == "Mōhanaṁ");
    assert_eq!(mohanam.unwrap()["missing"], json!(["M1", "N2"]));
    assert!(
        named(&subset).contains(&"Mōhanaṁ".to_owned()) && named(&subset).contains(&"harikāmbhōji".to_owned())
    );
}

#[tokio::test]
async fn graha_bheda_finds_the_family_of_mohanam() {
    let Some(app) = App::start().await else { return };
    load(&app).await;
    for switch in ["1", "true"] {
        let path = format!("/v1/ragas/by-swaras?swaras=S,R2,G3,P,D2&graha_bheda={switch}");
        let body = app.ok(&path).await;
        let mut found: Vec<(String, u64)> = body["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| (item["raga"]["label"].as_str().unwrap().to_owned(), item["tonic"].as_u64().unwrap()))
            .collect();
        found.sort();
        let mut expected: Vec<(String, u64)> =
            FAMILY.map(|(name, .., tonic)| (name.to_owned(), tonic)).into();
        expected.sort();
        assert_eq!(found, expected);
        assert!(body["items"].as_array().unwrap().iter().all(|item| item.get("beyond").is_none()), "{body}");
    }
}

#[tokio::test]
async fn melakartas_are_seventy_two_in_twelve_chakras() {
    let Some(app) = App::start().await else { return };
    load(&app).await;
    let body = app.ok("/v1/melakartas").await;
    let chakras = body["chakras"].as_array().unwrap();
    assert_eq!(texts(&body["chakras"], "name")[0], "Indu");
    let numbers: Vec<u64> = chakras
        .iter()
        .flat_map(|chakra| chakra["melas"].as_array().unwrap())
        .map(|mela| mela["number"].as_u64().unwrap())
        .collect();
    assert_eq!((chakras.len(), numbers), (12, (1..=72).collect()));
    let kharaharapriya = &chakras[3]["melas"][3];
    assert_eq!((&kharaharapriya["number"], &kharaharapriya["janyas"]), (&json!(22), &json!(2)));
    assert_eq!((&kharaharapriya["vivadi"], &chakras[0]["melas"][0]["vivadi"]), (&json!(false), &json!(true)));
    assert!(kharaharapriya["raga"]["slug"].is_string());
}

#[tokio::test]
async fn melakartas_do_not_wait_for_a_catalogue() {
    let Some(app) = App::start().await else { return };
    let body = app.ok("/v1/melakartas").await;
    let mela = &body["chakras"][4]["melas"][4];
    assert_eq!((&mela["number"], &mela["janyas"], mela.get("raga")), (&json!(29), &json!(0), None));
    assert_eq!(mela["swaras"], json!(["S", "R2", "G3", "M1", "P", "D2", "N3"]));
}

#[tokio::test]
async fn raga_page_lists_its_relatives() {
    let Some(app) = App::start().await else { return };
    load(&app).await;
    let mela = app.get("/v1/ragas/kharaharapriya").await.expect(200);
    assert_eq!(texts(&mela.body["janyas"], "label"), ["Madhyamāvati", "Śuddha Dhanyāsi"]);
    assert_eq!(mela.body["same_scale"], json!([]));
    assert_eq!(mela.body["scale"]["arohana"]["text"], "S R2 G2 M1 P D2 N2 S'");

    let parent = mela.body["id"].as_str().unwrap().parse().unwrap();
    app.add(janya("Udayaravicandrikā", parent, "S G2 M1 P N2 S")).await;
    let again = app.get("/v1/ragas/kharaharapriya").await.expect(200);
    assert_ne!(again.etag(), mela.etag());
    let twin = app.ok("/v1/ragas/udayaravicandrika?script=devanagari").await;
    assert_eq!(twin["scale"]["parent"]["id"], mela.body["id"]);
    assert_eq!(texts(&twin["same_scale"], "slug"), ["suddha-dhanyasi"]);
    assert_eq!(twin["same_scale"][0]["machine_made"], true);
}

#[tokio::test]
async fn a_change_of_one_raga_is_seen_at_once_by_all_that_is_computed_from_all_ragas() {
    let Some(app) = App::start().await else { return };
    load(&app).await;
    let entity = app.add(janya("Udayaravicandrikā", melas_parent(&app).await, "S G2 M1 P N2 S")).await;
    let same = |body: &Value| texts(&body["same_scale"], "label");
    let twin = "/v1/ragas/suddha-dhanyasi?include=graha_bheda";
    assert_eq!(same(&app.ok(twin).await), ["Udayaravicandrikā"]);
    let page = app.get("/ragas/mohanam").await.expect(200);
    assert!(String::from_utf8_lossy(&page.bytes).contains("Udayaravicandrikā"), "by graha bheda");

    app.edit(entity, Stored(janya("Udayaravi", melas_parent(&app).await, "S G2 M1 P N2 S"))).await;
    assert_eq!(same(&app.ok(twin).await), ["Udayaravi"], "its new name");
    app.edit(entity, Stored(janya("Udayaravi", melas_parent(&app).await, "S G2 M1 D1 N2 S"))).await;
    let after = app.ok(twin).await;
    assert_eq!(same(&after), [""; 0], "its new scale");
    let modes: Vec<Vec<String>> =
        after["graha_bheda"].as_array().unwrap().iter().map(|mode| texts(&mode["ragas"], "label")).collect();
    assert!(modes.contains(&vec!["Hindōḷaṁ".to_owned(), "Udayaravi".to_owned()]), "{modes:?}");
    assert_eq!(named(&app.ok("/v1/ragas/by-swaras?swaras=S+G2+M1+P+N2").await), ["Śuddha Dhanyāsi"]);
    let page = app.get("/ragas/mohanam").await.expect(200);
    assert!(String::from_utf8_lossy(&page.bytes).contains("Udayaravi"), "still a relative, by another note");
    let mela = app.ok("/v1/melakartas").await["chakras"][3]["melas"][3]["janyas"].clone();
    assert_eq!(mela, json!(3));
}

/// The mela that the relatives of Mōhanaṁ with G2 and N2 come from.
async fn melas_parent(app: &App) -> uuid::Uuid {
    app.ok("/v1/ragas/kharaharapriya").await["id"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn what_is_typed_as_swaras_offers_the_ragas_that_go_so_and_changes_no_other_search() {
    let Some(app) = App::start().await else { return };
    load(&app).await;
    let ragas = |body: &Value| texts(&body["as_swaras"]["ragas"], "label");
    for text in ["srgpds", "S+R2+G3+P", "s+r+g+p+d", "%E0%AE%9A+%E0%AE%B0%E0%AE%BF+%E0%AE%95+%E0%AE%AA"] {
        let body = app.ok(&format!("/v1/search?q={text}")).await;
        assert_eq!(ragas(&body), ["Mōhanaṁ"], "{text}");
        assert_eq!(body["hits"], json!([]), "{text}");
    }
    let both = app.ok("/v1/search?q=sgm&script=telugu").await;
    assert_eq!(
        (&both["as_swaras"]["swaras"], &both["as_swaras"]["raga_total"]),
        (&json!("S G M"), &json!(2))
    );
    assert_eq!(both["as_swaras"]["ragas"][0]["arohana"], "S G2 M1 D1 N2 S'");
    for words in ["mohanam", "rama", "q", "sr"] {
        let body = app.ok(&format!("/v1/search?q={words}")).await;
        assert!(body.get("as_swaras").is_none(), "{words}: {body}");
    }
    let filtered = app.ok("/v1/search?q=srgpds&mela=28").await;
    assert!(filtered.get("as_swaras").is_none(), "a narrowed search is for songs");

    let typed = app.ok("/v1/suggest?q=srgpd").await;
    let group = typed["groups"].as_array().unwrap().iter().find(|group| group["as_swaras"] == true).unwrap();
    assert_eq!((&group["type"], &group["items"][0]["alias"]), (&json!("raga"), &json!("S R2 G3 P D2 S'")));
    let songs_alone = app.ok("/v1/suggest?q=srgpd&types=composition").await;
    assert_eq!(songs_alone["groups"], json!([]));

    let page = app.get("/search?q=srgpds&lang=ta").await.expect(200);
    let page = String::from_utf8_lossy(&page.bytes).into_owned();
    assert!(page.contains("ஸ்வரங்களாக") && page.contains("/ragas/mohanam"), "{page}");
    let chip = app.get("/search?swaras=S+R+G+P").await.expect(200);
    assert!(
        String::from_utf8_lossy(&chip.bytes)
            .contains("href=\"/search\" aria-label=\"Remove the filter: Swaras")
    );
}
