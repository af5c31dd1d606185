//! The walk of a composition from its first draft to its readers and back.

use crate::support::{Answer, App};
use domain::Role;
use http::Method;
use serde_json::{Value, json};
use testkit::fixtures;
use uuid::Uuid;

async fn published(app: &App, title: &str) -> Answer {
    let draft = app.draft(title).await;
    let submitted = app.verb(&draft, Role::Editor, "submit", &json!({})).await.expect(200);
    app.verb(&submitted, Role::Reviewer, "publish", &json!({})).await.expect(200)
}

#[tokio::test]
async fn song_walks_from_draft_to_readers_and_back() {
    let Some(app) = App::start().await else { return };
    let song = published(&app, "vātāpi gaṇapatiṁ").await;
    assert_eq!((&song.body["state"], &song.body["live"]["number"]), (&json!("published"), &json!(1)));
    assert!(song.body.get("draft").is_none());

    // A draft beside the live revision: readers go on seeing revision 1.
    let mut record = song.body["record"].clone();
    record["titles"][0]["text"] = json!("vātāpi gaṇapatiṁ bhajē");
    let path = format!("/v1/admin/compositions/{}", song.id());
    let put = app.ask(Method::PUT, &path).role(Role::Editor).if_match(song.row_version()).json(&record);
    let edited = put.send().await.expect(200);
    assert_eq!((&edited.body["live"]["number"], &edited.body["draft"]["number"]), (&json!(1), &json!(2)));

    // The publication swaps.
    let submitted = app.verb(&edited, Role::Editor, "submit", &json!({})).await.expect(200);
    let again = app.verb(&submitted, Role::Reviewer, "publish", &json!({})).await.expect(200);
    assert_eq!((&again.body["state"], &again.body["live"]["number"]), (&json!("published"), &json!(2)));
    assert!(again.headers.contains_key("x-consistency-token"));

    let without_reason = app.verb(&again, Role::Reviewer, "unpublish", &json!({})).await.expect(422);
    assert_eq!(without_reason.fields()[0].0, "/reason");
    let reason = json!({"reason": "the text is doubtful"});
    let gone = app.verb(&again, Role::Reviewer, "unpublish", &reason).await.expect(200);
    assert_eq!((&gone.body["state"], gone.body.get("live")), (&json!("draft"), None));

    let archived = app.verb(&gone, Role::Reviewer, "archive", &reason).await.expect(200);
    let restored = app.verb(&archived, Role::Reviewer, "restore", &json!({})).await.expect(200);
    assert_eq!(restored.body["state"], "draft");

    let events =
        app.database.sql(&format!("select count(*) from outbox_event where aggregate_id = '{}'", song.id()));
    assert_eq!(events, "3", "two publications and one withdrawal");
}

#[tokio::test]
async fn author_does_not_publish_and_wrong_steps_are_refused() {
    let Some(app) = App::start().await else { return };
    let admin = app.key(Role::Admin).to_owned();
    let song = fixtures::kriti("endarō mahānubhāvulu", app.refers().await);
    let draft = app
        .ask(Method::POST, "/v1/admin/compositions")
        .key(&admin)
        .json(&json!(song))
        .send()
        .await
        .expect(201);
    let early = app.verb(&draft, Role::Reviewer, "publish", &json!({})).await.expect(409);
    assert_eq!(early.body["code"], "wrong_state");
    let submitted = app.verb(&draft, Role::Admin, "submit", &json!({})).await.expect(200);
    let own = app.verb(&submitted, Role::Admin, "publish", &json!({})).await.expect(409);
    assert_eq!(own.body["code"], "same_author");
    let returned = app
        .verb(&submitted, Role::Reviewer, "return", &json!({"reason": "a line is missing"}))
        .await
        .expect(200);
    assert_eq!(returned.body["state"], "draft");
}

#[tokio::test]
async fn incomplete_song_is_kept_as_a_draft_and_told_what_it_lacks() {
    let Some(app) = App::start().await else { return };
    let mut song = json!(fixtures::kriti("mārivēre", app.refers().await));
    song["sources"] = json!([]);
    song["versions"][0]["texts"] = json!([]);
    song.as_object_mut().unwrap().remove("rights");
    let draft = app
        .ask(Method::POST, "/v1/admin/compositions")
        .role(Role::Editor)
        .json(&song)
        .send()
        .await
        .expect(201);
    let path = format!("/v1/admin/compositions/{}/validate", draft.id());
    let report = app.ask(Method::POST, &path).role(Role::Viewer).send().await.expect(200);
    assert_eq!(report.body["publishable"], false);
    let issues = report.body["issues"].as_array().unwrap();
    for path in ["/rights", "/sources", "/versions/0/texts"] {
        assert!(issues.iter().any(|issue| issue["path"] == path), "{path}: {}", report.body);
    }
    let refused = app.verb(&draft, Role::Editor, "submit", &json!({})).await.expect(422);
    assert!(refused.fields().contains(&("/rights", "rights_missing")), "{}", refused.body);
}

