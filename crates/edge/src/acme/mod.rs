//! Certificates from an authority that speaks ACME (RFC 8555), got and renewed by the edge itself.
//!
//! It promises that what is served stays until something better has been written down whole, and that the authority is
//! asked for at most [`Config::attempts_per_hour_max`] certificates an hour, restarts included.
//!
//! It does not know who else serves the same names: each edge has an account and a certificate of its own.

pub(crate) mod answers;
mod folder;
mod keeper;
mod order;
mod validity;
mod when;

pub(crate) use folder::Folder;
pub(crate) use keeper::run;
pub(crate) use validity::validity;

use crate::Error;
use crate::front::tls::Certificate;
use answers::Answers;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use url::Url;

/// How the authority is shown that the names are ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Challenge {
    /// By a certificate at port 443 (RFC 8737): the listener for TLS answers it.
    #[default]
    #[serde(rename = "tls-alpn-01")]
    TlsAlpn01,
    /// By a file at port 80 (RFC 8555, section 8.3): the plain listener answers it.
    #[serde(rename = "http-01")]
    Http01,
}

/// An authority, and what is asked of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the authority says what it can do.
    #[serde(default = "lets_encrypt")]
    pub directory: Url,
    /// A certificate in PEM that the authority's own server is trusted by, instead of those of the system.
    #[serde(default)]
    pub directory_root: Option<PathBuf>,
    /// The names that one certificate is for: exact ones, in ASCII.
    pub names: Vec<String>,
    /// Where the authority may write to: `mailto:you@example.org`.
    #[serde(default)]
    pub contacts: Vec<String>,
    /// Where the account's key and the certificate are kept.
    pub folder: PathBuf,
    /// Whether the authority's terms of service were read and agreed to.
    #[serde(default)]
    pub terms_agreed: bool,
    /// How the names are shown to be ours.
    #[serde(default)]
    pub challenge: Challenge,
    /// Certificates that are asked for in an hour, evenly.
    #[serde(default = "five")]
    pub attempts_per_hour_max: u32,
}

fn lets_encrypt() -> Url {
    Url::parse("https://acme-v02.api.letsencrypt.org/directory").expect("a fixed URL parses")
}

const fn five() -> u32 {
    5
}

/// Names in one certificate: what the best-known authority gives.
const NAMES_MAX: usize = 100;
/// More than one a second is no pace for an authority.
const ATTEMPTS_PER_HOUR_MAX: u32 = 3_600;

impl Config {
    /// Names and a folder, and for the rest what is usual; the terms are not agreed to.
    pub fn new(names: Vec<String>, folder: PathBuf) -> Self {
        Self {
            directory: lets_encrypt(),
            directory_root: None,
            names,
            contacts: Vec::new(),
            folder,
            terms_agreed: false,
            challenge: Challenge::default(),
            attempts_per_hour_max: five(),
        }
    }

    /// Refuses what cannot work, with a sentence that names the field.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let is_mail = |contact: &String| contact.starts_with("mailto:") && contact.is_ascii();
        let rules = [
            (self.directory.scheme() == "https", "`acme.directory` is an https URL"),
            (!self.names.is_empty() && self.names.len() <= NAMES_MAX, "`acme.names` needs 1 to 100 names"),
            (
                self.names.iter().all(|name| is_name(name)),
                "`acme.names` are exact names in lower case ASCII: neither wildcards nor addresses",
            ),
            (self.contacts.iter().all(is_mail), "`acme.contacts` are `mailto:` addresses"),
            (self.terms_agreed, "`acme.terms_agreed` must be true: read the authority's terms of service"),
            (
                (1..=ATTEMPTS_PER_HOUR_MAX).contains(&self.attempts_per_hour_max),
                "`acme.attempts_per_hour_max` is 1 to 3600",
            ),
        ];
        match rules.iter().find(|(holds, _)| !holds) {
            Some((_, sentence)) => Err(Error::Config(sentence)),
            None => Ok(()),
        }
    }

    /// Chain and key in one file, so that they are replaced in one step.
    pub(crate) fn pair(&self) -> Certificate {
        let file = self.folder.join(folder::CERTIFICATE);
        Certificate { chain: file.clone(), key: file }
    }
}

/// Letters, digits and hyphens between dots, the last part not all digits.
fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(fits)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = name.rsplit('.').next().unwrap_or_default();
    name.len() <= 253 && name.split('.').all(is_label) && !last.chars().all(|c| c.is_ascii_digit())
}

/// How it stands with the certificate that an authority gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateStatus {
    /// What it is for.
    pub names: Vec<String>,
    /// When the one that is served ends; none while there is none.
    pub expires_at: Option<DateTime<Utc>>,
    /// When the next one is asked for.
    pub next_attempt_at: DateTime<Utc>,
    /// Attempts that failed since the last one that did not.
    pub failures: u32,
    /// Why the last of them failed.
    pub last_error: Option<String>,
}

/// What the keeper of the certificate shows to the rest of the edge.
#[derive(Default)]
pub(crate) struct Acme {
    pub(crate) answers: Arc<Answers>,
    status: Mutex<Option<CertificateStatus>>,
}

impl Acme {
    pub(crate) fn status(&self) -> Option<CertificateStatus> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn tell(&self, status: Option<CertificateStatus>) {
        *self.status.lock().unwrap_or_else(PoisonError::into_inner) = status;
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn config(folder: &str) -> Config {
        let text = format!(r#"{{"names": ["a.test"], "folder": "{folder}", "terms_agreed": true}}"#);
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn what_cannot_work_is_refused_by_the_name_of_its_field() {
        config("/a").check().unwrap();
        type Row = (&'static str, fn(&mut Config));
        let table: [Row; 9] = [
            ("directory", |config| config.directory = Url::parse("http://a.test/").unwrap()),
            ("names", |config| config.names.clear()),
            ("names", |config| config.names = vec!["*.a.test".to_owned()]),
            ("names", |config| config.names = vec!["127.0.0.1".to_owned()]),
            ("names", |config| config.names = vec!["a..test".to_owned()]),
            ("names", |config| config.names = vec!["A.test".to_owned()]),
            ("contacts", |config| config.contacts = vec!["me@a.test".to_owned()]),
            ("terms_agreed", |config| config.terms_agreed = false),
            ("attempts_per_hour_max", |config| config.attempts_per_hour_max = 0),
        ];
        for (field, spoil) in table {
            let mut config = config("/a");
            spoil(&mut config);
            assert!(config.check().unwrap_err().to_string().contains(&format!("acme.{field}")), "{field}");
        }
    }
}
