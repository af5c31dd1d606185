//! `sangraha check`: the standing report on a catalogue folder or on the platform.

use crate::config::{Config, Layers};
use crate::{Error, setup, terminal};
use domain::Severity;
use domain::quality::{Finding, Survey};
use std::collections::BTreeMap;
use std::path::Path;
use worker::load;

/// Prints every finding and the counts by rule; fails where one would stop a publication.
pub async fn run(
    folder: Option<&Path>,
    layers: impl FnOnce() -> Result<Layers, Error>,
    json: bool,
) -> Result<(), Error> {
    let mut survey = Survey::default();
    match folder {
        Some(folder) => load::survey(folder, &mut survey).map_err(Error::part("Checking the catalogue"))?,
        None => {
            let writer = setup::writer(&Config::load(&layers()?)?).await?;
            let walked = writer.walk(&mut |entity, record| survey.look(entity, record)).await;
            walked.map_err(Error::part("Checking the platform"))?;
        }
    }
    let records = survey.records;
    let found = survey.finish();
    say(records, &found, json)?;
    match found.iter().filter(|finding| finding.severity > Severity::Warning).count() {
        0 => Ok(()),
        grave => Err(Error::Found(format!("{grave} findings would stop a publication"))),
    }
}

fn say(records: usize, found: &[Finding], json: bool) -> Result<(), Error> {
    if json {
        let text = serde_json::to_string_pretty(found).map_err(Error::part("Writing the report"))?;
        terminal::say(text);
        return Ok(());
    }
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for Finding { rule, entity, label, field, message, .. } in found {
        *counts.entry(rule.as_str()).or_default() += 1;
        terminal::say(format_args!("{}: {} {label} {field}: {message}", rule.as_str(), entity.kind));
    }
    for (rule, count) in counts {
        terminal::say(format_args!("{rule}: {count}"));
    }
    terminal::say(format_args!("{records} records, {} findings", found.len()));
    Ok(())
}
