//! Finding the programs of PostgreSQL, in a fixed order, and saying what was tried.

use crate::{Error, environment};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The first and the last major version that we know.
const VERSIONS: std::ops::RangeInclusive<u32> = 15..=18;
/// Programs without which a platform cannot be made.
const PROGRAMS: [&str; 5] = ["postgres", "initdb", "pg_basebackup", "pg_receivewal", "pg_rewind"];
/// Where Debian puts each version.
const DEBIAN: &str = "/usr/lib/postgresql";

/// A folder with everything that is needed, and its version.
#[derive(Clone, Debug)]
pub struct Binaries {
    folder: PathBuf,
    /// As `postgres --version` tells it: `15.18`.
    pub version: String,
}

impl Binaries {
    /// Looks at `PGBIN`, the configured folder, Debian's folders (highest version first), and the folder
    /// that `pg_config --bindir` names. A folder that was asked for by name is not replaced by another.
    pub fn find(configured: Option<&Path>) -> Result<Self, Error> {
        let named = environment::variable("PGBIN").map(PathBuf::from).or(configured.map(Path::to_path_buf));
        let candidates = match named {
            Some(folder) => vec![folder],
            None => debian(Path::new(DEBIAN)).into_iter().chain(pg_config()).collect(),
        };
        let mut tried = Vec::new();
        for folder in candidates {
            match Self::open(&folder) {
                Ok(found) => return Ok(found),
                Err(reason) => tried.push(format!("{}: {reason}", folder.display())),
            }
        }
        if tried.is_empty() {
            tried.push(format!("PGBIN, postgres.bin, {DEBIAN}/*/bin and pg_config, none of which is there"));
        }
        Err(Error::NoPostgres { tried: tried.join("; ") })
    }

    /// The path of one program.
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Where they lie.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn open(folder: &Path) -> Result<Self, String> {
        let missing: Vec<&str> = PROGRAMS.into_iter().filter(|name| !folder.join(name).is_file()).collect();
        if !missing.is_empty() {
            return Err(format!("{} missing", missing.join(", ")));
        }
        let output = Command::new(folder.join("postgres"))
            .arg("--version")
            .output()
            .map_err(|error| error.to_string())?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let version = version(&said).ok_or_else(|| format!("`postgres --version` says {said:?}"))?;
        match version.split('.').next().and_then(|major| major.parse().ok()) {
            Some(major) if VERSIONS.contains(&major) => Ok(Self { folder: folder.to_path_buf(), version }),
            _ => Err(format!("version {version} is not within {} to {}", VERSIONS.start(), VERSIONS.end())),
        }
    }
}

/// `postgres (PostgreSQL) 15.18 (Debian …)` → `15.18`.
fn version(said: &str) -> Option<String> {
    let number = said.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    Some(number.trim_end_matches(|c: char| !c.is_ascii_digit()).to_owned())
}

fn debian(base: &Path) -> Vec<PathBuf> {
    let mut versions: Vec<u32> = std::fs::read_dir(base)
        .map(|entries| {
            entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
        })
        .unwrap_or_default();
    versions.sort_unstable_by(|a, b| b.cmp(a));
    versions
        .into_iter()
        .filter(|major| VERSIONS.contains(major))
        .map(|major| base.join(format!("{major}/bin")))
        .collect()
}

fn pg_config() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").output().ok()?;
    Some(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        assert_eq!(version("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"), Some("15.18".to_owned()));
        assert_eq!(version("postgres (PostgreSQL) 19beta1"), Some("19beta1".to_owned()));
        assert_eq!(version(""), None);
    }

    #[test]
    fn an_empty_folder_is_refused_with_what_is_missing() {
        let folder = std::env::temp_dir().join(format!("sangraha-binaries-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let error = Binaries::open(&folder).unwrap_err();
        assert!(error.contains("initdb"), "{error}");
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn the_highest_known_version_comes_first() {
        let base = std::env::temp_dir().join(format!("sangraha-debian-{}", std::process::id()));
        for version in ["9.6", "13", "15", "17", "99"] {
            std::fs::create_dir_all(base.join(version)).unwrap();
        }
        assert_eq!(debian(&base), [base.join("17/bin"), base.join("15/bin")]);
        std::fs::remove_dir_all(&base).unwrap();
    }
}
