//! The edge's end of the purge feed: asks for what comes after the last purge it applied, for ever.
//!
//! Asking for what comes after position n is the acknowledgement of n. A feed that is silent for too long makes
//! the edge blind, which the cache answers by trusting its objects for a short time only.

use crate::Inner;
use crate::body::{Body, Collected, Relay};
use crate::config::ms;
use crate::origin::upstream::{absolute, authority, client, jittered};
use crate::purge::target;
use domain::purge::{Purge, PurgeBatch};
use http::uri::PathAndQuery;
use http::{Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use std::borrow::Cow;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

/// How far the edge has come in the feed.
#[derive(Default)]
pub(crate) struct Progress {
    blind: AtomicBool,
    heard: Mutex<Option<Heard>>,
    /// What a process before this one had heard last, whose objects are still on disk.
    before: Option<Heard>,
}

/// The last word of the feed.
#[derive(Clone, Copy)]
pub(crate) struct Heard {
    pub(crate) epoch: u64,
    pub(crate) position: u64,
}

impl Progress {
    /// Goes on after an epoch and a position.
    pub(crate) fn after(heard: Option<(u64, u64)>) -> Self {
        let before = heard.map(|(epoch, position)| Heard { epoch, position });
        Self { before, ..Self::default() }
    }

    /// The last word, be it of the past: what is asked for comes after it.
    pub(crate) fn last(&self) -> Option<Heard> {
        self.heard().or(self.before)
    }

    pub(crate) fn is_blind(&self) -> bool {
        self.blind.load(Ordering::Relaxed)
    }

    pub(crate) fn heard(&self) -> Option<Heard> {
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why the feed did not answer.
#[derive(Debug, thiserror::Error)]
enum Silence {
    #[error("the purge feed cannot be reached")]
    Unreachable(#[source] hyper_util::client::legacy::Error),
    #[error("the purge feed answered with status {0}")]
    Status(StatusCode),
    #[error("the purge feed's answer broke off")]
    Broken(#[source] std::io::Error),
    #[error("the purge feed's answer is too long")]
    TooLong,
    #[error("the purge feed's answer is no batch")]
    NoBatch(#[source] serde_json::Error),
    #[error("the purge feed's node has only just started")]
    NotReady,
    #[error("the purge feed did not answer in time")]
    Late,
    #[error("the purge feed's address cannot be used")]
    Address,
}

/// Follows the feed until `stop`.
pub(crate) async fn run(inner: Arc<Inner>, stop: CancellationToken) {
    // However this task ends, an edge without it knows nothing of purges.
    let _blinded = BlindOnDrop(inner.clone());
    tokio::select! {
        () = stop.cancelled() => {}
        () = follow(&inner) => {}
    }
}

async fn follow(inner: &Inner) {
    const PAUSE_MS_MIN: u64 = 50;
    const PAUSE_MS_MAX: u64 = 1_000;
    let client = client(&inner.config);
    let mut pause_ms = PAUSE_MS_MIN;
    let mut heard_at = Instant::now();
    loop {
        let blind_at = heard_at + ms(inner.config.blind_after_ms);
        match watched(inner, blind_at, ask(inner, &client)).await {
            Ok(batch) => {
                apply(inner, &batch);
                heard_at = Instant::now();
                set_blind(inner, false);
                pause_ms = PAUSE_MS_MIN;
            }
            Err(silence) => {
                if pause_ms == PAUSE_MS_MIN {
                    let error: &(dyn std::error::Error + 'static) = &silence;
                    tracing::warn!(error, "Lost the purge feed");
                }
                watched(inner, blind_at, sleep(ms(jittered(pause_ms)))).await;
                pause_ms = (pause_ms * 2).min(PAUSE_MS_MAX);
            }
        }
    }
}

/// Waits for `future`, and turns blind when `blind_at` comes first.
async fn watched<T>(inner: &Inner, blind_at: Instant, future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    tokio::select! {
        biased;
        done = &mut future => return done,
        () = sleep_until(blind_at) => set_blind(inner, true),
    }
    future.await
}

async fn ask(inner: &Inner, client: &Client<HttpConnector, Body>) -> Result<PurgeBatch, Silence> {
    /// Beyond the feed's own waiting time.
    const GRACE: Duration = Duration::from_secs(2);
    let config = &inner.config;
    let request = request(inner).ok_or(Silence::Address)?;
    let exchange = async {
        let response = client.request(request).await.map_err(Silence::Unreachable)?;
        if response.status() != StatusCode::OK {
            return Err(Silence::Status(response.status()));
        }
        let body = Relay::new(response.into_body(), u64::MAX, ms(config.body_idle_ms_max));
        match body.collect(config.purge_batch_bytes_max, None).await.map_err(Silence::Broken)? {
            Collected::Whole(bytes) => serde_json::from_slice(&bytes).map_err(Silence::NoBatch),
            Collected::Long(_) | Collected::Slow(_) => Err(Silence::TooLong),
        }
    };
    let batch: PurgeBatch =
        timeout(ms(config.purge_wait_ms) + GRACE, exchange).await.unwrap_or(Err(Silence::Late))?;
    // Epochs begin at 1: a node that does not know its own yet must not cost the edge its objects.
    if batch.epoch == 0 { Err(Silence::NotReady) } else { Ok(batch) }
}

fn request(inner: &Inner) -> Option<Request<Body>> {
    let config = &inner.config;
    let heard = inner.progress.last().unwrap_or(Heard { epoch: 0, position: 0 });
    let target = format!(
        "/internal/purges?edge={}&after={}&epoch={}&wait_ms={}",
        config.name, heard.position, heard.epoch, config.purge_wait_ms
    );
    let uri = absolute(&authority(&config.purge_feed)?, &PathAndQuery::try_from(target).ok()?)?;
    Request::get(uri).body(Body::EMPTY).ok()
}

/// Whether a batch goes on from what was heard. Positions have no gap, so one that begins further on has lost
/// something.
fn follows(heard: Heard, batch: &PurgeBatch) -> bool {
    let first = batch.purges.iter().map(|purge| purge.position).min();
    heard.epoch == batch.epoch
        && heard.position <= batch.position
        && first.is_none_or(|first| first <= heard.position + 1)
}

pub(crate) fn apply(inner: &Inner, batch: &PurgeBatch) {
    let before = inner.progress.last();
    let known = before.filter(|heard| follows(*heard, batch));
    if known.is_none() || batch.purge_all {
        tracing::info!(
            epoch = batch.epoch,
            position = batch.position,
            "Dropped all objects: a new start of the purge feed"
        );
        inner.generations.drop_all(before.is_none_or(|heard| heard.epoch != batch.epoch));
        inner.generations.raise_floor(batch.floor_lsn);
        inner.store.clear();
    }
    // After a new start nothing is a repetition.
    let after = known.filter(|_| !batch.purge_all).map_or(0, |heard| heard.position);
    let repeats = batch.purges.iter().any(|purge| purge.position <= after);
    let new: Cow<'_, [Purge]> = match repeats {
        true => batch.purges.iter().filter(|purge| purge.position > after).cloned().collect(),
        false => Cow::Borrowed(&batch.purges),
    };
    if inner.generations.apply(&target::spelled(inner, &new)) {
        inner.store.clear();
    }
    inner.telemetry.purges.inc_by(batch.purges.len() as u64);
    inner.telemetry.purge_position.set(i64::try_from(batch.position).unwrap_or(i64::MAX));
    inner.generations.hear(batch.epoch, batch.position);
    // Last: whoever reads the position can rely on everything up to it.
    let heard = Heard { epoch: batch.epoch, position: batch.position };
    *inner.progress.heard.lock().unwrap_or_else(PoisonError::into_inner) = Some(heard);
}

pub(crate) fn set_blind(inner: &Inner, blind: bool) {
    if inner.progress.blind.swap(blind, Ordering::Relaxed) == blind {
        return;
    }
    inner.telemetry.blind.set(i64::from(blind));
    if blind {
        tracing::warn!("The purge feed is silent: objects are trusted for a short time only");
    } else {
        tracing::info!("The purge feed is back, and everything it had to say is applied");
    }
}

struct BlindOnDrop(Arc<Inner>);

impl Drop for BlindOnDrop {
    fn drop(&mut self) {
        set_blind(&self.0, true);
    }
}
