//! What readers report: taken from anybody within bounds, kept, audited, answered once.

use crate::support::{Answer, App};
use chrono::Duration;
use domain::Role;
use http::Method;
use serde_json::{Value, json};
use testkit::fixtures;
use uuid::Uuid;

/// A published song and its first section.
async fn published(app: &App) -> (Uuid, String) {
    let draft = app.draft("Nanu pālimpa").await;
    let in_review = app.verb(&draft, Role::Editor, "submit", &json!({})).await.expect(200);
    let live = app.verb(&in_review, Role::Reviewer, "publish", &json!({})).await.expect(200);
    let section = live.body["record"]["versions"][0]["sections"][0]["id"].as_str().unwrap().to_owned();
    (live.id(), section)
}

async fn send(app: &App, address: &str, body: &Value) -> Answer {
    app.ask(Method::POST, "/v1/reports").header("x-forwarded-for", address).json(body).send().await
}

async fn listed(app: &App, role: Role) -> Value {
    app.ask(Method::GET, "/v1/admin/reports?state=open").role(role).send().await.expect(200).body["items"]
        .clone()
}

#[tokio::test]
async fn report_of_a_reader_reaches_the_editors() {
    let Some(app) = App::start().await else { return };
    let (song, section) = published(&app).await;
    let anchor = json!({"ref": "nanu-palimpa", "section": section, "line": 1});
    let body = json!({"anchor": anchor, "text": "నను పాలింప\nnot nannu", "contact": "asha@example.org"});
    let answer = send(&app, "192.0.2.1", &body).await.expect(202);
    let reports = listed(&app, Role::Editor).await;
    assert_eq!(reports.as_array().unwrap().len(), 1);
    let report = &reports[0];
    assert_eq!((&report["id"], &report["entity"]["id"]), (&answer.body["id"], &json!(song)));
    assert_eq!((&report["place"]["line"], &report["revision"]), (&json!(1), &json!(1)));
    assert_eq!((&report["text"], &report["contact"]), (&body["text"], &body["contact"]));
    assert!(
        listed(&app, Role::Viewer).await[0].get("contact").is_none(),
        "a contact is for those who answer"
    );
    let audit = app.database.sql(
        "select action, actor_name, coalesce(ip, 'none'), strpos(changes::text, 'nannu') from audit_entry \
         order by number desc limit 1",
    );
    assert_eq!(audit.trim(), "report_create|reader|none|0");
}

#[tokio::test]
async fn report_of_a_page_without_a_script_is_a_form() {
    let Some(app) = App::start().await else { return };
    let (_, section) = published(&app).await;
    let form = |body: &str| app.ask(Method::POST, "/reports").form(body).page();
    let chosen = format!("anchor=compositions%2Fnanu-palimpa&section={section}&line=1");
    for place in ["anchor=compositions%2Fnanu-palimpa%23s1-l1", &chosen] {
        let body = format!("{place}&lang=ta&contact=&text=one+%3C+two");
        let taken = app.ask(Method::POST, "/reports").form(&body).send().await.expect(303);
        assert_eq!(taken.headers["location"], "/reported?lang=ta&song=nanu-palimpa");
        let report = &listed(&app, Role::Editor).await[0];
        assert_eq!((&report["text"], &report["place"]["section"]), (&json!("one < two"), &json!(section)));
        assert_eq!(report["place"]["line"], 1);
    }
    for (body, word) in [
        ("anchor=compositions%2Fnanu-palimpa%23s1-l9&text=a", "no such line"),
        ("anchor=compositions%2Fnanu-palimpa%23x&text=a", "no such place"),
        ("anchor=nothing&text=a", "Readers see nothing"),
        ("anchor=compositions%2Fnanu-palimpa&text=%3Cb%3E", "no tags"),
        ("anchor=compositions%2Fnanu-palimpa&text=a&%3Cb%3E=1", "&lt;b&gt;"),
        ("anchor=compositions%2Fnanu-palimpa&section=s1&text=a", "no such place"),
        ("anchor=composers%2Ftyagaraja&line=1&text=a", "Only the address of a composition"),
        ("anchor=compositions%2Fnanu-palimpa&line=99&text=&lang=ta", "<html lang=\"ta\">"),
        ("text=a", "Missing field"),
    ] {
        let (status, page) = form(body).await;
        assert!(status == 422 && page.contains(word) && !page.contains("<b>"), "{body}: {status} {page}");
    }
    let json = app.ask(Method::POST, "/reports").text("{}").page().await;
    assert_eq!(json.0, 415);
}

#[tokio::test]
async fn place_may_be_named_as_on_the_page() {
    let Some(app) = App::start().await else { return };
    let (_, section) = published(&app).await;
    let body = |anchor: &str| json!({"anchor": anchor, "text": "a"});
    send(&app, "192.0.2.1", &body("compositions/nanu-palimpa#s1")).await.expect(202);
    assert_eq!(listed(&app, Role::Editor).await[0]["place"]["section"], json!(section));
    send(&app, "192.0.2.1", &body("composers/tyagaraja")).await.expect(202);
    for odd in [
        "",
        "x",
        "compositions",
        "compositions/",
        "songs/a",
        "composers/tyagaraja#s1",
        "compositions/nanu-palimpa#s9",
    ] {
        assert_eq!(send(&app, "192.0.2.1", &body(odd)).await.expect(422).fields()[0].0, "/anchor", "{odd}");
    }
}

