//! Another configuration for an edge that serves.
//!
//! What a configuration makes ([`Inner`]) is built whole beside the one that serves and takes its place in one step;
//! requests under way end with the one that they began with. What cannot be built is refused and changes nothing.
//! What is remembered (objects, purges, quotas used, open connections) belongs to all of them.

use crate::acme::Folder;
use crate::front::connections;
use crate::front::tls::Tls;
use crate::limits::Limits;
use crate::origin::trust;
use crate::origin::upstream::Upstream;
use crate::see::access::Access;
use crate::{Config, Error, Inner, Shared};
use arc_swap::ArcSwap;
use serde_json::Value;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// What only a new process can have: it sizes what is remembered, or names the edge to others.
const FIXED: [&str; 14] = [
    "listen",
    "plain_listen",
    "workers",
    "profile",
    "region",
    "name",
    "purge_feed",
    "purge_wait_ms",
    "purge_batch_bytes_max",
    "purge_tags_max",
    "memory_bytes_max",
    "disk",
    "disk_bytes_max",
    "hit_for_miss_ms",
];

/// Beginnings of the settings that an upstream is made of.
const ORIGINS: [&str; 5] = ["public", "admin", "origin_", "connect_", "body_idle_"];

/// The configuration that new requests are served by.
pub(crate) struct Current {
    inner: ArcSwap<Inner>,
    /// One change at a time.
    changing: Mutex<()>,
}

impl Current {
    pub(crate) fn new(inner: Inner) -> Self {
        inner.telemetry.config_version.set(1);
        Self { inner: ArcSwap::from_pointee(inner), changing: Mutex::new(()) }
    }

    pub(crate) fn now(&self) -> Arc<Inner> {
        self.inner.load_full()
    }

    pub(crate) fn reload(&self, config: Config) -> Result<u64, Error> {
        let _one = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let old = self.now();
        let new = old.renewed(config).inspect_err(|_| {
            old.telemetry.config_refused.inc();
        })?;
        let version = new.version;
        old.telemetry.config_version.set(i64::try_from(version).unwrap_or(i64::MAX));
        self.inner.store(Arc::new(new));
        tracing::info!(version, "Another configuration serves");
        Ok(version)
    }
}

impl Inner {
    /// The first one.
    pub(crate) fn new(config: Config, shared: Arc<Shared>) -> Result<Self, Error> {
        let telemetry = shared.telemetry.clone();
        let trusted = trust::of(&config)?;
        Ok(Self {
            version: 1,
            profile: config.profile(),
            limits: Limits::new(config.limits.clone(), shared.slice.clone(), telemetry.limits.clone()),
            public: Arc::new(Upstream::public(&config, trusted.as_ref(), telemetry.clone())),
            admin: Arc::new(Upstream::admin(&config, trusted.as_ref(), telemetry.clone())),
            purge_token: config.purge_token_file.as_deref().map(token).transpose()?,
            tls: certificates(&config, &shared, None)?,
            access: config
                .access_log
                .as_ref()
                .map(|log| Access::open(log, config.workers, &telemetry))
                .transpose()?,
            connections: connections(&config),
            config,
            shared,
        })
    }

