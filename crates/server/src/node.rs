//! One process: the parts that its roles need, wired, started, and drained in order.
//!
//! Draining goes from the outside in: listeners stop taking requests and finish those they have; then relay
//! and follower stop; the private port and the probes of the databases go last, so that whoever watches can
//! see the end.

use crate::config::{Config, Layers, Role};
use crate::private::{self, Private};
use crate::reach::reach;
use crate::reload::Reload;
use crate::{Error, lifecycle, logging};
use cache::Cache;
use domain::metrics::Metrics;
use domain::{Clock, Region};
use edge::{Edge, StatusHandle};
use search::Search;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use store::{Reader, Store, Writer};
use stream::Stream;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use worker::cdn::Cdns;
use worker::follower::{Follower, Orders};
use worker::purges::PurgeFeed;
use worker::relay::Relay;

/// How often a process that starts looks whether it can answer.
const LOOK_INTERVAL: Duration = Duration::from_millis(10);

/// Reads the configuration and runs the process until it is told to stop.
pub async fn serve(layers: &Layers, until_eof: bool) -> Result<(), Error> {
    let config = Config::load(layers)?;
    logging::start(&config.log)?;
    for warning in config.warnings() {
        warn!("{warning}");
    }
    let stop = CancellationToken::new();
    tokio::spawn(lifecycle::cancel_on_signal(stop.clone()));
    if until_eof {
        tokio::spawn(lifecycle::cancel_on_end_of_input(stop.clone()));
    }
    run_with(config, Some(layers.clone()), stop).await
}

/// Runs the process until `stop`, and drains it.
pub async fn run(config: Config, stop: CancellationToken) -> Result<(), Error> {
    run_with(config, None, stop).await
}

/// As [`run`], and reads the configuration again when it is told to, where it is known from where.
async fn run_with(config: Config, layers: Option<Layers>, stop: CancellationToken) -> Result<(), Error> {
    let phases = Phases::new(stop);
    let outcome = started(config, layers, &phases).await;
    phases.last.cancel();
    outcome
}

async fn started(config: Config, layers: Option<Layers>, phases: &Phases) -> Result<(), Error> {
    let metrics = Metrics::default();
    let clock = Clock::system();
    let private = listen("the private port", config.listen.private).await?;
    let has_started = Arc::new(AtomicBool::new(false));
    let mut outside = JoinSet::new();
    let mut inside = JoinSet::new();

    let parts = match config.is_node() {
        true => Some(Parts::open(&config, &clock, &metrics, phases, &mut inside).await?),
        false => None,
    };
    let edge = start_edge(&config, &clock, &metrics, phases, &mut outside)?;
    let reload = layers.map(|layers| Reload::from_layers(layers, edge.clone()));
    if let Some(reload) = reload.clone() {
        tokio::spawn(phases.last.clone().run_until_cancelled_owned(reload.at_hangup()));
    }
    let router = private::router(Private {
        node: config.node.clone(),
        started_at: clock.now(),
        has_started: has_started.clone(),
        parts: parts.clone(),
        edge,
        reload,
        metrics: metrics.clone(),
    });
    let limits = config.serve;
    let last = tokio::spawn(web::serve::serve(private, router, limits, phases.last.clone()));
    if let Some(parts) = &parts {
        tokio::select! {
            served = parts.serve_apis(&config, &clock, &metrics, phases, &mut outside) => served?,
            () = phases.first.cancelled() => {}
        }
    }
    has_started.store(true, Ordering::Relaxed);
    info!(name = %config.node.name, region = %config.node.region, roles = ?config.node.roles, "Started");

    phases.first.cancelled().await;
    info!("Draining");
    ended(outside).await;
    phases.second.cancel();
    ended(inside).await;
    phases.last.cancel();
    let _ = last.await;
    info!("Stopped");
    Ok(())
}

/// The three steps of a stop.
struct Phases {
    /// Listeners for readers and editors.
    first: CancellationToken,
    /// Relay and follower.
    second: CancellationToken,
    /// The private port, the probes.
    last: CancellationToken,
}

impl Phases {
    fn new(stop: CancellationToken) -> Self {
        Self { first: stop, second: CancellationToken::new(), last: CancellationToken::new() }
    }
}

/// What a node holds, whatever its roles; clones share everything.
#[derive(Clone)]
pub struct Parts {
    /// Reads.
    pub reader: Reader,
    /// Writes, where the primary is in this region.
    pub writer: Option<Writer>,
    /// Committed events.
    pub stream: Stream,
    /// The index of this process.
    pub search: Search,
    /// Derived answers.
    pub cache: Cache,
    /// What edges are told.
    pub feed: PurgeFeed,
    /// The edges that share quotas.
    pub sharers: Arc<edge::Sharers>,
    /// How far the CDNs in front of the edges were told.
    pub cdns: Cdns,
    /// The way to the follower; none without the role `indexer`.
    pub orders: Option<Orders>,
}

