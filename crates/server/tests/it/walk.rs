//! The walk: an editor's change reaches a reader in the other region, and goes again.

use crate::platform::{Edge, Platform, body};
use domain::Record;
use domain::music::Raga;
use domain::music::raga::RagaKind;
use domain::name::Name;
use serde_json::{Value, json};
use testkit::fixtures::{self, Refers};

const BOTH: [Edge; 2] = [Edge::A, Edge::B];

#[tokio::test(flavor = "multi_thread")]
async fn a_change_reaches_a_reader_in_the_other_region_and_goes_again() {
    let platform = Platform::start("walk").await;
    let refers = reference_data(&platform).await;
    let song = publish_reaches_both_regions(&platform, refers).await;
    let etag = a_draft_shows_nowhere_until_it_is_published(&platform, refers, &song).await;
    a_raga_renamed_is_renamed_where_it_was_rendered(&platform, refers, &song).await;
    unpublish_makes_it_vanish_everywhere(&platform, &song, &etag).await;
    nothing_is_left_to_repair(&platform).await;
}

struct Song {
    id: String,
    /// Its page, for people.
    page: String,
    etag: String,
}

async fn reference_data(platform: &Platform) -> Refers {
    let mut raga = Raga::named(Name::display("Mēghavarṣiṇi"), RagaKind::Unclassified);
    raga.sources = fixtures::composer("x").sources().to_vec();
    Refers {
        raga: platform.add("ragas", &Record::Raga(raga)).await,
        tala: platform.add("talas", &fixtures::adi()).await,
        composer: platform.add("composers", &fixtures::composer("Walkswāmi")).await,
        rights: platform.add("rights", &fixtures::rights()).await,
    }
}

async fn publish_reaches_both_regions(platform: &Platform, refers: Refers) -> Song {
    let record = fixtures::kriti("Mukilvarṇanē paravā", refers);
    let (draft, etag) = platform.edited("POST", "/v1/admin/compositions", None, &body(&record)).await;
    let id = draft["id"].as_str().unwrap().to_owned();
    for edge in BOTH {
        assert_eq!(
            platform.read(edge, &format!("/v1/compositions/{id}")).await.status,
            404,
            "a draft is invisible"
        );
    }
    let page = format!("/compositions/{}", draft["slug"].as_str().unwrap());
    for edge in BOTH {
        // The refusal, and the list without the song, are in the caches when it is published.
        assert_eq!(platform.read(edge, &page).await.status, 404, "a draft has no page");
        on_page(platform, edge, "/compositions", "Mukilvarṇanē", false).await;
    }
    let etag = publish(platform, &id, &etag).await;
    for edge in BOTH {
        shows(platform, edge, &id, "Mukilvarṇanē paravā").await;
        on_page(platform, edge, &page, "<h1 lang=\"sa-Latn\">Mukilvarṇanē paravā</h1>", true).await;
        on_page(platform, edge, &format!("{page}?lang=ta"), "<html lang=\"ta\">", true).await;
        on_page(platform, edge, "/compositions", "Mukilvarṇanē", true).await;
        found(platform, edge, "mukilvarnane", &id, true).await;
        listed(platform, edge, refers, &id, true).await;
    }
    Song { id, page, etag }
}

async fn a_draft_shows_nowhere_until_it_is_published(
    platform: &Platform,
    refers: Refers,
    song: &Song,
) -> String {
    let target = format!("/v1/compositions/{}", song.id);
    // With no purge on its way any more, what was read once is kept.
    platform.settled().await;
    platform.read(Edge::B, &target).await;
    let cached = platform.read(Edge::B, &target).await;
    assert!(cached.header("cache-status").is_some_and(|status| status.contains("hit")), "{cached:?}");

    let record = fixtures::kriti("Tāmarainayanē paravā", refers);
    let one = format!("/v1/admin/compositions/{}", song.id);
    let (_, etag) = platform.edited("PUT", &one, Some(&song.etag), &body(&record)).await;
    assert!(
        platform.read(Edge::B, &target).await.text().contains("Mukilvarṇanē"),
        "readers see what is live"
    );

    on_page(platform, Edge::B, &song.page, "Mukilvarṇanē", true).await;

    let etag = publish(platform, &song.id, &etag).await;
    for edge in BOTH {
        shows(platform, edge, &song.id, "Tāmarainayanē paravā").await;
        on_page(platform, edge, &song.page, "Tāmarainayanē paravā</h1>", true).await;
        on_page(platform, edge, &song.page, "Mukilvarṇanē", false).await;
        found(platform, edge, "tamarainayane", &song.id, true).await;
        found(platform, edge, "mukilvarnane", &song.id, false).await;
    }
    etag
}

