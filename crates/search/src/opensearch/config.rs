//! What an operator says about the servers.

use crate::Error;
use serde::Deserialize;
use std::fmt;
use std::path::PathBuf;
use url::Url;

/// Where OpenSearch is and how long to wait for it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenSearchConfig {
    /// Its address, `https://search.example:9200`. A user and a password in it are used as credentials.
    pub url: Url,
    /// The beginning of the names of all indexes; each region has its own.
    pub index: String,
    /// The user, where one is asked for.
    #[serde(default)]
    pub user: Option<String>,
    /// The user's password.
    #[serde(default)]
    pub password: Option<Password>,
    /// Certificates (PEM) of authorities that are trusted beside those of the system.
    #[serde(default)]
    pub authorities: Option<PathBuf>,
    /// Copies of the index beside the first, for clusters of several machines.
    #[serde(default)]
    pub replicas: u8,
    /// The longest time for one query, in milliseconds; after it the index counts as not reachable.
    #[serde(default = "query_ms_max")]
    pub query_ms_max: u64,
    /// The longest time for one try to write, in milliseconds.
    #[serde(default = "write_ms_max")]
    pub write_ms_max: u64,
    /// The longest time to connect, in milliseconds.
    #[serde(default = "connect_ms_max")]
    pub connect_ms_max: u64,
    /// Tries of a request that was refused for want of room, the first one included.
    #[serde(default = "tries_max")]
    pub tries_max: u32,
    /// The pause before the second try, in milliseconds; each further one is twice as long.
    #[serde(default = "retry_ms")]
    pub retry_ms: u64,
    /// After three failed queries in a row none is sent for so long, in milliseconds.
    #[serde(default = "rest_ms")]
    pub rest_ms: u64,
}

const fn query_ms_max() -> u64 {
    500
}

const fn write_ms_max() -> u64 {
    30_000
}

const fn connect_ms_max() -> u64 {
    300
}

const fn tries_max() -> u32 {
    5
}

const fn retry_ms() -> u64 {
    100
}

const fn rest_ms() -> u64 {
    1_000
}

impl OpenSearchConfig {
    /// Longest beginning of a name.
    const INDEX_BYTES_MAX: usize = 64;

    /// The servers at `url`, without credentials, with the limits that a configuration file leaves out.
    pub fn new(url: Url, index: impl Into<String>) -> Self {
        Self {
            url,
            index: index.into(),
            user: None,
            password: None,
            authorities: None,
            replicas: 0,
            query_ms_max: query_ms_max(),
            write_ms_max: write_ms_max(),
            connect_ms_max: connect_ms_max(),
            tries_max: tries_max(),
            retry_ms: retry_ms(),
            rest_ms: rest_ms(),
        }
    }

    /// Refuses what cannot work, with a sentence.
    pub fn check(&self) -> Result<(), Error> {
        let refuse = |sentence: String| Err(Error::Config(sentence));
        if !matches!(self.url.scheme(), "http" | "https") || self.url.host().is_none() {
            return refuse("`search.url` must begin with `https://` or `http://` and name a host".into());
        }
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let begins = self.index.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
        if !begins || self.index.len() > Self::INDEX_BYTES_MAX || !self.index.bytes().all(fits) {
            return refuse(format!(
                "`search.index` is `{}`: it needs 1 to {} of a-z, 0-9 and `-`, a letter first",
                self.index,
                Self::INDEX_BYTES_MAX
            ));
        }
        if self.user.is_some() != self.password.is_some() {
            return refuse("`search.user` and `search.password` go together".into());
        }
        if self.tries_max == 0 || self.query_ms_max == 0 || self.write_ms_max == 0 || self.connect_ms_max == 0
        {
            return refuse("`search.tries_max` and the limits in milliseconds must be at least 1".into());
        }
        Ok(())
    }

    /// What works and may surprise.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let is_near =
            self.url.host_str().is_some_and(|host| matches!(host, "localhost" | "127.0.0.1" | "[::1]"));
        if self.url.scheme() == "http" && !is_near {
            warnings.push(format!(
                "`search.url` speaks plain HTTP to {}: whoever stands between reads and changes the index",
                self.url.host_str().unwrap_or_default()
            ));
        }
        if self.user.is_none() && self.url.username().is_empty() && !is_near {
            warnings
                .push("`search.user` is not set: whoever reaches the servers may change the index".into());
        }
        warnings
    }
}

/// A secret that no log shows.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Password(String);

impl Password {
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for Password {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("covered")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(url: &str, index: &str) -> OpenSearchConfig {
        OpenSearchConfig::new(Url::parse(url).unwrap(), index)
    }

    #[test]
    fn what_cannot_work_is_refused_with_a_sentence() {
        assert!(config("http://127.0.0.1:9200", "sangraha-a").check().is_ok());
        for (url, index) in
            [("ftp://host/", "a"), ("http://host/", "A"), ("http://host/", ""), ("http://host/", "-a")]
        {
            assert!(matches!(config(url, index).check(), Err(Error::Config(_))), "{url} {index}");
        }
        let alone = OpenSearchConfig { user: Some("reader".into()), ..config("http://host/", "a") };
        assert!(alone.check().unwrap_err().to_string().contains("go together"));
    }

    #[test]
    fn strangers_on_the_way_are_warned_of() {
        assert!(config("http://127.0.0.1:9200", "a").warnings().is_empty());
        assert_eq!(config("http://search.example:9200", "a").warnings().len(), 2);
    }

    #[test]
    fn a_password_is_not_shown() {
        let password = Some(Password::from("hunter2".to_owned()));
        let config = OpenSearchConfig { password, ..config("http://host/", "a") };
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
