//! Log lines: to standard output, where whoever started the process collects them.

use crate::Error;
use crate::config::{Log, LogFormat};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::SubscriberBuilder;

/// Starts logging for the life of the process. A second start in one process (tests) changes nothing.
pub fn start(log: &Log) -> Result<(), Error> {
    let filter: EnvFilter =
        log.filter.parse().map_err(|error| Error::Config(format!("`log.filter` cannot be read: {error}")))?;
    // Words that nobody can take any more (a closed pipe while the process drains) are dropped silently.
    let builder =
        SubscriberBuilder::default().with_env_filter(filter).with_ansi(false).log_internal_errors(false);
    let _ = match log.format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    Ok(())
}
