//! Setup, keys and the audit trail.

use crate::support::App;
use chrono::Duration;
use domain::Role;
use http::Method;
use serde_json::json;
use testkit::fixtures;

#[tokio::test]
async fn setup_token_makes_one_administrator() {
    let Some(app) = App::start().await else { return };
    let token = app.setup_token().await;
    let setup = |token: &str, name: &str| {
        app.ask(Method::POST, "/v1/admin/setup").json(&json!({"token": token, "name": name})).send()
    };
    let (body, last) = token.split_at(token.len() - 1);
    let mistyped = format!("{body}{}", if last == "x" { "y" } else { "x" });
    let mistyped = setup(&mistyped, "asha").await.expect(422);
    assert_eq!(mistyped.fields()[0].0, "/token");
    let made = setup(&token, "asha").await.expect(201);
    assert_eq!(
        (made.headers["cache-control"].to_str().unwrap(), &made.body["roles"]),
        ("no-store", &json!(["admin"]))
    );
    let key = made.body["key"].as_str().unwrap();
    app.ask(Method::GET, "/v1/admin/api-keys").key(key).send().await.expect(200);
    let again = setup(&token, "bala").await.expect(401);
    assert_eq!(again.body["code"], "setup_token_refused");
    // The name is taken: the second token is not used up by the failure.
    let second = app.setup_token().await;
    assert_eq!(setup(&second, "asha").await.expect(409).body["code"], "name_taken");
    setup(&second, "bala").await.expect(201);
    let stored = app.database.sql("select count(*) from api_key k where position('sgp_' in k::text) > 0");
    assert_eq!(stored, "0", "no key is stored as it is");
}

#[tokio::test]
async fn setup_token_ends() {
    let Some(app) = App::start().await else { return };
    let token = app.setup_token().await;
    app.clock.advance(Duration::minutes(31));
    let late =
        app.ask(Method::POST, "/v1/admin/setup").json(&json!({"token": token, "name": "asha"})).send().await;
    late.expect(401);
}

#[tokio::test]
async fn key_works_until_it_ends_or_is_revoked() {
    let Some(app) = App::start().await else { return };
    let make = |body: serde_json::Value| {
        app.ask(Method::POST, "/v1/admin/api-keys").role(Role::Admin).json(&body).send()
    };
    let ends = app.now() + Duration::days(1);
    let body = json!({"name": "asha", "roles": ["viewer"], "label": "laptop", "expires_at": ends});
    let made = make(body.clone()).await.expect(201);
    let key = made.body["key"].as_str().unwrap();
    let try_it = |key: &str| app.ask(Method::GET, "/v1/admin/compositions").key(key).send();
    try_it(key).await.expect(200);
    assert_eq!(make(body).await.expect(409).body["code"], "name_taken");

    // Another key of the same account, then the first one is revoked.
    let another = json!({"account": made.body["account"], "label": "server", "expires_at": ends});
    let second = make(another).await.expect(201);
    assert_eq!(second.body["roles"], json!(["viewer"]));
    let path = format!("/v1/admin/api-keys/{}", made.id());
    let revoke = || app.ask(Method::DELETE, &path).role(Role::Admin).send();
    revoke().await.expect(204);
    revoke().await.expect(404);
    try_it(key).await.expect(401);
    let second = second.body["key"].as_str().unwrap();
    try_it(second).await.expect(200);
    app.clock.advance(Duration::days(2));
    try_it(second).await.expect(401);
}

#[tokio::test]
async fn key_needs_an_owner_and_an_end() {
    let Some(app) = App::start().await else { return };
    let now = app.now();
    let before = app.written();
    for (body, field) in [
        (json!({"name": "a", "roles": ["viewer"], "label": "l"}), "/expires_at"),
        (json!({"name": "a", "label": "l", "expires_at": now}), "/expires_at"),
        (json!({"name": "a", "label": "l", "expires_at": now + Duration::days(800)}), "/expires_at"),
        (json!({"name": "a", "roles": ["god"], "label": "l", "expires_at": now}), "/roles/0"),
        (json!({"name": "", "label": "l", "expires_at": now + Duration::days(1)}), "/name"),
        (json!({"label": "l", "expires_at": now + Duration::days(1)}), "/account"),
        (
            json!({"account": uuid::Uuid::nil(), "label": "l", "expires_at": now + Duration::days(1)}),
            "/account",
        ),
    ] {
        let answer = app
            .ask(Method::POST, "/v1/admin/api-keys")
            .role(Role::Admin)
            .json(&body)
            .send()
            .await
            .expect(422);
        assert_eq!(answer.fields()[0].0, field, "{body}");
    }
    assert_eq!(app.written(), before);
}

