//! The doors: [`Reader`] chooses a node for each read, [`Writer`] knows only the primary.

use crate::config::{Config, Node};
use crate::epoch::EpochRow;
use crate::error::Error;
use crate::lag;
use crate::metrics::StoreMetrics;
use crate::node::{NodeHealth, NodeRole, NodeState, Purpose};
use crate::outbox::Notifier;
use crate::statement::Statement;
use domain::{Clock, Region};
use sqlx::postgres::PgRow;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// How fresh a read must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadPolicy {
    /// Whatever the nearest healthy node has.
    Any,
    /// Including the WAL position `lsn`; the nearest node is waited for, at most `wait_ms`.
    AtLeast { lsn: u64, wait_ms: u64 },
}

impl ReadPolicy {
    const fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::AtLeast { .. } => "at_least",
        }
    }

    const fn lsn(self) -> u64 {
        match self {
            Self::Any => 0,
            Self::AtLeast { lsn, .. } => lsn,
        }
    }
}

/// Reads of what is live. Clones share their pools.
#[derive(Clone)]
pub struct Reader(Arc<ReaderInner>);

struct ReaderInner {
    replicas: Vec<Arc<NodeState>>,
    primary: Option<Arc<NodeState>>,
    primary_budget: Arc<Semaphore>,
    lag_ms_max: u64,
    metrics: StoreMetrics,
}

impl Reader {
    pub(crate) async fn open(
        config: &Config,
        region: &Region,
        metrics: &StoreMetrics,
        stop: &CancellationToken,
    ) -> Result<Self, Error> {
        let mut replicas = Vec::with_capacity(config.replicas.len());
        for node in &config.replicas {
            replicas.push(probed(node, config, region, Purpose::Read, metrics, stop).await?);
        }
        let primary = match &config.primary_reader {
            Some(node) => Some(probed(node, config, region, Purpose::Read, metrics, stop).await?),
            None => None,
        };
        Ok(Self(Arc::new(ReaderInner {
            replicas,
            primary,
            primary_budget: Arc::new(Semaphore::new(config.primary_read_budget)),
            lag_ms_max: config.lag_ms_max,
            metrics: metrics.clone(),
        })))
    }

    /// Chooses the node of one request: the nearest replica that is healthy and fresh enough, then the
    /// primary within its budget, then (for [`ReadPolicy::Any`]) a stale replica rather than nothing.
    pub async fn read(&self, policy: ReadPolicy) -> Result<Read, Error> {
        let chosen = self.choose(policy, None).await?;
        Ok(Read {
            reader: self.clone(),
            policy,
            chosen: Mutex::new(chosen),
            answered: AtomicBool::new(false),
            statements: AtomicU32::new(0),
        })
    }

    /// Waits until the node that serves local reads has replayed `lsn`; false if it has not within `wait`.
    pub async fn await_replayed(&self, lsn: u64, wait: Duration) -> Result<bool, Error> {
        let node = self.0.replicas.iter().find(|node| node.allows()).or(self.0.primary.as_ref());
        lag::await_replayed(node.ok_or(Error::NoNode)?, lsn, wait).await
    }

    /// The epoch row as the nearest node has it.
    pub async fn epoch(&self) -> Result<EpochRow, Error> {
        self.read(ReadPolicy::Any).await?.epoch_row().await
    }

    /// What the probers last learned, nearest node first, the primary last.
    pub fn nodes(&self) -> Vec<NodeHealth> {
        self.0.replicas.iter().chain(&self.0.primary).map(|node| node.health()).collect()
    }

    /// Whether a node can answer now.
    pub fn is_available(&self) -> bool {
        self.0.replicas.iter().chain(&self.0.primary).any(|node| node.allows())
    }