impl Parts {
    async fn open(
        config: &Config,
        clock: &Clock,
        metrics: &Metrics,
        phases: &Phases,
        tasks: &mut JoinSet<()>,
    ) -> Result<Self, Error> {
        let region: Region = config.node.region.clone();
        let store = Store::open(&config.store, region, clock.clone(), metrics.clone(), phases.last.clone());
        let Store { reader, writer } = store.await.map_err(Error::part("Opening the database"))?;
        let stream = Stream::open(&config.stream, reader.clone(), writer.clone());
        let stream = stream.await.map_err(Error::part("Opening the event stream"))?;
        let search = Search::open(&config.search, metrics).await.map_err(Error::part("Opening the index"))?;
        let cache =
            Cache::open(&config.cache, clock, metrics).await.map_err(Error::part("Opening the cache"))?;
        let feed = PurgeFeed::new(stream.clone());
        let sharers = Arc::new(edge::Sharers::new(std::time::Instant::now()));
        let cdns = Cdns::default();
        let mut parts = Self { reader, writer, stream, search, cache, feed, sharers, cdns, orders: None };
        if config.has(Role::Indexer) {
            parts.orders = Some(parts.start_follower(config, metrics, phases, tasks));
            parts.start_cdns(config, clock, metrics, phases, tasks)?;
        }
        if let (true, Some(writer)) = (config.has(Role::Worker), parts.writer.clone()) {
            let (stream, keeper) = (parts.stream.clone(), config.keeper.clone());
            tasks.spawn(worker::keeper::keep(writer.clone(), stream, keeper, phases.second.clone()));
            let relay =
                Relay::new(writer, parts.stream.clone(), config.relay.clone(), clock.clone(), metrics);
            tasks.spawn(relay.run(phases.second.clone()));
        }
        Ok(parts)
    }

    fn start_follower(
        &self,
        config: &Config,
        metrics: &Metrics,
        phases: &Phases,
        tasks: &mut JoinSet<()>,
    ) -> Orders {
        let (follower, orders) = Follower::new(
            self.reader.clone(),
            self.stream.clone(),
            self.search.clone(),
            self.cache.clone(),
            self.feed.clone(),
            config.follower.clone(),
            metrics,
        );
        tasks.spawn(follower.run(phases.second.clone()));
        orders
    }

    fn start_cdns(
        &self,
        config: &Config,
        clock: &Clock,
        metrics: &Metrics,
        phases: &Phases,
        tasks: &mut JoinSet<()>,
    ) -> Result<(), Error> {
        let adapters = worker::cdn::open(&config.purge, &self.feed, &self.cdns, clock, metrics)
            .map_err(Error::part("Preparing the purges of CDNs"))?;
        for adapter in adapters {
            tasks.spawn(adapter.run(phases.second.clone()));
        }
        Ok(())
    }

    async fn serve_apis(
        &self,
        config: &Config,
        clock: &Clock,
        metrics: &Metrics,
        phases: &Phases,
        tasks: &mut JoinSet<()>,
    ) -> Result<(), Error> {
        let kit = web::Kit::new(clock.clone(), metrics, config.http);
        if let (true, Some(writer)) = (config.has(Role::Admin), self.writer.clone()) {
            let policy = domain::Policy { four_eyes: config.admin.four_eyes };
            let reach = reach(self.clone(), config.node.region.clone(), config.admin.feeds.clone());
            let state = admin::State::new(writer, policy)
                .with_misses(misses_of(self.search.clone()))
                .with_reach(reach);
            let router = admin::api().into_router(state, kit.clone());
            serve_one("the write API", config.listen.admin, router, config, phases, tasks).await?;
        }
        if config.has(Role::Public) {
            self.can_answer().await;
            let state = public::State {
                reader: self.reader.clone(),
                search: self.search.clone(),
                freshness: Arc::new(public::Freshness::new(Duration::from_secs(config.public.index_stale_s))),
                cache: self.cache.clone(),
                held: public::Held::new(&self.cache),
                clock: clock.clone(),
                region: config.node.region.clone(),
                config: Arc::new(config.public.clone()),
            };
            let router = public::api().into_router(state, kit);
            serve_one("the read API", config.listen.public, router, config, phases, tasks).await?;
        }
        Ok(())
    }

    /// Waits until a database answers and the index was filled once: until then the other region is the
    /// better one to ask, and edges notice by the closed port. An index that cannot be asked holds nobody up:
    /// the database answers searches in its place.
    async fn can_answer(&self) {
        while !self.reader.is_available() || matches!(self.search.position().await, Ok(None)) {
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }
}

/// What the searches of this process found nothing good for, as the write API shows it.
fn misses_of(search: Search) -> admin::Misses {
    admin::Misses::new(move || {
        let miss = |miss: search::Miss| admin::Miss { key: miss.key, script: miss.script, count: miss.count };
        search.misses().into_iter().map(miss).collect()
    })
}

async fn serve_one(
    what: &'static str,
    address: SocketAddr,
    router: axum::Router,
    config: &Config,
    phases: &Phases,
    tasks: &mut JoinSet<()>,
) -> Result<(), Error> {
    let listener = listen(what, address).await?;
    let (limits, stop) = (config.serve, phases.first.clone());
    tasks.spawn(async move {
        if let Err(error) = web::serve::serve(listener, router, limits, stop).await {
            warn!(error = %error, "A listener failed");
        }
    });
    Ok(())
}

fn start_edge(
    config: &Config,
    clock: &Clock,
    metrics: &Metrics,
    phases: &Phases,
    tasks: &mut JoinSet<()>,
) -> Result<Option<StatusHandle>, Error> {
    if !config.has(Role::Edge) {
        return Ok(None);
    }
    let edge =
        Edge::bind(config.edge.clone(), clock.clone(), metrics).map_err(Error::part("Starting the edge"))?;
    let handle = edge.status_handle();
    tasks.spawn(edge.run(phases.first.clone()));
    Ok(Some(handle))
}

async fn listen(what: &'static str, address: SocketAddr) -> Result<TcpListener, Error> {
    let refused = |source| Error::Listen { what, address: address.to_string(), source };
    TcpListener::bind(address).await.map_err(refused)
}

async fn ended(mut tasks: JoinSet<()>) {
    while let Some(ended) = tasks.join_next().await {
        if ended.is_err() {
            warn!("A part of the process had died");
        }
    }
}
