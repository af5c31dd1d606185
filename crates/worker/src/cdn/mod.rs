//! CDNs of others in front of our edges: told what the edges were told, after them, each from a place of its own in
//! the log.
//!
//! An adapter is a reader of the purge feed that no edge waits for. What it has passed on it writes into a file; what
//! that file does not know is passed on again, which does no harm, and without the file everything is purged once. A
//! provider that refuses is asked again, for ever and ever more slowly, because an order that is skipped is an answer
//! that stays wrong.

mod call;
mod cloudflare;
mod cloudfront;
mod fastly;
mod place;
mod signature;
mod varnish;
mod work;

use crate::purges::{Applied, PurgeFeed};
use crate::relay::chain;
use call::Call;
use chrono::{DateTime, Utc};
use domain::Clock;
use domain::metrics::Metrics;
use domain::purge::PurgeBatch;
use place::Place;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use work::Work;

/// The CDNs that are told.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the place of each in the log is kept.
    pub directory: PathBuf,
    /// By name.
    #[serde(default)]
    pub cdn: BTreeMap<String, Provider>,
}

/// Whose CDN it is, and what its calls need.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "provider", rename_all = "snake_case")]
pub enum Provider {
    /// Fastly: a service, and a token that may purge it.
    Fastly(fastly::Config),
    /// Cloudflare: a zone, and a token that may purge it.
    Cloudflare(cloudflare::Config),
    /// Amazon CloudFront: a distribution, and a key that may invalidate it.
    Cloudfront(cloudfront::Config),
    /// Varnish with our VCL: the addresses of all of them.
    Varnish(varnish::Config),
}

/// Why an adapter cannot start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The client for HTTPS.
    #[error("there is no client for HTTPS")]
    Client(#[from] reqwest::Error),
    /// A name that cannot be that of a file.
    #[error("`{0}` cannot be the name of a CDN: 1 to 64 of a-z, 0-9 and `-`")]
    Name(String),
    /// A URL that cannot be called.
    #[error("`{0}` is no address that can be called")]
    Address(String),
    /// The folder of the places.
    #[error("the folder {} cannot be used", .path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

/// How far one CDN was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Whose it is.
    pub provider: &'static str,
    /// Of the position.
    pub epoch: u64,
    /// The last purge that the provider accepted.
    pub position: u64,
    /// Since when it has accepted nothing, if that is so.
    pub failing_since: Option<DateTime<Utc>>,
}

/// All of this process. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Cdns(Arc<Mutex<BTreeMap<String, Told>>>);

impl Cdns {
    /// How far each was told.
    pub fn all(&self) -> BTreeMap<String, Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change(&self, name: &str, change: impl FnOnce(&mut Told)) {
        if let Some(told) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get_mut(name) {
            change(told);
        }
    }
}

/// Tells one CDN.
pub struct Adapter {
    name: String,
    provider: Provider,
    feed: PurgeFeed,
    cdns: Cdns,
    place: Place,
    clock: Clock,
    client: reqwest::Client,
    counted: Counted,
}

type Labels = [(&'static str, String); 1];

#[derive(Clone)]
struct Counted {
    position: Family<Labels, Gauge>,
    calls: Family<Labels, Counter>,
    refused: Family<Labels, Counter>,
}

/// Purges that come within this time go out together.
const GATHER: Duration = Duration::from_millis(100);
/// The longest wait for news.
const WAIT: Duration = Duration::from_secs(10);
/// The longest wait for the edges: a CDN that asks one of them too early keeps what is old.
const EDGES_WAIT: Duration = Duration::from_secs(5);
/// The longest time of one call.
const CALL_MAX: Duration = Duration::from_secs(10);
/// Pauses after a refusal: doubled from the first to the last.
const PAUSE_MIN: Duration = Duration::from_millis(200);
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// An adapter for each CDN of the configuration.
pub fn open(
    config: &Config,
    feed: &PurgeFeed,
    cdns: &Cdns,
    clock: &Clock,
    metrics: &Metrics,
) -> Result<Vec<Adapter>, Error> {
    if config.cdn.is_empty() {
        return Ok(Vec::new());
    }
    std::fs::create_dir_all(&config.directory)
        .map_err(|source| Error::Folder { path: config.directory.clone(), source })?;
    let no_redirects = reqwest::redirect::Policy::none();
    let client = reqwest::Client::builder().timeout(CALL_MAX).redirect(no_redirects).build()?;
    let counted = Counted::new(metrics);
    let adapter = |(name, provider): (&String, &Provider)| {
        check(name, provider)?;
        let place = Place::open(config.directory.join(name).with_extension("json"));
        let Applied { epoch, position } = place.at();
        let told = Told { provider: provider.word(), epoch, position, failing_since: None };
        cdns.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone(), told);
        Ok(Adapter {
            name: name.clone(),
            provider: provider.clone(),
            feed: feed.clone(),
            cdns: cdns.clone(),
            place,
            clock: clock.clone(),
            client: client.clone(),
            counted: counted.clone(),
        })
    };
    config.cdn.iter().map(adapter).collect()
}

fn check(name: &str, provider: &Provider) -> Result<(), Error> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !(1..=64).contains(&name.len()) || !name.chars().all(fits) {
        return Err(Error::Name(name.to_owned()));
    }
    let bases = provider.bases();
    let broken = bases.iter().find(|base| !base.starts_with("http") || reqwest::Url::parse(base).is_err());
    match broken {
        Some(base) => Err(Error::Address(base.clone())),
        None if bases.is_empty() => Err(Error::Address(String::new())),
        None => Ok(()),
    }
}

