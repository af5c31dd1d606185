//! The relay: committed outbox rows become positions in the stream.
//!
//! One relay leads at a time, by an advisory lock on a connection of its own. It reads committed rows below
//! the oldest open transaction (so nothing can appear behind its cursor), waits until the standby that would
//! be promoted has flushed them (so no reader sees what a failover could undo), and appends. Positions and
//! cursor are saved in one transaction: a crash anywhere repeats a batch and never skips one.

use crate::Error;
use domain::Clock;
use domain::metrics::Metrics;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use serde::Deserialize;
use std::time::Duration;
use store::{OutboxCursor, OutboxRow, Unreadable, Writer};
use stream::{Pending, Stream};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

/// How the relay waits and how much it takes at a time.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Rows of one append.
    pub batch_max: usize,
    /// The longest pause between two looks at the outbox; a commit wakes the relay earlier.
    pub poll_ms_max: u64,
    /// Replication name of the standby whose flush is waited for; empty switches the gate off.
    pub gate_standby: String,
    /// After this long an event leaves ungated, and is counted.
    pub gate_ms_max: u64,
    /// The pause after a failure, and between two tries to become the leader.
    pub retry_ms: u64,
}

/// The relay of the primary region.
pub struct Relay {
    writer: Writer,
    stream: Stream,
    config: Config,
    clock: Clock,
    counted: Counted,
    /// The last try failed, and that was logged.
    is_failing: bool,
}

struct Counted {
    relayed: Counter,
    ungated: Counter,
    parked: Counter,
    leading: Gauge,
    age_ms: Gauge,
}

impl Relay {
    /// A relay that does nothing until [`Relay::run`].
    pub fn new(writer: Writer, stream: Stream, config: Config, clock: Clock, metrics: &Metrics) -> Self {
        let counted = Counted {
            relayed: metrics.counter("outbox_relayed", "Events appended to the stream"),
            ungated: metrics
                .counter("outbox_ungated", "Events that left before the standby had flushed them"),
            parked: metrics.counter("outbox_parked", "Events set aside because they could not be read"),
            leading: metrics.gauge("relay_leading", "1 where this process leads"),
            age_ms: metrics.gauge("outbox_delivery_ms", "Age of the newest event when it was appended"),
        };
        Self { writer, stream, config, clock, counted, is_failing: false }
    }

