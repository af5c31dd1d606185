//! What is new: songs that were published or corrected last, for programs that follow.

pub mod atom;
pub mod json;

use crate::compositions::list::keys;
use crate::error::store_problem;
use crate::parameters;
use crate::view::CompositionItem;
use chrono::{DateTime, Utc};
use lipi::Script;
use serde::Deserialize;
use store::{CompositionFilter, Read, Sort};
use utoipa::IntoParams;
use web::{Problem, SurrogateKeys};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Parameters {
    /// The script of names and titles.
    script: Option<String>,
}

/// Songs of a feed.
const ENTRIES: usize = 50;
const TITLE: &str = "Sangraha: new and corrected songs";

/// One song of a feed.
struct Entry {
    id: String,
    url: String,
    title: String,
    authors: Vec<String>,
    summary: String,
    published_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// The songs that changed last, the newest change first.
async fn entries(read: &Read, site: &str, script: Option<Script>) -> Result<Vec<Entry>, Problem> {
    let filter = CompositionFilter { sort: Sort::Changed, ..CompositionFilter::default() };
    let page = read.compositions(&filter, ENTRIES, None).await.map_err(store_problem)?;
    let entry = |row: store::CompositionRow| {
        let (published_at, updated_at) = (row.published_at, row.updated_at);
        let song = CompositionItem::of(&row, script);
        Entry {
            id: format!("urn:uuid:{}", song.id),
            url: format!("{site}/compositions/{}", song.slug),
            summary: summary(&song, updated_at > published_at),
            authors: song.composer.iter().map(|composer| composer.label.clone()).collect(),
            title: song.title,
            published_at,
            updated_at,
        }
    };
    Ok(page.items.into_iter().map(entry).collect())
}

fn summary(song: &CompositionItem, is_corrected: bool) -> String {
    let names = |labels: &[crate::view::Label]| -> String {
        labels.iter().map(|label| label.label.as_str()).collect::<Vec<_>>().join(", ")
    };
    let what = if is_corrected { "Corrected" } else { "New" };
    let mut parts = vec![format!("{what}: {}", song.form.as_str().replace('_', " "))];
    parts.extend(song.composer.as_ref().map(|composer| format!("by {}", composer.label)));
    parts.extend((!song.ragas.is_empty()).then(|| format!("raga {}", names(&song.ragas))));
    parts.extend((!song.talas.is_empty()).then(|| format!("tala {}", names(&song.talas))));
    parts.join(", ")
}

/// When the feed changed last; the epoch for an empty one, so that it is the same on every node.
fn updated_at(entries: &[Entry]) -> DateTime<Utc> {
    entries.first().map_or(DateTime::UNIX_EPOCH, |entry| entry.updated_at)
}

fn entry_keys() -> SurrogateKeys {
    keys()
}

fn script(asked: &Parameters) -> Result<Option<Script>, Problem> {
    parameters::script(asked.script.as_deref())
}
