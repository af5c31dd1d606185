//! The edge: what stands between clients and the APIs of both regions.
//!
//! It refuses requests that two parsers could read differently, answers reads from memory while they are fresh,
//! sends one request for many that ask the same, fails reads over to the other region, and sends everything under
//! `/v1/admin` to the region with the primary, once.
//!
//! It promises that a purge which it has acknowledged is never undone: not by an answer that was under way, not by
//! one that was read from a replica which lagged behind, not by a cut of the feed. Every answer says in
//! `Cache-Status` how it came about, and carries the id under which the request is logged.
//!
//! It knows nothing of songs: freshness, tags and read positions are what an origin's fields say. It has no
//! storage of its own, terminates no TLS, and limits no rates. Its state is served by whoever holds a
//! [`StatusHandle`].

mod body;
mod config;
mod front;
mod limits;
mod origin;
mod policy;
mod purge;
mod see;
mod store;

pub use config::{Config, Kind};
pub use front::tls::Certificate;
pub use limits::{Config as LimitsConfig, KeyPart, Rule};
pub use see::access::{AccessFormat, AccessLog};
pub use see::explain::{Explanation, Held};
pub use see::status::{OriginStatus, Status};

use domain::Clock;
use domain::metrics::Metrics;
use front::tls::Tls;
use http::HeaderValue;
use limits::Limits;
use origin::collapse::Flights;
use origin::upstream::Upstream;
use policy::Profile;
use purge::feed::Progress;
use purge::generations::Generations;
use see::access::Access;
use see::reason::Outcome;
use see::telemetry::Telemetry;
use std::hash::RandomState;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use store::key::{Key, Spelling};
use store::memory::Store;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// Our name in `Via` and `Cache-Status`.
pub(crate) const PSEUDONYM: &str = "sangraha-edge";

