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
//! It knows nothing of songs: freshness, tags and read positions are what an origin's fields say. Its configuration
//! can be changed while it serves. Its state is served by whoever holds a [`StatusHandle`].

mod acme;
mod body;
mod config;
mod front;
#[doc(hidden)]
pub mod fuzzing;
mod limits;
#[doc(hidden)]
pub mod model;
mod origin;
mod policy;
mod purge;
mod reload;
mod see;
mod store;

pub use acme::{CertificateStatus, Challenge as AcmeChallenge, Config as AcmeConfig};
pub use config::{Config, Kind};
pub use front::tls::Certificate;
pub use limits::{Cap, Config as LimitsConfig, KeyHash, KeyPart, Rule, Share, Sharers, Tier};
pub use origin::routes::OriginRoute;
pub use see::access::{AccessFormat, AccessLog};
pub use see::explain::{Explanation, Held};
pub use see::status::{OriginStatus, Status};

use acme::Acme;
use domain::Clock;
use domain::metrics::Metrics;
use front::tls::Tls;
use front::workers::Workers;
use front::{Connections, Doors};
use limits::Limits;
use limits::lease::{self, Slice};
use origin::collapse::Flights;
use origin::upstream::Upstream;
use policy::Profile;
use purge::feed::Progress;
use purge::generations::Generations;
use reload::Current;
use see::access::Access;
use see::reason::Outcome;
use see::telemetry::Telemetry;
use std::io;
use std::net::SocketAddr;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use store::disk::Disk;
use store::key::{Key, Spelling};
use store::memory::Store;
use store::seed::Seed;
use store::tiers::Folder;
use tokio::sync::Semaphore;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// Our name in `Via` and `Cache-Status`.
pub(crate) const PSEUDONYM: &str = "sangraha-edge";

