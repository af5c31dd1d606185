//! The API about itself.

use crate::support::App;
use serde_json::Value;
use std::collections::HashSet;

#[test]
fn checked_in_document_is_the_code_s() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../openapi/public.json");
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let checked_in: Value = serde_json::from_str(&text).unwrap_or_default();
    assert!(checked_in == public::openapi(), "openapi/public.json is out of date: run `cargo xtask codegen`");
}

#[test]
fn every_reference_of_the_document_leads_somewhere() {
    let document = public::openapi();
    let mut references = HashSet::new();
    collect(&document, &mut references);
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
}

fn collect(value: &Value, found: &mut HashSet<String>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|field| collect(field, found));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        _ => {}
    }
}

#[tokio::test]
async fn served_document_is_the_code_s() {
    let Some(app) = App::start().await else { return };
    assert_eq!(app.ok("/v1/openapi.json").await, public::openapi());
}

#[tokio::test]
async fn docs_page_asks_no_other_host() {
    let Some(app) = App::start().await else { return };
    let page = app.get("/docs").await.expect(200);
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
    let text = String::from_utf8_lossy(&page.bytes);
    assert!(!text.contains("http://") && !text.contains("https://") && text.contains("/v1/openapi.json"));
}
