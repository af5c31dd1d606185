//! `cargo xtask codegen`: the checked-in documents that are generated from code.

use crate::command;
use std::path::Path;

const DOCUMENTS: [&str; 2] = ["public", "admin"];

/// Writes `openapi/*.json` as the binary states them.
pub fn run(root: &Path) -> Result<String, String> {
    command::cargo(root, &["build", "--quiet", "--package", "server"], &[])?;
    for which in DOCUMENTS {
        let text = command::cargo_output(
            root,
            &[
                "run",
                "--quiet",
                "--package",
                "server",
                "--bin",
                "sangraha",
                "--",
                "openapi",
                "--which",
                which,
            ],
        )?;
        if text.trim().is_empty() {
            return Err(format!("`sangraha openapi --which {which}` printed nothing"));
        }
        let path = root.join("openapi").join(format!("{which}.json"));
        std::fs::write(&path, text)
            .map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
    }
    Ok(format!("codegen: wrote {}", DOCUMENTS.map(|which| format!("openapi/{which}.json")).join(", ")))
}
