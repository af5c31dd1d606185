//! Running other programs and reading what they say.

use std::path::Path;
use std::process::{Command, Stdio};

/// Runs `cargo` with `args`, its words going straight to the terminal. The error names the command.
pub fn cargo(root: &Path, args: &[&str], environment: &[(&str, &str)]) -> Result<(), String> {
    let status = Command::new("cargo")
        .args(args)
        .envs(environment.iter().copied())
        .current_dir(root)
        .status()
        .map_err(|error| format!("cargo could not be started: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("`cargo {}` failed ({status})", args.join(" "))) }
}

/// What `cargo` with `args` prints on standard output, whether or not it succeeds.
pub fn cargo_output(root: &Path, args: &[&str]) -> Result<String, String> {
    let output = Command::new("cargo")
        .args(args)
        .current_dir(root)
        .stderr(Stdio::null())
        .output()
        .map_err(|error| format!("cargo could not be started: {error}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
