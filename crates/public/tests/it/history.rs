//! What readers saw before, and what they never saw.

use crate::support::{App, song, texts};
use chrono::{Duration, SecondsFormat};
use domain::composition::Composition;
use domain::{EntityRef, Record};
use serde_json::json;
use testkit::fixtures::{self, stamp};

/// A song with a published correction of one line, and a draft beside it that nobody may see.
async fn corrected(app: &App) -> (EntityRef, Composition) {
    let refers = app.refers().await;
    let first = song("Nanu pālimpa", refers);
    let entity = app.add(first.clone()).await;
    let mut second = first.clone();
    second.versions[0].texts[0].sections[1].lines = vec!["Nanu pālimpa".into(), "naḍaci vaccitivō".into()];
    second.year_hint = Some(1_820);
    app.edit(entity, second.clone()).await;
    app.submit(entity).await;
    app.publish(entity).await;
    let mut draft = second.clone();
    draft.titles[0].text = "Rahasyamu".into();
    app.edit(entity, draft).await;
    (entity, first)
}

#[tokio::test]
async fn history_lists_what_was_published_and_no_draft() {
    let Some(app) = App::start().await else { return };
    corrected(&app).await;
    let path = "/v1/compositions/nanu-palimpa/revisions";
    let history = app.get(path).await.expect(200);
    let numbers: Vec<i64> = history.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["number"].as_i64().unwrap())
        .collect();
    assert_eq!(numbers, [2, 1]);
    assert_eq!(
        (&history.body["items"][0]["is_live"], &history.body["items"][1]["is_live"]),
        (&json!(true), &json!(false))
    );
    app.ask(http::Method::GET, path, Some(history.etag())).await.expect(304);

    let first = app.ok(&format!("{path}/1?script=latin")).await;
    assert_eq!((&first["number"], &first["composition"]["revision"]["number"]), (&json!(1), &json!(1)));
    assert_eq!(first["composition"]["composer"]["label"], "Tyāgarāja");
    assert!(first["composition"].get("year_hint").is_none());
    assert_eq!(app.ok(&format!("{path}/2")).await["composition"]["year_hint"], 1_820);
    for missing in ["3", "0", "-1", "x", "99999999999"] {
        app.get(&format!("{path}/{missing}")).await.expect(404);
    }
}

#[tokio::test]
async fn difference_is_told_by_section_and_line() {
    let Some(app) = App::start().await else { return };
    let (_, first) = corrected(&app).await;
    let path = "/v1/compositions/nanu-palimpa/revisions/diff";
    let body = app.ok(path).await;
    assert_eq!((&body["from"], &body["to"]), (&json!(1), &json!(2)));
    assert_eq!(texts(&body["facts"], "pointer"), ["/year_hint"]);
    assert_eq!(body["sections"].as_array().unwrap().len(), 1, "{body}");
    assert_eq!(body["sections"][0]["section"], json!(first.versions[0].sections[1].id));
    assert_eq!(body["sections"][0]["kind"], "anupallavi");
    assert_eq!(texts(&body["sections"][0]["lines"], "change"), ["same", "added"]);
    let back = app.ok(&format!("{path}?from=2&to=1")).await;
    assert_eq!(texts(&back["sections"][0]["lines"], "change"), ["same", "removed"]);
    let none = app.ok(&format!("{path}?from=2&to=2")).await;
    assert_eq!((&none["facts"], &none["sections"]), (&json!([]), &json!([])));
    for (query, field) in [("to=3", "/to"), ("from=3", "/from"), ("from=x", "/from"), ("until=1", "/until")] {
        assert_eq!(app.get(&format!("{path}?{query}")).await.expect(422).field(), field, "{query}");
    }
}

#[tokio::test]
async fn song_is_read_as_it_was() {
    let Some(app) = App::start().await else { return };
    let refers = app.refers().await;
    let first = song("Nanu pālimpa", refers);
    let entity = app.add(first.clone()).await;
    let mut second = first.clone();
    second.titles[0].text = "Nannu pālimpa".into();
    let mut later = stamp();
    later.now += Duration::days(10);
    app.change(entity, |aggregate| {
        aggregate.import_again(Record::Composition(second), &later).unwrap().unwrap()
    })
    .await;
    let path = "/v1/compositions/nanu-palimpa";
    let day = |days: i64| (fixtures::noon() + Duration::days(days)).format("%Y-%m-%d").to_string();
    assert_eq!(app.ok(path).await["title"], "Nannu pālimpa");
    assert_eq!(app.ok(&format!("{path}?as_of={}", day(3))).await["title"], "Nanu pālimpa");
    assert_eq!(app.ok(&format!("{path}?as_of={}", day(0))).await["revision"]["number"], 1);
    assert_eq!(app.ok(&format!("{path}?as_of={}", day(10))).await["title"], "Nannu pālimpa");
    let moment = later.now.to_rfc3339_opts(SecondsFormat::Secs, true);
    assert_eq!(app.ok(&format!("{path}?as_of={moment}")).await["revision"]["number"], 2);
    app.get(&format!("{path}?as_of={}", day(-1))).await.expect(404);
    let mixed = app.ok(&format!("{path}?as_of={}&fields=title&include=similar", day(3))).await;
    assert_eq!((mixed.get("texts"), &mixed["title"]), (None, &json!("Nanu pālimpa")));
}

#[tokio::test]
async fn what_was_withdrawn_stays_withdrawn() {
    let Some(app) = App::start().await else { return };
    let (entity, first) = corrected(&app).await;
    app.change(entity, |aggregate| aggregate.unpublish(Some("a takedown".into()), &stamp()).unwrap()).await;
    let path = format!("/v1/compositions/{}", entity.id);
    for hidden in
        ["/revisions", "/revisions/1", "/revisions/diff", "/provenance", "/similar", "?as_of=2026-12-31"]
    {
        app.get(&format!("{path}{hidden}")).await.expect(404);
    }
    let mut third = first;
    third.year_hint = Some(1_830);
    app.edit(entity, third).await;
    app.submit(entity).await;
    app.publish(entity).await;
    let history = app.ok(&format!("{path}/revisions")).await;
    assert_eq!(history["items"].as_array().unwrap().len(), 1, "{history}");
    app.get(&format!("{path}/revisions/1")).await.expect(404);
    app.get(&format!("{path}/revisions/2")).await.expect(404);
}
