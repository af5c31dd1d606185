//! The keeper of the primary region: the heartbeat that lag is measured by, and the end of what is no longer
//! needed.

use crate::Error;
use crate::relay::chain;
use chrono::Duration as Span;
use serde::Deserialize;
use std::time::Duration;
use store::Writer;
use stream::Stream;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// How often, and how long.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Between two heartbeats.
    pub heartbeat_ms: u64,
    /// Between two clearings.
    pub clear_s: u64,
    /// Relayed outbox rows are kept this long (at least 24), so that who fell behind can read them again.
    pub outbox_kept_hours: i64,
    /// Positions of the stream that are kept; a follower further behind builds its index anew.
    pub stream_kept: u64,
}

/// Writes heartbeats and clears, until `shutdown`. Without a primary it waits for one.
pub async fn keep(writer: Writer, stream: Stream, config: Config, shutdown: CancellationToken) {
    let mut beats = interval(Duration::from_millis(config.heartbeat_ms));
    beats.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut cleared_at = Instant::now();
    let mut beating = true;
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = beats.tick() => {}
        }
        let beat = writer.heartbeat_write().await;
        if beating != beat.is_ok() {
            beating = beat.is_ok();
            match beat {
                Ok(()) => info!("The primary takes heartbeats again"),
                Err(error) => warn!(error = %chain(&error), "The primary takes no heartbeat"),
            }
        }
        if beating && cleared_at.elapsed() >= Duration::from_secs(config.clear_s) {
            cleared_at = Instant::now();
            if let Err(error) = clear(&writer, &stream, &config).await {
                warn!(error = %chain(&error), "What is no longer needed could not be cleared");
            }
        }
    }
}

async fn clear(writer: &Writer, stream: &Stream, config: &Config) -> Result<(), Error> {
    let rows = writer.outbox_delete_relayed(Span::hours(config.outbox_kept_hours)).await?;
    let head = stream.head().await?.position;
    let entries = stream.trim(head.saturating_sub(config.stream_kept)).await?;
    writer.purges_delete_old().await?;
    if rows + entries > 0 {
        info!(outbox_rows = rows, stream_entries = entries, "Cleared what is no longer needed");
    }
    Ok(())
}
