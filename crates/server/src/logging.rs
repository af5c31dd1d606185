//! Log lines: to standard output, where whoever started the process collects them.

use crate::Error;
use crate::config::{Log, LogFormat};
use std::sync::OnceLock;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::SubscriberBuilder;
use tracing_subscriber::reload::Handle;

/// Puts another filter in the place of the one that is in force.
type Change = Box<dyn Fn(EnvFilter) + Send + Sync>;

/// How the filter of this process is changed, once it logs.
static CHANGE: OnceLock<Change> = OnceLock::new();

/// Starts logging for the life of the process. A second start in one process (tests) changes nothing.
pub fn start(log: &Log) -> Result<(), Error> {
    // Words that nobody can take any more (a closed pipe while the process drains) are dropped silently.
    let builder = SubscriberBuilder::default()
        .with_env_filter(filter(&log.filter)?)
        .with_ansi(false)
        .log_internal_errors(false);
    let (change, started) = match log.format {
        LogFormat::Text => {
            let builder = builder.with_filter_reloading();
            (change(builder.reload_handle()), builder.try_init())
        }
        LogFormat::Json => {
            let builder = builder.json().flatten_event(true).with_filter_reloading();
            (change(builder.reload_handle()), builder.try_init())
        }
    };
    if started.is_ok() {
        let _ = CHANGE.set(change);
    }
    Ok(())
}

/// Reads a filter, so that a broken one is refused before anything is changed.
pub fn filter(text: &str) -> Result<EnvFilter, Error> {
    text.parse().map_err(|error| Error::Config(format!("`log.filter` cannot be read: {error}")))
}

/// Logs by another filter from here on.
pub fn refilter(filter: EnvFilter) {
    if let Some(change) = CHANGE.get() {
        change(filter);
    }
}

fn change<S: 'static>(handle: Handle<EnvFilter, S>) -> Change {
    Box::new(move |filter| {
        // It fails only where nobody logs any more.
        let _ = handle.reload(filter);
    })
}
