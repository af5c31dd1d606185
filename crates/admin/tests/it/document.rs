//! The checked-in document.

use serde_json::Value;
use std::collections::HashSet;

#[test]
fn checked_in_document_is_the_code_s() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../openapi/admin.json");
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let checked_in: Value = serde_json::from_str(&text).unwrap_or_default();
    assert!(checked_in == admin::openapi(), "openapi/admin.json is out of date: run `cargo xtask codegen`");
}

#[test]
fn every_reference_of_the_document_leads_somewhere() {
    let document = admin::openapi();
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