/// Why an edge cannot start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A combination of settings that cannot work.
    #[error("the edge's configuration cannot work: {0}")]
    Config(&'static str),
    /// The address is taken, not ours, or needs more rights.
    #[error("the edge cannot listen on {address}")]
    Listen {
        /// The configured address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A file that the configuration names cannot be used.
    #[error("the edge cannot read {}", .path.display())]
    File {
        /// The named file.
        path: PathBuf,
        /// What the system said, or what is wrong with it.
        #[source]
        source: io::Error,
    },
}

/// Bodies that are encoded at one time: requests need the processor more.
const ENCODERS_MAX: usize = 2;

/// An edge that listens and is ready to [`Edge::run`].
pub struct Edge {
    listener: TcpListener,
    inner: Arc<Inner>,
}

impl Edge {
    /// Checks the configuration and starts to listen; clients wait until [`Edge::run`]. Must be called inside a
    /// Tokio runtime.
    pub fn bind(config: Config, clock: Clock, metrics: &Metrics) -> Result<Self, Error> {
        config.check()?;
        let refused = |source| Error::Listen { address: config.listen, source };
        let listener = front::listen(config.listen).map_err(refused)?;
        let listen = listener.local_addr().map_err(refused)?;
        let purge_token = config.purge_token_file.as_deref().map(token).transpose()?;
        let tls = (!config.tls.is_empty()).then(|| Tls::open(&config.tls)).transpose()?;
        let access = config.access_log.as_ref().map(|log| Access::open(log, metrics)).transpose()?;
        let inner = Inner { purge_token, tls, access, ..Inner::new(config, clock, metrics, listen) };
        Ok(Self { listener, inner: Arc::new(inner) })
    }

    /// Where it listens: the port that the system chose, if it was left to it.
    pub fn local_addr(&self) -> SocketAddr {
        self.inner.listen
    }

    /// Serves until `shutdown`, then finishes what is under way, for [`Config::drain_ms_max`] at most.
    pub async fn run(self, shutdown: CancellationToken) {
        let Self { listener, inner } = self;
        tracing::info!(listen = %inner.listen, region = %inner.config.region, "The edge serves");
        let stop = CancellationToken::new();
        let feed = inner.config.profile == Kind::Sangraha;
        let purges = feed.then(|| tokio::spawn(purge::feed::run(inner.clone(), stop.clone())));
        let renewal = inner.clone();
        let renewal = stop.clone().run_until_cancelled_owned(async move {
            if let Some(tls) = &renewal.tls {
                tls.renew().await;
            }
        });
        let renewal = tokio::spawn(renewal);
        front::serve(listener, inner.clone(), shutdown).await;
        stop.cancel();
        if renewal.await.is_err() {
            tracing::error!("The watcher of the certificates had died");
        }
        if let Some(purges) = purges
            && purges.await.is_err()
        {
            tracing::error!("The follower of the purge feed had died");
        }
        tracing::info!("The edge has stopped");
    }

    /// What the edge says about itself now.
    pub fn status(&self) -> Status {
        self.inner.status()
    }

    /// For asking while it runs.
    pub fn status_handle(&self) -> StatusHandle {
        StatusHandle(self.inner.clone())
    }
}

/// Asks a running edge how it is.
#[derive(Clone)]
pub struct StatusHandle(Arc<Inner>);

impl StatusHandle {
    /// What the edge says about itself now.
    pub fn status(&self) -> Status {
        self.0.status()
    }

    /// Why an address is answered as it is.
    pub fn explain(&self, url: &url::Url) -> Explanation {
        see::explain::explain(&self.0, url)
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

/// What all connections share.
pub(crate) struct Inner {
    config: Config,
    clock: Clock,
    listen: SocketAddr,
    profile: Profile,
    limits: Limits,
    telemetry: Arc<Telemetry>,
    public: Upstream,
    admin: Upstream,
    store: Store,
    generations: Generations,
    flights: Arc<Flights>,
    progress: Progress,
    hasher: RandomState,
    draining: AtomicBool,
    /// Whoever shows it may purge by HTTP.
    purge_token: Option<String>,
    /// Where clients speak TLS.
    tls: Option<Tls>,
    /// Places for making codings of bodies.
    encoders: Arc<Semaphore>,
    access: Option<Access>,
}

impl Inner {
    fn new(config: Config, clock: Clock, metrics: &Metrics, listen: SocketAddr) -> Self {
        let telemetry = Arc::new(Telemetry::new(metrics));
        Self {
            listen,
            profile: config.profile(),
            limits: Limits::new(config.limits.clone(), metrics),
            public: Upstream::public(&config, telemetry.clone()),
            admin: Upstream::admin(&config, telemetry.clone()),
            store: Store::new(config.memory_bytes_max, telemetry.objects.clone(), telemetry.bytes.clone()),
            generations: Generations::new(config.purge_tags_max),
            flights: Arc::new(Flights::new(config::ms(config.hit_for_miss_ms))),
            progress: Progress::default(),
            hasher: RandomState::new(),
            draining: AtomicBool::new(false),
            purge_token: None,
            tls: None,
            encoders: Arc::new(Semaphore::new(ENCODERS_MAX)),
            access: None,
            telemetry,
            clock,
            config,
        }
    }

    /// Microseconds since the Unix epoch.
    fn now_us(&self) -> i64 {
        self.clock.now().timestamp_micros()
    }

    /// How much of a request's spelling may be changed.
    fn spelling(&self) -> Spelling {
        match self.config.profile {
            Kind::Sangraha => Spelling::Canonical,
            Kind::Rfc => Spelling::Faithful,
        }
    }

    /// The tag of everything that a host has.
    fn host_tag(&self, host: &str) -> u64 {
        self.generations.tag(&format!("host {host}"))
    }

    /// Makes void what is kept, or on its way, for these addresses.
    fn forget(&self, keys: &[Key]) {
        let hashes: Vec<u64> = keys.iter().map(|key| key.hash).collect();
        self.generations.void(&hashes);
        keys.iter().for_each(|key| self.store.remove_key(key));
    }

    fn is_blind(&self) -> bool {
        self.progress.is_blind()
    }

    fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// A UUID of version 7, so that logs sort by it.
    fn request_id(&self) -> HeaderValue {
        let millis = u64::try_from(self.now_us() / 1_000).unwrap_or(0);
        let id = uuid::Builder::from_unix_timestamp_millis(millis, &rand::random()).into_uuid();
        let mut text = uuid::Uuid::encode_buffer();
        HeaderValue::from_str(id.hyphenated().encode_lower(&mut text))
            .unwrap_or(HeaderValue::from_static("none"))
    }

    fn status(&self) -> Status {
        let natural = |value: i64| u64::try_from(value).unwrap_or(0);
        let heard = self.progress.heard();
        let upstreams = [("public", &self.public), ("admin", &self.admin)];
        let origins = upstreams.iter().flat_map(|(upstream, origins)| {
            let status = |(origin, up)| OriginStatus { upstream: (*upstream).to_owned(), origin, up };
            origins.report().into_iter().map(status)
        });
        Status {
            name: self.config.name.clone(),
            region: self.config.region.clone(),
            listen: self.listen,
            connections: natural(self.telemetry.connections.get()),
            objects: natural(self.telemetry.objects.get()),
            bytes: natural(self.telemetry.bytes.get()),
            purge_position: heard.map(|heard| heard.position),
            epoch: heard.map(|heard| heard.epoch),
            blind: self.is_blind(),
            draining: self.is_draining(),
            hits: self.telemetry.total(&[Outcome::Hit, Outcome::Stale]),
            misses: self.telemetry.total(&[Outcome::Miss, Outcome::Revalidated, Outcome::Collapsed]),
            origins: origins.collect(),
        }
    }
}
