//! Quotas that a region's edges share: each counts alone on a slice, and asks the region's node a few times a second
//! how many there are.
//!
//! The promise is that together they admit at most a tenth more than the quota, whoever dies or is cut off:
//! - A slice is an equal one, so that nobody's grows before everybody has heard of it but by one period.
//! - An edge that is cut off keeps its slice for [`HELD_MAX`], then a tenth of it. The node forgets an edge only
//!   after [`FORGOTTEN_AFTER`], which is later: what it gives to the others is not used any more.
//! - A new edge begins with the slice that its configuration names (`limits.edges`).
//! - A node that has just started knows nobody, and takes the edges' own word for how many they are.

use crate::Inner;
use crate::body::{Body, Collected, Relay};
use crate::config::ms;
use crate::reload::Current;
use http::{Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::time::{MissedTickBehavior, interval, timeout};

/// How long an edge that hears nothing uses its whole slice.
pub(crate) const HELD_MAX: Duration = Duration::from_secs(300);
/// How long an edge that says nothing keeps its slice at the node.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(600);
/// What is left of a slice after [`HELD_MAX`]: one part in so many.
const CUT_OFF_PARTS: u32 = 10;
/// Edges of one region; a name more is not counted.
const EDGES_MAX: usize = 1_000;

/// What a node answers an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Into how many slices the quotas are cut.
    pub edges: u32,
}

/// The edges of a region, as its node knows them.
pub struct Sharers {
    known: Mutex<Known>,
    born: Instant,
}

#[derive(Default)]
struct Known {
    heard_at: BTreeMap<String, Instant>,
    /// The most that an edge said there were, while the node is young.
    told: u32,
}

impl Sharers {
    /// Knows nobody yet.
    pub fn new(now: Instant) -> Self {
        Self { known: Mutex::default(), born: now }
    }

    /// Notes an edge, and what it believes, and says into how many slices the quotas are cut.
    pub fn heard(&self, edge: &str, believes: u32, now: Instant) -> Share {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.heard_at.retain(|_, at| now.saturating_duration_since(*at) < FORGOTTEN_AFTER);
        if known.heard_at.len() < EDGES_MAX || known.heard_at.contains_key(edge) {
            known.heard_at.insert(edge.to_owned(), now);
        }
        let is_young = now.saturating_duration_since(self.born) < FORGOTTEN_AFTER;
        known.told = if is_young { known.told.max(believes.min(EDGES_MAX as u32)) } else { 0 };
        let counted = u32::try_from(known.heard_at.len()).unwrap_or(u32::MAX);
        Share { edges: counted.max(known.told).max(1) }
    }
}

/// An edge's slice.
pub(crate) struct Slice {
    /// What the node said last; 0 before it was heard.
    edges: AtomicU32,
    heard_at: Mutex<Option<Instant>>,
}

impl Slice {
    pub(crate) const fn new() -> Self {
        Self { edges: AtomicU32::new(0), heard_at: Mutex::new(None) }
    }

    /// Into how many parts this edge cuts a quota to take one of them.
    pub(crate) fn parts(&self, edges_configured: u32) -> u32 {
        match self.edges.load(Ordering::Relaxed) {
            0 => edges_configured,
            parts => parts,
        }
    }

    /// What the node was told by this edge, or another that it met before; 0: nothing yet.
    fn edges(&self) -> u32 {
        let edges = self.edges.load(Ordering::Relaxed);
        if self.is_cut_off() { edges / CUT_OFF_PARTS } else { edges }
    }

    pub(crate) fn hear(&self, share: Share, now: Instant) {
        *self.heard_at() = Some(now);
        self.edges.store(share.edges.max(1), Ordering::Relaxed);
    }

    /// Shrinks the slice of an edge that has been cut off for too long.
    pub(crate) fn miss(&self, now: Instant) {
        let mut heard_at = self.heard_at();
        let is_late = heard_at.is_some_and(|at| now.saturating_duration_since(at) >= HELD_MAX);
        if is_late {
            *heard_at = None;
            let edges = self.edges.load(Ordering::Relaxed);
            self.edges.store(edges.saturating_mul(CUT_OFF_PARTS), Ordering::Relaxed);
        }
    }

