//! Where the account, the certificate and what was tried are kept: for our own eyes, each replaced as a whole.

use crate::Error;
use crate::acme::when::Attempts;
use instant_acme::AccountCredentials;
use serde::{Deserialize, Serialize};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use url::Url;

/// The private key, then the chain.
pub(super) const CERTIFICATE: &str = "certificate.pem";
const ACCOUNT: &str = "account.json";
const ATTEMPTS: &str = "attempts.json";

/// The folder of [`super::Config::folder`].
#[derive(Clone)]
pub(crate) struct Folder(PathBuf);

/// An account is one authority's.
#[derive(Serialize, Deserialize)]
struct Account {
    directory: Url,
    credentials: AccountCredentials,
}

impl Folder {
    /// Makes it where it is missing; refuses one that cannot be written to.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        const ONLY_OURS: u32 = 0o700;
        let folder = Self(path.to_owned());
        let refused = |source| Error::File { path: path.to_owned(), source };
        DirBuilder::new().recursive(true).mode(ONLY_OURS).create(path).map_err(refused)?;
        folder.keep("try", b"")?;
        std::fs::remove_file(path.join("try")).map_err(refused)?;
        Ok(folder)
    }

    /// The account with this authority; none where there is none, or it cannot be read.
    pub(super) fn account(&self, directory: &Url) -> Option<AccountCredentials> {
        let kept: Account = self.read(ACCOUNT)?;
        (kept.directory == *directory).then_some(kept.credentials)
    }

    pub(super) fn keep_account(&self, directory: &Url, credentials: AccountCredentials) -> Result<(), Error> {
        self.keep_json(ACCOUNT, &Account { directory: directory.clone(), credentials })
    }

    /// For an authority that does not know it any more.
    pub(super) fn forget_account(&self) {
        let _ = std::fs::remove_file(self.0.join(ACCOUNT));
    }

    pub(super) fn attempts(&self) -> Attempts {
        self.read(ATTEMPTS).unwrap_or_default()
    }

    pub(super) fn keep_attempts(&self, attempts: &Attempts) -> Result<(), Error> {
        self.keep_json(ATTEMPTS, attempts)
    }

    pub(super) fn certificate(&self) -> Option<Vec<u8>> {
        std::fs::read(self.0.join(CERTIFICATE)).ok()
    }

    pub(super) fn keep_certificate(&self, pem: &[u8]) -> Result<(), Error> {
        self.keep(CERTIFICATE, pem)
    }

    fn read<T: for<'de> Deserialize<'de>>(&self, name: &str) -> Option<T> {
        let bytes = std::fs::read(self.0.join(name)).ok()?;
        serde_json::from_slice(&bytes)
            .inspect_err(|error| tracing::warn!(%error, file = name, "A file of the authority is unreadable"))
            .ok()
    }

    fn keep_json(&self, name: &str, value: &impl Serialize) -> Result<(), Error> {
        let path = self.0.join(name);
        let bytes = serde_json::to_vec_pretty(value)
            .map_err(|error| Error::File { path, source: io::Error::other(error) })?;
        self.keep(name, &bytes)
    }

    /// Whoever reads the file sees the old content or the new, also after a power cut.
    fn keep(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        const ONLY_OURS: u32 = 0o600;
        let (path, new) = (self.0.join(name), self.0.join(format!("{name}.new")));
        let write = || {
            // One that was left behind may have other rights.
            let _ = std::fs::remove_file(&new);
            let mut file = OpenOptions::new().write(true).create_new(true).mode(ONLY_OURS).open(&new)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            std::fs::rename(&new, &path)?;
            File::open(&self.0)?.sync_all()
        };
        write().map_err(|source| Error::File { path: path.clone(), source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_is_kept_is_read_again_and_by_nobody_else() {
        let path = std::env::temp_dir().join(format!("sangraha-acme-folder-{}", std::process::id()));
        let folder = Folder::open(&path).unwrap();
        assert!(folder.certificate().is_none() && folder.attempts() == Attempts::default());
        folder.keep_certificate(b"one").unwrap();
        folder.keep_certificate(b"two").unwrap();
        assert_eq!(folder.certificate().unwrap(), b"two");
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(&path.join(CERTIFICATE))), (0o700, 0o600));
        std::fs::write(path.join(ATTEMPTS), "no JSON").unwrap();
        assert_eq!(folder.attempts(), Attempts::default());
        let file = path.join(CERTIFICATE);
        assert!(
            Folder::open(&file.join("x")).is_err_and(|error| error.to_string().contains("certificate.pem"))
        );
        std::fs::remove_dir_all(&path).unwrap();
    }
}
