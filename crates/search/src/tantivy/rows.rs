//! The columns of a segment in memory, document by document: what filters, counts and ties look at.
//!
//! A search with all facets looks at some fifteen values of every document that it matches. Here they lie side
//! by side, as numbers that mean the same in every segment, so that counting is one pass over whole numbers and
//! only the values that are told become text again. A million documents take about 120 MB.

use super::matching::each_of_term;
use super::schema::{Fields, RANK, entity_of_rank};
use crate::engine::{Column, RANK_BYTES};
use crate::query::Facet;
use ::tantivy::columnar::StrColumn;
use ::tantivy::index::{SegmentId, SegmentReader};
use ::tantivy::schema::Field;
use ::tantivy::{DocId, Searcher};
use domain::EntityKind;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Columns whose values are held, in the order of their numbers.
const COLUMNS: usize = Facet::ALL.len() + 1;
/// Longest beginning of a key whose documents are remembered, in bytes: a first letter begins a hundred thousand
/// keys of a million.
const BEGINNING_BYTES_MAX: usize = 3;
/// Fewest documents of a segment that remembers.
const REMEMBERING_MIN: usize = 10_000;
/// Most beginnings that a segment remembers.
const BEGINNINGS_MAX: usize = 8_000;
/// The kind of what was deleted.
const NO_KIND: u8 = u8::MAX;

/// The number of a column.
pub(super) fn column_number(column: Column) -> u8 {
    let at = match column {
        Column::Facet(facet) => Facet::ALL.iter().position(|known| *known == facet).unwrap_or_default(),
        Column::PrimaryRaga => COLUMNS - 1,
    };
    at as u8
}

/// The number of a kind.
pub(super) fn kind_number(kind: EntityKind) -> u8 {
    EntityKind::ALL.iter().position(|known| *known == kind).map_or(NO_KIND, |at| at as u8)
}

/// One state of an index, with everything that a search needs.
pub(super) struct View {
    pub(super) searcher: Searcher,
    /// Of each segment, in the order of the searcher.
    pub(super) rows: Vec<Arc<Rows>>,
    pub(super) values: Arc<Values>,
}

impl View {
    /// Reads the segments that `before` has not read yet.
    pub(super) fn of(searcher: Searcher, fields: &Fields, before: Option<&Self>) -> ::tantivy::Result<Self> {
        let known: HashMap<SegmentId, &Arc<Rows>> = before
            .into_iter()
            .flat_map(|before| before.searcher.segment_readers().iter().zip(&before.rows))
            .map(|(segment, rows)| (segment.segment_id(), rows))
            .collect();
        let mut values = before.map(|before| Arc::clone(&before.values)).unwrap_or_default();
        let mut rows = Vec::with_capacity(searcher.segment_readers().len());
        for segment in searcher.segment_readers() {
            rows.push(match known.get(&segment.segment_id()) {
                Some(rows) => Arc::clone(rows),
                None => Arc::new(Rows::read(segment, fields, &mut values)?),
            });
        }
        Ok(Self { searcher, rows, values })
    }
}

/// Every value of every column, by a number that stays.
#[derive(Clone, Default)]
pub(super) struct Values {
    pub(super) texts: Vec<Arc<str>>,
    /// The column of each.
    pub(super) columns: Vec<u8>,
    /// The place of each among the values of all columns in the order of their bytes.
    pub(super) places: Vec<u32>,
    numbers: HashMap<(u8, Arc<str>), u32>,
}

impl Values {
    /// The number of a value that some document has, or had.
    pub(super) fn number(&self, column: Column, value: &str) -> Option<u32> {
        self.numbers.get(&(column_number(column), Arc::from(value))).copied()
    }

    fn add(&mut self, column: u8, text: &str) -> u32 {
        let text: Arc<str> = Arc::from(text);
        let next = self.texts.len() as u32;
        let number = *self.numbers.entry((column, Arc::clone(&text))).or_insert(next);
        if number == next {
            self.texts.push(text);
            self.columns.push(column);
        }
        number
    }

    fn sort(&mut self) {
        let mut order: Vec<u32> = (0_u32..).take(self.texts.len()).collect();
        order.sort_unstable_by(|a, b| self.texts[*a as usize].cmp(&self.texts[*b as usize]));
        self.places = vec![0; order.len()];
        (0_u32..).zip(order).for_each(|(place, number)| self.places[number as usize] = place);
    }
}

/// Documents by field and the beginning of a key.
type Beginnings = HashMap<(Field, String), Arc<[DocId]>>;

/// One segment.
#[derive(Default)]
pub(super) struct Rows {
    /// Number of the kind of each document; that of no kind for what was deleted.
    pub(super) kinds: Vec<u8>,
    /// Where the values of each document begin.
    starts: Vec<u32>,
    values: Vec<u32>,
    /// The place of each document among the ranks.
    pub(super) ranks: Vec<u32>,
    /// The ranks in order, one behind the other.
    rank_bytes: Vec<u8>,
    /// Documents by the beginning of a key, as they were asked for.
    beginnings: Mutex<Beginnings>,
}