    /// The next one. Pools of origins that stay the same are kept warm; the access log is opened anew, so that it
    /// can be rotated.
    fn renewed(&self, config: Config) -> Result<Self, Error> {
        config.check()?;
        let changed = Changed::between(&self.config, &config);
        if let Some(key) = FIXED.iter().find(|key| changed.key(key)) {
            return Err(Error::Fixed(key));
        }
        let telemetry = &self.telemetry;
        let trusted = trust::of(&config)?;
        // The files may hold something else under the same names.
        let reads_files = config.origin_ca_file.is_some() || config.origin_certificate.is_some();
        let keeps_origins =
            !(ORIGINS.iter().any(|start| changed.any(start)) || trusted.is_some() && reads_files);
        let (public, admin) = match keeps_origins {
            true => (self.public.clone(), self.admin.clone()),
            false => (
                Arc::new(Upstream::public(&config, trusted.as_ref(), telemetry.clone())),
                Arc::new(Upstream::admin(&config, trusted.as_ref(), telemetry.clone())),
            ),
        };
        Ok(Self {
            shared: self.shared.clone(),
            version: self.version + 1,
            profile: config.profile(),
            limits: self.limits.renewed(config.limits.clone()),
            public,
            admin,
            purge_token: config.purge_token_file.as_deref().map(token).transpose()?,
            tls: certificates(&config, &self.shared, self.tls.as_deref())?,
            access: config
                .access_log
                .as_ref()
                .map(|log| Access::open(log, config.workers, telemetry))
                .transpose()?,
            connections: connections(&config),
            config,
        })
    }
}

/// The folder that an authority's certificate is to be kept in must be there and ours.
fn certificates(config: &Config, shared: &Shared, previous: Option<&Tls>) -> Result<Option<Arc<Tls>>, Error> {
    config.acme.as_ref().map(|acme| Folder::open(&acme.folder)).transpose()?;
    Tls::of(config, &shared.acme.answers, previous)
}

/// The settings in which two configurations differ.
struct Changed(Vec<String>);

impl Changed {
    fn between(old: &Config, new: &Config) -> Self {
        let table = |config: &Config| match serde_json::to_value(config) {
            Ok(Value::Object(table)) => table,
            _ => serde_json::Map::new(),
        };
        let (old, new) = (table(old), table(new));
        Self(new.into_iter().filter(|(key, value)| old.get(key) != Some(value)).map(|(key, _)| key).collect())
    }

    fn key(&self, name: &str) -> bool {
        self.0.iter().any(|key| key == name)
    }

    fn any(&self, start: &str) -> bool {
        self.0.iter().any(|key| key.starts_with(start))
    }
}

/// The first line of a file; a token that can be guessed is refused.
fn token(path: &Path) -> Result<String, Error> {
    const TOKEN_BYTES_MIN: usize = 16;
    let unusable = |source| Error::File { path: path.to_owned(), source };
    let text = std::fs::read_to_string(path).map_err(unusable)?;
    let token = text.lines().next().unwrap_or_default().trim();
    if token.len() < TOKEN_BYTES_MIN {
        return Err(unusable(io::Error::other("a token has at least 16 characters")));
    }
    Ok(token.to_owned())
}

/// Looks after the files of the certificates for ever: what has changed and is sound takes the place of what was
/// served.
pub(crate) async fn renew_certificates(current: Arc<Current>) {
    const LOOK_EVERY: Duration = Duration::from_secs(1);
    let mut ticks = interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(tls) = current.now().tls.clone() else { continue };
        match tokio::task::spawn_blocking(move || tls.look()).await {
            Ok(Ok(true)) => tracing::info!("The certificates were renewed"),
            Ok(Err(error)) => {
                let error: &(dyn std::error::Error + 'static) = &error;
                tracing::error!(error, "The new certificates cannot be used: the old ones are kept");
            }
            Ok(Ok(false)) | Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_fixed_names_settings_that_exist() {
        let Ok(Value::Object(table)) = serde_json::to_value(Config::default()) else { panic!("no table") };
        assert!(FIXED.iter().all(|key| table.contains_key(*key)));
        assert!(ORIGINS.iter().all(|start| table.keys().any(|key| key.starts_with(start))));
    }

    #[test]
    fn only_what_differs_has_changed() {
        let old = Config::default();
        let changed = Changed::between(&old, &Config { connections_max: 7, ..old.clone() });
        assert!(changed.key("connections_max") && changed.any("connections"));
        assert!(!changed.key("connections_per_address_max"));
        assert!(Changed::between(&old, &old.clone()).0.is_empty());
    }
}