    async fn choose(&self, policy: ReadPolicy, avoid: Option<&Arc<NodeState>>) -> Result<Chosen, Error> {
        let inner = &*self.0;
        let may_serve = |node: &&Arc<NodeState>| avoid.is_none_or(|avoid| !Arc::ptr_eq(avoid, node));
        let mut reason = if avoid.is_some() { "retry" } else { "nearest" };
        let mut wait = match policy {
            ReadPolicy::AtLeast { wait_ms, .. } => Duration::from_millis(wait_ms),
            ReadPolicy::Any => Duration::ZERO,
        };
        for node in inner.replicas.iter().filter(may_serve) {
            if !node.allows() {
                reason = "nearer_down";
            } else if node.age_ms() > inner.lag_ms_max {
                reason = "nearer_lags";
            } else if matches!(lag::await_replayed(node, policy.lsn(), wait).await, Ok(true)) {
                return Ok(self.chosen(node, None, policy, reason));
            } else {
                reason = "nearer_behind";
                wait = Duration::ZERO; // the wait is one budget, not one for each node
            }
        }
        if let Some(node) = inner.primary.as_ref().filter(may_serve).filter(|node| node.allows()) {
            let replayed = matches!(lag::await_replayed(node, policy.lsn(), wait).await, Ok(true));
            match Arc::clone(&inner.primary_budget).try_acquire_owned() {
                Ok(permit) if replayed => return Ok(self.chosen(node, Some(permit), policy, reason)),
                Ok(_) => {}
                Err(_) => inner.metrics.routed(policy.name(), "none", "budget_spent"),
            }
        }
        self.last_resort(policy, avoid, reason)
    }

    /// Nothing is healthy and fresh: an old answer is better than none, unless the caller asked for a
    /// position. The last node is never given up.
    fn last_resort(
        &self,
        policy: ReadPolicy,
        avoid: Option<&Arc<NodeState>>,
        reason: &'static str,
    ) -> Result<Chosen, Error> {
        let refuse = |error| {
            self.0.metrics.routed(policy.name(), "none", reason);
            Err(error)
        };
        if policy.lsn() > 0 {
            return refuse(Error::Behind);
        }
        let replicas = || self.0.replicas.iter();
        let other = |node: &&Arc<NodeState>| avoid.is_none_or(|avoid| !Arc::ptr_eq(avoid, node));
        let found = replicas()
            .filter(other)
            .find(|node| node.allows())
            .or_else(|| replicas().find(|node| node.is_up()))
            .or_else(|| replicas().find(other))
            .or_else(|| replicas().next());
        match found {
            Some(node) => Ok(self.chosen(node, None, policy, "stale")),
            None => refuse(Error::NoNode),
        }
    }

    fn chosen(
        &self,
        node: &Arc<NodeState>,
        permit: Option<OwnedSemaphorePermit>,
        policy: ReadPolicy,
        reason: &'static str,
    ) -> Chosen {
        let place = match (node.role(), node.local) {
            (NodeRole::Primary, _) => "primary",
            (NodeRole::Replica, true) => "local",
            (NodeRole::Replica, false) => "remote",
        };
        self.0.metrics.routed(policy.name(), place, reason);
        Chosen {
            lsn: node.lsn().max(policy.lsn()),
            age_ms: node.age_ms(),
            epoch: node.epoch(),
            role: node.role(),
            node: Arc::clone(node),
            _permit: permit,
        }
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Reader").field("nodes", &self.nodes()).finish()
    }
}

/// The reads of one request, all answered by one node.
///
/// The first statement may move to another node where its own fails in a way that says nothing about the
/// question; after an answer the node stays, since two nodes together can tell a story that never was.
pub struct Read {
    reader: Reader,
    policy: ReadPolicy,
    chosen: Mutex<Chosen>,
    answered: AtomicBool,
    statements: AtomicU32,
}

