//! `cargo xtask tidy`: the laws of the tree, each a list of sentences when it is broken.

mod dependencies;
mod links;
mod routes;
mod sources;

use std::path::{Path, PathBuf};

/// Reads the tree and says what is wrong with it.
type Law = fn(&Path) -> Result<Vec<String>, String>;

/// Runs every law. The error lists everything that is wrong, not only the first.
pub fn run(root: &Path) -> Result<String, String> {
    let laws: [(&str, Law); 4] = [
        ("dependencies", dependencies::check),
        ("sources", sources::check),
        ("routes", routes::check),
        ("links", links::check),
    ];
    let mut complaints = Vec::new();
    for (name, law) in laws {
        complaints.extend(law(root)?.into_iter().map(|complaint| format!("tidy: {name}: {complaint}")));
    }
    if complaints.is_empty() { Ok("tidy: all laws hold".to_owned()) } else { Err(complaints.join("\n")) }
}

/// Every file below `folder` whose name ends in `.{extension}`, without build products, sorted.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let hidden = name.starts_with('.') || ["target", "node_modules"].contains(&name);
            match (path.is_dir(), hidden) {
                (true, false) => folders.push(path),
                (false, _) if path.extension().is_some_and(|found| found == extension) => found.push(path),
                _ => {}
            }
        }
    }
    found.sort();
    found
}

/// The path of `file` as seen from `root`, for a sentence.
fn shown(root: &Path, file: &Path) -> String {
    file.strip_prefix(root).unwrap_or(file).display().to_string()
}
