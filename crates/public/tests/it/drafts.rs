//! What is not published appears nowhere.

use crate::catalogue::Catalogue;
use crate::support::{App, song};
use domain::EntityRef;
use testkit::fixtures::Refers;

const WORD: &str = "Rahasyamu";

/// A song in each state that readers must not see, alone in its raga.
async fn hidden(app: &App, refers: Refers) -> Vec<EntityRef> {
    let draft = app.draft(song("Rahasyamu okaṭi", refers)).await;
    let in_review = app.draft(song("Rahasyamu reṇḍu", refers)).await;
    app.submit(in_review).await;
    let unpublished = app.add(song("Rahasyamu mūḍu", refers)).await;
    app.unpublish(unpublished).await;
    let archived = app.add(song("Rahasyamu nālugu", refers)).await;
    app.archive(archived).await;
    vec![draft, in_review, unpublished, archived]
}

#[tokio::test]
async fn what_is_not_published_appears_on_no_route() {
    let Some(app) = App::start().await else { return };
    let catalogue = Catalogue::load(&app).await;
    let composer = app.add(testkit::fixtures::composer("Ajñāta")).await;
    let hidden = hidden(&app, Refers { composer: composer.id, ..catalogue.refers }).await;
    let mut paths: Vec<String> = crate::routes::examples().map(|(_, path)| path.to_owned()).collect();
    paths.extend((0..20).map(|seed| format!("/v1/compositions/random?seed={seed}")));
    paths.extend((1..=28).map(|day| format!("/v1/compositions/today?date=2026-02-{day:02}")));
    paths.extend(
        [
            "/v1/search?q=rahasyamu",
            "/v1/search?limit=100&facets=raga,composer",
            "/v1/suggest?q=raha",
            "/v1/browse/compositions?letter=R",
            "/v1/compositions?limit=100&sort=newest",
            "/v1/compositions?composer=ajnata",
            "/v1/composers/ajnata",
        ]
        .map(str::to_owned),
    );
    for path in paths {
        for answer in [app.get(&path).await, app.get_cached(&path, None).await] {
            assert_eq!(answer.status, 200, "{path}: {}", answer.body);
            let text = String::from_utf8_lossy(&answer.bytes);
            assert!(!text.contains(WORD), "{path}: {text}");
            assert!(hidden.iter().all(|song| !text.contains(&song.id.to_string())), "{path}: {text}");
        }
    }
    let composers = app.ok("/v1/composers").await;
    let ajnata =
        composers["items"].as_array().unwrap().iter().find(|item| item["label"] == "Ajñāta").unwrap();
    assert_eq!(ajnata["compositions"], 0);
    assert_eq!(app.ok("/v1/compositions?count=exact").await["total"], 3);
    assert_eq!(app.ok("/v1/search").await["total"], 3);
}

#[tokio::test]
async fn what_is_not_published_is_not_found_by_id_and_slug() {
    let Some(app) = App::start().await else { return };
    let refers = app.refers().await;
    for song in hidden(&app, refers).await {
        let id = song.id;
        for path in [format!("/v1/compositions/{id}"), format!("/v1/compositions/{id}/texts")] {
            app.get(&path).await.expect(404);
            app.get_cached(&path, Some("*")).await.expect(404);
        }
    }
    for slug in ["rahasyamu-okati", "rahasyamu-rendu", "rahasyamu-mudu", "rahasyamu-nalugu"] {
        app.get(&format!("/v1/compositions/{slug}")).await.expect(404);
    }
}

#[tokio::test]
async fn draft_beside_a_published_song_changes_nothing_for_readers() {
    let Some(app) = App::start().await else { return };
    let refers = app.refers().await;
    let shown = app.add(song("Nanu pālimpa", refers)).await;
    let path = format!("/v1/compositions/{}", shown.id);
    let before = app.get(&path).await.expect(200);
    app.edit(shown, song("Rahasyamu", refers)).await;
    let beside = app.get(&path).await.expect(200);
    assert_eq!((before.etag(), &before.bytes), (beside.etag(), &beside.bytes));
    app.submit(shown).await;
    app.publish(shown).await;
    let after = app.get(&path).await.expect(200);
    assert_eq!(after.body["title"], WORD);
    assert_ne!(after.etag(), before.etag());
}

#[tokio::test]
async fn unpublished_song_vanishes_from_the_node_s_cache() {
    let Some(app) = App::start().await else { return };
    let refers = app.refers().await;
    let shown = app.add(song("Nanu pālimpa", refers)).await;
    let page = format!("/v1/compositions/{}", shown.id);
    for _ in 0..2 {
        app.get_cached(&page, None).await.expect(200);
        app.get_cached("/v1/compositions", None).await.expect(200);
    }
    app.unpublish(shown).await;
    app.get_cached(&page, None).await.expect(404);
    assert_eq!(app.get_cached("/v1/compositions", None).await.body["items"], serde_json::json!([]));
}
