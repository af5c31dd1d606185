//! One server: its pool, its breaker, and what the prober last learned of it.

use crate::config::{Config, Node};
use crate::error::Error;
use crate::metrics::StoreMetrics;
use crate::statement::Statement;
use crate::wire::count_at;
use arc_swap::ArcSwap;
use domain::Region;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions, PgRow};
use sqlx::{ConnectOptions, Row};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

/// Whether a node replays or writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeRole {
    Replica,
    Primary,
}

impl NodeRole {
    /// The word in headers and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Replica => "replica",
            Self::Primary => "primary",
        }
    }
}

/// What the prober last learned of a node.
#[derive(Clone, Debug)]
pub struct NodeHealth {
    pub name: String,
    pub region: Region,
    pub role: NodeRole,
    /// Whether the last probe was answered.
    pub up: bool,
    /// WAL position, in bytes, that reads of the node include.
    pub lsn: u64,
    /// Age of the heartbeat row on the node.
    pub age_ms: u64,
    pub epoch: u64,
    /// `closed`, `half_open` or `open`.
    pub breaker: &'static str,
}

/// One server, shared by everything that asks it.
#[derive(Debug)]
pub(crate) struct NodeState {
    pub(crate) name: String,
    pub(crate) region: Region,
    /// In the region of this process.
    pub(crate) local: bool,
    options: PgConnectOptions,
    pool_options: PgPoolOptions,
    pool: ArcSwap<PgPool>,
    connect_limit: Duration,
    read_limit: Duration,
    probe_interval: Duration,
    known: Known,
    breaker: Mutex<Breaker>,
}

#[derive(Debug, Default)]
struct Known {
    up: AtomicBool,
    in_recovery: AtomicBool,
    lsn: AtomicU64,
    age_ms: AtomicU64,
    epoch: AtomicU64,
    /// On a primary: a WAL position, and the transaction before which all must have ended to make sure
    /// that reads include it. A commit is in the WAL a moment before it can be seen.
    settling: Mutex<Option<(u64, u64)>>,
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Read,
    Write,
}

impl NodeState {
    /// A node whose connections are made when they are needed.
    pub(crate) fn new(
        node: &Node,
        config: &Config,
        region: &Region,
        purpose: Purpose,
    ) -> Result<Self, Error> {
        let options: PgConnectOptions =
            node.url.expose().parse().map_err(|_| bad_url(&format!("the node `{}`", node.name)))?;
        let limits = |statement_ms: u64| {
            [
                ("statement_timeout", statement_ms.to_string()),
                ("lock_timeout", config.lock_ms_max.to_string()),
                ("idle_in_transaction_session_timeout", config.idle_in_transaction_ms_max.to_string()),
            ]
        };
        let options = options.disable_statement_logging();
        let (options, connections_max) = match purpose {
            Purpose::Read => (
                options
                    .application_name("sangraha-read")
                    .options(limits(config.read_ms_max))
                    .options([("default_transaction_read_only", "on")]),
                config.read_connections_max,
            ),
            Purpose::Write => (
                options.application_name("sangraha-write").options(limits(config.write_ms_max)),
                config.write_connections_max,
            ),
        };
        let connect_limit = Duration::from_millis(config.connect_ms_max);
        let pool_options = PgPoolOptions::new()
            .max_connections(connections_max)
            .acquire_timeout(Duration::from_millis(config.acquire_ms_max))
            .test_before_acquire(false);
        Ok(Self {
            name: node.name.clone(),
            region: node.region.clone(),
            local: node.region == *region,
            pool: ArcSwap::from_pointee(pool_options.clone().connect_lazy_with(options.clone())),
            pool_options,
            options,
            connect_limit,
            read_limit: Duration::from_millis(config.read_ms_max),
            probe_interval: Duration::from_millis(config.probe_interval_ms),
            known: Known::default(),
            breaker: Mutex::new(Breaker {
                failures_max: config.breaker_failures_max.max(1),
                open_for: Duration::from_millis(config.breaker_open_ms),
                ..Breaker::default()
            }),
        })
    }

    /// Asks once. The connection of a question that took too long is closed, not handed to the next one.
    pub(crate) async fn rows(&self, statement: Statement) -> Result<Vec<PgRow>, Error> {
        let pool = self.pool();
        let outcome = self.ask(&pool, statement).await;
        match &outcome {
            Ok(_) => self.breaker().succeeded(),
            Err(Error::Unavailable(Some(sqlx::Error::PoolTimedOut))) => {} // busy, or the prober knows better
            Err(Error::Unavailable(_)) => {
                self.breaker().failed();
                self.renew(&pool);
            }
            Err(_) => {}
        }
        outcome
    }

