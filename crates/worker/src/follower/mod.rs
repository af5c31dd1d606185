//! The follower of a region: every event of the stream, turned into fresh index, cache and edges.
//!
//! It hears *that* something changed and re-reads the truth, so replay, reordering and rebuild are one path.
//! The order is inside out – index, cache, edges, position – so that no layer refills from a staler one, and a
//! crash at any point repeats work that is harmless to repeat.

mod index;
pub(crate) mod project;
mod rebuild;
mod reconcile;

use crate::Error;
use crate::purges::{Applied, PurgeFeed, purge_of};
use crate::relay::chain;
use cache::Cache;
use domain::EntityRef;
use domain::id::EntityKind;
use domain::metrics::Metrics;
use domain::purge::Purge;
use index::Target;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
pub use reconcile::Drift;
use search::{Facet, Filters, Position, Query, Search, Sort};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::time::Duration;
use store::{Read, ReadPolicy, Reader};
use stream::{Entry, Stream};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// How the follower waits and how much it takes at a time.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Events of one batch.
    pub batch_max: usize,
    /// The longest wait for an event before the follower looks round.
    pub wait_ms_max: u64,
    /// The longest wait for a replica to have what an event speaks of.
    pub replay_ms_max: u64,
    /// The longest wait for the edges of the region to have applied a purge; later they catch up alone.
    pub edges_ms_max: u64,
    /// The pause after a failure.
    pub retry_ms: u64,
    /// Between two comparisons of the index with the database; 0 switches them off.
    pub reconcile_s: u64,
    /// For drills: the process ends itself, once, when this step is done.
    #[serde(default)]
    pub crash_after: Option<Step>,
}

/// The steps of a batch, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Events are read, nothing is applied.
    Read,
    /// The index has them.
    Search,
    /// Floors are raised in the cache of the node.
    Cache,
    /// The edges have heard of them.
    Edges,
    /// The position is saved.
    Position,
}

/// The follower of this process' region.
pub struct Follower {
    reader: Reader,
    stream: Stream,
    search: Search,
    cache: Cache,
    feed: PurgeFeed,
    config: Config,
    counted: Counted,
    orders: mpsc::Receiver<Order>,
    /// The last try failed, and that was logged.
    is_failing: bool,
}

/// The handle by which an operator's command reaches the follower.
#[derive(Clone)]
pub struct Orders(mpsc::Sender<Order>);

enum Order {
    Rebuild(oneshot::Sender<Result<u64, Error>>),
    Compare { repair: bool, answer: oneshot::Sender<Result<Drift, Error>> },
}

/// What the follower does next.
enum News {
    Stop,
    Order(Order),
    Entries(Result<Vec<Entry>, stream::Error>),
    CompareNow,
}

struct Counted {
    position: Gauge,
    behind: Gauge,
    events: Counter,
    silent_edges: Counter,
    passed_over: Counter,
    repairs: Counter,
    drift: Gauge,
}

/// Orders that may wait; one more is refused.
const ORDERS_MAX: usize = 8;

impl Orders {
    /// Builds the index anew from the database and swaps it in. Answers the number of documents.
    pub async fn rebuild(&self) -> Result<u64, Error> {
        let (answer, answered) = oneshot::channel();
        self.send(Order::Rebuild(answer)).await?;
        answered.await.map_err(|_| Error::Stopped)?
    }

    /// Compares the index with the database; `repair` mends what differs.
    pub async fn compare(&self, repair: bool) -> Result<Drift, Error> {
        let (answer, answered) = oneshot::channel();
        self.send(Order::Compare { repair, answer }).await?;
        answered.await.map_err(|_| Error::Stopped)?
    }

    async fn send(&self, order: Order) -> Result<(), Error> {
        self.0.send(order).await.map_err(|_| Error::Stopped)
    }
}

