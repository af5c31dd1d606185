//! What this node has read and keeps parsed: the lines of songs, the names of everything, and all ragas.
//!
//! Searches and pages of ragas are made from the same few thousand rows again and again. They are kept under the
//! keys of the caches, so the events that purge answers take these away too; what is missing is read, all of it in
//! one statement. A value says up to where it is known to be right, and an answer is stamped with the lowest of
//! its parts, since a purge must still reach it.

use crate::ragas::all::Ragas;
use cache::{Cache, Shelf};
use domain::EntityKind;
use domain::event::{list_surrogate_key, surrogate_key};
use std::collections::HashMap;
use std::sync::Arc;
use store::{CompositionRow, Error, Label, Read};
use uuid::Uuid;

/// Songs that are kept: some 5 KB each.
const SONGS_MAX: usize = 8_192;
/// Names that are kept: under 1 KB each.
const LABELS_MAX: usize = 16_384;

/// Rows of the database, parsed. Clones share them.
#[derive(Clone)]
pub struct Held(Arc<Shelves>);

struct Shelves {
    songs: Shelf<Uuid, CompositionRow>,
    labels: Shelf<Uuid, Label>,
    ragas: Shelf<(), Ragas>,
}

/// Rows by their ids, and where all of them are known to be right.
pub(crate) struct Rows<T> {
    by_id: HashMap<Uuid, Arc<T>>,
    /// The lowest position of all, and of the node that was asked.
    pub lsn: u64,
}

impl<T> Rows<T> {
    pub fn get(&self, id: Uuid) -> Option<&T> {
        self.by_id.get(&id).map(Arc::as_ref)
    }
}

impl Held {
    /// Nothing yet; what will be kept follows the floors of `cache`.
    pub fn new(cache: &Cache) -> Self {
        Self(Arc::new(Shelves {
            songs: cache.shelf(SONGS_MAX),
            labels: cache.shelf(LABELS_MAX),
            ragas: cache.shelf(1),
        }))
    }

    /// Those of `ids` that are live, as lines of a list.
    pub(crate) async fn songs(&self, read: &Read, ids: &[Uuid]) -> Result<Rows<CompositionRow>, Error> {
        let (mut rows, missing, ticket) = known(&self.0.songs, read, ids);
        if !missing.is_empty() {
            let read_now = read.composition_rows(&missing).await?;
            let lsn = read.lsn();
            rows.lsn = rows.lsn.min(lsn);
            for row in read_now {
                let tags = row.shows().map(surrogate_key).collect();
                let held = self.0.songs.put(ticket, row.id, row, tags, lsn);
                rows.by_id.insert(held.value.id, held.value);
            }
        }
        Ok(rows)
    }

    /// The names of those of `ids` that are live.
    pub(crate) async fn labels(&self, read: &Read, ids: &[Uuid]) -> Result<Rows<Label>, Error> {
        let (mut rows, missing, ticket) = known(&self.0.labels, read, ids);
        if !missing.is_empty() {
            let read_now = read.labels(&missing, None).await?;
            let lsn = read.lsn();
            rows.lsn = rows.lsn.min(lsn);
            for (id, label) in read_now {
                let tags = vec![surrogate_key(label.entity)];
                rows.by_id.insert(id, self.0.labels.put(ticket, id, label, tags, lsn).value);
            }
        }
        Ok(rows)
    }

    /// All ragas, and where they are known to be right.
    pub(crate) async fn ragas(&self, read: &Read) -> Result<(Arc<Ragas>, u64), Error> {
        let ticket = self.0.ragas.ticket();
        if let Some((_, held)) = self.0.ragas.find(&[()]).0.pop() {
            return Ok((held.value, held.lsn.min(read.lsn())));
        }
        let rows = read.ragas_all().await?;
        let held = self.0.ragas.put(
            ticket,
            (),
            Ragas::of(rows),
            vec![list_surrogate_key(EntityKind::Raga)],
            read.lsn(),
        );
        Ok((held.value, held.lsn))
    }
}

fn known<T>(shelf: &Shelf<Uuid, T>, read: &Read, ids: &[Uuid]) -> (Rows<T>, Vec<Uuid>, cache::Ticket) {
    let ticket = shelf.ticket();
    let (found, missing) = shelf.find(ids);
    let lsn = found.iter().map(|(_, held)| held.lsn).fold(read.lsn(), u64::min);
    let by_id = found.into_iter().map(|(id, held)| (id, held.value)).collect();
    (Rows { by_id, lsn }, missing, ticket)
}
