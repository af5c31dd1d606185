//! The private port: health, metrics, the status of this process, the purge feed, orders to the index.
//!
//! It has no authentication and belongs on loopback or an inner network.

use crate::config::NodeConfig;
use crate::node::Parts;
use crate::reach;
use crate::reload::Reload;
use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use chrono::{DateTime, Utc};
use domain::metrics::Metrics;
use domain::purge::PurgeBatch;
use edge::StatusHandle;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::Instant;
use web::health::Readiness;
use web::{Json, Problem, Query};

/// What the private port can tell about.
pub struct Private {
    /// Which process.
    pub node: NodeConfig,
    /// Since when.
    pub started_at: DateTime<Utc>,
    /// Set when every listener listens.
    pub has_started: Arc<AtomicBool>,
    /// A node's parts.
    pub parts: Option<Parts>,
    /// An edge.
    pub edge: Option<StatusHandle>,
    /// What happens when it shall read its configuration again.
    pub reload: Option<Reload>,
    /// Its instruments.
    pub metrics: Metrics,
}

type Shared = Arc<Private>;

/// Everything that the port answers.
pub fn router(private: Private) -> Router {
    let shared: Shared = Arc::new(private);
    let (started, ready) = (shared.clone(), shared.clone());
    let health = web::health::router(
        move || started.has_started.load(Ordering::Relaxed),
        move || {
            let shared = ready.clone();
            async move { shared.readiness().await }
        },
        shared.metrics.clone(),
    );
    Router::new()
        .route("/status", get(status))
        .route("/internal/explain", get(explain))
        .route("/internal/reload", post(reload))
        .route("/internal/limits/share", get(share))
        .route("/internal/purges", get(purges))
        .route("/internal/edges", get(edges))
        .route("/internal/search/misses", get(search_misses))
        .route("/internal/index/rebuild", post(index_rebuild))
        .route("/internal/index/verify", post(index_verify))
        .with_state(shared)
        .merge(health)
}

impl Private {
    async fn readiness(&self) -> Readiness {
        let mut readiness = Readiness::default();
        if let Some(parts) = &self.parts {
            readiness = parts_readiness(parts).await;
        }
        if let Some(edge) = &self.edge {
            let status = edge.status();
            let heard = status.purge_position.map_or("not heard yet".to_owned(), |at| format!("at {at}"));
            readiness = readiness.with("purge_feed", status.epoch.is_some() && !status.blind, false, heard);
        }
        readiness
    }
}

/// Reads can go on without the primary and a little behind it; not without any database, nor with an index
/// that was never filled.
async fn parts_readiness(parts: &Parts) -> Readiness {
    let mut readiness = Readiness::default();
    let nodes = parts.reader.nodes();
    let up = nodes.iter().filter(|node| node.up).count();
    let reads = format!("{up} of {} nodes answer", nodes.len());
    readiness = readiness.with("reads", parts.reader.is_available(), true, reads);
    if let Some(writer) = &parts.writer {
        let is_available = writer.is_available();
        readiness = readiness.with(
            "writes",
            is_available,
            false,
            if is_available { "available" } else { "unavailable" },
        );
    }
    if parts.orders.is_some() {
        let (is_fine, is_needed, words) = match parts.search.stats().await {
            Ok(stats) => (stats.position.is_some(), true, format!("{} documents", stats.documents)),
            // The database answers searches meanwhile.
            Err(_) => (false, false, "cannot be reached".to_owned()),
        };
        readiness = readiness.with("index", is_fine, is_needed, words);
        let applied = parts.feed.applied();
        let head = parts.stream.head().await.map_or(u64::MAX, |head| head.position);
        let at_head = applied.epoch > 0 && applied.position >= head;
        readiness = readiness.with("follower", at_head, false, format!("at {} of {head}", applied.position));
    }
    readiness
}

/// What the searches of this process found nothing good for; of a process without searches nothing.
async fn search_misses(State(shared): State<Shared>) -> Json<Value> {
    let misses = shared.parts.as_ref().map(|parts| parts.search.misses()).unwrap_or_default();
    Json(json!({ "items": misses }))
}

#[derive(Deserialize)]
struct Explained {
    url: url::Url,
}

/// Why an edge answers an address as it does; `null` where this process is none.
async fn explain(State(shared): State<Shared>, Query(asked): Query<Explained>) -> Json<Value> {
    Json(json!(shared.edge.as_ref().map(|edge| edge.explain(&asked.url))))
}

/// An edge that shares quotas with the others of its region.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sharer {
    /// Who asks.
    edge: String,
    /// Into how many slices it cuts the quotas; 0 where it was never told.
    edges: u32,
}

/// Into how many slices shared quotas are cut. Only a node says it: edges have one and the same to ask.
async fn share(
    State(shared): State<Shared>,
    Query(sharer): Query<Sharer>,
) -> Result<Json<edge::Share>, Problem> {
    let parts = shared.parts.as_ref().ok_or_else(Problem::not_found)?;
    if sharer.edge.len() > EDGE_NAME_CHARS_MAX {
        return Err(Problem::bad_request("`edge` is longer than any edge's name"));
    }
    Ok(Json(parts.sharers.heard(&sharer.edge, sharer.edges, std::time::Instant::now())))
}