impl Follower {
    /// A follower that does nothing until [`Follower::run`], and the handle for orders to it.
    pub fn new(
        reader: Reader,
        stream: Stream,
        search: Search,
        cache: Cache,
        feed: PurgeFeed,
        config: Config,
        metrics: &Metrics,
    ) -> (Self, Orders) {
        let (sender, orders) = mpsc::channel(ORDERS_MAX);
        let counted = Counted {
            position: metrics.gauge("follower_position", "Position of the last event that every layer has"),
            behind: metrics
                .gauge("follower_behind", "Events between the follower and the head of the stream"),
            events: metrics.counter("follower_events", "Events applied"),
            silent_edges: metrics
                .counter("follower_silent_edges", "Edges that had not applied a purge in time"),
            passed_over: metrics
                .counter("index_passed_over", "Documents that could not be made from a record"),
            repairs: metrics.counter("index_repairs", "Documents that a comparison had to mend"),
            drift: metrics.gauge("index_drift_docs", "Documents that differed at the last comparison"),
        };
        (
            Self { reader, stream, search, cache, feed, config, counted, orders, is_failing: false },
            Orders(sender),
        )
    }

    /// Follows until `shutdown`.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let pause = Duration::from_millis(self.config.retry_ms);
        while !shutdown.is_cancelled() {
            if let Err(error) = self.follow(&shutdown).await {
                if !self.is_failing {
                    warn!(error = %chain(&error), "The follower lost a part that it needs and tries again");
                    self.is_failing = true;
                }
                let _ = timeout(pause, shutdown.cancelled()).await;
            }
        }
    }

    async fn follow(&mut self, shutdown: &CancellationToken) -> Result<(), Error> {
        let mut at = self.start().await?;
        let mut compare_at = self.next_comparison();
        loop {
            match self.news(at, compare_at, shutdown).await {
                News::Stop => return Ok(()),
                News::Order(order) => at = self.obey(order, at).await?,
                News::Entries(entries) => at = self.take(entries, at).await?,
                News::CompareNow => {
                    at = self.compare(true, at).await?.1;
                    compare_at = self.next_comparison();
                }
            }
            if std::mem::take(&mut self.is_failing) {
                info!(position = at.position, "The follower goes on");
            }
        }
    }

    async fn news(&mut self, at: Position, compare_at: Instant, shutdown: &CancellationToken) -> News {
        let wait = self.wait();
        let Self { orders, stream, config, .. } = self;
        tokio::select! {
            () = shutdown.cancelled() => News::Stop,
            Some(order) = orders.recv() => News::Order(order),
            () = tokio::time::sleep_until(compare_at), if config.reconcile_s > 0 => News::CompareNow,
            entries = stream.read(at.position, config.batch_max, wait) => News::Entries(entries),
        }
    }

    /// Where to begin: at the position beside the index, or, where that is missing, of another epoch or
    /// beyond the log, with a new index.
    async fn start(&mut self) -> Result<Position, Error> {
        let epoch = self.read(0).await?.stream_head().await?.epoch;
        let known = match self.search.position().await? {
            Some(at) if at.epoch == epoch => self.lsn_at(at.position).await?.map(|lsn| (at, lsn)),
            _ => None,
        };
        match known {
            Some((at, lsn)) => {
                // An engine that was away when this process opened it has not told its names yet.
                self.search.refresh_names().await?;
                self.feed.restart(at.epoch, at.position, lsn);
                self.counted.position.set(at.position as i64);
                if !self.is_failing {
                    info!(position = at.position, "Following the event stream");
                }
                Ok(at)
            }
            None => self.rebuild(None).await,
        }
    }

    /// Where the log has `position`, the WAL position of it; 0 where that is forgotten. A replica that is behind gets time to catch up; a database that was
    /// restored from an older copy does not have it however long one waits.
    async fn lsn_at(&self, position: u64) -> Result<Option<u64>, Error> {
        let Some(before) = position.checked_sub(1) else { return Ok(Some(0)) };
        let wait = Duration::from_millis(self.config.replay_ms_max);
        match self.stream.read(before, 1, wait).await {
            Ok(entries) => Ok(entries.first().map(|entry| entry.lsn)),
            Err(stream::Error::Trimmed { .. }) => Ok(Some(0)),
            Err(error) => Err(error.into()),
        }
    }

    async fn take(
        &mut self,
        entries: Result<Vec<Entry>, stream::Error>,
        at: Position,
    ) -> Result<Position, Error> {
        let entries = match entries {
            Ok(entries) => entries,
            Err(stream::Error::Trimmed { .. }) => return self.rebuild(None).await,
            Err(error) => return Err(error.into()),
        };
        let floor_lsn = entries.iter().map(|entry| entry.lsn).max().unwrap_or(0);
        let read = self.read(floor_lsn).await?;
        // A promotion may come without an event, and events of the epoch before it may come after it.
        let newest_epoch = entries.iter().map(|entry| entry.epoch).fold(read.epoch(), u64::max);
        if newest_epoch > at.epoch {
            return self.rebuild(None).await;
        }
        if read.epoch() < at.epoch {
            return Err(Error::EarlierEpoch);
        }
        self.apply(&read, &entries, at).await
    }

    /// Takes one batch through every layer, inside out. `read` has replayed all of it.
    async fn apply(&mut self, read: &Read, entries: &[Entry], at: Position) -> Result<Position, Error> {
        let Some(last) = entries.last() else {
            self.counted.behind.set(0);
            return Ok(at);
        };
        let at = Position { epoch: at.epoch, position: last.position };
        self.crash_point(Step::Read);

        let touched = self.touched(read, entries).await?;
        self.index(&mut Target::Serving(&self.search), read, &touched).await?;
        self.crash_point(Step::Search);

        let purges: Vec<Purge> = entries.iter().map(purge_of).collect();
        self.raise_floors(&purges).await;
        self.cache.settle(settled(entries, self.config.batch_max));
        self.crash_point(Step::Cache);

        self.feed.advance(at.epoch, purges);
        self.await_edges(at).await;
        self.crash_point(Step::Edges);

        self.search.set_position(at).await?;
        self.crash_point(Step::Position);
        self.count(entries.len(), at).await;
        Ok(at)
    }

    async fn raise_floors(&self, purges: &[Purge]) {
        let floor_lsn = purges.iter().map(|purge| purge.floor_lsn).max().unwrap_or(0);
        let tags: BTreeSet<&String> = purges.iter().flat_map(|purge| &purge.tags).collect();
        let tags: Vec<String> = tags.into_iter().cloned().collect();
        self.cache.raise(&tags, floor_lsn).await;
    }

    async fn await_edges(&self, at: Position) {
        let applied = Applied { epoch: at.epoch, position: at.position };
        let wait = Duration::from_millis(self.config.edges_ms_max);
        let silent = self.feed.acknowledged(applied, wait).await;
        self.counted.silent_edges.inc_by(silent as u64);
    }

    async fn count(&self, entries: usize, at: Position) {
        self.counted.events.inc_by(entries as u64);
        self.counted.position.set(at.position as i64);
        // A batch that is not full was read to the end.
        let behind = match entries < self.config.batch_max {
            true => 0,
            false => self.stream.head().await.map_or(0, |head| head.position.saturating_sub(at.position)),
        };
        self.counted.behind.set(behind as i64);
    }

    /// The aggregates whose documents the events touch: those that changed, and those whose document holds
    /// something of a raga (its mela) or of a group (membership).
    async fn touched(&self, read: &Read, entries: &[Entry]) -> Result<Vec<EntityRef>, Error> {
        let mut touched: BTreeSet<EntityRef> =
            entries.iter().filter_map(|entry| entry.event.entity).collect();
        for entity in touched.clone() {
            match entity.kind {
                EntityKind::Raga => touched.extend(under_raga(read, entity).await?),
                EntityKind::Group => touched.extend(self.members(read, entity).await?),
                _ => {}
            }
        }
        Ok(touched.into_iter().collect())
    }

    /// The songs of a group, as it is now and as the index has it.
    async fn members(&self, read: &Read, group: EntityRef) -> Result<Vec<EntityRef>, Error> {
        let now = read.detail(group.kind, group.id).await?;
        let members = now.into_iter().flat_map(|live| live.record.references());
        let is_song = |entity: &EntityRef| entity.kind == EntityKind::Composition;
        let mut songs: Vec<EntityRef> = members.map(|(_, entity)| entity).filter(is_song).collect();
        let filters = Filters::default().with(Facet::Group, group.id);
        let mut query = Query { filters, limit: Query::LIMIT_MAX, sort: Sort::Title, ..Query::default() };
        loop {
            let answer = self.search.query(&query).await?;
            if answer.partial {
                return Err(Error::PartialAnswer);
            }
            songs.extend(answer.hits.iter().map(|hit| hit.entity));
            match answer.next {
                Some(next) => query.after = Some(next),
                None => return Ok(songs),
            }
        }
    }

    async fn obey(&mut self, order: Order, at: Position) -> Result<Position, Error> {
        match order {
            Order::Rebuild(answer) => {
                let built = self.rebuild(Some(at)).await;
                let at = built.as_ref().map_or(at, |at| *at);
                let counted = match built {
                    Ok(_) => self.search.stats().await.map(|stats| stats.documents).map_err(Error::from),
                    Err(error) => Err(error),
                };
                let _ = answer.send(counted);
                Ok(at)
            }
            Order::Compare { repair, answer } => {
                let compared = self.compare(repair, at).await;
                let at = compared.as_ref().map_or(at, |(_, at)| *at);
                let _ = answer.send(compared.map(|(drift, _)| drift));
                Ok(at)
            }
        }
    }

    /// A node of the database that has replayed `lsn`.
    async fn read(&self, lsn: u64) -> Result<Read, Error> {
        let wait_ms = self.config.replay_ms_max;
        Ok(self.reader.read(ReadPolicy::AtLeast { lsn, wait_ms }).await?)
    }

    const fn wait(&self) -> Duration {
        Duration::from_millis(self.config.wait_ms_max)
    }

    fn next_comparison(&self) -> Instant {
        Instant::now() + Duration::from_secs(self.config.reconcile_s)
    }

    /// Ends the process here where a drill asks for it, as `kill -9` would.
    fn crash_point(&self, step: Step) {
        if self.config.crash_after == Some(step) {
            std::process::abort();
        }
    }
}