    async fn ask(&self, pool: &PgPool, statement: Statement) -> Result<Vec<PgRow>, Error> {
        let mut connection = pool.acquire().await?;
        match timeout(self.read_limit, statement.fetch(&mut connection)).await {
            Ok(Err(error @ Error::Unavailable(_))) => {
                connection.close_on_drop();
                Err(error)
            }
            Ok(outcome) => outcome,
            Err(_elapsed) => {
                connection.close_on_drop();
                Err(Error::Unavailable(None))
            }
        }
    }

    /// The present pool.
    pub(crate) fn pool(&self) -> Arc<PgPool> {
        self.pool.load_full()
    }

    /// Leaves `used` and all of its connections behind: one dead connection says that the others, made to
    /// the same life of the server, are dead too.
    pub(crate) fn renew(&self, used: &Arc<PgPool>) {
        if Arc::ptr_eq(&self.pool.load(), used) {
            let fresh = self.pool_options.clone().connect_lazy_with(self.options.clone());
            let old = self.pool.swap(Arc::new(fresh));
            tokio::spawn(async move { old.close().await });
        }
    }

    /// A connection outside the pool.
    pub(crate) async fn connect(&self) -> Result<PgConnection, Error> {
        match timeout(self.connect_limit, self.options.connect()).await {
            Ok(outcome) => Ok(outcome?),
            Err(_elapsed) => Err(Error::Unavailable(None)),
        }
    }

    pub(crate) fn is_up(&self) -> bool {
        self.known.up.load(Ordering::Acquire)
    }

    pub(crate) fn in_recovery(&self) -> bool {
        self.known.in_recovery.load(Ordering::Acquire)
    }

    pub(crate) fn role(&self) -> NodeRole {
        if self.in_recovery() { NodeRole::Replica } else { NodeRole::Primary }
    }

    /// A WAL position that everything read from now on includes.
    pub(crate) fn lsn(&self) -> u64 {
        self.known.lsn.load(Ordering::Acquire)
    }

    pub(crate) fn age_ms(&self) -> u64 {
        self.known.age_ms.load(Ordering::Acquire)
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.known.epoch.load(Ordering::Acquire)
    }

    /// Whether requests may be sent to it.
    pub(crate) fn allows(&self) -> bool {
        self.is_up() && self.breaker().allows()
    }

    /// The node has replayed `lsn`.
    pub(crate) fn raise_lsn(&self, lsn: u64) {
        self.known.lsn.fetch_max(lsn, Ordering::AcqRel);
    }

    pub(crate) fn health(&self) -> NodeHealth {
        NodeHealth {
            name: self.name.clone(),
            region: self.region.clone(),
            role: self.role(),
            up: self.is_up(),
            lsn: self.lsn(),
            age_ms: self.age_ms(),
            epoch: self.epoch(),
            breaker: self.breaker().state().0,
        }
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Probes until `stop`.
    pub(crate) async fn probe_until(self: Arc<Self>, metrics: StoreMetrics, stop: CancellationToken) {
        let mut connection = None;
        loop {
            self.probe_once(&mut connection, &metrics).await;
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(self.probe_interval) => {}
            }
        }
    }

    /// Probes once on `connection`, which is made or dropped as needed.
    pub(crate) async fn probe_once(&self, connection: &mut Option<PgConnection>, metrics: &StoreMetrics) {
        let limit = self.connect_limit * 3;
        let outcome = timeout(limit, self.probe(connection)).await.unwrap_or(Err(Error::Unavailable(None)));
        if let Err(error) = &outcome {
            *connection = None;
            let refused = matches!(error, Error::Unavailable(Some(_)));
            let mut breaker = self.breaker();
            if refused {
                breaker.trip()
            } else {
                breaker.failed()
            }
            let was_up = self.known.up.swap(false, Ordering::AcqRel);
            if was_up {
                tracing::warn!(node = %self.name, error = %error, "Database node `{}` does not answer", self.name);
            }
        } else {
            self.breaker().succeeded();
            if !self.known.up.swap(true, Ordering::AcqRel) {
                tracing::info!(node = %self.name, "Database node `{}` answers", self.name);
            }
        }
        let breaker = self.breaker().state().1;
        metrics.probed(&self.health(), breaker);
    }

    async fn probe(&self, connection: &mut Option<PgConnection>) -> Result<(), Error> {
        let connection = match connection {
            Some(connection) => connection,
            None => connection.insert(self.connect().await?),
        };
        // The position first and the snapshot after it, so that what the snapshot knows of is not older.
        let place = one(Statement::new(PLACE), connection).await?;
        let state = one(Statement::new(STATE), connection).await?;
        self.learn(&place, &state)
    }

