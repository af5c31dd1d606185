//! Which crate may know which: arrows only go down, and each heavy crate has one owner.

use crate::command;
use serde_json::Value;
use std::path::Path;

/// Our crates, lowest level first, and those that each may depend on.
const ALLOWED: &[(&str, &[&str])] = &[
    ("lipi", &[]),
    ("domain", &["lipi"]),
    ("store", &["domain", "lipi"]),
    ("search", &["domain", "lipi"]),
    ("cache", &["domain"]),
    ("auth", &["domain"]),
    ("stream", &["domain", "store"]),
    ("web", &["domain", "auth"]),
    ("public", &["domain", "lipi", "web", "auth", "store", "search", "cache"]),
    ("admin", &["domain", "lipi", "web", "auth", "store"]),
    ("worker", &["domain", "lipi", "store", "stream", "search", "cache"]),
    ("edge", &["domain", "cache"]),
    (
        "server",
        &[
            "lipi", "domain", "store", "search", "cache", "auth", "stream", "web", "public", "admin",
            "worker", "edge",
        ],
    ),
    ("testkit", &["lipi", "domain", "store", "search", "cache", "auth", "stream", "web"]),
    ("bench", &["lipi", "domain", "store", "search", "public", "worker", "testkit"]),
    ("xtask", &[]),
];

/// Crates whose tests may use `testkit`. Below level 2 it would be a circle; `cache`, `auth` and `web` need none.
const TESTKIT_USERS: &[&str] = &["store", "stream", "search", "public", "admin", "worker", "edge", "server"];

/// Outside crates that cost much or decide much, and the only crates of ours that may name them.
const OWNERS: &[(&str, &[&str])] = &[
    ("axum", &["web", "public", "admin", "server"]),
    ("brotli", &["edge"]),
    ("clap", &["server", "bench"]),
    ("csv", &["worker", "public"]),
    ("foyer", &["edge"]),
    ("hyper", &["edge"]),
    ("hyper-util", &["edge", "bench"]),
    ("instant-acme", &["edge"]),
    ("ipnet", &["edge"]),
    ("indicatif", &["server"]),
    ("maud", &["public"]),
    ("mimalloc", &["server"]),
    ("moka", &["cache"]),
    ("reqwest", &["search", "worker"]),
    ("rustix", &["server", "edge"]),
    ("rustls", &["server", "edge", "testkit"]),
    ("sfv", &["edge"]),
    ("siphasher", &["edge"]),
    ("sqlx", &["store"]),
    ("tokio-rustls", &["edge", "testkit"]),
    ("tantivy", &["search", "bench"]),
    ("unicode-normalization", &["lipi"]),
    ("unicode-segmentation", &["lipi"]),
    ("vidyut-lipi", &["lipi"]),
    ("zstd", &["edge"]),
];

/// Never anywhere below us: there is one crypto provider, aws-lc-rs.
const BANNED: &[&str] = &["ring", "openssl-sys", "native-tls"];

/// Compares the manifests with the tables above.
pub fn check(root: &Path) -> Result<Vec<String>, String> {
    let text = command::cargo_output(root, &["metadata", "--format-version", "1", "--no-deps"])?;
    let metadata: Value =
        serde_json::from_str(&text).map_err(|error| format!("cargo metadata cannot be read: {error}"))?;
    let mut complaints = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        complaints.extend(complaints_of(package));
    }
    for banned in BANNED {
        complaints.extend(banned_complaint(root, banned)?);
    }
    Ok(complaints)
}

fn complaints_of(package: &Value) -> Vec<String> {
    let name = package["name"].as_str().unwrap_or_default();
    let Some(allowed) = ALLOWED.iter().find(|(known, _)| *known == name).map(|(_, allowed)| *allowed) else {
        return vec![format!(
            "`{name}` is not in the table of crates; a new crate is a decision, enter it there"
        )];
    };
    let dependencies = package["dependencies"].as_array().map(Vec::as_slice).unwrap_or_default();
    dependencies.iter().filter_map(|dependency| complaint(name, allowed, dependency)).collect()
}

fn complaint(name: &str, allowed: &[&str], dependency: &Value) -> Option<String> {
    let target = dependency["name"].as_str().unwrap_or_default();
    let is_ours = ALLOWED.iter().any(|(known, _)| *known == target);
    let is_dev = dependency["kind"].as_str() == Some("dev");
    if is_ours {
        let testkit_in_tests = target == "testkit" && is_dev && TESTKIT_USERS.contains(&name);
        let fine = testkit_in_tests || allowed.contains(&target);
        return (!fine)
            .then(|| format!("`{name}` must not depend on `{target}` (allowed: {})", list(allowed)));
    }
    let owners = OWNERS.iter().find(|(heavy, _)| *heavy == target).map(|(_, owners)| *owners)?;
    let fine = owners.contains(&name) || is_dev;
    (!fine).then(|| format!("`{name}` must not depend on `{target}`, which belongs to {}", list(owners)))
}

/// `cargo metadata` and the lock file name optional crates that are never built; `cargo tree` prunes them.
fn banned_complaint(root: &Path, banned: &str) -> Result<Option<String>, String> {
    let args = ["tree", "--workspace", "--invert", banned, "--edges", "normal,build,dev", "--target", "all"];
    let tree = command::cargo_output(root, &args)?;
    let first = tree.lines().take(4).collect::<Vec<_>>().join(" ");
    Ok((!tree.trim().is_empty()).then(|| format!("`{banned}` is in the build: {first}")))
}

fn list(names: &[&str]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn package(name: &str, dependency: &str, kind: Option<&str>) -> Value {
        json!({"name": name, "dependencies": [{"name": dependency, "kind": kind}]})
    }

    #[test]
    fn arrows_up_are_refused() {
        let said = complaints_of(&package("public", "stream", None));
        assert!(said[0].starts_with("`public` must not depend on `stream`"), "{said:?}");
        assert!(complaints_of(&package("public", "store", None)).is_empty());
    }

    #[test]
    fn heavy_crates_have_one_owner() {
        let said = complaints_of(&package("worker", "sqlx", None));
        assert_eq!(said, ["`worker` must not depend on `sqlx`, which belongs to store"]);
        assert!(complaints_of(&package("store", "sqlx", None)).is_empty());
    }

    #[test]
    fn testkit_stays_in_tests() {
        assert!(complaints_of(&package("admin", "testkit", Some("dev"))).is_empty());
        assert_eq!(complaints_of(&package("admin", "testkit", None)).len(), 1);
        assert_eq!(complaints_of(&package("domain", "testkit", Some("dev"))).len(), 1);
    }

    #[test]
    fn unknown_crates_are_refused() {
        assert_eq!(complaints_of(&package("helpers", "serde", None)).len(), 1);
    }

    #[test]
    fn the_table_has_no_arrow_up() {
        for (at, (name, allowed)) in ALLOWED.iter().enumerate() {
            for target in *allowed {
                let below = ALLOWED.iter().position(|(known, _)| known == target);
                assert!(below.is_some_and(|below| below < at), "{name} -> {target}");
            }
        }
    }
}