async fn a_raga_renamed_is_renamed_where_it_was_rendered(platform: &Platform, refers: Refers, song: &Song) {
    let one = format!("/v1/admin/ragas/{}", refers.raga);
    let read = platform.edit("GET", &one, None, &Value::Null).await.unwrap();
    let mut raga = read.json()["record"].clone();
    raga["names"][0]["text"] = json!("Mēgharañjitavarṣiṇi");
    platform.edited("PUT", &one, read.header("etag"), &raga).await;
    for edge in BOTH {
        shows(platform, edge, &song.id, "Mēgharañjitavarṣiṇi").await;
        on_page(platform, edge, &song.page, "Mēgharañjitavarṣiṇi", true).await;
    }
}

async fn unpublish_makes_it_vanish_everywhere(platform: &Platform, song: &Song, etag: &str) {
    let target = format!("/v1/admin/compositions/{}/unpublish", song.id);
    platform.edited("POST", &target, Some(etag), &json!({"reason": "the text is disputed"})).await;
    for edge in BOTH {
        for target in [format!("/v1/compositions/{}", song.id), song.page.clone()] {
            platform
                .until("the page is gone", async |platform| {
                    matches!(platform.read(edge, &target).await.status, 404 | 410)
                })
                .await;
        }
        on_page(platform, edge, "/compositions", "paravā", false).await;
        found(platform, edge, "tamarainayane", &song.id, false).await;
    }
}

async fn nothing_is_left_to_repair(platform: &Platform) {
    platform.settled().await;
    for arguments in [["index", "verify"], ["audit", "verify"]] {
        let output = platform.command(&arguments);
        assert!(
            output.status.success(),
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

/// Submits and publishes; the new ETag.
async fn publish(platform: &Platform, id: &str, etag: &str) -> String {
    let verb = |verb: &str| format!("/v1/admin/compositions/{id}/{verb}");
    let (_, etag) = platform.edited("POST", &verb("submit"), Some(etag), &json!({})).await;
    platform.edited("POST", &verb("publish"), Some(&etag), &json!({})).await.1
}

async fn shows(platform: &Platform, edge: Edge, id: &str, words: &str) {
    let target = format!("/v1/compositions/{id}");
    let what = format!("{edge:?} shows `{words}`");
    platform.until(&what, async |platform| platform.read(edge, &target).await.text().contains(words)).await;
}

/// The page that people read says `words`, or no longer does.
async fn on_page(platform: &Platform, edge: Edge, page: &str, words: &str, expected: bool) {
    let what = format!("{edge:?} says `{words}` on {page}: {expected}");
    platform
        .until(&what, async |platform| platform.read(edge, page).await.text().contains(words) == expected)
        .await;
}

async fn found(platform: &Platform, edge: Edge, query: &str, id: &str, expected: bool) {
    let target = format!("/v1/search?q={query}");
    let what = format!("{edge:?} finds `{query}`: {expected}");
    platform
        .until(&what, async |platform| platform.read(edge, &target).await.text().contains(id) == expected)
        .await;
}

async fn listed(platform: &Platform, edge: Edge, refers: Refers, id: &str, expected: bool) {
    let target = format!("/v1/compositions?composer={}", refers.composer);
    let what = format!("{edge:?} lists it: {expected}");
    platform
        .until(&what, async |platform| platform.read(edge, &target).await.text().contains(id) == expected)
        .await;
}
