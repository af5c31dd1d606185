//! What readers saw of a song: its published revisions. A draft is never among them, and neither is what was
//! withdrawn.

pub mod diff;
pub mod get;
pub mod list;

use crate::error::store_problem;
use crate::page::live;
use chrono::{DateTime, Utc};
use domain::revision::ChangeKind;
use domain::{Composition, EntityRef, Record};
use serde::Serialize;
use store::{Live, Published, PublishedRow, Read};
use utoipa::ToSchema;
use web::Problem;

/// A published revision without its content.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Head {
    /// Its number among all revisions; what was never published leaves gaps.
    pub number: i32,
    pub change_kind: ChangeKind,
    /// SHA-256 of its content, hexadecimal.
    pub hash: String,
    pub recorded_at: DateTime<Utc>,
    /// When readers first saw it.
    pub published_at: DateTime<Utc>,
    /// Whether it is what readers see now.
    pub is_live: bool,
}

impl From<PublishedRow> for Head {
    fn from(row: PublishedRow) -> Self {
        let PublishedRow { number, hash, change_kind, recorded_at, published_at, is_live } = row;
        Self { number, change_kind, hash: hash.to_hex(), recorded_at, published_at, is_live }
    }
}

/// One published revision by its number, as a path or a query names it.
pub(crate) async fn numbered(
    read: &Read,
    entity: EntityRef,
    number: i32,
) -> Result<Option<Published>, Problem> {
    read.published_revision(entity, number).await.map_err(store_problem)
}

/// The page of `entity` as it was in `past`. Names of what it refers to, and its groups, are those of today.
pub(crate) async fn live_as(read: &Read, entity: EntityRef, past: Published) -> Result<Live, Problem> {
    let now = live(read, entity.kind, entity.id).await?;
    let referred: Vec<_> = past.record.references().into_iter().map(|(_, target)| target.id).collect();
    let labels = read.labels(&referred, None).await.map_err(store_problem)?;
    let Published { row, record } = past;
    let mut label = now.label.clone();
    if record.names() != now.record.names() {
        // A title that it had then is shown; one that was made from today's title is not.
        label.label = record.label().to_owned();
        label.machine_made = false;
        label.scripts.retain(|shown| record.names().iter().any(|name| name.text == shown.text));
    }
    Ok(Live {
        revision: row.number,
        hash: row.hash,
        recorded_at: row.recorded_at,
        record,
        label,
        labels,
        ..now
    })
}

/// The song that a published revision holds.
pub(crate) fn song(past: &Published) -> Result<&Composition, Problem> {
    match &past.record {
        Record::Composition(song) => Ok(song),
        _ => Err(Problem::not_found()),
    }
}
