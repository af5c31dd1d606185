//! `sangraha load`: a catalogue folder becomes published works.

use crate::config::Config;
use crate::{Error, setup, terminal};
use indicatif::{ProgressBar, ProgressStyle};
use std::path::Path;
use worker::load::{self, Options, Plan, Progress, Report};

/// Loads with a progress bar and prints the report: what is new, changed, the same, what could not be made
/// out, and every row that was not loaded with its line and its reason.
pub async fn run(config: &Config, from: &Path, skip_bad: bool) -> Result<(), Error> {
    let bar = bar();
    let shown = bar.clone();
    let progress = move |progress: Progress| {
        shown.set_length(progress.total as u64);
        shown.set_position(progress.done as u64);
    };
    let report = folder(config, from, skip_bad, &progress).await;
    bar.finish_and_clear();
    terminal::say(report?);
    Ok(())
}

/// Loads, telling `progress` how many rows of how many are done.
pub async fn folder(
    config: &Config,
    from: &Path,
    skip_bad: bool,
    progress: &(dyn Fn(Progress) + Send + Sync),
) -> Result<Report, Error> {
    let plan = Plan::of(from).map_err(Error::part("Reading the catalogue"))?;
    let writer = setup::writer(config).await?;
    load::load(&writer, &plan, Options { skip_bad }, progress).await.map_err(refused)
}

/// Bad rows are a report of their own, with the way on.
fn refused(error: load::Error) -> Error {
    match error {
        load::Error::BadRows(report) => {
            terminal::remark(&report);
            let bad = report.bad.len();
            Error::Found(format!(
                "{bad} bad rows, so nothing was loaded; mend them, or load the good ones with --skip-bad"
            ))
        }
        other => Error::part("Loading the catalogue")(other),
    }
}

fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} {per_sec}, {eta} left");
    ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
