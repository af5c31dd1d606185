//! Stored parts of documents that were found lately, at hand for the next search that finds them.
//!
//! Some forty candidates of every search are judged by what was stored with them; reading and copying that anew each
//! time costs more than finding them. A document of a segment never changes, so nothing here goes stale.

use super::engine;
use super::schema::Fields;
use crate::Error;
use crate::engine::Stored;
use ::tantivy::index::SegmentId;
use ::tantivy::{DocAddress, DocId, Searcher};
use lru::LruCache;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Documents on the shelf; a song with words takes some five kilobytes.
const DOCUMENTS_MAX: NonZeroUsize = NonZeroUsize::new(4_096).unwrap();

type Place = (SegmentId, DocId);

/// The documents that were found last.
pub(super) struct Shelf(Mutex<LruCache<Place, Arc<Stored>>>);

impl Default for Shelf {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(DOCUMENTS_MAX)))
    }
}

impl Shelf {
    /// What was stored with documents, in their order.
    pub(super) fn stored(
        &self,
        searcher: &Searcher,
        fields: &Fields,
        addresses: Vec<DocAddress>,
    ) -> Result<Vec<Arc<Stored>>, Error> {
        let place = |address: DocAddress| -> Place {
            (searcher.segment_reader(address.segment_ord).segment_id(), address.doc_id)
        };
        let known: Vec<Option<Arc<Stored>>> = {
            let mut held = self.held();
            addresses.iter().map(|address| held.get(&place(*address)).cloned()).collect()
        };
        let read = |(address, known): (DocAddress, Option<Arc<Stored>>)| match known {
            Some(known) => Ok(known),
            None => {
                let stored = Arc::new(read(searcher, fields, address)?);
                self.held().put(place(address), Arc::clone(&stored));
                Ok(stored)
            }
        };
        addresses.into_iter().zip(known).map(read).collect()
    }

    fn held(&self) -> MutexGuard<'_, LruCache<Place, Arc<Stored>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(searcher: &Searcher, fields: &Fields, address: DocAddress) -> Result<Stored, Error> {
    let document = searcher.doc(address).map_err(engine("read a document"))?;
    let missing = || Error::Engine { action: "read a document", source: "its stored part is missing".into() };
    fields.stored(&document).ok_or_else(missing)
}