impl Provider {
    const fn word(&self) -> &'static str {
        match self {
            Self::Fastly(_) => "fastly",
            Self::Cloudflare(_) => "cloudflare",
            Self::Cloudfront(_) => "cloudfront",
            Self::Varnish(_) => "varnish",
        }
    }

    fn bases(&self) -> Vec<String> {
        match self {
            Self::Fastly(config) => vec![config.api.clone()],
            Self::Cloudflare(config) => vec![config.api.clone()],
            Self::Cloudfront(config) => vec![config.api.clone()],
            Self::Varnish(config) => config.addresses.clone(),
        }
    }

    /// The calls that carry `work` out. `reference` is the same for the same work.
    fn calls(&self, work: &Work, reference: &str, now: DateTime<Utc>) -> Vec<Call> {
        match self {
            Self::Fastly(config) => fastly::calls(config, work),
            Self::Cloudflare(config) => cloudflare::calls(config, work),
            Self::Cloudfront(config) => cloudfront::calls(config, work, reference, now),
            Self::Varnish(config) => varnish::calls(config, work),
        }
    }
}

impl Adapter {
    /// Tells the CDN until `shutdown`.
    pub async fn run(mut self, shutdown: CancellationToken) {
        info!(cdn = self.name, provider = self.provider.word(), "Telling a CDN what is purged");
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = self.tell() => {}
        }
    }

    async fn tell(&mut self) {
        let mut pause = PAUSE_MIN;
        loop {
            match self.next().await {
                Ok(batch) => {
                    pause = PAUSE_MIN;
                    self.pass_on(&batch).await;
                }
                Err(error) => {
                    warn!(cdn = self.name, error = %chain(&error), "The purges for a CDN cannot be read");
                    sleep(pause).await;
                    pause = (pause * 2).min(PAUSE_MAX);
                }
            }
        }
    }

    /// The next purges, once the edges have them and no more come at the same moment.
    async fn next(&self) -> Result<PurgeBatch, crate::Error> {
        let Applied { epoch, position } = self.place.at();
        loop {
            let first = self.feed.look(epoch, position, WAIT).await?;
            if first.epoch == 0 || first.epoch == epoch && first.position == position && !first.purge_all {
                sleep(GATHER).await;
                continue;
            }
            sleep(GATHER).await;
            let batch = self.feed.look(epoch, position, WAIT).await?;
            let applied = Applied { epoch: batch.epoch, position: batch.position };
            self.feed.acknowledged(applied, EDGES_WAIT).await;
            return Ok(batch);
        }
    }

    async fn pass_on(&mut self, batch: &PurgeBatch) {
        let work = Work::of(batch);
        let at = Applied { epoch: batch.epoch, position: batch.position };
        let reference =
            format!("sangraha-{}-{}-{}-{}", self.name, at.epoch, self.place.at().position, at.position);
        let count = self.provider.calls(&work, &reference, self.clock.now()).len();
        for index in 0..count {
            self.insist(&work, &reference, index).await;
        }
        if let Err(error) = self.place.save(at) {
            // It is told again after a restart, which does no harm.
            warn!(cdn = self.name, error = %error, "The place of a CDN in the log cannot be saved");
        }
        let labels = [("cdn", self.name.clone())];
        self.counted.position.get_or_create(&labels).set(i64::try_from(at.position).unwrap_or(i64::MAX));
        self.cdns.change(&self.name, |told| {
            *told = Told { epoch: at.epoch, position: at.position, failing_since: None, ..told.clone() };
        });
    }

    /// Makes one of the calls until it is accepted. It is built anew each time, since some carry the time.
    async fn insist(&self, work: &Work, reference: &str, index: usize) {
        let labels = [("cdn", self.name.clone())];
        let mut pause = PAUSE_MIN;
        loop {
            let Some(call) = self.provider.calls(work, reference, self.clock.now()).into_iter().nth(index)
            else {
                return;
            };
            self.counted.calls.get_or_create(&labels).inc();
            let Err(refused) = call.make(&self.client).await else { return };
            self.counted.refused.get_or_create(&labels).inc();
            let now = self.clock.now();
            self.cdns.change(&self.name, |told| {
                told.failing_since.get_or_insert(now);
            });
            if pause == PAUSE_MIN || pause == PAUSE_MAX {
                warn!(cdn = self.name, error = %chain(&refused), "A CDN does not accept a purge; it is asked again");
            }
            sleep(refused.retry_after().unwrap_or(pause).min(PAUSE_MAX)).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }
}

impl Counted {
    fn new(metrics: &Metrics) -> Self {
        let counter =
            |name: &str, help: &str| metrics.register(name, help, Family::<Labels, Counter>::default());
        let help = "Last purge that the provider accepted";
        Self {
            position: metrics.register("cdn_position", help, Family::<Labels, Gauge>::default()),
            calls: counter("cdn_calls", "Calls to a provider"),
            refused: counter("cdn_calls_refused", "Calls that a provider did not accept"),
        }
    }
}

#[cfg(test)]
mod tests;
