//! Bad input: a 4xx problem with the pointer of each field, and nothing written.

use crate::support::App;
use domain::Role;
use http::Method;
use serde_json::{Value, json};
use testkit::fixtures;
use uuid::Uuid;

/// Sets what a pointer names; a pointer to nothing adds it.
fn with(body: &Value, pointer: &str, value: Value) -> Value {
    let mut body = body.clone();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match body.pointer_mut(parent).unwrap() {
        Value::Array(items) => items[key.parse::<usize>().unwrap()] = value,
        parent => parent[key] = value,
    }
    body
}

#[tokio::test]
async fn refused_fields_are_named_and_nothing_is_written() {
    let Some(app) = App::start().await else { return };
    let song = json!(fixtures::kriti("vātāpi gaṇapatiṁ", app.refers().await));
    let raga = json!(fixtures::mela(29));
    let before = app.written();
    let nobody = Uuid::now_v7();
    for (collection, body, field, code) in [
        ("compositions", with(&song, "/nonsense", json!(1)), "/nonsense", "unknown_field"),
        (
            "compositions",
            with(&song, "/versions/0/ragas/0/rega", json!(1)),
            "/versions/0/ragas/0/rega",
            "unknown_field",
        ),
        ("compositions", with(&song, "/form", json!("KRITI")), "/form", "unknown_value"),
        (
            "compositions",
            with(&song, "/versions/0/sections/1/kind", json!("x")),
            "/versions/0/sections/1/kind",
            "unknown_value",
        ),
        (
            "compositions",
            with(&song, "/versions/0/tala/kalai", json!("2")),
            "/versions/0/tala/kalai",
            "wrong_type",
        ),
        ("compositions", with(&song, "/state", json!("published")), "/state", "unknown_field"),
        ("compositions", with(&song, "/titles/0/text", json!("a\u{0}b")), "/titles/0/text", "nul_character"),
        (
            "compositions",
            with(&song, "/versions/0/sections/1/kind", json!("madhyama_kala")),
            "/versions/0/sections/1/kind",
            "madhyama_kala_alone",
        ),
        (
            "compositions",
            with(&song, "/versions/0/texts/0/sections/0/section", json!(nobody)),
            "/versions/0/texts/0/sections/0/section",
            "unknown_section",
        ),
        (
            "compositions",
            with(&song, "/versions/0/ragas/0/raga", json!(nobody)),
            "/versions/0/ragas/0/raga",
            "reference_missing",
        ),
        ("compositions", with(&song, "/composer", json!(nobody)), "/composer", "reference_missing"),
        ("compositions", json!({}), "/titles", "missing_field"),
        (
            "ragas",
            with(&raga, "/arohana", json!([{"swara": "S"}, {"swara": "X9"}])),
            "/arohana/1/swara",
            "unknown_value",
        ),
        ("ragas", with(&raga, "/arohana/1/swara", json!("R1")), "/arohana", "not_the_formula_scale"),
        ("ragas", with(&raga, "/arohana/1/octave", json!(3)), "/arohana/1/octave", "out_of_range"),
        ("ragas", with(&raga, "/mela_number", json!(99)), "/mela_number", "out_of_range"),
        (
            "ragas",
            with(&raga, "/names/0/alias_scheme", json!("nick")),
            "/names/0/alias_scheme",
            "unknown_value",
        ),
    ] {
        let role = if collection == "ragas" { Role::Reviewer } else { Role::Editor };
        let path = format!("/v1/admin/{collection}");
        let answer =
            app.ask(Method::POST, &path).role(role).header("idempotency-key", "k").json(&body).send().await;
        assert_eq!(answer.status, 422, "{field} {code}: {}", answer.body);
        assert!(answer.fields().contains(&(field, code)), "{field} {code}: {}", answer.body);
        assert!(answer.body["request_id"].is_string());
    }
    assert_eq!(app.written(), before);
}

