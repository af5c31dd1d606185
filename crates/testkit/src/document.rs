//! What holds for the checked-in document of either API.

use serde_json::Value;
use std::collections::HashSet;
use std::path::Path;

/// The document `name` in the folder `openapi` is what the code says.
///
/// # Panics
/// Where it is not.
pub fn is_checked_in(document: &Value, name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../openapi").join(name);
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let checked_in: Value = serde_json::from_str(&text).unwrap_or_default();
    assert!(checked_in == *document, "openapi/{name} is out of date: run `cargo xtask codegen`");
}

/// Every `$ref` of the document leads to something in it.
///
/// # Panics
/// Where one does not.
pub fn references_lead_somewhere(document: &Value) {
    let mut references = HashSet::new();
    collect(document, &mut references);
    for reference in references {
        let found = reference.strip_prefix('#').and_then(|pointer| document.pointer(pointer));
        assert!(found.is_some(), "{reference} leads nowhere");
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