#[tokio::test]
async fn parts_are_replaced_and_the_rest_stays() {
    let Some(app) = App::start().await else { return };
    let song = app.draft("vātāpi gaṇapatiṁ").await;
    let path = |part: &str| format!("/v1/admin/compositions/{}/{part}", song.id());
    let put = |version: i64, part: &str, body: Value| {
        app.ask(Method::PUT, &path(part)).role(Role::Editor).if_match(version).json(&body)
    };
    let first = song.body["record"]["versions"][0]["ragas"][0]["raga"].clone();
    let second = json!(app.add("ragas", &fixtures::mela(29)).await);
    // The order is what was sent, and a raga may recur.
    let order = json!([{"raga": first}, {"raga": second}, {"raga": first, "direction": "viloma"}]);
    let ragas = put(1, "ragas", json!({"ragas": order})).send().await.expect(200);
    let listed: Vec<_> = ragas.body["record"]["versions"][0]["ragas"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["raga"].clone())
        .collect();
    assert_eq!(listed, [first.clone(), second, first]);

    let tag = json!({"names": [{"text": "Bhakti"}], "category": "bhava"});
    let tag =
        app.ask(Method::POST, "/v1/admin/tags").role(Role::Reviewer).json(&tag).send().await.expect(201).id();
    let tags = put(2, "tags", json!({"tags": [tag]})).send().await.expect(200);
    assert_eq!(tags.body["record"]["tags"], json!([tag]));

    let mut text = tags.body["record"]["versions"][0]["texts"][0].clone();
    text["sections"][0]["lines"] = json!(["vātāpi", "gaṇapatiṁ"]);
    let place = format!("texts/{}", text["id"].as_str().unwrap());
    let one = put(3, &place, text.clone()).send().await.expect(200);
    assert_eq!(one.body["record"]["versions"][0]["texts"], json!([text]));
    let mut sections = one.body["record"]["versions"][0]["sections"].clone();
    sections[0]["note"] = json!("sung twice");
    let sectioned = put(4, "sections", json!({"sections": sections})).send().await.expect(200);
    assert_eq!(sectioned.body["record"]["versions"][0]["sections"], sections);
    let emptied = put(5, "texts", json!({"texts": []})).send().await.expect(200);
    assert!(emptied.body["record"]["versions"][0].get("texts").is_none());
    assert_eq!(emptied.body["record"]["titles"], song.body["record"]["titles"]);
}

/// An avartanam of Adi at the second speed in swaras of Kalyani, for the pallavi of `song`.
fn swaras(song: &Answer) -> Value {
    let note = |swara: &str, length: u8| json!({"swara": swara, "length": length, "syllable": "vā"});
    let notes = [note("S", 4), note("R2", 4), note("M2", 4), note("P", 4)];
    let section = &song.body["record"]["versions"][0]["sections"][0]["id"];
    json!({
        "id": Uuid::now_v7(),
        "script": "latin",
        "scheme": "iso15919",
        "sections": [{
            "section": section,
            "angas": [4, 2, 2],
            "rows": [{"units_per_beat": 2, "notes": notes}],
        }],
    })
}

