//! Reference data: live at once, with its aliases and its history.

use crate::support::App;
use domain::Role;
use http::Method;
use serde_json::json;
use testkit::fixtures;

#[tokio::test]
async fn raga_is_renamed_with_its_aliases_and_an_event_each_time() {
    let Some(app) = App::start().await else { return };
    let raga = json!(fixtures::mela(65));
    let made =
        app.ask(Method::POST, "/v1/admin/ragas").role(Role::Reviewer).json(&raga).send().await.expect(201);
    assert_eq!(made.body["state"], "published");
    assert_eq!(made.headers["location"], format!("/v1/admin/ragas/{}", made.id()));
    let mut record = made.body["record"].clone();
    record["names"][0]["text"] = json!("Kalyāṇi");
    record["names"]
        .as_array_mut()
        .unwrap()
        .push(json!({"text": "Kalyan", "role": "alias", "alias_scheme": "hindustani_counterpart"}));
    let path = format!("/v1/admin/ragas/{}", made.id());
    let renamed =
        app.ask(Method::PUT, &path).role(Role::Reviewer).if_match(1).json(&record).send().await.expect(200);
    assert_eq!(renamed.body["live"]["number"], 2);
    let read = app.get(&path).send().await.expect(200);
    assert_eq!(read.body["record"]["names"], renamed.body["record"]["names"]);
    let events =
        app.database.sql(&format!("select count(*) from outbox_event where aggregate_id = '{}'", made.id()));
    assert_eq!(events, "2");
    let history = app.get(&format!("{path}/history")).send().await.expect(200);
    assert_eq!(history.body["items"].as_array().unwrap().len(), 2);
    let diff = app.get(&format!("{path}/history/diff")).send().await.expect(200);
    assert!(!diff.body["changes"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn one_kind_is_not_found_under_another() {
    let Some(app) = App::start().await else { return };
    let raga = app.add("ragas", &fixtures::mela(65)).await;
    app.get(&format!("/v1/admin/talas/{raga}")).send().await.expect(404);
    app.get(&format!("/v1/admin/compositions/{raga}")).send().await.expect(404);
    let put = app.ask(Method::PUT, &format!("/v1/admin/talas/{raga}")).role(Role::Reviewer).if_match(1);
    put.json(&json!(fixtures::adi())).send().await.expect(404);
    app.get(&format!("/v1/admin/talas/{raga}/history")).send().await.expect(404);
    app.get(&format!("/v1/admin/talas/{raga}/history/1")).send().await.expect(404);
}

#[tokio::test]
async fn every_kind_is_listed_under_its_own_route() {
    let Some(app) = App::start().await else { return };
    app.refers().await;
    for (collection, count) in
        [("ragas", 1), ("talas", 1), ("composers", 1), ("rights", 1), ("deities", 0), ("places", 0)]
    {
        let list = app.get(&format!("/v1/admin/{collection}")).send().await.expect(200);
        assert_eq!(list.body["items"].as_array().unwrap().len(), count, "{collection}");
    }
}