/// Reads the configuration again; the answer says what serves now, or why nothing has changed.
async fn reload(State(shared): State<Shared>) -> Result<Json<Value>, Problem> {
    let reload = shared.reload.as_ref().ok_or_else(Problem::not_found)?;
    reload.now().map(|changed| Json(json!(changed))).map_err(|error| Problem::bad_request(error.told()))
}

async fn status(State(shared): State<Shared>) -> Json<Value> {
    let mut status = json!({
        "name": shared.node.name,
        "region": shared.node.region,
        "roles": shared.node.roles,
        "version": env!("CARGO_PKG_VERSION"),
        "pid": std::process::id(),
        "started_at": shared.started_at,
    });
    if let Some(parts) = &shared.parts {
        parts_status(parts, &mut status).await;
    }
    if let Some(edge) = &shared.edge {
        status["edge"] = json!(edge.status());
    }
    Json(status)
}

async fn parts_status(parts: &Parts, status: &mut Value) {
    status["databases"] = parts
        .reader
        .nodes()
        .iter()
        .map(|node| {
            json!({
                "name": node.name, "region": node.region, "role": node.role.as_str(), "up": node.up,
                "lag_ms": node.age_ms, "lsn": node.lsn, "epoch": node.epoch, "breaker": node.breaker,
            })
        })
        .collect();
    let head = parts.stream.head().await.ok().map(|head| head.position);
    status["stream"] = json!({"head": head});
    if let Some(writer) = &parts.writer {
        let outbox = writer.outbox_state().await.ok();
        status["outbox"] = json!({
            "pending": outbox.map(|outbox| outbox.pending),
            "oldest_age_ms": outbox.map(|outbox| outbox.age_ms),
            "parked": outbox.map(|outbox| outbox.parked),
        });
        status["writes"] = json!(if writer.is_available() { "available" } else { "unavailable" });
    }
    if parts.orders.is_some() {
        let applied = parts.feed.applied();
        let behind = head.map(|head| head.saturating_sub(applied.position));
        status["follower"] = json!({"epoch": applied.epoch, "position": applied.position, "behind": behind});
        status["index"] = json!(parts.search.stats().await.ok());
        let edges = parts.feed.edges().into_iter();
        status["edges"] = edges
            .map(|(name, edge)| {
                let behind = applied.position.saturating_sub(edge.position);
                json!({"name": name, "position": edge.position, "behind": behind, "live": edge.is_live()})
            })
            .collect();
        status["cdns"] = parts
            .cdns
            .all()
            .into_iter()
            .map(|(name, cdn)| {
                json!({
                    "name": name, "provider": cdn.provider, "position": cdn.position,
                    "behind": applied.position.saturating_sub(cdn.position), "failing_since": cdn.failing_since,
                })
            })
            .collect();
    }
}

/// A question of an edge.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    /// Who asks.
    edge: String,
    /// The last position that it applied.
    after: u64,
    /// Of which epoch.
    #[serde(default)]
    epoch: u64,
    /// How long it is willing to wait.
    #[serde(default)]
    wait_ms: u64,
}

/// A name that no edge has; it would only fill the table of edges.
const EDGE_NAME_CHARS_MAX: usize = 64;

async fn purges(
    State(shared): State<Shared>,
    Query(question): Query<Question>,
) -> Result<Json<PurgeBatch>, Problem> {
    let parts = shared.parts.as_ref().ok_or_else(Problem::not_found)?;
    if question.edge.len() > EDGE_NAME_CHARS_MAX {
        return Err(Problem::bad_request("`edge` is longer than any edge's name"));
    }
    let wait = Duration::from_millis(question.wait_ms);
    let batch = parts.feed.next(&question.edge, question.epoch, question.after, wait).await;
    batch.map(Json).map_err(|error| Problem::unavailable(&error))
}

/// How far the edges and CDNs of this region have come, for the write API of the primary's region.
async fn edges(State(shared): State<Shared>) -> Json<Vec<admin::Reached>> {
    let own = |parts| reach::own(parts, &shared.node.region);
    Json(shared.parts.as_ref().map(own).unwrap_or_default())
}

async fn index_rebuild(State(shared): State<Shared>) -> Result<Json<Value>, Problem> {
    let began = Instant::now();
    let documents = orders(&shared)?.rebuild().await.map_err(|error| Problem::unavailable(&error))?;
    Ok(Json(json!({"documents": documents, "took_ms": began.elapsed().as_millis()})))
}

/// Whether differences are mended.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Comparison {
    #[serde(default)]
    repair: bool,
}

async fn index_verify(
    State(shared): State<Shared>,
    Query(Comparison { repair }): Query<Comparison>,
) -> Result<Json<Value>, Problem> {
    let drift = orders(&shared)?.compare(repair).await.map_err(|error| Problem::unavailable(&error))?;
    Ok(Json(json!({
        "documents": drift.database, "indexed": drift.index, "missing": drift.missing, "stale": drift.stale,
        "extra": drift.extra, "drift": drift.total(), "repaired": drift.repairs,
    })))
}

fn orders(shared: &Shared) -> Result<&worker::follower::Orders, Problem> {
    shared.parts.as_ref().and_then(|parts| parts.orders.as_ref()).ok_or_else(Problem::not_found)
}