    /// Leads, or waits to lead, until `shutdown`.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let pause = Duration::from_millis(self.config.retry_ms);
        while !shutdown.is_cancelled() {
            let led = self.lead(&shutdown).await;
            self.counted.leading.set(0);
            if let Err(error) = led
                && !self.is_failing
            {
                warn!(error = %chain(&error), "The relay lost the database and tries again");
                self.is_failing = true;
            }
            let _ = timeout(pause, shutdown.cancelled()).await;
        }
    }

    async fn lead(&mut self, shutdown: &CancellationToken) -> Result<(), Error> {
        let Some(mut leadership) = self.writer.lead("relay").await? else { return Ok(()) };
        let mut commits = self.writer.wakeups().await?;
        let mut lead = Lead { cursor: self.writer.outbox_cursor().await?, standby_is_away: false };
        let pause_max = Duration::from_millis(self.config.poll_ms_max);
        let mut pause = PAUSE_MIN;
        let mut checked_at = Instant::now();
        while !shutdown.is_cancelled() {
            if checked_at.elapsed() >= CHECK_INTERVAL {
                leadership.check().await?;
                checked_at = Instant::now();
            }
            let carried = self.carry(&mut lead).await?;
            self.note_leading();
            if carried > 0 {
                pause = PAUSE_MIN;
                continue;
            }
            tokio::select! {
                () = shutdown.cancelled() => {}
                // Behind an older open transaction a commit is heard before it can be read.
                woken = commits.next(pause) => pause = if woken? { PAUSE_MIN } else { pause_max.min(pause * 2) },
            }
        }
        leadership.resign().await;
        Ok(())
    }

    /// Leading is what has worked once.
    fn note_leading(&mut self) {
        if self.counted.leading.set(1) == 0 {
            info!("Leading the relay");
            self.is_failing = false;
        }
    }

    /// Carries one batch; says how many events it had.
    async fn carry(&self, lead: &mut Lead) -> Result<usize, Error> {
        let batch = self.writer.outbox_batch(lead.cursor, self.config.batch_max).await?;
        let Some(cursor) = batch.cursor else { return Ok(0) };
        self.park(&batch.unreadable).await?;
        let gated = self.standby_has(batch.lsn, lead).await?;
        let pending = |row: &OutboxRow| Pending {
            epoch: row.epoch,
            event: row.event.clone(),
            lsn: batch.lsn,
            ungated: !gated,
        };
        let pending: Vec<Pending> = batch.rows.iter().map(pending).collect();
        self.stream.append(&pending, Some(cursor)).await?;
        lead.cursor = cursor;
        self.count(&batch.rows, gated);
        Ok(batch.rows.len() + batch.unreadable.len())
    }

    /// Sets aside what cannot be read, before the cursor goes past it: a crash between the two repeats this.
    async fn park(&self, unreadable: &[Unreadable]) -> Result<(), Error> {
        if unreadable.is_empty() {
            return Ok(());
        }
        self.writer.outbox_park(unreadable).await?;
        self.counted.parked.inc_by(unreadable.len() as u64);
        for Unreadable { event_id, reason } in unreadable {
            error!(%event_id, reason, "An event of the outbox cannot be read and is set aside: see `sangraha outbox`");
        }
        Ok(())
    }

    /// Waits until the standby has flushed everything up to `lsn`; false when it took too long. One that was
    /// away for the whole of a wait is not waited for again until it is back.
    async fn standby_has(&self, lsn: u64, lead: &mut Lead) -> Result<bool, Error> {
        if self.config.gate_standby.is_empty() {
            return Ok(true);
        }
        let deadline = Instant::now() + Duration::from_millis(self.config.gate_ms_max);
        loop {
            let flushed = self.writer.flushed_lsn(&self.config.gate_standby).await?;
            if flushed.is_some() && lead.standby_is_away {
                info!(standby = %self.config.gate_standby, "The standby is back: events wait for it again");
                lead.standby_is_away = false;
            }
            if flushed.is_some_and(|flushed| flushed >= lsn) {
                return Ok(true);
            }
            if lead.standby_is_away {
                return Ok(false);
            }
            if Instant::now() >= deadline {
                lead.standby_is_away = flushed.is_none();
                warn!(standby = %self.config.gate_standby, away = lead.standby_is_away,
                    "Events leave before the standby has flushed them");
                return Ok(false);
            }
            tokio::time::sleep(GATE_POLL).await;
        }
    }

    fn count(&self, rows: &[OutboxRow], gated: bool) {
        let Some(newest) = rows.last() else { return };
        self.counted.relayed.inc_by(rows.len() as u64);
        self.counted.age_ms.set((self.clock.now() - newest.event.at).num_milliseconds().max(0));
        if !gated {
            self.counted.ungated.inc_by(rows.len() as u64);
        }
    }
}

/// What a relay remembers while it leads. Should another one lead unnoticed, both read the same order and
/// append each event once, so nothing here needs to be fresh.
struct Lead {
    cursor: OutboxCursor,
    /// The gate was waited for in vain and nobody has seen the standby since.
    standby_is_away: bool,
}

/// The first pause after an event; the pauses double up to `poll_ms_max`.
const PAUSE_MIN: Duration = Duration::from_millis(2);
/// Between two questions whether this process still leads.
const CHECK_INTERVAL: Duration = Duration::from_millis(100);
/// Between two looks at the standby's position.
const GATE_POLL: Duration = Duration::from_millis(2);

/// An error with its causes on one line, for the log.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |line, cause| format!("{line}: {cause}"))
}