    fn learn(&self, place: &PgRow, state: &PgRow) -> Result<(), Error> {
        let in_recovery: bool = place.try_get("in_recovery")?;
        let lsn = count_at(place, "lsn")?;
        let epoch = count_at(state, "epoch")?;
        let known = &self.known;
        known.age_ms.store(count_at(state, "age_ms")?, Ordering::Release);
        let old_epoch = known.epoch.swap(epoch, Ordering::AcqRel);
        let promoted = known.in_recovery.swap(in_recovery, Ordering::AcqRel) != in_recovery;
        if old_epoch != epoch || promoted {
            known.lsn.store(0, Ordering::Release); // positions of two epochs are not compared
            *self.settling() = None;
            if old_epoch != 0 {
                self.renew(&self.pool());
            }
        }
        if in_recovery {
            self.raise_lsn(lsn);
        } else {
            self.settle(lsn, count_at(state, "xmin")?, count_at(state, "xmax")?);
        }
        Ok(())
    }

    fn settle(&self, lsn: u64, xmin: u64, xmax: u64) {
        let mut settling = self.settling();
        match *settling {
            Some((settled, horizon)) if xmin >= horizon => self.raise_lsn(settled),
            Some(_) => return,
            None => {}
        }
        *settling = Some((lsn, xmax));
    }

    fn settling(&self) -> MutexGuard<'_, Option<(u64, u64)>> {
        self.known.settling.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const PLACE: &str = "
    select pg_is_in_recovery() as in_recovery,
        coalesce(pg_wal_lsn_diff(
            case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_insert_lsn() end,
            '0/0'), 0)::bigint as lsn";

const STATE: &str = "
    select e.epoch,
        greatest(0, extract(epoch from clock_timestamp() - h.at) * 1000)::bigint as age_ms,
        pg_snapshot_xmin(pg_current_snapshot())::text::bigint as xmin,
        pg_snapshot_xmax(pg_current_snapshot())::text::bigint as xmax
    from cluster_epoch e cross join heartbeat h";

async fn one(statement: Statement, connection: &mut PgConnection) -> Result<PgRow, Error> {
    let rows = statement.fetch(connection).await?;
    rows.into_iter().next().ok_or_else(|| Error::Corrupt("the epoch or heartbeat row is missing".to_owned()))
}

/// The sentence for an address that is none; the address itself may hold a password and is not shown.
pub(crate) fn bad_url(whose: &str) -> Error {
    Error::Config(format!("the address of {whose} is not a PostgreSQL URL"))
}

/// Leaves a failing node alone for a while, then tries it carefully.
#[derive(Debug, Default)]
struct Breaker {
    failures_max: u32,
    open_for: Duration,
    failures: u32,
    open_until: Option<Instant>,
    trials: u32,
}

impl Breaker {
    /// Successes in a row that close it again.
    const TRIALS: u32 = 2;

    fn allows(&self) -> bool {
        self.open_until.is_none_or(|until| Instant::now() >= until)
    }

    fn state(&self) -> (&'static str, i64) {
        match self.open_until {
            None => ("closed", 0),
            Some(until) if Instant::now() >= until => ("half_open", 1),
            Some(_) => ("open", 2),
        }
    }

    fn failed(&mut self) {
        self.failures += 1;
        if self.failures >= self.failures_max || self.open_until.is_some() {
            self.trip();
        }
    }

    fn trip(&mut self) {
        let jitter = self.open_for.mul_f64(rand::random_range(0.0..0.5));
        self.open_until = Some(Instant::now() + self.open_for + jitter);
        self.failures = 0;
        self.trials = 0;
    }

    fn succeeded(&mut self) {
        self.failures = 0;
        if self.open_until.is_some() && self.allows() {
            self.trials += 1;
            if self.trials >= Self::TRIALS {
                self.open_until = None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaker() -> Breaker {
        Breaker { failures_max: 3, open_for: Duration::from_millis(100), ..Breaker::default() }
    }

    #[test]
    fn it_opens_after_failures_in_a_row() {
        let mut breaker = breaker();
        breaker.failed();
        breaker.failed();
        breaker.succeeded();
        breaker.failed();
        breaker.failed();
        assert!(breaker.allows());
        breaker.failed();
        assert!(!breaker.allows());
        assert_eq!(breaker.state().0, "open");
    }

    #[test]
    fn it_closes_after_two_trials_and_opens_at_once_when_one_fails() {
        let mut breaker = breaker();
        breaker.trip();
        breaker.open_until = Some(Instant::now());
        assert_eq!(breaker.state().0, "half_open");
        breaker.succeeded();
        breaker.failed();
        assert_eq!(breaker.state().0, "open");
        breaker.open_until = Some(Instant::now());
        breaker.succeeded();
        breaker.succeeded();
        assert_eq!(breaker.state().0, "closed");
    }
}