    fn is_cut_off(&self) -> bool {
        self.heard_at().is_none()
    }

    fn heard_at(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.heard_at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why the node did not say how many edges there are.
#[derive(Debug, thiserror::Error)]
enum Silence {
    #[error("the region's node cannot be reached")]
    Unreachable(#[source] hyper_util::client::legacy::Error),
    #[error("the region's node answered with status {0}")]
    Status(StatusCode),
    #[error("the answer of the region's node broke off")]
    Broken(#[source] std::io::Error),
    #[error("the answer of the region's node is no share")]
    NoShare,
    #[error("the region's node did not answer in time")]
    Late,
}

/// Asks for ever, as often as the configuration says; asks nobody while no rule is shared.
pub(crate) async fn run(current: Arc<Current>) {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let mut silent = false;
    loop {
        let lease = ms(current.now().config.limits.lease_ms);
        let mut ticks = interval(lease);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.tick().await;
        ticks.tick().await;
        let inner = current.now();
        if !inner.config.limits.rules.iter().any(|rule| rule.shared) {
            continue;
        }
        match timeout(lease.max(PATIENCE_MIN), ask(&inner, &client)).await.unwrap_or(Err(Silence::Late)) {
            Ok(share) => inner.slice.hear(share, Instant::now()),
            Err(error) => {
                inner.slice.miss(Instant::now());
                let error: &(dyn std::error::Error + 'static) = &error;
                if !silent {
                    tracing::warn!(
                        error,
                        "Shared quotas: the region's node is silent, the last slice stays in use"
                    );
                }
                silent = true;
                continue;
            }
        }
        silent = false;
    }
}

const PATIENCE_MIN: Duration = Duration::from_millis(100);

async fn ask(inner: &Inner, client: &Client<HttpConnector, Body>) -> Result<Share, Silence> {
    const ANSWER_BYTES_MAX: usize = 1_024;
    let config = &inner.config;
    let path = format!("/internal/limits/share?edge={}&edges={}", config.name, inner.slice.edges());
    let url = config.purge_feed.join(&path).map_err(|_| Silence::NoShare)?;
    let request = Request::get(url.as_str()).body(Body::EMPTY).map_err(|_| Silence::NoShare)?;
    let response = client.request(request).await.map_err(Silence::Unreachable)?;
    if response.status() != StatusCode::OK {
        return Err(Silence::Status(response.status()));
    }
    let body = Relay::new(response.into_body(), u64::MAX, ms(config.body_idle_ms_max));
    match body.collect(ANSWER_BYTES_MAX, None).await.map_err(Silence::Broken)? {
        Collected::Whole(bytes) => serde_json::from_slice(&bytes).map_err(|_| Silence::NoShare),
        Collected::Long(_) | Collected::Slow(_) => Err(Silence::NoShare),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn a_node_counts_its_edges_and_forgets_late() {
        let start = Instant::now();
        let sharers = Sharers::new(start);
        assert_eq!(sharers.heard("a", 0, start).edges, 1);
        assert_eq!(sharers.heard("b", 0, start).edges, 2);
        assert_eq!(sharers.heard("a", 2, after(start, 599)).edges, 2);
        assert_eq!(sharers.heard("a", 2, after(start, 601)).edges, 1, "b is dead, or uses a tenth");
    }

    #[test]
    fn a_node_that_has_just_started_believes_its_edges() {
        let start = Instant::now();
        let sharers = Sharers::new(start);
        assert_eq!(sharers.heard("a", 4, start).edges, 4);
        assert_eq!(sharers.heard("b", 0, after(start, 1)).edges, 4);
    }

    #[test]
    fn an_edge_that_is_cut_off_keeps_its_slice_for_a_while() {
        let (start, slice) = (Instant::now(), Slice::new());
        assert_eq!(slice.parts(4), 4, "what the configuration says, before the node was heard");
        slice.hear(Share { edges: 3 }, start);
        slice.miss(after(start, 299));
        assert_eq!(slice.parts(4), 3);
        slice.miss(after(start, 300));
        slice.miss(after(start, 900));
        assert_eq!((slice.parts(4), slice.edges()), (30, 3));
        slice.hear(Share { edges: 5 }, after(start, 901));
        assert_eq!(slice.parts(4), 5);
    }
}