#[tokio::test]
async fn odd_reports_are_refused_by_field() {
    let Some(app) = App::start().await else { return };
    let (_, section) = published(&app).await;
    let draft = fixtures::kriti("Rahasyamu", app.refers_again().await);
    app.ask(Method::POST, "/v1/admin/compositions")
        .role(Role::Editor)
        .json(&json!(draft))
        .send()
        .await
        .expect(201);
    let before = app.database.sql("select count(*) from audit_entry");
    let fine = json!({"ref": "nanu-palimpa"});
    let nobody = Uuid::from_u128(9);
    for (body, field) in [
        (json!({"anchor": fine, "text": ""}), "/text"),
        (json!({"anchor": fine, "text": "<script>alert(1)</script>"}), "/text"),
        (json!({"anchor": fine, "text": "a\u{0}b"}), "/text"),
        (json!({"anchor": fine, "text": "a\u{202e}b"}), "/text"),
        (json!({"anchor": fine, "text": "a".repeat(2_001)}), "/text"),
        (json!({"anchor": fine, "text": "a", "contact": "b".repeat(201)}), "/contact"),
        (json!({"anchor": fine, "text": "a", "contact": "<a@b>"}), "/contact"),
        (json!({"anchor": {"ref": "nothing"}, "text": "a"}), "/anchor/ref"),
        (json!({"anchor": {"ref": "rahasyamu"}, "text": "a"}), "/anchor/ref"),
        (json!({"anchor": {"ref": "nanu-palimpa", "section": nobody}, "text": "a"}), "/anchor/section"),
        (
            json!({"anchor": {"ref": "nanu-palimpa", "section": section, "line": 99}, "text": "a"}),
            "/anchor/line",
        ),
        (json!({"anchor": {"ref": "nanu-palimpa", "colour": 1}, "text": "a"}), "/anchor/colour"),
        (json!({"anchor": {"kind": "song", "ref": "x"}, "text": "a"}), "/anchor/kind"),
        (
            json!({"anchor": {"kind": "composer", "ref": "tyagaraja", "line": 1}, "text": "a"}),
            "/anchor/section",
        ),
        (json!({"anchor": fine}), "/text"),
        (json!({"text": "a"}), "/anchor"),
    ] {
        let answer = send(&app, "192.0.2.1", &body).await.expect(422);
        assert_eq!(answer.fields()[0].0, field, "{body}");
    }
    let long = json!({"anchor": fine, "text": "a".repeat(80_000)});
    send(&app, "192.0.2.1", &long).await.expect(413);
    app.ask(Method::POST, "/v1/reports").send().await.expect(415);
    assert_eq!(app.database.sql("select count(*) from audit_entry"), before);
    assert_eq!(app.database.sql("select count(*) from report").trim(), "0");
}

#[tokio::test]
async fn an_address_cannot_flood_the_editors() {
    let Some(app) = App::start().await else { return };
    published(&app).await;
    let body = json!({"anchor": {"ref": "nanu-palimpa"}, "text": "a"});
    for _ in 0..5 {
        send(&app, "192.0.2.1", &body).await.expect(202);
    }
    let refused = send(&app, "192.0.2.1", &body).await.expect(429);
    assert_eq!(
        (&refused.body["code"], refused.headers["retry-after"].to_str().unwrap()),
        (&json!("throttled"), "600")
    );
    // What a client writes in front of the edge's own word is not believed.
    send(&app, "198.51.100.7, 192.0.2.1", &body).await.expect(429);
    send(&app, "192.0.2.2", &body).await.expect(202);
    app.clock.advance(Duration::minutes(10));
    send(&app, "192.0.2.1", &body).await.expect(202);
}

#[tokio::test]
async fn a_report_is_answered_once() {
    let Some(app) = App::start().await else { return };
    published(&app).await;
    let body = json!({"anchor": {"ref": "nanu-palimpa"}, "text": "a", "contact": "asha"});
    let id = send(&app, "192.0.2.1", &body).await.expect(202).id();
    let path = format!("/v1/admin/reports/{id}/answer");
    let answer = |body: Value| app.ask(Method::POST, &path).role(Role::Editor).json(&body).send();
    for (body, field) in [
        (json!({"state": "open"}), "/state"),
        (json!({"state": "mended"}), "/state"),
        (json!({"state": "corrected", "revision": 2}), "/revision"),
        (json!({"state": "corrected", "answer": "<b>"}), "/answer"),
    ] {
        assert_eq!(answer(body.clone()).await.expect(422).fields()[0].0, field, "{body}");
    }
    let done = answer(json!({"state": "corrected", "answer": "Thank you.", "revision": 1})).await.expect(200);
    assert_eq!((&done.body["state"], &done.body["answer"]["mended_by"]), (&json!("corrected"), &json!(1)));
    assert_eq!(done.body["answer"]["by"]["name"], "editor");
    let again = answer(json!({"state": "declined"})).await.expect(409);
    assert_eq!(again.body["code"], "answered_already");
    assert_eq!(listed(&app, Role::Editor).await, json!([]));
    let action = app.database.sql("select action from audit_entry order by number desc limit 1");
    assert_eq!(action.trim(), "report_answer");
}
