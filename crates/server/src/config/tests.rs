use super::*;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

fn examples() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = files.filter(|file| file.file_name().unwrap() != "default.toml").collect();
    files.sort();
    files
}

fn with(set: &[(&str, &str)]) -> Result<Config, Error> {
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    Config::load(&Layers { set: set.iter().map(owned).collect(), ..Layers::default() })
}

const PRIMARY: &str = r#"{ name = "a1", region = "a", url = "postgres://app:x@db/sangraha" }"#;
const REPLICA: &str = r#"[{ name = "b1", region = "b", url = "postgres://reader:x@db/sangraha" }]"#;

#[test]
fn every_example_is_a_configuration() {
    let examples = examples();
    assert!(examples.len() >= 2);
    for file in examples {
        let layers = Layers { files: vec![file.clone()], ..Layers::default() };
        Config::load(&layers).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    }
}

/// An unknown key is answered with the names of all known ones, in every table of the reference: each must
/// have a line there, if only a commented one.
#[test]
fn every_field_has_a_line_in_the_reference() {
    let reference: Table = REFERENCE.parse().unwrap();
    every_field_has_a_line(&reference);
    let mut on_servers = reference;
    let search = "backend = \"opensearch\"\nurl = \"http://127.0.0.1:9200\"\nindex = \"sangraha-a\"";
    on_servers.insert("search".into(), Value::Table(search.parse().unwrap()));
    every_field_has_a_line(&on_servers);
}

fn every_field_has_a_line(reference: &Table) {
    let mut paths = vec![Vec::new()];
    collect(reference, &mut Vec::new(), &mut paths);
    for path in paths {
        let mut table = reference.clone();
        let mut at = &mut table;
        for part in &path {
            at = at.get_mut(part).and_then(Value::as_table_mut).unwrap();
        }
        at.insert("no_such_key".into(), Value::Boolean(true));
        let error = Config::read(table).unwrap_err();
        let known = error.split("expected").nth(1).and_then(|rest| rest.lines().next());
        let known = known.unwrap_or_else(|| panic!("{path:?} takes any key: {error}"));
        for field in known.split('`').skip(1).step_by(2) {
            assert!(
                has_line(&path, field),
                "config/default.toml has no line for `{}.{field}`",
                path.join(".")
            );
        }
    }
}

fn collect(table: &Table, at: &mut Vec<String>, paths: &mut Vec<Vec<String>>) {
    for (key, value) in table {
        if let Value::Table(below) = value {
            at.push(key.clone());
            paths.push(at.clone());
            collect(below, at, paths);
            at.pop();
        }
    }
}

fn has_line(path: &[String], field: &str) -> bool {
    let mut section = String::new();
    let own = path.iter().map(String::as_str).chain([field]).collect::<Vec<_>>().join(".");
    REFERENCE.lines().map(|line| line.trim_start_matches("# ")).any(|line| {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            section = name.trim_start_matches('[').to_owned();
            return section.strip_prefix(&own).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        }
        let key = line.split('=').next().unwrap_or_default().trim();
        section == path.join(".") && key == field
    })
}

#[test]
fn admin_is_refused_in_a_region_without_the_primary() {
    let error = with(&[("node.roles", r#"["admin"]"#), ("node.region", "b"), ("store.replicas", REPLICA)]);
    assert_eq!(
        error.unwrap_err().to_string(),
        "role `admin` needs `store.primary`, which region `b` does not have"
    );
}

#[test]
fn a_primary_of_another_region_is_refused() {
    let set = [("node.roles", r#"["admin"]"#), ("node.region", "b"), ("store.primary", PRIMARY)];
    assert!(with(&set).unwrap_err().to_string().contains("writes are made beside the primary"));
}

#[test]
fn public_without_indexer_is_refused() {
    let set = [("node.roles", r#"["public"]"#), ("store.replicas", REPLICA)];
    assert!(with(&set).unwrap_err().to_string().contains("indexer"));
}

#[test]
fn a_node_that_can_read_nowhere_is_refused() {
    let set = [("node.roles", r#"["public", "indexer"]"#)];
    assert!(with(&set).unwrap_err().to_string().contains("store.replicas"));
}

#[test]
fn a_process_without_roles_is_refused() {
    assert!(with(&[("node.roles", "[]")]).unwrap_err().to_string().contains("node.roles"));
}

#[test]
fn an_unknown_key_is_refused() {
    assert!(with(&[("cache.no_such_key", "1")]).is_err());
}

#[test]
fn risky_pairs_are_said() {
    let set = [
        ("node.roles", r#"["admin", "worker"]"#),
        ("store.primary", PRIMARY),
        ("store.replicas", REPLICA),
        ("relay.gate_standby", ""),
        ("listen.private", "0.0.0.0:7412"),
    ];
    let warnings = with(&set).unwrap().warnings().join("\n");
    assert!(warnings.contains("gate_standby") && warnings.contains("listen.private"), "{warnings}");
}

#[test]
fn an_index_on_servers_is_chosen_by_configuration() {
    let chosen = |url: &str| {
        with(&[
            ("node.roles", r#"["public", "indexer"]"#),
            ("store.replicas", REPLICA),
            ("search.backend", "opensearch"),
            ("search.url", url),
            ("search.index", "sangraha-a"),
        ])
    };
    let search::Config::OpenSearch(near) = chosen("http://127.0.0.1:9200").unwrap().search else {
        panic!("not the one that was chosen")
    };
    assert_eq!((near.index.as_str(), near.query_ms_max), ("sangraha-a", 500));
    let warnings = chosen("http://search.example:9200").unwrap().warnings().join("\n");
    assert!(warnings.contains("plain HTTP") && warnings.contains("search.user"), "{warnings}");
    assert!(chosen("ftp://search.example").unwrap_err().to_string().contains("`search.url` must begin"));
}
