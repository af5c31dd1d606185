//! Purges by hand: who may order which, what is kept of an order, and what is refused.

use crate::support::App;
use domain::Role;
use http::Method;
use serde_json::{Value, json};

const PATH: &str = "/v1/admin/purges";

async fn order(app: &App, role: Role, body: Value) -> crate::support::Answer {
    app.ask(Method::POST, PATH).role(role).json(&body).send().await
}

#[tokio::test]
async fn an_order_is_kept_audited_and_sent_in_one_transaction() {
    let Some(app) = App::start().await else { return };
    let body = json!({"tags": ["list:ragas", "raga:x"], "reason": "a wrong picture"});
    let ordered = order(&app, Role::Reviewer, body).await.expect(202);
    assert_eq!((&ordered.body["soft"], &ordered.body["seq"]), (&json!(true), &Value::Null));
    assert_eq!(ordered.body["targets"], json!(["list:ragas", "raga:x"]));
    let id = ordered.id();
    let kept = format!(
        "select (select count(*) from purge_order where id = '{id}' and soft and reason = 'a wrong picture'),
            (select count(*) from outbox_event where event_id = '{id}' and event_kind = 'purged'),
            (select count(*) from audit_entry where action = 'purge_order' and changes::text like '%{id}%')"
    );
    assert_eq!(app.database.sql(&kept), "1|1|1");
    let seen = app.get(&format!("{PATH}/{id}")).send().await.expect(200);
    assert_eq!((&seen.body["ordered_by"], &seen.body["done"]), (&json!("reviewer"), &json!(false)));
    app.get(&format!("{PATH}/01920000-0000-7000-8000-00000000dead")).send().await.expect(404);
}

#[tokio::test]
async fn an_order_that_is_sent_twice_is_carried_out_once() {
    let Some(app) = App::start().await else { return };
    let send = |body: Value| {
        app.ask(Method::POST, PATH).role(Role::Admin).header("idempotency-key", "k").json(&body).send()
    };
    let body = json!({"prefixes": ["songs.test/v1/ragas"], "reason": "once"});
    let first = send(body.clone()).await.expect(202);
    assert_eq!(first.body["soft"], false, "what is no key is purged hard");
    let before = app.written();
    let second = send(body).await.expect(202);
    assert_eq!((second.id(), app.written()), (first.id(), before));
    assert_eq!(second.headers["idempotency-replayed"], "true");
    let other = send(json!({"all": true, "reason": "another"})).await.expect(422);
    assert_eq!(other.body["code"], "idempotency_mismatch");
}

#[tokio::test]
async fn reviewers_purge_keys_and_administrators_everything() {
    let Some(app) = App::start().await else { return };
    let before = app.written();
    for body in [
        json!({"all": true, "reason": "r"}),
        json!({"tags": ["a"], "urls": ["https://songs.test/"], "reason": "r"}),
        json!({"hosts": ["songs.test"], "reason": "r"}),
    ] {
        let refused = order(&app, Role::Reviewer, body.clone()).await.expect(403);
        assert_eq!(refused.body["code"], "forbidden");
        order(&app, Role::Editor, body).await.expect(403);
    }
    assert_eq!(app.written(), before);
    let ordered =
        order(&app, Role::Admin, json!({"all": true, "soft": true, "reason": "r"})).await.expect(202);
    assert_eq!(ordered.body["targets"], json!(["all"]));
}

#[tokio::test]
async fn what_cannot_be_purged_is_refused_and_leaves_nothing() {
    let Some(app) = App::start().await else { return };
    let before = app.written();
    for (body, fields) in [
        (json!({"tags": ["a b"], "reason": "r"}), vec![("/tags/0", "malformed")]),
        (
            json!({"urls": ["nonsense"], "hosts": ["a/b"], "reason": ""}),
            vec![("/reason", "out_of_range"), ("/urls/0", "malformed"), ("/hosts/0", "malformed")],
        ),
        (json!({"tags": vec!["t"; 257], "reason": "r"}), vec![("", "out_of_range")]),
    ] {
        assert_eq!(order(&app, Role::Admin, body).await.expect(422).fields(), fields);
    }
    app.ask(Method::POST, &format!("{PATH}?wait_ms=10001"))
        .role(Role::Admin)
        .json(&json!({"all": true, "reason": "r"}))
        .send()
        .await
        .expect(422);
    assert_eq!(app.written(), before);
}

#[tokio::test]
async fn a_flood_of_orders_is_held_back() {
    let Some(app) = App::start().await else { return };
    // A repeated order costs a token as well, and is the quickest way to spend them.
    let send = || {
        let body = json!({"tags": ["a"], "reason": "flood"});
        app.ask(Method::POST, PATH).role(Role::Admin).header("idempotency-key", "k").json(&body).send()
    };
    for _ in 0..100 {
        send().await.expect(202);
    }
    let refused = send().await.expect(429);
    assert_eq!(
        (&refused.body["code"], refused.headers["retry-after"].to_str().unwrap()),
        (&json!("throttled"), "1")
    );
}
