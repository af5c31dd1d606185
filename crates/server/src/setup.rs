//! The setup token: how the first administrator comes to be, and the commands' own way to the primary.

use crate::Error;
use crate::config::{Config, Layers};
use auth::{SetupToken, SetupTokenHash};
use domain::metrics::Metrics;
use domain::{Clock, Role};
use std::path::Path;
use store::{Reader, Store, Writer};
use tokio_util::sync::CancellationToken;

/// How long a command waits for a connection to the primary.
const CONNECT_MS_MAX: u64 = 10_000;

/// A reader for a command, which ends with it.
pub async fn reader(config: &Config) -> Result<Reader, Error> {
    open(config).await.map(|store| store.reader)
}

/// A writer for a command, which ends with it.
pub async fn writer(config: &Config) -> Result<Writer, Error> {
    if config.store.primary.is_none() {
        let region = &config.node.region;
        return Err(Error::Config(format!(
            "this command writes, and `store.primary` is not set in this configuration of region `{region}`: use that of a node beside the primary"
        )));
    }
    open(config).await?.writer.ok_or_else(|| Error::Config("`store.primary` is not set".to_owned()))
}

async fn open(config: &Config) -> Result<Store, Error> {
    let stop = CancellationToken::new();
    // A reader turns to another node at once; a command has only the primary, and can wait for it.
    let connect_ms_max = CONNECT_MS_MAX.max(config.store.connect_ms_max);
    let acquire_ms_max = connect_ms_max.max(config.store.acquire_ms_max);
    let patient = store::Config { connect_ms_max, acquire_ms_max, ..config.store.clone() };
    let store = Store::open(&patient, config.node.region.clone(), Clock::system(), Metrics::default(), stop);
    store.await.map_err(Error::part("Opening the database"))
}

/// Makes a token, keeps its hash, and answers the one copy of its words.
pub async fn token(config: &Config) -> Result<String, Error> {
    insert(&writer(config).await?).await
}

/// A token, where no administrator exists yet.
pub async fn token_if_needed(config: &Path) -> Result<Option<String>, Error> {
    let config = Config::load(&Layers::of(vec![config.to_path_buf()], &[])?)?;
    let writer = writer(&config).await?;
    let accounts = writer.accounts().await.map_err(Error::part("Looking for an administrator"))?;
    if accounts.iter().any(|account| account.active && account.roles.contains(&Role::Admin)) {
        return Ok(None);
    }
    insert(&writer).await.map(Some)
}

async fn insert(writer: &Writer) -> Result<String, Error> {
    let (token, hash) = SetupToken::generate(&mut rand::rng());
    keep(writer, &hash).await.map_err(Error::part("Keeping the setup token"))?;
    Ok(token.reveal().to_owned())
}

async fn keep(writer: &Writer, hash: &SetupTokenHash) -> Result<(), store::Error> {
    let mut tx = writer.begin("setup_token.insert").await?;
    let expires_at = tx.now() + SetupToken::LIFE;
    tx.setup_token_insert(&hash.0, expires_at).await?;
    tx.commit().await?;
    Ok(())
}
