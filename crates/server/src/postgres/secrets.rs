//! The passwords of the database roles: drawn once, kept in one file that only its owner can read.

use super::account::write_private;
use crate::Error;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::Path;

/// Enough that no guess and no table comes near (256 bits).
const SECRET_BYTES: usize = 32;

/// One password a role.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secrets {
    /// `postgres`, the superuser of the cluster.
    pub superuser: String,
    /// `sangraha_owner`, which migrates.
    pub owner: String,
    /// `sangraha_app`, which writes.
    pub app: String,
    /// `sangraha_reader`, which reads what is published.
    pub reader: String,
    /// `sangraha_replication`, which streams.
    pub replication: String,
    /// `sangraha_monitor`, which measures.
    pub monitor: String,
}

impl Secrets {
    /// Reads the file, or draws new ones and writes it.
    pub fn open(path: &Path) -> Result<Self, Error> {
        match std::fs::read_to_string(path) {
            Ok(text) => toml::from_str(&text).map_err(|error| {
                Error::Config(format!(
                    "{} cannot be read: {error}; restore it, or start with --fresh",
                    path.display()
                ))
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Self::draw(path),
            Err(error) => Err(Error::file("reading the secrets", path)(error)),
        }
    }

    fn draw(path: &Path) -> Result<Self, Error> {
        let secrets = Self {
            superuser: random()?,
            owner: random()?,
            app: random()?,
            reader: random()?,
            replication: random()?,
            monitor: random()?,
        };
        let text = toml::to_string(&secrets).map_err(Error::part("Writing the secrets"))?;
        write_private(path, &text)?;
        Ok(secrets)
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secrets(…)")
    }
}

fn random() -> Result<String, Error> {
    use std::io::Read;
    let source = Path::new("/dev/urandom");
    let mut bytes = [0; SECRET_BYTES];
    let filled = std::fs::File::open(source).and_then(|mut file| file.read_exact(&mut bytes));
    filled.map_err(Error::file("drawing a secret", source))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn secrets_are_drawn_once_and_only_the_owner_reads_them() {
        let path = std::env::temp_dir().join(format!("sangraha-secrets-{}.toml", std::process::id()));
        let first = Secrets::open(&path).unwrap();
        let second = Secrets::open(&path).unwrap();
        assert_eq!((first.app.len(), &first.app), (64, &second.app));
        assert_ne!(first.app, first.reader);
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(format!("{first:?}"), "Secrets(…)");
        std::fs::remove_file(&path).unwrap();
    }
}