/// Why an edge cannot start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A combination of settings that cannot work.
    #[error("the edge's configuration cannot work: {0}")]
    Config(&'static str),
    /// A setting that only a new process can have.
    #[error("the edge's `{0}` holds for the life of the process: restart it to change that")]
    Fixed(&'static str),
    /// The address is taken, not ours, or needs more rights.
    #[error("the edge cannot listen on {address}")]
    Listen {
        /// The configured address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// An authority gave no certificate.
    #[error("{doing} failed")]
    Acme {
        /// What of it was attempted.
        doing: &'static str,
        /// What the authority said, or what was wrong with it.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The system gives no more threads.
    #[error("the edge cannot start its threads")]
    Threads(#[source] io::Error),
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
    doors: Doors,
    workers: Workers,
    current: Arc<Current>,
}

impl Edge {
    /// Checks the configuration and starts to listen; clients wait until [`Edge::run`]. Must be called inside a
    /// Tokio runtime.
    pub fn bind(config: Config, clock: Clock, metrics: &Metrics) -> Result<Self, Error> {
        config.check()?;
        let doors = Doors::open(&config)?;
        let shared = Shared::new(&config, clock, metrics, doors.listen);
        let shared = Shared { plain_listen: doors.plain_listen, ..shared }.opened(&config)?;
        let workers = config.workers;
        let current = Arc::new(Current::new(Inner::new(config, Arc::new(shared))?));
        let workers = Workers::start(workers).map_err(Error::Threads)?;
        Ok(Self { doors, workers, current })
    }

    /// Where it listens: the port that the system chose, if it was left to it.
    pub fn local_addr(&self) -> SocketAddr {
        self.current.now().listen
    }

    /// Serves until `shutdown`, then finishes what is under way, for [`Config::drain_ms_max`] at most.
    pub async fn run(self, shutdown: CancellationToken) {
        let Self { doors, workers, current } = self;
        let inner = current.now();
        tracing::info!(listen = %inner.listen, region = %inner.config.region, "The edge serves");
        let stop = CancellationToken::new();
        inner.open_disk().await;
        let feed = inner.config.profile == Kind::Sangraha;
        let purges = feed.then(|| tokio::spawn(purge::feed::run(inner.clone(), stop.clone())));
        let renewal = reload::renew_certificates(current.clone());
        let renewal = tokio::spawn(stop.clone().run_until_cancelled_owned(renewal));
        let certificate = tokio::spawn(stop.clone().run_until_cancelled_owned(acme::run(current.clone())));
        let sweep = tokio::spawn(stop.clone().run_until_cancelled_owned(sweep(current.clone())));
        let leases =
            feed.then(|| tokio::spawn(stop.clone().run_until_cancelled_owned(lease::run(current.clone()))));
        front::serve(doors, current.clone(), workers, shutdown).await;
        stop.cancel();
        if sweep.await.is_err() {
            tracing::error!("The keeper of the connections to origins had died");
        }
        if renewal.await.is_err() {
            tracing::error!("The watcher of the certificates had died");
        }
        if certificate.await.is_err() {
            tracing::error!("The keeper of the certificate had died");
        }
        if let Some(leases) = leases
            && leases.await.is_err()
        {
            tracing::error!("The asker for slices of shared quotas had died");
        }
        if let Some(purges) = purges
            && purges.await.is_err()
        {
            tracing::error!("The follower of the purge feed had died");
        }
        inner.close_disk().await;
        // Nothing writes lines any more; the file may be slow.
        let flushed =
            tokio::task::spawn_blocking(move || current.now().access.iter().for_each(Access::flush));
        if flushed.await.is_err() {
            tracing::error!("The access log was not written to its end");
        }
        tracing::info!("The edge has stopped");
    }

    /// What the edge says about itself now.
    pub fn status(&self) -> Status {
        self.current.now().status()
    }

    /// For asking, and for changing its configuration, while it runs.
    pub fn status_handle(&self) -> StatusHandle {
        StatusHandle(self.current.clone())
    }
}

/// Asks a running edge how it is, and gives it another configuration.
#[derive(Clone)]
pub struct StatusHandle(Arc<Current>);

impl StatusHandle {
    /// What the edge says about itself now.
    pub fn status(&self) -> Status {
        self.0.now().status()
    }

    /// Why an address is answered as it is.
    pub fn explain(&self, url: &url::Url) -> Explanation {
        see::explain::explain(&self.0.now(), url)
    }

    /// Serves by another configuration from the next request on, without losing a connection; the answer is its
    /// version. One that cannot work, or names a certificate that cannot be used, is refused as a whole.
    pub fn reload(&self, config: Config) -> Result<u64, Error> {
        self.0.reload(config)
    }

    /// Notes that a configuration could not even be read.
    pub fn refused(&self) {
        self.0.now().telemetry.config_refused.inc();
    }
}

/// Closes connections to origins that have waited for too long, for ever.
async fn sweep(current: Arc<Current>) {
    const SWEEP_EVERY: Duration = Duration::from_secs(1);
    let mut ticks = interval(SWEEP_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let now = ticks.tick().await;
        let inner = current.now();
        inner.public.sweep(now);
        inner.admin.sweep(now);
    }
}

/// What all requests share that began under one configuration: each keeps the one that it began with.
pub(crate) struct Inner {
    shared: Arc<Shared>,
    config: Config,
    /// How many configurations there were, this one included.
    version: u64,
    profile: Profile,
    limits: Limits,
    public: Arc<Upstream>,
    admin: Arc<Upstream>,
    /// Whoever shows it may purge by HTTP.
    purge_token: Option<String>,
    /// Where clients speak TLS.
    tls: Option<Arc<Tls>>,
    access: Option<Access>,
    /// How connections are served.
    connections: Connections,
}

impl Deref for Inner {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.shared
    }
}

/// What outlives every change of configuration.
pub(crate) struct Shared {
    clock: Clock,
    listen: SocketAddr,
    plain_listen: Option<SocketAddr>,
    acme: Acme,
    telemetry: Arc<Telemetry>,
    store: Store,
    /// Open from the first request on, where the configuration names one.
    disk: OnceLock<Disk>,
    folder: Option<Folder>,
    generations: Generations,
    flights: Arc<Flights>,
    progress: Progress,
    hasher: Seed,
    draining: AtomicBool,
    /// Places for making codings of bodies.
    encoders: Arc<Semaphore>,
    /// Of the quotas that the edges of a region share.
    slice: Arc<Slice>,
}

impl Shared {
    fn new(config: &Config, clock: Clock, metrics: &Metrics, listen: SocketAddr) -> Self {
        let telemetry = Arc::new(Telemetry::new(metrics));
        let generations = Generations::new(config.purge_tags_max);
        if config.profile == Kind::Sangraha {
            generations.await_feed();
        }
        Self {
            clock,
            listen,
            plain_listen: None,
            acme: Acme::default(),
            store: Store::new(config.memory_bytes_max, telemetry.objects.clone(), telemetry.bytes.clone()),
            hasher: generations.seed().clone(),
            progress: Progress::default(),
            generations,
            disk: OnceLock::new(),
            folder: None,
            flights: Arc::new(Flights::new(config::ms(config.hit_for_miss_ms))),
            draining: AtomicBool::new(false),
            encoders: Arc::new(Semaphore::new(ENCODERS_MAX)),
            slice: Arc::new(Slice::new()),
            telemetry,
        }
    }

    /// Goes on with what a folder holds, where the configuration names one.
    fn opened(self, config: &Config) -> Result<Self, Error> {
        let Some(path) = &config.disk else { return Ok(self) };
        let (folder, generations) = Folder::open(path, config)?;
        if config.profile == Kind::Sangraha {
            generations.await_feed();
        }
        Ok(Self {
            hasher: generations.seed().clone(),
            progress: Progress::after(generations.heard()),
            generations,
            folder: Some(folder),
            ..self
        })
    }
}

impl Inner {
    /// Microseconds since the Unix epoch.
    fn now_us(&self) -> i64 {
        self.clock.micros()
    }

    /// How much of a request's spelling may be changed.
    fn spelling(&self) -> Spelling {
        match self.config.profile {
            Kind::Sangraha => Spelling::Canonical,
            Kind::Rfc => Spelling::Faithful,
        }
    }

    /// Makes void what is kept, or on its way, for these addresses.
    fn forget(&self, keys: &[Key]) {
        let hashes: Vec<u64> = keys.iter().map(|key| purge::target::url(&self.generations, key)).collect();
        self.generations.void(&hashes);
        for key in keys {
            self.store.remove_key(key);
            self.freeze(key);
        }
    }

    fn is_blind(&self) -> bool {
        self.progress.is_blind()
    }

    fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    fn status(&self) -> Status {
        let natural = |value: i64| u64::try_from(value).unwrap_or(0);
        let heard = self.progress.heard();
        // An edge alone has one origin, which takes writes too.
        let alone = self.config.profile == Kind::Rfc;
        let admin = Some(("admin", &self.admin)).filter(|_| !alone);
        let upstreams = [Some(("public", &self.public)), admin];
        let origins = upstreams.iter().flatten().flat_map(|(upstream, origins)| {
            let status = |(origin, up)| OriginStatus { upstream: (*upstream).to_owned(), origin, up };
            origins.report().into_iter().map(status)
        });
        Status {
            config_version: self.version,
            quota_slices: self.slice.parts(self.config.limits.edges),
            name: self.config.name.clone(),
            region: self.config.region.clone(),
            listen: self.listen,
            plain_listen: self.plain_listen,
            certificate: self.acme.status(),
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
