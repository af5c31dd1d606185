//! Every route is in the checked-in OpenAPI documents, and each says there who may call it and what is kept.
//!
//! A handler states its path in `#[utoipa::path]` and gets into the router only through the table of its API,
//! from which the documents are generated. So a path in the source that no document lists is a handler that
//! nobody can reach, or a document that is out of date; and a router built by hand would be a way round.

use super::{files, shown};
use serde_json::Value;
use std::path::Path;

/// An API's sources, the document that lists its routes, and the extensions of which every operation has one.
const DOCUMENTS: &[(&str, &str, &[&str])] = &[
    ("crates/public/src", "openapi/public.json", &["x-cache-policy"]),
    ("crates/admin/src", "openapi/admin.json", &["x-permission", "x-secret"]),
];

/// Routes of the admin API that anybody may call: what readers write.
const OPEN: &[&str] = &["/v1/reports", "/reports"];

const METHODS: &[&str] = &["get", "put", "post", "patch", "delete"];

/// Compares the sources with the documents.
pub fn check(root: &Path) -> Result<Vec<String>, String> {
    let mut complaints = Vec::new();
    for (folder, document, extensions) in DOCUMENTS {
        let listed = read(root, document)?;
        for file in files(&root.join(folder), "rs") {
            let source =
                std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
            complaints.extend(unlisted(&shown(root, &file), &source, document, &listed));
            complaints.extend(by_hand(&shown(root, &file), &source));
        }
        complaints.extend(without_policy(document, &listed, extensions));
    }
    Ok(complaints)
}

fn read(root: &Path, document: &str) -> Result<Value, String> {
    let file = root.join(document);
    let text =
        std::fs::read_to_string(&file).map_err(|error| format!("{document} cannot be read: {error}"))?;
    serde_json::from_str(&text).map_err(|error| format!("{document}: {error}"))
}

fn unlisted(file: &str, source: &str, document: &str, listed: &Value) -> Vec<String> {
    let missing = paths(source).into_iter().filter(|path| listed["paths"].get(path).is_none());
    let sentence = |path| {
        format!(
            "{file} has the route `{path}`, which {document} does not list: enter it in router.rs, then `cargo xtask codegen`"
        )
    };
    missing.map(sentence).collect()
}

fn by_hand(file: &str, source: &str) -> Option<String> {
    let code = source.split("#[cfg(test)]").next().unwrap_or_default();
    code.contains(".route(")
        .then(|| format!("{file} adds a route by hand; routes come from the table in router.rs"))
}

fn without_policy(document: &str, listed: &Value, extensions: &[&str]) -> Vec<String> {
    let mut complaints = Vec::new();
    for (path, operations) in listed["paths"].as_object().into_iter().flatten() {
        for method in METHODS.iter().filter(|method| operations.get(**method).is_some()) {
            let operation = &operations[*method];
            let is_open = OPEN.contains(&path.as_str()) && operation["x-cache-policy"] == "no_store";
            if !is_open && !extensions.iter().any(|extension| operation.get(extension).is_some()) {
                let wanted = extensions.join("` or `");
                complaints.push(format!("{document}: {} {path} states no `{wanted}`", method.to_uppercase()));
            }
        }
    }
    complaints
}

/// What the source says after `path = "`, where it is a path of the API.
fn paths(source: &str) -> Vec<String> {
    let code = source.split("#[cfg(test)]").next().unwrap_or_default();
    let said = code.split("path = \"").skip(1).filter_map(|rest| rest.split('"').next());
    said.filter(|path| path.starts_with("/v1/")).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_route_that_is_not_listed_is_refused() {
        let source =
            "#[utoipa::path(get, path = \"/v1/ragas\")]\n#[utoipa::path(get, path = \"/v1/secret\")]";
        let listed = json!({"paths": {"/v1/ragas": {"get": {}}}});
        let said = unlisted("get.rs", source, "public.json", &listed);
        assert_eq!(said.len(), 1);
        assert!(said[0].contains("`/v1/secret`"));
    }

    #[test]
    fn a_router_by_hand_is_refused() {
        assert!(by_hand("lib.rs", "Router::new().route(\"/v1/x\", get(x))").is_some());
        assert!(by_hand("lib.rs", "Api::new()").is_none());
    }

    #[test]
    fn a_route_without_a_policy_is_refused() {
        let listed = json!({"paths": {
            "/v1/ragas": {"get": {"x-cache-policy": "list"}}, "/v1/talas": {"get": {}, "parameters": []}
        }});
        let said = without_policy("public.json", &listed, &["x-cache-policy"]);
        assert_eq!(said, ["public.json: GET /v1/talas states no `x-cache-policy`"]);
    }
}
