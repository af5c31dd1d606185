//! Every link of a Markdown file that points into the repository points at something.

use super::{files, shown};
use std::path::Path;

/// Follows the links of every document.
pub fn check(root: &Path) -> Result<Vec<String>, String> {
    let mut complaints = Vec::new();
    for file in files(root, "md") {
        let text = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let folder = file.parent().unwrap_or(root);
        for target in links(&text) {
            if !resolves(root, folder, &target) {
                complaints.push(format!("{} links to `{target}`, which does not exist", shown(root, &file)));
            }
        }
    }
    Ok(complaints)
}

fn resolves(root: &Path, folder: &Path, target: &str) -> bool {
    let path = target.split(['#', '?']).next().unwrap_or_default();
    match path {
        "" => true,
        absolute if absolute.starts_with('/') => root.join(absolute.trim_start_matches('/')).exists(),
        relative => folder.join(relative).exists(),
    }
}

/// The targets of `[words](target)` outside code, without those of other places (`https:`, `mailto:`).
fn links(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut in_code = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        } else if !in_code {
            found.extend(links_of_line(line));
        }
    }
    found
}

fn links_of_line(line: &str) -> Vec<String> {
    let prose: String = line.split('`').step_by(2).collect::<Vec<_>>().join("");
    let targets = prose.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
    targets.filter(|target| !target.contains(':') && !target.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_into_the_repository_are_found() {
        let text = "See [a](docs/API.md#errors), [b](https://example.org) and `[c](d)`.\n```\n[e](f)\n```\n[g](#here)";
        assert_eq!(links(text), ["docs/API.md#errors", "#here"]);
    }

    #[test]
    fn a_missing_target_does_not_resolve() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert!(resolves(root, root, "Cargo.toml"));
        assert!(resolves(root, root, "#part"));
        assert!(!resolves(root, root, "no-such-file.md"));
    }
}