#[tokio::test]
async fn notation_is_kept_when_it_fits_its_tala_and_raga() {
    let Some(app) = App::start().await else { return };
    let song = app.draft("vātāpi gaṇapatiṁ").await;
    let path = format!("/v1/admin/compositions/{}/notation", song.id());
    let put = |version: i64, notation: &Value| {
        let body = json!({"notations": [notation]});
        app.ask(Method::PUT, &path).role(Role::Editor).if_match(version).json(&body)
    };
    let good = swaras(&song);
    let kept = put(song.row_version(), &good).send().await.expect(200);
    assert_eq!(kept.body["record"]["versions"][0]["notations"], json!([good]));

    let place = "/notations/0/sections/0";
    let mut bad = good.clone();
    bad["sections"][0]["rows"][0]["notes"][2]["swara"] = json!("M1");
    let foreign = put(2, &bad).send().await.expect(422);
    assert_eq!(foreign.fields(), [(&*format!("{place}/rows/0/notes/2/swara"), "foreign_swara")]);
    bad = good.clone();
    bad["sections"][0]["rows"][0]["notes"][2]["length"] = json!(3);
    let short = put(2, &bad).send().await.expect(422);
    assert_eq!(short.fields(), [(&*format!("{place}/rows/0"), "avartanam_not_full")]);
    bad = good.clone();
    bad["sections"][0]["angas"] = json!([2, 6]);
    let other = put(2, &bad).send().await.expect(422);
    assert_eq!(other.fields(), [(&*format!("{place}/angas"), "angas_differ")]);

    // The whole song is held to the same rule, with pointers into the whole.
    let mut whole = kept.body["record"].clone();
    whole["versions"][0]["notations"][0]["sections"][0]["rows"][0]["notes"][2]["swara"] = json!("M1");
    let create = app.ask(Method::POST, "/v1/admin/compositions").role(Role::Editor).json(&whole);
    let refused = create.send().await.expect(422);
    assert_eq!(refused.fields()[0].0, format!("/versions/0{place}/rows/0/notes/2/swara"));
}

#[tokio::test]
async fn history_keeps_every_revision_and_compares_any_two() {
    let Some(app) = App::start().await else { return };
    let song = app.draft("vātāpi gaṇapatiṁ").await;
    let path = format!("/v1/admin/compositions/{}", song.id());
    let mut record = song.body["record"].clone();
    for (version, title) in [(1, "b"), (2, "c")] {
        record["titles"][0]["text"] = json!(title);
        app.ask(Method::PUT, &path)
            .role(Role::Editor)
            .if_match(version)
            .json(&record)
            .send()
            .await
            .expect(200);
    }
    let first = app.get(&format!("{path}/history?limit=2")).send().await.expect(200);
    let cursor = first.body["next_cursor"].as_str().unwrap();
    let second = app.get(&format!("{path}/history?limit=2&cursor={cursor}")).send().await.expect(200);
    let numbers: Vec<_> = [&first, &second]
        .iter()
        .flat_map(|page| page.body["items"].as_array().unwrap())
        .map(|item| item["number"].as_i64().unwrap())
        .collect();
    assert_eq!(numbers, [3, 2, 1]);
    assert!(second.body.get("next_cursor").is_none());

    let oldest = app.get(&format!("{path}/history/1")).send().await.expect(200);
    assert_eq!(oldest.body["record"], song.body["record"]);
    app.get(&format!("{path}/history/4")).send().await.expect(404);

    let last = app.get(&format!("{path}/history/diff")).send().await.expect(200);
    assert_eq!((&last.body["from"], &last.body["to"]), (&json!(2), &json!(3)));
    assert_eq!(last.body["changes"], json!([{"pointer": "/titles/0/text", "before": "b", "after": "c"}]));
    let all = app.get(&format!("{path}/history/diff?from=1&to=3")).send().await.expect(200);
    assert_eq!(all.body["changes"][0]["before"], "vātāpi gaṇapatiṁ");
    let beyond = app.get(&format!("{path}/history/diff?to=9")).send().await.expect(422);
    assert_eq!(beyond.fields()[0].0, "/to");
}

#[tokio::test]
async fn same_request_is_carried_out_once() {
    let Some(app) = App::start().await else { return };
    let song = json!(fixtures::kriti("vātāpi gaṇapatiṁ", app.refers().await));
    let post = |key: &'static str, body: &Value| {
        let question = app.ask(Method::POST, "/v1/admin/compositions").role(Role::Editor);
        question.header("idempotency-key", key).json(body)
    };
    let first = post("one", &song).send().await.expect(201);
    let before = app.written();
    let second = post("one", &song).send().await.expect(201);
    assert_eq!((&second.body, &second.headers["etag"]), (&first.body, &first.headers["etag"]));
    assert_eq!(second.headers["idempotency-replayed"], "true");
    let mut other = song.clone();
    other["titles"][0]["text"] = json!("another");
    let mismatch = post("one", &other).send().await.expect(422);
    assert_eq!(mismatch.body["code"], "idempotency_mismatch");
    assert_eq!(app.written(), before);
    let fresh = post("two", &song).send().await.expect(201);
    assert_ne!(fresh.id(), first.id());
    assert_ne!(fresh.body["slug"], first.body["slug"]);
}