/// Up to where the floors of all changes are raised by a batch: one that is full may end amid the events that the
/// relay carried at once, which share a position of the WAL.
fn settled(entries: &[Entry], batch_max: usize) -> u64 {
    let last = entries.last().map_or(0, |entry| entry.lsn);
    let is_whole = |lsn: &u64| entries.len() < batch_max || *lsn < last;
    entries.iter().map(|entry| entry.lsn).filter(is_whole).max().unwrap_or(0)
}

/// The songs in `raga`, the ragas derived from it, and the songs in those: their documents hold its mela.
async fn under_raga(read: &Read, raga: EntityRef) -> Result<Vec<EntityRef>, Error> {
    let mut found = referrers(read, raga).await?;
    for janya in found.clone().iter().filter(|entity| entity.kind == EntityKind::Raga) {
        found.extend(referrers(read, *janya).await?);
    }
    Ok(found)
}

/// Referring aggregates read at a time.
const REFERRERS_MAX: usize = 1_000;

async fn referrers(read: &Read, entity: EntityRef) -> Result<Vec<EntityRef>, Error> {
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = read.referrers(entity, after, REFERRERS_MAX).await?;
        let Some(last) = page.last() else { return Ok(found) };
        after = Some(last.id);
        found.extend(page);
    }
}
