//! What the authority will look for, while it looks.

use rustls::sign::CertifiedKey;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The protocol that only authorities speak (RFC 8737).
pub(crate) const ACME_TLS: &[u8] = b"acme-tls/1";

/// Below it lie the files that only authorities ask for.
const WELL_KNOWN: &str = "/.well-known/acme-challenge/";

/// The answers to the challenges of one order. Authorities ask from several places: they stay until it ends.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    is_open: AtomicBool,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    files: HashMap<String, String>,
    certificates: HashMap<String, Arc<CertifiedKey>>,
}

impl Answers {
    /// The content of the file at this path.
    pub(crate) fn file(&self, path: &str) -> Option<String> {
        if !self.is_open.load(Ordering::Acquire) {
            return None;
        }
        self.kept().files.get(path.strip_prefix(WELL_KNOWN)?).cloned()
    }

    /// The certificate for an authority that asks for this name.
    pub(crate) fn certificate(&self, name: &str) -> Option<Arc<CertifiedKey>> {
        self.kept().certificates.get(&name.to_ascii_lowercase()).cloned()
    }

    /// Takes answers until the guard is dropped.
    pub(super) fn open(&self) -> Open<'_> {
        self.is_open.store(true, Ordering::Release);
        Open(self)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The answers of an order under way.
pub(super) struct Open<'a>(&'a Answers);

impl Open<'_> {
    pub(super) fn file(&self, token: String, content: String) {
        self.0.kept().files.insert(token, content);
    }

    pub(super) fn certificate(&self, name: String, certificate: Arc<CertifiedKey>) {
        self.0.kept().certificates.insert(name, certificate);
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.is_open.store(false, Ordering::Release);
        *self.0.kept() = Kept::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_there_while_an_order_is_under_way() {
        let answers = Answers::default();
        let open = answers.open();
        open.file("token".to_owned(), "content".to_owned());
        assert_eq!(answers.file("/.well-known/acme-challenge/token").as_deref(), Some("content"));
        for path in ["/.well-known/acme-challenge/other", "/.well-known/acme-challenge/", "/token", "token"] {
            assert_eq!(answers.file(path), None, "{path}");
        }
        drop(open);
        assert_eq!(answers.file("/.well-known/acme-challenge/token"), None);
    }
}