#[tokio::test]
async fn two_editors_at_once_do_not_lose_a_change() {
    let Some(app) = App::start().await else { return };
    let song = app.draft("vātāpi gaṇapatiṁ").await;
    let path = format!("/v1/admin/compositions/{}", song.id());
    let put = |title: &str| {
        let mut record = song.body["record"].clone();
        record["titles"][0]["text"] = json!(title);
        app.ask(Method::PUT, &path).role(Role::Editor).if_match(1).json(&record).send()
    };
    let (one, two) = tokio::join!(put("one"), put("two"));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
}

#[tokio::test]
async fn list_shows_every_state_page_by_page() {
    let Some(app) = App::start().await else { return };
    let refers = app.refers().await;
    for title in ["eka", "dvi", "tri"] {
        let song = json!(fixtures::kriti(title, refers));
        app.ask(Method::POST, "/v1/admin/compositions")
            .role(Role::Editor)
            .json(&song)
            .send()
            .await
            .expect(201);
        app.clock.advance(chrono::Duration::seconds(1));
    }
    let mut labels = Vec::new();
    let mut path = "/v1/admin/compositions?state=draft&limit=2".to_owned();
    loop {
        let page = app.get(&path).send().await.expect(200);
        labels.extend(
            page.body["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item["label"].as_str().unwrap().to_owned()),
        );
        let Some(cursor) = page.body["next_cursor"].as_str() else { break };
        path = format!("/v1/admin/compositions?state=draft&limit=2&cursor={cursor}");
    }
    assert_eq!(labels, ["tri", "dvi", "eka"]);
    let live = app.get("/v1/admin/compositions?state=published").send().await.expect(200);
    assert_eq!(live.body["items"], json!([]));
}

#[tokio::test]
async fn published_song_is_listed_by_any_of_its_names_in_any_spelling() {
    let Some(app) = App::start().await else { return };
    let song = published(&app, "vātāpi gaṇapatiṁ").await;
    for asked in ["vathapi", "Ganapathim", "வாதாபி", "గణప"] {
        let path = format!("/v1/admin/compositions?q={}", percent(asked));
        let found = app.get(&path).send().await.expect(200);
        assert_eq!(found.body["items"][0]["id"], json!(song.id()), "{asked}");
    }
    let none = app.get("/v1/admin/compositions?q=endaro").send().await.expect(200);
    assert_eq!(none.body["items"], json!([]));
}

fn percent(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[tokio::test]
async fn meanings_are_plain_words_with_rights_of_their_own() {
    let Some(app) = App::start().await else { return };
    let song = app.draft("vātāpi gaṇapatiṁ").await;
    let path = format!("/v1/admin/compositions/{}/meanings", song.id());
    let gist = json!({
        "id": fixtures::new_id(), "kind": "gist", "language": "en", "author": "An editor",
        "paragraphs": ["The singer worships Ganapati.", "He removes obstacles."],
        "rights": song.body["record"]["rights"],
    });
    let put = |version: i64, meaning: &Value| {
        let body = json!({"meanings": [meaning]});
        app.ask(Method::PUT, &path).role(Role::Editor).if_match(version).json(&body)
    };
    let kept = put(song.row_version(), &gist).send().await.expect(200);
    assert_eq!(kept.body["record"]["meanings"], json!([gist]));

    for (field, value, expected) in [
        ("/paragraphs/0", json!("<b>Ganapati</b>"), ("/meanings/0/paragraphs/0", "markup")),
        ("/paragraphs", json!([]), ("/meanings/0/paragraphs", "empty")),
        ("/rights", json!(fixtures::new_id()), ("/meanings/0/rights", "reference_missing")),
    ] {
        let mut bad = gist.clone();
        *bad.pointer_mut(field).unwrap() = value;
        let refused = put(2, &bad).send().await.expect(422);
        assert_eq!(refused.fields()[0].1, expected.1, "{field}: {:?}", refused.fields());
    }
    let mut poem = gist.clone();
    poem["kind"] = json!("poem");
    assert_eq!(put(2, &poem).send().await.expect(422).fields()[0].0, "/meanings/0/kind");

    // Without rights it may stand in a draft, and reaches no reader.
    let mut open = gist.clone();
    open.as_object_mut().unwrap().remove("rights");
    let draft = put(2, &open).send().await.expect(200);
    let submitted = app.verb(&draft, Role::Editor, "submit", &json!({})).await.expect(200);
    let refused = app.verb(&submitted, Role::Reviewer, "publish", &json!({})).await.expect(422);
    assert_eq!(refused.fields(), [("/meanings/0/rights", "rights_missing")]);
}