impl Rows {
    /// The numbers of a document's values.
    pub(super) fn values(&self, doc: DocId) -> &[u32] {
        let doc = doc as usize;
        let (Some(from), Some(to)) = (self.starts.get(doc), self.starts.get(doc + 1)) else { return &[] };
        self.values.get(*from as usize..*to as usize).unwrap_or_default()
    }

    /// The rank at a place.
    pub(super) fn rank(&self, place: u32) -> &[u8] {
        let from = place as usize * RANK_BYTES;
        self.rank_bytes.get(from..from + RANK_BYTES).unwrap_or_default()
    }

    /// The first place behind a rank, which this segment need not hold.
    pub(super) fn first_behind(&self, rank: &[u8]) -> u32 {
        let (mut from, mut to) = (0, (self.rank_bytes.len() / RANK_BYTES) as u32);
        while from < to {
            let middle = from + (to - from) / 2;
            if self.rank(middle) <= rank { from = middle + 1 } else { to = middle }
        }
        from
    }

    /// Whether documents by such a beginning are remembered.
    pub(super) fn remembers(&self, prefix: &str) -> bool {
        prefix.len() <= BEGINNING_BYTES_MAX && self.kinds.len() >= REMEMBERING_MIN
    }

    /// The documents with a key that begins so, where they were asked for before.
    pub(super) fn beginning(&self, field: Field, prefix: &str) -> Option<Arc<[DocId]>> {
        let beginnings = self.beginnings.lock().unwrap_or_else(PoisonError::into_inner);
        beginnings.get(&(field, prefix.to_owned())).cloned()
    }

    pub(super) fn remember(&self, field: Field, prefix: &str, documents: Arc<[DocId]>) {
        let mut beginnings = self.beginnings.lock().unwrap_or_else(PoisonError::into_inner);
        if beginnings.len() < BEGINNINGS_MAX {
            beginnings.insert((field, prefix.to_owned()), documents);
        }
    }

    fn read(segment: &SegmentReader, fields: &Fields, values: &mut Arc<Values>) -> ::tantivy::Result<Self> {
        let mut rows = Self::default();
        rows.read_ranks(segment)?;
        rows.read_kinds(segment, fields)?;
        rows.read_values(segment, values)?;
        Ok(rows)
    }

    fn read_kinds(&mut self, segment: &SegmentReader, fields: &Fields) -> ::tantivy::Result<()> {
        self.kinds = vec![NO_KIND; segment.max_doc() as usize];
        for kind in EntityKind::ALL {
            let number = kind_number(kind);
            each_of_term(segment, fields.kind, kind.as_str(), |doc| self.kinds[doc as usize] = number)?;
        }
        Ok(())
    }

    fn read_ranks(&mut self, segment: &SegmentReader) -> ::tantivy::Result<()> {
        let Some(column) = segment.fast_fields().bytes(RANK)? else {
            self.ranks = vec![u32::MAX; segment.max_doc() as usize];
            return Ok(());
        };
        self.ranks = (0..segment.max_doc())
            .map(|doc| column.ords().first(doc).and_then(|ord| u32::try_from(ord).ok()).unwrap_or(u32::MAX))
            .collect();
        self.rank_bytes = Vec::with_capacity(column.num_terms() * RANK_BYTES);
        let mut ranks = column.dictionary().stream()?;
        while ranks.advance() {
            debug_assert!(entity_of_rank(ranks.key()).is_some());
            self.rank_bytes.extend_from_slice(ranks.key());
        }
        Ok(())
    }

    fn read_values(&mut self, segment: &SegmentReader, values: &mut Arc<Values>) -> ::tantivy::Result<()> {
        let mut columns: Vec<(StrColumn, Vec<u32>)> = Vec::with_capacity(COLUMNS);
        for column in Facet::ALL.map(Column::Facet).into_iter().chain([Column::PrimaryRaga]) {
            if let Some(held) = segment.fast_fields().str(column.as_str())? {
                let numbers = numbers(&held, column_number(column), values)?;
                columns.push((held, numbers));
            }
        }
        self.starts = Vec::with_capacity(segment.max_doc() as usize + 1);
        self.starts.push(0);
        for doc in 0..segment.max_doc() {
            for (column, numbers) in &columns {
                let its = column.term_ords(doc).filter_map(|ord| numbers.get(usize::try_from(ord).ok()?));
                self.values.extend(its);
            }
            self.starts.push(self.values.len() as u32);
        }
        self.values.shrink_to_fit();
        Ok(())
    }
}

/// The number of each value of a column, by its place in the segment.
fn numbers(column: &StrColumn, number: u8, values: &mut Arc<Values>) -> ::tantivy::Result<Vec<u32>> {
    let mut numbers = Vec::with_capacity(column.num_terms());
    let mut texts = column.dictionary().stream()?;
    let before = values.texts.len();
    let mut grown: Option<Values> = None;
    while texts.advance() {
        let text = String::from_utf8_lossy(texts.key());
        let known = values.numbers.get(&(number, Arc::from(text.as_ref()))).copied();
        numbers.push(match known {
            Some(known) => known,
            None => grown.get_or_insert_with(|| Values::clone(values)).add(number, &text),
        });
    }
    if let Some(mut grown) = grown.filter(|grown| grown.texts.len() > before) {
        grown.sort();
        *values = Arc::new(grown);
    }
    Ok(numbers)
}
