//! What a source file may hold: no SQL driver outside `store`, nothing that writes in `public`, no endless file.

use super::{files, shown};
use std::path::Path;

/// A file with more lines of code than this (comments, blank lines and tests apart) has become two things.
const CODE_LINES_MAX: usize = 900;

/// Reads every Rust file of the workspace.
pub fn check(root: &Path) -> Result<Vec<String>, String> {
    let mut complaints = Vec::new();
    for folder in ["crates", "xtask", "bench"] {
        for file in files(&root.join(folder), "rs") {
            let text =
                std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
            complaints.extend(complaints_of(&shown(root, &file), &text));
        }
    }
    Ok(complaints)
}

fn complaints_of(path: &str, text: &str) -> Vec<String> {
    let code: Vec<&str> = text
        .split("#[cfg(test)]\nmod tests")
        .next()
        .unwrap_or_default()
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("//"))
        .collect();
    let names = |word: &str| code.iter().any(|line| has_word(line, word));
    let mut complaints = Vec::new();
    if code.len() > CODE_LINES_MAX {
        complaints
            .push(format!("{path} has {} lines of code; split it (at most {CODE_LINES_MAX})", code.len()));
    }
    if names("sqlx") && !path.starts_with("crates/store/") && !path.starts_with("xtask/") {
        complaints.push(format!("{path} names `sqlx`; SQL lives in `store` alone"));
    }
    if names("Writer") && path.starts_with("crates/public/") {
        complaints.push(format!("{path} names `Writer`; `public` is handed no value that can write"));
    }
    if text.contains("#[ignore") && !path.starts_with("xtask/") {
        complaints.push(format!("{path} has an ignored test; a test runs or does not exist"));
    }
    complaints
}

/// `word` as a whole identifier: `Writer` is in `store::Writer` but not in `BufWriter`.
fn has_word(line: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_writer_in_public_is_refused() {
        assert_eq!(complaints_of("crates/public/src/state.rs", "use store::{Reader, Writer};").len(), 1);
        assert!(complaints_of("crates/public/src/state.rs", "use std::io::BufWriter;").is_empty());
        assert!(complaints_of("crates/admin/src/state.rs", "use store::Writer;").is_empty());
    }

    #[test]
    fn sql_lives_in_store() {
        assert_eq!(complaints_of("crates/worker/src/lib.rs", "sqlx::query(\"select 1\")").len(), 1);
        assert!(complaints_of("crates/worker/src/lib.rs", "// sqlx is not known here").is_empty());
    }

    #[test]
    fn endless_files_are_refused() {
        let long = "let a = 1;\n".repeat(CODE_LINES_MAX + 1);
        assert_eq!(complaints_of("crates/admin/src/lib.rs", &long).len(), 1);
        let tested = format!("fn a() {{}}\n#[cfg(test)]\nmod tests {{\n{long}}}");
        assert!(complaints_of("crates/admin/src/lib.rs", &tested).is_empty());
    }
}