#[tokio::test]
async fn repeated_key_request_does_not_show_the_secret_again() {
    let Some(app) = App::start().await else { return };
    let body = json!({"name": "asha", "roles": ["viewer"], "label": "l", "expires_at": app.now() + Duration::days(1)});
    let make = || {
        app.ask(Method::POST, "/v1/admin/api-keys")
            .role(Role::Admin)
            .header("idempotency-key", "k")
            .json(&body)
            .send()
    };
    let first = make().await.expect(201);
    let second = make().await.expect(201);
    assert_eq!((second.id(), second.body.get("key")), (first.id(), None));
    assert!(first.body["key"].is_string());
}

#[tokio::test]
async fn inactive_account_is_cut_off_at_once() {
    let Some(app) = App::start().await else { return };
    app.get("/v1/admin/compositions").send().await.expect(200);
    app.database.sql("update account set active = false where name = 'viewer'");
    app.get("/v1/admin/compositions").send().await.expect(401);
}

#[tokio::test]
async fn audit_says_who_did_what_and_shows_a_forgery() {
    let Some(app) = App::start().await else { return };
    let song = app.draft("vātāpi gaṇapatiṁ").await;
    let path = format!("/v1/admin/compositions/{}/submit", song.id());
    let submit = app.ask(Method::POST, &path).role(Role::Editor).if_match(1);
    submit
        .header("x-request-id", "walk-7")
        .header("x-forwarded-for", "1.1.1.1, 192.0.2.7")
        .send()
        .await
        .expect(200);

    let list = app.get(&format!("/v1/admin/audit?entity={}", song.id())).send().await.expect(200);
    let entries = list.body["items"].as_array().unwrap();
    let actions: Vec<_> = entries.iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["composition_submit", "composition_create"]);
    assert_eq!(
        (&entries[0]["request_id"], &entries[0]["ip"], &entries[0]["role"], &entries[0]["actor"]["name"]),
        (&json!("walk-7"), &json!("192.0.2.7"), &json!("editor"), &json!("editor"))
    );
    let of_action = app.get("/v1/admin/audit?action=raga_create&limit=1").send().await.expect(200);
    assert_eq!(of_action.body["items"][0]["entity"]["kind"], "raga");
    let future = app.get("/v1/admin/audit?from=2999-01-01T00:00:00Z").send().await.expect(200);
    assert_eq!(future.body["items"], json!([]));

    let whole = app.get("/v1/admin/audit/verify").send().await.expect(200);
    assert_eq!((&whole.body["intact"], &whole.body["entries"]), (&json!(true), &json!(6)));
    app.database.sql(
        "alter table audit_entry disable trigger all; \
         update audit_entry set reason = 'forged' where number = 3; \
         alter table audit_entry enable trigger all",
    );
    let forged = app.get("/v1/admin/audit/verify").send().await.expect(200);
    assert_eq!((&forged.body["intact"], &forged.body["broken_at"]), (&json!(false), &json!(3)));
}

#[tokio::test]
async fn no_primary_means_no_writes_and_says_so() {
    let Some(app) = App::start().await else { return };
    let raga = json!(fixtures::mela(65));
    // The database goes away: connections are ended and no new ones are let in.
    app.database
        .cluster
        .sql("postgres", &format!("alter database {} allow_connections false", app.database.name));
    app.database.cluster.sql(
        "postgres",
        &format!(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = '{}'",
            app.database.name
        ),
    );
    let answer = app.ask(Method::POST, "/v1/admin/ragas").role(Role::Reviewer).json(&raga).send().await;
    let answer = answer.expect(503);
    assert_eq!(answer.body["code"], "writes_unavailable");
    assert!(answer.headers.contains_key("retry-after"));
}
