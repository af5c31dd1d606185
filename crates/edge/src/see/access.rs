//! The access log: one line a request, written by a thread of its own.
//!
//! A line is put together where the request was answered, in a buffer that only few threads share; the writer takes
//! whole buffers. Requests never wait for a disk: when lines come faster than they can be written, they are dropped
//! and counted.

use super::line::{Entry, Stamp};
use crate::Error;
use crate::front::workers;
use crate::see::telemetry::Telemetry;
use http::Response;
use prometheus_client::metrics::counter::Counter;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Where lines go, and how they look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessLog {
    /// The file; lines are added to it.
    pub path: PathBuf,
    /// The form of a line.
    pub format: AccessFormat,
}

/// The form of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccessFormat {
    /// One JSON object.
    Json,
    /// What nginx and Apache httpd call combined.
    Combined,
}

/// A buffer goes to the writer when it is longer.
const BLOCK_BYTES: usize = 64 * 1024;

/// Blocks that may wait for the writer.
const BLOCKS_MAX: usize = 64;

/// Lines are written after this at the latest.
const FLUSH_EVERY: Duration = Duration::from_millis(100);

/// The way to the writer.
pub(crate) struct Access {
    format: AccessFormat,
    desks: Arc<[Mutex<Desk>]>,
    writer: SyncSender<Order>,
    dropped: Counter,
}

/// What one thread has written.
#[derive(Default)]
struct Desk {
    text: Vec<u8>,
    lines: u64,
    stamp: Stamp,
}

enum Order {
    Write(Vec<u8>),
    /// Write everything that there is, and say so.
    Flush(SyncSender<()>),
}

impl Access {
    /// Opens the file and starts the writer, which ends with the edge.
    pub(crate) fn open(log: &AccessLog, threads: usize, telemetry: &Telemetry) -> Result<Self, Error> {
        let unusable = |source| Error::File { path: log.path.clone(), source };
        let file = OpenOptions::new().create(true).append(true).open(&log.path).map_err(unusable)?;
        let (writer, orders) = sync_channel(BLOCKS_MAX);
        let desks: Arc<[Mutex<Desk>]> = (0..threads.max(1)).map(|_| Mutex::default()).collect();
        let seen = desks.clone();
        std::thread::Builder::new()
            .name("access-log".to_owned())
            .spawn(move || write(&orders, &seen, file))
            .map_err(unusable)?;
        Ok(Self { format: log.format, desks, writer, dropped: telemetry.access_dropped.clone() })
    }

    /// Adds a line for an answer whose head is ready.
    pub(crate) fn write(
        &self,
        entry: &Entry,
        response: &Response<crate::body::Body>,
        now_us: impl FnOnce() -> i64,
    ) {
        let mut desk = locked(&self.desks[workers::number() % self.desks.len()]);
        let Desk { text, lines, stamp } = &mut *desk;
        match self.format {
            AccessFormat::Json => entry.json(response, now_us(), stamp, text),
            AccessFormat::Combined => entry.combined(response, stamp, text),
        }
        *lines += 1;
        if text.len() < BLOCK_BYTES {
            return;
        }
        let full = std::mem::replace(text, Vec::with_capacity(BLOCK_BYTES + BLOCK_BYTES / 8));
        let lines = std::mem::take(lines);
        if self.writer.try_send(Order::Write(full)).is_err() {
            self.dropped.inc_by(lines);
        }
    }

    /// Waits until every line so far is in the file.
    pub(crate) fn flush(&self) {
        let (done, seen) = sync_channel(1);
        // A writer that is gone has nothing to flush.
        if self.writer.send(Order::Flush(done)).is_ok() {
            let _ = seen.recv();
        }
    }
}

fn locked(desk: &Mutex<Desk>) -> MutexGuard<'_, Desk> {
    desk.lock().unwrap_or_else(PoisonError::into_inner)
}

fn write(orders: &Receiver<Order>, desks: &[Mutex<Desk>], mut file: File) {
    loop {
        let order = orders.recv_timeout(FLUSH_EVERY);
        let result = match &order {
            Ok(Order::Write(block)) => file.write_all(block),
            Ok(Order::Flush(_)) | Err(_) => desks.iter().try_for_each(|desk| {
                let mut desk = locked(desk);
                desk.lines = 0;
                let text = std::mem::take(&mut desk.text);
                drop(desk);
                if text.is_empty() { Ok(()) } else { file.write_all(&text) }
            }),
        };
        if let Err(error) = result {
            let error: &(dyn std::error::Error + 'static) = &error;
            tracing::warn!(error, "The access log cannot be written");
        }
        match order {
            Ok(Order::Flush(done)) => drop(done.send(())),
            Err(RecvTimeoutError::Disconnected) => return,
            Ok(Order::Write(_)) | Err(RecvTimeoutError::Timeout) => {}
        }
    }
}
