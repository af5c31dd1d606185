//! The workbench: `cargo xtask ci`, `cargo xtask tidy`, `cargo xtask codegen`.
//!
//! It knows none of our crates, so it builds in seconds and still works when they do not compile. What it
//! must learn from them it asks of their manifests (`cargo metadata`), of their text, or of the built binary.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a tool of the command line speaks to the terminal"
)]

mod ci;
mod codegen;
mod command;
mod opensearch;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask COMMAND
  ci        everything that must hold before a change lands: fmt, tidy, clippy, doc, test
  tidy      the laws of the tree: dependencies, owners, routes, links, sizes
  codegen   writes openapi/public.json and openapi/admin.json from the built binary";

fn main() -> ExitCode {
    let root = root();
    let outcome = match std::env::args().nth(1).as_deref() {
        Some("ci") => ci::run(&root),
        Some("tidy") => tidy::run(&root),
        Some("codegen") => codegen::run(&root),
        _ => Err(USAGE.to_owned()),
    };
    match outcome {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(text) => {
            eprintln!("{text}");
            ExitCode::FAILURE
        }
    }
}

/// The folder of the workspace: the parent of this package.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default()
}
