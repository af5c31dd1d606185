//! Every route that a router names is in the checked-in OpenAPI documents, and each says its policy there.

use super::shown;
use serde_json::Value;
use std::path::Path;

/// A router, the document that lists its routes, and the extension that every operation must state.
const DOCUMENTS: &[(&str, &str, &str)] = &[
    ("crates/public/src/router.rs", "openapi/public.json", "x-cache-policy"),
    ("crates/admin/src/router.rs", "openapi/admin.json", "x-permission"),
];

const METHODS: &[&str] = &["get", "put", "post", "patch", "delete"];

/// Compares the routers with the documents.
pub fn check(root: &Path) -> Result<Vec<String>, String> {
    let mut complaints = Vec::new();
    for (router, document, extension) in DOCUMENTS {
        let source = read(root, router)?;
        let text = read(root, document)?;
        let listed: Value = serde_json::from_str(&text).map_err(|error| format!("{document}: {error}"))?;
        complaints.extend(unlisted(router, &source, document, &listed));
        complaints.extend(without_policy(document, &listed, extension));
    }
    Ok(complaints)
}

fn read(root: &Path, path: &str) -> Result<String, String> {
    let file = root.join(path);
    std::fs::read_to_string(&file).map_err(|error| format!("{} cannot be read: {error}", shown(root, &file)))
}

fn unlisted(router: &str, source: &str, document: &str, listed: &Value) -> Vec<String> {
    let missing = paths(source).into_iter().filter(|path| listed["paths"].get(path).is_none());
    missing
        .map(|path| {
            format!("{router} has the route `{path}`, which {document} does not list: `cargo xtask codegen`")
        })
        .collect()
}

fn without_policy(document: &str, listed: &Value, extension: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    for (path, operations) in listed["paths"].as_object().into_iter().flatten() {
        for method in METHODS.iter().filter(|method| operations.get(**method).is_some()) {
            if operations[*method].get(extension).is_none() {
                complaints
                    .push(format!("{document}: {} {path} states no `{extension}`", method.to_uppercase()));
            }
        }
    }
    complaints
}

/// The string literals of a router that are paths of the API.
fn paths(source: &str) -> Vec<String> {
    let code = source.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let literals = lines.flat_map(|line| line.split('"').skip(1).step_by(2));
    literals.filter(|literal| literal.starts_with("/v1/")).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_route_that_is_not_listed_is_refused() {
        let source = "// \"/v1/old\"\n.route(\"/v1/ragas\", get(list))\n.route(\"/v1/secret\", get(secret))";
        let listed = json!({"paths": {"/v1/ragas": {"get": {}}}});
        let said = unlisted("router.rs", source, "public.json", &listed);
        assert_eq!(said.len(), 1);
        assert!(said[0].contains("`/v1/secret`"));
    }

    #[test]
    fn a_route_without_a_policy_is_refused() {
        let listed = json!({"paths": {
            "/v1/ragas": {"get": {"x-cache-policy": "list"}}, "/v1/talas": {"get": {}, "parameters": []}
        }});
        assert_eq!(
            without_policy("public.json", &listed, "x-cache-policy"),
            ["public.json: GET /v1/talas states no `x-cache-policy`"]
        );
    }
}