#[tokio::test]
async fn unreadable_requests_are_refused_and_nothing_is_written() {
    let Some(app) = App::start().await else { return };
    let before = app.written();
    let post = || app.ask(Method::POST, "/v1/admin/compositions").role(Role::Editor);
    let broken = post().text("{\"titles\": [").send().await.expect(400);
    assert_eq!(broken.body["code"], "bad_request");
    let long = post().text(format!("{{\"titles\": \"{}\"}}", "a".repeat(70_000))).send().await.expect(413);
    assert_eq!(long.body["code"], "too_large");
    post().send().await.expect(415);
    post().header("idempotency-key", &"k".repeat(200)).text("{}").send().await.expect(400);
    app.get("/v1/admin/compositions/not-an-id").send().await.expect(404);
    app.get("/v1/admin/compositions/01920000-0000-7000-8000-00000000dead").send().await.expect(404);
    for (path, field) in [
        ("/v1/admin/compositions?cursor=AAAA", "/cursor"),
        ("/v1/admin/audit?cursor=%25", "/cursor"),
        ("/v1/admin/compositions?limit=101", "/limit"),
        ("/v1/admin/compositions?limit=-1", "/limit"),
        ("/v1/admin/compositions?state=hidden", "/state"),
        ("/v1/admin/ragas?colour=red", "/colour"),
        ("/v1/admin/audit?from=yesterday", "/from"),
        ("/v1/admin/audit?actor=me", "/actor"),
    ] {
        let answer = app.get(path).send().await.expect(422);
        assert_eq!(answer.fields()[0].0, field, "{path}");
    }
    assert_eq!(app.written(), before);
}

#[tokio::test]
async fn odd_search_texts_find_nothing_and_break_nothing() {
    let Some(app) = App::start().await else { return };
    app.draft("vātāpi gaṇapatiṁ").await;
    for odd in ["%25", "_", "%5C", "%27", "%22%3B", "%F0%9F%8E%B5", "*"] {
        let answer = app.get(&format!("/v1/admin/compositions?q={odd}")).send().await.expect(200);
        assert_eq!(answer.body["items"], json!([]), "{odd}");
    }
    let found = app.get("/v1/admin/compositions?q=v%C4%81t%C4%81pi").send().await.expect(200);
    assert_eq!(found.body["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn write_without_the_version_it_is_based_on_is_refused() {
    let Some(app) = App::start().await else { return };
    let song = app.draft("vātāpi gaṇapatiṁ").await;
    let path = format!("/v1/admin/compositions/{}", song.id());
    let before = app.written();
    let put = || app.ask(Method::PUT, &path).role(Role::Editor).json(&song.body["record"]);
    assert_eq!(put().send().await.expect(428).body["code"], "precondition_required");
    let stale = put().if_match(7).send().await.expect(412);
    assert_eq!(
        (&stale.body["current_version"], &stale.headers["etag"]),
        (&json!(1), &"\"1\"".parse().unwrap())
    );
    put().header("if-match", "*").send().await.expect(400);
    assert_eq!(put().if_match(1).send().await.expect(409).body["code"], "unchanged");
    let verb = app.ask(Method::POST, &format!("{path}/submit")).role(Role::Editor).send().await;
    verb.expect(428);
    assert_eq!(app.written(), before);
}

#[tokio::test]
async fn pointers_of_a_part_are_the_ones_of_its_body() {
    let Some(app) = App::start().await else { return };
    let song = app.draft("vātāpi gaṇapatiṁ").await;
    let before = app.written();
    let put = |part: &str, body: Value| {
        let path = format!("/v1/admin/compositions/{}/{part}", song.id());
        app.ask(Method::PUT, &path).role(Role::Editor).if_match(1).json(&body)
    };
    let sections = put("sections", json!({"sections": [{"id": Uuid::nil(), "kind": "pallavi"}]}))
        .send()
        .await
        .expect(422);
    assert!(sections.fields().contains(&("/sections/0/id", "id_missing")), "{}", sections.body);
    let raga = song.body["record"]["versions"][0]["ragas"][0]["raga"].clone();
    let ragas =
        put("ragas", json!({"ragas": [{"raga": raga, "section": Uuid::now_v7()}]})).send().await.expect(422);
    assert_eq!(ragas.fields(), [("/ragas/0/section", "unknown_section")]);
    let version =
        put(&format!("ragas?version={}", Uuid::now_v7()), json!({"ragas": []})).send().await.expect(422);
    assert_eq!(version.fields(), [("/version", "reference_missing")]);
    let mut text = song.body["record"]["versions"][0]["texts"][0].clone();
    text["sections"][0]["lines"] = json!([]);
    let place = format!("texts/{}", text["id"].as_str().unwrap());
    let lines = put(&place, text.clone()).send().await.expect(422);
    assert!(lines.fields().contains(&("/sections/0/lines", "empty")), "{}", lines.body);
    let other = put(&format!("texts/{}", Uuid::now_v7()), text).send().await.expect(422);
    assert_eq!(other.fields(), [("/id", "differs_from_path")]);
    assert_eq!(app.written(), before);
}