struct Chosen {
    node: Arc<NodeState>,
    role: NodeRole,
    lsn: u64,
    age_ms: u64,
    epoch: u64,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Read {
    /// Name of the node that answers.
    pub fn node(&self) -> String {
        self.chosen().node.name.clone()
    }

    /// Region of the node that answers.
    pub fn region(&self) -> Region {
        self.chosen().node.region.clone()
    }

    /// Whether a replica or the primary answers.
    pub fn role(&self) -> NodeRole {
        self.chosen().role
    }

    /// A WAL position, in bytes, that everything read here includes. What is read may be newer.
    pub fn lsn(&self) -> u64 {
        self.chosen().lsn
    }

    /// Age of the heartbeat row on the node, in milliseconds: how old an answer may be.
    pub fn age_ms(&self) -> u64 {
        self.chosen().age_ms
    }

    /// Whether the node is fresh enough to know what was changed lately. Where none is, a stale one answers, and what it
    /// shows may be of any age.
    pub fn is_current(&self) -> bool {
        self.age_ms() <= self.reader.0.lag_ms_max
    }

    /// The epoch of the database as the node knows it.
    pub fn epoch(&self) -> u64 {
        self.chosen().epoch
    }

    /// Statements sent so far, retries not counted.
    pub fn statements(&self) -> u32 {
        self.statements.load(Ordering::Relaxed)
    }

    pub(crate) async fn rows(&self, statement: Statement) -> Result<Vec<PgRow>, Error> {
        self.statements.fetch_add(1, Ordering::Relaxed);
        let node = Arc::clone(&self.chosen().node);
        let outcome = match node.rows(statement.clone()).await {
            Err(error) if error.is_retryable() && !self.answered.load(Ordering::Acquire) => {
                tracing::debug!(node = %node.name, error = %error, "Reading from another node");
                let next = self.reader.choose(self.policy, Some(&node)).await?;
                let node = Arc::clone(&next.node);
                *self.chosen() = next;
                node.rows(statement).await
            }
            outcome => outcome,
        };
        if outcome.is_ok() {
            self.answered.store(true, Ordering::Release);
        }
        outcome
    }

    pub(crate) async fn row(&self, statement: Statement) -> Result<Option<PgRow>, Error> {
        Ok(self.rows(statement).await?.into_iter().next())
    }

    fn chosen(&self) -> MutexGuard<'_, Chosen> {
        self.chosen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Read {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let chosen = self.chosen();
        formatter.debug_struct("Read").field("node", &chosen.node.name).field("lsn", &chosen.lsn).finish()
    }
}

/// Writes and strong reads on the primary. Clones share their pool.
#[derive(Clone)]
pub struct Writer(pub(crate) Arc<WriterInner>);

pub(crate) struct WriterInner {
    pub(crate) node: Arc<NodeState>,
    pub(crate) clock: Clock,
    pub(crate) epoch: AtomicU64,
    pub(crate) notifier: Notifier,
    pub(crate) metrics: StoreMetrics,
}

impl Writer {
    pub(crate) async fn open(
        config: &Config,
        primary: &Node,
        region: &Region,
        clock: Clock,
        metrics: &StoreMetrics,
        stop: &CancellationToken,
    ) -> Result<Self, Error> {
        let node = probed(primary, config, region, Purpose::Write, metrics, stop).await?;
        let notifier = Notifier::start(Arc::clone(&node), stop.clone());
        let epoch = AtomicU64::new(node.epoch());
        Ok(Self(Arc::new(WriterInner { node, clock, epoch, notifier, metrics: metrics.clone() })))
    }

    /// Whether the primary takes writes, as the prober sees it.
    pub fn is_available(&self) -> bool {
        let available = self.0.node.allows() && !self.0.node.in_recovery();
        self.0.metrics.write_available.set(i64::from(available));
        available
    }

    /// What the prober last learned of the primary.
    pub fn health(&self) -> NodeHealth {
        self.0.node.health()
    }

    /// One circuit for all writers: where the primary is known to be away, nobody waits for it.
    pub(crate) fn check_available(&self) -> Result<(), Error> {
        if self.is_available() { Ok(()) } else { Err(Error::Unavailable(None)) }
    }

    /// A strong read, or a single statement that may run twice: after a restart of the primary the pool
    /// holds dead connections, and the first one to be noticed fails.
    pub(crate) async fn rows(&self, statement: Statement) -> Result<Vec<PgRow>, Error> {
        self.check_available()?;
        match self.0.node.rows(statement.clone()).await {
            Err(error) if error.is_retryable() && self.check_available().is_ok() => {
                self.0.node.rows(statement).await
            }
            outcome => outcome,
        }
    }

    pub(crate) async fn row(&self, statement: Statement) -> Result<Option<PgRow>, Error> {
        Ok(self.rows(statement).await?.into_iter().next())
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Writer").field("node", &self.0.node.health()).finish()
    }
}

/// A node that was probed once and is probed on until `stop`.
async fn probed(
    node: &Node,
    config: &Config,
    region: &Region,
    purpose: Purpose,
    metrics: &StoreMetrics,
    stop: &CancellationToken,
) -> Result<Arc<NodeState>, Error> {
    let state = Arc::new(NodeState::new(node, config, region, purpose)?);
    state.probe_once(&mut None, metrics).await;
    tokio::spawn(Arc::clone(&state).probe_until(metrics.clone(), stop.clone()));
    Ok(state)
}
